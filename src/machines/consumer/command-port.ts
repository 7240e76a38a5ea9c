// SPDX-License-Identifier: Apache-2.0
/** Which calls and parts of the consumer stand behind seek, resetOffset and commit? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConsumerError } from '../../errors/errors.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { MessageExt } from '../../model/message.ts';
import { type MessageQueue, queueKey } from '../../model/message-queue.ts';
import { queueOffset } from '../../model/queue-offset.ts';
import type { OffsetStore } from '../../stores/offset-store.ts';
import type { StartPort } from '../../stores/start-position.ts';
import type { CommandsPort } from '../commands/commands.types.ts';
import { notOwned, pastUnfinished } from '../commands/refusals.ts';
import type { OffsetsReport } from '../offsets/offsets.types.ts';

export interface CommandWiring {
  readonly config: Pick<ResolvedConfig, 'enableAutoCommit' | 'consumerTimeoutMillisOfRequest'>;
  /** With the time limit of the consumer's requests. */
  readonly brokers: Pick<StartPort, 'minOffset' | 'maxOffset' | 'searchOffset'>;
  readonly store: Pick<OffsetStore, 'persistAll'>;
  /** Undefined for a queue that is not held. */
  readonly heldOf: (queue: MessageQueue) => OwnedQueue<MessageExt> | undefined;
  /** By the last decision. */
  readonly owned: () => readonly MessageQueue[];
  readonly isSubscribed: (topic: string) => boolean;
  readonly tell: (event: OffsetsReport) => void;
}

export function commandsPort(wiring: CommandWiring): CommandsPort {
  const { brokers, owned, isSubscribed } = wiring;
  return {
    owned,
    isSubscribed,
    minOffset: (queue, signal) => brokers.minOffset(queue, { signal }),
    maxOffset: (queue, signal) => brokers.maxOffset(queue, { signal }),
    offsetAt: (queue, timestamp, signal) => brokers.searchOffset(queue, timestamp, { signal }),
    confirmPlace: (queue, signal) => handOver(wiring, [queue], signal),
    commit: (queues, upTo, signal) => {
      for (const queue of queues) approve(wiring, queue, upTo);
      return handOver(wiring, queues, signal);
    },
  };
}

/** Of a queue whose start is not known yet nothing is done. */
function approve({ config, heldOf }: CommandWiring, queue: MessageQueue, upTo: number | undefined): void {
  const held = heldOf(queue);
  const point = held?.commitPoint;
  if (held === undefined || point === undefined) {
    if (upTo !== undefined) throw noPlaceYet(queue, upTo);
    return;
  }
  if (upTo !== undefined && upTo > point) throw pastUnfinished(queue, upTo, point);
  if (!config.enableAutoCommit) held.approve(upTo === undefined ? undefined : queueOffset(upTo));
}

/** By answered calls, and looked up afterwards. */
async function handOver(
  { config, store, heldOf, tell }: CommandWiring,
  queues: readonly MessageQueue[],
  signal: AbortSignal,
): Promise<void> {
  const timeoutMs = 2 * config.consumerTimeoutMillisOfRequest; // a carrier on its way is waited for
  const { committed, uncommitted } = await store.persistAll(queues, { answered: true, timeoutMs, signal });
  if (committed.length > 0) tell({ type: 'offsets.persisted', committed });
  const [failed] = uncommitted;
  if (failed !== undefined) throw failed.error;
  for (const queue of queues) if (heldOf(queue) === undefined) throw notOwned(queue); // given up meanwhile: nothing was handed over
}

function noPlaceYet(queue: MessageQueue, offset: number): ConsumerError {
  const key = queueKey(queue);
  return new ConsumerError('RMQ_OFFSET_UNKNOWN', `offset ${offset} of ${key}: nothing of it was read yet`, {
    context: { queue: key, offset },
  });
}
