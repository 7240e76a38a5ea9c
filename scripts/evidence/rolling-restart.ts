// SPDX-License-Identifier: Apache-2.0
/** Is a rolling restart of a group invisible to its messages? Ours, and beside it the official Java consumer. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type JavaConsumerOptions,
  type JavaRun,
  startJavaConsumer,
} from '../../test/support/cluster/java-programs.ts';
import { checkHistory } from '../../test/support/history/checker.ts';
import { type Delivery, monotonicMs, readJavaDeliveries } from '../../test/support/history/deliveries.ts';
import { ownerTimeline } from '../../test/support/history/owners.ts';
import { longestUnpulled } from '../../test/support/history/unpulled.ts';
import { Crew, judgeFaults, judgeStops } from './kit/crew.ts';
import { judgeCommitted, judgeHistory, untilDone } from './kit/judge.ts';
import { Load } from './kit/load.ts';
import { pullsOf, queuesIn } from './kit/pulls.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const size = 4;
const queues = 8;

interface Work {
  /** Messages a second. */
  readonly rate: number;
  readonly handlerMs: number;
}

/** What takes so long outlives any wait that does not ask the former owner: without the fence it must be seen twice. */
const slowest: Work = { rate: 20, handlerMs: 2000 };
const works: readonly Work[] = [{ rate: 500, handlerMs: 10 }, { rate: 100, handlerMs: 200 }, slowest];
const lockCode = 41;

export const rollingRestart: Evidence = {
  name: 'rolling-restart',
  about:
    '4 members restarted one by one, twice round, 500 msg/s × 10 ms, 100 × 200 ms, 20 × 2 s: 0 lost, 0 repeated; Java beside',
  async run(stage, report) {
    if (stage.size === 'share') {
      await Promise.all([
        ...works.map(work => ours(stage, report.part(nameOf(work)), work)),
        ours(stage, report.part(`${nameOf(slowest)}, handover 'none'`), slowest, 'none'),
      ]);
      return;
    }
    for (const work of works) {
      await ours(stage, report.part(nameOf(work)), work);
      await ours(stage, report.part(`${nameOf(work)}, handover 'none'`), work, 'none');
      await official(stage, report.part(`${nameOf(work)}, official Java`), work);
    }
  },
};

function nameOf({ rate, handlerMs }: Work): string {
  return `${rate}/s × ${handlerMs} ms`;
}

interface Group {
  readonly topic: string;
  /** Starts a member and resolves when it takes part; gives what ends it in order. */
  readonly start: (name: string) => Promise<() => Promise<unknown>>;
  /** What each member wrote down. */
  readonly deliveries: () => readonly (readonly Delivery[])[];
}

interface Rolled {
  readonly count: number;
  /** The load, and the changes under it. Unit: CLOCK_MONOTONIC ms. */
  readonly from: number;
  readonly to: number;
}

/** Starts the members, restarts them in turn under the load, and stops them all. */
async function roll(stage: Stage, rate: number, { topic, start, deliveries }: Group): Promise<Rolled> {
  const betweenMs = stage.pick({ full: 2500, share: 700 });
  const rounds = stage.pick({ full: 2, share: 1 });
  let running: readonly (() => Promise<unknown>)[] = [];
  for (let index = 0; index < size; index += 1) running = [...running, await start(`m${index}-0`)];
  await using load = new Load(stage, { topic, rate });
  await stage.until('messages are handled', 60_000, () => deliveries().some(each => each.length > 0));
  await pause(betweenMs);
  const from = monotonicMs();
  for (let round = 1; round <= rounds; round += 1) {
    for (let index = 0; index < size; index += 1) {
      const [stopOldest, ...others] = running;
      await stopOldest?.();
      running = [...others, await start(`m${index}-${round}`)];
      await pause(betweenMs);
    }
    stage.say(`${topic}: round ${round} is over, ${load.sent} sent`);
  }
  const to = monotonicMs();
  const count = await load.stop();
  await untilDone(stage, [{ deliveries: () => deliveries().flat() }], count);
  await Promise.all(running.map(stop => stop()));
  return { count, from, to };
}

