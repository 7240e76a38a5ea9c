// SPDX-License-Identifier: Apache-2.0
/** What is left to do for a queue actor that died of an error? XState leaves its children running (issue 5153). */
import type { ConsumeEvent } from '../consume/consume.types.ts';
import type { PullEvent } from '../pull/pull.types.ts';
import type { Receiver } from '../shared/refs.ts';
import type { QueueContext } from './queue.types.ts';

interface Child<Event extends { readonly type: string }> extends Receiver<Event> {
  getSnapshot(): { readonly status: string };
}

/** The children of a queue actor: they may have ended, and may be gone. */
export interface QueueChildren {
  readonly pull?: Child<PullEvent> | undefined;
  readonly consume?: Child<ConsumeEvent> | undefined;
}

export interface DeadQueue {
  getSnapshot(): { readonly context: QueueContext; readonly children: QueueChildren };
}

/** Ends its children, and its hold on the queue: nothing is pulled, delivered, finished or committed by it any more. */
export function layToRest(dead: DeadQueue): void {
  const { context, children } = dead.getSnapshot();
  const { work } = context;
  tellIfActive(children.pull, { type: 'queue.revoke' });
  tellIfActive(children.consume, { type: 'queue.drain', grace: 0 });
  work.owned.letGo();
  work.owned.gate.forget();
  work.lock?.forget({ mayRun: true }); // nobody knows what of it still runs
  work.release();
}

/** Sending to an actor that has ended does nothing; XState's development build warns of it. */
export function tellIfActive<Event extends { readonly type: string }>(
  child: Child<Event> | undefined,
  event: Event,
): void {
  if (isActive(child)) child.send(event);
}

export function isActive<Event extends { readonly type: string }>(
  child: Child<Event> | undefined,
): child is Child<Event> {
  return child?.getSnapshot().status === 'active';
}
