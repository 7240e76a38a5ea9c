// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { ConsumerConfig } from '../../src/config/consumer-config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { ConnectionError, SubscriptionError } from '../../src/errors/errors.ts';
import { concurrently, type Listener, orderly } from '../../src/listeners/listener.ts';
import type { SubscriptionCommand } from '../../src/machines/commands/work-command.ts';
import { HeldQueues } from '../../src/machines/consumer/held-queues.ts';
import { ListenerChoice } from '../../src/machines/consumer/listener-choice.ts';
import { QueueOrigins } from '../../src/machines/consumer/queue-origins.ts';
import { SelectorChecks } from '../../src/machines/consumer/selector-checks.ts';
import { type SubscribingWiring, subscribingPort } from '../../src/machines/consumer/subscribing-port.ts';
import type { QueueWork } from '../../src/machines/queue/queue.types.ts';
import { RouteCache } from '../../src/machines/routes/route-cache.ts';
import type { TopicRoute } from '../../src/model/route.ts';
import { type Selector, sql, tag } from '../../src/model/subscription.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { SubscriptionManager } from '../../src/subscriptions/subscription-manager.ts';
import { turn } from '../support/builders.ts';

const never = new AbortController().signal;
const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection lost');
const refusal = new SubscriptionError('RMQ_SELECTOR_REFUSED', 'the selector was refused');

function routeTo(...names: readonly string[]): TopicRoute {
  return {
    brokers: names.map(name => ({
      brokerName: name,
      cluster: 'c',
      addresses: new Map([[0, `${name}:10911`]]),
    })),
    queues: names.map(name => ({ brokerName: name, readQueueNums: 2, writeQueueNums: 2, perm: 6 })),
  };
}

type Told = Parameters<SubscribingWiring['tell']>[0];

/** The port before brokers that answer as the test says: per address an error, or nothing when all is well. */
function world(given: ConsumerConfig = {}) {
  const config = parseConfig({
    consumerGroup: 'billing',
    namesrvAddr: 'ns:9876',
    listener: concurrently(() => undefined),
    ...given,
  });
  const subscriptions = new SubscriptionManager({ wallNow: () => 1000 });
  for (const { topic, selector } of config.subscriptions) subscriptions.subscribe(topic, selector);
  const answers = { beats: new Map<string, Error>(), checks: new Map<string, Error>() };
  const routes = new Map<string, TopicRoute | Error>();
  const asked: string[] = [];
  const told: Told[] = [];
  const warned: string[] = [];
  const answer = async (what: string, address: string, errors: ReadonlyMap<string, Error>): Promise<void> => {
    asked.push(`${what} ${address}`);
    const error = errors.get(address);
    if (error !== undefined) throw error;
  };
  const calls = {
    checkSelector: (address: string) => answer('check', address, answers.checks),
  };
  const parts = {
    cache: new RouteCache(),
    origins: new QueueOrigins(),
    held: new HeldQueues(),
    listeners: new ListenerChoice(config),
    checks: new SelectorChecks({ config, subscriptions, calls }),
  };
  const port = subscribingPort({
    ...parts,
    ...{ config, subscriptions },
    greetings: { tell: address => answer('beat', address, answers.beats) },
    logger: { ...silentLogger, warn: (_, text) => warned.push(text) },
    nameServers: {
      route: async topic => {
        const route = routes.get(topic);
        if (route instanceof Error) throw route;
        return route;
      },
    },
    tell: event => told.push(event),
  });
  const subscribe = (topic: string, selector?: Selector, listener?: Listener): SubscriptionCommand => ({
    ...{ type: 'consumer.subscribe', topic, selector, listener },
  });
  return { ...parts, port, subscriptions, answers, routes, asked, told, warned, subscribe };
}

