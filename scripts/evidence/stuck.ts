// SPDX-License-Identifier: Apache-2.0
/** What does one handler that never ends do to the others, to its message, and to its queue? */
import { setTimeout as pause } from 'node:timers/promises';
import type { MessageQueue } from '../../src/index.ts';
import { encodeLock, parseLockAnswer } from '../../src/protocol/bodies/lock.ts';
import { produceByJava } from '../../test/support/cluster/java-programs.ts';
import { monotonicMs } from '../../test/support/history/deliveries.ts';
import { CommitWatch } from './kit/commit-watch.ts';
import { judgeCommitted, judgeHistory, untilDone } from './kit/judge.ts';
import { judgeOrder } from './kit/judge-order.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { HangingConsumer, type Hung } from './stuck/hanging-consumer.ts';

const queues = 8;
const hangsIn = 3;
const consumeTimeout = 5000;
/** It is to be noticed within that much more. Unit: ms. */
const notice = 2000;
const lockBatch = 41;
const leastShare = 0.9;

export const stuck: Evidence = {
  name: 'stuck',
  about:
    'one handler of 8 queues never ends: the others keep their rate, it is told within consumeTimeout + 2 s, its message comes again once; an orderly queue waits',
  async run(stage, report) {
    if (stage.size === 'full') {
      await neverEnds(stage, report.part('concurrent'));
      await holdsItsQueue(stage, report.part('orderly'));
      return;
    }
    await Promise.all([
      neverEnds(stage, report.part('concurrent')),
      holdsItsQueue(stage, report.part('orderly')),
    ]);
  },
};

interface Scene {
  readonly topic: string;
  readonly group: string;
  readonly count: number;
  readonly consumer: HangingConsumer;
  readonly hung: Hung;
}

/** A backlog, handlers that take their time, and after a while one that hangs. */
async function begin(
  stage: Stage,
  given: {
    readonly orderly: boolean;
    readonly count: number;
    readonly handlerMs: number;
    readonly afterMs: number;
  },
): Promise<Scene> {
  const { orderly, count, handlerMs, afterMs } = given;
  const topic = stage.fresh('stuck');
  const group = stage.fresh('stuck-group');
  await stage.cluster.createTopic(topic, { queues });
  await produceByJava(stage.cluster, { topic, count, retry: true });
  const consumer = new HangingConsumer({
    ...{ namesrvAddr: stage.cluster.namesrvAddr, topic, group, orderly, handlerMs },
    config: { consumeTimeout, consumeConcurrency: 16 },
  });
  await consumer.start();
  await stage.until('the first messages', 10_000, () => consumer.deliveries().length > 50);
  await pause(afterMs);
  consumer.hangIn(hangsIn);
  await stage.until('a handler that hangs', 20_000, () => consumer.hung !== undefined);
  const { hung } = consumer;
  if (hung === undefined) throw new Error('nothing hangs');
  return { topic, group, count, consumer, hung };
}

/** For which rates are taken. Unit: ms. */
function window(stage: Stage): number {
  return stage.pick({ full: 20_000, share: 100 });
}

async function neverEnds(stage: Stage, report: Report): Promise<void> {
  const scene = await begin(stage, {
    orderly: false,
    count: stage.pick({ full: 50_000, share: 4000 }),
    handlerMs: stage.pick({ full: 20, share: 5 }), // the 16 handlers are the limit, not the processor
    afterMs: window(stage),
  });
  const { topic, group, count, consumer, hung } = scene;
  await using commits = new CommitWatch(stage, { topic, group, queues });
  await stage.until('its message again', 40_000, () => deliveriesOf(scene).length > 1);
  await untilDone(stage, [consumer], count);
  const before = { deliveries: consumer.deliveries().length, told: told(consumer) };
  const retriedAt = consumer.told('message.retried')[0]?.at ?? Number.NaN;
  if (stage.size === 'full') judgeRates(stage, report, scene);
  judgeNoticed(report, scene);
  report.check('signal: why', String(Object(hung.signal.reason).code), { is: 'RMQ_CONSUME_TIMEOUT' });
  report.check('its message sent back', consumer.told('message.retried').length, { is: 1 });
  report.check(
    'its message delivered',
    deliveriesOf(scene)
      .map(({ reconsumeTimes }) => reconsumeTimes)
      .join(),
    {
      is: '0,1',
    },
  );
  hung.end();
  await pause(2000);
  const after = { deliveries: consumer.deliveries().length, told: told(consumer) };
  report.check('changed by the late result', JSON.stringify(after) !== JSON.stringify(before), { is: false });

  const place = `${topic}#${hangsIn}`;
  const passed = commits.samples.filter(
    each => each.queue === place && (each.committed ?? 0) > hung.message.queueOffset,
  );
  const early = passed.filter(({ at }) => at < retriedAt).length;
  report.check('samples of an offset past it before it was taken back', early, { is: 0 });
  report.check('samples past it afterwards', passed.length, { atLeast: 1 });
  report.check('steps back of a committed offset', commits.stepsBack().length, { is: 0 });
  await judgeEnd(stage, report, scene);
}

