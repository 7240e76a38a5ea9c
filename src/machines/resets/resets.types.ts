// SPDX-License-Identifier: Apache-2.0
/** What does the look-out for resets take, know and tell? */
import type { MessageQueue, QueueKey } from '../../model/message-queue.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** A queue of which nothing is held, and what its broker has as the group's offset unless somebody else changed it. */
export interface IdleQueue {
  readonly queue: MessageQueue;
  readonly committed: QueueOffset;
}

/** What the machine needs of the consumer and the brokers. */
export interface ResetsPort {
  /** Asked anew for every look; must not throw. */
  idleQueues(): readonly IdleQueue[];
  /** The group's offset as the broker has it (14): of a reset that it has not told yet, the reset's. Has its own time limit. */
  storedOffset(queue: MessageQueue, signal: AbortSignal): Promise<QueueOffset | undefined>;
}

export interface ResetsInput {
  readonly port: ResetsPort;
  /** From the end of a look to the next. Unit: ms. Default 2500. */
  readonly interval?: number;
  readonly parent: Receiver<ResetsReport>;
}

export interface ResetsContext extends ResetsInput {
  /** Counts looks: each begins with other queues than the one before. */
  readonly round: number;
  /** What was told lately of a queue, and in which round. */
  readonly told: ReadonlyMap<QueueKey, { readonly stored: QueueOffset | undefined; readonly round: number }>;
}

/** What a broker said of a queue; undefined: nothing, or no answer came. */
export interface Look {
  readonly idle: IdleQueue;
  readonly stored: QueueOffset | undefined;
}

/** Where somebody else moved an offset. */
export interface Suspect {
  readonly topic: string;
  readonly brokerName: string;
}

export type ResetsEvent = FaultEvent;

export type ResetsReport =
  /** Pull the queues of that topic anew: a broker tells a reset only to a pull that comes after it. */
  { readonly type: 'reset.suspected'; readonly suspects: readonly Suspect[] } | FaultEvent;