describe('what a command comes to', () => {
  const orders = { subscriptions: [{ topic: 'orders', selector: tag('paid') }] };
  const other = concurrently(() => undefined);

  it('is a new topic, another selector, another listener, or nothing', () => {
    const { port, subscribe } = world(orders);
    const kind = (command: SubscriptionCommand) => port.plan(command).kind;
    expect(kind(subscribe('bills'))).toBe('join');
    expect(kind(subscribe('orders'))).toBe('revise');
    expect(kind(subscribe('orders', tag('paid')))).toBe('nothing');
    expect(kind(subscribe('orders', tag('paid'), other))).toBe('relisten');
    expect(kind(subscribe('orders', tag('shipped'), other))).toBe('revise');
    expect(kind({ type: 'consumer.updateSelector', topic: 'orders', selector: tag('paid') })).toBe('nothing');
    expect(kind({ type: 'consumer.updateSelector', topic: 'orders', selector: sql('a > 1') })).toBe('revise');
    expect(kind({ type: 'consumer.unsubscribe', topic: 'orders' })).toBe('leave');
    expect(kind({ type: 'consumer.unsubscribe', topic: 'bills' })).toBe('nothing');
  });

  it('that brokers have not heard of yet is taken up again by the next command', () => {
    const { port, subscribe, subscriptions } = world(orders);
    port.apply(port.plan(subscribe('bills', tag('a'))));
    port.apply(port.plan(subscribe('orders', tag('shipped'))));
    const { version } = subscriptions;
    const again = [
      subscribe('bills', tag('a')),
      subscribe('bills', tag('b')),
      subscribe('orders', tag('shipped')),
    ].map(command => port.plan(command));
    expect(again.map(({ kind }) => kind)).toEqual(['join', 'join', 'revise']);
    const [same] = again;
    if (same !== undefined) port.apply(same);
    port.settle('bills');
    expect([subscriptions.version, subscriptions.consumedTopics()]).toEqual([version, ['orders', 'bills']]);
    expect(port.plan(subscribe('bills', tag('a'))).kind).toBe('nothing');
    expect(port.plan({ type: 'consumer.unsubscribe', topic: 'orders' }).kind).toBe('leave');
  });

  it.each<readonly [string, SubscriptionCommand]>([
    ['bills is not subscribed', { type: 'consumer.updateSelector', topic: 'bills', selector: tag('a') }],
    [
      'selector of orders: write tag',
      { type: 'consumer.updateSelector', topic: 'orders' } as unknown as SubscriptionCommand, // as from JavaScript
    ],
    ['names no tag', { type: 'consumer.subscribe', topic: 'bills', selector: tag('||') }],
    ['the SQL expression is empty', { type: 'consumer.subscribe', topic: 'bills', selector: sql(' ') }],
    ['only letters, digits', { type: 'consumer.subscribe', topic: 'my bills' }],
    ["this group's failed messages", { type: 'consumer.subscribe', topic: '%RETRY%billing' }],
    ['by orderly()', { type: 'consumer.subscribe', topic: 'bills', listener: orderly(() => undefined) }],
  ])('is refused: %s', (text, command) => {
    const { port, subscriptions } = world(orders);
    const before = subscriptions.version;
    expect(() => port.plan(command)).toThrow(text);
    expect(() => port.plan(command)).toThrow(SubscriptionError);
    expect([subscriptions.version, subscriptions.getTopics()]).toEqual([before, ['orders']]);
  });

  it('that probably means something else is warned of', () => {
    const { port, subscribe, warned } = world(orders);
    port.plan(subscribe('bills', tag('order_*')));
    expect(warned).toEqual([
      "selector of bills: the tag 'order_*' is compared as it stands; * and ? match nothing else. Name each tag: tag('paid || shipped'); tag('*') alone takes all messages.",
    ]);
  });

  it('before the start counts at once', () => {
    const { port, subscribe, subscriptions } = world(orders);
    port.applyNow(subscribe('bills', tag('a')));
    port.applyNow({ type: 'consumer.unsubscribe', topic: 'orders' });
    expect(subscriptions.consumedTopics()).toEqual(['bills']);
    expect(subscriptions.announcedTopics()).toEqual(['bills']);
    expect(subscriptions.pullVersion('bills')).toBe(subscriptions.get('bills')?.data.subVersion);
  });
});

describe('an SQL92 selector', () => {
  const join = { kind: 'join', topic: 'bills', selector: sql('a > 1'), listener: undefined } as const;

  it('is shown to the brokers of its topic until one answers', async () => {
    const { port, routes, answers, asked } = world();
    routes.set('bills', routeTo('a', 'b', 'c'));
    answers.checks.set('a:10911', lost);
    await port.check(join, never);
    expect(asked).toEqual(['check a:10911', 'check b:10911']);
  });

  it('refused by one is refused', async () => {
    const { port, routes, answers, asked } = world();
    routes.set('bills', routeTo('a', 'b'));
    answers.checks.set('a:10911', refusal);
    await expect(port.check(join, never)).rejects.toBe(refusal);
    expect(asked).toEqual(['check a:10911']);
  });

  it('that nobody can judge is refused with the reason, so that it may be tried again', async () => {
    const { port, routes, answers } = world();
    routes.set('bills', routeTo('a'));
    answers.checks.set('a:10911', lost);
    await expect(port.check(join, never)).rejects.toBe(lost);
    routes.set('bills', lost);
    await expect(port.check(join, never)).rejects.toBe(lost);
  });

  it('of a topic that does not exist yet is shown to any broker', async () => {
    const { port, cache, asked } = world();
    cache.set('orders', routeTo('z'));
    await port.check(join, never);
    expect(asked).toEqual(['check z:10911']);
  });

  it.each([
    { kind: 'join', topic: 'bills', selector: tag('a'), listener: undefined },
    { kind: 'leave', topic: 'bills' },
  ] as const)('is what is checked, nothing else: $kind', async plan => {
    const { port, asked } = world();
    await port.check(plan, never);
    expect(asked).toEqual([]);
  });
});

