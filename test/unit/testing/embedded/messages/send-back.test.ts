// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { zeroOffset as zero } from '../../../../../src/model/queue-offset.ts';
import { aBroker, properties } from './kit.ts';

const given = properties({ TAGS: 'paid', UNIQ_KEY: 'U1', WAIT: 'true' });

describe('a message handed back', () => {
  it('comes again after 10 s, once more tried, and remembers topic and id of its first version', async () => {
    const { broker, clock, send, sendBack } = aBroker();
    send({ queueId: 2, properties: given, flag: 7 });
    expect(sendBack({ offset: 0 })).toEqual({ code: 0 });
    await clock.advance(9999);
    expect(broker.messages('%RETRY%billing')).toEqual([]);
    await clock.advance(1);
    const retried = broker.storedAt('%RETRY%billing', 0, 0);
    expect(retried).toMatchObject({
      topic: 'orders',
      reconsumeTimes: 1,
      flag: 7,
      bornTimestamp: 1_700_000_000_000,
    });
    expect(Object.fromEntries(retried?.properties ?? [])).toEqual({
      CLUSTER: 'DefaultCluster',
      DELAY: '3',
      MSG_REGION: 'DefaultRegion',
      ORIGIN_MESSAGE_ID: '7F00000100002A9F0000000000000000',
      REAL_QID: '0',
      REAL_TOPIC: '%RETRY%billing',
      RETRY_TOPIC: 'orders',
      TAGS: 'paid',
      TRACE_ON: 'true',
      UNIQ_KEY: 'U1',
      WAIT: 'false',
    });
  });

  it('waits longer each time, keeping the first id, until it is a dead letter', async () => {
    const { broker, clock, send, sendBack } = aBroker();
    send({ properties: given });
    const retry = '%RETRY%billing';
    const waits: number[] = [];
    for (let tries = 0; tries < 3; tries++) {
      const before = clock.now();
      const position = tries === 0 ? 0 : broker.storedAt(retry, 0, tries - 1)?.commitLogOffset;
      sendBack({ offset: position ?? -1, maxReconsumeTimes: 2 });
      while (broker.maxOffset(retry, 0) === tries && clock.pending > 0) await clock.advance(1000);
      waits.push(clock.now() - before);
    }
    expect(waits).toEqual([10_000, 30_000, 0]);
    const [dead] = broker.messages('%DLQ%billing', 0);
    expect(dead?.reconsumeTimes).toBe(3);
    expect(dead?.properties.get('DELAY')).toBe('0');
    expect(dead?.properties.get('RETRY_TOPIC')).toBe('orders');
    expect(dead?.properties.get('ORIGIN_MESSAGE_ID')).toBe('7F00000100002A9F0000000000000000');
    expect(broker.topics.get('%DLQ%billing')).toMatchObject({ readQueueNums: 1, perm: 6 });
  });

  it('with a level waits for that, and with -1 is a dead letter at once', async () => {
    const { broker, clock, send, sendBack } = aBroker();
    send();
    sendBack({ delayLevel: 1 });
    sendBack({ delayLevel: -1 });
    expect(broker.messages('%DLQ%billing')).toHaveLength(1);
    await clock.advance(1000);
    expect(broker.messages('%RETRY%billing')).toHaveLength(1);
  });

  it('makes the retry topic with one queue, and groups that nobody has heard of', () => {
    const kit = aBroker();
    kit.send();
    const before = kit.topicChanges;
    expect(kit.sendBack({ group: 'unheard' })).toEqual({ code: 0 });
    expect(kit.broker.topics.get('%RETRY%unheard')).toMatchObject({
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
    });
    expect(kit.topicChanges).toBe(before + 1);
    expect(
      kit.update({ consumerGroup: 'unheard', topic: 'orders', queueId: 0, commitOffset: zero }).code,
    ).toBe(0);
  });

  it('keeps its compressed body as it is', () => {
    const { broker, send, sendBack } = aBroker();
    const compressed = Buffer.from('789c4b4c4a0600024d0127', 'hex');
    send({ sysFlag: 0x301 }, compressed);
    sendBack({ delayLevel: -1 });
    const dead = broker.storedAt('%DLQ%billing', 0, 0);
    expect(dead?.storedSysFlag).toBe(0x301);
    expect(dead?.body.toString()).toBe('abc');
  });

  it('is refused where nothing lies at its place, for a name no group can have, and by a retry topic closed to writes', () => {
    const { broker, send, sendBack } = aBroker();
    send();
    expect(sendBack({ offset: 99_999_999 })).toEqual({
      code: 1,
      remark: 'look message by offset failed, 99999999',
    });
    expect(sendBack({ group: 'no group' }).code).toBe(26);
    broker.topics.set('%RETRY%billing', { queues: 1, perm: 4 });
    expect(sendBack({}).code).toBe(16);
    expect(broker.messages('SCHEDULE_TOPIC_XXXX')).toEqual([]);
  });
});
