// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, fromPromise, type InspectionEvent } from 'xstate';
import { BrokerError, ConnectionError, RocketmqError } from '../../src/errors/errors.ts';
import { brokerReturnsMachine } from '../../src/machines/send-back/broker-returns.machine.ts';
import { sendBackMachine } from '../../src/machines/send-back/send-back.machine.ts';
import type {
  BrokerReturnsEvent,
  SendBackPort,
  SendBackReport,
} from '../../src/machines/send-back/send-back.types.ts';
import type { Returning, SendBackJob } from '../../src/machines/send-back/send-back-job.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { aQueue, type Deferred, deferred, messageAt, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to broker-a lost');
const refused = new BrokerError('RMQ_BROKER_ERROR', 'store full', { responseCode: 1, remark: undefined });
const thrown = new RocketmqError('RMQ_LISTENER_FAILED', 'no such customer');

interface Call extends Deferred<void> {
  readonly offset: number;
  readonly signal: AbortSignal;
}

const coverage = new ChartCoverage(sendBackMachine);
const coverageOfBrokers = new ChartCoverage(brokerReturnsMachine);

/** Decides as the handler said, without a policy. */
const asTheHandlerSaid: SendBackPort['decide'] = ({ failed: { delayLevel } }) => ({
  way: delayLevel < 0 ? { kind: 'deadLetter', reason: 'listener' } : { kind: 'retry', delayLevel },
});

const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

function watch(event: InspectionEvent): void {
  coverage.inspect(event);
  coverageOfBrokers.inspect(event);
}

