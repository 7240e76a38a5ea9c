// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { execute } from '../../src/consumer/execute.ts';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { whenRunning } from '../../src/consumer/when-running.ts';
import type { SubscriptionCommand } from '../../src/machines/commands/work-command.ts';
import { sql, tag } from '../../src/model/subscription.ts';
import { parseHeartbeat } from '../../src/protocol/bodies/heartbeat.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { ConsumerKit, group } from '../support/consumer-kit.ts';
import { type Asked, addressOf } from '../support/scripted-cluster.ts';

const { HEART_BEAT: beat, PULL_MESSAGE: pull, CHECK_CLIENT_CONFIG: check } = RequestCode;
const { UPDATE_CONSUMER_OFFSET: commit } = RequestCode;
const broker = addressOf('broker-a');
const accepted = () => ({});
const parseError = () => ({
  code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
  remark: 'Parse error at column 7.',
});

/** A command is on its way; what becomes of it. */
function given(kit: ConsumerKit, command: SubscriptionCommand) {
  const outcome = { text: 'pending' };
  execute(kit.actor, command).then(
    () => {
      outcome.text = 'done';
    },
    (error: unknown) => {
      outcome.text = String(Object(error).code);
    },
  );
  return outcome;
}

async function carriedOut(kit: ConsumerKit, command: SubscriptionCommand): Promise<string> {
  const outcome = given(kit, command);
  await kit.until(() => outcome.text !== 'pending');
  return outcome.text;
}

/** The version of a topic in a heartbeat; undefined: it is not in it. */
function versionIn(asked: Asked | undefined, topic: string): number | undefined {
  const [data] = asked === undefined ? [] : parseHeartbeat(asked.body).consumerDataSet;
  return data?.subscriptionDataSet.find(each => each.topic === topic)?.subVersion;
}

/** Pulls that name a version which their broker had not been told by then. */
function earlyPulls(kit: ConsumerKit): readonly string[] {
  const told = new Map<string, number>();
  return kit.cluster.asked.flatMap(asked => {
    const { code, fields, address } = asked;
    if (code === beat) {
      const [data] = parseHeartbeat(asked.body).consumerDataSet;
      for (const { topic, subVersion } of data?.subscriptionDataSet ?? [])
        told.set(`${topic}@${address}`, subVersion);
    }
    const known = told.get(`${fields['topic']}@${address}`) ?? -1;
    return code === pull && Number(fields['subVersion']) > known ? [`${fields['topic']} at ${asked.at}`] : [];
  });
}

const pullsOf = (kit: ConsumerKit, topic: string): readonly Asked[] =>
  kit.cluster.askedFor(pull).filter(({ fields }) => fields['topic'] === topic);

describe('a topic that is subscribed while running', () => {
  const subscribe: SubscriptionCommand = {
    type: 'consumer.subscribe',
    topic: 'bills',
    selector: tag('paid'),
  };
  const topics = { orders: 2, bills: 2 };

  it('is consumed, after a heartbeat told its brokers; the others go on', async () => {
    const kit = await new ConsumerKit({ cluster: { topics } }).start();
    kit.cluster.queue('bills@broker-a#1').max = 0;
    expect(await carriedOut(kit, subscribe)).toBe('done');
    kit.cluster.store({ topic: 'orders', brokerName: 'broker-a', queueId: 0 }, 1);
    await kit.pass(500);
    expect(pullsOf(kit, 'bills').length).toBeGreaterThan(0);
    expect(earlyPulls(kit)).toEqual([]);
    expect(kit.delivered).toEqual(['orders-0:0']);
    expect(kit.events.filter(({ type }) => type === 'queue.revoked')).toEqual([]);
    expect(kit.faults).toEqual([]);
    await shutdown(kit.actor);
  });

  it('is not pulled as long as its broker has not answered the heartbeat', async () => {
    const kit = await new ConsumerKit({ cluster: { topics } }).start();
    kit.cluster.on(beat, () => undefined);
    const outcome = given(kit, subscribe);
    await kit.pass(10_000);
    expect([outcome.text, pullsOf(kit, 'bills').length]).toEqual(['pending', 0]);
    kit.cluster.on(beat, () => 'as usual');
    await kit.until(() => outcome.text === 'done');
    await kit.pass(300);
    expect(pullsOf(kit, 'bills').length).toBeGreaterThan(0);
    expect(earlyPulls(kit)).toEqual([]);
    await shutdown(kit.actor);
  });

  it('that nobody knows is subscribed, told as a fault, and consumed from its beginning when it appears', async () => {
    const kit = await new ConsumerKit().start();
    expect(await carriedOut(kit, subscribe)).toBe('done');
    await kit.pass(1000);
    expect(kit.faults.map(({ error }) => error.code)).toEqual(['RMQ_TOPIC_NOT_FOUND']);
    kit.cluster.queue('bills@broker-a#0').max = 3;
    kit.cluster.topics.set('bills', 1);
    await kit.until(() => pullsOf(kit, 'bills').length > 0);
    expect(pullsOf(kit, 'bills')[0]?.fields['queueOffset']).toBe('0');
    expect(earlyPulls(kit)).toEqual([]);
    await shutdown(kit.actor);
  });

  it('before the start is one of the subscriptions it starts with', async () => {
    const kit = new ConsumerKit({ cluster: { topics } });
    expect(await carriedOut(kit, subscribe)).toBe('done');
    await carriedOut(kit, { type: 'consumer.unsubscribe', topic: 'orders' });
    await kit.start();
    await kit.pass(500);
    expect([pullsOf(kit, 'bills').length, pullsOf(kit, 'orders').length]).toEqual([2, 0]);
    await shutdown(kit.actor);
  });
});

