// SPDX-License-Identifier: Apache-2.0
/** The context object an orderly listener gets, and the messages as it sees them: with the failures that only we know of. */
import type { MessageExt } from '../model/message.ts';
import { CallContext } from './consume-context.ts';
import type { LaneEntry } from './lane.ts';
import type { OrderlyContext } from './listener.ts';

export class OrderlyCallContext extends CallContext implements OrderlyContext {
  suspendTimeMillis = -1;
  autoCommit = true;
}

/** Java's bounds of the pause. Source: ConsumeMessageOrderlyService.submitConsumeRequestLater. Unit: ms. */
const shortestRest = 10;
const longestRest = 30_000;

/** How long the lane rests; a listener may write anything there, and what is no number counts as -1. Unit: ms. */
export function restOf({ suspendTimeMillis }: OrderlyContext, suspendMs: number): number {
  const asked =
    Number.isFinite(suspendTimeMillis) && suspendTimeMillis !== -1 ? suspendTimeMillis : suspendMs;
  return Math.min(longestRest, Math.max(shortestRest, asked));
}

/** The message with the deliveries that failed here counted in. Source: MessageExt.setReconsumeTimes of the Java client. */
export function shownMessage({ message, failures }: LaneEntry): MessageExt {
  if (failures === 0) return message;
  const reconsumeTimes = message.reconsumeTimes + failures;
  const shown: MessageExt = Object.create(message, {
    reconsumeTimes: { value: reconsumeTimes, enumerable: true },
  });
  return shown; // everything else is read through it from the message itself
}