async function holdsItsQueue(stage: Stage, report: Report): Promise<void> {
  const scene = await begin(stage, {
    orderly: true,
    count: stage.pick({ full: 40_000, share: 2400 }),
    handlerMs: 5,
    afterMs: 100,
  });
  const { topic, group, count, consumer, hung } = scene;
  await using commits = new CommitWatch(stage, { topic, group, queues });
  const heldMs = stage.pick({ full: 75_000, share: 32_000 }); // longer than a lock lives that nobody renews
  await pause(hung.at + heldMs - monotonicMs());
  const inQueue = consumer
    .deliveries()
    .filter(({ queue, at }) => queue === hung.delivery.queue && at > hung.at);
  const others = consumer.deliveries().filter(({ queue, isDone }) => isDone && queue !== hung.delivery.queue);
  judgeNoticed(report, scene);
  report.note('held for, s', Math.round(heldMs / 1000));
  report.check('deliveries of its queue meanwhile', inQueue.length, { is: 0 });
  report.check('queues whose lock another member gets', await lockedByAnother(stage, scene), { is: 0 });
  report.note('messages of the other queues done meanwhile', others.length);
  const past = commits.samples.filter(
    each => each.queue === `${topic}#${hangsIn}` && (each.committed ?? 0) > hung.message.queueOffset,
  );
  report.check('samples of a committed offset past it', past.length, { is: 0 });
  report.check('sent back', consumer.told('message.retried').length, { is: 0 });
  hung.end();
  await untilDone(stage, [consumer], count);
  report.check('its message delivered', deliveriesOf(scene).length, { is: 1 });
  await judgeOrder(stage, report, { topic, by: 'queue', members: [consumer] });
  await judgeEnd(stage, report, scene);
}

/** Of the message whose handler hung. */
function deliveriesOf({ consumer, hung }: Scene): ReturnType<HangingConsumer['deliveries']> {
  return consumer.deliveries().filter(({ sequence }) => sequence === hung.delivery.sequence);
}

function told(consumer: HangingConsumer): readonly number[] {
  const types = ['message.stuck', 'message.retried', 'message.deadLettered', 'fault'] as const;
  return types.map(type => consumer.told(type).length);
}

function judgeNoticed(report: Report, { consumer, hung }: Scene): void {
  const stuckOnes = consumer.told('message.stuck');
  const [first] = stuckOnes;
  report.check('told as stuck', stuckOnes.length, { is: 1 });
  report.check('of its own message', first?.msgId === hung.message.msgId, { is: true });
  const after = (at: number | undefined): number => (at ?? Number.POSITIVE_INFINITY) - hung.at;
  report.check('told after, ms', Math.round(after(first?.at)), { atLeast: consumeTimeout });
  report.speed('told within, ms', Math.round(after(first?.at)), { atMost: consumeTimeout + notice });
  report.speed('signal aborted within, ms', Math.round(after(hung.abortedAt)), {
    atMost: consumeTimeout + notice,
  });
  report.check('signal aborted', hung.signal.aborted, { is: true });
}

/** Messages done in the other queues, in the time before and after. */
function judgeRates(stage: Stage, report: Report, { consumer, hung }: Scene): void {
  const ms = window(stage);
  const doneIn = (from: number): number =>
    consumer
      .deliveries()
      .filter(({ queue, until = 0 }) => queue !== hung.delivery.queue && until >= from && until < from + ms)
      .length;
  const before = doneIn(hung.at - ms);
  const after = doneIn(hung.at);
  report.note('the others before, messages/s', Math.round((before * 1000) / ms));
  report.note('the others after, messages/s', Math.round((after * 1000) / ms));
  report.speed('their rate after / before', after / before, { atLeast: leastShare });
}

/** Asked as a member that does not exist: what is held by somebody is refused. */
async function lockedByAnother(stage: Stage, { topic, group }: Scene): Promise<number> {
  const { address } = stage.cluster.broker('broker-a');
  const queue: MessageQueue = { topic, brokerName: 'broker-a', queueId: hangsIn };
  const body = encodeLock({
    ...{ clientId: `${group}@nobody`, consumerGroup: group },
    ...{ mqSet: [queue], onlyThisBroker: false },
  });
  const answer = await stage.cluster.admin.request(address, { code: lockBatch, body });
  return parseLockAnswer(answer.body).length;
}

async function judgeEnd(stage: Stage, report: Report, scene: Scene): Promise<void> {
  const { topic, group, count, consumer } = scene;
  const stopped = await consumer.stop();
  const faults = consumer.told('fault').map(({ error }) => error.code);
  report.check('faults', faults.join(), { is: 'RMQ_CONSUME_TIMEOUT' });
  report.check('stopped clean', stopped.clean, { is: true });
  report.check('abandoned', stopped.abandonedMessages, { is: 0 });
  const deliveries = [consumer.deliveries()];
  await judgeHistory(stage, report, { topic, sent: { from: 0, to: count }, deliveries, repeats: 'none' });
  await judgeCommitted(stage, report, { topic, group });
}
