// SPDX-License-Identifier: Apache-2.0
/** Does a consumer sign all it asks, go on when its credentials change, and do with SUB what needs no more? */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { execute } from '../../src/consumer/execute.ts';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { whenRunning } from '../../src/consumer/when-running.ts';
import type { Credentials } from '../../src/model/credentials.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { ConsumerKit, type KitOptions, nothingLeft } from '../support/consumer-kit.ts';
import { type Asked, addressOf, type Reply, type Script } from '../support/scripted-cluster.ts';

const first = { accessKey: 'anna', secretKey: 'canary-1', securityToken: 'canary-token' };
const second = { accessKey: 'anna', secretKey: 'canary-2', securityToken: 'canary-token' };
const { HEART_BEAT, PULL_MESSAGE, GET_MIN_OFFSET, GET_MAX_OFFSET, SEARCH_OFFSET_BY_TIMESTAMP } = RequestCode;

const orders = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

async function stop(kit: ConsumerKit): Promise<void> {
  void shutdown(kit.actor);
  await kit.until(() => kit.state === 'stopped');
}

/** As a broker checks it; written apart from the client's. */
function isSignedBy({ fields, body }: Asked, { accessKey, secretKey, securityToken }: Credentials): boolean {
  const { Signature: signature, ...rest } = fields;
  const content = Object.keys(rest)
    .sort()
    .map(name => rest[name])
    .join('');
  const expected = createHmac('sha1', secretKey).update(content).update(body).digest('base64');
  return (
    signature === expected && fields['AccessKey'] === accessKey && fields['SecurityToken'] === securityToken
  );
}

const notOurs: Reply = { code: ResponseCode.NO_PERMISSION, remark: 'check signature failed.' };

function noRight(topic: string): Reply {
  const remark = `User:anna has no permission to access Topic:${topic} from 10.0.0.9, no matched policies.`;
  return { code: ResponseCode.NO_PERMISSION, remark };
}

function kitOf(options: KitOptions & { readonly checks?: () => Credentials }): ConsumerKit {
  const kit = new ConsumerKit(options);
  const { checks } = options;
  const script: Script = asked =>
    checks === undefined || isSignedBy(asked, checks()) ? 'as usual' : notOurs;
  for (const code of [HEART_BEAT, PULL_MESSAGE]) kit.cluster.on(code, script);
  return kit;
}

