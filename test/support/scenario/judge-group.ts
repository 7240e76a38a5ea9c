// SPDX-License-Identifier: Apache-2.0
/** What became of a topic's messages in one group: lost, repeated, counted, committed? */
import type { RawQueueOffsets } from '../cluster/raw-admin.ts';
import { checkHistory } from '../history/checker.ts';
import { judgeOrder } from './judge-order.ts';
import type { ScenarioDelivery } from './listener.ts';
import { groupBy, type Problems, some } from './problems.ts';
import type { GroupExpectation } from './scenario.types.ts';
import type { World } from './world.ts';

/** Timers of Node may fire this much before the clock has reached their time. Unit: ms. */
const timerGrain = 1;

/** Compares what a group was given, and what the brokers have of it, with what is expected. */
export async function judgeGroup(
  world: World,
  problems: Problems,
  expected: GroupExpectation,
): Promise<void> {
  const { group, topic } = expected;
  const where = `${group} in ${topic}`;
  const { admin } = world.cluster;
  const offsets = await admin.queueOffsets(world.names.fresh(topic), world.names.fresh(group));
  const deliveries = world.book.of(group, topic);
  judgeNumbers(world, problems, expected);
  judgeOffsets(problems, expected, { where, offsets, given: world.book.of(group) });
  judgeOrder(world, problems, expected, offsets);
  problems.none(
    deliveries.filter(each => each.isDone && !each.isIntact).map(each => each.sequence),
    `${where}: other bodies than were sent`,
  );
  judgeAttempts(problems, expected, where, deliveries);
  const largest = Math.max(0, ...deliveries.map(each => each.batch));
  problems.unless(
    expected.batches === undefined || expected.batches.largest === largest,
    () => `${where}: the largest batch has ${largest} messages`,
  );
}

/** By the numbers of the messages. */
function judgeNumbers(world: World, problems: Problems, expected: GroupExpectation): void {
  const { group, topic, tags, messages, optional = 0, dead = [] } = expected;
  const wanted = new Set(messages ?? world.sender.numbers(topic, tags));
  const done = world.book.done(group, topic);
  const missing = [...wanted].filter(sequence => sequence >= optional && !done.has(sequence));
  const unwanted = [...done].filter(sequence => !wanted.has(sequence));
  problems.none(
    missing.filter(sequence => !dead.includes(sequence)),
    `${group} in ${topic}: lost`,
  );
  problems.none(
    dead.filter(sequence => done.has(sequence)),
    `${group} in ${topic}: done, though it is to be a dead letter`,
  );
  problems.none(unwanted, `${group} in ${topic}: not wanted`);
}

/** By their places at the brokers, which also shows a copy of a message that was stored twice. */
function judgeOffsets(
  problems: Problems,
  { topic, tags, optional = 0, repeated, committed: wish }: GroupExpectation,
  seen: {
    readonly where: string;
    readonly offsets: readonly RawQueueOffsets[];
    /** Of the whole group: retries have queues of their own. */
    readonly given: readonly ScenarioDelivery[];
  },
): void {
  const takesAll = tags === undefined && optional === 0;
  const queues = seen.offsets.map(({ brokerName, queueId, min, max }) => ({
    ...{ queue: `${topic}@${brokerName}#${queueId}`, min, max },
  }));
  const { lostOffsets, repeatedByOffset } = checkHistory({
    sent: { from: 0, to: 0 }, // judged by judgeNumbers
    deliveries: [seen.given],
    stored: takesAll ? queues : [],
  });
  problems.none(lostOffsets, `${seen.where}: lost by offset`);
  problems.unless(
    repeated === 'any' || repeatedByOffset === 0,
    () => `${seen.where}: repeated ${repeatedByOffset}`,
  );
  problems.unless(seen.offsets.length > 0, () => `${seen.where}: no name server knows the topic`);
  const isBehind = seen.offsets.some(({ committed, max }) => (committed ?? 0) !== max);
  const line = seen.offsets.map(each => `${each.queueId}: ${each.committed ?? 'nothing'} of ${each.max}`);
  problems.unless(isBehind === (wish === 'behind'), () => `${seen.where}: committed ${line.join(', ')}`);
}

function judgeAttempts(
  problems: Problems,
  { attempts, pauses = {}, repeated, within = Infinity }: GroupExpectation,
  where: string,
  deliveries: readonly ScenarioDelivery[],
): void {
  const byMessage = [...groupBy(deliveries, each => each.sequence)];
  const misnumbered = byMessage.filter(([, ofOne]) =>
    ofOne.some((each, index) => each.reconsumeTimes !== nextAttempt(each, ofOne[index - 1])),
  );
  problems.none(
    repeated === 0 ? misnumbered.map(([sequence, ofOne]) => `${sequence}: ${attemptsOf(ofOne)}`) : [],
    `${where}: attempts that do not rise by 1`,
  );
  const byAttempt = [...groupBy(deliveries, each => each.reconsumeTimes + 1)].sort(([a], [b]) => a - b);
  const counted = Object.fromEntries(byAttempt.map(([attempt, ofIt]) => [attempt, ofIt.length]));
  problems.unless(
    attempts === undefined || JSON.stringify(counted) === JSON.stringify(attempts),
    () => `${where}: deliveries by attempt ${JSON.stringify(counted)}`,
  );
  const late = byMessage.flatMap(([, ofOne]) => pauseBefore(ofOne, 1)).filter(ms => ms > within);
  problems.none(late, `${where}: first delivered later than after ${within} ms`);
  for (const [attempt, atLeast] of Object.entries(pauses)) {
    const waited = byMessage.flatMap(([, ofOne]) => pauseBefore(ofOne, Number(attempt)));
    const short = waited.filter(ms => ms < atLeast - timerGrain);
    problems.none(short, `${where}: attempt ${attempt} sooner than after ${atLeast} ms`);
    problems.unless(waited.length > 0, () => `${where}: nothing was delivered ${attempt} times`);
  }
}

/**
 * What was handed back counts up, and so does what was suspended; what the broker did not take back, or was rolled back,
 * comes again from its place, as it was.
 */
function nextAttempt(delivery: ScenarioDelivery, before: ScenarioDelivery | undefined): number {
  if (before === undefined) return delivery.topic.startsWith('%DLQ%') ? delivery.reconsumeTimes : 0;
  const isSamePlace = before.queue === delivery.queue && before.offset === delivery.offset;
  return before.reconsumeTimes + (isSamePlace && !before.isCounted ? 0 : 1);
}

function attemptsOf(deliveries: readonly ScenarioDelivery[]): string {
  return some(deliveries.map(each => each.reconsumeTimes + 1));
}

/** How long a message waited for that attempt; nothing when there was none. Unit: ms. */
function pauseBefore(ofOne: readonly ScenarioDelivery[], attempt: number): readonly number[] {
  const current = ofOne[attempt - 1];
  if (current === undefined) return [];
  const before = ofOne[attempt - 2];
  return [before === undefined ? current.age : current.at - before.at];
}