async function ours(
  stage: Stage,
  report: Report,
  { rate, handlerMs }: Work,
  handover: 'fenced' | 'none' = 'fenced',
): Promise<void> {
  await using crew = new Crew(stage, 'rolling', { handlerMs, config: { handover } });
  const { topic, group } = crew;
  await stage.cluster.createTopic(topic, { queues });
  const { count, from, to } = await roll(stage, rate, {
    topic,
    start: async name => {
      const member = crew.join(name);
      await member.event('running');
      return () => member.stop();
    },
    deliveries: () => crew.deliveries(),
  });
  const pulls = pullsOf(stage.cluster, topic, crew.all);
  const longest = longestUnpulled(pulls, await queuesIn(stage.cluster, topic), { from, to });
  const locks = crew.all.flatMap(member => member.wire().filter(({ code }) => code === lockCode));
  report.note('members over time', crew.all.length);
  report.check('asked for locks', locks.length > 0, { is: handover === 'fenced' });
  report.check('hand-overs of queues', handOvers(crew.deliveries()), { atLeast: queues });
  report.note('longest time a queue was not pulled, ms', longest?.ms ?? Number.NaN);
  // Without the fence, repetitions are what is to be seen.
  const repeats = handover === 'fenced' ? 'none' : 'told';
  const sent = { from: 0, to: count };
  const verdict = await judgeHistory(stage, report, { topic, sent, deliveries: crew.deliveries(), repeats });
  if (handover === 'none' && handlerMs === slowest.handlerMs)
    report.check('repeated, so that the fence is seen', verdict.repeatedByOffset, { atLeast: 1 });
  await judgeCommitted(stage, report, { topic, group });
  judgeStops(report, crew);
  judgeFaults(stage, report, crew);
}

async function official(stage: Stage, report: Report, { rate, handlerMs }: Work): Promise<void> {
  const topic = stage.fresh('rolling-java');
  const group = stage.fresh('rolling-java-group');
  await stage.cluster.createTopic(topic, { queues });
  const runs: JavaRun[] = [];
  const files: string[] = [];
  const deliveries = (): readonly (readonly Delivery[])[] => files.map(file => readJavaDeliveries(file));
  try {
    const { count } = await roll(stage, rate, {
      ...{ topic, deliveries },
      start: async name => {
        const out = stage.file(`${group}-${name}.out`);
        files.push(out);
        const run = await startedJava(stage, { topic, group, out, sleepMs: handlerMs, instance: name });
        runs.push(run);
        return () => run.stop();
      },
    });
    const verdict = checkHistory({ sent: { from: 0, to: count }, deliveries: deliveries() });
    report.note('sent', count);
    report.note('hand-overs of queues', handOvers(deliveries()));
    report.note('lost', verdict.lost.length);
    report.note('repeated', verdict.repeatedByOffset);
  } finally {
    await Promise.all(runs.map(run => run[Symbol.asyncDispose]()));
  }
}

/** Its start fails when a name server does not answer it within 3 s, as on a busy machine: then once more. */
async function startedJava(stage: Stage, options: JavaConsumerOptions): Promise<JavaRun> {
  for (let attempt = 1; ; attempt += 1) {
    const run = startJavaConsumer(stage.cluster, options);
    try {
      await run.line(/^READY/);
      return run;
    } catch (error) {
      await run.kill();
      if (attempt === 3) throw error;
    }
  }
}

/** How often a queue went from one member to another. */
function handOvers(deliveries: readonly (readonly Delivery[])[]): number {
  const touches = deliveries.flatMap((ofMember, index) =>
    ofMember.map(({ queue, at }) => ({ member: `${index}`, queue, at })),
  );
  return [...ownerTimeline(touches).values()].reduce((sum, spells) => sum + spells.length - 1, 0);
}
