// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { sql, subscriptionData } from '../../../../../src/model/subscription.ts';
import { RequestCode } from '../../../../../src/protocol/codes.ts';
import { pullMessage } from '../../../../../src/protocol/requests/pull-message.ts';
import { aBroker, bodiesOf, only, properties, pullHeader } from './kit.ts';

/** Neither held nor filtered by the group. */
const own = { sysFlag: 4, subscription: '*' };

function withMessages(count: number, body: (i: number) => Buffer | string = i => String(i)) {
  const kit = aBroker();
  for (let i = 0; i < count; i++)
    kit.send({ properties: properties({ TAGS: i % 2 === 0 ? 'even' : 'odd' }) }, body(i));
  return kit;
}

function told(status: string, next: number, min: number, max: number) {
  return {
    remark: status,
    fields: {
      suggestWhichBrokerId: '0',
      nextBeginOffset: String(next),
      minOffset: String(min),
      maxOffset: String(max),
      topicSysFlag: '0',
      groupSysFlag: '0',
    },
  };
}

describe('a pull', () => {
  it('gets the messages from its offset on', () => {
    const { pull } = withMessages(5);
    const { reply } = pull({ queueOffset: 2 });
    expect(reply).toMatchObject({ code: 0, ...told('FOUND', 5, 0, 5) });
    expect(bodiesOf(reply)).toEqual(['2', '3', '4']);
  });

  it.each([
    ['at the end', 5, 19, told('OFFSET_OVERFLOW_ONE', 5, 0, 5)],
    ['past the end', 500, 21, told('OFFSET_OVERFLOW_BADLY', 5, 0, 5)],
    ['before the beginning', -1, 21, told('OFFSET_TOO_SMALL', 0, 0, 5)],
  ])('%s of the queue is told so', (_, queueOffset, code, rest) => {
    expect(withMessages(5).pull({ ...own, queueOffset }).reply).toEqual({ code, ...rest, body: undefined });
  });

  it('below what is still there is sent to the oldest message', () => {
    const { broker, pull } = withMessages(5);
    broker.setMinOffset('orders', 0, 3);
    expect(pull({ ...own, queueOffset: 1 }).reply).toMatchObject({
      code: 21,
      ...told('OFFSET_TOO_SMALL', 3, 3, 5),
    });
    expect(bodiesOf(pull({ ...own, queueOffset: 3 }).reply)).toEqual(['3', '4']);
  });

  it('of a queue that never had a message is told 0: nothing there at 0, moved elsewhere', () => {
    const { pull } = aBroker();
    const empty = told('NO_MESSAGE_IN_QUEUE', 0, 0, 0);
    expect(pull({ ...own, queueId: 2 }).reply).toMatchObject({ code: 19, ...empty });
    expect(pull({ ...own, queueId: 2, queueOffset: 3 }).reply).toMatchObject({ code: 21, ...empty });
  });

  it('gets at most 32 messages, at most what it asks for, and always one', () => {
    const { pull } = withMessages(100);
    expect(bodiesOf(pull({ maxMsgNums: 1000 }).reply)).toHaveLength(32);
    expect(bodiesOf(pull({ maxMsgNums: 7 }).reply)).toHaveLength(7);
    expect(bodiesOf(pull({ maxMsgNums: 0 }).reply)).toHaveLength(1);
  });

  it('gets at most 256 KiB, but one larger message alone', () => {
    const { pull } = withMessages(4, i => Buffer.alloc(i === 3 ? 300_000 : 100_000));
    expect(pull().reply?.fields?.['nextBeginOffset']).toBe('2');
    expect(pull({ queueOffset: 3 }).reply).toMatchObject({ code: 0, ...told('FOUND', 4, 0, 4) });
  });

  it('filtered by tag goes on behind what it skipped, also behind the last match', () => {
    const { pull } = withMessages(6);
    const { reply } = pull({ sysFlag: 4, subscription: 'even' });
    expect(bodiesOf(reply)).toEqual(['0', '2', '4']);
    expect(reply).toMatchObject(told('FOUND', 6, 0, 6));
  });

  it('that matches nothing is told how far to go on, at most 800 messages at a time', () => {
    const { pull } = withMessages(900);
    const none = { sysFlag: 4, subscription: 'none' };
    expect(pull(none).reply).toMatchObject({ code: 20, ...told('NO_MATCHED_MESSAGE', 800, 0, 900) });
    expect(pull({ ...none, queueOffset: 800 }).reply).toMatchObject({
      code: 20,
      ...told('NO_MATCHED_MESSAGE', 900, 0, 900),
    });
  });

  it('is filtered as the group told with its heartbeat, when it brings no filter', () => {
    const { subscribe, pull } = withMessages(6);
    subscribe('orders', 'odd', 5);
    expect(bodiesOf(pull({ sysFlag: 0, subVersion: 5, subscription: 'even' }).reply)).toEqual([
      '1',
      '3',
      '5',
    ]);
  });

  it('may carry an offset to commit, which is stored whatever is found', () => {
    const { broker, pull } = withMessages(5);
    pull({ sysFlag: 1, commitOffset: 3 });
    expect(broker.committed('billing', 'orders', 0)).toBe(3);
    pull({ sysFlag: 1, queueOffset: 500, commitOffset: 4 });
    expect(broker.committed('billing', 'orders', 0)).toBe(4);
    pull({ sysFlag: 0, commitOffset: 5 });
    expect(broker.committed('billing', 'orders', 0)).toBe(4);
  });

  it('may come as a lite pull', () => {
    const { ask } = withMessages(2);
    const lite = { ...pullMessage, code: RequestCode.LITE_PULL_MESSAGE };
    expect(bodiesOf(only(ask(lite, pullHeader(own))))).toEqual(['0', '1']);
  });
});

