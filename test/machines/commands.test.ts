// SPDX-License-Identifier: Apache-2.0
/** In which order are commands carried out, and does whoever gave one always hear how it ended? */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { RocketmqError, SubscriptionError } from '../../src/errors/errors.ts';
import { commandsMachine } from '../../src/machines/commands/commands.machine.ts';
import type { CommandsReport } from '../../src/machines/commands/commands.types.ts';
import { mostWaiting } from '../../src/machines/commands/refusals.ts';
import type { WorkCommand } from '../../src/machines/commands/work-command.ts';
import type { SubscribingPort } from '../../src/machines/subscribing/subscribing.types.ts';
import { type CommandTicket, onceOnly } from '../../src/model/command-ticket.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { tag } from '../../src/model/subscription.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { at, type Deferred, deferred, queueNumber, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const coverage = new ChartCoverage(commandsMachine);
const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

const [zero, one] = [queueNumber(0), queueNumber(1)];
const other: MessageQueue = { ...zero, topic: 'invoices' };
const retried: MessageQueue = { ...zero, topic: '%RETRY%billing' };

/** Queues 0 and 1 of orders, and one of invoices, are ours. Every seek finds its place at once and waits for its commit. */
function start() {
  const clock = new TestClock();
  const log: string[] = [];
  const told: CommandsReport[] = [];
  const moves = { answer: (ticket: CommandTicket): void => ticket.done() };
  const owned = { now: [zero, one, other, retried] as readonly MessageQueue[] };
  const commits: Deferred<void>[] = [];
  const places: Deferred<void>[] = [];
  const plans: Deferred<void>[] = [];
  const registers: Deferred<void>[] = [];
  const joined = new Set<string>();
  const hand = (list: Deferred<void>[]): Promise<void> => {
    const made = deferred<void>();
    list.push(made);
    return made.promise;
  };
  const subscribing: SubscribingPort = {
    plan: ({ type, topic }) =>
      type === 'consumer.subscribe'
        ? { kind: 'join', topic, selector: tag('*'), listener: undefined }
        : { kind: 'leave', topic },
    applyNow: () => {},
    check: async () => {},
    apply: ({ kind, topic }) => {
      log.push(`change ${topic}`);
      if (kind === 'join') joined.add(topic);
      else joined.delete(topic);
    },
    locate: async () => {},
    register: async topic => (joined.has(topic) ? hand(registers) : undefined),
    settle: () => {},
    share: () => hand(plans),
    drained: async () => {},
    forget: () => {},
  };
  const actor = createActor(commandsMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      consumerGroup: 'billing',
      port: {
        owned: () => owned.now,
        isSubscribed: topic => owned.now.some(queue => queue.topic === topic),
        minOffset: async () => at(0),
        maxOffset: async () => at(100),
        offsetAt: async () => at(50),
        confirmPlace: () => hand(places),
        commit: (queues, upTo) => {
          log.push(`commit ${queues.length}${upTo === undefined ? '' : ` up to ${upTo}`}`);
          return hand(commits);
        },
      },
      subscribing,
      random: () => 0.5,
      parent: {
        send: event => {
          told.push(event);
          if (event.type === 'seek.decided') {
            log.push(`seek ${event.queue.topic}-${event.queue.queueId} to ${event.offset}`);
            moves.answer(event.ticket);
          } else if (event.type === 'pause.decided') {
            log.push(
              `${event.paused ? 'pause' : 'resume'} ${event.choice.topic ?? event.choice.queue.queueId}`,
            );
            event.ticket.done();
          }
        },
      },
    },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  running.push({ actor, clock });
  const heard: string[] = [];
  return {
    ...{ actor, clock, told, owned, commits, places, plans, registers, heard, moves },
    log: () => log.splice(0),
    send: actor.send.bind(actor),
    give(command: WorkCommand, name: string = command.type) {
      const ticket = onceOnly({
        done: () => heard.push(`${name} done`),
        refused: ({ code }) => heard.push(`${name} ${code}`),
      });
      actor.send({ type: 'command.given', command, ticket });
    },
    state: () => actor.getSnapshot().value,
    children: () =>
      Object.entries(actor.getSnapshot().children)
        .filter(([, child]) => child?.getSnapshot().status === 'active')
        .map(([id]) => id),
  };
}

function open() {
  const world = start();
  world.send({ type: 'commands.open' });
  return world;
}

const pause = { type: 'queue.pause', topic: 'orders' } as const;
const resume = { type: 'queue.resume', queue: zero } as const;
const seekZero = { type: 'queue.seek', queue: zero, to: 7 } as const;
const commitAll = { type: 'consumer.commit' } as const;
const leave = { type: 'consumer.unsubscribe', topic: 'orders' } as const;

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('commands', () => {
  it('are kept until the consumer runs, then carried out in the order they came', async () => {
    const { give, log, send, heard, state } = start();
    give(pause);
    give(resume);
    give(seekZero);
    await turn();
    expect([state(), log(), heard]).toEqual(['keeping', [], []]);
    send({ type: 'commands.open' });
    await turn();
    expect([state(), log(), heard]).toEqual([
      'working',
      ['pause orders', 'resume 0', 'seek orders-0 to 7'],
      ['queue.pause done', 'queue.resume done'],
    ]);
  });

  it('are begun no more while it is in doubt what is ours; what has begun goes on', async () => {
    const { give, log, send, heard, places } = open();
    give(seekZero);
    await turn();
    send({ type: 'commands.hold' });
    give(pause);
    places[0]?.resolve();
    await turn();
    expect([log(), heard]).toEqual([['seek orders-0 to 7'], ['queue.seek done']]);
    send({ type: 'commands.open' });
    expect(heard).toEqual(['queue.seek done', 'queue.pause done']);
  });

  it('about one queue keep their order, those about another do not wait', async () => {
    const { give, log, places, heard } = open();
    give(seekZero, 'first');
    give({ ...seekZero, to: 8 }, 'second');
    give({ ...seekZero, queue: one }, 'third');
    give({ type: 'consumer.commit', queue: zero, offset: 8 }, 'fourth');
    await turn();
    expect(log()).toEqual(['seek orders-0 to 7', 'seek orders-1 to 7']);
    places[0]?.resolve();
    places[1]?.resolve();
    await turn();
    expect([log(), heard]).toEqual([['seek orders-0 to 8'], ['first done', 'third done']]);
    places[2]?.resolve();
    await turn();
    expect([log(), heard.at(-1)]).toEqual([['commit 1 up to 8'], 'second done']);
  });

  it('that pause wait for no commit and no seek', async () => {
    const { give, log } = open();
    give(commitAll);
    give(seekZero);
    give(pause);
    await turn();
    expect(log()).toEqual(['commit 4', 'pause orders']);
  });

  it('about a topic wait until a change of its subscription is over, others do not', async () => {
    const { give, log, plans, heard } = open();
    give(leave);
    await turn();
    give(pause);
    give(seekZero);
    give({ ...seekZero, queue: other });
    give({ type: 'queue.pause', topic: 'invoices' });
    give(commitAll);
    await turn();
    expect(log()).toEqual(['change orders', 'pause invoices', 'seek invoices-0 to 7']);
    plans[0]?.resolve();
    for (let i = 0; i < 8; i++) await turn();
    expect([log(), heard]).toEqual([
      ['pause orders', 'seek orders-0 to 7'],
      ['queue.pause done', 'consumer.unsubscribe done', 'queue.pause done'],
    ]);
  });

  it('that change subscriptions follow one after the other, whatever their topics', async () => {
    const { give, log, plans } = open();
    give(leave);
    give({ type: 'consumer.unsubscribe', topic: 'invoices' });
    for (let i = 0; i < 4; i++) await turn();
    expect(log()).toEqual(['change orders']);
    plans[0]?.resolve();
    for (let i = 0; i < 8; i++) await turn();
    expect(log()).toEqual(['change invoices']);
  });

  it('leave nothing paused of a topic that is no longer subscribed', async () => {
    const { give, plans, told } = open();
    give(leave);
    await turn();
    plans[0]?.resolve();
    for (let i = 0; i < 8; i++) await turn();
    expect(told).toEqual([{ type: 'topic.left', topic: 'orders' }]);
  });

  it('leave no actor behind', async () => {
    const { give, places, commits, children } = open();
    give(seekZero);
    give({ type: 'consumer.commit', queue: one });
    await turn();
    expect(children()).toEqual(['seek 1', 'commit 2']);
    places[0]?.resolve();
    commits[0]?.resolve();
    await turn();
    expect(children()).toEqual([]);
  });
});

describe('a subscribe that nobody answers', () => {
  const join = (topic: string) => ({ type: 'consumer.subscribe', topic }) as const;

  it('holds up what has to wait for it for 5 s, and goes on', async () => {
    const { clock, give, log, registers, plans, heard } = open();
    give(join('orders'));
    await clock.flush();
    give(seekZero);
    give(pause);
    give(commitAll);
    await clock.advance(4999);
    expect(log()).toEqual(['change orders']);
    await clock.advance(1);
    expect(log()).toEqual(['pause orders', 'seek orders-0 to 7']);
    registers[0]?.resolve();
    await clock.flush();
    plans[0]?.resolve();
    await clock.flush();
    expect(heard).toEqual(['queue.pause done', 'consumer.subscribe done']);
  });

  it('lets the next one begin beside it, and another one of its topic take its place', async () => {
    const { clock, give, log, registers, plans, heard, children } = open();
    give(join('orders'), 'first');
    give(join('bills'), 'second');
    await clock.advance(5000);
    expect([log(), heard]).toEqual([['change orders', 'change bills'], []]);
    give(leave, 'third');
    await clock.flush();
    expect(heard).toEqual(['first RMQ_COMMAND_REFUSED']);
    registers[1]?.resolve();
    await clock.flush();
    plans[0]?.resolve();
    await clock.flush();
    expect([heard.at(-1), log(), children()]).toEqual(['second done', ['change orders'], ['subscribe 3']]);
  });

  it('gives way to what was waiting for it already', async () => {
    const { clock, give, log, heard } = open();
    give(join('orders'), 'first');
    give(leave, 'second');
    await clock.advance(5000);
    expect([heard, log()]).toEqual([['first RMQ_COMMAND_REFUSED'], ['change orders', 'change orders']]);
  });

  it('is refused with all others when the consumer stops', async () => {
    const { clock, give, send, heard } = open();
    give(join('orders'), 'first');
    await clock.advance(5000);
    give(join('bills'), 'second');
    send({ type: 'commands.close' });
    expect(heard).toEqual(['first RMQ_COMMAND_REFUSED', 'second RMQ_COMMAND_REFUSED']);
  });
});

describe('a seek whose queue may not be moved', () => {
  it('holds up others for 5 s, keeps its ticket, and is told when the queue has left', async () => {
    const { clock, give, log, send, heard, moves } = open();
    moves.answer = () => {};
    give(seekZero, 'first');
    await clock.flush();
    give(commitAll);
    give({ ...seekZero, to: 8 }, 'second');
    await clock.advance(4999);
    expect(log()).toEqual(['seek orders-0 to 7']);
    await clock.advance(1);
    expect([log(), heard]).toEqual([['commit 4'], []]);
    send({ type: 'queues.left', queues: [zero] });
    await clock.flush();
    expect(heard).toEqual(['first RMQ_QUEUE_NOT_OWNED']);
  });
});

describe('a reset of offsets', () => {
  it('seeks every queue, the retried messages apart, and is done when all are', async () => {
    const { give, log, places, heard } = open();
    give({ type: 'consumer.resetOffset', timestamp: 1000 });
    await turn();
    expect(log()).toEqual(['seek orders-0 to 50', 'seek orders-1 to 50', 'seek invoices-0 to 50']);
    places[0]?.resolve();
    places[1]?.resolve();
    await turn();
    expect(heard).toEqual([]);
    places[2]?.resolve();
    await turn();
    expect(heard).toEqual(['consumer.resetOffset done']);
  });

  it('tells the queues why they are moved', async () => {
    const { give, told } = open();
    give({ type: 'consumer.resetOffset', topic: '%RETRY%billing', timestamp: new Date(1000) });
    await turn();
    expect(told).toMatchObject([{ type: 'seek.decided', queue: retried, reason: 'resetOffset' }]);
  });

  it('is refused with the first failure, once all queues have answered', async () => {
    const { give, places, heard, send } = open();
    give({ type: 'consumer.resetOffset', topic: 'orders', timestamp: 1000 });
    await turn();
    send({ type: 'queues.left', queues: [zero] });
    await turn();
    expect(heard).toEqual([]);
    places[1]?.resolve();
    await turn();
    expect(heard).toEqual(['consumer.resetOffset RMQ_QUEUE_NOT_OWNED']);
  });

  it('of a topic of which nothing is here is done at once, of one that is not subscribed refused', () => {
    const { give, heard, owned } = open();
    owned.now = [];
    give({ type: 'consumer.resetOffset', timestamp: 1000 });
    give({ type: 'consumer.resetOffset', topic: 'unheard', timestamp: 1000 });
    expect(heard).toEqual(['consumer.resetOffset done', 'consumer.resetOffset RMQ_COMMAND_INVALID']);
  });

  it('asks for at most 32 places at once', async () => {
    const { give, log, places, owned, heard, children } = open();
    owned.now = Array.from({ length: 100 }, (_, id) => queueNumber(id));
    give({ type: 'consumer.resetOffset', timestamp: 1000 });
    await turn();
    expect([log().length, children().length]).toEqual([32, 32]);
    for (let i = 0; i < 100; i++) {
      places[i]?.resolve();
      await turn();
      expect(children().length).toBeLessThanOrEqual(32);
    }
    expect([heard, children(), places.length]).toEqual([['consumer.resetOffset done'], [], 100]);
  });
});

describe('a command', () => {
  it.each([
    [{ type: 'queue.pause' }, 'topic'],
    [{ type: 'queue.pause', topic: '' }, 'topic'],
    [{ type: 'queue.pause', ...zero }, 'topic'],
    [{ type: 'queue.resume', topic: 'orders', queue: zero }, 'topic'],
    [{ type: 'queue.resume', queue: null }, 'queue'],
    [{ type: 'queue.seek', queue: { topic: 'orders' }, to: 1 }, 'queue'],
    [{ type: 'queue.seek', queue: zero, to: -1 }, 'to'],
    [{ type: 'queue.seek', queue: zero, to: 1.5 }, 'to'],
    [{ type: 'queue.seek', queue: zero, to: Number.NaN }, 'to'],
    [{ type: 'queue.seek', queue: zero, to: 'start' }, 'to'],
    [{ type: 'queue.seek', queue: zero, to: null }, 'to'],
    [{ type: 'queue.seek', queue: zero, to: { timestamp: new Date(Number.NaN) } }, 'timestamp'],
    [{ type: 'consumer.resetOffset', timestamp: '2026-11-23' }, 'timestamp'],
    [{ type: 'consumer.resetOffset', topic: 7, timestamp: 1 }, 'topic'],
    [{ type: 'consumer.commit', offset: 7 }, 'offset'],
    [{ type: 'consumer.commit', queue: zero, offset: '7' }, 'offset'],
  ])('%j is refused at once, naming the field %s, also before the consumer runs', (command, field) => {
    const { actor } = start();
    const refusals: RocketmqError[] = [];
    const ticket = {
      done: () => expect.fail('done'),
      refused: (error: RocketmqError) => refusals.push(error),
    };
    actor.send({ type: 'command.given', command: command as unknown as WorkCommand, ticket }); // as from JavaScript
    expect(refusals).toMatchObject([{ code: 'RMQ_COMMAND_INVALID', context: { field } }]);
  });

  it.each([seekZero, { type: 'consumer.commit', queue: zero }] as const)(
    '$type of a queue that is not ours is refused',
    command => {
      const { give, heard, owned } = open();
      owned.now = [one];
      give(command);
      expect(heard).toEqual([`${command.type} RMQ_QUEUE_NOT_OWNED`]);
    },
  );

  it('commit is refused with what the store says', async () => {
    const { give, commits, heard } = open();
    give(commitAll);
    commits[0]?.reject(new RocketmqError('RMQ_COMMIT_WITHHELD', 'in doubt'));
    await turn();
    expect(heard).toEqual(['consumer.commit RMQ_COMMIT_WITHHELD']);
  });

  it('about a selector is refused with what is wrong with it', async () => {
    const { give, heard, actor } = start();
    const { subscribing } = actor.getSnapshot().context;
    subscribing.plan = () => {
      throw new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'not subscribed');
    };
    actor.send({ type: 'commands.open' });
    give({ type: 'consumer.updateSelector', topic: 'orders', selector: tag('paid') });
    for (let i = 0; i < 4; i++) await turn();
    expect(heard).toEqual(['consumer.updateSelector RMQ_SUBSCRIPTION_INVALID']);
  });

  it('is refused when ten thousand wait already', () => {
    const { give, heard } = start();
    for (let i = 0; i < mostWaiting; i++) give(pause);
    give(pause, 'one more');
    expect(heard).toEqual(['one more RMQ_COMMAND_REFUSED']);
  });
});

describe('when the consumer stops', () => {
  it('all that is not done is refused, and nothing of it goes on', async () => {
    const { give, heard, send, state, commits, places, children } = open();
    give({ type: 'consumer.commit', queue: one });
    give(seekZero);
    give({ ...seekZero, to: 8 }, 'second');
    await turn();
    send({ type: 'commands.close' });
    expect([state(), heard]).toEqual([
      'closed',
      ['consumer.commit RMQ_COMMAND_REFUSED', 'queue.seek RMQ_COMMAND_REFUSED', 'second RMQ_COMMAND_REFUSED'],
    ]);
    commits[0]?.resolve();
    places[0]?.resolve();
    await turn();
    expect([heard.length, children()]).toEqual([3, []]);
  });
});

describe('a fault', () => {
  it('is handed on', () => {
    const { send, told } = start();
    const fault = {
      type: 'fault',
      error: new RocketmqError('RMQ_INTERNAL', 'x'),
      actor: 'commands',
    } as const;
    send(fault);
    expect(told).toEqual([fault]);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
