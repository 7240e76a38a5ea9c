// SPDX-License-Identifier: Apache-2.0
/** What must happen before a queue is given up because no route names it any more? */
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { RouteCache } from '../../src/machines/routes/route-cache.ts';
import { routesMachine } from '../../src/machines/routes/routes.machine.ts';
import type { BrokerWord, RoutesReport } from '../../src/machines/routes/routes.types.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import type { TopicRoute } from '../../src/model/route.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

/** `{ a: 4, b: 2 }`: so many queues on each broker. */
function route(queues: Readonly<Record<string, number>>, perm = 6): TopicRoute {
  const brokers = Object.entries(queues);
  return {
    brokers: brokers.map(([brokerName]) => ({
      ...{ brokerName, cluster: 'c', addresses: new Map([[0, `${brokerName}:10911`]]) },
    })),
    queues: brokers.map(([brokerName, count]) => ({
      ...{ brokerName, readQueueNums: count, writeQueueNums: count, perm },
    })),
  };
}

const nobodyKnows: TopicRoute | undefined = undefined;

/** The machine once it has the first route of `orders`; later the name servers and brokers say what the test says. */
async function known(first: TopicRoute) {
  const clock = new TestClock();
  const cache = new RouteCache();
  const world = {
    route: first as TopicRoute | Error | undefined, // a test takes it away
    elsewhere: undefined as TopicRoute | Error | undefined, // a test puts one there
    words: new Map<string, BrokerWord | Error>(),
    hang: false,
  };
  const asked: string[] = [];
  const deleted: string[] = [];
  const heard: RoutesReport[] = [];
  const actor = createActor(routesMachine, {
    clock,
    input: {
      port: {
        fetchRoute: async topic => {
          asked.push(`${topic}@${clock.now()}`);
          if (world.route instanceof Error) throw world.route;
          return world.route;
        },
        fetchElsewhere: async () => {
          if (world.elsewhere instanceof Error) throw world.elsewhere;
          return world.elsewhere;
        },
        askBroker: async (topic, brokerName) => {
          asked.push(`${topic} of ${brokerName}@${clock.now()}`);
          if (world.hang) return new Promise(() => {});
          const word = world.words.get(brokerName) ?? 'silent';
          if (word instanceof Error) throw word;
          return word;
        },
        noteDeleted: async queues => {
          deleted.push(...queues.map(queueKey));
        },
      },
      ...{ cache, clock, topics: () => ['orders'], pollInterval: 30_000, roundLimit: 10_000 },
      parent: { send: event => heard.push(event) },
    },
  }).start();
  await clock.flush();
  heard.splice(0);
  asked.splice(0);
  const queues = (): readonly string[] => (cache.queuesOf('orders') ?? []).map(queueKey);
  const losses = (): readonly string[] =>
    heard.flatMap(each => (each.type === 'route.lost' ? `${each.why}: ${each.brokerNames.join()}` : []));
  /** Something went wrong: routes are asked for. */
  const refresh = async (): Promise<void> => {
    actor.send({ type: 'routes.refresh' });
    await clock.flush();
  };
  await clock.advance(5000);
  return { actor, clock, cache, world, asked, deleted, heard, queues, losses, refresh };
}

