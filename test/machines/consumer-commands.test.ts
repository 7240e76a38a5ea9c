// SPDX-License-Identifier: Apache-2.0
/** Do pause, seek, reset and commit take effect in a whole consumer, and does execute tell how they ended? */
import { describe, expect, it } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { execute } from '../../src/consumer/execute.ts';
import { shutdown } from '../../src/consumer/shutdown.ts';
import type { ConsumerCommand } from '../../src/machines/consumer/consumer.types.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { tag } from '../../src/model/subscription.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { aQueue, deferred, queueNumber, turn } from '../support/builders.ts';
import { ConsumerKit, group, type KitOptions } from '../support/consumer-kit.ts';
import { checkTrace } from '../support/trace-checker.ts';

const [zero, one] = [queueNumber(0), queueNumber(1)];
const { GET_MAX_OFFSET, HEART_BEAT, PULL_MESSAGE, SEARCH_OFFSET_BY_TIMESTAMP, UPDATE_CONSUMER_OFFSET } =
  RequestCode;

/** How a command ended: `done`, the code of its refusal, or `pending`. */
interface Outcome {
  now: string;
}

function give(kit: ConsumerKit, command: ConsumerCommand, signal?: AbortSignal): Outcome {
  const outcome: Outcome = { now: 'pending' };
  execute(kit.actor, command, signal === undefined ? {} : { signal }).then(
    () => {
      outcome.now = 'done';
    },
    (error: { readonly code?: string }) => {
      outcome.now = error.code ?? String(error);
    },
  );
  return outcome;
}

async function carriedOut(kit: ConsumerKit, command: ConsumerCommand): Promise<string> {
  const outcome = give(kit, command);
  for (let waited = 0; outcome.now === 'pending' && waited < 10_000; waited += 50) await kit.pass(50);
  return outcome.now;
}

async function running(options: KitOptions = {}): Promise<ConsumerKit> {
  // The public event comes a turn later than the next pull.
  const inspect = (event: InspectionEvent): void => {
    if (event.type === '@xstate.event' && event.event.type === 'queue.seek')
      kit.trace.mark({ mark: 'moved' });
  };
  const kit: ConsumerKit = new ConsumerKit({ ...options, environment: { inspect } });
  await kit.start();
  await kit.pass(1000);
  return kit;
}

async function end(kit: ConsumerKit): Promise<void> {
  const report = shutdown(kit.actor);
  await kit.until(() => kit.state === 'stopped');
  expect((await report).clean).toBe(true);
  kit.trace.mark({ mark: 'stopped' });
  expect(checkTrace(kit.trace.entries)).toEqual([]);
}

const committed = (kit: ConsumerKit, queue: MessageQueue) => kit.cluster.queue(queueKey(queue)).committed;
const pausedOf = (kit: ConsumerKit) =>
  kit.actor
    .getSnapshot()
    .context.assignedQueues.filter(({ queue }) => queue.topic === 'orders')
    .map(({ paused }) => paused);

