// SPDX-License-Identifier: Apache-2.0
/** What does a whole consumer do with what a broker asks of it, and what does the broker get? */
import { describe, expect, it } from 'vitest';
import { type ConsumeMessages, orderly } from '../../src/listeners/listener.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { parseDirectResult } from '../../src/protocol/bodies/direct-result.ts';
import { encodeOffsetTable, parseConsumerStatus } from '../../src/protocol/bodies/offset-table.ts';
import { parseRunningInfo } from '../../src/protocol/bodies/running-info.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import type { ExtFields, Frame } from '../../src/protocol/frame.ts';
import { deferred, queueNumber, recordOf } from '../support/builders.ts';
import { ConsumerKit, group, type KitOptions } from '../support/consumer-kit.ts';

const [zero, one] = [queueNumber(0), queueNumber(1)];
const {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS_FROM_CLIENT,
  RESET_CONSUMER_CLIENT_OFFSET,
} = RequestCode;

async function running(options: KitOptions = {}): Promise<ConsumerKit> {
  const kit = await new ConsumerKit(options).start();
  await kit.pass(1000);
  return kit;
}

/** One request of the broker, and the answer if there is one. */
async function ask(
  kit: ConsumerKit,
  code: number,
  fields: ExtFields,
  body: Buffer = Buffer.alloc(0),
  flag = 0,
): Promise<Frame | undefined> {
  const before = kit.cluster.answers.length;
  kit.cluster.ask({ code, fields, body, flag });
  await kit.settle();
  return kit.cluster.answers[before];
}

const javaTable = (offset: number | string) =>
  `{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:${offset}}}`;
const resetFields = { topic: 'orders', group, timestamp: '0', isForce: 'true' };
const oneway = 2;

