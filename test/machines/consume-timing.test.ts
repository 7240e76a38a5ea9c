// SPDX-License-Identifier: Apache-2.0
// What becomes of listener calls that take too long, and of messages that wait for a batch?
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { AwakeTime } from '../../src/listeners/awake-time.ts';
import { HandlerSlots } from '../../src/listeners/handler-slots.ts';
import { OutlivedCalls } from '../../src/listeners/outlived-calls.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { at, turn } from '../support/builders.ts';
import { ConsumeWorlds } from './consume-world.ts';

const seed = 20_261_123;
const worlds = new ConsumeWorlds();
const start = worlds.start.bind(worlds);
const startHandHeld = worlds.startHandHeld.bind(worlds);

const consumeTimeoutMs = 5000;
/** By then a call is noticed that began when nothing else ran. */
const noticed = 5500;
const dispatching = { dispatching: 'watching' };
const gathering = { dispatching: 'gathering' };
const timeout = { code: 'RMQ_CONSUME_TIMEOUT' };

function stuck(offset: number, runningMs = consumeTimeoutMs) {
  return { type: 'consume.stuck', msgId: `id-${offset}`, runningMs };
}

afterEach(() => worlds.end());

describe('a concurrent call older than consumeTimeout', () => {
  it('is told, its own signal aborted, its message given back once, and its late answer counts for nothing', async () => {
    const world = startHandHeld({ consumeTimeoutMs });
    const { bring, calls, clock, told, failed, commits, slots, hands, timing, isStuck } = world;
    bring(0, 2);
    const [hung, other] = calls.map(({ context }) => context.signal);
    hands[1]?.resolve(undefined);
    await clock.advance(noticed - 1);
    expect([timing(), isStuck(), told, hung?.aborted]).toEqual(['timed', false, [], false]);
    await clock.advance(1);
    expect([timing(), isStuck(), told, slots.running]).toEqual(['stuck', true, [stuck(0)], 0]);
    expect(hung?.reason).toMatchObject({
      ...timeout,
      message: 'the listener of orders has not ended after 5000 ms on message id-0 at orders@broker-a#0:0',
    });
    expect([other?.aborted, failed.map(({ one }) => [one.ticket, one.error?.code])]).toEqual([
      false,
      [[0, timeout.code]],
    ]);
    expect(commits.point).toBe(0);
    failed[0]?.settle();
    expect(commits.point).toBe(2);
    hands[0]?.resolve('RECONSUME_LATER');
    await clock.advance(60_000);
    expect([failed.length, told.length, slots.running, commits.point]).toEqual([1, 1, 0, 2]);
    expect([timing(), isStuck(), clock.pending]).toEqual(['none', false, 0]);
  });

  it('is noticed after consumeTimeout and within 2 s, whenever it begins', async () => {
    const times = fc.record({ before: fc.nat(3000), timeoutMs: fc.integer({ min: 1000, max: 20_000 }) });
    await fc.assert(
      fc.asyncProperty(times, async ({ before, timeoutMs }) => {
        const { bring, clock, calls } = startHandHeld({ consumeTimeoutMs: timeoutMs });
        bring(0, 1);
        await clock.advance(before);
        bring(1, 2);
        const signal = calls[1]?.context.signal;
        await clock.advance(timeoutMs - 1);
        expect(signal?.aborted).toBe(false);
        await clock.advance(2001);
        expect(signal?.aborted).toBe(true);
      }),
      { seed, numRuns: 50 },
    );
  });

  it('gives its slot to others, and takes nothing of theirs away when it ends at last', async () => {
    const { bring, clock, delivered, hands, slots, owned } = startHandHeld({
      consumeTimeoutMs,
      slots: new HandlerSlots(1),
    });
    bring(0, 3);
    await clock.advance(noticed);
    expect([delivered(), slots.running]).toEqual([[[0], [1]], 1]);
    hands[0]?.resolve(undefined);
    await turn();
    expect([delivered(), slots.running, owned.count]).toEqual([[[0], [1]], 1, 3]);
    hands[1]?.resolve(undefined);
    await turn();
    expect([delivered(), slots.running, owned.count]).toEqual([[[0], [1], [2]], 1, 2]);
  });

  it('gives back each message of its batch, at the level that its context says at that moment', async () => {
    const { bring, clock, calls, told, failed } = startHandHeld({ consumeTimeoutMs, batchSize: 2 });
    bring(0, 2);
    const context = calls[0]?.context;
    const ask = (): void => void Object.assign(context ?? {}, { ackIndex: 0, delayLevelWhenNextConsume: 4 });
    context?.signal.addEventListener('abort', ask);
    await clock.advance(noticed);
    expect(told).toEqual([stuck(0), stuck(1)]);
    expect(failed.map(({ one }) => [one.ticket, one.delayLevel])).toEqual([
      [0, 4],
      [1, 4],
    ]);
  });

  it('gives an aborted signal also to a listener that asks for it only afterwards, and its late failure is no fault', async () => {
    const { bring, clock, calls, hands, told } = startHandHeld({ consumeTimeoutMs });
    bring(0, 1);
    await clock.advance(noticed);
    expect(calls[0]?.context.signal.reason).toMatchObject(timeout);
    hands[0]?.reject(new Error('too late'));
    await clock.advance(1000);
    expect(told).toEqual([stuck(0)]);
  });

  it('of a former epoch is told and gives its slot back; its message is no longer ours to give', async () => {
    const { bring, clock, owned, told, failed, slots } = startHandHeld({ consumeTimeoutMs });
    bring(0, 1);
    owned.restart(at(500), true);
    await clock.advance(noticed);
    expect([told, failed, slots.running]).toEqual([[stuck(0)], [], 0]);
  });

  it.each([
    ['suspended', { type: 'queue.suspend' }, { suspended: 'byConsumer' }],
    ['draining', { type: 'queue.drain', grace: 60_000 }, 'drained'],
  ] as const)('is noticed also while the queue is %s', async (_, leave, end) => {
    const { bring, clock, told, failed, send, state } = startHandHeld({ consumeTimeoutMs });
    bring(0, 1);
    send(leave);
    await clock.advance(noticed);
    expect([told, failed.length]).toEqual([[stuck(0)], 1]);
    failed[0]?.settle();
    expect(state()).toEqual(end);
  });

  it('does not become so by time in which the process was frozen', async () => {
    const { bring, clock, told } = startHandHeld({ consumeTimeoutMs });
    bring(0, 1);
    await clock.advance(2000);
    clock.jump(3_600_000);
    await clock.advance(2000);
    expect(told).toEqual([]);
    await clock.advance(3000);
    expect(told).toEqual([stuck(0)]);
  });

  it('that outlived its queue gives its slot back all the same, once another queue wants one', async () => {
    const shared = {
      consumeTimeoutMs,
      slots: new HandlerSlots(1),
      clock: new TestClock(),
      awake: new AwakeTime(),
      outlived: new OutlivedCalls(),
    };
    const gone = startHandHeld(shared);
    gone.bring(0, 1);
    gone.drain(1000);
    await shared.clock.advance(1000);
    gone.owned.letGo();
    expect([gone.state(), shared.slots.running]).toEqual(['drained', 1]);
    const next = startHandHeld(shared);
    next.bring(0, 1);
    await shared.clock.advance(noticed - 1000);
    expect(next.delivered()).toEqual([[0]]);
    gone.hands[0]?.resolve(undefined);
    await turn();
    expect([shared.slots.running, gone.told, gone.failed]).toEqual([1, [], []]);
    next.hands[0]?.resolve(undefined);
    await turn();
    expect(shared.slots.running).toBe(0);
  });

  it('is none of those that a listener answers at once, however long they follow each other', async () => {
    const { bring, clock, told, timing } = start({ consumeTimeoutMs });
    for (let i = 0; i < 100; i++) {
      bring(i, i + 1);
      await clock.advance(100);
    }
    expect([told, timing()]).toEqual([[], 'timed']);
    await clock.advance(1000);
    expect([timing(), clock.pending]).toEqual(['none', 0]);
  });
});

