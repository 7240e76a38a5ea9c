// SPDX-License-Identifier: Apache-2.0
/** What does a member do that was frozen and wakes up in a world that went on? It must lose nothing and take nothing back. */
import { setTimeout as pause } from 'node:timers/promises';
import { startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { monotonicMs } from '../../test/support/history/deliveries.ts';
import { settlement, type Touch } from '../../test/support/history/owners.ts';
import { CommitWatch } from './kit/commit-watch.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import type { Member } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import { touchesOf } from './kit/sharing.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 8;

interface Freezing {
  readonly ms: number;
  readonly takenOver: boolean;
}

export const sigstop: Evidence = {
  name: 'sigstop',
  about:
    'one of two members frozen 150 s (another takes over) and thawed: 0 lost, no commit below the broker’s value',
  run: (stage, report) =>
    freeze(stage, report, {
      ms: stage.pick({ full: 150_000, share: 12_000 }),
      takenOver: stage.size === 'full',
    }),
};

export const sigstopShort: Evidence = {
  name: 'sigstop-short',
  about:
    'one of two members frozen 70 s (nobody takes over) and thawed: 0 lost, no commit below the broker’s value',
  run: (stage, report) =>
    freeze(stage, report, { ms: stage.pick({ full: 70_000, share: 12_000 }), takenOver: false }),
};

async function freeze(stage: Stage, report: Report, freezing: Freezing): Promise<void> {
  const beforeMs = stage.pick({ full: 15_000, share: 2000 });
  const afterMs = stage.pick({ full: 30_000, share: 4000 });
  const rate = 250;
  const count = Math.round(((beforeMs + freezing.ms + afterMs) / 1000) * rate);
  const topic = stage.fresh('frozen');
  const group = stage.fresh('frozen-group');
  await stage.cluster.createTopic(topic, { queues });
  const join = (name: string): Member =>
    stage.member({
      ...{ name, topic, group, handlerMs: 5 },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    });
  await using anna = join('anna');
  await anna.event('running');
  await using boris = join('boris');
  await boris.event('running');
  await using producer = startJavaProducer(stage.cluster, { topic, count, rate, retry: true });
  await producer.line(/^PROGRESS sent=[1-9]/);
  await using commits = new CommitWatch(stage, { topic, group, queues });

  await pause(beforeMs);
  anna.suspend();
  const frozenAt = monotonicMs();
  stage.say(`anna is frozen for ${freezing.ms} ms`);
  await pause(freezing.ms);
  const known = await stage.cluster.admin.consumerList(group, 'broker-a');
  anna.resume();
  const thawedAt = monotonicMs();
  stage.say('anna is thawed');
  await producer.finished;
  const end = monotonicMs();
  await untilDone(stage, [anna, boris], count);
  const stops = [await anna.stop(), await boris.stop()];

  report.note('members known to the broker at the end of the freeze', known.length);
  judgeOwners(report, touchesOf(topic, [anna, boris]), freezing, { frozenAt, thawedAt, end });
  judgeCommits(stage, report, commits);
  judgeThaw(stage, report, anna, thawedAt);
  await judgeHistory(stage, report, {
    topic,
    sent: { from: 0, to: count },
    deliveries: [anna.deliveries(), boris.deliveries()],
    repeats: 'told',
  });
  await judgeCommitted(stage, report, { topic, group });
  for (const stopped of stops) judgeStop(report, 'member', stopped);
}

function judgeOwners(
  report: Report,
  touches: readonly Touch[],
  { takenOver }: Freezing,
  { frozenAt, thawedAt, end }: { readonly frozenAt: number; readonly thawedAt: number; readonly end: number },
): void {
  const before = settlement(touches, { from: 0, to: frozenAt });
  const frozen = settlement(touches, { from: frozenAt, to: thawedAt });
  const thawed = settlement(touches, { from: thawedAt, to: end });
  const foreign = strangers(touches, before.split.get('boris') ?? [], { from: frozenAt, to: end });
  if (takenOver) {
    report.check('queues of the other while frozen', frozen.split.get('boris')?.length ?? 0, { is: queues });
  } else report.check('queues taken over, also after the thaw', foreign, { is: 0 });
  report.note('split after the thaw', [...thawed.split.values()].map(each => each.length).join('/'));
  report.note('settled after the thaw, ms', thawed.ms);
}

function judgeCommits(stage: Stage, report: Report, commits: CommitWatch): void {
  const steps = commits.stepsBack();
  for (const { queue, from, to } of steps.slice(0, 10)) stage.say(`${queue} went back from ${from} to ${to}`);
  report.note('samples of committed offsets', commits.samples.length);
  report.check('commits below the broker’s value', steps.length, { is: 0 });
}

function judgeThaw(stage: Stage, report: Report, thawed: Member, thawedAt: number): void {
  // It sees the thaw a little before the harness does.
  const states = thawed.all('state').filter(({ at }) => at > thawedAt - 1000);
  stage.say(
    `after the thaw: ${states.map(({ to, at }) => `${to} +${Math.round(at - thawedAt)}`).join(', ')}`,
  );
  const revalidated = states.some(({ to }) => String(to).startsWith('running.revalidating'));
  report.check('revalidated', revalidated, { is: true });
}

/** How many queues boris touched that were not his. */
function strangers(
  touches: readonly Touch[],
  own: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
): number {
  const his = touches.filter(({ member, at }) => member === 'boris' && at >= from && at < to);
  return new Set(his.map(({ queue }) => queue).filter(queue => !own.includes(queue))).size;
}
