// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import type { AllocateStrategy } from '../../src/allocation/allocate-strategy.ts';
import { average } from '../../src/allocation/average.ts';
import { ConnectionError } from '../../src/errors/errors.ts';
import { rebalanceMachine } from '../../src/machines/rebalance/rebalance.machine.ts';
import type { RebalanceReport, RebalanceTrigger } from '../../src/machines/rebalance/rebalance.types.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

const unreachable = new ConnectionError(
  'RMQ_REQUEST_TIMEOUT',
  'members of billing from a:1 timed out after 3000 ms',
);
const triggers: readonly RebalanceTrigger['type'][] = [
  'members.changed',
  'route.changed',
  'subscription.changed',
  'rebalance.now',
];

function queues(topic: string, ...ids: readonly number[]): readonly MessageQueue[] {
  return ids.map(queueId => ({ topic, brokerName: 'a', queueId }));
}

/** A question for members, which a test answers when it likes. */
interface Question {
  readonly topic: string;
  readonly at: number;
  readonly signal: AbortSignal;
  readonly answer: (clientIds: readonly string[]) => void;
  readonly fail: (error: unknown) => void;
}

type Members = readonly string[] | Error | 'wait';

interface World {
  topics: readonly string[];
  /** Number of queues by topic; a topic that is missing has no route. */
  queues: Readonly<Record<string, number>>;
  /** Who every broker says is there, or by topic. */
  members: Members | Readonly<Record<string, Members>>;
  allocate: AllocateStrategy;
  /** Whether the parent applies decisions at once. */
  applying: boolean;
}

/** Client `me` of a cluster as the test describes it, and a parent that writes down what it hears. */
function start(given: Partial<World>, machine: typeof rebalanceMachine = rebalanceMachine) {
  const world: World = {
    ...{ topics: ['orders'], queues: { orders: 4 }, members: ['me'], allocate: average, applying: true },
    ...given,
  };
  const clock = new TestClock();
  const questions: Question[] = [];
  const heard: RebalanceReport[] = [];
  const membersOf = (topic: string): Members => {
    const { members } = world;
    if (members === 'wait' || members instanceof Error || Array.isArray(members)) return members as Members; // not the record
    return (members as Readonly<Record<string, Members>>)[topic] ?? []; // the only form left
  };
  const memberIds = (topic: string, signal: AbortSignal) =>
    new Promise<readonly string[]>((answer, fail) => {
      questions.push({ topic, at: clock.now(), signal, answer, fail });
      const members = membersOf(topic);
      if (members instanceof Error) fail(members);
      else if (members !== 'wait') answer(members);
    });
  const queuesOf = (topic: string): readonly MessageQueue[] | undefined => {
    const count = world.queues[topic];
    return count === undefined ? undefined : queues(topic, ...Array(count).keys());
  };
  const actor = createActor(machine, {
    id: 'rebalance',
    clock,
    input: {
      port: { memberIds, queuesOf },
      topics: () => world.topics,
      clientId: 'me',
      consumerGroup: 'billing',
      allocate: context =>
        typeof world.allocate === 'function' ? world.allocate(context) : world.allocate.allocate(context),
      interval: 20_000,
      parent: {
        send: event => {
          heard.push(event);
          if (event.type === 'assignment.decided' && world.applying) {
            actor.send({ type: 'assignment.applied', round: event.round });
          }
        },
      },
    },
  }).start();
  const trigger = (type: RebalanceTrigger['type'] = 'rebalance.now') => actor.send({ type });
  return {
    actor,
    clock,
    world,
    questions,
    /** `topic@ms` of every question so far. */
    asked: () => questions.map(({ topic, at }) => `${topic}@${at}`),
    /** What the parent heard since the last call. */
    heard: () => heard.splice(0),
    state: () => actor.getSnapshot().value,
    trigger,
    /** One round from idle to the end of the rest after it, 250 ms; what the parent heard in it. */
    round: async () => {
      heard.splice(0);
      trigger();
      await clock.advance(250);
      return heard.splice(0);
    },
  };
}

