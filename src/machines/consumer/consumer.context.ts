// SPDX-License-Identifier: Apache-2.0
/** What does the consumer chart remember? Its public part is ConsumerView. */
import type { RocketmqError } from '../../errors/errors.ts';
import type { MessageQueue, QueueKey } from '../../model/message-queue.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Pauses } from '../commands/pauses.ts';
import type { QueuesEvent } from '../queues/queues.types.ts';
import type { Hidden } from '../shared/hidden.ts';
import type { Receiver } from '../shared/refs.ts';
import type { ConsumerView, ShutdownReport, StepReport } from './consumer.types.ts';
import type { ConsumerParts } from './consumer-parts.ts';

export type Intent = 'active' | 'suspended';

export interface ConsumerContext extends ConsumerView {
  readonly parts: Hidden<ConsumerParts>;
  /** What the user asked for; applied on entering running. */
  readonly intent: Intent;
  /** Queues and topics the user has paused, owned now or not. */
  readonly pauses: Pauses;
  /** Which shard keeps a queue, draining ones included. */
  readonly residence: ReadonlyMap<QueueKey, number>;
  readonly shards: Hidden<readonly Receiver<QueuesEvent>[]>;
  /** Queues that have not yet been compared with the broker after a time gap. */
  readonly unverified: ReadonlySet<QueueKey>;
  /** After a time gap: the last round of sharing that was begun before it could count. */
  readonly staleRound: number;
  readonly lastStartError: RocketmqError | undefined;
  readonly stop: StopProgress | undefined;
}

/** The shutdown so far. Times are monotonic ms. */
export interface StopProgress {
  readonly reason: ShutdownReport['reason'];
  readonly error: RocketmqError | undefined;
  readonly startedAt: number;
  readonly deadline: number;
  readonly stepStartedAt: number;
  readonly steps: readonly StepReport[];
  readonly abandoned: number;
  readonly committed: readonly { readonly queue: MessageQueue; readonly offset: QueueOffset }[];
  readonly uncommitted: readonly { readonly queue: MessageQueue; readonly offset: QueueOffset }[];
}