describe('queue.pause', () => {
  it('stops deliveries of its queue until it is resumed; the others go on, and the snapshot shows it', async () => {
    const kit = await running();
    expect(await carriedOut(kit, { type: 'queue.pause', queue: zero })).toBe('done');
    kit.cluster.store(zero, 2);
    kit.cluster.store(one, 2);
    await kit.pass(30_000);
    expect([kit.delivered, pausedOf(kit)]).toEqual([
      ['orders-1:0', 'orders-1:1'],
      [true, false],
    ]);
    expect(await carriedOut(kit, { type: 'queue.resume', queue: zero })).toBe('done');
    await kit.pass(100);
    expect([kit.delivered.slice(2), pausedOf(kit)]).toEqual([
      ['orders-0:0', 'orders-0:1'],
      [false, false],
    ]);
    await end(kit);
  });

  it('lets running handlers end and commits what they did', async () => {
    const hand = deferred<void>();
    const kit = await running({ listener: () => hand.promise });
    kit.cluster.store(zero, 1);
    await kit.pass(100);
    expect(await carriedOut(kit, { type: 'queue.pause', queue: zero })).toBe('done');
    hand.resolve();
    await kit.pass(6000);
    expect(committed(kit, zero)).toBe(1);
    await end(kit);
  });

  it('stays through suspend and resume of the consumer, and a time gap', async () => {
    const kit = await running();
    await carriedOut(kit, { type: 'queue.pause', topic: 'orders' });
    kit.actor.send({ type: 'consumer.suspend' });
    kit.actor.send({ type: 'consumer.resume' });
    kit.cluster.store(zero, 1);
    await kit.pass(1000);
    kit.clock.jump(60_000);
    await kit.pass(10_000);
    expect([kit.state, kit.delivered]).toEqual(['running.active', []]);
    await carriedOut(kit, { type: 'queue.resume', topic: 'orders' });
    await kit.pass(1000);
    expect(kit.delivered).toEqual(['orders-0:0']);
    await end(kit);
  });

  it('of a topic holds for queues that come later', async () => {
    const kit = await running();
    await carriedOut(kit, { type: 'queue.pause', topic: 'orders' });
    kit.cluster.topics.set('orders', 3);
    await kit.until(() => kit.actor.getSnapshot().context.assignedQueues.length === 3);
    kit.cluster.store(queueNumber(2), 1);
    await kit.pass(5000);
    expect([kit.delivered, pausedOf(kit)]).toEqual([[], [true, true, true]]);
    await end(kit);
  });

  it('before and during the start is remembered', async () => {
    const kit = new ConsumerKit();
    kit.cluster.store(zero, 1);
    kit.cluster.store(one, 1);
    expect(await carriedOut(kit, { type: 'queue.pause', queue: zero })).toBe('done');
    kit.actor.start();
    const second = give(kit, { type: 'queue.pause', queue: one });
    expect(second.now).toBe('pending');
    await kit.until(() => kit.state === 'running.active');
    expect(second.now).toBe('done');
    await kit.pass(5000);
    expect(kit.delivered).not.toContain('orders-0:0');
    expect(pausedOf(kit)).toEqual([true, true]);
    await end(kit);
  });

  it('is refused for a queue and a topic this consumer does not have', async () => {
    const kit = await running();
    expect(await carriedOut(kit, { type: 'queue.pause', queue: queueNumber(7) })).toBe('RMQ_QUEUE_NOT_OWNED');
    expect(await carriedOut(kit, { type: 'queue.resume', topic: 'unheard' })).toBe('RMQ_COMMAND_INVALID');
    expect(await carriedOut(kit, { type: 'queue.pause', topic: `%RETRY%${group}` })).toBe('done');
    await end(kit);
  });
});

