// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { BrokerLocator } from '../../src/machines/consumer/broker-locator.ts';
import { sendBackPort } from '../../src/machines/consumer/send-back-port.ts';
import { RouteCache } from '../../src/machines/routes/route-cache.ts';
import type { SendBackJob } from '../../src/machines/send-back/send-back-job.ts';
import { parseProperties } from '../../src/protocol/properties.ts';
import { BrokerCalls } from '../../src/transport/broker-calls.ts';
import { MessageCalls } from '../../src/transport/message-calls.ts';
import { aQueue, messageAt } from '../support/builders.ts';
import { exchange } from '../support/transport-kit.ts';
import { parse } from '../unit/config/support.ts';

const address = '10.0.0.1:10911';
const broker = { cluster: 'c', brokerName: aQueue.brokerName, addresses: new Map([[0, address]]) };
const retryQueue = {
  brokerName: aQueue.brokerName,
  readQueueNums: 1,
  writeQueueNums: 1,
  perm: 6,
  topicSysFlag: 0,
};

/** The port over one broker, and a message that failed for the last time. */
function world(maxReconsumeTimes: number) {
  const { switchboard, asked, clock } = exchange(() => ({
    code: 0,
    fields: { msgId: 'x', queueId: '0', queueOffset: '0' },
  }));
  const cache = new RouteCache();
  cache.set('%RETRY%billing', { queues: [retryQueue], brokers: [broker] });
  const port = sendBackPort({
    config: parse({ maxReconsumeTimes }),
    calls: new BrokerCalls(switchboard),
    messages: new MessageCalls(switchboard),
    locator: new BrokerLocator(cache, switchboard),
    cache,
    clock,
  });
  const message = messageAt(7, {
    reconsumeTimes: 3,
    properties: [
      ['UNIQ_KEY', 'id-7'],
      ['__SHARDINGKEY', 'k'],
      ['DELAY', '4'],
    ],
  });
  const job: SendBackJob = {
    queue: aQueue,
    failed: { epoch: 1, ticket: 7, message, delayLevel: -1, error: undefined },
    settle: () => {},
    redeliver: () => {},
  };
  return { port, asked, job, signal: new AbortController().signal };
}

describe('a dead letter', () => {
  it('goes to the broker of the message by its number, with level -1', async () => {
    const { port, asked, job, signal } = world(3);
    await port.sendBack(job, signal);
    expect(asked.map(({ frame }) => frame.code)).toEqual([36]);
    expect(asked[0]?.frame.fields).toMatchObject({
      group: 'billing',
      originTopic: 'orders',
      originMsgId: 'id-7',
      delayLevel: '-1',
      maxReconsumeTimes: '3',
      offset: '7000',
    });
  });

  it.each([0, 3])(
    'goes as a copy with more attempts than the maximum of %d, and without a delay, when that is refused',
    async max => {
      const { port, asked, job, signal } = world(max);
      await port.sendToRetryTopic(job, signal);
      expect(asked.map(({ frame }) => frame.code)).toEqual([310]);
      const { b: topic, i: properties, j: attempts, l: most } = asked[0]?.frame.fields ?? {};
      expect({ topic, attempts, most }).toEqual({
        topic: '%RETRY%billing',
        attempts: `${max + 1}`,
        most: `${max}`,
      });
      expect(Object.fromEntries(parseProperties(String(properties)))).toEqual({
        UNIQ_KEY: 'id-7',
        __SHARDINGKEY: 'k',
        RETRY_TOPIC: 'orders',
        ORIGIN_MESSAGE_ID: 'id-7',
      });
    },
  );
});