/** Both ways out in the hand of the test. `ends` keeps how each message ended, in order. */
function start(
  options: {
    readonly machine?: typeof sendBackMachine;
    readonly watched?: boolean;
    readonly port?: Partial<SendBackPort>;
    readonly roundLimit?: number;
  } = {},
) {
  const clock = new TestClock();
  const sent: Call[] = [];
  const copied: Call[] = [];
  const ends: string[] = [];
  const told: SendBackReport[] = [];
  const call = (list: Call[], { job }: Returning, signal: AbortSignal): Promise<void> => {
    const hand = { ...deferred<void>(), offset: job.failed.message.queueOffset, signal };
    list.push(hand);
    return hand.promise;
  };
  const port: SendBackPort = {
    decide: asTheHandlerSaid,
    sendBack: (message, signal) => call(sent, message, signal),
    sendToRetryTopic: (message, signal) => call(copied, message, signal),
    ...options.port,
  };
  const actor = createActor(options.machine ?? sendBackMachine, {
    clock,
    ...(options.watched !== false && { inspect: watch }),
    input: {
      ...{ port, localRetryPause: 5000, parent: { send: (event: SendBackReport) => told.push(event) } },
      ...(options.roundLimit !== undefined && { roundLimit: options.roundLimit }),
    },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  running.push({ actor, clock });
  const jobOf = (offset: number, { delayLevel = 0, queue = aQueue } = {}): SendBackJob => ({
    queue,
    failed: {
      epoch: 1,
      ticket: offset,
      message: messageAt(offset, { reconsumeTimes: 2 }),
      delayLevel,
      error: thrown,
    },
    settle: ({ message }) => void ends.push(`settle ${message.queueOffset}`),
    redeliver: ({ message }) => void ends.push(`redeliver ${message.queueOffset}`),
  });
  return {
    actor,
    clock,
    sent,
    copied,
    ends,
    jobOf,
    told: () => told.splice(0),
    send: actor.send.bind(actor),
    fail: (...offsets: number[]) =>
      actor.send({ type: 'messages.failed', jobs: offsets.map(each => jobOf(each)) }),
    sentOffsets: () => sent.map(({ offset }) => offset),
    copiedOffsets: () => copied.map(({ offset }) => offset),
    state: (brokerName = aQueue.brokerName) => [
      actor.getSnapshot().value,
      senderOf(actor.getSnapshot(), `returns ${brokerName}`)?.getSnapshot().value,
    ],
  };
}

function returned(offset: number) {
  return {
    type: 'message.returned',
    queue: aQueue,
    msgId: `id-${offset}`,
    attempt: 3,
    way: { kind: 'retry', delayLevel: 5 },
    error: thrown,
  };
}

function notTaken(offset: number, reason: string) {
  return {
    type: 'fault',
    actor: expect.any(String),
    error: expect.objectContaining({
      code: 'RMQ_SEND_BACK_FAILED',
      message: `message id-${offset} at orders@broker-a#0:${offset} could not be handed back: ${reason}`,
    }),
  };
}

interface Sender {
  getSnapshot(): { readonly value: unknown };
  send(event: BrokerReturnsEvent): void;
}

/** The actor of a broker, which may not be there yet. */
function senderOf(snapshot: { readonly children: object }, id: string): Sender | undefined {
  const children = snapshot.children as Readonly<Record<string, Sender>>; // by id, which XState leaves open
  return children[id];
}

const idle = ['handingBack', 'idle'];
const sending = ['handingBack', 'sending'];
const fallback = ['handingBack', 'fallback'];
const retryingLocally = ['retryingLocally', 'idle'];

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('a failed message', () => {
  it('goes to its broker, and is settled and told when that has taken it', async () => {
    const { fail, sent, sentOffsets, state, ends, told } = start();
    fail(7);
    expect([state(), sentOffsets(), ends]).toEqual([sending, [7], []]);
    sent[0]?.resolve();
    await turn();
    expect([state(), ends, told()]).toEqual([idle, ['settle 7'], [returned(7)]]);
  });

  it('refused by its broker goes to the retry topic, and is settled when that has taken it', async () => {
    const { fail, sent, copied, copiedOffsets, state, ends, told } = start();
    fail(7);
    sent[0]?.reject(refused);
    await turn();
    expect([state(), copiedOffsets(), ends]).toEqual([fallback, [7], []]);
    copied[0]?.resolve();
    await turn();
    expect([state(), ends, told()]).toEqual([idle, ['settle 7'], [returned(7)]]);
  });

  it('that nobody takes is told as a fault, and delivered again from here after the pause', async () => {
    const { clock, fail, sent, copied, state, ends, told } = start();
    fail(7);
    sent[0]?.reject(refused);
    await turn();
    copied[0]?.reject(lost);
    await turn();
    expect([state(), told()]).toEqual([retryingLocally, [notTaken(7, 'connection to broker-a lost')]]);
    await clock.advance(4999);
    expect(ends).toEqual([]);
    await clock.advance(1);
    expect([state(), ends, told()]).toEqual([idle, ['redeliver 7'], []]);
  });

  it.each([
    ['its broker', 'sendBack'],
    ['the retry topic', 'sendToRetryTopic'],
  ] as const)('survives that the way to %s throws instead of rejecting', async (_, way) => {
    const port: Partial<SendBackPort> = {
      sendBack: () => Promise.reject(refused),
      sendToRetryTopic: () => Promise.reject(refused),
      [way]: () => {
        throw new TypeError('no address');
      },
    };
    const { clock, fail, ends } = start({ port });
    fail(1, 2);
    await clock.advance(5000);
    expect(ends).toEqual(['redeliver 1', 'redeliver 2']);
  });
});

describe('a round', () => {
  it('sends its messages side by side; one refusal does not touch the others', async () => {
    const { fail, sent, sentOffsets, copied, copiedOffsets, ends } = start();
    fail(1, 2, 3);
    expect(sentOffsets()).toEqual([1, 2, 3]);
    sent[2]?.resolve();
    sent[0]?.reject(refused);
    sent[1]?.resolve();
    await turn();
    expect([ends, copiedOffsets()]).toEqual([['settle 3', 'settle 2'], [1]]);
    copied[0]?.resolve();
    await turn();
    expect(ends).toEqual(['settle 3', 'settle 2', 'settle 1']);
  });

  it('settles what was taken at once: a message that hangs holds up no other offset', async () => {
    const { fail, sent, ends, told } = start();
    fail(1, 2);
    sent[1]?.resolve();
    await turn();
    expect([ends, told()]).toEqual([['settle 2'], [returned(2)]]);
  });

  it('begins with all that failed during the one before', async () => {
    const { fail, sent, sentOffsets, ends } = start();
    fail(1);
    fail(2, 3);
    fail(4);
    expect(sentOffsets()).toEqual([1]);
    sent[0]?.resolve();
    await turn();
    expect([sentOffsets(), ends]).toEqual([[1, 2, 3, 4], ['settle 1']]);
  });

  it('also waits for the fallback of the one before', async () => {
    const { fail, sent, copied, sentOffsets } = start();
    fail(1);
    sent[0]?.reject(refused);
    await turn();
    fail(2);
    expect(sentOffsets()).toEqual([1]);
    copied[0]?.resolve();
    await turn();
    expect(sentOffsets()).toEqual([1, 2]);
  });

  it('that hangs is given up after its time limit: signals abort, what was not taken goes on', async () => {
    const { clock, fail, sent, copied, copiedOffsets, ends, state } = start();
    fail(1, 2, 3);
    sent[1]?.resolve();
    await clock.advance(29_999);
    expect([state(), sent[0]?.signal.aborted]).toEqual([sending, false]);
    await clock.advance(1);
    expect([state(), sent[0]?.signal.aborted, copiedOffsets(), ends]).toEqual([
      fallback,
      true,
      [1, 3],
      ['settle 2'],
    ]);
    copied[0]?.resolve();
    await clock.advance(30_000);
    expect([state(), copied[1]?.signal.aborted, ends]).toEqual([
      retryingLocally,
      true,
      ['settle 2', 'settle 1'],
    ]);
    await clock.advance(5000);
    expect(ends).toEqual(['settle 2', 'settle 1', 'redeliver 3']);
  });

  it('that hangs until its signals abort ends each message once', async () => {
    const untilAborted = (_: Returning, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(lost), { once: true });
      });
    const { clock, fail, ends, told } = start({
      port: { sendBack: untilAborted, sendToRetryTopic: untilAborted },
      roundLimit: 1000,
    });
    fail(1, 2);
    await clock.advance(2000);
    fail(3);
    await clock.advance(20_000);
    expect(ends).toEqual(['redeliver 1', 'redeliver 2', 'redeliver 3']);
    expect(told()).toEqual([1, 2, 3].map(offset => notTaken(offset, 'no answer within 1000 ms')));
  });

  it('is not ended twice by an answer that comes after its limit', async () => {
    const { clock, fail, sent, copied, ends, told } = start({ roundLimit: 1000 });
    fail(1, 2);
    await clock.advance(1000);
    sent[0]?.resolve();
    sent[1]?.reject(refused);
    await turn();
    expect([ends, told()]).toEqual([[], []]);
    copied[0]?.resolve();
    copied[1]?.resolve();
    await turn();
    expect([ends, told()]).toEqual([
      ['settle 1', 'settle 2'],
      [returned(1), returned(2)],
    ]);
  });

  it.each(['sendBack', 'sendToRetryTopic'] as const)(
    'whose actor %s fails as a whole loses nobody',
    async src => {
      const failing = brokerReturnsMachine.provide({
        actors: { [src]: fromPromise(() => Promise.reject(lost)) },
      });
      const machine = sendBackMachine.provide({ actors: { brokerReturns: failing } });
      const { clock, fail, sent, copied, ends } = start({ machine });
      fail(1, 2);
      for (const call of sent) call.reject(refused);
      await turn();
      for (const call of copied) call.reject(refused);
      await clock.advance(5000);
      expect(ends).toEqual(['redeliver 1', 'redeliver 2']);
    },
  );

  it('whose actor fails as a whole while it sends dead letters loses nobody', async () => {
    const failing = brokerReturnsMachine.provide({
      actors: { sendBack: fromPromise(() => Promise.reject(lost)) },
    });
    const machine = sendBackMachine.provide({ actors: { brokerReturns: failing } });
    const { send, jobOf, copied, ends } = start({ machine });
    send({ type: 'messages.failed', jobs: [jobOf(1, { delayLevel: -1 })] });
    await turn();
    copied[0]?.resolve();
    await turn();
    expect(ends).toEqual(['settle 1']);
  });

  it('goes on when settling one of its messages throws', async () => {
    const { send, jobOf, sent, ends, told } = start();
    const broken = {
      ...jobOf(1),
      settle: () => {
        throw new RangeError('the oldest unfinished message is missing');
      },
    };
    send({ type: 'messages.failed', jobs: [broken, jobOf(2)] });
    for (const call of sent) call.resolve();
    await turn();
    expect(ends).toEqual(['settle 2']);
    expect(told()).toMatchObject([
      { type: 'fault', error: { code: 'RMQ_INTERNAL' } },
      { type: 'message.returned', msgId: 'id-2' },
    ]);
  });

  it('of forty thousand messages that failed one by one is collected without copying it for each', {
    timeout: 30_000,
  }, () => {
    const { send, jobOf, sentOffsets } = start({ watched: false });
    const job = jobOf(1);
    const jobs = [job];
    for (let i = 0; i < 40_000; i++) send({ type: 'messages.failed', jobs });
    expect(sentOffsets()).toEqual([1]);
  });
});