describe('queue.seek', () => {
  it('goes on from another place, tells it as a correction, and is done when that is committed', async () => {
    const again = deferred<void>();
    let seen = 0;
    const kit = await running({ listener: () => (++seen > 5 ? again.promise : undefined) });
    kit.cluster.store(zero, 5);
    await kit.pass(6000);
    expect(committed(kit, zero)).toBe(5);
    expect(await carriedOut(kit, { type: 'queue.seek', queue: zero, to: 2 })).toBe('done');
    expect(committed(kit, zero)).toBe(2);
    expect(kit.all('offset.corrected')).toEqual([
      { type: 'offset.corrected', queue: zero, from: 5, to: 2, reason: 'seek' },
    ]);
    again.resolve();
    await kit.pass(6000);
    expect(kit.delivered.slice(5)).toEqual(['orders-0:2', 'orders-0:3', 'orders-0:4']);
    expect(committed(kit, zero)).toBe(5);
    await end(kit);
  });

  it('forward leaves out what lies between, and a handler that still runs there commits nothing', async () => {
    const hand = deferred<void>();
    const kit = await running({
      listener: ([{ queueOffset }]) => (queueOffset < 3 ? hand.promise : undefined),
    });
    kit.cluster.store(zero, 40);
    await kit.pass(100);
    expect(await carriedOut(kit, { type: 'queue.seek', queue: zero, to: 38 })).toBe('done');
    hand.resolve();
    await kit.pass(6000);
    expect(committed(kit, zero)).toBe(40);
    await end(kit);
  });

  it('to a number outside of what is stored is refused with the bounds, and nothing moves', async () => {
    const kit = await running();
    kit.cluster.store(zero, 5);
    await kit.pass(6000);
    await expect(execute(kit.actor, { type: 'queue.seek', queue: zero, to: 6 })).rejects.toMatchObject({
      code: 'RMQ_OFFSET_OUT_OF_RANGE',
      context: { min: 0, max: 5, offset: 6 },
    });
    expect([committed(kit, zero), kit.all('offset.corrected')]).toEqual([5, []]);
    await end(kit);
  });

  it('of a paused queue moves it, and it goes on from there when it is resumed', async () => {
    const kit = await running();
    kit.cluster.store(zero, 5);
    await kit.pass(1000);
    await carriedOut(kit, { type: 'queue.pause', queue: zero });
    expect(await carriedOut(kit, { type: 'queue.seek', queue: zero, to: 'begin' })).toBe('done');
    await kit.pass(5000);
    expect([kit.delivered.length, committed(kit, zero)]).toEqual([5, 0]);
    await carriedOut(kit, { type: 'queue.resume', queue: zero });
    await kit.pass(1000);
    expect(kit.delivered).toHaveLength(10);
    await end(kit);
  });

  it('is carried out twice in the order given', async () => {
    const kit = await running();
    kit.cluster.store(zero, 9);
    await kit.pass(1000);
    const both = [2, 7].map(to => give(kit, { type: 'queue.seek', queue: zero, to }));
    await kit.pass(6000);
    expect(both.map(({ now }) => now)).toEqual(['done', 'done']);
    expect(kit.all('offset.corrected').map(({ to }) => to)).toEqual([2, 7]);
    await end(kit);
  });

  it('is refused for a queue that goes to another member meanwhile', async () => {
    const kit = await running();
    kit.cluster.on(GET_MAX_OFFSET, () => undefined);
    const seek = give(kit, { type: 'queue.seek', queue: zero, to: 'end' });
    kit.cluster.otherMembers.add('10.0.0.99@other');
    kit.cluster.tellMembersChanged(group);
    await kit.pass(2000);
    expect(seek.now).toBe('RMQ_QUEUE_NOT_OWNED');
    await end(kit);
  });

  it('tries its commit again when the broker does not answer it at once', async () => {
    const kit = await running();
    kit.cluster.store(zero, 5);
    await kit.pass(6000);
    let refusals = 2;
    kit.cluster.on(UPDATE_CONSUMER_OFFSET, ({ oneway }) =>
      !oneway && refusals-- > 0 ? { code: 1, remark: 'busy' } : 'as usual',
    );
    expect(await carriedOut(kit, { type: 'queue.seek', queue: zero, to: 1 })).toBe('done');
    await end(kit);
  });
});

describe('consumer.resetOffset', () => {
  it('seeks every queue to the time', async () => {
    const kit = await running();
    for (const queue of [zero, one]) kit.cluster.store(queue, 5);
    await kit.pass(6000);
    kit.cluster.on(SEARCH_OFFSET_BY_TIMESTAMP, ({ fields }) => ({
      fields: { offset: fields['queueId'] === '0' ? '3' : '4' },
    }));
    expect(await carriedOut(kit, { type: 'consumer.resetOffset', timestamp: 1000 })).toBe('done');
    expect(kit.all('offset.corrected').map(({ to, reason }) => [to, reason])).toEqual([
      [3, 'resetOffset'],
      [4, 'resetOffset'],
    ]);
    await kit.pass(1000);
    expect(kit.delivered.slice(10).toSorted()).toEqual(['orders-0:3', 'orders-0:4', 'orders-1:4']);
    await end(kit);
  });
});

