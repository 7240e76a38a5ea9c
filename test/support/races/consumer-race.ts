// SPDX-License-Identifier: Apache-2.0
/** A whole consumer before a scripted cluster, answers, commands, time and failures in any order: how does it end, and is all well? */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import type { ShutdownReport } from '../../../src/machines/consumer/consumer.types.ts';
import { queueKey } from '../../../src/model/message-queue.ts';
import { RequestCode } from '../../../src/protocol/codes.ts';
import { queueNumber, turn } from '../builders.ts';
import { ConsumerKit, group } from '../consumer-kit.ts';
import { addressOf, nameServer } from '../scripted-cluster.ts';
import { checkTrace, type RuleName, type Violation } from '../trace-checker.ts';

const broker = addressOf('broker-a');
/** Long enough to be noticed. Unit: ms. */
const sleepMs = 11_000;

/** What a test does to a consumer; `release` answers come before it. */
const commands = {
  suspend: kit => kit.actor.send({ type: 'consumer.suspend' }),
  resume: kit => kit.actor.send({ type: 'consumer.resume' }),
  shutdown: kit => void shutdown(kit.actor),
  store: kit => kit.cluster.store(queueNumber(1), 3),
  joinLast: kit => join(kit, '10.0.0.9@you'),
  joinFirst: kit => join(kit, '10.0.0.1@first'),
  leave: kit => join(kit),
  cutBroker: kit => kit.cluster.cut(broker),
  cutNameServer: kit => kit.cluster.cut(nameServer),
  sleep: kit => {
    kit.trace.mark({ mark: 'slept', ms: sleepMs });
    return kit.clock.jump(sleepMs);
  },
  pause: kit => kit.clock.advance(3000),
  rest: kit => kit.clock.advance(300),
} as const satisfies Readonly<Record<string, (kit: ConsumerKit) => unknown>>;
type CommandName = keyof typeof commands;

const failable = {
  route: RequestCode.GET_ROUTEINFO_BY_TOPIC,
  heartbeat: RequestCode.HEART_BEAT,
  members: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
  query: RequestCode.QUERY_CONSUMER_OFFSET,
  commit: RequestCode.UPDATE_CONSUMER_OFFSET,
  pull: RequestCode.PULL_MESSAGE,
  sendBack: RequestCode.CONSUMER_SEND_MSG_BACK,
  unregister: RequestCode.UNREGISTER_CLIENT,
} as const;
type Failable = keyof typeof failable;

type ListenerKind = 'done' | 'throws' | 'later' | 'hangs';

interface Plan {
  readonly steps: readonly { readonly command: CommandName; readonly release: number }[];
  readonly failing: readonly Failable[];
  /** How a failing request fails: refused, or never answered. */
  readonly failure: 'refused' | 'mute';
  readonly listener: ListenerKind;
  /** Told to stop, stopped by force, or left to itself. */
  readonly finish: 'shutdown' | 'hardStop' | 'goOn';
}

const plans: fc.Arbitrary<Plan> = fc.record({
  steps: fc.array(
    fc.record({
      command: fc.constantFrom(...(Object.keys(commands) as CommandName[])), // its own keys
      release: fc.nat({ max: 18 }),
    }),
    { maxLength: 8 },
  ),
  failing: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.subarray(Object.keys(failable) as Failable[], { maxLength: 2 }) }, // its own keys
  ),
  failure: fc.constantFrom('refused', 'mute'),
  listener: fc.constantFrom('done', 'throws', 'later', 'hangs'),
  finish: fc.constantFrom('shutdown', 'shutdown', 'shutdown', 'hardStop', 'goOn'),
});

function join(kit: ConsumerKit, ...members: readonly string[]): void {
  kit.cluster.otherMembers.clear();
  for (const member of members) kit.cluster.otherMembers.add(member);
  kit.cluster.tellMembersChanged(group);
}

/**
 * Only where something was made to fail. An unregister that failed, or a connection that was lost: the broker forgets us
 * by itself when it notices. A commit that waited for a connection counts from when it began to wait.
 */
const excusable: ReadonlySet<RuleName> = new Set([
  'unregisterBeforeClose',
  'oneCommitCarrier',
  'persistAfterLastResult',
]);

/** With these nothing stands in the way of a last commit, and everything that was handled must be committed in the end. */
const harmless: ReadonlySet<CommandName> = new Set([
  'suspend',
  'resume',
  'shutdown',
  'store',
  'joinLast',
  'joinFirst',
  'leave',
  'rest',
]);

/** A consumer to which the steps of a plan were done. */
async function played(scheduler: fc.Scheduler, plan: Plan): Promise<ConsumerKit> {
  const listen = (): Promise<undefined> | undefined => {
    if (plan.listener === 'throws') throw new Error('no');
    if (plan.listener === 'hangs') return new Promise(() => {});
    return plan.listener === 'later' ? scheduler.schedule(Promise.resolve(undefined), 'listener') : undefined;
  };
  const kit = new ConsumerKit({
    cluster: { delay: ({ code }) => scheduler.schedule(Promise.resolve(), `answer ${code}`) },
    listener: listen,
  });
  for (const name of plan.failing) {
    kit.cluster.on(failable[name], () => (plan.failure === 'mute' ? undefined : { code: 1, remark: 'no' }));
  }
  kit.cluster.store(queueNumber(0), 5);
  kit.actor.start();
  for (const { command, release } of plan.steps) {
    for (let i = 0; i < release; i++) await progress(kit, scheduler);
    await commands[command](kit);
  }
  return kit;
}