describe('another selector', () => {
  it('is named by pulls once the broker knows of it, and queues stay where they are', async () => {
    const kit = await new ConsumerKit().start();
    const before = Number(pullsOf(kit, 'orders')[0]?.fields['subVersion']);
    const update = { type: 'consumer.updateSelector', topic: 'orders', selector: tag('paid') } as const;
    expect(await carriedOut(kit, update)).toBe('done');
    kit.cluster.store({ topic: 'orders', brokerName: 'broker-a', queueId: 0 }, 1);
    await kit.pass(500);
    const named = pullsOf(kit, 'orders').map(({ fields }) => Number(fields['subVersion']));
    expect(named.at(-1)).toBeGreaterThan(before);
    expect(named.at(-1)).toBe(versionIn(kit.cluster.askedFor(beat).at(-1), 'orders'));
    expect(earlyPulls(kit)).toEqual([]);
    expect(kit.all('queue.revoked')).toEqual([]);
    await shutdown(kit.actor);
  });
});

describe('a broker that has not taken the heartbeat', () => {
  it('is pulled with the version it had before, until it has', async () => {
    const brokers = ['broker-a', 'broker-b'];
    const kit = await new ConsumerKit({ cluster: { topics: { orders: 1 }, brokers } }).start();
    await kit.pass(1000);
    const versions = (brokerName: string) =>
      kit.cluster
        .askedFor(pull)
        .filter(({ fields }) => fields['topic'] === 'orders' && fields['bname'] === brokerName)
        .map(({ fields }) => Number(fields['subVersion']));
    const [before] = versions('broker-b');
    kit.cluster.on(beat, ({ address }) =>
      address === addressOf('broker-b') ? { code: ResponseCode.SYSTEM_ERROR, remark: 'busy' } : 'as usual',
    );
    const update = { type: 'consumer.updateSelector', topic: 'orders', selector: tag('paid') } as const;
    expect(await carriedOut(kit, update)).toBe('done');
    for (const brokerName of brokers) kit.cluster.store({ topic: 'orders', brokerName, queueId: 0 }, 1);
    await kit.pass(1000);
    expect(versions('broker-a').at(-1)).toBeGreaterThan(before ?? 0);
    expect(versions('broker-b').at(-1)).toBe(before);
    kit.cluster.on(beat, () => 'as usual');
    await kit.pass(30_000);
    kit.cluster.store({ topic: 'orders', brokerName: 'broker-b', queueId: 0 }, 1);
    await kit.pass(1000);
    expect(versions('broker-b').at(-1)).toBe(versions('broker-a').at(-1));
    await shutdown(kit.actor, { timeout: 0 });
  });
});

describe('a topic that is left', () => {
  it('is in the heartbeats until its handlers have ended and its offsets are committed', async () => {
    const topics = { orders: 1, bills: 1 };
    let release = (): void => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    const config = {
      subscriptions: [{ topic: 'orders' }, { topic: 'bills' }],
      heartbeatBrokerInterval: 1000,
    };
    const kit = new ConsumerKit({ cluster: { topics }, config, listener: () => held.then(() => undefined) });
    await kit.start();
    kit.cluster.store({ topic: 'bills', brokerName: 'broker-a', queueId: 0 }, 1);
    await kit.until(() => kit.delivered.length === 1);
    const outcome = given(kit, { type: 'consumer.unsubscribe', topic: 'bills' });
    await kit.pass(3000);
    expect(outcome.text).toBe('pending');
    expect(versionIn(kit.cluster.askedFor(beat).at(-1), 'bills')).toBeDefined();
    release();
    await kit.until(() => outcome.text === 'done');
    expect(versionIn(kit.cluster.askedFor(beat).at(-1), 'bills')).toBeUndefined();
    expect(versionIn(kit.cluster.askedFor(beat).at(-1), 'orders')).toBeDefined();
    expect(kit.cluster.queue('bills@broker-a#0').committed).toBe(1);
    const last = kit.cluster.asked.findLast(each => each.code === commit && each.fields['topic'] === 'bills');
    expect(last?.oneway).toBe(false);
    expect(kit.all('queue.revoked').map(({ queue }) => queue.topic)).toEqual(['bills']);
    const pulls = pullsOf(kit, 'bills').length;
    await kit.pass(30_000);
    expect(pullsOf(kit, 'bills').length).toBe(pulls);
    await shutdown(kit.actor);
  });
});

