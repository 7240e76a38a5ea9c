// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { RocketmqError } from '../../src/errors/errors.ts';
import { at, turn } from '../support/builders.ts';
import { ConsumeWorlds } from './consume-world.ts';

const worlds = new ConsumeWorlds();
const start = worlds.start.bind(worlds);
const startHandHeld = worlds.startHandHeld.bind(worlds);

const dispatching = { dispatching: 'watching' };
const suspended = { suspended: 'byConsumer' };

afterEach(() => worlds.end());

describe('delivery', () => {
  it('begins when messages arrive, and is over a little after the last is done', async () => {
    const { clock, state, bring, delivered } = start();
    expect([state(), clock.pending]).toEqual(['idle', 0]);
    bring(0, 2);
    expect([state(), delivered()]).toEqual([dispatching, [[0], [1]]]);
    await clock.advance(200);
    expect(state()).toEqual('idle');
    await clock.advance(300);
    expect(clock.pending).toBe(0);
    bring(2, 3);
    expect([state(), delivered()]).toEqual([dispatching, [[0], [1], [2]]]);
  });

  it('is not over while a message is with the listener or on its way back', async () => {
    const { clock, state, bring, hands, failed, commits } = startHandHeld();
    bring(0, 2);
    hands[0]?.resolve(undefined);
    await clock.advance(1000);
    expect(state()).toEqual(dispatching);
    hands[1]?.reject(new Error('no'));
    await clock.advance(1000);
    expect([state(), failed.length]).toEqual([dispatching, 1]);
    failed[0]?.settle();
    await clock.advance(200);
    expect([state(), commits.point]).toEqual(['idle', 2]);
  });

  it('goes on with what arrives while messages are held', () => {
    const { bring, delivered } = startHandHeld();
    bring(0, 1);
    bring(1, 3);
    expect(delivered()).toEqual([[0], [1], [2]]);
  });

  it('goes on with what arrives after a correction, although nothing told it that all was let go', () => {
    const { owned, bring, delivered } = startHandHeld();
    bring(0, 1);
    owned.restart(at(500), true);
    bring(500, 501);
    expect(delivered()).toEqual([[0], [500]]);
  });

  it('goes on with the next arrival when it was forbidden for a while', () => {
    const { allows, bring, delivered } = start();
    allows.delivery = false;
    bring(0, 1);
    expect(delivered()).toEqual([]);
    allows.delivery = true;
    bring(1, 2);
    expect(delivered()).toEqual([[0], [1]]);
  });

  it('hands failed messages to whoever sends them back, and delivers again what nobody took', () => {
    const answers = ['RECONSUME_LATER'];
    const { bring, failed, delivered, commits } = start({ listen: () => answers.shift() });
    bring(0, 1);
    expect(failed.map(({ one }) => [one.message.queueOffset, one.delayLevel])).toEqual([[0, 0]]);
    failed[0]?.redeliver();
    expect([delivered(), commits.point]).toEqual([[[0], [0]], 1]);
  });

  it('tells the parent once of a listener that answers nonsense', () => {
    const { bring, told } = start({ listen: () => 'yes' });
    bring(0, 2);
    expect(told).toMatchObject([{ type: 'consume.misused', error: { code: 'RMQ_LISTENER_RESULT' } }]);
  });
});

describe('suspension', () => {
  it('from the beginning delivers nothing until resumed', () => {
    const { state, bring, delivered, send } = start({ suspended: true });
    bring(0, 2);
    expect([state(), delivered()]).toEqual([suspended, []]);
    send({ type: 'queue.resume' });
    expect([state(), delivered()]).toEqual([dispatching, [[0], [1]]]);
  });

  it('of an idle queue is over without anything to deliver', () => {
    const { state, send, clock } = start();
    send({ type: 'queue.suspend' });
    expect(state()).toEqual(suspended);
    send({ type: 'queue.resume' });
    expect([state(), clock.pending]).toEqual(['idle', 0]);
  });

  it('lets running calls end and starts none', async () => {
    const { state, bring, hands, delivered, send, commits, clock } = startHandHeld();
    bring(0, 6);
    send({ type: 'queue.suspend' });
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    bring(6, 7);
    await clock.advance(500);
    expect([state(), delivered(), commits.point, clock.pending]).toEqual([
      suspended,
      [[0], [1], [2], [3]],
      4,
      0,
    ]);
    send({ type: 'queue.resume' });
    expect(delivered()).toEqual([[0], [1], [2], [3], [4], [5], [6]]);
  });

  it('keeps a message that nobody took until it is resumed', async () => {
    const { bring, hands, failed, delivered, send } = startHandHeld();
    bring(0, 1);
    send({ type: 'queue.suspend' });
    hands[0]?.reject(new Error('no'));
    await turn();
    failed[0]?.redeliver();
    expect(delivered()).toEqual([[0]]);
    send({ type: 'queue.resume' });
    expect(delivered()).toEqual([[0], [0]]);
  });
});

