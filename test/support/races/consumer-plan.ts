// SPDX-License-Identifier: Apache-2.0
/** What is done to a consumer in a race, by whom, and from when on? Seeded: the same seed plans the same. */
import fc from 'fast-check';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import { RequestCode } from '../../../src/protocol/codes.ts';
import { queueNumber } from '../builders.ts';
import { type ConsumerKit, group } from '../consumer-kit.ts';
import { addressOf, nameServer } from '../scripted-cluster.ts';

const broker = addressOf('broker-a');
/** Long enough to be noticed. Unit: ms. */
export const sleepMs = 11_000;

/** What a test does to a consumer; `release` answers come before it. */
export const commands = {
  suspend: kit => kit.actor.send({ type: 'consumer.suspend' }),
  resume: kit => kit.actor.send({ type: 'consumer.resume' }),
  shutdown: kit => void shutdown(kit.actor),
  store: kit => kit.cluster.store(queueNumber(1), 3),
  joinLast: kit => join(kit, '10.0.0.9@you'),
  joinFirst: kit => join(kit, '10.0.0.1@first'),
  leave: kit => join(kit),
  cutBroker: kit => kit.cluster.cut(broker),
  cutNameServer: kit => kit.cluster.cut(nameServer),
  /** From now on it accepts connections, and answers nobody. */
  muteBroker: kit => kit.cluster.manner(broker, 'mute'),
  sleep,
  pause: kit => kit.clock.advance(3000),
  rest: kit => kit.clock.advance(300),
} as const satisfies Readonly<Record<string, (kit: ConsumerKit) => unknown>>;
export type CommandName = keyof typeof commands;

/** With these nothing stands in the way of a last commit, and everything that was handled must be committed in the end. */
const harmless: ReadonlySet<CommandName> = new Set([
  ...(['suspend', 'resume', 'shutdown', 'store', 'joinLast', 'joinFirst', 'leave', 'rest'] as const),
]);

const failable = {
  route: RequestCode.GET_ROUTEINFO_BY_TOPIC,
  heartbeat: RequestCode.HEART_BEAT,
  members: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
  query: RequestCode.QUERY_CONSUMER_OFFSET,
  commit: RequestCode.UPDATE_CONSUMER_OFFSET,
  pull: RequestCode.PULL_MESSAGE,
  sendBack: RequestCode.CONSUMER_SEND_MSG_BACK,
  lock: RequestCode.LOCK_BATCH_MQ,
  unlock: RequestCode.UNLOCK_BATCH_MQ,
  unregister: RequestCode.UNREGISTER_CLIENT,
} as const;
type Failable = keyof typeof failable;
const failables = Object.keys(failable) as Failable[]; // its own keys
const commandNames = Object.keys(commands) as CommandName[]; // its own keys
const forbidden = 16;

export interface Plan {
  /** With the fence and without, in order under locks, or every member for itself. */
  readonly form: 'fenced' | 'unfenced' | 'orderly' | 'broadcasting';
  readonly steps: readonly { readonly command: CommandName; readonly release: number }[];
  readonly failing: readonly Failable[];
  /** Before which step that begins; 0: from the start. */
  readonly failsFrom: number;
  /** How a failing request fails. `forbidden`: as whoever has no right to it. */
  readonly failure: 'refused' | 'mute' | 'forbidden';
  readonly listener: 'done' | 'throws' | 'later' | 'hangs';
  /** From that step on something in the consumer is broken, as by a defect: its dice throw. */
  readonly breaksAt: number | undefined;
  /** Told to stop, told so and put to sleep meanwhile, stopped by force, or left to itself. */
  readonly finish: 'shutdown' | 'sleepyShutdown' | 'hardStop' | 'goOn';
}

const anyPlans: fc.Arbitrary<Plan> = fc.record({
  form: fc.constantFrom('fenced', 'fenced', 'fenced', 'unfenced', 'orderly', 'orderly', 'broadcasting'),
  steps: fc.array(fc.record({ command: fc.constantFrom(...commandNames), release: fc.nat({ max: 18 }) }), {
    maxLength: 8,
  }),
  failing: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.subarray(failables, { minLength: 1, maxLength: 2 }) },
  ),
  failsFrom: fc.nat({ max: 6 }),
  failure: fc.constantFrom('refused', 'mute', 'forbidden'),
  listener: fc.constantFrom('done', 'throws', 'later', 'hangs'),
  breaksAt: fc.oneof(
    { weight: 19, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 7 }) },
  ),
  finish: fc.constantFrom(
    ...(['shutdown', 'shutdown', 'shutdown', 'shutdown', 'sleepyShutdown', 'hardStop', 'goOn'] as const),
  ),
});

/** A stop in the midst of a hand-over whose last commit fails: rare among all plans. */
const interruptedHandOvers: fc.Arbitrary<Plan> = fc
  .tuple(anyPlans, fc.nat({ max: 18 }), fc.nat({ max: 18 }))
  .map(([plan, first, second]) => ({
    ...plan,
    steps: [
      ...[18, 18].map(release => ({ command: 'rest', release }) as const),
      { command: 'joinFirst', release: first },
      { command: 'rest', release: second },
    ],
    ...{ failing: ['commit'], failsFrom: 3, failure: 'refused', breaksAt: undefined, finish: 'shutdown' },
  }));

export const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 15, arbitrary: anyPlans },
  { weight: 1, arbitrary: interruptedHandOvers },
);

export function isHarmless({ failing, steps, breaksAt, finish }: Plan): boolean {
  const hasHarm = failing.length > 0 || breaksAt !== undefined || finish === 'sleepyShutdown';
  return !hasHarm && steps.every(({ command }) => harmless.has(command));
}

/** From now on the requests of the plan fail. */
export function fail(kit: ConsumerKit, { failing, failure }: Plan): void {
  const code = failure === 'forbidden' ? forbidden : 1;
  for (const name of failing)
    kit.cluster.on(failable[name], () => (failure === 'mute' ? undefined : { code, remark: 'no' }));
}

/** The process does not run for a while. */
export function sleep(kit: ConsumerKit): void {
  kit.trace.mark({ mark: 'slept', ms: sleepMs });
  kit.clock.jump(sleepMs);
}

function join(kit: ConsumerKit, ...members: readonly string[]): void {
  kit.cluster.otherMembers.clear();
  for (const member of members) kit.cluster.otherMembers.add(member);
  kit.cluster.tellMembersChanged(group);
}
