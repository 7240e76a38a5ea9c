// SPDX-License-Identifier: Apache-2.0
// Are members that subscribe otherwise noticed, each once, and is nobody asked too often?
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { BrokerError, ConnectionError, type RocketmqError } from '../../src/errors/errors.ts';
import { conflictsMachine } from '../../src/machines/conflicts/conflicts.machine.ts';
import type { ConflictsReport, GroupLook } from '../../src/machines/conflicts/conflicts.types.ts';
import { subscriptionData, tag } from '../../src/model/subscription.ts';
import { compareSubscriptions } from '../../src/subscriptions/subscription-conflicts.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

const interval = 30_000;
const ours = [subscriptionData('orders', tag('a'), 5), subscriptionData('bills', tag('*'), 5)];
const alike = ours;
const otherTag = [subscriptionData('orders', tag('b'), 9), subscriptionData('bills', tag('*'), 5)];
const forbidden = new BrokerError('RMQ_NO_PERMISSION', 'connections of billing at a:1 refused', {
  responseCode: 16,
  remark: 'no GET on the group',
});
const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to a:1 lost');

type Answer = GroupLook['theirs'] | RocketmqError | 'not told yet' | 'never';

/** The machine with brokers that answer what a test says, and a parent that writes down what it hears. */
function start(addresses: readonly string[] = ['a:1', 'b:1']) {
  const clock = new TestClock();
  const world: { answer: Answer; addresses: readonly string[] } = { answer: alike, addresses };
  const asked: string[] = [];
  const heard: ConflictsReport[] = [];
  const notes: string[] = [];
  const actor = createActor(conflictsMachine, {
    clock,
    input: {
      port: {
        addresses: () => world.addresses,
        look: async (address, signal) => {
          asked.push(`${address}@${clock.now()}`);
          const { answer } = world;
          if (answer === 'never') return new Promise((_, reject) => signal.addEventListener('abort', reject));
          if (answer === 'not told yet') return undefined;
          if (answer instanceof Error) throw answer;
          return { address, others: ['she'], theirs: answer };
        },
        compare: ({ theirs }) => compareSubscriptions(ours, theirs),
        selectorOf: () => tag('a'),
        noteUnasked: (address, reason) => void notes.push(`${address}: ${reason}`),
      },
      interval,
      clock,
      parent: { send: event => heard.push(event) },
    },
  }).start();
  return {
    ...{ actor, clock, world, notes },
    asked: () => asked.splice(0),
    heard: () =>
      heard.splice(0).map(event => {
        if (event.type === 'fault') return `fault ${event.error.message}`;
        const { topic, kind, theirs, members, broker } = event.details;
        return `${event.state} ${topic} ${kind} ${theirs?.expression} ${members} ${broker}`;
      }),
    state: () => actor.getSnapshot().value,
    refused: (topic = 'orders') => actor.send({ type: 'subscription.stale', topic }),
  };
}

