// SPDX-License-Identifier: Apache-2.0
/** What of its children's reports does the queue actor hand on, and which events does it hand down? Pure. */
import type { MessageQueue, QueueKey } from '../../model/message-queue.ts';
import type { QueueEvent, QueueReport } from './queue.types.ts';

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
    case 'pull.troubled':
      return { type: 'queue.troubled', queue, error: event.error };
    case 'consume.misused':
      return { type: 'fault', error: event.error, actor: owned.key };
    case 'queue.revoke':
    case 'queue.suspend':
    case 'queue.resume':
    case 'queue.verify':
    case 'fault':
      return undefined;
  }
}
