// SPDX-License-Identifier: Apache-2.0
/** How is the time of a shutdown shared out, where do queues live, and what does the report say? */
import { describe, expect, it } from 'vitest';
import { RocketmqError } from '../../src/errors/errors.ts';
import {
  beginStop,
  drainBudget,
  endStep,
  flushBudget,
  notStartedReport,
  pathOf,
  place,
  refusesStart,
  shutdownReport,
  stepBudget,
  stopTimeout,
  withoutQueue,
} from '../../src/machines/consumer/consumer.logic.ts';
import { shardSize } from '../../src/machines/queues/queues.types.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { aQueue, at, queueNumber } from '../support/builders.ts';

describe('the timeout of a shutdown', () => {
  it.each<[number | undefined, number]>([
    [undefined, 10_000],
    [2500, 2500],
    [0, 0],
    [-5, 0],
    [Number.NaN, 10_000],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
    [2 ** 40, 2 ** 31 - 1],
  ])('asked for as %s is taken as %s ms: no timer of Node fires early by it', (asked, taken) => {
    expect(stopTimeout(asked, 10_000)).toBe(taken);
  });

  it('is the usual one when what was asked for is no number, as from JavaScript', () => {
    expect(stopTimeout('5000' as unknown as number, 10_000)).toBe(10_000);
  });
});

describe('the time of a shutdown', () => {
  const stop = beginStop({ reason: 'requested', now: 1000, timeoutMs: 10_000 });

  it('goes to draining, less what the later steps need', () => {
    expect(drainBudget(stop, 1000)).toBe(7000);
    expect(drainBudget(stop, 6000)).toBe(2500); // half of it when it is short
    expect(drainBudget(stop, 20_000)).toBe(50); // never nothing
    expect(drainBudget(undefined, 0)).toBe(50);
  });

  it('goes to each later step by half of what is left', () => {
    expect(stepBudget(stop, 8000)).toBe(1500);
    expect(stepBudget(stop, 20_000)).toBe(50);
    expect(stepBudget(undefined, 0)).toBe(50);
  });

  it.each([1000, 8000, 10_500, 10_990])(
    'leaves a flush that begins at %i ms less than its step, so that its report comes first',
    now => {
      expect(flushBudget(stop, now)).toBeLessThanOrEqual(stepBudget(stop, now) - 20);
      expect(flushBudget(stop, now)).toBeGreaterThan(0);
    },
  );

  it('is counted step by step', () => {
    const drained = endStep(endStep(stop, 'closingIntake', 1000, 'done'), 'draining', 3000.4, 'timedOut');
    expect(drained.steps).toEqual([
      { step: 'closingIntake', ms: 0, outcome: 'done' },
      { step: 'draining', ms: 2000, outcome: 'timedOut' },
    ]);
    const error = new RocketmqError('RMQ_INTERNAL', 'x');
    expect(endStep(drained, 'persisting', 4000, 'failed', error).steps[2]).toEqual({
      step: 'persisting',
      ms: 1000,
      outcome: 'failed',
      error,
    });
  });
});

describe('the report of a shutdown', () => {
  const stop = beginStop({ reason: 'requested', now: 0, timeoutMs: 1000 });
  const position = { queue: aQueue, offset: at(3) };

  it('is clean when everything was done, or had not to be done', () => {
    const done = endStep(endStep(stop, 'draining', 1, 'done'), 'persisting', 2, 'skipped');
    expect(shutdownReport({ stop: { ...done, committed: [position] } }, 5)).toEqual({
      clean: true,
      reason: 'requested',
      durationMs: 5,
      steps: done.steps,
      abandonedMessages: 0,
      committed: [position],
      uncommitted: [],
    });
  });

  it.each([
    ['a step was cut', endStep(stop, 'draining', 1, 'timedOut')],
    ['a step failed', endStep(stop, 'releasing', 1, 'failed')],
    ['messages were abandoned', { ...stop, abandoned: 1 }],
    ['an offset was not confirmed', { ...stop, uncommitted: [position] }],
    ['nobody asked for it', { ...stop, reason: 'fault' as const }],
  ])('is not clean when %s', (_, progress) => {
    expect(shutdownReport({ stop: progress }, 5).clean).toBe(false);
  });

  it('names the error of a failed start', () => {
    const error = new RocketmqError('RMQ_START_TIMEOUT', 'x');
    const failed = beginStop({ reason: 'startFailed', error, now: 0, timeoutMs: 1000 });
    expect(shutdownReport({ stop: failed }, 0)).toMatchObject({ reason: 'startFailed', error });
  });

  it('of what was never started says so', () => {
    expect(shutdownReport({ stop: undefined }, 7)).toEqual(notStartedReport);
  });
});

describe('placing queues', () => {
  const many = Array.from({ length: 2 * shardSize + 1 }, (_, i) => queueNumber(i));

  it('fills a shard before it makes the next', () => {
    const { residence, shardCount } = place({ residence: new Map(), shardCount: 0 }, many);
    expect(shardCount).toBe(3);
    const sizes = [0, 1, 2].map(shard => [...residence.values()].filter(each => each === shard).length);
    expect(sizes).toEqual([shardSize, shardSize, 1]);
  });

  it('uses room that was given back, and leaves a queue that still drains where it is', () => {
    const full = place({ residence: new Map(), shardCount: 0 }, many);
    const less = { ...full, residence: withoutQueue(full.residence, queueNumber(3)) };
    const next = place(less, [queueNumber(1), { ...aQueue, topic: 'other' }]);
    expect(next.residence.get(queueKey(queueNumber(1)))).toBe(0);
    expect(next.residence.get(queueKey({ ...aQueue, topic: 'other' }))).toBe(0);
    expect(next.shardCount).toBe(3);
  });
});

describe('small questions', () => {
  it('only a refusal that stays one ends a start at once', () => {
    expect(refusesStart(new RocketmqError('RMQ_NO_PERMISSION', 'x'))).toBe(true);
    expect(refusesStart(new RocketmqError('RMQ_GROUP_NOT_FOUND', 'x'))).toBe(true);
    expect(refusesStart(new RocketmqError('RMQ_BROKER_BUSY', 'x'))).toBe(false);
  });

  it.each([
    ['idle', 'idle'],
    [{ running: 'active' }, 'running.active'],
    [{ running: { revalidating: 'sharing' } }, 'running.revalidating.sharing'],
    [{ a: {}, b: 'c' }, 'a,b.c'],
    [undefined, ''],
  ])('the state %j is written %s', (value, path) => {
    expect(pathOf(value)).toBe(path);
  });
});