describe('an SQL92 selector', () => {
  const subscriptions = [{ topic: 'orders', selector: sql('price >') }];

  it('of the config is shown to a broker before the first heartbeat, and a refusal rejects the start', async () => {
    const kit = new ConsumerKit({ config: { subscriptions } });
    kit.cluster.on(check, parseError);
    kit.actor.start();
    const failed = whenRunning(kit.actor);
    failed.catch(() => undefined); // looked at below
    await kit.until(() => kit.actor.getSnapshot().matches('stopped'));
    await expect(failed).rejects.toMatchObject({
      code: 'RMQ_SELECTOR_REFUSED',
      message: expect.stringContaining('sql("price >") of orders'),
    });
    expect(kit.cluster.codes(beat)).toEqual([]);
  });

  it('that is accepted is asked about once for all brokers and reconnects', async () => {
    const config = { subscriptions: [{ topic: 'orders', selector: sql('price > 1') }] };
    const kit = new ConsumerKit({ config });
    kit.cluster.on(check, accepted);
    await kit.start();
    kit.cluster.cut(broker);
    await kit.pass(2000);
    expect(kit.cluster.codes(check, beat)).toEqual([check, beat, beat, beat]);
    expect(kit.state).toBe('running.active');
    await shutdown(kit.actor);
  });

  it.each<SubscriptionCommand>([
    { type: 'consumer.updateSelector', topic: 'orders', selector: sql('price >') },
    { type: 'consumer.subscribe', topic: 'bills', selector: sql('price >') },
  ])('refused at a $type changes nothing', async command => {
    const kit = await new ConsumerKit({ cluster: { topics: { orders: 1, bills: 1 } } }).start();
    kit.cluster.on(check, parseError);
    const beats = kit.cluster.codes(beat).length;
    expect(await carriedOut(kit, command)).toBe('RMQ_SELECTOR_REFUSED');
    await kit.pass(1000);
    expect(kit.cluster.codes(beat).length).toBe(beats);
    expect(kit.faults).toEqual([]);
    await shutdown(kit.actor);
  });
});

describe('a broker that answers 25', () => {
  it('gets a heartbeat at once, and the pull goes on; as long as it goes on so, both slow down', async () => {
    const kit = await new ConsumerKit({ cluster: { topics: { orders: 1 } } }).start();
    kit.cluster.cut(broker); // or the pull on the wire would be held for 15 s
    kit.cluster.on(pull, () => ({ code: ResponseCode.SUBSCRIPTION_NOT_LATEST, remark: 'not latest' }));
    await kit.pass(60_000);
    const beats = kit.cluster.codes(beat).length;
    const pulls = kit.cluster.codes(pull).length;
    expect(beats).toBeGreaterThan(3);
    expect(beats).toBeLessThan(14);
    expect(pulls).toBeLessThan(60);
    const codes = new Set(kit.faults.map(({ error }) => error.code));
    expect(codes).toEqual(new Set(['RMQ_CONNECTION_LOST', 'RMQ_SUBSCRIPTION_STALE']));
    kit.cluster.on(pull, () => 'as usual');
    kit.cluster.store({ topic: 'orders', brokerName: 'broker-a', queueId: 0 }, 1);
    await kit.until(() => kit.delivered.length === 1);
    await shutdown(kit.actor);
  });
});

it('changes are carried out one after the other, in the order they were given', async () => {
  const kit = await new ConsumerKit({ cluster: { topics: { orders: 1, bills: 1 } } }).start();
  const outcomes = [
    given(kit, { type: 'consumer.subscribe', topic: 'bills' }),
    given(kit, { type: 'consumer.updateSelector', topic: 'bills', selector: tag('paid') }),
    given(kit, { type: 'consumer.unsubscribe', topic: 'bills' }),
    given(kit, { type: 'consumer.updateSelector', topic: 'bills', selector: tag('late') }),
  ];
  await kit.until(() => outcomes.every(({ text }) => text !== 'pending'));
  expect(outcomes.map(({ text }) => text)).toEqual(['done', 'done', 'done', 'RMQ_SUBSCRIPTION_INVALID']);
  expect(versionIn(kit.cluster.askedFor(beat).at(-1), 'bills')).toBeUndefined();
  expect(versionIn(kit.cluster.askedFor(beat).at(-1), `%RETRY%${group}`)).toBeDefined();
  await shutdown(kit.actor);
});