describe('the look at the group', () => {
  it('begins half an interval after the start and is taken each interval, brokers in turn', async () => {
    const { clock, asked, heard, state } = start();
    await clock.advance(14_999);
    expect(asked()).toEqual([]);
    await clock.advance(60_001);
    expect(asked()).toEqual(['a:1@15000', 'b:1@45000', 'a:1@75000']);
    expect(heard()).toEqual([]);
    expect(state()).toBe('resting');
  });

  it('tells a conflict once, asks that broker again, and tells that it is over after two looks without it', async () => {
    const { clock, world, asked, heard } = start();
    await clock.advance(15_000);
    world.answer = otherTag;
    await clock.advance(30_000);
    expect(heard()).toEqual(['found orders expression b she b:1']);
    await clock.advance(60_000);
    expect(heard()).toEqual([]);
    world.answer = alike;
    await clock.advance(30_000);
    expect(heard()).toEqual([]);
    await clock.advance(30_000);
    expect(heard()).toEqual(['over orders expression b she b:1']);
    expect(
      asked()
        .slice(1)
        .every(each => each.startsWith('b:1')),
    ).toBe(true);
    await clock.advance(90_000);
    expect(heard()).toEqual([]);
  });

  it('does not call it over while it comes and goes, as other topics do with each heartbeat', async () => {
    const { clock, world, heard } = start();
    const theirs = [subscriptionData('letters', tag('*'), 9)];
    world.answer = theirs;
    await clock.advance(15_000);
    expect(heard()).toEqual([
      'found orders onlyOurs undefined she a:1',
      'found bills onlyOurs undefined she a:1',
      'found letters onlyTheirs * she a:1',
    ]);
    for (let i = 0; i < 4; i++) {
      world.answer = i % 2 === 0 ? alike : theirs;
      await clock.advance(30_000);
    }
    expect(heard()).toEqual([]);
  });

  it('tells anew when the other selector changes', async () => {
    const { clock, world, heard } = start();
    world.answer = otherTag;
    await clock.advance(15_000);
    world.answer = [subscriptionData('orders', tag('c'), 10), subscriptionData('bills', tag('*'), 5)];
    await clock.advance(30_000);
    expect(heard()).toEqual(['found orders expression b she a:1', 'found orders expression c she a:1']);
  });

  it.each([
    ['is not answered', lost],
    ['comes before the broker has heard of our last change', 'not told yet'],
    ['hangs', 'never'],
  ] as const)('that %s says nothing about the group', async (_, answer) => {
    const { clock, world, heard, asked } = start(['a:1']);
    world.answer = otherTag;
    await clock.advance(15_000);
    heard();
    world.answer = answer;
    await clock.advance(200_000);
    expect(heard()).toEqual([]);
    expect(asked().length).toBeGreaterThan(3);
  });

  it('asks nobody when there is no broker', async () => {
    const { clock, asked, state } = start([]);
    await clock.advance(100_000);
    expect(asked()).toEqual([]);
    expect(state()).toBe('resting');
  });
});

describe('a refused pull', () => {
  it('asks for a look at once, and many of them for one each 5 s', async () => {
    const { clock, asked, refused } = start(['a:1']);
    await clock.advance(20_000);
    asked();
    for (let i = 0; i < 99; i++) {
      refused();
      await clock.advance(100);
    }
    expect(asked()).toEqual(['a:1@20000', 'a:1@25000']);
  });

  it('that comes during a look causes none: pulls go on asking', async () => {
    const { clock, world, asked, refused } = start(['a:1']);
    world.answer = 'never';
    await clock.advance(15_000);
    refused();
    await clock.advance(5000);
    expect(asked()).toEqual(['a:1@15000']);
  });
});

describe('where brokers may not be asked', () => {
  it('that is told once, nobody is asked for a day, and refused pulls speak', async () => {
    const { clock, world, asked, heard, refused, notes } = start(['a:1']);
    world.answer = forbidden;
    await clock.advance(15_000);
    expect(notes).toEqual(['a:1: connections of billing at a:1 refused']);
    asked();
    refused();
    refused();
    await clock.advance(1000);
    refused();
    expect(heard()).toEqual([]);
    await clock.advance(1000);
    refused();
    expect(heard()).toEqual(['found orders onlyOurs undefined  undefined']);
    await clock.advance(59_000);
    refused();
    await clock.advance(59_000);
    expect(heard()).toEqual([]);
    await clock.advance(31_000);
    expect(heard()).toEqual(['over orders onlyOurs undefined  undefined']);
    expect(asked()).toEqual([]);
    world.answer = alike;
    await clock.advance(86_400_000);
    expect(asked().length).toBeGreaterThan(0);
  });

  it('two refused pulls, as of a broker that was restarted, are no conflict', async () => {
    const { clock, world, heard, refused, state } = start(['a:1']);
    world.answer = forbidden;
    await clock.advance(15_000);
    refused();
    await clock.advance(2000);
    refused();
    await clock.advance(100_000);
    expect(heard()).toEqual([]);
    expect(state()).toEqual({ listening: 'calm' });
  });
});
