// SPDX-License-Identifier: Apache-2.0
/** What may a user do when queues are given up? */
import type { MessageQueue } from '../model/message-queue.ts';
import type { RevokeReason } from '../model/revoke-reason.ts';

/** What `onQueuesRevoked` hears beside the queues. */
export interface RevokeHookContext {
  /** `lost`: somebody else has the queues already; `deleted`: their topic is gone. Nothing of them is committed any more. */
  readonly reason: RevokeReason;
  /** Aborted when `revokeTimeout` (at a stop: what is left of it) is over; the queues go on their way then. */
  readonly signal: AbortSignal;
}

/**
 * Called once for all queues whose handlers ended in the same turn, before their last commit. What it throws is a `fault`.
 * @example onQueuesRevoked: async (queues, { reason }) => { await writeBehind.flush(queues); }
 */
export type RevokeHook = (
  queues: readonly MessageQueue[],
  context: RevokeHookContext,
) => void | PromiseLike<void>;