/** A decision as the parent hears it. */
function decided(round: number, held: readonly MessageQueue[], more: object = {}) {
  return {
    type: 'assignment.decided',
    round,
    queues: held,
    added: [],
    removed: [],
    otherMembers: false,
    ...more,
  };
}

describe('the rebalance machine', () => {
  it('does nothing before it is told to, or one interval has passed', async () => {
    const { clock, asked, heard, state } = start({});
    await clock.advance(19_999);
    expect([state(), asked()]).toEqual(['idle', []]);
    await clock.advance(1);
    expect(asked()).toEqual(['orders@20000']);
    const held = queues('orders', 0, 1, 2, 3);
    expect(heard()).toEqual([decided(1, held, { added: held })]);
    expect([state(), clock.pending]).toEqual([{ resting: 'once' }, 1]);
    await clock.advance(250);
    expect([state(), clock.pending]).toEqual(['idle', 1]);
  });

  it('runs a round every interval, and reports a round that changes nothing as well', async () => {
    const { clock, heard, asked } = start({});
    await clock.advance(60_500);
    const held = queues('orders', 0, 1, 2, 3);
    expect(heard()).toEqual([decided(1, held, { added: held }), decided(2, held), decided(3, held)]);
    expect(asked()).toEqual(['orders@20000', 'orders@40250', 'orders@60500']);
  });

  it.each(triggers)('starts a round at once on %s', async type => {
    const { clock, asked, trigger, state } = start({});
    await clock.advance(500);
    trigger(type);
    expect(state()).toEqual({ collecting: 'once' });
    await clock.flush();
    expect(asked()).toEqual(['orders@500']);
  });

  it('asks for the members of all topics side by side, each topic once', async () => {
    const { asked, questions, trigger, clock, heard } = start({
      topics: ['orders', '%RETRY%billing', 'orders'],
      queues: { orders: 2, '%RETRY%billing': 1 },
      members: 'wait',
    });
    trigger();
    await clock.flush();
    expect(asked()).toEqual(['orders@0', '%RETRY%billing@0']);
    questions[1]?.answer(['me']);
    await clock.advance(40);
    expect(heard()).toEqual([]);
    questions[0]?.answer(['me']);
    await clock.flush();
    const held = [...queues('%RETRY%billing', 0), ...queues('orders', 0, 1)];
    expect(heard()).toEqual([decided(1, held, { added: held })]);
  });

  it('decides in the same turn as the last answer, without a timer', async () => {
    const { questions, trigger, heard } = start({ members: 'wait' });
    trigger();
    questions[0]?.answer(['me']);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(heard()).toHaveLength(1);
  });

  it('takes and gives up queues as members come and go', async () => {
    const { world, round } = start({});
    await round();
    world.members = ['you', 'me', 'you'];
    expect(await round()).toEqual([
      decided(2, queues('orders', 0, 1), { removed: queues('orders', 2, 3), otherMembers: true }),
    ]);
    world.members = ['a', 'me'];
    expect(await round()).toEqual([
      decided(3, queues('orders', 2, 3), {
        added: queues('orders', 2, 3),
        removed: queues('orders', 0, 1),
        otherMembers: true,
      }),
    ]);
  });

  it('gives the strategy sorted queues and members, each member once', async () => {
    const seen: unknown[] = [];
    const { round } = start({
      members: ['me', '9', '10', 'me'],
      queues: { orders: 2 },
      allocate: context => {
        seen.push(context);
        return [];
      },
    });
    await round();
    const context = { consumerGroup: 'billing', clientId: 'me', clientIds: ['10', '9', 'me'] };
    expect(seen).toEqual([{ ...context, queues: queues('orders', 0, 1) }]);
  });

  it('follows the routes: new queues are shared, vanished ones given up, those of an unsubscribed topic too', async () => {
    const { world, round } = start({ topics: ['bills', 'orders'], queues: { orders: 1, bills: 1 } });
    await round();
    world.queues = { orders: 2, bills: 0 };
    expect(await round()).toEqual([
      decided(2, queues('orders', 0, 1), { added: queues('orders', 1), removed: queues('bills', 0) }),
    ]);
    world.topics = ['bills'];
    expect(await round()).toEqual([decided(3, [], { removed: queues('orders', 0, 1) })]);
    world.topics = [];
    expect(await round()).toEqual([decided(4, [])]);
  });

  describe('when a topic has no route', () => {
    it('does not ask for its members, and the round succeeds', async () => {
      const { round, asked, state } = start({ topics: ['orders', 'new'] });
      const held = queues('orders', 0, 1, 2, 3);
      expect(await round()).toEqual([decided(1, held, { added: held })]);
      expect(asked()).toEqual(['orders@0']);
      expect(state()).toBe('idle');
    });

    it('decides for no queue when it is the only one, so that a start need not wait for it', async () => {
      const { round, state } = start({ topics: ['new'] });
      expect(await round()).toEqual([decided(1, [])]);
      expect(state()).toBe('idle');
    });

    it('keeps what is held of it', async () => {
      const { world, round } = start({});
      await round();
      world.queues = {};
      expect(await round()).toEqual([decided(2, queues('orders', 0, 1, 2, 3))]);
    });
  });

  describe('when a member list cannot be had', () => {
    it('keeps the topic’s queues, tells why, and asks again every second', async () => {
      const { clock, world, round, heard, asked, state } = start({});
      await round();
      world.members = unreachable;
      const failures = [{ topic: 'orders', error: unreachable }];
      expect(await round()).toEqual([{ type: 'members.failed', failures }]);
      expect(state()).toBe('unbalanced');
      await clock.advance(749);
      expect(asked()).toHaveLength(2);
      await clock.advance(1001);
      expect(asked()).toEqual(['orders@0', 'orders@250', 'orders@1250', 'orders@2250']);
      world.members = ['me', 'you'];
      heard();
      await clock.advance(1000);
      expect(heard()).toEqual([
        decided(5, queues('orders', 0, 1), { removed: queues('orders', 2, 3), otherMembers: true }),
      ]);
      await clock.advance(250);
      expect(state()).toBe('idle');
    });

    it('decides for the other topics meanwhile', async () => {
      const { round, state, clock, world, heard } = start({
        topics: ['orders', 'bills'],
        queues: { orders: 2, bills: 2 },
        members: { orders: ['me'], bills: unreachable },
      });
      const held = queues('orders', 0, 1);
      expect(await round()).toEqual([
        { type: 'members.failed', failures: [{ topic: 'bills', error: unreachable }] },
        decided(1, held, { added: held }),
      ]);
      expect(state()).toBe('unbalanced');
      world.members = ['me'];
      await clock.advance(749);
      expect(heard()).toEqual([]);
      await clock.advance(1);
      const both = [...queues('bills', 0, 1), ...held];
      expect(heard()).toEqual([decided(2, both, { added: queues('bills', 0, 1) })]);
    });

    it('gives up the queues of an unsubscribed topic all the same', async () => {
      const { world, round } = start({ topics: ['orders', 'bills'], queues: { orders: 1, bills: 1 } });
      await round();
      world.topics = ['orders'];
      world.members = unreachable;
      expect(await round()).toEqual([
        { type: 'members.failed', failures: [{ topic: 'orders', error: unreachable }] },
        decided(2, queues('orders', 0), { removed: queues('bills', 0) }),
      ]);
    });

    it('asks at once on a change, not after the second', async () => {
      const { clock, asked, round, trigger, state } = start({ members: unreachable });
      await round();
      await clock.advance(50);
      expect(state()).toBe('unbalanced');
      trigger('members.changed');
      await clock.advance(999);
      expect(asked()).toEqual(['orders@0', 'orders@300']);
    });

    it('asks 250 ms after the last round at the earliest, however often something changes', async () => {
      const { clock, asked, round, trigger, state } = start({ members: unreachable });
      trigger();
      await clock.flush();
      expect(state()).toEqual({ resting: 'once' });
      for (let i = 0; i < 100; i++) trigger('members.changed');
      expect(state()).toEqual({ resting: 'again' });
      await clock.advance(249);
      expect(asked()).toEqual(['orders@0']);
      await round();
      expect(asked()).toEqual(['orders@0', 'orders@250']);
    });

    it('makes a typed error of whatever a port throws', async () => {
      const { round } = start({ members: new TypeError('oops') });
      const error = expect.objectContaining({ code: 'RMQ_INTERNAL', message: 'oops' });
      expect(await round()).toEqual([{ type: 'members.failed', failures: [{ topic: 'orders', error }] }]);
    });

    it('gives up one that never ends, and aborts the question', async () => {
      const { clock, trigger, heard, questions, state } = start({ members: 'wait' });
      trigger();
      await clock.advance(60_000);
      const error = expect.objectContaining({
        code: 'RMQ_REQUEST_TIMEOUT',
        message: 'member lists of group billing were not settled within 60000 ms',
      });
      expect(heard()).toEqual([{ type: 'members.failed', failures: [{ topic: 'orders', error }] }]);
      expect([questions[0]?.signal.aborted, state()]).toEqual([true, { resting: 'once' }]);
      await clock.advance(999);
      expect([state(), questions.length]).toEqual(['unbalanced', 1]);
      await clock.advance(1);
      expect(questions.map(({ at }) => at)).toEqual([0, 61_000]);
    });

    it('counts every topic as failed when a round could not even be asked', async () => {
      const broken = rebalanceMachine.provide({
        actors: { runRound: fromPromise(() => Promise.reject(unreachable)) },
      });
      const { round, state, clock } = start({ topics: ['orders', 'bills'] }, broken);
      const failures = ['orders', 'bills'].map(topic => ({ topic, error: unreachable }));
      expect(await round()).toEqual([{ type: 'members.failed', failures }]);
      expect([state(), clock.pending]).toEqual(['unbalanced', 1]);
    });
  });

  describe.each([
    ['lists only others', ['you']],
    ['is empty', []],
  ])('when the member list %s', (_, members) => {
    it('keeps the topic’s queues, tells that we are missing, and asks again after 1 s', async () => {
      const { clock, world, round, heard, state } = start({});
      await round();
      world.members = members;
      expect(await round()).toEqual([{ type: 'membership.missing', topics: ['orders'] }]);
      expect(state()).toBe('unbalanced');
      world.members = ['me'];
      await clock.advance(749);
      expect(heard()).toEqual([]);
      await clock.advance(1);
      expect(heard()).toEqual([decided(3, queues('orders', 0, 1, 2, 3))]);
      await clock.advance(250);
      expect(state()).toBe('idle');
    });
  });

  describe('when the strategy fails', () => {
    const broken = () => {
      throw new RangeError('no room');
    };
    const error = expect.objectContaining({ code: 'RMQ_ALLOCATION_FAILED' });

    const held = queues('orders', 0, 1, 2, 3);
    /** Nobody knows of other members then, so the parent is to expect some. */
    const asBefore = (round: number) => decided(round, held, { otherMembers: true });

    it('tells the fault, decides for what is held, and tries again only with the next round', async () => {
      const { clock, world, round, state, asked } = start({});
      await round();
      world.allocate = broken;
      expect(await round()).toEqual([{ type: 'fault', error, actor: 'rebalance' }, asBefore(2)]);
      expect(state()).toBe('idle');
      await clock.advance(19_999);
      expect(asked()).toHaveLength(2);
      world.allocate = average;
      expect(await round()).toEqual([decided(3, held)]);
    });

    it('waits for the parent to apply what is as before, too', async () => {
      const { actor, world, round, state } = start({});
      await round();
      Object.assign(world, { allocate: broken, applying: false });
      await round();
      expect(state()).toEqual({ applying: 'once' });
      actor.send({ type: 'assignment.applied', round: 2 });
      expect(state()).toEqual({ resting: 'once' });
    });

    it('decides as before also for a member that was given no queue', async () => {
      const { world, round } = start({ allocate: () => [] });
      expect(await round()).toEqual([decided(1, [])]);
      world.allocate = broken;
      expect(await round()).toEqual([
        { type: 'fault', error, actor: 'rebalance' },
        decided(2, [], { otherMembers: true }),
      ]);
    });

    it('decides nothing when there was no decision before, so that a start does not pass for one that went well', async () => {
      const { clock, round, state, asked } = start({ allocate: broken });
      expect(await round()).toEqual([{ type: 'fault', error, actor: 'rebalance' }]);
      expect(state()).toBe('idle');
      await clock.advance(19_999);
      expect(asked()).toEqual(['orders@0']);
    });

    it('does not try again every second because a member list was missing in an earlier round', async () => {
      const { clock, world, round, state, asked } = start({});
      await round();
      Object.assign(world, { topics: ['orders', 'bills'], queues: { orders: 4, bills: 1 } });
      world.members = { orders: ['me'], bills: unreachable };
      await round();
      expect(state()).toBe('unbalanced');
      Object.assign(world, { members: ['me'], allocate: broken });
      await clock.advance(1000);
      const faulty = asked().length;
      expect([state(), asked().at(-1)]).toEqual(['idle', 'bills@1250']);
      await clock.advance(19_999);
      expect(asked()).toHaveLength(faulty);
    });

    it('decides for the topics it can share', async () => {
      const { round, state } = start({
        topics: ['orders', 'bills'],
        queues: { orders: 1, bills: 1 },
        allocate: context => (context.queues[0]?.topic === 'bills' ? broken() : context.queues),
      });
      const share = queues('orders', 0);
      expect(await round()).toEqual([
        { type: 'fault', error, actor: 'rebalance' },
        decided(1, share, { added: share }),
      ]);
      expect(state()).toBe('idle');
    });

    it('asks again after 1 s when a member list is missing besides', async () => {
      const { round, state } = start({
        topics: ['orders', 'bills'],
        queues: { orders: 1, bills: 1 },
        members: { orders: ['me'], bills: unreachable },
        allocate: broken,
      });
      const failures = [{ topic: 'bills', error: unreachable }];
      expect(await round()).toEqual([
        { type: 'members.failed', failures },
        { type: 'fault', error, actor: 'rebalance' },
      ]);
      expect(state()).toBe('unbalanced');
    });
  });

  describe('when something changes during a round', () => {
    it.each(triggers)('runs exactly one more on %s while collecting, however often', async type => {
      const { clock, world, questions, trigger, heard, state, asked } = start({ members: 'wait' });
      trigger();
      await clock.flush();
      for (let i = 0; i < 100; i++) trigger(type);
      expect(state()).toEqual({ collecting: 'again' });
      world.members = ['me', 'you'];
      questions[0]?.answer(['me']);
      await clock.advance(19_999);
      const first = queues('orders', 0, 1, 2, 3);
      expect(heard()).toEqual([
        decided(1, first, { added: first }),
        decided(2, queues('orders', 0, 1), { removed: queues('orders', 2, 3), otherMembers: true }),
      ]);
      expect(asked()).toEqual(['orders@0', 'orders@250']);
    });

    it.each(triggers)('runs exactly one more on %s while applying, however often', async type => {
      const { actor, clock, trigger, heard, state, asked } = start({ applying: false });
      trigger();
      await clock.flush();
      expect(state()).toEqual({ applying: 'once' });
      for (let i = 0; i < 100; i++) trigger(type);
      expect(state()).toEqual({ applying: 'again' });
      await clock.advance(5000);
      expect(asked()).toHaveLength(1);
      actor.send({ type: 'assignment.applied', round: 1 });
      expect(state()).toEqual({ resting: 'again' });
      await clock.advance(249);
      expect(asked()).toHaveLength(1);
      await clock.advance(1);
      actor.send({ type: 'assignment.applied', round: 2 });
      await clock.advance(19_999);
      expect(asked()).toEqual(['orders@0', 'orders@5250']);
      const held = queues('orders', 0, 1, 2, 3);
      expect(heard()).toEqual([decided(1, held, { added: held }), decided(2, held)]);
      expect(state()).toBe('idle');
    });

    it('counts changes while collecting and while applying as one', async () => {
      const { actor, clock, questions, world, trigger, asked, state } = start({
        members: 'wait',
        applying: false,
      });
      trigger();
      await clock.flush();
      trigger('members.changed');
      questions[0]?.answer(['me']);
      await clock.flush();
      expect(state()).toEqual({ applying: 'again' });
      trigger('route.changed');
      world.members = ['me'];
      world.applying = true;
      actor.send({ type: 'assignment.applied', round: 1 });
      await clock.advance(19_999);
      expect(asked()).toEqual(['orders@0', 'orders@250']);
    });

    it('runs the further round after the same rest also when the first one failed', async () => {
      const { clock, questions, world, trigger, asked } = start({ members: 'wait' });
      trigger();
      await clock.flush();
      trigger('members.changed');
      world.members = ['me'];
      questions[0]?.fail(unreachable);
      await clock.advance(1000);
      expect(asked()).toEqual(['orders@0', 'orders@250']);
    });
  });

  describe('when something changes after a round', () => {
    it.each(triggers)('runs exactly one more on %s, 250 ms after the first was applied', async type => {
      const { clock, trigger, state, asked } = start({});
      trigger();
      await clock.advance(100);
      expect(state()).toEqual({ resting: 'once' });
      for (let i = 0; i < 100; i++) trigger(type);
      expect(state()).toEqual({ resting: 'again' });
      await clock.advance(149);
      expect(asked()).toEqual(['orders@0']);
      await clock.advance(20_100);
      expect(asked()).toEqual(['orders@0', 'orders@250']);
      expect(state()).toBe('idle');
    });

    it('starts at once when the rest is over', async () => {
      const { clock, trigger, asked } = start({});
      trigger();
      await clock.advance(250);
      trigger('members.changed');
      await clock.flush();
      expect(asked()).toEqual(['orders@0', 'orders@250']);
    });

    it('runs four rounds a second when every answer is followed by a change', async () => {
      const { world, clock, trigger, asked, actor } = start({});
      world.allocate = context => {
        queueMicrotask(() => actor.send({ type: 'members.changed' }));
        return context.queues;
      };
      trigger();
      await clock.advance(1000);
      expect(asked()).toEqual(['orders@0', 'orders@250', 'orders@500', 'orders@750', 'orders@1000']);
    });
  });

  describe('when the parent dropped a queue', () => {
    const held = queues('orders', 0, 1, 2, 3);
    const [gone] = queues('orders', 1);
    const dropped = { type: 'queue.dropped', queue: gone } as { type: 'queue.dropped'; queue: MessageQueue }; // there is one
    const backAgain = (round: number) => decided(round, held, { added: queues('orders', 1) });

    it('decides it anew after 1 s', async () => {
      const { actor, clock, round, heard, state, asked } = start({});
      await round();
      await clock.advance(5000);
      actor.send(dropped);
      await clock.advance(999);
      expect([heard(), asked().length]).toEqual([[], 1]);
      await clock.advance(1);
      expect(heard()).toEqual([backAgain(2)]);
      await clock.advance(250);
      expect([state(), asked()]).toEqual(['idle', ['orders@0', 'orders@6250']]);
    });

    it('decides several in one round', async () => {
      const { actor, clock, round, heard } = start({});
      await round();
      for (const queue of held) {
        actor.send({ type: 'queue.dropped', queue });
        await clock.advance(100);
      }
      await clock.advance(600);
      expect(heard()).toEqual([decided(2, held, { added: held })]);
    });

    it('decides it anew when it was dropped while the decision is applied', async () => {
      const { actor, clock, trigger, world, heard, state } = start({ applying: false });
      trigger();
      await clock.flush();
      world.applying = true;
      actor.send(dropped);
      actor.send({ type: 'assignment.applied', round: 1 });
      heard();
      await clock.advance(250);
      expect(state()).toBe('unbalanced');
      await clock.advance(749);
      expect(heard()).toEqual([]);
      await clock.advance(1);
      expect(heard()).toEqual([backAgain(2)]);
    });

    it('decides it anew when it was dropped while resting', async () => {
      const { actor, clock, trigger, heard } = start({});
      trigger();
      await clock.advance(249);
      actor.send(dropped);
      heard();
      await clock.advance(750);
      expect(heard()).toEqual([]);
      await clock.advance(1);
      expect(heard()).toEqual([backAgain(2)]);
    });

    it('gives up a round under way, which counts on the queue as held, and decides it in the next', async () => {
      const { actor, clock, round, world, trigger, heard, questions } = start({});
      await round();
      world.members = 'wait';
      trigger();
      await clock.flush();
      actor.send(dropped);
      expect(questions[1]?.signal.aborted).toBe(true);
      questions[1]?.answer(['me']);
      world.members = ['me'];
      await clock.advance(999);
      expect(heard()).toEqual([]);
      await clock.advance(1);
      expect(heard()).toEqual([backAgain(3)]);
    });

    it('remembers a change during the round it gave up', async () => {
      const { actor, clock, round, world, trigger, heard } = start({});
      await round();
      world.members = 'wait';
      trigger();
      trigger('members.changed');
      actor.send(dropped);
      world.members = ['me'];
      await clock.advance(250);
      expect(heard()).toEqual([backAgain(3)]);
    });

    it('decides it anew once its member list can be had', async () => {
      const { actor, clock, round, world, heard } = start({});
      await round();
      world.members = unreachable;
      actor.send(dropped);
      await clock.advance(1000);
      expect(heard()).toEqual([
        { type: 'members.failed', failures: [{ topic: 'orders', error: unreachable }] },
      ]);
      world.members = ['me'];
      await clock.advance(1000);
      expect(heard()).toEqual([backAgain(3)]);
    });

    it('does not count it as held when the strategy fails', async () => {
      const { actor, clock, round, world, heard } = start({});
      await round();
      world.allocate = () => {
        throw new RangeError('no room');
      };
      actor.send(dropped);
      await clock.advance(1000);
      expect(heard().at(-1)).toEqual(decided(2, queues('orders', 0, 2, 3), { otherMembers: true }));
      world.allocate = average;
      await clock.advance(250);
      expect(await round()).toEqual([backAgain(3)]);
    });
  });

  describe('while a decision is applied', () => {
    it('waits, and ignores an answer to another round', async () => {
      const { actor, clock, trigger, state } = start({ applying: false });
      trigger();
      await clock.flush();
      actor.send({ type: 'assignment.applied', round: 7 });
      actor.send({ type: 'assignment.applied', round: 0 });
      expect(state()).toEqual({ applying: 'once' });
      actor.send({ type: 'assignment.applied', round: 1 });
      expect(state()).toEqual({ resting: 'once' });
      await clock.advance(249);
      expect(state()).toEqual({ resting: 'once' });
      await clock.advance(1);
      expect(state()).toBe('idle');
    });

    it.each([
      ['idle', ['me']],
      ['unbalanced', { orders: ['me'], bills: unreachable }],
    ])('tells a fault when the parent never answers, and goes on to %s', async (next, members) => {
      const { clock, trigger, heard, state } = start({
        topics: ['orders', 'bills'],
        queues: { orders: 1, bills: 1 },
        members,
        applying: false,
      });
      trigger();
      await clock.advance(119_999);
      expect(state()).toEqual({ applying: 'once' });
      heard();
      await clock.advance(1);
      const error = expect.objectContaining({
        code: 'RMQ_INTERNAL',
        message: 'the assignment of round 1 was not applied within 120000 ms',
      });
      expect(heard()).toEqual([{ type: 'fault', error, actor: 'rebalance' }]);
      await clock.advance(250);
      expect(state()).toBe(next);
    });
  });

  it('hands a fault of its own to the parent and lives on', async () => {
    const { actor, heard, round } = start({});
    const fault = { type: 'fault', error: unreachable, actor: 'rebalance' } as const;
    actor.send(fault);
    expect(heard()).toEqual([fault]);
    expect(await round()).toHaveLength(1);
  });

  it.each([
    ['idle', {}, []],
    ['collecting', { members: 'wait' }, ['rebalance.now']],
    ['collecting, and again', { members: 'wait' }, ['rebalance.now', 'members.changed']],
    ['applying', { applying: false }, ['rebalance.now']],
    ['resting', {}, ['rebalance.now']],
    ['resting, and unbalanced next', { members: unreachable }, ['rebalance.now']],
  ] as const)('stopped while %s leaves no timer and takes no late answer', async (_, given, sent) => {
    const { actor, clock, questions, trigger, heard, state } = start(given);
    for (const type of sent) trigger(type);
    await clock.flush();
    const before = state();
    heard();
    actor.stop();
    expect(clock.pending).toBe(0);
    for (const question of questions) question.answer(['me']);
    await clock.advance(200_000);
    expect([state(), heard(), questions.length]).toEqual([before, [], sent.length === 0 ? 0 : 1]);
  });

  it('stopped while unbalanced leaves no timer', async () => {
    const { actor, clock, round, asked, state } = start({ members: unreachable });
    await round();
    expect(state()).toBe('unbalanced');
    actor.stop();
    expect(clock.pending).toBe(0);
    await clock.advance(200_000);
    expect(asked()).toEqual(['orders@0']);
  });

  it('aborts its questions when it is stopped', async () => {
    const { actor, clock, questions, trigger } = start({ members: 'wait' });
    trigger();
    await clock.flush();
    actor.stop();
    expect(questions.map(({ signal }) => signal.aborted)).toEqual([true]);
  });
});