describe('a dead letter', () => {
  const dead = { delayLevel: -1 };

  it('is on its way in a state of its own, and told as what it is', async () => {
    const { send, jobOf, sent, sentOffsets, state, ends, told } = start();
    send({ type: 'messages.failed', jobs: [jobOf(7, dead)] });
    expect([state(), sentOffsets()]).toEqual([['handingBack', 'deadLettering'], [7]]);
    sent[0]?.resolve();
    await turn();
    expect([state(), ends]).toEqual([idle, ['settle 7']]);
    expect(told()).toEqual([{ ...returned(7), way: { kind: 'deadLetter', reason: 'listener' } }]);
  });

  it.each(['refused', 'never answered'])('that is %s goes as a copy', async how => {
    const { clock, send, jobOf, sent, copied, copiedOffsets, state, ends } = start();
    send({ type: 'messages.failed', jobs: [jobOf(7, dead)] });
    if (how === 'refused') sent[0]?.reject(refused);
    else await clock.advance(30_000);
    await turn();
    expect([state(), copiedOffsets()]).toEqual([fallback, [7]]);
    copied[0]?.resolve();
    await turn();
    expect([state(), ends]).toEqual([idle, ['settle 7']]);
  });

  it('waits for no end of retries, nor they for an end of dead letters: who failed first is next', async () => {
    const { send, jobOf, sent, sentOffsets } = start();
    const failing = (offset: number, given = {}): void =>
      send({ type: 'messages.failed', jobs: [jobOf(offset, given)] });
    failing(1);
    failing(2);
    failing(3, dead);
    failing(4);
    failing(5, dead);
    const rounds: (readonly number[])[] = [];
    for (let done = 0; done < sent.length; ) {
      rounds.push(sentOffsets().slice(done));
      done = sent.length;
      for (const call of sent) call.resolve();
      await turn();
    }
    expect(rounds).toEqual([[1], [2, 4], [3, 5]]);
  });
});

