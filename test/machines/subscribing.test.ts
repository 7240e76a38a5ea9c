// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { ConnectionError, RocketmqError, SubscriptionError } from '../../src/errors/errors.ts';
import type { SubscriptionCommand } from '../../src/machines/commands/work-command.ts';
import { subscribingMachine } from '../../src/machines/subscribing/subscribing.machine.ts';
import type {
  SubscribingPlan,
  SubscribingPort,
  SubscribingReport,
} from '../../src/machines/subscribing/subscribing.types.ts';
import { sql, tag } from '../../src/model/subscription.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const subscribe: SubscriptionCommand = { type: 'consumer.subscribe', topic: 'orders' };
const join: SubscribingPlan = { kind: 'join', topic: 'orders', selector: tag('*'), listener: undefined };
const revise: SubscribingPlan = {
  kind: 'revise',
  topic: 'orders',
  selector: sql('a > 1'),
  listener: undefined,
};
const leave: SubscribingPlan = { kind: 'leave', topic: 'orders' };
const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to a:1 lost');
const refused = new SubscriptionError('RMQ_SELECTOR_REFUSED', 'the selector was refused');

const coverage = new ChartCoverage(subscribingMachine);

type Step = 'check' | 'locate' | 'register' | 'share' | 'drained';

/** The machine with a port that writes down what it is asked, and answers a step when the test says so. */
function start(plan: SubscribingPlan | Error) {
  const clock = new TestClock();
  const log: string[] = [];
  const heard: SubscribingReport[] = [];
  const open: { readonly step: Step; readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const wait = (step: Step) => {
    log.push(step);
    return new Promise<void>((end, fail) => void open.push({ step, end, fail }));
  };
  const port: SubscribingPort = {
    plan: () => {
      if (plan instanceof Error) throw plan;
      return plan;
    },
    applyNow: () => log.push('applyNow'),
    check: () => wait('check'),
    apply: ({ kind }) => log.push(`apply ${kind}`),
    locate: () => wait('locate'),
    register: () => wait('register'),
    settle: topic => log.push(`settle ${topic}`),
    share: () => wait('share'),
    drained: () => wait('drained'),
    forget: topic => log.push(`forget ${topic}`),
  };
  const actor = createActor(subscribingMachine, {
    id: 'subscribing',
    clock,
    inspect: coverage.inspect,
    input: {
      command: subscribe,
      ticket: { done: () => log.push('done'), refused: error => log.push(`refused ${error.code}`) },
      port,
      parent: { send: event => heard.push(event) },
    },
  }).start();
  const settle = async (act: (step: (typeof open)[number]) => void, step: Step) => {
    const found = open.findLast(each => each.step === step);
    if (found === undefined) throw new Error(`no ${step} is open`);
    act(found);
    await clock.flush();
  };
  return {
    actor,
    clock,
    heard,
    /** What was done since the last call. */
    log: () => log.splice(0),
    state: () => actor.getSnapshot().value,
    end: (step: Step) => settle(each => each.end(), step),
    fail: (step: Step, error: Error) => settle(each => each.fail(error), step),
  };
}

describe('a new topic', () => {
  it('is checked, announced, located, registered and shared out, in this order', async () => {
    const { clock, state, log, end, heard } = start(join);
    await clock.flush();
    expect([state(), log()]).toEqual(['checking', ['check']]);
    await end('check');
    expect([state(), log()]).toEqual([{ locating: 'asking' }, ['apply join', 'locate']]);
    await end('locate');
    expect([state(), log()]).toEqual([{ registering: 'beating' }, ['register']]);
    await end('register');
    expect([state(), log()]).toEqual(['sharing', ['settle orders', 'share']]);
    expect(heard).toEqual([]);
    await end('share');
    expect([state(), log()]).toEqual(['done', ['done']]);
    expect(heard).toEqual([{ type: 'subscribing.ended' }]);
  });

  it('whose selector a broker refuses changes nothing', async () => {
    const { clock, state, log, fail, heard } = start(join);
    await clock.flush();
    log();
    await fail('check', refused);
    expect([state(), log()]).toEqual(['refused', ['refused RMQ_SELECTOR_REFUSED']]);
    expect(heard).toEqual([{ type: 'subscribing.ended' }]);
  });

  it.each(['locate', 'register'] as const)(
    'waits until somebody answers the %s, asking every second',
    async step => {
      const { clock, state, log, end, fail, heard } = start(join);
      await clock.flush();
      await end('check');
      if (step === 'register') await end('locate');
      log();
      for (let times = 1; times <= 3; times++) {
        await fail(step, lost);
        expect(heard).toHaveLength(times);
        expect(JSON.stringify(state())).toContain('resting');
        await clock.advance(999);
        expect(log()).toEqual([]);
        await clock.advance(1);
        expect(log()).toEqual([step]);
      }
      expect(heard[0]).toEqual({ type: 'fault', error: lost, actor: 'subscribing' });
      await end(step);
      expect(JSON.stringify(state())).not.toContain(step);
    },
  );
});

describe('a change that takes long', () => {
  /** In the state whose step is open. */
  async function at(plan: SubscribingPlan, steps: readonly Step[]) {
    const world = start(plan);
    await world.clock.flush();
    for (const step of steps) await world.end(step);
    world.log();
    return world;
  }

  const waiting: readonly (readonly [string, SubscribingPlan, readonly Step[]])[] = [
    ['locating', join, ['check']],
    ['registering', join, ['check', 'locate']],
    ['sharing', join, ['check', 'locate', 'register']],
    ['registering a selector', revise, ['check']],
  ];

  it.each([...waiting, ['leaving', leave, []] as const])('says so after 5 s: %s', async (_, plan, steps) => {
    const { clock, heard } = await at(plan, steps);
    await clock.advance(4999);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual([{ type: 'subscribing.lasts', topic: 'orders' }]);
  });

  it.each(waiting)('gives way to the next one of its topic: %s', async (_, plan, steps) => {
    const { actor, clock, state, log, heard } = await at(plan, steps);
    actor.send({ type: 'subscribing.replaced' });
    expect([state(), log(), heard]).toEqual([
      'refused',
      ['refused RMQ_COMMAND_REFUSED'],
      [{ type: 'subscribing.ended' }],
    ]);
    expect(clock.pending).toBe(0);
  });

  it('does not when the topic is being left: that ends by itself', async () => {
    const { actor, state } = await at(leave, ['share']);
    actor.send({ type: 'subscribing.replaced' });
    expect(state()).toEqual({ leaving: 'draining' });
  });

  it('ends without a word when whoever gave the command died', async () => {
    const { actor, clock, state, log, heard, fail } = await at(join, ['check', 'locate']);
    await fail('register', lost);
    log();
    heard.length = 0;
    actor.send({ type: 'subscribing.abandon' });
    expect([state(), log(), heard, clock.pending]).toEqual(['abandoned', [], [], 0]);
  });
});

describe('another selector', () => {
  it('is named by pulls once brokers know of it; queues stay as they are', async () => {
    const { clock, state, log, end } = start(revise);
    await clock.flush();
    await end('check');
    expect([state(), log()]).toEqual([{ registering: 'beating' }, ['check', 'apply revise', 'register']]);
    await end('register');
    expect([state(), log()]).toEqual(['done', ['settle orders', 'done']]);
  });
});

describe('a topic that is left', () => {
  it('is in the heartbeats until its last queue has ended', async () => {
    const { clock, state, log, end } = start(leave);
    await clock.flush();
    expect([state(), log()]).toEqual([{ leaving: 'sharing' }, ['apply leave', 'share']]);
    await end('share');
    expect([state(), log()]).toEqual([{ leaving: 'draining' }, ['drained']]);
    await end('drained');
    expect([state(), log()]).toEqual([{ leaving: 'announcing' }, ['forget orders', 'register']]);
    await end('register');
    expect([state(), log()]).toEqual(['done', ['done']]);
  });

  it('is left also when no broker answers the last heartbeat: the next one says the same', async () => {
    const { clock, state, log, end, fail, heard } = start(leave);
    await clock.flush();
    await end('share');
    await end('drained');
    log();
    await fail('register', lost);
    expect([state(), log()]).toEqual(['done', ['done']]);
    expect(heard.map(({ type }) => type)).toEqual(['fault', 'subscribing.ended']);
  });

  it.each(['share', 'drained'] as const)('goes on when %s fails, and says so', async step => {
    const { clock, state, end, fail, heard } = start(leave);
    await clock.flush();
    if (step === 'drained') await end('share');
    await fail(step, lost);
    expect(heard).toEqual([{ type: 'fault', error: lost, actor: 'subscribing' }]);
    expect(state()).toEqual({ leaving: step === 'share' ? 'draining' : 'announcing' });
  });
});

describe('a command that comes to little', () => {
  it.each([
    { kind: 'nothing', topic: 'orders' },
    { kind: 'relisten', topic: 'orders', listener: undefined },
  ] as unknown as SubscribingPlan[])('$kind asks nobody', async plan => {
    const { clock, state, log } = start(plan);
    await clock.flush();
    expect([state(), log()]).toEqual(['done', [`apply ${plan.kind}`, 'done']]);
  });

  it('is refused when it is not legal', async () => {
    const { clock, state, log } = start(new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'no topic'));
    await clock.flush();
    expect([state(), log()]).toEqual(['refused', ['refused RMQ_SUBSCRIPTION_INVALID']]);
  });

  it('is refused with a typed error whatever the port throws', async () => {
    const { clock, log } = start(new TypeError('oops'));
    await clock.flush();
    expect(log()).toEqual(['refused RMQ_INTERNAL']);
  });
});

it('a fault inside is handed to the parent and ends nothing', async () => {
  const { actor, clock, heard, state } = start(join);
  await clock.flush();
  const error = new RocketmqError('RMQ_INTERNAL', 'oops');
  actor.send({ type: 'fault', error, actor: 'x' });
  expect(heard).toEqual([{ type: 'fault', error, actor: 'x' }]);
  expect(state()).toBe('checking');
});

it('a failed sharing is told, and the topic is subscribed all the same', async () => {
  const { clock, state, log, end, fail, heard } = start(join);
  await clock.flush();
  await end('check');
  await end('locate');
  await end('register');
  log();
  await fail('share', lost);
  expect([state(), log()]).toEqual(['done', ['done']]);
  expect(heard.map(({ type }) => type)).toEqual(['fault', 'subscribing.ended']);
});

it('visits every state and takes every arrow', () => expect(coverage.missed()).toEqual([]));
