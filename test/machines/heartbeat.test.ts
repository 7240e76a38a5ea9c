// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { BrokerError, ConnectionError } from '../../src/errors/errors.ts';
import { heartbeatMachine } from '../../src/machines/heartbeat/heartbeat.machine.ts';
import type { HeartbeatReport } from '../../src/machines/heartbeat/heartbeat.types.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to b:1 lost');

const stale = new BrokerError('RMQ_SUBSCRIPTION_STALE', 'pull from orders-0@a refused', {
  responseCode: 25,
  remark: undefined,
});

interface Beat {
  readonly address: string;
  readonly at: number;
  readonly signal: AbortSignal;
  readonly accept: () => void;
  readonly refuse: (error: unknown) => void;
}

/** The machine with brokers that answer when a test lets them (or at once), and a parent that writes down what it hears. */
function start(options: {
  readonly addresses: readonly string[];
  readonly answering?: boolean;
  machine?: typeof heartbeatMachine;
}) {
  const clock = new TestClock();
  const world = { addresses: options.addresses, answering: options.answering ?? true };
  const beats: Beat[] = [];
  const heard: HeartbeatReport[] = [];
  const beat = (address: string, signal: AbortSignal) =>
    new Promise<void>((accept, refuse) => {
      beats.push({ address, at: clock.now(), signal, accept, refuse });
      if (world.answering) accept();
    });
  const actor = createActor(options.machine ?? heartbeatMachine, {
    clock,
    input: {
      port: { addresses: () => world.addresses, beat },
      interval: 30_000,
      now: () => clock.now(),
      parent: { send: event => heard.push(event) },
    },
  }).start();
  return {
    actor,
    clock,
    world,
    beats,
    /** The beat sent last to an address. */
    last: (address: string): Beat => {
      const found = beats.findLast(b => b.address === address);
      if (found === undefined) throw new Error(`no beat to ${address}`);
      return found;
    },
    sent: () => beats.map(({ address, at }) => `${address}@${at}`),
    heard: () => heard.splice(0),
    state: () => actor.getSnapshot().value,
    beatNow: () => actor.send({ type: 'heartbeat.now' }),
    refused: () => actor.send({ type: 'subscription.stale', error: stale }),
  };
}

describe('the heartbeat machine', () => {
  it('sends nothing before it is asked to, or one interval has passed', async () => {
    const { clock, sent, state, heard } = start({ addresses: ['a:1'] });
    await clock.advance(29_999);
    expect(state()).toBe('waiting');
    expect(sent()).toEqual([]);
    await clock.advance(1);
    expect(sent()).toEqual(['a:1@30000']);
    expect(heard()).toEqual([{ type: 'heartbeat.done', answered: ['a:1'], failed: [] }]);
  });

  it('beats every address once per round, from one interval after the last round', async () => {
    const { clock, sent, world, beatNow } = start({ addresses: ['a:1', 'b:1', 'a:1'] });
    await clock.advance(10_000);
    beatNow();
    await clock.flush();
    world.addresses = ['c:1'];
    await clock.advance(29_999);
    expect(sent()).toEqual(['a:1@10000', 'b:1@10000']);
    await clock.advance(1);
    expect(sent()).toEqual(['a:1@10000', 'b:1@10000', 'c:1@40000']);
  });

  it('reports when every address has answered or failed, each as it came', async () => {
    const { clock, last, heard, state, beatNow } = start({
      addresses: ['a:1', 'b:1', 'c:1'],
      answering: false,
    });
    beatNow();
    expect(state()).toEqual({ beating: 'once' });
    last('c:1').accept();
    last('b:1').refuse(lost);
    await clock.advance(2900);
    expect(heard()).toEqual([]);
    last('a:1').accept();
    await clock.flush();
    expect(heard()).toEqual([
      { type: 'heartbeat.done', answered: ['c:1', 'a:1'], failed: [{ address: 'b:1', error: lost }] },
    ]);
    expect(state()).toBe('waiting');
  });

  it('makes a typed error of whatever a port throws, even at once', async () => {
    const clock = new TestClock();
    const heard: HeartbeatReport[] = [];
    const actor = createActor(heartbeatMachine, {
      clock,
      input: {
        port: {
          addresses: () => ['a:1'],
          beat: () => {
            throw new TypeError('oops');
          },
        },
        interval: 30_000,
        now: () => clock.now(),
        parent: { send: event => heard.push(event) },
      },
    }).start();
    actor.send({ type: 'heartbeat.now' });
    await clock.flush();
    const error = expect.objectContaining({ code: 'RMQ_INTERNAL', message: 'oops' });
    expect(heard).toEqual([{ type: 'heartbeat.done', answered: [], failed: [{ address: 'a:1', error }] }]);
  });

  it('reports at once when there is nobody to tell', () => {
    const { heard, state, beatNow, sent } = start({ addresses: [] });
    beatNow();
    expect(heard()).toEqual([{ type: 'heartbeat.done', answered: [], failed: [] }]);
    expect(state()).toBe('waiting');
    expect(sent()).toEqual([]);
  });

  it('beats exactly once more when asked while beating, however often', async () => {
    const { clock, world, last, heard, state, beatNow, sent } = start({
      addresses: ['a:1'],
      answering: false,
    });
    beatNow();
    for (let i = 0; i < 20; i++) beatNow();
    expect(state()).toEqual({ beating: 'again' });
    world.answering = true;
    last('a:1').accept();
    await clock.advance(29_999);
    expect(sent()).toEqual(['a:1@0', 'a:1@0']);
    expect(heard()).toEqual([
      { type: 'heartbeat.done', answered: ['a:1'], failed: [] },
      { type: 'heartbeat.done', answered: ['a:1'], failed: [] },
    ]);
  });

  it('gives up a round that never ends: whoever is silent has failed, and its request is aborted', async () => {
    const { clock, last, heard, state, beatNow } = start({ addresses: ['a:1', 'b:1'], answering: false });
    beatNow();
    last('a:1').accept();
    await clock.advance(60_000);
    const error = expect.objectContaining({
      code: 'RMQ_REQUEST_TIMEOUT',
      message: 'heartbeat to b:1 was not settled within 60000 ms',
    });
    expect(heard()).toEqual([
      { type: 'heartbeat.done', answered: ['a:1'], failed: [{ address: 'b:1', error }] },
    ]);
    expect(last('b:1').signal.aborted).toBe(true);
    expect(state()).toBe('waiting');
  });

  it('takes no answer of a round it has given up for one of the next', async () => {
    const { clock, last, heard, state, beatNow } = start({ addresses: ['a:1'], answering: false });
    beatNow();
    const first = last('a:1');
    await clock.advance(60_000);
    heard();
    beatNow();
    first.accept();
    await clock.flush();
    expect(state()).toEqual({ beating: 'once' });
    expect(heard()).toEqual([]);
  });

  it('counts everybody as failed when a round could not even begin', async () => {
    const machine = heartbeatMachine.provide({
      actors: {
        beatAll: fromCallback(() => {
          throw lost;
        }),
      },
    });
    const { clock, heard, state, beatNow } = start({ addresses: ['a:1'], machine });
    beatNow();
    await clock.flush();
    expect(heard()).toEqual([
      { type: 'heartbeat.done', answered: [], failed: [{ address: 'a:1', error: lost }] },
    ]);
    expect(state()).toBe('waiting');
  });

  it('hands a fault of its own to the parent and lives on', async () => {
    const { clock, actor, heard } = start({ addresses: ['a:1'] });
    const fault = { type: 'fault', error: lost, actor: 'heartbeat' } as const;
    actor.send(fault);
    await clock.advance(30_000);
    expect(heard()).toEqual([fault, { type: 'heartbeat.done', answered: ['a:1'], failed: [] }]);
  });

  it.each([
    ['waiting', 0],
    ['beating', 1],
    ['beating, and again', 2],
  ])('stopped while %s leaves no timer, aborts its requests, and takes no late answer', async (_, asked) => {
    const { clock, actor, beats, heard, beatNow } = start({ addresses: ['a:1', 'b:1'], answering: false });
    for (let i = 0; i < asked; i++) beatNow();
    actor.stop();
    expect(clock.pending).toBe(0);
    expect(beats.map(({ signal }) => signal.aborted)).toEqual(asked === 0 ? [] : [true, true]);
    for (const beat of beats) beat.accept();
    await clock.advance(100_000);
    expect(heard()).toEqual([]);
    expect(beats).toHaveLength(asked === 0 ? 0 : 2);
  });
});