describe('what is decided', () => {
  it('to be dropped is done at once and told, and nothing is sent', () => {
    const { fail, sent, ends, told } = start({ port: { decide: () => ({ way: { kind: 'drop' } }) } });
    fail(7);
    expect([sent, ends, told()]).toEqual([[], ['settle 7'], [{ ...returned(7), way: { kind: 'drop' } }]]);
  });

  it('with a complaint is told as a fault and followed all the same', async () => {
    const error = new RocketmqError('RMQ_HOOK_FAILED', 'retryPolicy answered null');
    const { fail, sentOffsets, told } = start({
      port: { decide: () => ({ way: { kind: 'retry', delayLevel: 0 }, error }) },
    });
    fail(7);
    expect([sentOffsets(), told()]).toEqual([[7], [{ type: 'fault', actor: expect.any(String), error }]]);
  });

  it('by code that throws leaves it to the handler, and the others are sent too', () => {
    const { fail, sentOffsets, told } = start({
      port: {
        decide: job => {
          if (job.failed.message.queueOffset === 1) throw new RangeError('broken');
          return asTheHandlerSaid(job);
        },
      },
    });
    fail(1, 2);
    expect(sentOffsets()).toEqual([1, 2]);
    expect(told()).toMatchObject([{ type: 'fault', error: { code: 'RMQ_INTERNAL' } }]);
  });
});

