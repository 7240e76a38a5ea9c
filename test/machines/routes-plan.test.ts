// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../../src/errors/errors.ts';
import {
  firstPlan,
  nextAskIn,
  planAfter,
  planRefresh,
  roundAt,
} from '../../src/machines/routes/routes.logic.ts';
import type { RouteAnswer, RoutePlan } from '../../src/machines/routes/routes.types.ts';

const failed: RouteAnswer = {
  kind: 'failed',
  topic: 'orders',
  error: new ConnectionError('RMQ_NAME_SERVER_UNAVAILABLE', 'no name server answered: n:9876'),
};
const unknown: RouteAnswer = { kind: 'unknown', topic: 'orders' };

/** A plan whose topic `orders` got this answer to each of its `times` questions, asked as soon as planned. */
function askedInVain(
  answer: RouteAnswer,
  times: number,
): { readonly plan: RoutePlan; readonly pauses: readonly number[] } {
  const pauses: number[] = [];
  let plan: RoutePlan = { ...firstPlan(0), allAt: Number.MAX_SAFE_INTEGER };
  let now = 0;
  for (let i = 0; i < times; i++) {
    const round = { topics: ['orders'], all: false, answers: [answer], losses: [], doubts: new Map() };
    plan = planAfter(plan, round, { wanted: ['orders'], pollInterval: 30_000, now });
    pauses.push(nextAskIn(plan, ['orders'], now));
    now += pauses.at(-1) ?? 0;
  }
  return { plan, pauses };
}

describe('the plan of the routes machine', () => {
  it('doubles the pause for an unknown topic from 1 s to 30 s', () => {
    expect(askedInVain(unknown, 8).pauses).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map(s => s * 1000));
  });

  it('pauses at most 3 s after failures while they are young, 10 s later on', () => {
    const { pauses } = askedInVain(failed, 18);
    expect(pauses.slice(0, 14)).toEqual([1, 2, ...Array(12).fill(3)].map(s => s * 1000));
    expect(pauses.slice(14)).toEqual([10_000, 10_000, 10_000, 10_000]);
  });

  it('takes a timer that fires a fraction of a millisecond early for punctual', () => {
    const plan: RoutePlan = {
      allAt: 30_000,
      allEndedAt: 0,
      asked: new Set(['orders', 'lost']),
      retries: new Map([['lost', { attempt: 1, at: 1000, reported: true }]]),
      doubts: new Map(),
    };
    const topics = ['orders', 'lost'];
    expect(roundAt(plan, topics, 998.9).topics).toEqual([]);
    expect(roundAt(plan, topics, 999.2)).toMatchObject({ topics: ['lost'], all: false, answers: [] });
    expect(roundAt(plan, topics, 29_999.2)).toMatchObject({ topics, all: true, answers: [] });
  });

  it('never pulls a refresh before the floor, nor pushes a poll later', () => {
    const plan: RoutePlan = { ...firstPlan(0), allAt: 30_000, allEndedAt: 10_000 };
    expect(planRefresh(plan, 10_400).allAt).toBe(11_000);
    expect(planRefresh(plan, 11_500).allAt).toBe(11_500);
    expect(planRefresh({ ...plan, allAt: 10_200 }, 10_100).allAt).toBe(10_200);
    expect(planRefresh(firstPlan(7), 7).allAt).toBe(7);
  });
});
