// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { OutlivedCalls } from '../../src/listeners/outlived-calls.ts';
import { OrderlyResult } from '../../src/model/consume-result.ts';
import { at, turn } from '../support/builders.ts';
import { ConsumeWorlds, type WorldOptions } from './consume-world.ts';

const { SUSPEND_CURRENT_QUEUE_A_MOMENT: SUSPEND } = OrderlyResult;
const worlds = new ConsumeWorlds();
const start = (options: WorldOptions = {}) => worlds.start({ order: 'queue', ...options });
const startHandHeld = (options: WorldOptions = {}) => worlds.startHandHeld({ order: 'queue', ...options });
/** Answers these one after the other, then nothing. */
const startAnswering = (answers: unknown[], options: WorldOptions = {}) =>
  start({ ...options, listen: () => answers.shift() });

const dispatching = { dispatching: 'watching' };
const byListener = { suspended: 'byListener' };
const byConsumer = { suspended: 'byConsumer' };

afterEach(() => worlds.end());

describe('an orderly queue', () => {
  it('is delivered one message after the other, and idle a little after the last', async () => {
    const { state, bring, hands, delivered, clock } = startHandHeld();
    bring(0, 3);
    expect([state(), delivered()]).toEqual([dispatching, [[0]]]);
    for (let i = 0; i < 3; i++) {
      hands[i]?.resolve(undefined);
      await turn();
    }
    await clock.advance(200);
    expect([state(), delivered()]).toEqual(['idle', [[0], [1], [2]]]);
  });

  it('whose listener suspends it is seen as suspended, and comes again after the pause', async () => {
    const { state, bring, delivered, clock, commits } = startAnswering([SUSPEND]);
    bring(0, 2);
    expect([state(), delivered()]).toEqual([byListener, [[0]]]);
    await clock.advance(999);
    expect([state(), delivered()]).toEqual([byListener, [[0]]]);
    await clock.advance(1);
    expect([state(), delivered(), commits.point]).toEqual([dispatching, [[0], [0], [1]], 2]);
  });

  it('tells of a listener that threw, and comes again after the pause', async () => {
    const errors = [new Error('no')];
    const { state, bring, told, clock, delivered } = start({
      listen: () => {
        const error = errors.shift();
        if (error !== undefined) throw error;
      },
    });
    bring(0, 1);
    expect([state(), told]).toMatchObject([
      byListener,
      [{ type: 'fault', actor: 'orders@broker-a#0', error: { code: 'RMQ_LISTENER_FAILED' } }],
    ]);
    await clock.advance(1000);
    expect(delivered()).toEqual([[0], [0]]);
  });

  it('tells the parent once of a listener that answers nonsense', async () => {
    const { bring, told, clock } = startAnswering(['yes', 'no']);
    bring(0, 1);
    await clock.advance(1000);
    expect(told).toMatchObject([{ type: 'consume.misused', error: { code: 'RMQ_LISTENER_RESULT' } }]);
  });

  it('hands what failed too often to the dead letters, and goes on when they have it', () => {
    const { bring, failed, delivered, state, commits } = startAnswering([SUSPEND], { maxReconsumeTimes: 0 });
    bring(0, 2);
    expect([state(), failed.map(({ one }) => [one.message.queueOffset, one.delayLevel])]).toEqual([
      dispatching,
      [[0, -1]],
    ]);
    failed[0]?.settle();
    expect([delivered(), commits.point]).toEqual([[[0], [1]], 2]);
  });

  it('delivers a dead letter that nobody took again after the pause', async () => {
    const { bring, failed, delivered, state, clock } = startAnswering([SUSPEND], { maxReconsumeTimes: 0 });
    bring(0, 1);
    failed[0]?.redeliver();
    expect([state(), delivered()]).toEqual([byListener, [[0]]]);
    await clock.advance(1000);
    expect(delivered()).toEqual([[0], [0]]);
  });

  it('given a listener of the other kind delivers nothing as done', () => {
    const { bring, told, commits, state } = start({ order: 'shardingKey', listenerOrder: 'concurrent' });
    bring(0, 1);
    expect([told, commits.point, state()]).toMatchObject([
      [{ type: 'fault', error: { code: 'RMQ_LISTENER_FAILED' } }],
      0,
      dispatching,
    ]);
  });
});

describe('by sharding key', () => {
  it('only the keys rest whose listener said so; the queue stays in dispatching', async () => {
    const { state, bringKeys, delivered, clock, commits } = startAnswering([SUSPEND, SUSPEND], {
      order: 'shardingKey',
    });
    bringKeys('abca');
    expect([state(), delivered()]).toEqual([dispatching, [[0], [1], [2]]]);
    await clock.advance(999);
    expect([state(), delivered().length, commits.point]).toEqual([dispatching, 3, 0]);
    await clock.advance(1);
    expect([delivered().slice(3), commits.point]).toEqual([[[0], [3], [1]], 4]);
  });
});

