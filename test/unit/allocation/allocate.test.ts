// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { allocate, strategyName } from '../../../src/allocation/allocate.ts';
import type {
  AllocateContext,
  AllocateFunction,
  AllocateStrategy,
} from '../../../src/allocation/allocate-strategy.ts';
import { average } from '../../../src/allocation/average.ts';
import { ConsumerError } from '../../../src/errors/errors.ts';

const queue = (queueId: number) => ({ topic: 'orders', brokerName: 'broker-a', queueId });
const context: AllocateContext = {
  consumerGroup: 'billing',
  clientId: 'a',
  clientIds: ['a', 'b'],
  queues: [queue(0), queue(1), queue(2)],
};

/** What plain JavaScript may answer. */
const answering = (answer: unknown): AllocateFunction =>
  Object.defineProperty(() => answer as never, 'name', { value: 'mine' }); // wrong on purpose

function errorOf(strategy: AllocateStrategy): unknown {
  try {
    allocate(strategy, context);
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe('allocate', () => {
  it('asks a named strategy and a function alike', () => {
    expect(allocate(average, context)).toEqual([queue(0), queue(1)]);
    expect(allocate(({ queues }) => queues.slice(2), context)).toEqual([queue(2)]);
  });

  it('keeps `this` of a strategy that is an object of a class', () => {
    class Last {
      readonly name = 'LAST';
      private readonly count = 1;
      allocate({ queues }: AllocateContext) {
        return queues.slice(-this.count);
      }
    }
    expect(allocate(new Last(), context)).toEqual([queue(2)]);
  });

  it('answers the offered queue itself for one that is equal, so that nothing a user adds travels on', () => {
    expect(allocate(() => [{ ...queue(1), weight: 7 }], context)).toEqual([queue(1)]);
  });

  it('checks against what was offered, even if the strategy takes it out of the list', () => {
    const queues = [queue(0), queue(1)];
    expect(allocate(() => queues.splice(0), { ...context, queues })).toEqual([queue(0), queue(1)]);
  });

  it('allows an empty share', () => {
    expect(allocate(() => [], context)).toEqual([]);
  });

  it.each([
    ['a queue that was not offered', [queue(9)], 'answered orders@broker-a#9, which it was not offered'],
    ['a queue twice', [queue(0), queue(0)], 'answered orders@broker-a#0 twice'],
    ['something that is no queue', [7], 'answered 7, which it was not offered'],
    ['an incomplete queue', [{ topic: 'orders' }], 'answered an object, which it was not offered'],
    ['null among queues', [null], 'answered null, which it was not offered'],
    ['nothing', undefined, 'answered undefined, not an array of queues'],
    ['an object', {}, 'answered an object, not an array of queues'],
    ['a promise', Promise.resolve([]), 'answered a promise, not an array of queues'],
  ])('refuses %s', (_, answer, problem) => {
    const error = errorOf(answering(answer));
    expect(error).toBeInstanceOf(ConsumerError);
    expect(error).toMatchObject({
      code: 'RMQ_ALLOCATION_FAILED',
      message: `allocate strategy mine of group billing failed for topic orders: it ${problem}`,
      context: { strategy: 'mine', consumerGroup: 'billing', topic: 'orders' },
    });
  });

  it('lets no rejection of an async strategy get away', async () => {
    expect(errorOf(answering(Promise.reject(new Error('late'))))).toMatchObject({
      code: 'RMQ_ALLOCATION_FAILED',
    });
    await new Promise(resolve => setImmediate(resolve)); // an unhandled rejection would fail the run here
  });

  it('keeps what the strategy threw as the cause', () => {
    const cause = new RangeError('no room');
    const strategy = {
      name: 'ROOMS',
      allocate: () => {
        throw cause;
      },
    };
    expect(errorOf(strategy)).toMatchObject({
      code: 'RMQ_ALLOCATION_FAILED',
      message: 'allocate strategy ROOMS of group billing failed for topic orders: it threw: no room',
      cause,
    });
  });
});

describe('strategyName', () => {
  it('is the name of the object or of the function', () => {
    const evens: AllocateFunction = ({ queues }) => queues.filter(({ queueId }) => queueId % 2 === 0);
    expect([strategyName(average), strategyName(evens), strategyName(() => [])]).toEqual([
      'AVG',
      'evens',
      'anonymous function',
    ]);
  });
});
