// SPDX-License-Identifier: Apache-2.0
/** Which way does a change of the subscriptions go? Pure. */
import type { SubscribingPlan } from './subscribing.types.ts';

/** Brokers need not hear of it. */
export function isQuiet({ kind }: SubscribingPlan): boolean {
  return kind === 'nothing' || kind === 'relisten';
}

export function isLeaving({ kind }: SubscribingPlan): boolean {
  return kind === 'leave';
}

/** The topic was not consumed before: where it lives is to be asked, and its queues are to be shared out. */
export function isNew({ kind }: SubscribingPlan): boolean {
  return kind === 'join';
}
