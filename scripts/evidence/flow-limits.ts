// SPDX-License-Identifier: Apache-2.0
/** Does every flow limit hold, by its name, and is nothing lost for it? Above all: how much memory do large messages and slow handlers cost? */
import { createProducer } from '../../src/index.ts';
import { startEmbeddedCluster } from '../../src/testing/embedded/embedded-cluster.ts';
import type { Delivery } from '../../test/support/history/deliveries.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import type { Member } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 8;
const largeBody = 64 * 1024;
const smallBody = 256;
/** Sends at once; a broker takes 64 KiB in well under a millisecond. */
const sendsAtOnce = 32;
/**
 * What may be in memory at the peak: a Node process with the client that holds nothing (70), the limit (8), one answer of
 * 256 KiB for each queue that was on the wire when it was reached (2), and frames that are done and not collected yet: V8 begins
 * a collection when 64 MiB more were allocated outside its heap. It does not grow with the backlog. Unit: MB.
 */
const memoryLimitMb = 160;

/** Where messages are and members are started. */
interface Place {
  readonly name: string;
  readonly namesrv: string;
  createTopic(topic: string): Promise<unknown> | unknown;
}

export const flowLimits: Evidence = {
  name: 'flow-limits',
  about:
    'pullThresholdSizeForAll 8 MiB under 64 KiB messages and 50 ms handlers: memory bounded, nothing lost; every other limit closes by its name and all is consumed',
  shareOn: '4.9.7', // what it shows is ours, not the broker's
  async run(stage, report) {
    const { cluster } = stage;
    const real: Place = {
      ...{ name: 'real', namesrv: cluster.namesrvAddr },
      createTopic: topic => cluster.createTopic(topic, { queues }),
    };
    await memoryIsBounded(stage, report, real, stage.pick({ full: 20_000, share: 2000 }));
    await eachLimit(stage, report, real);
    await using embeddedCluster = await startEmbeddedCluster();
    const embedded: Place = {
      ...{ name: 'embedded', namesrv: embeddedCluster.namesrvAddr },
      createTopic: topic => embeddedCluster.createTopic(topic, { queues }),
    };
    await memoryIsBounded(stage, report, embedded, 2000);
    await eachLimit(stage, report, embedded);
  },
};

interface Filled {
  readonly topic: string;
  readonly count: number;
}

/** A topic with so many messages of that size, numbered from 0. */
async function filled(
  stage: Stage,
  place: Place,
  { count, size }: { readonly count: number; readonly size: number },
): Promise<Filled> {
  const topic = stage.fresh('flow');
  await place.createTopic(topic);
  await using producer = createProducer({
    namesrvAddr: place.namesrv,
    producerGroup: stage.fresh('filling'),
    enableMessageCompression: false, // the limits count what is received
  });
  await producer.start();
  const rest = 'x'.repeat(size - 10);
  let next = 0;
  const sendSome = async (): Promise<void> => {
    while (next < count) {
      const body = `${String(next++).padStart(10, '0')}${rest}`;
      await producer.send({ topic, body });
    }
  };
  await Promise.all(Array.from({ length: sendsAtOnce }, sendSome));
  stage.say(`${place.name}: ${count} messages of ${size} bytes are stored`);
  return { topic, count };
}

/** 50 ms handlers, 64 at once, over a backlog that is much larger than what may be held. */
async function memoryIsBounded(stage: Stage, whole: Report, place: Place, count: number): Promise<void> {
  const report = whole.part(`${place.name}, memory`);
  const { topic } = await filled(stage, place, { count, size: largeBody });
  const group = stage.fresh('flow-memory');
  await using member = stage.member({
    ...{ name: 'solo', topic, group, handlerMs: 50, flush: 'often' as const, wire: false },
    ...{ namesrv: place.namesrv },
    config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', pullThresholdSizeForAll: 8 },
  });
  await untilDone(stage, [member], count);
  const stopped = await member.stop();
  const deliveries = member.deliveries();
  judgeAll(report, deliveries, count);
  if (place.name === 'real') {
    const sent = { from: 0, to: count };
    await judgeHistory(stage, report, { topic, sent, deliveries: [deliveries], repeats: 'none' });
    await judgeCommitted(stage, report, { topic, group });
  }
  judgeStop(report, 'consumer', stopped);
  report.note('backlog, MiB', (count * largeBody) / 1024 / 1024);
  report.check('VmHWM, MB', Number(stopped['peakMemoryMb']), { atMost: memoryLimitMb });
  judgeCauses(report, member, stopped, 'sizeOfAll', 'all');
  const ms = (deliveries.at(-1)?.at ?? 0) - (deliveries[0]?.at ?? 0);
  report.note('messages/s', Math.round((count * 1000) / ms));
}

/** How often which limit closed a queue, as the member counted it; the states as it found them at the first of each. */
function judgeCauses(
  report: Report,
  member: Member,
  stopped: { readonly [fact: string]: unknown },
  cause: string,
  scope: string,
): void {
  report.note('flow.closed', JSON.stringify(stopped['flowClosed']));
  const first = member.all('flowClosed').find(each => each['cause'] === cause);
  const states = JSON.stringify(first?.['pulls'] ?? {});
  report.whole(
    `pull actors when first closed by ${cause}`,
    states,
    states.includes(`throttled.armed ${cause}`),
  );
  report.check('its scope', String(first?.['scope']), { is: scope });
  report.check('faults', member.all('fault').length, { is: 0 });
}