describe('consumer.commit', () => {
  it('hands over what is done by an answered call, and tells it', async () => {
    const kit = await running();
    kit.cluster.store(zero, 3);
    await kit.pass(100);
    const before = kit.cluster.askedFor(UPDATE_CONSUMER_OFFSET).length;
    expect(await carriedOut(kit, { type: 'consumer.commit', queue: zero })).toBe('done');
    expect(committed(kit, zero)).toBe(3);
    expect(kit.all('offset.committed').at(-1)).toMatchObject({ queue: zero, offset: 3 });
    const calls = kit.cluster.askedFor(UPDATE_CONSUMER_OFFSET).slice(before);
    expect(calls.every(({ oneway }) => !oneway)).toBe(true);
    await end(kit);
  });

  it('is refused when the offset lies past a message that is not done, and names that', async () => {
    const hand = deferred<void>();
    const kit = await running({
      listener: ([{ queueOffset }]) => (queueOffset === 1 ? hand.promise : undefined),
    });
    kit.cluster.store(zero, 4);
    await kit.pass(100);
    await expect(
      execute(kit.actor, { type: 'consumer.commit', queue: zero, offset: 3 }),
    ).rejects.toMatchObject({ code: 'RMQ_OFFSET_OUT_OF_RANGE', context: { offset: 3, max: 1 } });
    hand.resolve();
    await end(kit);
  });

  it('without enableAutoCommit is the only thing that moves offsets, and only as far as it says', async () => {
    const kit = await running({ config: { enableAutoCommit: false } });
    kit.cluster.store(zero, 5);
    await kit.pass(20_000);
    expect([kit.delivered.length, committed(kit, zero)]).toEqual([5, 0]);
    expect(await carriedOut(kit, { type: 'consumer.commit', queue: zero, offset: 2 })).toBe('done');
    expect(committed(kit, zero)).toBe(2);
    await kit.pass(20_000);
    expect(committed(kit, zero)).toBe(2);
    expect(await carriedOut(kit, { type: 'consumer.commit' })).toBe('done');
    expect(committed(kit, zero)).toBe(5);
    expect(await carriedOut(kit, { type: 'consumer.commit', queue: zero, offset: 3 })).toBe('done');
    expect(committed(kit, zero)).toBe(5);
    await end(kit);
  });
});

describe('before the start', () => {
  it('topics are subscribed and left at once, and consumed or not from the start on', async () => {
    const kit = new ConsumerKit({ cluster: { topics: { orders: 1, invoices: 1 } } });
    expect(await carriedOut(kit, { type: 'consumer.subscribe', topic: 'invoices' })).toBe('done');
    expect(await carriedOut(kit, { type: 'consumer.unsubscribe', topic: 'orders' })).toBe('done');
    expect(
      await carriedOut(kit, { type: 'consumer.updateSelector', topic: 'orders', selector: tag('paid') }),
    ).toBe('RMQ_SUBSCRIPTION_INVALID');
    await kit.start();
    await kit.pass(1000);
    const topics = new Set(kit.cluster.askedFor(PULL_MESSAGE).map(({ fields }) => fields['topic']));
    expect(topics).toEqual(new Set(['invoices']));
    await end(kit);
  });

  it('a topic that is left takes its pauses along', async () => {
    const kit = new ConsumerKit();
    for (const command of [
      { type: 'queue.pause', topic: 'orders' },
      { type: 'consumer.unsubscribe', topic: 'orders' },
      { type: 'consumer.subscribe', topic: 'orders' },
    ] as const)
      expect(await carriedOut(kit, command)).toBe('done');
    await kit.start();
    kit.cluster.store(zero, 1);
    await kit.pass(1000);
    expect([kit.delivered, pausedOf(kit)]).toEqual([['orders-0:0'], [false, false]]);
    await end(kit);
  });

  it.each([
    { type: 'queue.seek', queue: aQueue, to: 'begin' },
    { type: 'consumer.resetOffset', timestamp: 1 },
    { type: 'consumer.commit' },
  ] as const)('$type is refused', async command => {
    const kit = new ConsumerKit();
    expect(await carriedOut(kit, command)).toBe('RMQ_CONSUMER_NOT_RUNNING');
    expect(kit.cluster.dials).toEqual([]);
  });

  it('what makes no sense is refused as such', async () => {
    const kit = new ConsumerKit();
    const nothing = { type: 'queue.pause' } as unknown as ConsumerCommand; // as from JavaScript
    expect(await carriedOut(kit, nothing)).toBe('RMQ_COMMAND_INVALID');
  });
});