describe('the messages of one broker', () => {
  const elsewhere = { queue: { ...aQueue, brokerName: 'broker-b' } };

  it('go back while another broker hangs', async () => {
    const { clock, fail, send, jobOf, sent, sentOffsets, ends, state } = start();
    fail(1);
    await clock.advance(10_000);
    for (const offset of [2, 3]) {
      send({ type: 'messages.failed', jobs: [jobOf(offset, elsewhere)] });
      sent.at(-1)?.resolve();
      await turn();
    }
    expect([sentOffsets(), ends]).toEqual([
      [1, 2, 3],
      ['settle 2', 'settle 3'],
    ]);
    expect([state(), state('broker-b')]).toEqual([sending, idle]);
  });

  it('are delivered again from here when its actor dies, and the next failure brings a new one', async () => {
    const dying = brokerReturnsMachine.provide({
      actions: {
        passFault: () => {
          throw new RangeError('dying, as told');
        },
      },
    });
    const machine = sendBackMachine.provide({ actors: { brokerReturns: dying } });
    const { actor, clock, fail, send, jobOf, sent, ends, told, state } = start({ machine });
    fail(1);
    fail(2);
    send({ type: 'messages.failed', jobs: [jobOf(3, elsewhere)] });
    senderOf(actor.getSnapshot(), 'returns broker-a')?.send({ type: 'fault', error: lost, actor: 'x' });
    expect(told()).toMatchObject([{ type: 'fault', actor: 'returns broker-a' }]);
    expect([state(), state('broker-b')]).toEqual([
      ['retryingLocally', undefined],
      ['retryingLocally', 'sending'],
    ]);
    sent[0]?.resolve(); // too late
    await clock.advance(5000);
    expect(ends).toEqual(['redeliver 1', 'redeliver 2']);
    fail(4);
    sent.at(-1)?.resolve();
    await turn();
    expect([state(), ends.at(-1)]).toEqual([idle, 'settle 4']);
  });
});

describe('local retry', () => {
  const never: Partial<SendBackPort> = {
    sendBack: () => Promise.reject(refused),
    sendToRetryTopic: () => Promise.reject(refused),
  };

  it('gives each message its whole pause, also one that comes while others wait', async () => {
    const { clock, fail, ends } = start({ port: never });
    fail(1);
    await clock.advance(4000);
    fail(2);
    await clock.advance(1000);
    expect(ends).toEqual(['redeliver 1']);
    await clock.advance(3999);
    expect(ends).toEqual(['redeliver 1']);
    await clock.advance(1001);
    expect(ends).toEqual(['redeliver 1', 'redeliver 2']);
  });

  it('goes on beside rounds that are sent meanwhile', async () => {
    const { clock, fail, sent, copied, ends } = start();
    fail(1);
    sent[0]?.reject(refused);
    await turn();
    copied[0]?.reject(refused);
    await turn();
    fail(2);
    await clock.advance(5000);
    sent[1]?.resolve();
    await turn();
    expect(ends).toEqual(['redeliver 1', 'settle 2']);
  });

  it('of a message that fails again at once begins anew', async () => {
    const world = start({ port: never });
    const again: SendBackJob = {
      ...world.jobOf(1),
      redeliver: () => {
        world.ends.push(`again at ${world.clock.now()}`);
        world.send({ type: 'messages.failed', jobs: [again] });
      },
    };
    world.send({ type: 'messages.failed', jobs: [again] });
    await world.clock.advance(15_000);
    expect(world.ends).toEqual(['again at 5000', 'again at 10000', 'again at 15000']);
  });

  it('goes on when delivering one of them throws', async () => {
    const { clock, send, jobOf, ends, told } = start({ port: never });
    const broken = {
      ...jobOf(1),
      redeliver: () => {
        throw new Error('broken');
      },
    };
    send({ type: 'messages.failed', jobs: [broken, jobOf(2)] });
    await turn();
    told();
    await clock.advance(5000);
    expect(ends).toEqual(['redeliver 2']);
    expect(told()).toMatchObject([{ type: 'fault', error: { code: 'RMQ_INTERNAL' } }]);
  });
});