describe('draining', () => {
  it.each([
    ['idle', () => start()],
    ['suspended', () => start({ suspended: true })],
    [
      'dispatching',
      () => {
        const world = start();
        world.bring(0, 3);
        return world;
      },
    ],
  ])('while %s and nothing runs is over at once', (_, way) => {
    const { state, output, drain, clock } = way();
    drain();
    expect([state(), output(), clock.pending]).toEqual(['drained', { abandoned: 0 }, 0]);
  });

  it('drops what no listener has seen, and is over when the last running call has ended', async () => {
    const { state, output, bring, hands, drain, owned, commits, delivered, clock, slots } = startHandHeld();
    bring(0, 10);
    drain();
    expect([state(), owned.count, owned.pulledTo]).toEqual(['draining', 4, 4]);
    for (const hand of hands.splice(1)) hand.resolve(undefined);
    await turn();
    expect([state(), commits.point]).toEqual(['draining', 0]);
    hands[0]?.resolve(undefined);
    await turn();
    expect([state(), output(), commits.point, clock.pending]).toEqual(['drained', { abandoned: 0 }, 4, 0]);
    expect([delivered(), slots.running]).toEqual([[[0], [1], [2], [3]], 0]);
  });

  it('drops what waits also while suspended', () => {
    const { bring, drain, state, delivered, owned } = start({ suspended: true });
    bring(0, 5);
    drain();
    expect([state(), delivered(), owned.count, owned.pulledTo]).toEqual(['drained', [], 0, 0]);
  });

  it('ends with its grace: signals are aborted, and what had not ended counts as abandoned', async () => {
    const { state, output, bring, calls, drain, clock } = startHandHeld();
    bring(0, 2);
    const { signal } = calls[0]?.context ?? {};
    drain(5000);
    await clock.advance(4999);
    expect([state(), signal?.aborted]).toEqual(['draining', false]);
    await clock.advance(1);
    expect([state(), output(), signal?.aborted, calls[1]?.context.signal.aborted]).toEqual([
      'drained',
      { abandoned: 2 },
      true,
      true,
    ]);
    expect(signal?.reason).toBeInstanceOf(RocketmqError);
    expect(signal?.reason).toMatchObject({
      code: 'RMQ_ABORTED',
      message: 'orders@broker-a#0 was given up before its listener calls ended',
    });
  });

  it('with a shorter grace the second time ends by that', async () => {
    const { state, bring, drain, clock } = startHandHeld();
    bring(0, 1);
    drain(10_000);
    await clock.advance(3000);
    drain(500);
    await clock.advance(500);
    expect(state()).toBe('drained');
  });

  it('waits for a message on its way back, and passes it when it was taken', async () => {
    const { state, output, bring, hands, failed, drain, commits } = startHandHeld();
    bring(0, 1);
    hands[0]?.reject(new Error('no'));
    await turn();
    drain();
    expect(state()).toBe('draining');
    failed[0]?.settle();
    expect([state(), output(), commits.point]).toEqual(['drained', { abandoned: 0 }, 1]);
  });

  it('does not wait for a message nobody took: the next owner gets it', async () => {
    const { state, output, bring, hands, failed, drain, commits, delivered } = startHandHeld();
    bring(0, 2);
    hands[0]?.reject(new Error('no'));
    await turn();
    drain();
    failed[0]?.redeliver();
    hands[1]?.resolve(undefined);
    await turn();
    expect([state(), output(), commits.point, delivered()]).toEqual([
      'drained',
      { abandoned: 0 },
      0,
      [[0], [1]],
    ]);
  });

  it('is not ended by suspend, resume or new work, and delivers nothing of it', async () => {
    const { state, bring, hands, drain, send, delivered } = startHandHeld();
    bring(0, 1);
    drain();
    send({ type: 'queue.suspend' });
    send({ type: 'queue.resume' });
    bring(1, 3);
    send({ type: 'work.arrived' });
    hands[0]?.resolve(undefined);
    await turn();
    expect([state(), delivered()]).toEqual(['draining', [[0]]]);
  });

  it('over, delivers nothing any more, whatever comes late', async () => {
    const { state, bring, hands, failed, drain, delivered, owned, slots, clock } = startHandHeld();
    bring(0, 3);
    hands[0]?.reject(new Error('no'));
    await turn();
    drain(100);
    await clock.advance(100);
    owned.letGo();
    failed[0]?.redeliver();
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([state(), delivered(), slots.running]).toEqual(['drained', [[0], [1], [2]], 0]);
  });
});

describe('this actor', () => {
  it('hands a fault of its own to the parent and lives on', () => {
    const { send, told, state } = start();
    const fault = { type: 'fault', error: new RocketmqError('RMQ_INTERNAL', 'x'), actor: 'consume' } as const;
    send(fault);
    expect([state(), told]).toEqual(['idle', [fault]]);
  });

  it.each(['dispatching', 'draining'])('stopped by force while %s leaves no timer', name => {
    const { actor, clock, bring, drain } = startHandHeld();
    bring(0, 1);
    if (name === 'draining') drain();
    actor.stop();
    expect(clock.pending).toBe(0);
  });

  it('visits every state of the chart and takes every arrow that concurrent queues take', () => {
    expect(worlds.missed('concurrent')).toEqual([]);
  });
});
