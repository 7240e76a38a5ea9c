// SPDX-License-Identifier: Apache-2.0
/** What of its children's reports does the queue actor hand on, what does it hand down, and how long does it wait? Pure. */
import { ConnectionError, ConsumerError, toError } from '../../errors/errors.ts';
import type { MessageQueue, QueueKey } from '../../model/message-queue.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import type { QueueContext, QueueEvent, QueueReport, QueueWork } from './queue.types.ts';

type ForChildren = Extract<QueueEvent, { type: 'queue.suspend' | 'queue.resume' | 'queue.verify' }>;

export function isForChildren(event: QueueEvent): event is ForChildren {
  return event.type === 'queue.suspend' || event.type === 'queue.resume' || event.type === 'queue.verify';
}

export function reportOf(
  owned: { readonly queue: MessageQueue; readonly key: QueueKey },
  event: QueueEvent,
): QueueReport | undefined {
  const { queue } = owned;
  switch (event.type) {
    case 'pull.placed':
      return { type: 'queue.placed', queue, offset: event.offset };
    case 'pull.verified':
      return { type: 'queue.verified', queue };
    case 'pull.corrected':
      return { type: 'queue.corrected', queue, from: event.from, to: event.to, reason: event.reason };
    case 'pull.throttled':
      return { type: 'queue.throttled', queue, cause: event.cause };
    case 'pull.unthrottled':
      return { type: 'queue.unthrottled', queue };
    case 'pull.skipped':
      return { type: 'queue.skipped', queue, queueOffset: event.queueOffset };
    case 'consume.stuck':
      return { type: 'queue.stuck', queue, msgId: event.msgId, runningMs: event.runningMs };
    case 'pull.troubled':
      return { type: 'queue.troubled', queue, error: event.error };
    case 'consume.misused':
      return { type: 'fault', error: event.error, actor: owned.key };
    case 'queue.revoke':
    case 'queue.suspend':
    case 'queue.resume':
    case 'queue.verify':
    case 'queue.renew':
    case 'queue.seek':
    case 'lock.lost':
    case 'fault':
      return undefined;
  }
}

/**
 * A queue that was lost stays lost, and one given to another member stays given: its commit must look at the next owner's
 * also when the consumer stops meanwhile. A further revoke may shorten the grace, never lengthen it.
 */
export function revokedAgain(
  { reason, graceEnds, work }: QueueContext,
  revoke: { readonly reason: RevokeReason; readonly grace: number },
): Pick<QueueContext, 'reason' | 'grace' | 'graceEnds'> {
  const now = work.settings.now();
  const ends = Math.min(graceEnds, now + revoke.grace);
  return {
    reason: graceEnds === Number.POSITIVE_INFINITY || revoke.reason === 'lost' ? revoke.reason : reason,
    grace: Math.max(0, ends - now),
    graceEnds: ends,
  };
}

/** Past the time limits the commit has itself, so that its own, better error comes first. Unit: ms. */
const commitMargin = 500;

/** Two requests: it asks where the queue stands before it commits. Unit: ms. */
export function commitLimit({ work }: QueueContext): number {
  return 2 * work.settings.commitTimeout + commitMargin;
}

export function notConfirmed(context: QueueContext): ConnectionError {
  const { key } = context.work.owned;
  const timeoutMs = commitLimit(context);
  return new ConnectionError(
    'RMQ_REQUEST_TIMEOUT',
    `the last commit of ${key} was not answered within ${timeoutMs} ms`,
    { context: { queue: key, timeoutMs } },
  );
}

/** What the user's onQueuesRevoked is called for. */
export interface HookCall {
  readonly work: QueueWork;
  readonly reason: RevokeReason;
}

/** It gets this much also when the listeners took the whole grace. Unit: ms. */
export const leastForHook = 1000;

/** What is left of the grace. Unit: ms. */
export function hookLimit({ graceEnds, work }: QueueContext): number {
  return Math.max(leastForHook, Math.min(graceEnds - work.settings.now(), work.settings.revokeTimeout));
}

export function hookFailed({ work }: QueueContext, thrown: unknown): ConsumerError {
  const { key } = work.owned;
  return new ConsumerError(
    'RMQ_HOOK_FAILED',
    `onQueuesRevoked threw for ${key}: ${toError(thrown).message}`,
    {
      cause: thrown,
      context: { queue: key },
    },
  );
}

export function hookOverdue(context: QueueContext): ConsumerError {
  const { key } = context.work.owned;
  return new ConsumerError('RMQ_HOOK_FAILED', `onQueuesRevoked had not ended in time for ${key}`, {
    context: { queue: key },
  });
}

/** While a listener call may still run, nobody else may have an orderly queue: its lock expires by itself. */
export function mayUnlock({ work, abandoned }: QueueContext): boolean {
  return work.lock?.mayBeOurs === true && (work.delivery.order === 'concurrent' || abandoned === 0);
}
