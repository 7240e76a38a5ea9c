// SPDX-License-Identifier: Apache-2.0
/** A whole consumer before a scripted cluster, answers, commands, time and failures in any order: how does it end, and is all well? */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import type { ShutdownReport } from '../../../src/machines/consumer/consumer.types.ts';
import { queueKey } from '../../../src/model/message-queue.ts';
import { RequestCode } from '../../../src/protocol/codes.ts';
import { queueNumber, turn } from '../builders.ts';
import { ConsumerKit } from '../consumer-kit.ts';
import { MemoryFileSystem } from '../memory-file-system.ts';
import { checkTrace, type RuleName, type Violation } from '../trace-checker.ts';
import type { LockPromise } from '../trace-rule.ts';
import { commands, fail, isHarmless, type Plan, plans, sleep, sleepMs } from './consumer-plan.ts';
import type { Race, RaceEnd } from './race-kit.ts';

/** How long a whole shutdown may take, the option's default. Unit: ms. */
const shutdownTimeout = 10_000;
/** Longest from a shutdown to its end, sleep and all. Unit: ms. */
const patience = 30_000;

/**
 * Only where something was made to fail. An unregister that failed, or a connection that was lost: the broker forgets us
 * by itself when it notices. A commit that waited for a connection counts from when it began to wait. Without a connection, or
 * with a broker that refuses, the last results cannot be handed over, and locks expire.
 */
const excusable: ReadonlySet<RuleName> = new Set([
  ...(['unregisterBeforeClose', 'oneCommitCarrier'] as const),
  ...(['persistAfterLastResult', 'unlockBeforeUnregister'] as const),
]);

const locksOf: Readonly<Record<Plan['form'], LockPromise>> = {
  ...{ fenced: 'fence', unfenced: 'none', orderly: 'orderly', broadcasting: 'none' },
};

/** A consumer to which the steps of a plan were done. */
async function played(scheduler: fc.Scheduler, plan: Plan): Promise<ConsumerKit> {
  const { form, breaksAt } = plan;
  const dice = { areBroken: false };
  const listen = (): Promise<undefined> | undefined => {
    if (plan.listener === 'throws') throw new Error('no');
    if (plan.listener === 'hangs') return new Promise(() => {});
    return plan.listener === 'later' ? scheduler.schedule(Promise.resolve(undefined), 'listener') : undefined;
  };
  const random = (): number => {
    if (dice.areBroken) throw new Error('the dice are broken');
    return 0.5;
  };
  const kit = new ConsumerKit({
    cluster: { delay: ({ code }) => scheduler.schedule(Promise.resolve(), `answer ${code}`) },
    listener: listen,
    order: form === 'orderly' ? 'orderly' : 'concurrent',
    environment: { random, fileSystem: new MemoryFileSystem() },
    config: {
      ...(form === 'unfenced' && { handover: 'none' }),
      ...(form === 'broadcasting' && { messageModel: 'BROADCASTING' }),
    },
  });
  kit.cluster.store(queueNumber(0), 5);
  if (plan.failsFrom === 0) fail(kit, plan);
  kit.actor.start();
  for (const [index, { command, release }] of plan.steps.entries()) {
    for (let i = 0; i < release; i++) await progress(kit, scheduler);
    if (index + 1 === plan.failsFrom) fail(kit, plan);
    if (index + 1 === breaksAt) dice.areBroken = true;
    await commands[command](kit);
  }
  fail(kit, plan);
  return kit;
}

/** Plays a plan to its end. */
async function raceConsumer(scheduler: fc.Scheduler, plan: Plan): Promise<RaceEnd> {
  const kit = await played(scheduler, plan);
  if (plan.finish === 'shutdown' || plan.finish === 'sleepyShutdown') return stopped(kit, scheduler, plan);
  const end = plan.finish === 'hardStop' ? 'hard stop' : await wentOn(kit, scheduler);
  return hardStopped(kit, scheduler, plan, end);
}

