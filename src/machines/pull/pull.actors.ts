// SPDX-License-Identifier: Apache-2.0
/** What do the pull chart's actions do to the queue's data? */
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Correction } from '../../transport/pull-calls.ts';
import { standsStill } from './pull.logic.ts';
import type { PullContext } from './pull.types.ts';

/** Takes in what arrived last. A batch that does not lead on holds nothing new: offsets only go back by correction or seek. */
export function admit(context: PullContext, answer: { readonly nextOffset: QueueOffset }): void {
  const messages = context.puller.takeArrived();
  if (!standsStill(context, answer)) context.owned.admit(messages, answer.nextOffset);
}

/** Somebody else went on while we stood still: their offset counts, what we hold is old. */
export function followCommitted(context: PullContext, committed: QueueOffset | undefined): void {
  const ours = context.owned.commitPoint;
  if (committed === undefined || (ours !== undefined && committed <= ours)) return;
  context.puller.abandon();
  context.owned.restart(committed, true);
}

/** A new epoch where the broker wants it. That it is stored there is not known yet. */
export function restartAt({ owned, puller, parent }: PullContext, { correctTo, reason }: Correction): void {
  const from = owned.pulledTo;
  puller.abandon();
  owned.restart(correctTo, false);
  parent.send({ type: 'pull.corrected', from, to: correctTo, reason });
}
