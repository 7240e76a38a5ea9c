// SPDX-License-Identifier: Apache-2.0
/** The figures that most evidence ends with: nothing lost, what came twice, what the broker has as committed. */
import { setTimeout as pause } from 'node:timers/promises';
import { checkHistory, type HistoryVerdict } from '../../../test/support/history/checker.ts';
import type { Delivery } from '../../../test/support/history/deliveries.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

export interface JudgedRun {
  readonly topic: string;
  readonly sent: { readonly from: number; readonly to: number };
  /** By member. */
  readonly deliveries: readonly (readonly Delivery[])[];
  /** `none`: a message that came twice breaks the promise. `told`: it is only told. */
  readonly repeats: 'none' | 'told';
}

/** Waits until that many different messages are done, over all files together; what is missing after that time is judged as lost. */
export async function untilDone(
  stage: Stage,
  members: readonly { deliveries(): readonly Delivery[] }[],
  count: number,
  timeoutMs = 120_000,
): Promise<void> {
  const done = (): number =>
    new Set(
      members.flatMap(member => member.deliveries().flatMap(each => (each.isDone ? [each.sequence] : []))),
    ).size;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const lookedAt = Date.now();
    const seen = done();
    if (seen >= count) return;
    if (lookedAt > deadline) return stage.say(`${seen} of ${count} messages are done after ${timeoutMs} ms`);
    await pause(200 + 4 * (Date.now() - lookedAt)); // large files take their time
  }
}

/** Nothing of what the producer was told is stored may be missing, by value and by its place at the broker. */
export async function judgeHistory(stage: Stage, report: Report, run: JudgedRun): Promise<HistoryVerdict> {
  const { topic, sent, deliveries, repeats } = run;
  const offsets = await stage.cluster.admin.queueOffsets(topic);
  const verdict = checkHistory({
    sent,
    deliveries,
    stored: offsets.map(({ brokerName, queueId, min, max }) => ({
      queue: `${topic}@${brokerName}#${queueId}`,
      min,
      max,
    })),
  });
  report.note('sent', sent.to - sent.from);
  report.note(
    'stored',
    offsets.reduce((sum, { min, max }) => sum + max - min, 0),
  );
  report.note('delivered', verdict.done);
  report.check('lost', verdict.lost.length, { is: 0 });
  report.check('lost by offset', verdict.lostOffsets.length, { is: 0 });
  report.check('never sent', verdict.neverSent.length, { is: 0 });
  if (repeats === 'none') report.check('repeated', verdict.repeatedByOffset, { is: 0 });
  else report.note('repeated by offset', verdict.repeatedByOffset);
  if (repeats === 'told') report.note('repeated by value', verdict.repeatedByValue);
  const missing = [...verdict.lost.slice(0, 5), ...verdict.lostOffsets.slice(0, 5)];
  if (missing.length > 0) stage.say(`lost, among others: ${missing.join(', ')}`);
  return verdict;
}

/** After the last member has stopped: committed equals max on every queue, asked of the broker. */
export async function judgeCommitted(
  stage: Stage,
  report: Report,
  { topic, group }: { readonly topic: string; readonly group: string },
): Promise<void> {
  const offsets = await stage.cluster.admin.queueOffsets(topic, group);
  const behind = offsets.filter(({ committed, max }) => (committed ?? 0) !== max);
  for (const { queueId, committed, max } of behind)
    stage.say(`queue ${queueId}: committed ${committed ?? 'nothing'}, max ${max}`);
  report.check('queues committed to their max', `${offsets.length - behind.length} of ${offsets.length}`, {
    is: `${offsets.length} of ${offsets.length}`,
  });
}

/** The report of a shutdown as the member told it: every step done, nothing abandoned. */
export function judgeStop(report: Report, name: string, stopped: { readonly [fact: string]: unknown }): void {
  const { clean, durationMs } = Object(stopped['report']) as { clean?: unknown; durationMs?: unknown }; // Object() gives any
  report.check(`${name} stopped clean`, clean === true, { is: true });
  report.note(`${name} stopped in, ms`, Number(durationMs));
}
