// SPDX-License-Identifier: Apache-2.0
/** Does a broker pass questions of admin tools on to members, and their answers back: 223, 307, 309, and 208 of what they pulled? */
import { describe, expect, it } from 'vitest';
import { parseConsumeStats } from '../../../../../src/protocol/bodies/consume-stats.ts';
import { encodeHeartbeat } from '../../../../../src/protocol/bodies/heartbeat.ts';
import { encodeConsumerStatus } from '../../../../../src/protocol/bodies/offset-table.ts';
import type { Frame } from '../../../../../src/protocol/frame.ts';
import { encodeOffsetMsgId } from '../../../../../src/protocol/message-id.ts';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { aHeartbeat } from '../clients/builders.ts';
import { WireClient } from '../server/wire-client.ts';

/** An admin tool and the members `a` and `b` of `billing`, who answer when the test says so. */
async function aGroup() {
  const clock = new TestClock();
  const cluster = await startEmbeddedCluster({ clock });
  cluster.createTopic('orders', { queues: 2 });
  const { address } = cluster.broker();
  const [tool, a, b] = [
    await WireClient.connect(address),
    await WireClient.connect(address),
    await WireClient.connect(address),
  ];
  await a.request(34, { body: encodeHeartbeat(aHeartbeat({ clientId: 'a' })) });
  await b.request(34, { body: encodeHeartbeat(aHeartbeat({ clientId: 'b' })) });
  return {
    ...{ clock, cluster, tool, a, b },
    /** What a member was asked; the request is on its way to it. */
    asked: async (member: WireClient, code: number): Promise<Frame> => {
      await cluster.settle();
      const found = member.pushed.find(frame => frame.code === code);
      if (found === undefined) throw new Error(`the member was not asked ${code}`);
      return found;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const client of [tool, a, b]) client.close();
      await cluster.stop();
    },
  };
}

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