async function stopped(kit: ConsumerKit, scheduler: fc.Scheduler, plan: Plan): Promise<RaceEnd> {
  const reporting = shutdown(kit.actor);
  const from = kit.clock.now();
  for (let i = 0; isActive(kit) && kit.clock.now() - from < patience; i++) {
    if (i === plan.failsFrom && plan.finish === 'sleepyShutdown') sleep(kit);
    await progress(kit, scheduler, 200);
  }
  const { status, value } = kit.actor.getSnapshot();
  if (status !== 'done') {
    kit.actor.stop();
    return { end: 'never', problems: [`${patience} ms after shutdown it is in ${JSON.stringify(value)}`] };
  }
  kit.trace.mark({ mark: 'stopped' });
  await exhausted(kit, scheduler);
  const report = await reporting;
  const problems = new Wishes();
  check(kit, plan, report, problems);
  const committed = report.committed.some(({ offset }) => offset > 0);
  return { end: endOf(report), committed, problems: problems.unfulfilled };
}

function isActive({ actor }: ConsumerKit): boolean {
  return actor.getSnapshot().status === 'active';
}

/** In words, the worst first. */
function endOf({ reason, error, clean, steps, uncommitted }: ShutdownReport): string {
  if (reason === 'startFailed') {
    return error?.code === 'RMQ_START_TIMEOUT' ? 'start failed: not in time' : 'start failed: not permitted';
  }
  if (reason === 'fault') return 'stopped by a fault';
  if (clean) return 'stopped clean';
  const cut = steps.find(({ outcome }) => outcome === 'timedOut' || outcome === 'failed');
  if (cut !== undefined) return `stopped, ${cut.step} ${cut.outcome === 'failed' ? 'failed' : 'timed out'}`;
  return uncommitted.length > 0 ? 'stopped, offsets not confirmed' : 'stopped, messages abandoned';
}

/** It is left alone for a while. */
async function wentOn(kit: ConsumerKit, scheduler: fc.Scheduler): Promise<string> {
  for (let i = 0; i < 60; i++) await progress(kit, scheduler);
  const [state = ''] = kit.state.split('.');
  return isActive(kit) ? `still ${state}` : 'stopped by a command';
}

async function hardStopped(
  kit: ConsumerKit,
  scheduler: fc.Scheduler,
  plan: Plan,
  end: string,
): Promise<RaceEnd> {
  const problems = new Wishes();
  kit.actor.stop();
  kit.trace.mark({ mark: 'hardStop' });
  await turn(); // what was written before arrives
  const asked = kit.cluster.asked.length;
  const delivered = kit.delivered.length;
  await exhausted(kit, scheduler);
  problems.equal('requests after the stop', kit.cluster.asked.length, asked);
  problems.equal('deliveries after the stop', kit.delivered.length, delivered);
  problems.equal('timers left', kit.clock.pending, 0);
  problems.equal('sockets left', kit.cluster.openSockets, 0);
  problems.equal('breaches', breachesOf(kit, plan), []);
  return { end, problems: problems.unfulfilled };
}

/** What was to be so and is not. */
class Wishes {
  readonly unfulfilled: string[] = [];