describe('a new topic', () => {
  it('is asked for at once, and what is found is told like a round of the routes', async () => {
    const { port, routes, cache, told } = world();
    routes.set('bills', routeTo('a'));
    await port.locate('bills', never);
    expect(cache.queuesOf('bills')).toHaveLength(2);
    expect(told).toEqual([{ type: 'route.changed', topics: ['bills'] }, { type: 'subscription.changed' }]);
  });

  it('that no name server knows is read from its beginning when it appears', async () => {
    const { port, origins, told } = world();
    await port.locate('bills', never);
    expect(told).toEqual([{ type: 'subscription.changed' }]);
    expect(origins.appearedLater({ topic: 'bills', brokerName: 'a', queueId: 0 })).toBe(true);
  });

  it('subscribed anew counts the queues there are by then as its first ones', async () => {
    const { port, origins, subscribe } = world();
    const queue = { topic: 'bills', brokerName: 'a', queueId: 0 };
    origins.note('bills', []);
    port.apply(port.plan(subscribe('bills')));
    origins.note('bills', [queue]);
    expect(origins.appearedLater(queue)).toBe(false);
  });
});

describe('heartbeats', () => {
  const orders = { subscriptions: [{ topic: 'orders' }] };

  it('go to all brokers, but only those of the topic are waited for', async () => {
    const { port, cache, answers, asked } = world(orders);
    cache.set('orders', routeTo('a'));
    cache.set('bills', routeTo('b', 'c'));
    answers.beats.set('a:10911', lost);
    answers.beats.set('c:10911', lost);
    await port.register('bills', never);
    expect(asked).toEqual(['beat b:10911', 'beat c:10911', 'beat a:10911']);
  });

  it('that none of them took have failed', async () => {
    const { port, cache, answers } = world(orders);
    cache.set('orders', routeTo('a'));
    cache.set('bills', routeTo('b', 'c'));
    answers.beats.set('b:10911', lost);
    answers.beats.set('c:10911', lost);
    await expect(port.register('bills', never)).rejects.toBe(lost);
  });

  it('are enough where the topic has no broker yet', async () => {
    const { port } = world(orders);
    await port.register('bills', never);
  });
});

describe('a topic that is left', () => {
  const queue = { topic: 'orders', brokerName: 'a', queueId: 0 };
  const work = (released: string[]): QueueWork =>
    ({ release: () => void released.push('released') }) as unknown as QueueWork; // nothing else of it is touched

  it('has drained when the last of its queues was released, each counted once', async () => {
    const { port, held } = world();
    const released: string[] = [];
    const [one, two] = [held.count(queue, work(released)), held.count(queue, work(released))];
    held.count({ ...queue, topic: 'bills' }, work(released));
    let isDrained = false;
    void port.drained('orders').then(() => {
      isDrained = true;
    });
    one.release();
    one.release();
    await turn();
    expect(isDrained).toBe(false);
    two.release();
    await turn();
    expect([isDrained, released.length]).toEqual([true, 3]);
    await port.drained('orders');
  });

  it('is in the heartbeats until it is forgotten', () => {
    const { port, subscriptions, origins } = world({ subscriptions: [{ topic: 'orders' }] });
    origins.note('orders', []);
    port.apply({ kind: 'leave', topic: 'orders' });
    expect(subscriptions.announcedTopics()).toEqual(['orders']);
    port.forget('orders');
    expect(subscriptions.announcedTopics()).toEqual([]);
    expect(origins.appearedLater(queue)).toBe(false);
  });
});

it('a sharing is over when the ticket of its change is done', async () => {
  const { port, told } = world();
  let isOver = false;
  void port.share().then(() => {
    isOver = true;
  });
  const [change] = told;
  await turn();
  expect([isOver, told.length]).toEqual([false, 1]);
  if (change?.type === 'subscription.changed') change.ticket?.done();
  await turn();
  expect(isOver).toBe(true);
});
