// SPDX-License-Identifier: Apache-2.0
/** What does a shard of queue actors take, know and tell? */
import type { ErrorActorEvent } from 'xstate';
import type { MessageQueue, QueueKey } from '../../model/message-queue.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import type { Pauses } from '../commands/pauses.ts';
import type { Seek } from '../pull/pull.types.ts';
import type { QueueReport, QueueWork } from '../queue/queue.types.ts';
import type { Suspect } from '../resets/resets.types.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** Most queues in one shard: stopping many flat children is quadratic. */
export const shardSize = 64;

export interface Assignment {
  readonly queue: MessageQueue;
  /** The newest member list names nobody but us. */
  readonly alone: boolean;
  readonly suspended: boolean;
}

/** `leaving`: still draining. `returning`: assigned again meanwhile; starts anew once it has left. */
export type Residence =
  | { readonly kind: 'here'; readonly queue: MessageQueue }
  | { readonly kind: 'leaving'; readonly queue: MessageQueue }
  | { readonly kind: 'returning'; readonly queue: MessageQueue; readonly assignment: Assignment };

export interface QueuesInput {
  /** Makes what a queue works with; called once for each assignment. */
  readonly openQueue: (queue: MessageQueue, options: { readonly alone: boolean }) => QueueWork;
  readonly pauses: Pauses;
  /** The consumer neither pulls nor delivers just now. */
  readonly suspended: boolean;
  readonly parent: Receiver<QueueReport>;
}

export interface QueuesContext extends QueuesInput {
  readonly residents: ReadonlyMap<QueueKey, Residence>;
}

export type QueuesEvent =
  | { readonly type: 'queues.assign'; readonly assignment: Assignment }
  | {
      readonly type: 'queues.revoke';
      readonly queue: MessageQueue;
      readonly reason: RevokeReason;
      readonly grace: number;
    }
  | { readonly type: 'queues.revokeAll'; readonly reason: RevokeReason; readonly grace: number }
  /** Time passed without us: whoever got the queues we are leaving may be ahead. */
  | { readonly type: 'queues.disownLeaving'; readonly grace: number }
  | { readonly type: 'queues.suspend' }
  | { readonly type: 'queues.resume' }
  | { readonly type: 'queues.verify' }
  /** Offsets of these topics may have been reset: their brokers are asked anew. */
  | { readonly type: 'queues.renew'; readonly suspects: readonly Suspect[] }
  /** What the user wants paused from now on. */
  | { readonly type: 'queues.pause'; readonly pauses: Pauses }
  | ({ readonly type: 'queues.seek'; readonly queue: MessageQueue } & Seek)
  | QueueReport
  /** A queue actor died of an error: XState's own event. */
  | ErrorActorEvent
  | FaultEvent;
