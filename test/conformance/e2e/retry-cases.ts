// SPDX-License-Identifier: Apache-2.0
/** PushConsumerRetryTest: what becomes of messages that a listener does not get done? */
import { expect } from 'vitest';
import { ConsumeResult, type ConsumerConfig, OrderlyResult } from '../../../src/index.ts';
import type { E2eCase, E2eClass } from './e2e-case.ts';
import type { E2eConsumer, Seen } from './e2e-consumer.ts';
import { bodies, type E2eStage, numbered } from './stage.ts';

const count = 5;
/** Lets thirty repetitions of one message pass within seconds. Unit: ms. */
const shortPause = 100;
/** The option's default. Unit: ms. */
const usualPause = 1000;
/** A timer may fire a fraction early. Unit: ms. */
const grain = 1;
const later = ConsumeResult.RECONSUME_LATER;
const moment = OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT;

/** Every one of so many messages was delivered in these attempts, in this order. */
function all(messages: number, attempts: readonly number[]): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(bodies(messages).map(body => [body, attempts]));
}

/** Time between the deliveries of one attempt and the next, the shortest of all messages. Unit: ms. */
function pauseBefore({ seen }: E2eConsumer, attempt: number): number {
  const pauses = seen
    .filter(({ reconsumeTimes }) => reconsumeTimes === attempt)
    .map(after => {
      const before = seen.find(each => each.body === after.body && each.reconsumeTimes === attempt - 1);
      return after.at - (before?.at ?? Number.NaN);
    });
  return Math.min(...pauses);
}

/** Five messages whose listener answers so, until everything is done, those of the retry topic included. */
async function retried(
  stage: E2eStage,
  answer: (seen: Seen) => unknown,
  maxReconsumeTimes = 2,
  config: ConsumerConfig = {},
): Promise<E2eConsumer> {
  const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
  const consumer = await stage.soleConsumer({ ...given, answer, config: { ...config, maxReconsumeTimes } });
  await stage.send(numbered(given.topic, count));
  await stage.until('all are done', () => consumer.seen.length >= count * (1 + maxReconsumeTimes));
  await stage.committed(given.topic, given.group);
  await stage.committed(`%RETRY%${given.group}`, given.group);
  expect(new Set(consumer.seen.map(({ topic }) => topic))).toEqual(new Set([given.topic]));
  return consumer;
}

/** The same of one queue in order, with that many deliveries in all. */
async function repeated(
  stage: E2eStage,
  options: {
    readonly answer: (seen: Seen) => unknown;
    readonly messages: number;
    readonly deliveries: number;
    readonly maxReconsumeTimes?: number;
    readonly pause?: number;
  },
): Promise<{ readonly consumer: E2eConsumer; readonly group: string }> {
  const { answer, messages, deliveries, maxReconsumeTimes = -1, pause = usualPause } = options;
  const given = { topic: await stage.topic(), group: stage.fresh('e2e'), orderly: true as const };
  const config = { maxReconsumeTimes, suspendCurrentQueueTimeMillis: pause };
  const consumer = await stage.soleConsumer({ ...given, answer, config });
  await stage.send(numbered(given.topic, messages), 'one key');
  await stage.until('all were delivered', () => consumer.seen.length >= deliveries);
  await stage.committed(given.topic, given.group);
  return { consumer, group: given.group };
}

const upToThirty = Array.from({ length: 31 }, (_, attempt) => attempt);

