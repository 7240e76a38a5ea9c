// SPDX-License-Identifier: Apache-2.0
/** What do the pull chart's actions do to the queue's data? */
import { isThenable, toPromise } from '../../listeners/outcome.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Correction } from '../../transport/pull-calls.ts';
import { judgement, misjudged, type SeekEnd, seekRefused, standsStill } from './pull.logic.ts';
import type { Judgement, PullContext, Seek } from './pull.types.ts';

/** Takes in what arrived last. A batch that does not lead on holds nothing new: offsets only go back by correction or seek. */
export function admit(context: PullContext, answer: { readonly nextOffset: QueueOffset }): void {
  const { messages, bytes } = context.puller.takeArrived();
  if (!standsStill(context, answer)) context.owned.admit(messages, answer.nextOffset, bytes);
}

/**
 * Somebody else went on while we stood still: their offset counts, what we hold is old. But after a seek or a correction that
 * the broker does not have yet its offset may be our own from before: to follow that would undo the move.
 */
export function followCommitted({ owned, puller }: PullContext, committed: QueueOffset | undefined): void {
  const ours = owned.commitPoint;
  if (committed === undefined || (ours !== undefined && committed <= ours)) return;
  if (ours !== undefined && owned.committed === undefined) return;
  puller.abandon();
  owned.restart(committed, true);
}

/** A new epoch where the broker wants it. That it is stored there is not known yet. */
export function restartAt({ owned, puller, parent }: PullContext, { correctTo, reason }: Correction): void {
  const from = owned.pulledTo;
  puller.abandon();
  owned.restart(correctTo, false);
  parent.send({ type: 'pull.corrected', from, to: correctTo, reason });
}

/** A new epoch where it was sought. Its commit is the affair of whoever asked. */
export function moveTo({ owned, puller, parent }: PullContext, { offset, reason, ticket }: Seek): void {
  const from = owned.pulledTo;
  puller.abandon();
  owned.restart(offset, false);
  if (from === undefined) parent.send({ type: 'pull.placed', offset });
  parent.send({ type: 'pull.corrected', from, to: offset, reason });
  ticket?.done();
}

/** A seek that was waiting is not carried out. */
export function refuseSought({ owned, sought }: PullContext, why: SeekEnd): void {
  sought?.ticket?.refused(seekRefused(owned.key, sought, why));
}

/** What is to become of the message in front of the queue? Answered once, now or later. */
export function askPolicy(context: PullContext, onAnswer: (answer: Judgement) => void): void {
  const { damage, port } = context;
  if (damage === undefined) return;
  const failed = (thrown: unknown): void => onAnswer(misjudged(context, damage, thrown));
  try {
    const answer = port.judge(damage);
    const judged = (given: unknown): void => onAnswer(judgement(context, damage, given));
    if (isThenable(answer)) toPromise(answer).then(judged, failed);
    else judged(answer);
  } catch (thrown) {
    failed(thrown);
  }
}

/** The user hears of the damage once: when it is known what becomes of it. */
export function tellVerdict(
  { owned, parent }: PullContext,
  { damage: { queueOffset, error }, verdict, fault }: Judgement,
): void {
  parent.send({ type: 'pull.troubled', error });
  if (fault !== undefined) parent.send({ type: 'fault', error: fault, actor: owned.key });
  if (verdict === 'skip') parent.send({ type: 'pull.skipped', queueOffset, error });
}

/** Exactly one offset: what lies behind it in the same answer is pulled again. */
export function passOver({ owned, damage }: PullContext): void {
  if (damage !== undefined) owned.admit([], (damage.queueOffset + 1) as QueueOffset, 0); // one past a checked offset
}
