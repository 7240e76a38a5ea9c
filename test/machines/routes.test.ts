// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { ConnectionError } from '../../src/errors/errors.ts';
import { RouteCache } from '../../src/machines/routes/route-cache.ts';
import { routesMachine } from '../../src/machines/routes/routes.machine.ts';
import type { RoutesReport } from '../../src/machines/routes/routes.types.ts';
import type { TopicRoute } from '../../src/model/route.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

const route = (queueNums: number): TopicRoute => ({
  brokers: [{ brokerName: 'a', cluster: 'c', addresses: new Map([[0, 'a:10911']]) }],
  queues: [{ brokerName: 'a', readQueueNums: queueNums, writeQueueNums: queueNums, perm: 6 }],
});
const unreachable = new ConnectionError('RMQ_NAME_SERVER_UNAVAILABLE', 'no name server answered: n:9876');

/** Witnesses by whom nothing that was there is given up; how it is, see routes-losses.test.ts. */
const contradicting = {
  fetchElsewhere: () => Promise.resolve(undefined),
  askBroker: () => Promise.resolve('has' as const),
  noteDeleted: () => Promise.resolve(),
};

/** What name servers say of a topic: a route, nothing, an error, or no word at all. */
type Answer = TopicRoute | undefined | Error | 'silence';

interface Ask {
  readonly topic: string;
  readonly at: number;
  readonly signal: AbortSignal;
}