describe('a pull is refused', () => {
  it('with 26 for a name no group can have', () => {
    expect(aBroker().pull({ consumerGroup: 'no group' }).reply).toMatchObject({ code: 26, fields: {} });
  });

  it('with 17 for an unknown topic', () => {
    const { reply } = aBroker().pull({ topic: 'Nope' });
    expect(reply?.code).toBe(17);
    expect(reply?.remark).toMatch(/^topic\[Nope\] not exist, apply first please! \nSee /);
  });

  it('with 16 for a topic closed to readers', () => {
    const { broker, pull } = aBroker();
    broker.topics.set('orders', { queues: 4, perm: 2 });
    expect(pull().reply).toEqual({
      code: 16,
      remark: 'the topic[orders] pulling message is forbidden',
      fields: { forbiddenType: '3' },
    });
  });

  it.each([-1, 4])('with 29 for queue %d of four', queueId => {
    expect(aBroker().pull({ queueId }).reply).toEqual({
      code: 29,
      remark: `queueId[${queueId}] is illegal, topic:[orders] topicConfig.readQueueNums:[4] consumer:[/127.0.0.1:39820]`,
      fields: {},
    });
  });

  it('with 24 for a group without members, and for a topic its members do not want', () => {
    const { broker, pull } = aBroker();
    broker.topics.set('refunds', { queues: 4 });
    expect(pull({ consumerGroup: 'unheard' }).reply).toMatchObject({
      code: 24,
      remark: expect.stringMatching(/^the consumer's group info not exist\nSee /),
    });
    expect(pull({ topic: 'refunds' }).reply).toMatchObject({
      code: 24,
      remark: expect.stringMatching(/^the consumer's subscription not exist\nSee /),
    });
  });

  it('with 25 when its subscription is newer than what the heartbeat told, until the next heartbeat', () => {
    const { subscribe, pull } = withMessages(1);
    expect(pull({ subVersion: 7 }).reply).toEqual({
      code: 25,
      remark: "the consumer's subscription not latest",
      fields: {},
    });
    subscribe('orders', '*', 7);
    expect(pull({ subVersion: 7 }).reply?.code).toBe(0);
  });

  it('with 23 when its expression cannot be read', () => {
    expect(aBroker().pull({ sysFlag: 4, subscription: '||' }).reply?.code).toBe(23);
  });

  it('with 1 when it asks for SQL92, which a broker does not serve unless told to', () => {
    const refusal = {
      code: 1,
      remark: 'The broker does not support consumer to filter message by SQL92',
      fields: {},
    };
    const byHeartbeat = aBroker({ subscriptionOf: topic => subscriptionData(topic, sql('a > 1'), 1) });
    expect(byHeartbeat.pull().reply).toEqual(refusal);
    const itself = { sysFlag: 4, subscription: 'a > 1', expressionType: 'SQL92' };
    expect(aBroker().pull(itself).reply).toEqual(refusal);
  });

  it('and then commits nothing', () => {
    const { broker, pull } = aBroker();
    pull({ sysFlag: 3, subVersion: 7, commitOffset: 3 });
    expect(broker.committed('billing', 'orders', 0)).toBeUndefined();
  });
});