const concurrentCases: readonly E2eCase[] = [
  {
    name: 'testNormalMessageReconsumeTime',
    about: 'what is to come later comes after the pause of level 3, then of level 4, counted',
    async run(stage) {
      const consumer = await retried(stage, seen => (seen.reconsumeTimes < 2 ? later : undefined));
      expect(consumer.attempts()).toEqual(all(count, [0, 1, 2]));
      expect(pauseBefore(consumer, 1)).toBeGreaterThanOrEqual(stage.delayOf(3));
      expect(pauseBefore(consumer, 2)).toBeGreaterThanOrEqual(stage.delayOf(4));
    },
  },
  {
    name: 'testNormalMessageRetryTimesSetting',
    about: 'with maxReconsumeTimes 0 what fails becomes a dead letter at once and does not come again',
    async run(stage) {
      const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
      const config = { maxReconsumeTimes: 0 };
      const consumer = await stage.soleConsumer({ ...given, answer: () => later, config });
      await stage.send(numbered(given.topic, count));
      await stage.deadLetters(given.group, count);
      await stage.committed(given.topic, given.group);
      expect(consumer.attempts()).toEqual(all(count, [0]));
      expect(await stage.held(`%RETRY%${given.group}`)).toBe(0);
    },
  },
  {
    name: 'testExceptionConsumption',
    about: 'what a listener throws at comes again until it is done',
    async run(stage) {
      const done: string[] = [];
      const consumer = await retried(stage, seen => {
        if (seen.reconsumeTimes < 2) throw new Error('division by zero');
        done.push(seen.body);
        return undefined;
      });
      expect(consumer.attempts()).toEqual(all(count, [0, 1, 2]));
      expect(done.toSorted()).toEqual(bodies(count));
    },
  },
  {
    name: 'testNullConsumption',
    about: 'null is no success: the message comes again',
    async run(stage) {
      const consumer = await retried(stage, seen => (seen.reconsumeTimes < 2 ? null : undefined));
      expect(consumer.attempts()).toEqual(all(count, [0, 1, 2]));
    },
  },
  {
    name: 'testTimeoutConsumption', // disabled there: the Java client notices after 15 to 30 minutes
    about: 'what takes longer than consumeTimeout is told, comes again, and its late end does not count',
    async run(stage) {
      const { clock } = stage.cluster;
      const slow = (): Promise<void> =>
        new Promise(resolve => {
          clock.setTimeout(() => resolve(), 6000);
        });
      const answer = (seen: Seen): unknown => (seen.reconsumeTimes === 0 ? slow() : undefined);
      const consumer = await retried(stage, answer, 1, { consumeTimeout: 1000 });
      const lateAt = clock.now() + 6000;
      await stage.until('the first calls have ended', () => clock.now() > lateAt);
      expect(consumer.attempts()).toEqual(all(count, [0, 1]));
      const stuck = consumer.events.filter(({ type }) => type === 'message.stuck');
      expect(stuck).toHaveLength(count);
    },
  },
  {
    name: 'testNormalTopicPushConsumerRetry',
    about: 'what failed once comes once more, with its own topic and id',
    async run(stage) {
      const consumer = await retried(stage, seen => (seen.reconsumeTimes === 0 ? later : undefined), 1);
      expect(consumer.attempts()).toEqual(all(count, [0, 1]));
      expect(new Set(consumer.seen.map(({ msgId }) => msgId)).size).toBe(count);
    },
  },
];

const orderlyCases: readonly E2eCase[] = [
  {
    name: 'testOrderMessageReconsumeTime',
    about: 'a suspended queue goes on with the same message after a second, counted',
    async run(stage) {
      const answer = (seen: Seen): unknown => (seen.reconsumeTimes < 2 ? moment : undefined);
      const { consumer } = await repeated(stage, {
        answer,
        messages: count,
        deliveries: 3 * count,
        maxReconsumeTimes: 2,
      });
      expect(consumer.attempts()).toEqual(all(count, [0, 1, 2]));
      expect(pauseBefore(consumer, 1)).toBeGreaterThanOrEqual(usualPause - grain);
      expect(pauseBefore(consumer, 2)).toBeGreaterThanOrEqual(usualPause - grain);
    },
  },
  {
    name: 'testOrderMessageRetryTimesSetting',
    about: 'with maxReconsumeTimes 30 a message is delivered 31 times and is a dead letter then',
    async run(stage) {
      const deliveries = upToThirty.length;
      const { consumer, group } = await repeated(stage, {
        ...{ answer: () => moment, messages: 1, deliveries, maxReconsumeTimes: 30, pause: shortPause },
      });
      await stage.deadLetters(group, 1);
      expect(consumer.attempts()).toEqual(all(1, upToThirty));
    },
  },
  {
    name: 'testOrderMessageRetryTimesWith30',
    about: 'a second message is not seen before the first has had its 31 deliveries, and has as many',
    async run(stage) {
      const { consumer, group } = await repeated(stage, {
        ...{ answer: () => moment, messages: 2, deliveries: 62, maxReconsumeTimes: 30, pause: shortPause },
      });
      await stage.deadLetters(group, 2);
      expect(consumer.attempts()).toEqual(all(2, upToThirty));
      expect(consumer.bodies().lastIndexOf('0')).toBeLessThan(consumer.bodies().indexOf('1'));
    },
  },
  {
    name: 'testOrderMessageRetryTimesWithMaxReconsumeimes', // spelt so there
    about: 'a message that never succeeds becomes a dead letter, and only then the others come',
    async run(stage) {
      const { consumer, group } = await repeated(stage, {
        answer: ({ body }) => (body === '0' ? moment : undefined),
        ...{ messages: count, deliveries: count + 2, maxReconsumeTimes: 2 },
      });
      await stage.deadLetters(group, 1);
      expect(consumer.bodies()).toEqual(['0', '0', ...bodies(count)]);
    },
  },
  {
    name: 'testFiFoTopicPushConsumerRetry',
    about: 'messages that fail once each are done in the order they were sent',
    async run(stage) {
      const answer = (seen: Seen): unknown => (seen.reconsumeTimes === 0 ? moment : undefined);
      const { consumer } = await repeated(stage, { answer, messages: count, deliveries: 2 * count });
      expect(consumer.bodies()).toEqual(bodies(count).flatMap(body => [body, body]));
    },
  },
];

export const pushConsumerRetryTest: E2eClass = {
  name: 'PushConsumerRetryTest',
  cases: [...concurrentCases, ...orderlyCases],
};
