// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { ConnectionError } from '../../src/errors/errors.ts';
import { resetsMachine } from '../../src/machines/resets/resets.machine.ts';
import type { IdleQueue, ResetsReport } from '../../src/machines/resets/resets.types.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { at, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const coverage = new ChartCoverage(resetsMachine);
const interval = 2500;

/** Queues `topic-0`, `topic-1`, … of one broker; all of them stand at 100. */
function idle(topic: string, count: number, brokerName = 'broker-a', committed = 100): readonly IdleQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({
    queue: { topic, brokerName, queueId },
    committed: at(committed),
  }));
}

/** Brokers that have what they were given, but for what a test moved; a parent that writes down what it hears. */
function start(queues: readonly IdleQueue[]) {
  const clock = new TestClock();
  const world = { queues, answering: true, throws: undefined as Error | undefined };
  const moved = new Map<string, number | Error>();
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const heard: ResetsReport[] = [];
  const nameOf = ({ topic, queueId }: MessageQueue): string => `${topic}-${queueId}`;
  const actor = createActor(resetsMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      port: {
        idleQueues: () => {
          if (world.throws !== undefined) throw world.throws;
          return world.queues;
        },
        storedOffset: async queue => {
          asked.push(nameOf(queue));
          if (!world.answering) await new Promise<void>(resolve => waiting.push(resolve));
          const stored = moved.get(nameOf(queue)) ?? 100;
          if (stored instanceof Error) throw stored;
          return at(stored);
        },
      },
      parent: { send: event => heard.push(event) },
    },
  }).start();
  return {
    ...{ actor, clock, world, moved },
    asked: () => asked.splice(0),
    heard: () => heard.splice(0),
    /** What was asked while nobody answered is answered. */
    answer: async () => {
      for (const resolve of waiting.splice(0)) resolve();
      await turn();
    },
    /** So many looks. */
    look: async (times = 1) => {
      for (let i = 0; i < times; i++) await clock.advance(interval);
    },
  };
}

const suspected = (topic: string, brokerName = 'broker-a'): ResetsReport => ({
  type: 'reset.suspected',
  suspects: [{ topic, brokerName }],
});

describe('the look-out for resets', () => {
  it('asks nothing before its interval has passed, and nothing when no queue is idle', async () => {
    const { clock, asked, look } = start(idle('orders', 1));
    await clock.advance(interval - 1);
    expect(asked()).toEqual([]);
    await clock.advance(1);
    expect(asked()).toEqual(['orders-0']);
    const busy = start([]);
    await busy.look(3);
    expect(busy.asked()).toEqual([]);
    await look();
    expect(asked()).toEqual(['orders-0']);
  });

  it('tells the topic and the broker of a queue whose offset is another than it was given', async () => {
    const { moved, look, heard } = start(idle('orders', 4));
    await look();
    expect(heard()).toEqual([]);
    moved.set('orders-2', 7);
    await look();
    expect(heard()).toEqual([suspected('orders')]);
  });

  it('leaves a queue for another look in which something happened while it was looked at', async () => {
    const { world, moved, look, heard, answer } = start(idle('orders', 1));
    world.answering = false;
    moved.set('orders-0', 120); // a commit of our own that the frozen broker took before the question
    await look();
    world.queues = idle('orders', 1, 'broker-a', 120);
    world.answering = true;
    await answer();
    expect(heard()).toEqual([]);
    await look();
    expect(heard()).toEqual([]);
  });

  it('names each topic of each broker once, whatever was found', async () => {
    const { moved, look, heard } = start([...idle('orders', 2), ...idle('orders', 2, 'broker-b')]);
    moved.set('orders-0', 7).set('orders-1', 7);
    await look();
    expect(heard()).toEqual([
      {
        type: 'reset.suspected',
        suspects: [
          { topic: 'orders', brokerName: 'broker-a' },
          { topic: 'orders', brokerName: 'broker-b' },
        ],
      },
    ]);
  });

  it('tells a difference that stays every half a minute, and another one at once', async () => {
    const { moved, look, heard } = start(idle('orders', 1));
    moved.set('orders-0', 7);
    await look(12);
    expect(heard()).toEqual([suspected('orders')]);
    await look();
    expect(heard()).toEqual([suspected('orders')]);
    moved.set('orders-0', 8);
    await look();
    expect(heard()).toEqual([suspected('orders')]);
  });

  it('asks four times a broker in each look, and comes to every queue by turns', async () => {
    const { asked, look } = start(idle('orders', 1024));
    const seen = new Set<string>();
    for (let i = 0; i < 256; i++) {
      await look();
      const now = asked();
      expect(now).toHaveLength(4);
      for (const queue of now) seen.add(queue);
    }
    expect(seen.size).toBe(1024);
  });

  it('asks for one queue of each topic when there are many, at most 32 a look', async () => {
    const topics = (count: number) => Array.from({ length: count }, (_, i) => idle(`topic${i}`, 8)).flat();
    const few = start(topics(10));
    await few.look();
    expect(new Set(few.asked().map(name => name.split('-')[0])).size).toBe(10);
    const many = start(topics(50));
    const seen = new Set<string>();
    for (let i = 0; i < 2; i++) {
      await many.look();
      const now = many.asked();
      expect(now).toHaveLength(32);
      for (const name of now) seen.add(name.split('-')[0] ?? '');
    }
    expect(seen.size).toBe(50);
  });

  it('leaves a queue that is not answered for another look', async () => {
    const { moved, look, heard } = start(idle('orders', 2));
    moved.set('orders-0', new ConnectionError('RMQ_CONNECTION_LOST', 'connection to broker-a lost'));
    await look();
    expect(heard()).toEqual([]);
    moved.set('orders-0', 7);
    await look();
    expect(heard()).toEqual([suspected('orders')]);
  });

  it('gives up a look that is not answered at all, and goes on', async () => {
    const { clock, world, asked, look, moved, heard } = start(idle('orders', 1));
    world.answering = false;
    await look();
    await clock.advance(30_000);
    world.answering = true;
    moved.set('orders-0', 7);
    asked();
    await look();
    expect([asked(), heard()]).toEqual([['orders-0'], [suspected('orders')]]);
  });

  it('tells a fault of what it is wired to, and goes on', async () => {
    const { world, look, heard, asked, actor } = start(idle('orders', 1));
    world.throws = new Error('no queues');
    await look();
    expect(heard()).toMatchObject([{ type: 'fault', actor: actor.id, error: { message: 'no queues' } }]);
    world.throws = undefined;
    await look();
    expect(asked()).toEqual(['orders-0']);
    actor.send({ type: 'fault', error: new ConnectionError('RMQ_CONNECTION_LOST', 'lost'), actor: 'x' });
    expect(heard()).toMatchObject([{ type: 'fault', actor: 'x' }]);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