describe('a broker that is asked about a member', () => {
  it('passes 307 on, and the answer back as the member’s own, language and version included', async () => {
    await using test = await aGroup();
    const { tool, a, asked } = test;
    const fields = { consumerGroup: 'billing', clientId: 'a', jstackEnable: 'false' };
    const answer = tool.request(307, { fields });
    const request = await asked(a, 307);
    expect(request.fields).toEqual(fields);
    const own = { remark: 'mine', fields: { k: 'v' }, language: 'NODE_JS', version: 477 };
    a.answer(request, { ...own, body: Buffer.from('{"properties":{}}') });
    expect(await answer).toMatchObject({ code: 0, ...own });
    expect((await answer).body.toString()).toBe('{"properties":{}}');
  });

  it('answers 1 when the member is not there, and 207 when it does not answer within 10 s', async () => {
    await using test = await aGroup();
    const { clock, tool, a, asked } = test;
    const fields = { consumerGroup: 'billing', clientId: 'c' };
    expect(await tool.request(307, { fields })).toMatchObject({
      code: 1,
      remark: 'The Consumer <billing> <c> not online',
    });
    const silent = tool.request(307, { fields: { ...fields, clientId: 'a' } });
    await asked(a, 307);
    await clock.advance(10_000);
    expect(await silent).toMatchObject({
      code: 207,
      remark: expect.stringContaining('consumer <billing> <a> Timeout: '),
    });
  });

  it('gives a member one stored message to consume (309), with all it knows of it', async () => {
    await using test = await aGroup();
    const { cluster, tool, a, b, asked } = test;
    cluster.send(
      { topic: 'orders', body: 'first', queueId: 0 },
      { topic: 'orders', body: 'second', queueId: 0 },
    );
    const pull = {
      consumerGroup: 'billing',
      topic: 'orders',
      queueId: '0',
      queueOffset: '0',
      maxMsgNums: '1',
    };
    const rest = { sysFlag: '0', commitOffset: '0', suspendTimeoutMillis: '0', subVersion: '0' };
    const { body: record } = await tool.request(11, { fields: { ...pull, ...rest } });
    const msgId = encodeOffsetMsgId(Buffer.alloc(8), 0);
    const fields = { consumerGroup: 'billing', clientId: 'a', msgId, topic: 'orders' };
    const answer = tool.request(309, { fields });
    const request = await asked(a, 309);
    const added = { brokerName: 'broker-a', topicSysFlag: '0', groupSysFlag: '0' };
    expect(request.fields).toEqual({ ...fields, ...added });
    expect(record.length).toBeGreaterThan(0);
    expect(request.body.equals(record)).toBe(true);
    a.answer(request, { body: Buffer.from('{"consumeResult":"CR_SUCCESS"}') });
    expect((await answer).body.toString()).toBe('{"consumeResult":"CR_SUCCESS"}');
    expect(b.pushed.map(({ code }) => code)).not.toContain(309);
  });

  it('answers 1 to 309 for a message that is not there, and for what is no message id', async () => {
    await using test = await aGroup();
    const fields = { consumerGroup: 'billing', clientId: 'a', topic: 'orders' };
    const absent = await test.tool.request(309, {
      fields: { ...fields, msgId: encodeOffsetMsgId(Buffer.alloc(8), 99) },
    });
    expect([absent.code, absent.remark]).toEqual([1, 'can not find message by the offset, 99']);
    const wrong = await test.tool.request(309, { fields: { ...fields, msgId: 'xyz' } });
    expect([wrong.code, wrong.remark]).toEqual([1, '"xyz" is not an offset message id']);
    expect(test.a.pushed.map(({ code }) => code)).not.toContain(309);
  });

  it('gathers the offsets of all members (223), without those who do not answer within 5 s', async () => {
    await using test = await aGroup();
    const { clock, tool, a, b, asked } = test;
    const fields = { topic: 'orders', group: 'billing' };
    const answer = tool.request(223, { fields });
    const request = await asked(a, 221);
    expect(request.fields).toEqual(fields);
    a.answer(request, { body: encodeConsumerStatus([[queue, 7]]) });
    await asked(b, 221);
    await clock.advance(5000);
    expect((await answer).body.toString()).toBe(
      '{"consumerTable":{"a":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:7}},"messageQueueTable":{}}',
    );
  });

  it('asks only the one member that is named, and answers 1 when nobody is there', async () => {
    await using test = await aGroup();
    const { tool, a, b, asked } = test;
    const answer = tool.request(223, { fields: { topic: 'orders', group: 'billing', clientAddr: 'b' } });
    b.answer(await asked(b, 221), { body: encodeConsumerStatus([]) });
    expect((await answer).body.toString()).toBe('{"consumerTable":{"b":{}},"messageQueueTable":{}}');
    expect(a.pushed.map(({ code }) => code)).not.toContain(221);
    expect(await tool.request(223, { fields: { topic: 'orders', group: 'audit' } })).toMatchObject({
      code: 1,
      remark: 'No Any Consumer online in the consumer group: [audit]',
    });
  });

  it('says how far the group has pulled, never less than what is committed', async () => {
    await using test = await aGroup();
    const { cluster, tool } = test;
    const broker = cluster.broker();
    cluster.send(...[0, 0, 0, 1].map(queueId => ({ topic: 'orders', body: 'x', queueId })));
    const pulled = async (): Promise<readonly (number | undefined)[]> => {
      const { body } = await tool.request(208, { fields: { consumerGroup: 'billing', topic: 'orders' } });
      return parseConsumeStats(body).offsetTable.map(([, { pullOffset }]) => pullOffset);
    };
    expect(await pulled()).toEqual([0, 0]);
    broker.commit('billing', 'orders', 0, 1);
    expect(await pulled()).toEqual([1, 0]);
    const fields = {
      consumerGroup: 'billing',
      topic: 'orders',
      queueId: '0',
      queueOffset: '1',
      maxMsgNums: '32',
    };
    const rest = { sysFlag: '0', commitOffset: '0', suspendTimeoutMillis: '0', subVersion: '0' };
    await tool.request(11, { fields: { ...fields, ...rest } });
    expect(await pulled()).toEqual([3, 0]);
  });
});