describe('a reset of offsets (220)', () => {
  it.each([
    ['Java', javaTable(2)],
    ['C++', '{"offsetTable":[{"brokerName":"broker-a","offset":2,"queueId":0,"topic":"orders"}]}'],
  ])('in the form of %s moves the queue at once, and the broker has the new place', async (_, body) => {
    let hangs = false;
    const kit = await running({ listener: () => (hangs ? new Promise(() => {}) : undefined) });
    kit.cluster.store(zero, 5);
    kit.cluster.store(one, 1);
    await kit.pass(200);
    kit.delivered.length = 0;
    hangs = true;
    await ask(kit, RESET_CONSUMER_CLIENT_OFFSET, resetFields, Buffer.from(body), oneway);
    await kit.pass(200);
    expect(kit.all('offset.corrected')).toEqual([
      { type: 'offset.corrected', queue: zero, from: 5, to: 2, reason: 'reset' },
    ]);
    expect(kit.delivered).toEqual(['orders-0:2', 'orders-0:3', 'orders-0:4']);
    expect(kit.cluster.queue(queueKey(zero)).committed).toBe(2);
    expect([kit.cluster.answers, kit.faults]).toEqual([[], []]);
  });

  it('lets go of what listeners still do: their late results touch nothing', async () => {
    const handler = deferred<undefined>();
    let calls = 0;
    const kit = await running({ listener: () => (calls++ === 0 ? handler.promise : undefined) });
    kit.cluster.store(zero, 3);
    await kit.pass(200);
    await ask(kit, RESET_CONSUMER_CLIENT_OFFSET, resetFields, Buffer.from(javaTable(3)), oneway);
    await kit.pass(200);
    expect(kit.cluster.queue(queueKey(zero)).committed).toBe(3);
    await ask(kit, RESET_CONSUMER_CLIENT_OFFSET, resetFields, Buffer.from(javaTable(1)), oneway);
    handler.resolve(undefined);
    await kit.pass(10_000);
    expect(kit.delivered.slice(3)).toEqual(['orders-0:1', 'orders-0:2']);
    expect(kit.cluster.queue(queueKey(zero)).committed).toBe(3);
  });

  it.each([
    ['another group', { ...resetFields, group: 'others' }, javaTable(0), []],
    ['a topic that is not subscribed', { ...resetFields, topic: 'bills' }, javaTable(0), []],
    ['a negative offset', resetFields, javaTable(-1), ['RMQ_BAD_BODY']],
    ['a fraction', resetFields, javaTable('1.5'), ['RMQ_BAD_BODY']],
    ['an offset past 2^53', resetFields, javaTable('9007199254740993'), ['RMQ_UNSAFE_OFFSET']],
    ['a queue of another topic', resetFields, javaTable(0).replace('orders', 'bills'), ['RMQ_BAD_BODY']],
    ['no JSON', resetFields, '{{', ['RMQ_BAD_BODY']],
    ['no topic', { group }, javaTable(0), ['RMQ_BAD_HEADER']],
  ])('with %s is answered with why, and moves nothing', async (_, fields, body, faults) => {
    const kit = await running();
    kit.cluster.store(zero, 5);
    await kit.pass(200);
    const answer = await ask(kit, RESET_CONSUMER_CLIENT_OFFSET, fields, Buffer.from(body));
    await kit.pass(200);
    expect(answer?.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(answer?.remark).toMatch(faults[0] ?? /./);
    expect(kit.faults.map(({ error }) => error.code)).toEqual(faults);
    expect(kit.all('offset.corrected')).toEqual([]);
    expect(kit.delivered).toHaveLength(5);
  });

  it('passes over queues of other members', async () => {
    const kit = await running();
    const table = encodeOffsetTable([[queueNumber(7), 0]]);
    const answer = await ask(kit, RESET_CONSUMER_CLIENT_OFFSET, resetFields, table);
    await kit.pass(200);
    expect([answer?.code, kit.all('offset.corrected'), kit.faults]).toEqual([0, [], []]);
  });
});

describe('where the queues stand (221)', () => {
  it('is what is done of each queue of the topic; of another group nothing', async () => {
    const kit = await running();
    kit.cluster.store(zero, 5);
    await kit.pass(200);
    const answer = await ask(kit, GET_CONSUMER_STATUS_FROM_CLIENT, { topic: 'orders', group });
    expect(answer?.code).toBe(0);
    expect(parseConsumerStatus(answer?.body ?? Buffer.alloc(0))).toEqual([
      [zero, 5],
      [one, 0],
    ]);
    const other = await ask(kit, GET_CONSUMER_STATUS_FROM_CLIENT, { topic: 'orders', group: 'others' });
    expect(parseConsumerStatus(other?.body ?? Buffer.alloc(0))).toEqual([]);
  });
});

async function info(kit: ConsumerKit, fields: ExtFields = {}) {
  const answer = await ask(kit, GET_CONSUMER_RUNNING_INFO, {
    ...{ consumerGroup: group, clientId: '10.0.0.9@me' },
    ...fields,
  });
  expect(answer?.code).toBe(0);
  return parseRunningInfo(answer?.body ?? Buffer.alloc(0));
}

describe('what the consumer is doing (307)', () => {
  it('is told with the queues, rates over the last minute and times, as they are', async () => {
    const startedAt = new ConsumerKit().clock.wallNow();
    const kit: ConsumerKit = await running({
      listener: ([{ queueOffset }]) =>
        new Promise(resolve => {
          kit.clock.setTimeout(() => resolve(queueOffset < 55 ? undefined : 'RECONSUME_LATER'), 100);
        }),
    });
    kit.cluster.store(zero, 60);
    await kit.pass(30_000);
    const { properties, mqTable, statusTable, subscriptionSet, jstack } = await info(kit);
    expect(jstack).toBeUndefined();
    expect(subscriptionSet.map(({ topic }) => topic)).toEqual(['orders', `%RETRY%${group}`]);
    expect(properties.get('PROP_NAMESERVER_ADDR')).toBe('ns:9876;');
    expect(properties.get('PROP_CONSUMEORDERLY')).toBe('false');
    expect(properties.get('PROP_CONSUME_TYPE')).toBe('CONSUME_PASSIVELY');
    expect(Number(properties.get('PROP_CONSUMER_START_TIMESTAMP'))).toBe(startedAt);
    const orders = mqTable.filter(([{ topic }]) => topic === 'orders');
    expect(
      orders.map(([{ queueId }, { commitOffset, cachedMsgCount }]) => [
        queueId,
        commitOffset,
        cachedMsgCount,
      ]),
    ).toEqual([
      [0, 60, 0],
      [1, 0, 0],
    ]);
    const wallNow = kit.clock.wallNow();
    const [busy, idle] = orders.map(([, { lastConsumeTimestamp, lastPullTimestamp }]) => [
      Math.round((wallNow - lastConsumeTimestamp) / 1000),
      wallNow - lastPullTimestamp <= 15_000,
    ]);
    expect([busy, idle]).toEqual([
      [30, true],
      [31, true],
    ]);
    const status = statusTable.get('orders');
    expect(status?.consumeRT).toBeCloseTo(100, -1);
    expect(status?.consumeOKTPS).toBeCloseTo(55 / 31, 1);
    expect(status?.consumeFailedTPS).toBeCloseTo(5 / 31, 1);
    expect(status?.consumeFailedMsgs).toBe(5);
    expect(status?.pullTPS).toBeCloseTo(60 / 31, 1);
    await kit.pass(120_000, 500);
    expect((await info(kit)).statusTable.get('orders')).toMatchObject({
      ...{ consumeOKTPS: 0, consumeFailedTPS: 0, pullTPS: 0, pullRT: 0, consumeFailedMsgs: 5 },
    });
  });

  it('shows messages that are held, and says of an orderly queue whether it is locked', async () => {
    const kit = await running({
      config: { listener: orderly(() => new Promise(() => {})) },
    });
    kit.cluster.store(zero, 4);
    await kit.pass(200);
    const { properties, mqTable } = await info(kit);
    expect(properties.get('PROP_CONSUMEORDERLY')).toBe('true');
    expect(mqTable.find(([queue]) => queueKey(queue) === queueKey(zero))?.[1]).toMatchObject({
      ...{ cachedMsgCount: 4, cachedMsgMinOffset: 0, cachedMsgMaxOffset: 3, transactionMsgCount: 1 },
      ...{ locked: true, droped: false },
    });
  });

  it('has no stacks of threads, and says so when they are asked for', async () => {
    const kit = await running();
    expect((await info(kit, { jstackEnable: 'true' })).jstack).toMatch(/Node\.js.*no threads/);
  });

  it('is not told to whoever asks for another group', async () => {
    const kit = await running();
    const fields = { consumerGroup: 'others', clientId: 'x' };
    expect(await ask(kit, GET_CONSUMER_RUNNING_INFO, fields)).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'The Consumer Group <others> not exist in this consumer',
    });
  });
});