describe('a command nobody waits for', () => {
  it('that is refused is told as a fault of the consumer', async () => {
    const kit = new ConsumerKit();
    kit.actor.send({ type: 'consumer.commit' });
    await kit.start();
    kit.actor.send({ type: 'queue.pause', queue: queueNumber(7) });
    await end(kit);
    kit.actor.send({ type: 'consumer.commit' });
    expect(kit.faults.map(({ actor, error }) => [actor, error.code])).toEqual([
      ['consumer', 'RMQ_CONSUMER_NOT_RUNNING'],
      ['consumer', 'RMQ_QUEUE_NOT_OWNED'],
      ['consumer', 'RMQ_COMMAND_REFUSED'],
    ]);
  });
});

describe('execute', () => {
  it('of a command under way rejects when the consumer stops', async () => {
    const kit = await running();
    kit.cluster.on(GET_MAX_OFFSET, () => undefined);
    const seek = give(kit, { type: 'queue.seek', queue: zero, to: 'end' });
    await turn();
    const report = shutdown(kit.actor);
    const late = give(kit, { type: 'consumer.commit' });
    await turn();
    expect([seek.now, late.now]).toEqual(['RMQ_COMMAND_REFUSED', 'RMQ_COMMAND_REFUSED']);
    await kit.until(() => kit.state === 'stopped');
    await report;
  });

  it.each([
    [{ type: 'consumer.suspend' }, { type: 'consumer.resume' }, 'running.active'],
    [{ type: 'consumer.resume' }, { type: 'consumer.suspend' }, 'running.suspended'],
  ] as const)('of %j that %j takes back before it could take effect is refused', async (first, last, end) => {
    const kit = await running();
    if (end === 'running.suspended') await execute(kit.actor, { type: 'consumer.suspend' });
    kit.cluster.on(HEART_BEAT, () => undefined);
    kit.clock.jump(60_000);
    await kit.until(() => kit.state.startsWith('running.revalidating'));
    const [taken, kept] = [give(kit, first), give(kit, last)];
    await kit.pass(1000);
    expect([taken.now, kept.now]).toEqual(['RMQ_COMMAND_REFUSED', 'pending']);
    kit.cluster.on(HEART_BEAT, () => 'as usual');
    await kit.until(() => kit.state === end);
    await turn();
    expect(kept.now).toBe('done');
  });

  it('of a suspend given by a handler in the middle of a change waits for it', async () => {
    const kit = await running();
    await execute(kit.actor, { type: 'consumer.suspend' });
    const outcomes: Outcome[] = [];
    kit.actor.on('consumer.stateChanged', ({ to }) => {
      if (to === 'running.active') outcomes.push(give(kit, { type: 'consumer.suspend' }));
    });
    await execute(kit.actor, { type: 'consumer.resume' });
    await turn();
    expect([kit.state, outcomes]).toEqual(['running.suspended', [{ now: 'done' }]]);
  });

  it('rejects when the consumer is stopped hard, and on abort with what the caller aborted with', async () => {
    const kit = await running();
    kit.cluster.on(GET_MAX_OFFSET, () => undefined);
    const aborting = new AbortController();
    const aborted = give(kit, { type: 'queue.seek', queue: zero, to: 'end' }, aborting.signal);
    const stopped = give(kit, { type: 'queue.seek', queue: one, to: 'end' });
    aborting.abort(Object.assign(new Error('enough'), { code: 'ENOUGH' }));
    await turn();
    kit.actor.stop();
    await turn();
    expect([aborted.now, stopped.now]).toEqual(['ENOUGH', 'RMQ_CONSUMER_STOPPED']);
  });
});