/** How one history ended, and what was wrong with it. */
interface ConsumerRace {
  readonly end: string;
  readonly committed: boolean;
  readonly problems: readonly string[];
}

/** Plays a plan to its end. */
async function raceConsumer(scheduler: fc.Scheduler, plan: Plan): Promise<ConsumerRace> {
  const kit = await played(scheduler, plan);
  if (plan.finish === 'shutdown') return stopped(kit, scheduler, plan);
  const end = plan.finish === 'hardStop' ? 'hard stop' : await wentOn(kit, scheduler);
  return hardStopped(kit, scheduler, plan, end);
}

async function stopped(kit: ConsumerKit, scheduler: fc.Scheduler, plan: Plan): Promise<ConsumerRace> {
  const reporting = shutdown(kit.actor);
  const from = kit.clock.now();
  while (kit.actor.getSnapshot().status === 'active' && kit.clock.now() - from < 30_000) {
    await progress(kit, scheduler, 200);
  }
  const { status, value } = kit.actor.getSnapshot();
  if (status !== 'done') {
    kit.actor.stop();
    return {
      end: 'never',
      committed: false,
      problems: [`30 s after shutdown it is in ${JSON.stringify(value)}`],
    };
  }
  kit.trace.mark({ mark: 'stopped' });
  await exhausted(kit, scheduler);
  const report = await reporting;
  const problems = new Wishes();
  check(kit, plan, report, problems);
  const committed = report.committed.some(({ offset }) => offset > 0);
  return { end: endOf(report), committed, problems: problems.unfulfilled };
}

/** In words, the worst first. */
function endOf({ reason, clean, steps, uncommitted }: ShutdownReport): string {
  if (reason === 'startFailed') return 'start failed';
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
  return kit.actor.getSnapshot().status === 'active' ? `still ${state}` : 'stopped by a command';
}

async function hardStopped(
  kit: ConsumerKit,
  scheduler: fc.Scheduler,
  plan: Plan,
  end: string,
): Promise<ConsumerRace> {
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
  return { end, committed: false, problems: problems.unfulfilled };
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

function isHarmless({ failing, steps }: Plan): boolean {
  return failing.length === 0 && steps.every(({ command }) => harmless.has(command));
}

/**
 * What is left at the end is asked of clock and network themselves. A last offset may also be confirmed by a 14 that is
 * answered before the 15 that brought it: what was committed is compared instead.
 */
function breachesOf(kit: ConsumerKit, plan: Plan): readonly Violation[] {
  return checkTrace(kit.trace.entries, { ended: false })
    .filter(({ rule }) => rule !== 'finalOffsetsBeforeUnregister')
    .filter(({ rule }) => isHarmless(plan) || !excusable.has(rule));
}

function check(kit: ConsumerKit, plan: Plan, report: ShutdownReport, wish: Wishes): void {
  wish.equal('breaches', breachesOf(kit, plan), []);
  if (isHarmless(plan) && plan.listener !== 'hangs') {
    wish.equal('clean', report.clean, true);
    wish.equal('delivered once', [...new Set(kit.delivered)], kit.delivered);
    for (const queueId of [0, 1]) {
      const { committed = 0 } = kit.cluster.queue(queueKey(queueNumber(queueId)));
      wish.equal(`committed of queue ${queueId}`, Number(committed), handledUpTo(kit, queueId));
    }
  }
  const slept = plan.steps.filter(({ command }) => command === 'sleep').length * sleepMs;
  wish.atMost('duration of the stop, ms', report.durationMs, 10_000 + slept);
  wish.equal('steps of the stop', report.steps.length, 5);
  wish.equal('timers left', kit.clock.pending, 0);
  wish.equal('sockets left', kit.cluster.openSockets, 0);
  wish.equal('internal faults', kit.faults.filter(({ error }) => error.code === 'RMQ_INTERNAL').length, 0);
  wish.equal('stops begun', kit.states.filter(state => state === 'stopping.closingIntake').length, 1);
  wish.equal('queues left', kit.actor.getSnapshot().context.assignedQueues.length, 0);
  const codes = kit.cluster.codes();
  const lastCommit = codes.lastIndexOf(RequestCode.UPDATE_CONSUMER_OFFSET);
  const firstLeave = codes.indexOf(RequestCode.UNREGISTER_CLIENT);
  if (firstLeave >= 0 && report.clean)
    wish.equal('last commit before the goodbye', lastCommit < firstLeave, true);
}

/** Runs that many plans of a seed; `onEnd` hears how each ended. Rejects with the shortest plan that goes wrong. */
export async function raceConsumers(
  options: { readonly runs: number; readonly seed: number },
  onEnd: (race: ConsumerRace) => void,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
      const race = await raceConsumer(scheduler, plan);
      onEnd(race);
      if (race.problems.length > 0) throw new Error(race.problems.join('; '));
    }),
    { seed: options.seed, numRuns: options.runs },
  );
}