/** The machine with name servers that know the topics named here, and a parent that writes down what it hears. */
function start(options: {
  readonly topics: readonly string[];
  readonly answers: Readonly<Record<string, Answer>>;
}) {
  const clock = new TestClock();
  const cache = new RouteCache();
  const world = { topics: options.topics, answers: new Map(Object.entries(options.answers)) };
  const asks: Ask[] = [];
  const heard: RoutesReport[] = [];
  const fetchRoute = async (topic: string, signal: AbortSignal): Promise<TopicRoute | undefined> => {
    asks.push({ topic, at: clock.now(), signal });
    const answer = world.answers.get(topic);
    if (answer === 'silence') return new Promise(() => {});
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const actor = createActor(routesMachine, {
    clock,
    input: {
      port: { ...contradicting, fetchRoute },
      cache,
      topics: () => world.topics,
      pollInterval: 30_000,
      clock,
      parent: { send: event => heard.push(event) },
    },
  }).start();
  return {
    actor,
    clock,
    cache,
    world,
    asks,
    /** `topic@ms` of every question so far. */
    asked: () => asks.map(({ topic, at }) => `${topic}@${at}`),
    /** What the parent heard since the last call. */
    heard: () => heard.splice(0),
    state: () => actor.getSnapshot().value,
    refresh: () => actor.send({ type: 'routes.refresh' }),
  };
}

describe('the routes machine', () => {
  it('asks for all topics at once when it starts, and tells what it learned', async () => {
    const { clock, cache, asked, heard, state } = start({
      topics: ['orders', 'bills'],
      answers: { orders: route(4), bills: route(2) },
    });
    expect(state()).toEqual({ asking: 'once' });
    expect(asked()).toEqual(['orders@0', 'bills@0']);
    await clock.flush();
    expect(state()).toBe('waiting');
    expect(heard()).toEqual([
      { type: 'route.changed', topics: ['orders', 'bills'] },
      { type: 'routes.answered' },
    ]);
    expect(cache.queuesOf('orders')).toHaveLength(4);
    expect(clock.pending).toBe(1);
  });

  it('asks again every poll interval, and names only the topics that changed', async () => {
    const { clock, cache, asked, heard, world } = start({
      topics: ['orders', 'bills'],
      answers: { orders: route(4), bills: route(2) },
    });
    await clock.advance(29_999);
    heard();
    world.answers.set('bills', route(3));
    await clock.advance(1);
    expect(asked()).toEqual(['orders@0', 'bills@0', 'orders@30000', 'bills@30000']);
    expect(heard()).toEqual([{ type: 'route.changed', topics: ['bills'] }, { type: 'routes.answered' }]);
    expect(cache.queuesOf('bills')).toHaveLength(3);
    await clock.advance(30_000);
    expect(heard()).toEqual([{ type: 'routes.answered' }]);
  });

  it('asks each topic once however often it is listed, and reads the list anew for every round', async () => {
    const { clock, asked, world } = start({ topics: ['orders', 'orders'], answers: { orders: route(1) } });
    await clock.flush();
    world.topics = ['bills'];
    await clock.advance(30_000);
    expect(asked()).toEqual(['orders@0', 'bills@30000']);
  });

  it('says nothing of a round that had nothing to ask, and goes on', async () => {
    const { clock, asked, heard, world, state } = start({ topics: [], answers: { orders: route(1) } });
    await clock.flush();
    expect(state()).toBe('waiting');
    expect(heard()).toEqual([]);
    world.topics = ['orders'];
    await clock.advance(30_000);
    expect(asked()).toEqual(['orders@30000']);
  });

  describe('for a topic no name server knows', () => {
    it('asks after 1 s, doubling to 30 s, and the others only by poll', async () => {
      const { clock, asked } = start({ topics: ['orders', 'lost'], answers: { orders: route(1) } });
      await clock.advance(91_000);
      expect(asked().filter(ask => ask.startsWith('lost'))).toEqual(
        [0, 1000, 3000, 7000, 15_000, 30_000, 31_000, 60_000, 61_000, 90_000, 91_000].map(at => `lost@${at}`),
      );
      expect(asked().filter(ask => ask.startsWith('orders'))).toEqual([
        'orders@0',
        'orders@30000',
        'orders@60000',
        'orders@90000',
      ]);
    });

    it('tells the parent once, until the topic appears', async () => {
      const { clock, heard, world } = start({ topics: ['lost'], answers: {} });
      await clock.flush();
      expect(heard()).toEqual([{ type: 'route.unknown', topic: 'lost' }, { type: 'routes.answered' }]);
      await clock.advance(7000);
      expect(heard()).toEqual([
        { type: 'routes.answered' },
        { type: 'routes.answered' },
        { type: 'routes.answered' },
      ]);
      world.answers.set('lost', route(1));
      await clock.advance(8000);
      expect(heard()).toEqual([{ type: 'route.changed', topics: ['lost'] }, { type: 'routes.answered' }]);
      await clock.advance(14_999);
      expect(heard()).toEqual([]); // known now: the poll is enough
    });

    it('never tells of a retry topic, which appears by itself, but asks for it as soon', async () => {
      const { clock, asked, heard, world } = start({ topics: ['%RETRY%billing'], answers: {} });
      await clock.flush();
      expect(heard()).toEqual([{ type: 'routes.answered' }]);
      world.answers.set('%RETRY%billing', route(1));
      await clock.advance(1000);
      expect(asked()).toEqual(['%RETRY%billing@0', '%RETRY%billing@1000']);
      expect(heard()).toEqual([
        { type: 'route.changed', topics: ['%RETRY%billing'] },
        { type: 'routes.answered' },
      ]);
    });

    it('takes a route without queues for no route', async () => {
      const { clock, heard, cache } = start({
        topics: ['lost'],
        answers: { lost: { brokers: [], queues: [] } },
      });
      await clock.flush();
      expect(heard()).toEqual([{ type: 'route.unknown', topic: 'lost' }, { type: 'routes.answered' }]);
      expect(cache.queuesOf('lost')).toBeUndefined();
    });

    it('keeps the last good route of one that was known before, as long as its broker has it, without a word', async () => {
      const { clock, cache, asked, heard, world } = start({
        topics: ['orders'],
        answers: { orders: route(4) },
      });
      await clock.flush();
      heard();
      world.answers.set('orders', undefined);
      await clock.advance(31_000);
      expect(cache.queuesOf('orders')).toHaveLength(4);
      expect(heard()).toEqual([{ type: 'routes.answered' }]);
      expect(asked()).toEqual(['orders@0', 'orders@30000']);
    });
  });

  describe('when name servers fail', () => {
    it('tells the error of every round, keeps routes, and tries again after 1 s, 2 s, then 3 s, late every 10 s', async () => {
      const { clock, cache, asked, heard, world } = start({
        topics: ['orders'],
        answers: { orders: route(4) },
      });
      await clock.advance(29_999);
      heard();
      world.answers.set('orders', unreachable);
      await clock.advance(1);
      expect(heard()).toEqual([{ type: 'routes.failed', error: unreachable }]);
      expect(cache.queuesOf('orders')).toHaveLength(4);
      await clock.advance(9000);
      expect(asked().slice(1)).toEqual([30_000, 31_000, 33_000, 36_000, 39_000].map(at => `orders@${at}`));
      await clock.advance(120_000);
      const times = asked().map(ask => Number(ask.split('@')[1]));
      expect((times.at(-1) ?? 0) - (times.at(-2) ?? 0)).toBeLessThanOrEqual(10_000);
      world.answers.set('orders', route(5));
      heard();
      await clock.advance(10_000);
      expect(heard()).toContainEqual({ type: 'route.changed', topics: ['orders'] });
    });

    it('tells both when one topic was answered and another was not, and asks only the latter soon', async () => {
      const { clock, asked, heard } = start({
        topics: ['orders', 'bills'],
        answers: { orders: route(1), bills: unreachable },
      });
      await clock.advance(1000);
      expect(heard()).toEqual([
        { type: 'route.changed', topics: ['orders'] },
        { type: 'routes.answered' },
        { type: 'routes.failed', error: unreachable },
        { type: 'routes.failed', error: unreachable },
      ]);
      expect(asked()).toEqual(['orders@0', 'bills@0', 'bills@1000']);
    });

    it('makes a typed error of whatever a port throws', async () => {
      const { clock, heard } = start({ topics: ['orders'], answers: { orders: new TypeError('oops') } });
      await clock.flush();
      expect(heard()).toEqual([
        { type: 'routes.failed', error: expect.objectContaining({ code: 'RMQ_INTERNAL', message: 'oops' }) },
      ]);
    });

    it('gives up a round that never ends, aborts it, and asks again', async () => {
      const { clock, asks, heard, world, state } = start({
        topics: ['orders', 'bills'],
        answers: { orders: route(1), bills: 'silence' },
      });
      await clock.advance(59_999);
      expect(state()).toEqual({ asking: 'once' });
      expect(heard()).toEqual([]);
      world.answers.set('bills', route(1));
      await clock.advance(1);
      expect(heard()).toEqual([
        {
          type: 'routes.failed',
          error: expect.objectContaining({
            code: 'RMQ_REQUEST_TIMEOUT',
            message: 'routes of orders, bills were not settled within 60000 ms',
          }),
        },
      ]);
      expect(asks.map(({ signal }) => signal.aborted)).toEqual([true, true]);
      await clock.advance(1000);
      expect(heard()).toEqual([
        { type: 'route.changed', topics: ['orders', 'bills'] },
        { type: 'routes.answered' },
      ]);
    });
  });

  it('counts a round that could not even be asked as failed for all its topics, and asks again', async () => {
    const clock = new TestClock();
    const heard: RoutesReport[] = [];
    const broken = routesMachine.provide({
      actors: { askRoutes: fromPromise(() => Promise.reject(unreachable)) },
    });
    const actor = createActor(broken, {
      clock,
      input: {
        port: { ...contradicting, fetchRoute: () => Promise.resolve(undefined) },
        cache: new RouteCache(),
        topics: () => ['orders'],
        pollInterval: 30_000,
        clock,
        parent: { send: event => heard.push(event) },
      },
    }).start();
    await clock.advance(1000);
    expect(heard).toEqual([
      { type: 'routes.failed', error: unreachable },
      { type: 'routes.failed', error: unreachable },
    ]);
    actor.stop();
    expect(clock.pending).toBe(0);
  });

  describe('on routes.refresh', () => {
    it('asks at once when all were asked 1 s ago or more', async () => {
      const { clock, asked, refresh, state } = start({ topics: ['orders'], answers: { orders: route(1) } });
      await clock.advance(5000);
      refresh();
      expect(state()).toBe('waiting');
      await clock.flush();
      expect(asked()).toEqual(['orders@0', 'orders@5000']);
    });

    it('waits for the floor of 1 s, and a burst causes one round', async () => {
      const { clock, asked, refresh } = start({ topics: ['orders'], answers: { orders: route(1) } });
      await clock.advance(400);
      for (let i = 0; i < 50; i++) refresh();
      await clock.advance(599);
      expect(asked()).toEqual(['orders@0']);
      await clock.advance(1);
      expect(asked()).toEqual(['orders@0', 'orders@1000']);
      await clock.advance(29_999);
      expect(asked()).toHaveLength(2);
    });

    it('is never more than one round a second, however long it goes on', async () => {
      const { clock, asked, refresh } = start({ topics: ['orders'], answers: { orders: route(1) } });
      for (let i = 0; i < 100; i++) {
        refresh();
        await clock.advance(100);
      }
      expect(asked()).toEqual(Array.from({ length: 11 }, (_, second) => `orders@${second * 1000}`));
    });

    it('is not lost while asking: exactly one more round, 1 s later', async () => {
      const { clock, asked, refresh, state } = start({ topics: ['orders'], answers: { orders: route(1) } });
      refresh();
      refresh();
      expect(state()).toEqual({ asking: 'again' });
      await clock.advance(29_000);
      expect(asked()).toEqual(['orders@0', 'orders@1000']);
    });

    it('is not lost when the round under way fails', async () => {
      const { clock, asked, refresh } = start({ topics: ['orders'], answers: { orders: unreachable } });
      refresh();
      await clock.advance(1000);
      expect(asked()).toEqual(['orders@0', 'orders@1000']);
    });

    it('asks at once for a topic never asked before, the others after their floor', async () => {
      const { clock, asked, refresh, world, heard } = start({
        topics: ['orders'],
        answers: { orders: route(1), bills: route(2) },
      });
      await clock.advance(300);
      heard();
      world.topics = ['orders', 'bills'];
      refresh();
      await clock.flush();
      expect(heard()).toEqual([{ type: 'route.changed', topics: ['bills'] }, { type: 'routes.answered' }]);
      await clock.advance(700);
      expect(asked()).toEqual(['orders@0', 'bills@300', 'orders@1000', 'bills@1000']);
    });

    it('counts for an unknown topic as asked, but not as one of its own attempts', async () => {
      const { clock, asked, refresh } = start({ topics: ['lost'], answers: {} });
      await clock.advance(3500); // asked at 0, 1000, 3000; next at 7000
      refresh();
      await clock.advance(3500);
      expect(asked()).toEqual([0, 1000, 3000, 3500, 7000].map(at => `lost@${at}`));
    });
  });

  it('forgets the route of a topic nobody wants any more, and asks for it at once when it comes back', async () => {
    const { clock, cache, asked, world, refresh } = start({
      topics: ['orders', 'bills'],
      answers: { orders: route(1), bills: route(1) },
    });
    cache.set('not ours', route(1));
    await clock.flush();
    world.topics = ['orders'];
    await clock.advance(30_000);
    expect(cache.topics()).toEqual(['not ours', 'orders']);
    world.topics = ['orders', 'bills'];
    refresh();
    await clock.flush();
    expect(asked().slice(2)).toEqual(['orders@30000', 'bills@30000']);
  });

  it('drops the answer for a topic unsubscribed while it was asked, and asks at once when it comes back', async () => {
    const { clock, cache, world, heard, asked, refresh } = start({
      topics: ['orders'],
      answers: { orders: route(1) },
    });
    world.topics = [];
    await clock.flush();
    expect(cache.topics()).toEqual([]);
    expect(heard()).toEqual([]);
    world.topics = ['orders'];
    refresh();
    await clock.flush();
    expect(asked()).toEqual(['orders@0', 'orders@0']);
    expect(cache.topics()).toEqual(['orders']);
  });

  it('hands a fault of its own to the parent and lives on', async () => {
    const { clock, actor, heard, state } = start({ topics: ['orders'], answers: { orders: route(1) } });
    const fault = { type: 'fault', error: unreachable, actor: 'routes' } as const;
    actor.send(fault);
    expect(heard()).toEqual([fault]);
    await clock.flush();
    expect(state()).toBe('waiting');
  });

  it.each([
    ['asking', 0, false],
    ['asking, and again', 0, true],
    ['waiting', 10, false],
  ])(
    'stopped while %s leaves no timer, aborts its questions, and takes no late answer',
    async (_, ms, again) => {
      const { clock, actor, asks, cache, heard, refresh } = start({
        topics: ['orders'],
        answers: { orders: route(1) },
      });
      if (ms > 0) await clock.advance(ms);
      if (again) refresh();
      const known = cache.version;
      const told = heard().length;
      actor.stop();
      expect(clock.pending).toBe(0);
      await clock.advance(60_000);
      expect(asks).toHaveLength(1);
      expect(asks[0]?.signal.aborted).toBe(ms === 0);
      expect([cache.version, heard().length]).toEqual([known, 0]);
      expect(told).toBe(ms === 0 ? 0 : 2);
    },
  );
});