interface Limit {
  readonly cause: string;
  readonly scope: 'queue' | 'topic' | 'all';
  readonly size: 'small' | 'large';
  readonly config: Readonly<Record<string, unknown>>;
  /** Commits with each so-many-th message of a queue. */
  readonly commitEvery?: number;
}

/** Each small enough that the others are not reached. */
const limits: readonly Limit[] = [
  { cause: 'countOfQueue', scope: 'queue', size: 'small', config: { pullThresholdForQueue: 10 } },
  { cause: 'sizeOfQueue', scope: 'queue', size: 'large', config: { pullThresholdSizeForQueue: 1 } },
  { cause: 'spanOfQueue', scope: 'queue', size: 'small', config: { consumeConcurrentlyMaxSpan: 20 } },
  { cause: 'uncommittedOfQueue', scope: 'queue', size: 'small', config: { flowControlMaxDiff: 40 } },
  {
    ...{ cause: 'uncommittedOfQueue', scope: 'queue', size: 'small', commitEvery: 20 },
    config: { flowControlMaxDiff: 40, enableAutoCommit: false },
  },
  { cause: 'countOfTopic', scope: 'topic', size: 'small', config: { pullThresholdForTopic: 100 } },
  { cause: 'sizeOfTopic', scope: 'topic', size: 'large', config: { pullThresholdSizeForTopic: 2 } },
  { cause: 'countOfAll', scope: 'all', size: 'small', config: { pullThresholdForAll: 100 } },
  { cause: 'sizeOfAll', scope: 'all', size: 'large', config: { pullThresholdSizeForAll: 2 } },
];

async function eachLimit(stage: Stage, report: Report, place: Place): Promise<void> {
  const [small, large, rated] = await Promise.all([
    filled(stage, place, { count: 1600, size: smallBody }),
    filled(stage, place, { count: 800, size: largeBody }),
    filled(stage, place, { count: stage.pick({ full: 6000, share: 1600 }), size: smallBody }),
  ]);
  const topics = { small, large };
  await Promise.all([
    ...limits.map(limit => oneLimit(stage, report, place, limit, topics[limit.size])),
    theRate(stage, report.part(`${place.name}, rate`), place, rated),
  ]);
}

async function oneLimit(
  stage: Stage,
  report: Report,
  place: Place,
  limit: Limit,
  { topic, count }: Filled,
): Promise<void> {
  const { cause, scope, config, commitEvery } = limit;
  const named = commitEvery === undefined ? cause : `${cause}, committed on demand`;
  const part = report.part(`${place.name}, ${named}`);
  await using member = stage.member({
    ...{ name: 'solo', topic, group: stage.fresh(cause), handlerMs: 5, flush: 'often' as const, wire: false },
    ...{ namesrv: place.namesrv, ...(commitEvery !== undefined && { commitEvery }) },
    config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', consumeConcurrency: 8, ...config },
  });
  await untilDone(stage, [member], count, 60_000);
  const stopped = await member.stop();
  judgeAll(part, member.deliveries(), count);
  judgeCauses(part, member, stopped, cause, scope);
  judgeStop(part, 'consumer', stopped);
}

function judgeAll(report: Report, deliveries: readonly Delivery[], count: number): void {
  const done = new Set(deliveries.flatMap(each => (each.isDone ? [each.sequence] : [])));
  report.check('messages done', done.size, { is: count });
  report.check('delivered', deliveries.length, { is: count });
}

/** At no time more than a second's worth and a burst in a second; in the long run as many as it says. */
async function theRate(stage: Stage, report: Report, place: Place, { topic, count }: Filled): Promise<void> {
  const perSecond = stage.pick({ full: 100, share: 400 });
  await using member = stage.member({
    ...{ name: 'solo', topic, group: stage.fresh('rate'), flush: 'often' as const, wire: false },
    ...{ namesrv: place.namesrv },
    // Some are pulled before the first may start: not all, or no queue would have to wait for the rate.
    config: {
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      maxMessagesPerSecond: perSecond,
      pullThresholdForQueue: 100,
    },
  });
  await untilDone(stage, [member], count);
  const stopped = await member.stop();
  const starts = member
    .deliveries()
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  judgeAll(report, member.deliveries(), count);
  judgeCauses(report, member, stopped, 'rate', 'all');
  const burst = perSecond / 10;
  report.check('most that started within a second', mostWithin(starts, 1000), {
    atMost: perSecond + burst + perSecond / 100,
  });
  const seconds = ((starts.at(-1) ?? 0) - (starts[0] ?? 0)) / 1000;
  report.note('seconds from the first to the last', seconds);
  report.speed('messages a second after the first burst', (count - burst) / seconds, {
    atLeast: perSecond * 0.99,
  });
  report.speed('and not more', (count - burst - 1) / seconds, { atMost: perSecond * 1.01 });
}

/** `times` ascending. */
function mostWithin(times: readonly number[], ms: number): number {
  let most = 0;
  let first = 0;
  for (const [i, time] of times.entries()) {
    while (time - (times[first] ?? time) >= ms) first++;
    most = Math.max(most, i - first + 1);
  }
  return most;
}