const directFields = { consumerGroup: group, clientId: '10.0.0.9@me', msgId: 'x', brokerName: 'broker-a' };
const allowed = { allowDirectConsume: true } as const;

async function direct(kit: ConsumerKit, body = recordOf(7)) {
  const answer = await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, body);
  expect([answer?.code, answer?.remark]).toEqual([0, undefined]);
  const { spentTimeMills, ...result } = parseDirectResult(answer?.body ?? Buffer.alloc(0));
  return result;
}

const thrower: ConsumeMessages = () => {
  throw new TypeError('no stock');
};

describe('a message to be consumed directly (309)', () => {
  it('is refused unless allowDirectConsume says otherwise', async () => {
    const kit = await running();
    expect(await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, recordOf(7))).toMatchObject({
      code: ResponseCode.NO_PERMISSION,
      remark: expect.stringMatching(/^RMQ_DIRECT_CONSUME_REFUSED: .*allowDirectConsume/),
    });
    expect(kit.delivered).toEqual([]);
  });

  it.each([
    ['nothing', () => undefined, 'CR_SUCCESS', undefined],
    ['CONSUME_SUCCESS', () => 'CONSUME_SUCCESS' as const, 'CR_SUCCESS', undefined],
    ['RECONSUME_LATER', async () => 'RECONSUME_LATER' as const, 'CR_LATER', undefined],
    ['null', () => null as never, 'CR_RETURN_NULL', 'the listener answered something that is no result'],
    ['an error', thrower, 'CR_THROW_EXCEPTION', 'TypeError: no stock'],
  ] as const)('is given to the listener; %s comes back as %s', async (_, listener, consumeResult, remark) => {
    const kit = await running({ config: allowed, listener });
    expect(await direct(kit)).toEqual({ autoCommit: true, consumeResult, order: false, remark });
    await kit.pass(10_000);
    expect(kit.delivered).toEqual(['orders-0:7']);
    expect(kit.cluster.queue(queueKey(zero)).committed ?? 0).toBe(0);
    expect(kit.cluster.askedFor(RequestCode.CONSUMER_SEND_MSG_BACK)).toEqual([]);
  });

  it.each([
    ['COMMIT', 'CR_COMMIT'],
    ['ROLLBACK', 'CR_ROLLBACK'],
    ['SUCCESS', 'CR_SUCCESS'],
    ['SUSPEND_CURRENT_QUEUE_A_MOMENT', 'CR_LATER'],
  ] as const)(
    'in order: %s comes back as %s, with what the listener said of committing',
    async (answer, consumeResult) => {
      const listener = orderly((_, context) => {
        context.autoCommit = false;
        return answer;
      });
      const kit = await running({ config: { ...allowed, listener } });
      expect(await direct(kit)).toEqual({ autoCommit: false, consumeResult, order: true, remark: undefined });
    },
  );

  it('that takes too long is answered after consumeTimeout, its signal aborted', async () => {
    let signal: AbortSignal | undefined;
    const kit = await running({
      config: { ...allowed, consumeTimeout: 5000 },
      listener: (_, context) => {
        ({ signal } = context);
        return new Promise(() => {});
      },
    });
    expect(await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, recordOf(7))).toBeUndefined();
    await kit.pass(5000);
    const { consumeResult, spentTimeMills, remark } = parseDirectResult(
      kit.cluster.answers[0]?.body ?? Buffer.alloc(0),
    );
    expect([consumeResult, spentTimeMills]).toEqual(['CR_THROW_EXCEPTION', 5000]);
    expect([remark?.split(':')[0], signal?.aborted]).toEqual(['RMQ_CONSUME_TIMEOUT', true]);
  });

  it('is refused when as many run already as there may be calls', async () => {
    const kit = await running({
      config: { ...allowed, consumeConcurrency: 1 },
      listener: () => new Promise(() => {}),
    });
    await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, recordOf(7));
    const second = await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, recordOf(8));
    expect([second?.code, second?.remark]).toEqual([
      ResponseCode.NO_PERMISSION,
      expect.stringContaining('1 such calls are running already'),
    ]);
  });

  it.each([
    ['that is none', Buffer.from('nonsense')],
    ['that is not there', Buffer.alloc(0)],
    ['that is two', Buffer.concat([recordOf(1), recordOf(2)])],
    ['whose body was changed', recordOf(7).fill(0x20, 88, 90)],
  ])('%s is answered with why, and no listener hears of it', async (_, body) => {
    const kit = await running({ config: allowed });
    const answer = await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, body);
    expect(answer?.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(answer?.remark).toMatch(/^RMQ_BAD_MESSAGE: /);
    expect(kit.delivered).toEqual([]);
    expect(kit.faults.map(({ error }) => error.code)).toEqual(['RMQ_BAD_MESSAGE']);
  });

  it('of a topic that is not subscribed is refused', async () => {
    const kit = await running({ config: allowed });
    const answer = await ask(kit, CONSUME_MESSAGE_DIRECTLY, directFields, recordOf(7, { topic: 'bills' }));
    expect(answer?.remark).toMatch(/topic bills is not subscribed$/);
  });
});

describe('any other request', () => {
  it.each([39, 326, 9999])('(%i) is answered with 3', async code => {
    const kit = await running();
    expect(await ask(kit, code, {})).toMatchObject({
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      remark: `request code ${code} is not supported`,
    });
  });
});