describe('the ticket of a change', () => {
  const ticketOf = (told: string[], name: string) => ({ done: () => void told.push(name) });

  it('is done when the round that it causes was applied, not before', async () => {
    const { actor, clock, questions } = start({ members: 'wait' });
    const told: string[] = [];
    actor.send({ type: 'subscription.changed', ticket: ticketOf(told, 'a') });
    await clock.flush();
    expect(told).toEqual([]);
    questions[0]?.answer(['me']);
    await clock.flush();
    expect(told).toEqual(['a']);
    await clock.advance(60_000);
    expect(told).toEqual(['a']);
  });

  it('given during a round waits for the next one: members may have been asked before the change', async () => {
    const { actor, clock, questions, trigger } = start({ members: 'wait' });
    const told: string[] = [];
    trigger();
    await clock.flush();
    actor.send({ type: 'subscription.changed', ticket: ticketOf(told, 'a') });
    questions[0]?.answer(['me']);
    await clock.advance(249);
    expect(told).toEqual([]);
    actor.send({ type: 'subscription.changed', ticket: ticketOf(told, 'b') }); // resting: the same round will do
    await clock.advance(1);
    questions[1]?.answer(['me']);
    await clock.flush();
    expect(told).toEqual(['a', 'b']);
  });

  it('outlives rounds that decide nothing', async () => {
    const { actor, clock, world } = start({ members: unreachable });
    const told: string[] = [];
    actor.send({ type: 'subscription.changed', ticket: ticketOf(told, 'a') });
    await clock.advance(900);
    expect(told).toEqual([]);
    world.members = ['me'];
    await clock.advance(100);
    expect(told).toEqual(['a']);
  });

  it('waits for the parent to have applied the decision', async () => {
    const { actor, clock } = start({ applying: false });
    const told: string[] = [];
    actor.send({ type: 'subscription.changed', ticket: ticketOf(told, 'a') });
    await clock.flush();
    expect(actor.getSnapshot().value).toEqual({ applying: 'once' });
    expect(told).toEqual([]);
    actor.send({ type: 'assignment.applied', round: 1 });
    expect(told).toEqual(['a']);
  });
});