const fault = { type: 'fault', error: timeout, actor: 'orders@broker-a#0' };

describe('an orderly call older than consumeTimeout', () => {
  it('holds its queue, is never given back, and its late answer counts', async () => {
    const { bring, calls, clock, told, failed, delivered, hands, slots, commits, timing } = startHandHeld({
      consumeTimeoutMs,
      order: 'queue',
    });
    bring(0, 2);
    await clock.advance(noticed);
    expect(told).toMatchObject([stuck(0), fault]);
    expect([timing(), calls[0]?.context.signal.reason]).toMatchObject(['stuck', timeout]);
    await clock.advance(60_000);
    expect([told.length, failed, delivered(), slots.running]).toEqual([2, [], [[0]], 0]);
    hands[0]?.resolve('SUCCESS');
    await turn();
    expect([delivered(), commits.point, slots.running]).toEqual([[[0], [1]], 1, 1]);
    hands[1]?.resolve(undefined);
    await clock.advance(1000);
    expect([commits.point, slots.running, timing()]).toEqual([2, 0, 'none']);
  });

  it('that fails late comes again after its pause', async () => {
    const { bring, clock, delivered, hands, told } = startHandHeld({ consumeTimeoutMs, order: 'queue' });
    bring(0, 1);
    await clock.advance(noticed);
    hands[0]?.resolve('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    await clock.advance(1000);
    expect([delivered(), told.length]).toEqual([[[0], [0]], 2]);
  });

  it('holds its sharding key only, and not the slot that another key waits for', async () => {
    const { bringKeys, clock, delivered, hands } = startHandHeld({
      consumeTimeoutMs,
      order: 'shardingKey',
      slots: new HandlerSlots(1),
    });
    bringKeys('aba');
    await clock.advance(noticed);
    expect(delivered()).toEqual([[0], [1]]);
    hands[1]?.resolve(undefined);
    await turn();
    expect(delivered()).toEqual([[0], [1]]);
    hands[0]?.resolve(undefined);
    await turn();
    expect(delivered()).toEqual([[0], [1], [2]]);
  });

  it('that outlived its queue blocks it until it ends, with or without its slot', async () => {
    const shared = { clock: new TestClock(), outlived: new OutlivedCalls(), awake: new AwakeTime() };
    const gone = startHandHeld({ ...shared, consumeTimeoutMs, order: 'queue' });
    gone.bring(0, 1);
    await shared.clock.advance(noticed);
    gone.drain(1000);
    await shared.clock.advance(1000);
    expect([gone.state(), gone.output()]).toEqual(['drained', { abandoned: 1 }]);
    const again = startHandHeld({ ...shared, consumeTimeoutMs, order: 'queue' });
    again.bring(0, 1);
    await shared.clock.advance(1000);
    expect([again.state(), again.delivered()]).toEqual(['awaitingLock', []]);
    gone.hands[0]?.resolve(undefined);
    await shared.clock.advance(100);
    expect(again.delivered()).toEqual([[0]]);
  });
});

const inBatches = { batchSize: 3, batchMaxWaitMs: 1000 };

describe.each(['concurrent', 'queue', 'shardingKey'] as const)(
  'with batchMaxWaitMillis, delivery by order %s',
  order => {
    it('waits until a batch is full', async () => {
      const { bring, state, delivered, clock } = start({ ...inBatches, order });
      bring(0, 2);
      expect([state(), delivered()]).toEqual([gathering, []]);
      await clock.advance(900);
      bring(2, 3);
      expect(delivered()).toEqual([[0, 1, 2]]);
      await clock.advance(1000);
      expect([state(), clock.pending]).toEqual(['idle', 0]);
    });

    it('takes what is there when the oldest has waited so long', async () => {
      const { bring, state, delivered, clock } = start({ ...inBatches, order });
      bring(0, 1);
      await clock.advance(999);
      bring(1, 2);
      expect([state(), delivered()]).toEqual([gathering, []]);
      await clock.advance(1);
      expect([state(), delivered()]).toEqual([dispatching, [[0, 1]]]);
    });

    it('lets what is left of a full batch wait for as long, from its own arrival on', async () => {
      const { bring, state, delivered, clock } = start({ ...inBatches, order });
      bring(0, 2);
      await clock.advance(600);
      bring(2, 4);
      expect(delivered()).toEqual([[0, 1, 2]]);
      await clock.advance(999);
      expect([state(), delivered().length]).toEqual([gathering, 1]);
      await clock.advance(1);
      expect(delivered()).toEqual([[0, 1, 2], [3]]);
    });

    it('does not wait again for what waited while the queue was suspended', async () => {
      const { bring, state, delivered, clock, send } = start({ ...inBatches, order });
      bring(0, 1);
      send({ type: 'queue.suspend' });
      await clock.advance(5000);
      expect([state(), delivered(), clock.pending]).toEqual([{ suspended: 'byConsumer' }, [], 0]);
      send({ type: 'queue.resume' });
      expect(delivered()).toEqual([[0]]);
    });

    it('does not hold up a queue that is given up', () => {
      const { bring, state, drain, owned, clock } = start({ ...inBatches, order });
      bring(0, 2);
      drain();
      expect([state(), clock.pending]).toEqual(['drained', 0]);
      expect(owned.commitPoint).toBe(0);
    });

    it('counts the wait anew after a correction', async () => {
      const { bring, delivered, owned, clock } = start({ ...inBatches, order });
      bring(0, 2);
      await clock.advance(600);
      owned.restart(at(500), true);
      bring(500, 502);
      await clock.advance(999);
      expect(delivered()).toEqual([]);
      await clock.advance(1);
      expect(delivered()).toEqual([[500, 501]]);
    });

    it('starts every message within that time, in order, in batches of at most that size, whenever they arrive', async () => {
      const arrivals = fc.array(fc.record({ after: fc.nat(700), count: fc.integer({ min: 1, max: 5 }) }), {
        minLength: 1,
        maxLength: 20,
      });
      await fc.assert(
        fc.asyncProperty(arrivals, async steps => {
          const late: number[] = [];
          const arrived: number[] = [];
          const { bring, delivered, clock } = start({
            ...inBatches,
            order,
            listen: messages => {
              const [first, last] = [messages[0].queueOffset, messages.at(-1)?.queueOffset ?? 0];
              const waited = clock.now() - (arrived[first] ?? 0);
              if (waited > 1000 || (messages.length < 3 && waited < 1000)) late.push(first, last, waited);
            },
          });
          for (const { after, count } of steps) {
            await clock.advance(after);
            const from = arrived.length;
            arrived.push(...Array<number>(count).fill(clock.now()));
            bring(from, from + count);
          }
          await clock.advance(1000);
          expect(late).toEqual([]);
          expect(delivered().flat()).toEqual(arrived.map((_, offset) => offset));
          expect(Math.max(...delivered().map(({ length }) => length))).toBeLessThanOrEqual(3);
        }),
        { seed, numRuns: 40 },
      );
    });
  },
);

describe('with batchMaxWaitMillis', () => {
  it('a message that comes again does so alone and at once', async () => {
    const answers = ['RECONSUME_LATER'];
    const { bring, delivered, failed } = start({ ...inBatches, listen: () => answers.shift() });
    bring(0, 4);
    failed[1]?.redeliver();
    expect(delivered()).toEqual([[0, 1, 2], [1]]);
  });

  it('a full batch that waited for a slot leaves nothing behind that has waited long enough', async () => {
    const { bring, delivered, hands, clock } = startHandHeld({ ...inBatches, slots: new HandlerSlots(1) });
    bring(0, 7);
    await clock.advance(5000);
    expect(delivered()).toEqual([[0, 1, 2]]);
    hands[0]?.resolve(undefined);
    await turn();
    hands[1]?.resolve(undefined);
    await turn();
    expect(delivered()).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  });

  it('each sharding key fills a batch of its own', async () => {
    const { bringKeys, delivered, clock } = start({ ...inBatches, order: 'shardingKey' });
    bringKeys('ab');
    await clock.advance(400);
    bringKeys('bcb');
    expect(delivered()).toEqual([[1, 2, 4]]);
    await clock.advance(600);
    expect(delivered()).toEqual([[1, 2, 4], [0]]);
    await clock.advance(400);
    expect(delivered()).toEqual([[1, 2, 4], [0], [3]]);
  });

  it('a key whose listener ran meanwhile waits no longer than from the arrival of its messages on', async () => {
    const { bringKeys, delivered, hands, clock } = startHandHeld({ ...inBatches, order: 'shardingKey' });
    bringKeys('aaaa');
    await clock.advance(600);
    bringKeys('b');
    hands[0]?.resolve(undefined);
    await clock.advance(399);
    expect(delivered()).toEqual([[0, 1, 2]]);
    await clock.advance(1);
    expect(delivered()).toEqual([[0, 1, 2], [3]]);
    await clock.advance(600);
    expect(delivered()).toEqual([[0, 1, 2], [3], [4]]);
  });

  it('what lies before a started message is delivered without waiting when the queue is given up', async () => {
    const { bringKeys, delivered, hands, drain, commits, state } = startHandHeld({
      ...inBatches,
      order: 'shardingKey',
    });
    bringKeys('baaac');
    expect(delivered()).toEqual([[1, 2, 3]]);
    drain();
    expect(delivered()).toEqual([[1, 2, 3], [0]]);
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([state(), commits.point]).toEqual(['drained', 4]);
  });
});

it('every state and arrow of timing is taken', () => {
  expect(worlds.missed('timing')).toEqual([]);
});