describe('a topic that no name server knows any more', () => {
  it('is given up at once when its broker does not have it either, and the parent hears of it once', async () => {
    const { clock, world, heard, queues, deleted, refresh, cache } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.words.set('a', 'gone');
    await refresh();
    expect(heard).toEqual([
      { type: 'route.lost', topic: 'orders', brokerNames: ['a'], why: 'deleted' },
      { type: 'route.changed', topics: ['orders'] },
      { type: 'routes.answered' },
    ]);
    expect(queues()).toEqual([]);
    expect(deleted).toEqual(['orders@a#0', 'orders@a#1']);
    expect(cache.fateOf({ topic: 'orders', brokerName: 'a', queueId: 1 })).toBe('deleted');
    heard.splice(0);
    await clock.advance(120_000);
    expect(heard.filter(({ type }) => type !== 'routes.answered')).toEqual([]);
  });

  it('is asked for after 1 s, doubling to 30 s, and taken as soon as it is back', async () => {
    const { clock, world, heard, queues, asked, refresh, cache } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.words.set('a', 'gone');
    await refresh();
    await clock.advance(16_000);
    expect(asked).toEqual([
      ...['orders@5000', 'orders of a@5000'],
      ...['orders@6000', 'orders@8000', 'orders@12000', 'orders@20000'],
    ]);
    world.route = route({ a: 3 });
    await clock.advance(16_000);
    expect(queues()).toHaveLength(3);
    expect(heard.at(-2)).toEqual({ type: 'route.changed', topics: ['orders'] });
    expect(cache.fateOf({ topic: 'orders', brokerName: 'a', queueId: 1 })).toBe('routed');
  });

  it('is kept for as long as its broker says that it has it, and looked after every 15 s', async () => {
    const { clock, world, heard, queues, asked, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows; // a name server that was started anew
    world.words.set('a', 'has');
    await refresh();
    await clock.advance(600_000);
    expect(queues()).toHaveLength(2);
    expect(heard.every(({ type }) => type === 'routes.answered')).toBe(true);
    expect(asked.filter(each => each.startsWith('orders of a')).length).toBeLessThanOrEqual(61);
    world.words.set('a', 'gone');
    await clock.advance(15_000);
    expect(queues()).toEqual([]);
  });

  it('is kept for 20 s when its broker is silent; that the broker had it a moment ago begins them anew', async () => {
    const { clock, world, queues, losses, refresh, cache } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    await refresh();
    await clock.advance(10_000);
    world.words.set('a', 'has');
    await clock.advance(5000);
    world.words.set('a', 'silent');
    await clock.advance(19_900);
    expect(queues()).toHaveLength(2);
    await clock.advance(5200);
    expect(queues()).toEqual([]);
    expect(losses()).toEqual(['unrouted: a']);
    expect(cache.fateOf({ topic: 'orders', brokerName: 'a', queueId: 0 })).toBe('unrouted');
  });

  it('is kept for 60 s when its broker answers, but does not tell', async () => {
    const { clock, world, queues, losses, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.words.set('a', 'untold');
    await refresh();
    await clock.advance(59_900);
    expect(queues()).toHaveLength(2);
    await clock.advance(200);
    expect([queues(), losses()]).toEqual([[], ['unrouted: a']]);
  });

  it('is no loss when another name server knows it; its brokers are not even asked', async () => {
    const { clock, world, queues, asked, losses, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.elsewhere = route({ a: 3 });
    world.words.set('a', 'gone');
    await refresh();
    await clock.advance(60_000);
    expect([queues().length, losses()]).toEqual([3, []]);
    expect(asked.some(each => each.includes(' of '))).toBe(false);
  });

  it('is judged all the same when the other name server and the broker fail', async () => {
    const { clock, world, queues, losses, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.elsewhere = new Error('connection refused');
    world.words.set('a', new Error('timed out'));
    await refresh();
    await clock.advance(19_000);
    expect(queues()).toHaveLength(2);
    await clock.advance(1200);
    expect([queues(), losses()]).toEqual([[], ['unrouted: a']]);
  });
});

describe('one broker of several that routes do not name any more', () => {
  it('keeps its queues while it is in doubt, beside what is new of the others', async () => {
    const { world, queues, heard, refresh } = await known(route({ a: 1, b: 1 }));
    world.route = route({ a: 2 });
    world.words.set('b', 'has');
    await refresh();
    expect(queues()).toEqual(['orders@a#0', 'orders@a#1', 'orders@b#0']);
    expect(heard).toEqual([{ type: 'route.changed', topics: ['orders'] }, { type: 'routes.answered' }]);
  });

  it('is given up alone, and comes back as it is named again', async () => {
    const { clock, world, queues, losses, deleted, refresh } = await known(route({ a: 1, b: 1 }));
    world.route = route({ a: 1 });
    world.words.set('b', 'gone');
    await refresh();
    expect([queues(), losses(), deleted]).toEqual([['orders@a#0'], ['deleted: b'], ['orders@b#0']]);
    world.route = route({ a: 1, b: 1 });
    await clock.advance(30_000);
    expect(queues()).toEqual(['orders@a#0', 'orders@b#0']);
    world.route = route({ a: 1 });
    world.words.set('b', 'silent');
    await clock.advance(60_000);
    expect(losses()).toEqual(['deleted: b', 'unrouted: b']);
  });

  it('that is back within 20 s was never missed: the next time it has 20 s again', async () => {
    const { clock, world, queues, refresh } = await known(route({ a: 1, b: 1 }));
    for (let restart = 0; restart < 3; restart++) {
      world.route = route({ a: 1 });
      await refresh();
      await clock.advance(15_000);
      world.route = route({ a: 1, b: 1 });
      await refresh();
      await clock.advance(5000);
    }
    expect(queues()).toEqual(['orders@a#0', 'orders@b#0']);
  });
});

describe('what a route names', () => {
  it.each([
    ['fewer queues', route({ a: 4 }), 4],
    ['a permission that forbids reading', route({ a: 8 }, 2), 0],
  ])('counts at once: %s', async (_, next, left) => {
    const { world, queues, asked, cache, refresh } = await known(route({ a: 8 }));
    world.route = next;
    await refresh();
    expect(queues()).toHaveLength(left);
    expect(asked).toEqual(['orders@5000']);
    expect(cache.fateOf({ topic: 'orders', brokerName: 'a', queueId: 7 })).toBe('unrouted');
  });
});

describe('while a loss is being confirmed', () => {
  it('a refresh is not lost: one more round afterwards', async () => {
    const { actor, clock, world, asked, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.hang = true;
    await refresh();
    expect(actor.getSnapshot().value).toEqual({ confirming: 'once' });
    actor.send({ type: 'routes.refresh' });
    actor.send({ type: 'routes.refresh' });
    expect(actor.getSnapshot().value).toEqual({ confirming: 'again' });
    world.hang = false;
    world.route = route({ a: 2 });
    await clock.advance(10_000); // roundLimit
    await clock.advance(6000);
    expect(asked).toEqual(['orders@5000', 'orders of a@5000', 'orders@16000']);
  });

  it('a broker that never answers is given up waiting for, and counts as silent', async () => {
    const { actor, clock, world, queues, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.hang = true;
    await refresh();
    await clock.advance(10_000);
    expect(actor.getSnapshot().value).toBe('waiting');
    expect(queues()).toHaveLength(2);
    await clock.advance(30_000);
    expect(queues()).toEqual([]);
  });

  it('name servers that fail in between neither end the doubt nor confirm it', async () => {
    const { clock, world, queues, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    await refresh();
    world.route = new Error('connection refused');
    await clock.advance(60_000);
    expect(queues()).toHaveLength(2);
    world.route = nobodyKnows;
    await clock.advance(10_000);
    expect(queues()).toEqual([]);
  });

  it('stopping leaves no timer and takes no late word', async () => {
    const { actor, clock, world, queues, heard, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.hang = true;
    await refresh();
    actor.stop();
    expect(clock.pending).toBe(0);
    expect([queues().length, heard.length]).toEqual([2, 0]);
  });

  it('the same broker is not asked about a topic more than once in 5 s, however often routes are asked', async () => {
    const { clock, world, asked, refresh } = await known(route({ a: 2 }));
    world.route = nobodyKnows;
    world.words.set('a', 'untold');
    for (let i = 0; i < 150; i++) {
      await refresh();
      await clock.advance(100);
    }
    expect(asked.filter(each => each.includes(' of ')).length).toBeLessThanOrEqual(4);
    expect(asked.filter(each => !each.includes(' of ')).length).toBeLessThanOrEqual(17);
  });
});