describe('every message', () => {
  it('ends exactly once, whatever is decided, taken, refused, or never answered, by whichever broker', async () => {
    const rng = seeded(20_261_123);
    const decide: SendBackPort['decide'] = job =>
      rng() < 0.1 ? { way: { kind: 'drop' } } : asTheHandlerSaid(job);
    const { clock, send, jobOf, sent, copied, ends } = start({ roundLimit: 700, port: { decide } });
    const answered = new Set<Call>();
    const answerSome = (): void => {
      for (const call of [...sent, ...copied]) {
        const dice = rng();
        if (answered.has(call) || dice < 0.4) continue;
        answered.add(call);
        if (dice < 0.7) call.resolve();
        else if (dice < 0.95) call.reject(refused);
      }
    };
    let offset = 0;
    const another = (): SendBackJob =>
      jobOf(offset++, {
        delayLevel: rng() < 0.3 ? -1 : 0,
        queue: { ...aQueue, brokerName: `broker-${Math.floor(rng() * 3)}` },
      });
    for (let i = 0; i < 200; i++) {
      const count = Math.floor(rng() * 4);
      send({ type: 'messages.failed', jobs: Array.from({ length: count }, another) });
      answerSome();
      await clock.advance(Math.floor(rng() * 300));
    }
    for (let i = 0; i < 60; i++) await clock.advance(1000);
    const endsOf = ends.map(end => Number(end.split(' ')[1])).sort((a, b) => a - b);
    expect(endsOf).toEqual(Array.from({ length: offset }, (_, i) => i));
    const settled = ends.filter(end => end.startsWith('settle')).length;
    expect(Math.min(settled, ends.length - settled, copied.length)).toBeGreaterThan(20);
  });
});

describe('this actor', () => {
  it('hands a fault of its own to the parent and lives on', () => {
    const { send, told, state } = start();
    const fault = { type: 'fault', error: lost, actor: 'sendBack' } as const;
    send(fault);
    expect([state(), told()]).toEqual([['handingBack', undefined], [fault]]);
  });

  it('passes on a fault of the actor of a broker', () => {
    const { actor, fail, told } = start();
    fail(1);
    const fault = { type: 'fault', error: lost, actor: 'returns broker-a' } as const;
    senderOf(actor.getSnapshot(), 'returns broker-a')?.send(fault);
    expect(told()).toEqual([fault]);
  });

  it.each(['sending', 'fallback', 'retryingLocally'])(
    'stopped by force while %s leaves no timer, aborts its calls, and ends nobody',
    async name => {
      const { actor, clock, fail, sent, copied, ends, state } = start();
      fail(1);
      if (name !== 'sending') sent[0]?.reject(refused);
      await turn();
      if (name === 'retryingLocally') copied[0]?.reject(refused);
      await turn();
      expect(JSON.stringify(state())).toContain(name);
      actor.stop();
      expect(clock.pending).toBe(0);
      for (const call of [...sent, ...copied]) call.resolve();
      await clock.advance(60_000);
      expect(ends).toEqual([]);
      if (name !== 'retryingLocally') expect((copied[0] ?? sent[0])?.signal.aborted).toBe(true);
    },
  );

  it('visits every state of the charts and takes every arrow', () => {
    expect([...coverage.missed(), ...coverageOfBrokers.missed()]).toEqual([]);
  });
});

/** Numbers from 0 to 1, the same for the same seed. Source: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
