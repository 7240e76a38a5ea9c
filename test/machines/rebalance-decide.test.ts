// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { AllocateFunction } from '../../src/allocation/allocate-strategy.ts';
import { average } from '../../src/allocation/average.ts';
import { decide, topicsToAsk } from '../../src/machines/rebalance/rebalance.logic.ts';
import type { MemberAnswer, RebalanceInput } from '../../src/machines/rebalance/rebalance.types.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';

const queue = (topic: string, queueId: number): MessageQueue => ({ topic, brokerName: 'a', queueId });

/** Client `me` with these queues by topic; the same objects at every question, as the route cache gives them. */
function input(
  routes: Readonly<Record<string, readonly MessageQueue[]>>,
  more: Partial<RebalanceInput> = {},
): RebalanceInput {
  return {
    port: { queuesOf: topic => routes[topic], memberIds: () => Promise.reject(new Error('not asked here')) },
    topics: () => Object.keys(routes),
    clientId: 'me',
    consumerGroup: 'billing',
    allocate: average,
    interval: 20_000,
    parent: { send: () => {} },
    ...more,
  };
}

const listed = (topic: string, ...clientIds: readonly string[]): MemberAnswer => ({
  kind: 'listed',
  topic,
  clientIds,
});
const nothing = { undecided: [], failures: [], missing: [], faults: [] };

describe('topicsToAsk', () => {
  it('names topics with queues only, each once', () => {
    const routes = { orders: [queue('orders', 0)], empty: [] };
    const topics = () => ['orders', 'empty', 'unseen', 'orders'];
    expect(topicsToAsk(input(routes, { topics }))).toEqual(['orders']);
  });
});

describe('a decision', () => {
  it('is in the order of queues, whatever the order of topics, answers and shares', () => {
    const routes = {
      b: [queue('b', 1), queue('b', 0)],
      a: [queue('a', 0)],
    };
    const backwards: AllocateFunction = ({ queues }) => queues.toReversed();
    const decision = decide(
      input(routes, { allocate: backwards }),
      [],
      [listed('b', 'me'), listed('a', 'me')],
    );
    const queues = [queue('a', 0), queue('b', 0), queue('b', 1)];
    const outcome = { queues, added: queues, removed: [], otherMembers: false, isDecided: true };
    expect(decision).toEqual({ ...outcome, ...nothing });
  });

  it.each([
    ['the same objects', (held: MessageQueue) => held],
    ['equal objects', (held: MessageQueue) => ({ ...held })],
  ])('finds nothing new in %s', (_, copy) => {
    const routes = { orders: [queue('orders', 0), queue('orders', 1)] };
    const { added, removed, isDecided } = decide(input(routes), routes.orders.map(copy), [
      listed('orders', 'me'),
    ]);
    expect({ added, removed, isDecided }).toEqual({ added: [], removed: [], isDecided: true });
  });

  it('leaves a topic alone that was subscribed while the others were asked', () => {
    const routes = { orders: [queue('orders', 0)], bills: [queue('bills', 0)] };
    const decision = decide(input(routes), [], [listed('orders', 'me')]);
    expect(decision).toMatchObject({ queues: routes.orders, isDecided: true, ...nothing });
  });

  it('sees other members in any list, and in a list that lacks us too', () => {
    const routes = { orders: [queue('orders', 0)], bills: [queue('bills', 0)] };
    const others = (...answers: readonly MemberAnswer[]) => decide(input(routes), [], answers).otherMembers;
    expect(others(listed('orders', 'me'), listed('bills', 'me'))).toBe(false);
    expect(others(listed('orders', 'me'), listed('bills', 'me', 'you'))).toBe(true);
    expect(others(listed('orders', 'me'), listed('bills', 'you'))).toBe(true);
  });

  it.each<[string, AllocateFunction]>([
    ['queues', ({ queues }) => (queues as MessageQueue[]).splice(0)], // wrong on purpose, as is the next
    ['members', ({ clientIds, queues }) => ((clientIds as string[]).reverse().length > 0 ? queues : [])],
  ])('is not spoilt by a strategy that changes the list of %s it is given', (_, allocate) => {
    const routes = { bills: [queue('bills', 0), queue('bills', 1)], orders: [queue('orders', 0)] };
    const answers = [listed('bills', 'me', 'you'), listed('orders', 'me', 'you')];
    const { faults, queues } = decide(input(routes, { allocate }), routes.bills, answers);
    expect(faults.map(({ code }) => code)).toEqual(['RMQ_ALLOCATION_FAILED', 'RMQ_ALLOCATION_FAILED']);
    expect(queues).toEqual([queue('bills', 0), queue('bills', 1)]);
  });
});