describe('a consumer with credentials', () => {
  it('signs every request, to name servers and brokers, from the first to the last', async () => {
    const kit = await kitOf({ config: { credentials: first } }).start();
    kit.cluster.store(orders, 3);
    await kit.until(() => kit.delivered.length === 3);
    await stop(kit);
    const unsigned = kit.cluster.asked.filter(asked => !isSignedBy(asked, first));
    expect(unsigned).toEqual([]);
    expect(new Set(kit.cluster.codes()).size).toBeGreaterThan(6);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('without them signs nothing', async () => {
    const kit = await kitOf({}).start();
    await stop(kit);
    expect(kit.cluster.asked.filter(({ fields }) => 'Signature' in fields || 'AccessKey' in fields)).toEqual(
      [],
    );
  });

  it('shows them nowhere', async () => {
    const said: string[] = [];
    const kit = await kitOf({
      config: { credentials: first },
      environment: {
        logger: createLogger({ level: 'trace', destination: { write: line => said.push(line) } }),
        inspect: event => said.push(JSON.stringify(event.type === '@xstate.event' ? event.event : '')),
      },
    }).start();
    kit.cluster.on(PULL_MESSAGE, () => notOurs);
    kit.cluster.store(orders, 3);
    await kit.pass(20_000);
    said.push(
      JSON.stringify(kit.actor.getSnapshot()),
      JSON.stringify(kit.events),
      String(kit.faults[0]?.error.stack),
    );
    expect(said.join()).not.toContain('canary');
    expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_AUTHENTICATION_FAILED');
    await stop(kit);
  });
});

describe('credentials that come from a function', () => {
  it('are asked for before anything is dialled', async () => {
    let answer: (credentials: Credentials) => void = () => {};
    const credentials = () => new Promise<Credentials>(resolve => (answer = resolve));
    const kit = kitOf({ config: { credentials }, checks: () => first });
    const running = whenRunning(kit.actor);
    kit.actor.start();
    await kit.pass(1000);
    expect([kit.state, kit.cluster.dials]).toEqual(['starting.identifying', []]);
    answer(first);
    await kit.until(() => kit.state === 'running.active');
    await running;
    await stop(kit);
    expect(kit.cluster.asked.filter(asked => !isSignedBy(asked, first))).toEqual([]);
  });

  it.each<[string, () => Credentials | Promise<Credentials>, number]>([
    ['throws', () => Promise.reject(new Error('canary')), 100],
    ['never answers', () => new Promise(() => {}), 10_500],
  ])(
    'refuse the start when it %s, by way of stopping, and nothing is dialled',
    async (_, credentials, within) => {
      const kit = kitOf({ config: { credentials } });
      const outcome = whenRunning(kit.actor).catch((error: unknown) => error);
      kit.actor.start();
      await kit.until(() => kit.state === 'stopped');
      expect(await outcome).toMatchObject({ code: 'RMQ_CREDENTIALS_FAILED' });
      expect(kit.clock.now()).toBeLessThan(within);
      expect(kit.states).toContain('stopping.closingIntake');
      expect(kit.cluster.dials).toEqual([]);
      expect(kit.leftovers).toEqual(nothingLeft);
    },
  );

  it('are asked for anew when a broker refuses them: a fault, and the queues go on', async () => {
    let current: Credentials = first;
    const kit = await kitOf({ config: { credentials: () => current }, checks: () => current }).start();
    kit.cluster.store(orders, 3);
    await kit.until(() => kit.delivered.length === 3);
    await kit.pass(6000);
    current = second;
    kit.cluster.store(orders, 3);
    await kit.pass(20_000);
    kit.cluster.store(orders, 3);
    await kit.until(() => kit.delivered.length === 9);
    expect(new Set(kit.delivered).size).toBe(9);
    expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_AUTHENTICATION_FAILED');
    expect(kit.state).toBe('running.active');
    await stop(kit);
  });

  it('are asked for anew before a dial, so that the greeting is signed with those of now', async () => {
    let current: Credentials = first;
    const kit = await kitOf({ config: { credentials: () => current }, checks: () => current }).start();
    await kit.pass(6000);
    current = second;
    kit.cluster.cut(addressOf('broker-a'));
    kit.cluster.store(orders, 3);
    await kit.until(() => kit.delivered.length === 3);
    expect(kit.faults.map(({ error }) => error.code)).not.toContain('RMQ_AUTHENTICATION_FAILED');
    await stop(kit);
  });

  it('stay in force when the function fails later on, and that is a fault', async () => {
    let asked = 0;
    const credentials = () => (asked++ === 0 ? first : Promise.reject(new Error('gone')));
    const kit = await kitOf({ config: { credentials }, checks: () => first }).start();
    await kit.pass(6000);
    kit.cluster.cut(addressOf('broker-a'));
    kit.cluster.store(orders, 3);
    await kit.until(() => kit.delivered.length === 3);
    expect(kit.faults.filter(({ actor }) => actor === 'credentials')).toMatchObject([
      { error: { code: 'RMQ_CREDENTIALS_FAILED' } },
    ]);
    await stop(kit);
  });
});

describe('a broker that refuses the greeting', () => {
  it.each([
    [notOurs, 'RMQ_AUTHENTICATION_FAILED'],
    [noRight('orders'), 'RMQ_TOPIC_FORBIDDEN'],
    [
      { ...notOurs, remark: 'User:anna has no permission to access Group:billing from 10.0.0.9, …' },
      'RMQ_GROUP_FORBIDDEN',
    ],
    [{ code: 1, remark: 'x.AclException: No acl config for anna, x' }, 'RMQ_AUTHENTICATION_FAILED'],
  ])('with %o refuses the start at once, and is not dialled again', async (reply, code) => {
    const kit = new ConsumerKit({ config: { credentials: first } });
    kit.cluster.on(HEART_BEAT, () => reply);
    const outcome = whenRunning(kit.actor).catch((error: unknown) => error);
    kit.actor.start();
    await kit.until(() => kit.state === 'stopped');
    expect(await outcome).toMatchObject({ code });
    expect(kit.clock.now()).toBeLessThan(1000);
    await kit.pass(60_000, 1000);
    expect(kit.cluster.dials.length).toBeLessThanOrEqual(2);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('while running is a fault, and is greeted every 30 s', async () => {
    const kit = await kitOf({ config: { credentials: first } }).start();
    await kit.pass(11_000);
    kit.cluster.on(HEART_BEAT, () => notOurs);
    kit.cluster.cut(addressOf('broker-a'));
    const before = kit.cluster.dials.length;
    await kit.pass(120_000, 500);
    const dials = kit.cluster.dials.length - before;
    expect(dials).toBeGreaterThanOrEqual(4);
    expect(dials).toBeLessThanOrEqual(6);
    expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_AUTHENTICATION_FAILED');
    kit.cluster.on(HEART_BEAT, () => 'as usual');
    kit.cluster.store(orders, 3);
    await kit.until(() => kit.delivered.length === 3);
    await stop(kit);
  });
});

describe('a user with SUB only', () => {
  it.each([
    ['CONSUME_FROM_FIRST_OFFSET', ['orders-0:0', 'orders-0:1', 'orders-0:2', 'orders-0:3']],
    ['CONSUME_FROM_LAST_OFFSET', ['orders-0:3']],
  ] as const)(
    'starts by %s: min and max come with the answer to a pull',
    async (consumeFromWhere, expected) => {
      const kit = new ConsumerKit({
        cluster: { topics: { orders: 1 } },
        config: { credentials: first, consumeFromWhere },
      });
      for (const code of [GET_MIN_OFFSET, GET_MAX_OFFSET]) kit.cluster.on(code, () => noRight('orders'));
      kit.cluster.store(orders, 3);
      await kit.start();
      await kit.until(() => kit.all('queue.assigned').some(({ queue }) => queue.topic === 'orders'));
      kit.cluster.store(orders, 1);
      await kit.until(() => kit.delivered.includes('orders-0:3'));
      expect(kit.delivered).toEqual(expected);
      expect(kit.faults).toEqual([]);
      await stop(kit);
    },
  );

  const byTime = (config: KitOptions['config'] = {}): ConsumerKit => {
    const kit = new ConsumerKit({
      cluster: { topics: { orders: 2 } },
      config: { credentials: first, consumeFromWhere: 'CONSUME_FROM_TIMESTAMP', ...config },
    });
    kit.cluster.on(SEARCH_OFFSET_BY_TIMESTAMP, () => noRight('orders'));
    return kit;
  };

  it('is refused at the start by CONSUME_FROM_TIMESTAMP, which needs GET: right and topic named, nothing left open', async () => {
    const kit = byTime();
    const outcome = whenRunning(kit.actor).catch((error: unknown) => error);
    kit.actor.start();
    await kit.until(() => kit.state === 'stopped');
    expect(await outcome).toMatchObject({
      code: 'RMQ_TOPIC_FORBIDDEN',
      message: expect.stringContaining('the right GET on topic orders'),
      context: { topic: 'orders', right: 'GET' },
    });
    expect(kit.clock.now()).toBeLessThan(1000);
    expect(kit.states).toContain('starting.askingByTime');
    expect(kit.states).toContain('stopping.closingIntake');
    const { dials } = kit.cluster;
    expect(new Set(dials).size).toBe(dials.length);
    expect(kit.all('queue.assigned')).toEqual([]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('starts without GET where the group is known to the topic: no queue needs the time', async () => {
    const kit = byTime();
    kit.cluster.store(orders, 5);
    kit.cluster.queue(queueKey(orders)).committed = 3;
    await kit.start();
    await kit.until(() => kit.delivered.length === 2);
    expect(kit.delivered).toEqual(['orders-0:3', 'orders-0:4']);
    expect(kit.faults).toEqual([]);
    await stop(kit);
  });

  it.each([
    ['fails', () => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'disk full' })],
    ['is not answered', () => undefined],
  ])('starts when the question for the time %s: its queue asks again', async (_, answer) => {
    const kit = byTime({ consumerTimeoutMillisOfRequest: 1000 });
    kit.cluster.on(SEARCH_OFFSET_BY_TIMESTAMP, answer);
    kit.cluster.store(orders, 2);
    await kit.start();
    await kit.until(() => kit.faults.length > 0);
    expect(kit.faults[0]?.error.code).toBe('RMQ_OFFSET_UNKNOWN');
    kit.cluster.on(SEARCH_OFFSET_BY_TIMESTAMP, () => ({ fields: { offset: '0' } }));
    await kit.until(() => kit.delivered.length > 0);
    await stop(kit);
  });

  it('is told of the missing GET by a fault when the topic is subscribed while running, and its queues wait', async () => {
    const kit = byTime({ subscriptions: [] });
    await kit.start();
    void execute(kit.actor, { type: 'consumer.subscribe', topic: 'orders' }).catch(() => {});
    await kit.until(() => kit.faults.length > 0);
    expect(kit.faults[0]?.error).toMatchObject({
      code: 'RMQ_TOPIC_FORBIDDEN',
      context: { topic: 'orders', right: 'GET' },
    });
    kit.cluster.on(SEARCH_OFFSET_BY_TIMESTAMP, () => ({ fields: { offset: '0' } }));
    kit.cluster.store(orders, 2);
    await kit.until(() => kit.delivered.length > 0);
    await stop(kit);
  });
});