  equal(what: string, is: unknown, wanted: unknown): void {
    if (!isDeepStrictEqual(is, wanted))
      this.unfulfilled.push(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`);
  }

  atMost(what: string, is: number, limit: number): void {
    if (is > limit) this.unfulfilled.push(`${what}: ${is} is more than ${limit}`);
  }
}

/** Everything that may still come has come. */
async function exhausted(kit: ConsumerKit, scheduler: fc.Scheduler): Promise<void> {
  while (scheduler.count() > 0) await scheduler.waitOne();
  await kit.settle();
  await kit.clock.advance(10_000);
}

/** One more answer, or a little time when nobody waits for one. */
async function progress(kit: ConsumerKit, scheduler: fc.Scheduler, ms = 50): Promise<void> {
  for (let i = 0; i < 3; i++) await turn();
  if (scheduler.count() > 0) await scheduler.waitOne();
  else await kit.clock.advance(ms);
}

function handledUpTo(kit: ConsumerKit, queueId: number): number {
  const prefix = `orders-${queueId}:`;
  const offsets = kit.delivered
    .filter(each => each.startsWith(prefix))
    .map(each => Number(each.slice(prefix.length)));
  return Math.max(-1, ...offsets) + 1;
}

/**
 * What is left at the end is asked of clock and network themselves. A last offset may also be confirmed by a 14 that is
 * answered before the 15 that brought it: what was committed is compared instead. A 41 that is not answered twice holds up no
 * greeting: pulls go on, nothing is committed meanwhile (lock-book.ts).
 */
function breachesOf(kit: ConsumerKit, plan: Plan): readonly Violation[] {
  return checkTrace(kit.trace.entries, { ended: false, locks: locksOf[plan.form] })
    .filter(({ rule }) => rule !== 'finalOffsetsBeforeUnregister')
    .filter(({ rule }) => isHarmless(plan) || !excusable.has(rule))
    .filter(({ rule }) => rule !== 'lockBeforePull' || !plan.failing.includes('lock'));
}

function check(kit: ConsumerKit, plan: Plan, report: ShutdownReport, wish: Wishes): void {
  wish.equal('breaches', breachesOf(kit, plan), []);
  if (isHarmless(plan) && plan.listener !== 'hangs') checkHarmless(kit, plan, report, wish);
  const sleeps = plan.steps.filter(({ command }) => command === 'sleep').length;
  const slept = (sleeps + (plan.finish === 'sleepyShutdown' ? 1 : 0)) * sleepMs;
  wish.atMost('duration of the stop, ms', report.durationMs, shutdownTimeout + slept);
  wish.equal('steps of the stop', report.steps.length, 5);
  wish.equal('timers left', kit.clock.pending, 0);
  wish.equal('sockets left', kit.cluster.openSockets, 0);
  wish.equal('stops begun', kit.states.filter(state => state === 'stopping.closingIntake').length, 1);
  wish.equal('queues left', kit.actor.getSnapshot().context.assignedQueues.length, 0);
  if (plan.breaksAt === undefined)
    wish.equal('internal faults', kit.faults.filter(({ error }) => error.code === 'RMQ_INTERNAL').length, 0);
  const codes = kit.cluster.codes();
  const lastCommit = codes.lastIndexOf(RequestCode.UPDATE_CONSUMER_OFFSET);
  const firstLeave = codes.indexOf(RequestCode.UNREGISTER_CLIENT);
  if (firstLeave >= 0 && report.clean)
    wish.equal('last commit before the goodbye', lastCommit < firstLeave, true);
}

/** Nothing stood in the way: it is clean, and all that was handled is committed. An orderly listener that fails gets it again and again. */
function checkHarmless(kit: ConsumerKit, plan: Plan, report: ShutdownReport, wish: Wishes): void {
  wish.equal('clean', report.clean, true);
  if (plan.form === 'orderly' && plan.listener === 'throws') return;
  wish.equal('delivered once', [...new Set(kit.delivered)], kit.delivered);
  if (plan.form === 'broadcasting') return; // its offsets are in a file
  for (const queueId of [0, 1]) {
    const { committed = 0 } = kit.cluster.queue(queueKey(queueNumber(queueId)));
    wish.equal(`committed of queue ${queueId}`, Number(committed), handledUpTo(kit, queueId));
  }
}

/**
 * The first step of a stop and the last one end within a turn: they cannot fail or time out. Persisting is skipped only where
 * nothing was there to persist (clean, or a start that failed) or the persister died (a fault).
 */
export const consumerRace: Race = {
  name: 'consumer',
  ends: [
    ...['stopped clean', 'stopped, messages abandoned', 'stopped, offsets not confirmed'],
    ...['stopped, draining timed out', 'stopped, persisting failed', 'stopped, persisting timed out'],
    ...['stopped, releasing failed', 'stopped, releasing timed out'],
    ...['start failed: not in time', 'start failed: not permitted', 'stopped by a fault'],
    ...['stopped by a command', 'hard stop', 'still starting', 'still running', 'still stopping'],
  ],
  run: ({ runs, seed }, onEnd) =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
        const race = await raceConsumer(scheduler, plan);
        onEnd(race);
        if (race.problems.length > 0) throw new Error(race.problems.join('; '));
      }),
      { seed, numRuns: runs },
    ),
};