describe('a broker that does not know our subscription', () => {
  const faultOf = (actor: string) => ({ type: 'fault', error: stale, actor });

  it('is told at once, and the parent hears why', async () => {
    const { clock, sent, refused, heard, actor } = start({ addresses: ['a:1'] });
    await clock.advance(5000);
    refused();
    await clock.flush();
    expect(sent()).toEqual(['a:1@5000']);
    expect(heard()).toEqual([faultOf(actor.id), { type: 'heartbeat.done', answered: ['a:1'], failed: [] }]);
  });

  it('that goes on refusing pulls is told after 1 s, 2 s, 4 s and so on, at last every interval', async () => {
    const { clock, sent, refused, heard } = start({ addresses: ['a:1'] });
    for (let ms = 0; ms < 180_000; ms += 100) {
      refused();
      await clock.advance(100);
    }
    const at = sent().map(each => Math.round(Number(each.split('@')[1]) / 1000));
    expect(at).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121, 151]);
    expect(heard().filter(({ type }) => type === 'fault')).toHaveLength(11); // one for each beat, and for the one that is due
  });

  it('is told at once again after two quiet intervals', async () => {
    const { clock, sent, refused } = start({ addresses: ['a:1'] });
    refused();
    await clock.advance(1);
    refused();
    await clock.advance(1000);
    await clock.advance(60_000);
    const before = sent().length;
    refused();
    await clock.advance(1);
    expect(sent().length).toBe(before + 1);
  });

  it('need not wait when a beat is asked for anyway', async () => {
    const { clock, sent, refused, state, beatNow } = start({ addresses: ['a:1'] });
    refused();
    await clock.advance(1);
    refused();
    expect(state()).toBe('hurrying');
    beatNow();
    await clock.flush();
    expect(sent()).toEqual(['a:1@0', 'a:1@1']);
    expect(state()).toBe('waiting');
  });

  it('causes no further beat by what it says while one is under way', async () => {
    const { clock, sent, refused, last, beatNow, state } = start({ addresses: ['a:1'], answering: false });
    beatNow();
    for (let i = 0; i < 5; i++) refused();
    last('a:1').accept();
    await clock.advance(20_000);
    expect([sent(), state()]).toEqual([['a:1@0'], 'waiting']);
  });
});