describe('suspended by the consumer', () => {
  it('while it rests, it goes on resting when it is resumed too early', async () => {
    const { state, bring, send, clock, delivered } = startAnswering([SUSPEND]);
    bring(0, 1);
    send({ type: 'queue.suspend' });
    expect(state()).toEqual(byConsumer);
    await clock.advance(400);
    send({ type: 'queue.resume' });
    expect(state()).toEqual(byListener);
    await clock.advance(599);
    expect(delivered()).toEqual([[0]]);
    await clock.advance(1);
    expect([state(), delivered()]).toEqual([dispatching, [[0], [0]]]);
  });

  it('it does not go on when the pause of its listener is over, but when it is resumed', async () => {
    const { state, bring, send, clock, delivered } = startAnswering([SUSPEND]);
    bring(0, 1);
    send({ type: 'queue.suspend' });
    await clock.advance(5000);
    expect([state(), delivered()]).toEqual([byConsumer, [[0]]]);
    send({ type: 'queue.resume' });
    expect([state(), delivered()]).toEqual([dispatching, [[0], [0]]]);
  });

  it('it rests for as long as its listener says that ends meanwhile', async () => {
    const { state, bring, send, clock, hands, delivered } = startHandHeld();
    bring(0, 1);
    send({ type: 'queue.suspend' });
    hands[0]?.resolve(SUSPEND);
    await turn();
    send({ type: 'queue.resume' });
    expect(state()).toEqual(byListener);
    await clock.advance(1000);
    expect([state(), delivered()]).toEqual([dispatching, [[0], [0]]]);
  });
});

describe('without the lock', () => {
  it('a queue with something to deliver waits for it, and looks every 100 ms', async () => {
    const { state, bring, allows, clock, delivered } = start();
    allows.lock = false;
    expect(state()).toBe('idle');
    bring(0, 1);
    expect([state(), delivered()]).toEqual(['awaitingLock', []]);
    await clock.advance(250);
    allows.lock = true;
    await clock.advance(49);
    expect(delivered()).toEqual([]);
    await clock.advance(1);
    expect([state(), delivered()]).toEqual([dispatching, [[0]]]);
  });

  it('the running call ends, and the next one waits', async () => {
    const { state, bring, allows, hands, delivered, commits } = startHandHeld();
    bring(0, 2);
    allows.lock = false;
    hands[0]?.resolve(undefined);
    await turn();
    expect([state(), delivered(), commits.point]).toEqual(['awaitingLock', [[0]], 1]);
  });

  it('it may be suspended and given up', () => {
    const { state, bring, allows, send, drain, output, commits } = start();
    allows.lock = false;
    bring(0, 1);
    send({ type: 'queue.suspend' });
    expect(state()).toEqual(byConsumer);
    send({ type: 'queue.resume' });
    expect(state()).toBe('awaitingLock');
    drain();
    expect([state(), output(), commits.point]).toEqual(['drained', { abandoned: 0 }, 0]);
  });

  it('or with a call of a former assignment that still runs: it waits for both', async () => {
    const outlived = new OutlivedCalls();
    const former = startHandHeld({ outlived });
    former.bring(0, 1);
    former.drain(100);
    await former.clock.advance(100);
    expect([former.state(), former.output()]).toEqual(['drained', { abandoned: 1 }]);
    former.owned.letGo();
    const { state, bring, clock, delivered } = start({ outlived });
    bring(0, 1);
    await clock.advance(1000);
    expect([state(), delivered()]).toEqual(['awaitingLock', []]);
    former.hands[0]?.resolve(undefined);
    await turn();
    await clock.advance(100);
    expect([state(), delivered()]).toEqual([dispatching, [[0]]]);
  });
});

describe('draining', () => {
  it('lets the running call end, and starts none', async () => {
    const { state, bring, hands, drain, delivered, commits, output, clock } = startHandHeld();
    bring(0, 3);
    drain();
    expect(state()).toBe('draining');
    hands[0]?.resolve(undefined);
    await turn();
    expect([state(), delivered(), commits.point, output(), clock.pending]).toEqual([
      'drained',
      [[0]],
      1,
      { abandoned: 0 },
      0,
    ]);
  });

  it('does not wait for what rests, nor for its timer', () => {
    const { state, bring, drain, clock, output } = startAnswering([SUSPEND]);
    bring(0, 2);
    drain();
    expect([state(), output(), clock.pending]).toEqual(['drained', { abandoned: 0 }, 0]);
  });

  it('by sharding key delivers what lies before a started message, but not when it was suspended', async () => {
    const runs = [startHandHeld({ order: 'shardingKey' }), startHandHeld({ order: 'shardingKey' })];
    for (const { bringKeys } of runs) bringKeys('aab');
    runs[1]?.send({ type: 'queue.suspend' });
    for (const { drain, hands } of runs) {
      drain();
      hands[0]?.resolve(undefined);
      await turn();
      for (const hand of hands) hand.resolve(undefined);
    }
    await turn();
    expect(runs.map(({ state, delivered, commits }) => [state(), delivered(), commits.point])).toEqual([
      ['drained', [[0], [2], [1]], 3],
      ['drained', [[0], [2]], 1],
    ]);
  });

  it('waits for a call of a former epoch, until the grace is over', async () => {
    const { state, owned, bring, drain, output, clock } = startHandHeld();
    bring(0, 1);
    owned.restart(at(500), true);
    drain(1000);
    expect(state()).toBe('draining');
    await clock.advance(1000);
    expect([state(), output()]).toEqual(['drained', { abandoned: 1 }]);
  });

  it('tells of no pause', async () => {
    const { state, bring, drain, hands, clock } = startHandHeld();
    bring(0, 1);
    drain();
    hands[0]?.resolve(SUSPEND);
    await turn();
    expect([state(), clock.pending]).toEqual(['drained', 0]);
  });
});

describe('this actor', () => {
  it('stopped by force while a lane rests, or waits for the lock, leaves no timer', () => {
    const resting = startAnswering([SUSPEND]);
    const waiting = start();
    waiting.allows.lock = false;
    for (const { bring, actor, clock } of [resting, waiting]) {
      bring(0, 1);
      actor.stop();
      expect(clock.pending).toBe(0);
    }
  });

  it('visits every state of the chart and takes every arrow that only orderly queues take', () => {
    expect(worlds.missed('orderly')).toEqual([]);
  });
});
