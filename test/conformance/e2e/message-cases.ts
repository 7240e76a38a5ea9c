// SPDX-License-Identifier: Apache-2.0
/** NormalMessageTest, OrderMessageTest and DelayMessageTest: does everything that was sent come, in order where asked, not too soon? */
import { expect } from 'vitest';
import { settled } from '../../support/scenario/cluster-under-test.ts';
import type { E2eCase, E2eClass } from './e2e-case.ts';
import { sendOneWay } from './one-way.ts';
import { bodies, type E2eStage, numbered, sorted } from './stage.ts';

/** Starts a consumer, has messages sent, and expects each of ten once. */
function normalCase(
  name: string,
  about: string,
  send: (stage: E2eStage, topic: string) => Promise<unknown>,
): E2eCase {
  return {
    ...{ name, about },
    async run(stage) {
      const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
      const consumer = await stage.soleConsumer(given);
      await send(stage, given.topic);
      await stage.until('all have come', () => consumer.seen.length >= 10);
      await stage.committed(given.topic, given.group);
      expect(sorted(consumer.bodies())).toEqual(bodies(10));
    },
  };
}

export const normalMessageTest: E2eClass = {
  name: 'NormalMessageTest',
  cases: [
    normalCase('testConsumeNormalMessage', 'what was sent one after the other comes', (stage, topic) =>
      stage.send(numbered(topic, 10)),
    ),
    normalCase(
      'testConsumeNormalMessageAndSendWithAsync',
      'what was sent side by side comes',
      async (stage, topic) => {
        const producer = await stage.producer();
        const sends = Promise.all(numbered(topic, 10).map(message => producer.send(message)));
        await settled(stage.cluster, 'ten sends', 20_000, sends);
      },
    ),
    normalCase('testConsumeNormalMessageAndSendWithOneWay', 'what was sent one-way comes', (stage, topic) =>
      sendOneWay(stage.cluster, topic, bodies(10)),
    ),
  ],
};

export const orderMessageTest: E2eClass = {
  name: 'OrderMessageTest',
  cases: [
    {
      name: 'testConsumePartitionOrderMessage',
      about: 'of each of eight queues thirty messages come in their order',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e'), orderly: true as const };
        const consumer = await stage.soleConsumer(given);
        const sent = await stage.send(numbered(given.topic, 240));
        await stage.committed(given.topic, given.group);
        for (let queueId = 0; queueId < 8; queueId += 1) {
          const there = bodies(240).filter((_, index) => sent[index]?.queue.queueId === queueId);
          expect(there).toHaveLength(30);
          const came = consumer.seen.filter(seen => seen.queueId === queueId).map(({ body }) => body);
          expect(came, `queue ${queueId}`).toEqual(there);
        }
      },
    },
    {
      name: 'testConsumeGlobalOrderMessage',
      about: 'a hundred messages of one queue come in their order',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e'), orderly: true as const };
        const consumer = await stage.soleConsumer(given);
        await stage.send(numbered(given.topic, 100), 'one key');
        await stage.committed(given.topic, given.group);
        expect(consumer.bodies()).toEqual(bodies(100));
      },
    },
  ],
};

function delayCase(name: string, delayLevel: number): E2eCase {
  return {
    name,
    about: `ten messages sent with delay level ${delayLevel} come when its pause is over, and no sooner`,
    async run(stage) {
      const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
      const consumer = await stage.soleConsumer(given);
      await stage.send(numbered(given.topic, 10, { delayLevel }));
      await stage.until('all have come', () => consumer.seen.length >= 10);
      await stage.committed(given.topic, given.group);
      expect(sorted(consumer.bodies())).toEqual(bodies(10));
      const pauses = consumer.seen.map(({ wallAt, bornTimestamp }) => wallAt - bornTimestamp);
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(stage.delayOf(delayLevel));
    },
  };
}

export const delayMessageTest: E2eClass = {
  name: 'DelayMessageTest',
  cases: [delayCase('testDelayLevel1', 1), delayCase('testDelayLevel4', 4)],
};
