// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor } from 'xstate';
import { BrokerError, ConnectionError, ProtocolError } from '../../src/errors/errors.ts';
import { type FlowLimits, SharedFlow } from '../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../src/flow/owned-queue.ts';
import { pullBackoff } from '../../src/machines/pull/pull.logic.ts';
import { pullMachine } from '../../src/machines/pull/pull.machine.ts';
import type {
  Damage,
  PullPort,
  PullReport,
  PullSettings,
  StartPermit,
  StartPlace,
} from '../../src/machines/pull/pull.types.ts';
import type { CommandTicket } from '../../src/model/command-ticket.ts';
import type { MessageExt } from '../../src/model/message.ts';
import type { QueueOffset } from '../../src/model/queue-offset.ts';
import type { CommitCarrier } from '../../src/stores/commit-line.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { PullAnswer } from '../../src/transport/pull-calls.ts';
import {
  aQueue,
  at,
  bytesOf,
  type Deferred,
  deferred,
  found,
  foundMessages,
  messagesBetween,
  turn,
} from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';
import { takeFrom } from '../support/taken.ts';

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to broker-a lost');
const refused = new BrokerError('RMQ_NO_PERMISSION', 'no right to read', {
  responseCode: 16,
  remark: undefined,
});
const unreadable = new ProtocolError('RMQ_BAD_MESSAGE', 'message 103 cannot be read');
const failed: PullAnswer = { kind: 'failed', error: lost };

function none(nextOffset: number, mayRepeat = true): PullAnswer {
  return { kind: 'none', nextOffset: at(nextOffset), mayRepeat };
}
function damaged(from: number, bad: number): PullAnswer {
  const messages = messagesBetween(from, bad);
  return { kind: 'damaged', messages, bytes: bytesOf(messages), nextOffset: at(bad), error: unreadable };
}
function moved(to: number, reason = 'OFFSET_TOO_SMALL'): PullAnswer {
  return { kind: 'moved', correctTo: at(to), reason };
}

interface Call<T> extends Deferred<T> {
  readonly signal: AbortSignal;
}
interface Pull {
  readonly offset: number;
  readonly commit: number | undefined;
  readonly answer: (outcome: PullAnswer) => void;
}

/** A broker that answers when a test lets it, or by itself as told. */
class FakePort implements PullPort {
  permit: StartPermit | undefined;
  readonly pulls: Pull[] = [];
  readonly starts: Call<StartPlace>[] = [];
  readonly reads: Call<QueueOffset | undefined>[] = [];
  readonly corrections: (Call<void> & { readonly offset: number })[] = [];
  readonly settled: (readonly [offset: number, accepted: boolean])[] = [];
  toCommit: QueueOffset | undefined;
  readonly withheld: boolean[] = [];
  /** What the policy was asked about. */
  readonly judged: unknown[] = [];
  judge: (damage: Damage) => unknown = damage => {
    this.judged.push(damage);
    return 'halt';
  };
  /** Answers every pull one turn later. */
  script: ((pull: Pull) => PullAnswer) | undefined;
  pullThrows: Error | undefined;

  resolveStart = (signal: AbortSignal) => keep(this.starts, { ...deferred<StartPlace>(), signal });
  readCommitted = (signal: AbortSignal) =>
    keep(this.reads, { ...deferred<QueueOffset | undefined>(), signal });
  correct = (offset: QueueOffset, signal: AbortSignal) =>
    keep(this.corrections, { ...deferred<void>(), signal, offset });

  withdrawn = 0;
  withdraw(): void {
    this.withdrawn++;
  }

  withholdCommits(withheld: boolean): void {
    this.withheld.push(withheld);
  }

  pull(offset: QueueOffset, commit: QueueOffset | undefined, answer: Pull['answer']): void {
    if (this.pullThrows !== undefined) throw this.pullThrows;
    const pull = { offset, commit, answer };
    this.pulls.push(pull);
    const { script } = this;
    if (script !== undefined) setImmediate(() => answer(script(pull)));
  }

  takeCommit(): CommitCarrier | undefined {
    const offset = this.toCommit;
    this.toCommit = undefined;
    return offset === undefined ? undefined : { offset };
  }

  settleCommit({ offset }: CommitCarrier, accepted: boolean): void {
    this.settled.push([offset, accepted]);
  }
}

function keep<C extends { readonly promise: Promise<unknown> }>(list: C[], call: C): C['promise'] {
  list.push(call);
  return call.promise;
}

const limits: FlowLimits = {
  countOfQueue: 10,
  bytesOfQueue: 1e6,
  spanOfQueue: 2000,
  countOfAll: 1000,
  bytesOfAll: 1e9,
};
const coverage = new ChartCoverage(pullMachine);
const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

function start(
  options: {
    readonly settings?: Partial<PullSettings>;
    readonly limits?: Partial<FlowLimits>;
    readonly suspended?: boolean;
    readonly permit?: StartPermit;
  } = {},
) {
  const clock = new TestClock();
  const shared = new SharedFlow({ ...limits, ...options.limits });
  const commits = { told: [] as string[], handed: undefined as QueueOffset | undefined };
  const owned = new OwnedQueue<MessageExt>(
    aQueue,
    {
      get handed() {
        return commits.handed;
      },
      advance: point => commits.told.push(`advance ${point}`),
      reset: (point, stored) => {
        commits.handed = stored ? point : undefined;
        commits.told.push(`reset ${point}${stored ? ' stored' : ''}`);
      },
    },
    shared,
  );
  const port = new FakePort();
  port.permit = options.permit;
  const told: PullReport[] = [];
  const actor = createActor(pullMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      owned,
      port,
      suspended: options.suspended ?? false,
      parent: { send: event => told.push(event) },
      settings: {
        handoverPause: 0,
        pullInterval: 0,
        flowControlInterval: 50,
        maxRereads: 3,
        random: () => 0.5,
        now: () => clock.now(),
        ...options.settings,
      },
    },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  running.push({ actor, clock });
  const last = <T>(list: readonly T[]): T => {
    const item = list.at(-1);
    if (item === undefined) throw new Error('nothing was asked');
    return item;
  };
  return {
    clock,
    shared,
    commits,
    owned,
    port,
    actor,
    told: () => told.splice(0),
    state: () => actor.getSnapshot().value,
    send: actor.send.bind(actor),
    /** Answers the pull written last. */
    answer: (outcome: PullAnswer) => last(port.pulls).answer(outcome),
    pulled: () => port.pulls.map(({ offset }) => offset),
    lastStart: () => last(port.starts),
    lastRead: () => last(port.reads),
    lastCorrection: () => last(port.corrections),
    /** The oldest `count` messages are delivered and done. */
    consume: (count: number) => {
      const { first, messages } = takeFrom(owned, count);
      for (const i of messages.keys()) owned.finish(owned.epoch, first + i);
    },
  };
}

type Sender = ReturnType<typeof start>['send'];
type Answerer = ReturnType<typeof start>['answer'];

/** Started, its start resolved at 100, the first pull on the wire. */
async function pulling(options: Parameters<typeof start>[0] = {}) {
  const world = start(options);
  world.lastStart().resolve({ offset: at(100), stored: true });
  await turn();
  world.told();
  world.commits.told.length = 0;
  return world;
}

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('the start of a queue', () => {
  it('is resolved before anything is pulled, told, and pulled from', async () => {
    const { port, state, told, commits, pulled, lastStart } = start();
    expect([state(), pulled()]).toEqual(['resolvingOffset', []]);
    lastStart().resolve({ offset: at(100), stored: true });
    await turn();
    expect([state(), told(), commits.told, pulled()]).toEqual([
      'pulling',
      [{ type: 'pull.placed', offset: 100 }],
      ['reset 100 stored'],
      [100],
    ]);
    expect(port.starts).toHaveLength(1);
  });

  it('waits for the former owner when others are in the group', async () => {
    const { clock, port, state } = start({ settings: { handoverPause: 400 } });
    await clock.advance(399);
    expect([state(), port.starts.length]).toEqual(['waitingForHandover', 0]);
    await clock.advance(1);
    expect([state(), port.starts.length]).toEqual(['resolvingOffset', 1]);
  });

  /** A permit in the hand of the test. */
  function aPermit(kind: StartPermit['kind']) {
    const hand = { asked: 0, dismissed: 0, give: () => {} };
    const permit: StartPermit = {
      kind,
      request: onPermitted => {
        hand.asked++;
        hand.give = onPermitted;
      },
      dismiss: () => {
        hand.give = () => {};
        hand.dismissed++;
      },
    };
    return { hand, permit };
  }

  it.each([
    ['fence', 'waitingForHandover'],
    ['lock', 'locking'],
  ] as const)('waits for its %s as long as that takes', async (kind, waiting) => {
    const { hand, permit } = aPermit(kind);
    const { clock, port, state } = start({ permit, settings: { handoverPause: 400 } });
    await clock.advance(600_000);
    expect([state(), hand.asked, port.starts.length]).toEqual([waiting, 1, 0]);
    hand.give();
    expect([state(), port.starts.length]).toEqual(['resolvingOffset', 1]);
  });

  it.each(['fence', 'lock'] as const)(
    'asks for its %s again when it is resumed before it was given',
    kind => {
      const { hand, permit } = aPermit(kind);
      const { port, send, state } = start({ permit });
      send({ type: 'queue.suspend' });
      hand.give();
      expect([state(), port.starts.length]).toEqual(['paused', 0]);
      send({ type: 'queue.resume' });
      expect(hand.asked).toBe(2);
      hand.give();
      expect(state()).toBe('resolvingOffset');
    },
  );

  it.each(['fence', 'lock'] as const)('no longer waits for its %s once the queue is given up', kind => {
    const { hand, permit } = aPermit(kind);
    const { send, port } = start({ permit });
    send({ type: 'queue.revoke' });
    expect(hand.dismissed).toBe(1);
    hand.give();
    expect(port.starts).toEqual([]);
  });

  it('is asked again, ever more slowly, when it could not be answered; the first failure is told', async () => {
    const { clock, port, state, told, lastStart } = start({ settings: { random: () => 1 } });
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      const before = clock.now();
      lastStart().reject(lost);
      await turn();
      expect(state()).toBe('backingOff');
      while (state() === 'backingOff') await clock.advance(100);
      waits.push(clock.now() - before);
    }
    expect(waits).toEqual([200, 400, 800, 1600, 3000, 3000]);
    expect([port.pulls, told()]).toEqual([[], [{ type: 'pull.troubled', error: lost }]]);
    lastStart().resolve({ offset: at(7), stored: false });
    await turn();
    expect([state(), told()]).toEqual(['pulling', [{ type: 'pull.placed', offset: 7 }]]);
  });

  it('that is never answered is given up after half a minute, its signal aborted, and asked again', async () => {
    const { clock, port, state, told } = start();
    await clock.advance(29_999);
    expect([state(), port.starts.map(({ signal }) => signal.aborted)]).toEqual(['resolvingOffset', [false]]);
    await clock.advance(1);
    expect([state(), port.starts.map(({ signal }) => signal.aborted)]).toEqual(['backingOff', [true]]);
    expect(told()).toMatchObject([
      {
        type: 'pull.troubled',
        error: {
          code: 'RMQ_REQUEST_TIMEOUT',
          message: 'the start of orders@broker-a#0 was not answered within 30000 ms',
        },
      },
    ]);
    await clock.advance(100);
    expect([state(), port.starts.length]).toEqual(['resolvingOffset', 2]);
  });

  it('has the time limit that the settings give it', async () => {
    const { clock, state } = start({ settings: { answerLimit: 200_000 } });
    await clock.advance(199_999);
    expect(state()).toBe('resolvingOffset');
    await clock.advance(1);
    expect(state()).toBe('backingOff');
  });

  it('of a suspended consumer is looked for when it is resumed', async () => {
    const { port, state, send } = start({ suspended: true });
    expect([state(), port.starts.length]).toEqual(['paused', 0]);
    send({ type: 'queue.resume' });
    expect([state(), port.starts.length]).toEqual(['resolvingOffset', 1]);
  });

  it('found after the queue was suspended no longer counts: it is looked for anew', async () => {
    const { port, state, send, owned, lastStart, pulled } = start();
    const first = lastStart();
    send({ type: 'queue.suspend' });
    first.resolve({ offset: at(100), stored: true });
    await turn();
    expect([state(), owned.isPlaced, first.signal.aborted]).toEqual(['paused', false, true]);
    send({ type: 'queue.resume' });
    lastStart().resolve({ offset: at(120), stored: true });
    await turn();
    expect([port.starts.length, pulled()]).toEqual([2, [120]]);
  });

  it('does not lead to a pull while all queues together hold too much', async () => {
    const { shared, state, pulled, lastStart } = start();
    shared.all.add(1001, 0);
    lastStart().resolve({ offset: at(100), stored: true });
    await turn();
    expect([state(), pulled()]).toEqual([{ throttled: 'armed' }, []]);
    shared.all.release(1, 0);
    shared.all.wake();
    expect([state(), pulled()]).toEqual(['pulling', [100]]);
  });
});

describe('pulling', () => {
  it('writes the next pull before it looks at the batch that came', async () => {
    const { owned, port, answer, pulled } = await pulling();
    const heldAtPull: number[] = [];
    const { pull } = port;
    port.pull = (...args) => {
      heldAtPull.push(owned.count);
      pull.apply(port, args);
    };
    answer(found(100, 103));
    expect([pulled(), heldAtPull, owned.count, owned.pulledTo]).toEqual([[100, 103], [0], 3, 103]);
  });

  it('lets batch follow batch without an event, and hears of the first one that is not steady', async () => {
    const { actor, answer, pulled, owned, consume } = await pulling();
    const snapshots: unknown[] = [];
    actor.subscribe(({ value }) => snapshots.push(value));
    for (let from = 100; from < 140; from += 4) {
      answer(found(from, from + 4));
      consume(4);
    }
    expect([snapshots, pulled().slice(-2), owned.pulledTo]).toEqual([[], [136, 140], 140]);
    answer(found(140, 155)); // above the limit of 10
    expect([snapshots, pulled().at(-1), owned.count]).toEqual([[{ throttled: 'armed' }], 140, 15]);
  });

  it('tells each time that the broker does not know the subscription, whatever failed before: it needs a heartbeat', async () => {
    const { clock, answer, told } = await pulling();
    const stale = new BrokerError('RMQ_SUBSCRIPTION_STALE', 'not latest', {
      responseCode: 25,
      remark: undefined,
    });
    for (const error of [lost, stale, lost, stale]) {
      answer({ kind: 'failed', error });
      await clock.advance(10_000);
    }
    expect(told()).toEqual([lost, stale, stale].map(error => ({ type: 'pull.troubled', error })));
  });

  it('makes a fault of what a steady batch throws, and pulls on', async () => {
    const { answer, owned, pulled, state, told } = await pulling();
    owned.whenWorkArrives(() => {
      throw new Error('no room for it');
    });
    answer(found(100, 102));
    expect([state(), pulled(), told()]).toMatchObject([
      'pulling',
      [100, 102],
      [{ type: 'fault', error: { code: 'RMQ_INTERNAL', message: 'no room for it' }, actor: 'puller' }],
    ]);
  });

  it('has at most one pull on the wire', async () => {
    const { pulled, send, state } = await pulling();
    send({ type: 'queue.suspend' });
    send({ type: 'queue.resume' });
    send({ type: 'queue.suspend' });
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100]]);
  });

  it('takes the offset to commit along, and settles it with the answer before anything else', async () => {
    const { port, answer } = await pulling();
    port.toCommit = at(90);
    answer(found(100, 101));
    expect(port.pulls.map(({ commit }) => commit)).toEqual([undefined, 90]);
    answer(none(101));
    port.toCommit = at(101);
    answer(none(101));
    answer(failed);
    expect(port.settled).toEqual([
      [90, true],
      [101, false],
    ]);
  });

  it('settles the offset of an abandoned pull too, and takes nothing else from its answer', async () => {
    const { port, answer, send, owned, state } = await pulling();
    port.toCommit = at(100);
    answer(found(100, 101));
    send({ type: 'queue.revoke' });
    answer(found(101, 104));
    expect([state(), port.settled, owned.count]).toEqual(['revoked', [[100, true]], 1]);
  });

  it('goes past an empty stretch at once', async () => {
    const { answer, pulled, commits, state } = await pulling();
    answer(none(140));
    answer(none(180));
    expect([state(), pulled(), commits.told]).toEqual([
      'pulling',
      [100, 140, 180],
      ['advance 140', 'advance 180'],
    ]);
  });

  it('goes past a batch of which nothing was wanted at once', async () => {
    const { answer, pulled, state } = await pulling();
    answer(foundMessages([], 140));
    expect([state(), pulled()]).toEqual(['pulling', [100, 140]]);
  });

  it.each([
    ['an empty answer that was not held', none(100, false)],
    ['an empty batch that does not advance', foundMessages([], 100)],
    ['an empty batch that goes back', foundMessages([], 40)],
    ['messages that lie behind', found(40, 45)],
    ['messages that we have', found(98, 100)],
  ])('waits after %s, and asks for the same offset again', async (_, outcome) => {
    const { clock, answer, pulled, state, owned, told, commits } = await pulling();
    answer(outcome);
    expect([state(), owned.count, owned.pulledTo, pulled()]).toEqual(['backingOff', 0, 100, [100]]);
    await clock.advance(100);
    expect([state(), pulled(), told(), commits.told]).toEqual(['pulling', [100, 100], [], []]);
  });

  it('waits ever longer after failures, tells the first, and starts over after a success', async () => {
    const { clock, answer, pulled, told, state } = await pulling({ settings: { random: () => 1 } });
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      const before = [clock.now(), pulled().length] as const;
      answer(failed);
      expect(state()).toBe('backingOff');
      while (pulled().length === before[1]) await clock.advance(50);
      waits.push(clock.now() - before[0]);
    }
    expect([waits, told()]).toEqual([[200, 400, 800], [{ type: 'pull.troubled', error: lost }]]);
    answer(found(100, 101));
    expect([state(), pulled().slice(-1)]).toEqual(['pulling', [101]]);
    answer(failed);
    expect(told()).toEqual([{ type: 'pull.troubled', error: lost }]);
    await clock.advance(200);
    expect(state()).toBe('pulling');
  });

  it('tells the first failure also when empty answers came before it', async () => {
    const { clock, answer, told } = await pulling();
    answer(none(100, false));
    await clock.advance(100);
    answer(failed);
    expect(told()).toEqual([{ type: 'pull.troubled', error: lost }]);
  });

  it('waits at least 5 s after a refusal that will not heal by asking again', async () => {
    const { clock, answer, pulled } = await pulling({ settings: { random: () => 0 } });
    answer({ kind: 'failed', error: refused });
    await clock.advance(4999);
    expect(pulled()).toEqual([100]);
    await clock.advance(1);
    expect(pulled()).toEqual([100, 100]);
  });

  it('goes on when writing a pull threw, as after any failure', async () => {
    const { clock, port, answer, pulled, state, told } = await pulling();
    port.pullThrows = new Error('no buffer');
    port.toCommit = at(100);
    answer(found(100, 101));
    expect([state(), port.settled]).toEqual(['backingOff', [[100, false]]]);
    expect(told()).toMatchObject([
      { type: 'pull.troubled', error: { code: 'RMQ_INTERNAL', message: 'no buffer' } },
    ]);
    port.pullThrows = undefined;
    await clock.advance(5000);
    expect([state(), pulled()]).toEqual(['pulling', [100, 101]]);
  });

  it('pauses between two pulls when an interval is set', async () => {
    const { clock, answer, pulled, state } = await pulling({ settings: { pullInterval: 30 } });
    answer(found(100, 101));
    expect(state()).toBe('pacing');
    await clock.advance(29);
    expect(pulled()).toEqual([100]);
    await clock.advance(1);
    expect([state(), pulled()]).toEqual(['pulling', [100, 101]]);
  });

  it('pauses between two pulls also after a failure', async () => {
    const { clock, answer, pulled, state } = await pulling({ settings: { pullInterval: 30 } });
    answer(failed);
    await clock.advance(100);
    answer(found(100, 101));
    expect([state(), pulled()]).toEqual(['pacing', [100, 100]]);
  });

  it('after a pause may find that there is no room', async () => {
    const { clock, answer, state, told } = await pulling({ settings: { pullInterval: 30 } });
    answer(found(100, 111));
    await clock.advance(30);
    expect([state(), told()]).toEqual([
      { throttled: 'armed' },
      [{ type: 'pull.throttled', cause: 'countOfQueue' }],
    ]);
  });
});

describe('how long a queue waits after a failure', () => {
  const base = { failures: 1, elapsedMs: 0, error: lost, random: () => 1 };
  it.each([
    ['doubles from 200 ms', [1, 2, 3, 4].map(failures => ({ ...base, failures })), [200, 400, 800, 1600]],
    [
      'stops growing at 3 s in the first minute, at 10 s later',
      [59_999, 60_000].map(elapsedMs => ({ ...base, failures: 20, elapsedMs })),
      [3000, 10_000],
    ],
    ['is never less than 50 ms', [{ ...base, random: () => 0 }], [50]],
    ['is at least 5 s where asking again cannot help', [{ ...base, error: refused }], [5000]],
    ['is as long without an error', [{ ...base, error: undefined }], [200]],
  ])('%s', (_, inputs, expected) => {
    expect(inputs.map(pullBackoff)).toEqual(expected);
  });
});

describe('throttling', () => {
  it('admits the batch that was too much, tells why, and pulls again when room is given back', async () => {
    const { answer, state, told, pulled, owned, consume } = await pulling();
    answer(found(100, 110));
    expect([state(), pulled()]).toEqual(['pulling', [100, 110]]);
    answer(found(110, 112));
    expect([state(), owned.count, pulled(), told()]).toEqual([
      { throttled: 'armed' },
      12,
      [100, 110],
      [{ type: 'pull.throttled', cause: 'countOfQueue' }],
    ]);
    consume(1);
    expect(state()).toEqual({ throttled: 'armed' });
    consume(1);
    expect([state(), pulled(), told()]).toEqual(['pulling', [100, 110, 112], [{ type: 'pull.unthrottled' }]]);
  });

  const { storeSize } = messagesBetween(100, 101)[0] ?? { storeSize: 0 };
  it.each([
    ['sizeOfQueue', { bytesOfQueue: storeSize * 2 }],
    ['countOfAll', { countOfAll: 2 }],
    ['sizeOfAll', { bytesOfAll: storeSize * 2 }],
    ['spanOfQueue', { spanOfQueue: 1 }],
  ] as const)('may have the cause %s', async (cause, limit) => {
    const { answer, told, consume, state } = await pulling({ limits: limit });
    answer(found(100, 102));
    expect([state(), told()]).toEqual(['pulling', []]);
    answer(found(102, 103));
    if (cause === 'spanOfQueue') answer(found(103, 104)); // the span of a batch is seen with the next one
    expect([state(), told()]).toEqual([{ throttled: 'armed' }, [{ type: 'pull.throttled', cause }]]);
    consume(4);
    expect([state(), told()]).toEqual(['pulling', [{ type: 'pull.unthrottled' }]]);
  });

  it('looks for room by itself now and then', async () => {
    const { clock, answer, state, owned, pulled } = await pulling();
    answer(found(100, 111));
    await clock.advance(200);
    expect([state(), pulled()]).toEqual([{ throttled: 'armed' }, [100]]);
    owned.gate.recheck = () => {}; // a call that got lost
    owned.finish(owned.epoch, takeFrom(owned, 1).first);
    await clock.advance(50);
    expect([state(), pulled()]).toEqual(['pulling', [100, 111]]);
  });

  it.each([
    ['messages', found(111, 113), 13, 113],
    ['an empty stretch', none(150), 11, 150],
    ['what is readable before a damaged message', damaged(111, 112), 12, 112],
  ])('admits %s that was on the wire already', async (_, outcome, count, pulledTo) => {
    const { answer, state, owned, send, shared } = await pulling();
    answer(found(100, 110)); // the next pull is on the wire
    send({ type: 'queue.suspend' });
    shared.all.add(1000, 0);
    send({ type: 'queue.resume' });
    expect(state()).toEqual({ throttled: 'armed' });
    answer(outcome.kind === 'found' ? found(110, 113) : outcome);
    expect([state(), owned.count, owned.pulledTo]).toEqual([
      { throttled: 'armed' },
      outcome.kind === 'damaged' ? 11 : outcome.kind === 'none' ? 10 : count,
      pulledTo,
    ]);
  });

  it('holds also when a failure ended, or the consumer is resumed, while there is no room', async () => {
    const { clock, answer, state, send, pulled, shared } = await pulling();
    answer(failed);
    shared.all.add(1001, 0);
    await clock.advance(100);
    expect([state(), pulled()]).toEqual([{ throttled: 'armed' }, [100]]);
    send({ type: 'queue.suspend' });
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual([{ throttled: 'armed' }, [100]]);
  });

  it('lets a queue that failed before pull on only when there is room', async () => {
    const { clock, answer, state, pulled } = await pulling();
    answer(failed);
    await clock.advance(100);
    answer(found(100, 111));
    expect([state(), pulled()]).toEqual([{ throttled: 'armed' }, [100, 100]]);
  });

  it.each(['queue.suspend', 'queue.verify', 'queue.revoke'] as const)(
    'ended by %s waits for no room any more',
    async type => {
      const { answer, send, consume, owned } = await pulling();
      answer(found(100, 111));
      const opened = vi.spyOn(owned.gate, 'recheck');
      send({ type });
      consume(11);
      expect(opened).not.toHaveBeenCalled();
    },
  );

  it('is over for a revoked queue, which pulls no more', async () => {
    const { answer, state, send, consume, pulled, told } = await pulling();
    answer(found(100, 111));
    told();
    send({ type: 'queue.revoke' });
    consume(11);
    expect([state(), pulled(), told()]).toEqual(['revoked', [100], [{ type: 'pull.unthrottled' }]]);
  });
});

describe('suspension', () => {
  it('asks for nothing new, admits what is on the wire, and goes on from there', async () => {
    const { answer, state, owned, send, pulled } = await pulling();
    send({ type: 'queue.suspend' });
    answer(found(100, 103));
    send({ type: 'queue.suspend' });
    expect([state(), owned.count, pulled()]).toEqual(['paused', 3, [100]]);
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100, 103]]);
  });

  it.each([
    ['an empty answer moves the offset', none(120), 0, 120],
    ['a damaged batch is admitted up to the damage', damaged(100, 102), 2, 102],
    ['a batch that we have is nothing', found(98, 100), 0, 100],
    ['a failure is nothing', failed, 0, 100],
  ])('%s', async (_, outcome, count, pulledTo) => {
    const { answer, state, owned, send, pulled } = await pulling();
    send({ type: 'queue.suspend' });
    answer(outcome);
    expect([state(), owned.count, owned.pulledTo]).toEqual(['paused', count, pulledTo]);
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100, pulledTo]]);
  });

  it('follows a move at once: the broker tells of a reset only once', async () => {
    const { answer, state, owned, told, send, pulled, commits } = await pulling();
    send({ type: 'queue.suspend' });
    answer(moved(500, 'OFFSET_RESET'));
    expect([state(), owned.pulledTo, told(), commits.told]).toEqual([
      'paused',
      500,
      [{ type: 'pull.corrected', from: 100, to: 500, reason: 'OFFSET_RESET' }],
      ['reset 500'],
    ]);
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100, 500]]);
  });

  it('keeps waiting for the answer that is on the wire when resumed before it', async () => {
    const { answer, send, pulled, owned } = await pulling();
    send({ type: 'queue.suspend' });
    send({ type: 'queue.resume' });
    answer(found(100, 102));
    expect([pulled(), owned.count]).toEqual([[100, 102], 2]);
  });

  it('in any state leaves no timer but those of the state', async () => {
    const { clock, answer, send, state } = await pulling();
    answer(failed);
    expect(clock.pending).toBe(1);
    send({ type: 'queue.suspend' });
    expect([state(), clock.pending]).toEqual(['paused', 0]);
  });
});

describe('verification after a gap in time', () => {
  async function verifying() {
    const world = await pulling();
    world.answer(found(100, 105));
    world.consume(2); // commit point 102
    world.commits.told.length = 0;
    const { epoch } = world.owned;
    world.send({ type: 'queue.verify' });
    return { ...world, epoch };
  }

  it('goes to the committed offset, in a new epoch, when somebody else went on', async () => {
    const { owned, epoch, state, told, lastRead, commits, answer, send, pulled } = await verifying();
    expect(state()).toEqual({ verifying: 'asking' });
    lastRead().resolve(at(300));
    await turn();
    expect([state(), told(), commits.told]).toEqual([
      'paused',
      [{ type: 'pull.verified' }],
      ['reset 300 stored'],
    ]);
    expect([owned.count, owned.pulledTo, owned.epoch]).toEqual([0, 300, epoch + 1]);
    answer(none(500)); // to the pull from before
    expect([owned.count, owned.pulledTo]).toEqual([0, 300]);
    send({ type: 'queue.resume' });
    expect(pulled()).toEqual([100, 105, 300]);
  });

  it.each([
    ['behind ours', 101],
    ['ours', 102],
    ['nowhere', undefined],
  ])('stays when the committed offset is %s', async (_, committed) => {
    const { owned, epoch, told, lastRead, commits, answer } = await verifying();
    lastRead().resolve(committed === undefined ? undefined : at(committed));
    await turn();
    answer(found(105, 107));
    expect([owned.count, owned.pulledTo, owned.epoch, commits.told, told()]).toEqual([
      5,
      107,
      epoch,
      [],
      [{ type: 'pull.verified' }],
    ]);
  });

  it.each([
    ['messages', found(105, 107), 5, 107],
    ['an empty stretch', none(150), 3, 150],
    ['what is readable before a damaged message', damaged(105, 106), 4, 106],
  ])('admits %s that was on the wire meanwhile', async (_, outcome, count, pulledTo) => {
    const { owned, answer, state } = await verifying();
    answer(outcome);
    expect([state(), owned.count, owned.pulledTo]).toEqual([{ verifying: 'asking' }, count, pulledTo]);
  });

  it.each([
    ['a seek', (send: Sender) => send({ type: 'queue.seek', offset: at(20), reason: 'seek' }), 20],
    ['a move', (_: Sender, answer: Answerer) => answer(moved(50)), 50],
  ])('does not undo %s whose commit the broker does not have yet', async (_, move, place) => {
    const { owned, send, answer, lastRead, told } = await pulling();
    move(send, answer);
    send({ type: 'queue.verify' });
    told();
    lastRead().resolve(at(100)); // what we had committed before
    await turn();
    expect([owned.pulledTo, owned.commitPoint, told()]).toEqual([place, place, [{ type: 'pull.verified' }]]);
  });

  it('does not undo a move that comes meanwhile', async () => {
    const { owned, answer, lastRead } = await verifying();
    answer(moved(50));
    lastRead().resolve(at(102));
    await turn();
    expect([owned.pulledTo, owned.commitPoint]).toEqual([50, 50]);
  });

  it('follows what was committed after a seek whose commit the broker has', async () => {
    const { owned, commits, send, lastRead } = await pulling();
    send({ type: 'queue.seek', offset: at(20), reason: 'seek' });
    commits.handed = at(20);
    send({ type: 'queue.verify' });
    lastRead().resolve(at(60));
    await turn();
    expect(owned.pulledTo).toBe(60);
  });

  it('follows a move that comes meanwhile, in a new epoch', async () => {
    const { owned, epoch, answer, state, told } = await verifying();
    answer(moved(500));
    expect([state(), owned.pulledTo, owned.epoch, told()]).toEqual([
      { verifying: 'asking' },
      500,
      epoch + 1,
      [{ type: 'pull.corrected', from: 105, to: 500, reason: 'OFFSET_TOO_SMALL' }],
    ]);
  });

  it('withholds commits until the broker has answered', async () => {
    const { port, lastRead } = await verifying();
    expect(port.withheld).toEqual([true]);
    lastRead().resolve(at(0));
    await turn();
    expect(port.withheld).toEqual([true, false]);
  });

  it.each(['queue.revoke', 'queue.verify'] as const)(
    'cut short by %s leaves commits withheld: nobody knows yet whose they are',
    async type => {
      const { port, send } = await verifying();
      send({ type });
      expect(new Set(port.withheld)).toEqual(new Set([true]));
    },
  );

  it('is asked again until it is answered, and is not cut short by suspend or resume', async () => {
    const { clock, port, state, send, told, lastRead } = await verifying();
    lastRead().reject(lost);
    await turn();
    expect(state()).toEqual({ verifying: 'waiting' });
    send({ type: 'queue.resume' });
    send({ type: 'queue.suspend' });
    await clock.advance(100);
    lastRead().reject(lost);
    await clock.advance(200);
    expect([state(), port.reads.length, told()]).toEqual([
      { verifying: 'asking' },
      3,
      [{ type: 'pull.troubled', error: lost }],
    ]);
    lastRead().resolve(at(0));
    await turn();
    expect([state(), told()]).toEqual(['paused', [{ type: 'pull.verified' }]]);
  });

  it('that is never answered is given up after half a minute and asked again', async () => {
    const { clock, port, state, told } = await verifying();
    await clock.advance(30_000);
    expect([state(), port.reads.map(({ signal }) => signal.aborted)]).toEqual([
      { verifying: 'waiting' },
      [true],
    ]);
    expect(told()).toMatchObject([{ type: 'pull.troubled', error: { code: 'RMQ_REQUEST_TIMEOUT' } }]);
  });

  it('asked for again begins again: an answer to the first question does not count', async () => {
    const { port, send, owned, state } = await verifying();
    send({ type: 'queue.verify' });
    port.reads[0]?.resolve(at(300));
    await turn();
    expect([state(), owned.pulledTo, port.reads[0]?.signal.aborted]).toEqual([
      { verifying: 'asking' },
      105,
      true,
    ]);
  });

  it('of a queue that is nowhere yet has nothing to ask', async () => {
    const { state, send, told, port } = start();
    send({ type: 'queue.verify' });
    expect([state(), told(), port.reads.length]).toEqual(['paused', [{ type: 'pull.verified' }], 0]);
  });
});

describe('a correction by the broker (21)', () => {
  it('ends the epoch at once, is committed as a request, and is pulled from when that was answered', async () => {
    const { owned, answer, state, told, commits, lastCorrection, pulled } = await pulling();
    answer(found(100, 104));
    const running = { epoch: owned.epoch, ...takeFrom(owned, 4) };
    answer(moved(500));
    expect([state(), commits.told, pulled()]).toEqual(['correcting', ['reset 500'], [100, 104]]);
    owned.finish(running.epoch, running.first); // late: would have moved the commit point to 101
    expect([commits.told, lastCorrection().offset, owned.count]).toEqual([['reset 500'], 500, 0]);
    lastCorrection().resolve();
    await turn();
    expect([state(), pulled(), told()]).toEqual([
      'pulling',
      [100, 104, 500],
      [{ type: 'pull.corrected', from: 104, to: 500, reason: 'OFFSET_TOO_SMALL' }],
    ]);
  });

  it('that cannot be committed is pulled from after a pause: the pull carries the offset', async () => {
    const { clock, answer, state, told, lastCorrection, pulled } = await pulling();
    answer(moved(0, 'OFFSET_RESET'));
    lastCorrection().reject(lost);
    await turn();
    expect(state()).toBe('backingOff');
    await clock.advance(100);
    expect([state(), pulled(), told()]).toEqual([
      'pulling',
      [100, 0],
      [
        { type: 'pull.corrected', from: 100, to: 0, reason: 'OFFSET_RESET' },
        { type: 'pull.troubled', error: lost },
      ],
    ]);
  });

  it('whose commit is never answered is given up after half a minute', async () => {
    const { clock, answer, state, lastCorrection } = await pulling();
    answer(moved(500));
    await clock.advance(30_000);
    expect([state(), lastCorrection().signal.aborted]).toEqual(['backingOff', true]);
  });

  it('again and again is followed ever more slowly', async () => {
    const { clock, answer, state, lastCorrection } = await pulling();
    for (const to of [500, 100, 500]) {
      answer(moved(to));
      lastCorrection().resolve();
      await turn();
      if (state() === 'backingOff') await clock.advance(10_000);
    }
    expect(clock.now()).toBeGreaterThan(0);
    answer(found(500, 501));
    answer(moved(500));
    lastCorrection().resolve();
    await turn();
    expect(state()).toBe('pulling'); // a success between them: followed at once
  });

  it('that a throttled queue hears of is followed: brokers tell a reset once', async () => {
    const { answer, state, send, shared, lastCorrection, pulled } = await pulling();
    send({ type: 'queue.suspend' });
    shared.all.add(1001, 0);
    send({ type: 'queue.resume' });
    expect(state()).toEqual({ throttled: 'armed' });
    answer(moved(500, 'OFFSET_RESET'));
    expect(state()).toBe('correcting');
    lastCorrection().resolve();
    await turn();
    shared.all.release(1, 0);
    shared.all.wake();
    expect([state(), pulled()]).toEqual(['pulling', [100, 500]]);
  });

  it('is not interrupted by a suspension: the queue goes on from there when resumed', async () => {
    const { answer, state, send, lastCorrection, pulled } = await pulling();
    answer(moved(500));
    send({ type: 'queue.suspend' });
    lastCorrection().resolve();
    await turn();
    expect([state(), pulled()]).toEqual(['paused', [100]]);
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100, 500]]);
  });
});

describe('a queue that is renewed while its pull is held', () => {
  it('is asked for beside it: what the new pull brings counts, what the held one brings does not', async () => {
    const { port, send, pulled, owned, state } = await pulling();
    send({ type: 'queue.renew' });
    expect([state(), pulled()]).toEqual(['pulling', [100, 100]]);
    const [held, renewed] = port.pulls;
    held?.answer(found(100, 102));
    expect([owned.count, pulled()]).toEqual([0, [100, 100]]);
    renewed?.answer(found(100, 103));
    expect([owned.count, pulled()]).toEqual([3, [100, 100, 103]]);
  });

  it('follows the reset whichever of the two is told, once', async () => {
    for (const which of [0, 1]) {
      const { port, send, state, told, lastCorrection, pulled } = await pulling();
      send({ type: 'queue.renew' });
      port.pulls[which]?.answer(moved(50, 'OFFSET_RESET'));
      lastCorrection().resolve();
      await turn();
      port.pulls[1 - which]?.answer(found(100, 102));
      expect([state(), pulled(), told()]).toEqual([
        'pulling',
        [100, 100, 50],
        [{ type: 'pull.corrected', from: 100, to: 50, reason: 'OFFSET_RESET' }],
      ]);
    }
  });

  it('is left alone by a held pull of an epoch that a seek has ended', async () => {
    const { port, send, pulled, state } = await pulling();
    send({ type: 'queue.renew' });
    send({ type: 'queue.seek', offset: at(70), reason: 'seek' });
    port.pulls[0]?.answer(moved(50, 'OFFSET_RESET'));
    expect([state(), pulled()]).toEqual(['pulling', [100, 100, 70]]);
  });

  it('settles what both carried', async () => {
    const { port, send } = await pulling();
    port.pulls[0]?.answer(none(100));
    port.toCommit = at(100);
    send({ type: 'queue.renew' });
    for (const { answer } of port.pulls.slice(1)) answer(none(100));
    expect(port.settled).toEqual([[100, true]]);
  });

  it('is not pulled twice when it is not pulled at all', async () => {
    const { send, pulled, answer } = await pulling();
    answer(failed);
    send({ type: 'queue.renew' });
    expect(pulled()).toEqual([100]);
  });
});

describe('a message that cannot be read', () => {
  it('is asked for three times more, then the queue halts in front of it and says so', async () => {
    const { clock, answer, state, told, owned, port, pulled, consume } = await pulling();
    answer(damaged(100, 103));
    expect([state(), owned.count, owned.pulledTo, told()]).toEqual(['rereading', 3, 103, []]);
    for (let i = 0; i < 3; i++) {
      await clock.advance(500);
      expect([state(), port.judged]).toEqual(['pulling', []]);
      answer(damaged(103, 103));
    }
    expect([state(), pulled(), port.judged, told()]).toEqual([
      'halted',
      [100, 103, 103, 103],
      [{ queueOffset: 103, error: unreadable, epoch: owned.epoch }],
      [{ type: 'pull.troubled', error: unreadable }],
    ]);
    consume(3);
    await clock.advance(600_000);
    expect([owned.commitPoint, pulled().length]).toEqual([103, 4]);
  });

  it('halts the queue at once when it shall not be asked for again, behind what could be read', async () => {
    const { answer, state, owned, told } = await pulling({ settings: { maxRereads: 0 } });
    answer(damaged(100, 103));
    expect([state(), owned.count, told()]).toEqual([
      'halted',
      3,
      [{ type: 'pull.troubled', error: unreadable }],
    ]);
  });

  it('read after all is nothing special', async () => {
    const { clock, answer, state, told, owned, port } = await pulling();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) {
        answer(damaged(100 + round, 100 + round));
        await clock.advance(500);
      }
      answer(found(100 + round, 101 + round));
    }
    expect([state(), told(), owned.count, port.judged]).toEqual(['pulling', [], 3, []]);
  });

  it('counts its own rereads: another one further on is asked for three times again', async () => {
    const { clock, answer, state } = await pulling();
    for (const bad of [101, 102, 103, 104, 105, 106]) {
      answer(damaged(bad - 1, bad));
      expect(state()).toBe('rereading');
      await clock.advance(500);
    }
    for (let i = 0; i < 3; i++) {
      answer(damaged(106, 106));
      await clock.advance(500);
    }
    expect(state()).toBe('halted');
  });
});

describe('the verdict on a message that cannot be read', () => {
  const skipped: PullReport = { type: 'pull.skipped', queueOffset: at(103), error: unreadable };
  const troubled: PullReport = { type: 'pull.troubled', error: unreadable };

  /** In front of message 103, which was damaged in the first answer; nothing is asked for again. */
  async function judging(judge: (damage: Damage) => unknown) {
    const world = await pulling({ settings: { maxRereads: 0 } });
    world.port.judge = judge;
    world.answer(damaged(100, 103));
    return world;
  }
  function pendingVerdict() {
    const verdict = deferred<unknown>();
    return { verdict, world: judging(() => verdict.promise) };
  }

  it('skip passes over this one offset, says so, and pulls what follows', async () => {
    const { state, told, owned, pulled, consume } = await judging(() => 'skip');
    expect([state(), pulled(), owned.pulledTo, told()]).toEqual([
      'pulling',
      [100, 104],
      104,
      [troubled, skipped],
    ]);
    expect(owned.commitPoint).toBe(100);
    consume(3);
    expect(owned.commitPoint).toBe(104);
  });

  it('skip moves the commit point when nothing is held', async () => {
    const { answer, commits, port } = await pulling({ settings: { maxRereads: 0 } });
    port.judge = () => 'skip';
    answer(damaged(100, 100));
    expect(commits.told).toEqual(['advance 101']);
  });

  it('is asked for each of several in a row, each after tries of its own', async () => {
    const { clock, answer, port, pulled, owned, told } = await pulling();
    port.judge = ({ queueOffset }) => {
      port.judged.push({ queueOffset });
      return 'skip';
    };
    for (const bad of [100, 101]) {
      for (let i = 0; i < 4; i++) {
        answer(damaged(bad, bad));
        await clock.advance(500);
      }
    }
    expect([port.judged, owned.pulledTo, pulled()]).toEqual([
      [{ queueOffset: 100 }, { queueOffset: 101 }],
      102,
      [100, 100, 100, 100, 101, 101, 101, 101, 102],
    ]);
    expect(told().map(({ type }) => type)).toEqual([
      ...['pull.troubled', 'pull.skipped', 'pull.troubled', 'pull.skipped'],
    ]);
  });

  it.each([
    ['halt', 'halted'],
    ['skip', 'pulling'],
  ])('may take its time: %s, after an hour', async (decision, then) => {
    const { verdict, world } = pendingVerdict();
    const { clock, state, told, pulled } = await world;
    await clock.advance(3_600_000);
    expect([state(), pulled(), told()]).toEqual(['judging', [100], []]);
    verdict.resolve(decision);
    await turn();
    expect([state(), told()[0]]).toEqual([then, troubled]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('no table');
      },
      'onCorruptMessage threw: no table (for orders@broker-a#0:103); the queue halts',
    ],
    [
      'rejects',
      () => Promise.reject(new Error('no table')),
      'onCorruptMessage threw: no table (for orders@broker-a#0:103); the queue halts',
    ],
    [
      'answers nothing',
      async () => {},
      "onCorruptMessage answered undefined, which is neither 'halt' nor 'skip' (for orders@broker-a#0:103); the queue halts",
    ],
    [
      'answers something else',
      () => 'ignore',
      "onCorruptMessage answered 'ignore', which is neither 'halt' nor 'skip' (for orders@broker-a#0:103); the queue halts",
    ],
  ])('of a policy that %s is halt, and a fault', async (_, judge, message) => {
    const { state, told } = await judging(judge);
    await turn();
    expect([state(), told()]).toMatchObject([
      'halted',
      [troubled, { type: 'fault', error: { code: 'RMQ_HOOK_FAILED', message }, actor: 'orders@broker-a#0' }],
    ]);
  });

  it('halt outlives a suspension: nothing is asked for again, nothing told twice', async () => {
    const { clock, state, send, pulled, told } = await judging(() => 'halt');
    told();
    send({ type: 'queue.suspend' });
    expect(state()).toBe('paused');
    send({ type: 'queue.resume' });
    await clock.advance(600_000);
    expect([state(), pulled(), told()]).toEqual(['halted', [100], []]);
  });

  it('halt outlives a time gap, unless the broker has a later offset', async () => {
    const { state, send, pulled, lastRead, told } = await judging(() => 'halt');
    told();
    for (const [committed, then] of [
      [at(100), 'halted'],
      [at(180), 'pulling'],
    ] as const) {
      send({ type: 'queue.verify' });
      lastRead().resolve(committed);
      await turn();
      send({ type: 'queue.resume' });
      expect(state()).toBe(then);
    }
    expect(pulled()).toEqual([100, 180]);
  });

  it.each([
    ['halt', 'halted', [100], [troubled]],
    ['skip', 'pulling', [100, 104], [troubled, skipped]],
  ])(
    '%s that comes while the consumer is suspended counts at once',
    async (decision, then, pulls, reports) => {
      const { verdict, world } = pendingVerdict();
      const { state, send, pulled, told } = await world;
      send({ type: 'queue.suspend' });
      verdict.resolve(decision);
      await turn();
      expect([state(), told()]).toEqual(['paused', reports]);
      send({ type: 'queue.resume' });
      expect([state(), pulled()]).toEqual([then, pulls]);
    },
  );

  it('is waited for on, and not asked for again, when the consumer was suspended meanwhile', async () => {
    const { verdict, world } = pendingVerdict();
    const { state, send, told } = await world;
    send({ type: 'queue.suspend' });
    send({ type: 'queue.resume' });
    expect([state(), told()]).toEqual(['judging', []]);
    verdict.resolve('skip');
    await turn();
    expect([state(), told()]).toEqual(['pulling', [troubled, skipped]]);
  });

  it('that comes after the queue was given up changes nothing', async () => {
    const { verdict, world } = pendingVerdict();
    const { state, send, told, owned } = await world;
    send({ type: 'queue.revoke' });
    verdict.resolve('skip');
    await turn();
    expect([state(), told(), owned.pulledTo]).toEqual(['revoked', [], 103]);
  });

  it('that comes after a seek is about another epoch: it changes nothing', async () => {
    const { verdict, world } = pendingVerdict();
    const { state, send, told, owned, answer, pulled, port } = await world;
    const second = deferred<unknown>();
    send({ type: 'queue.seek', offset: at(103), reason: 'seek' });
    told();
    port.judge = () => second.promise;
    answer(damaged(103, 103));
    verdict.resolve('skip');
    await turn();
    expect([state(), told(), owned.pulledTo]).toEqual(['judging', [], 103]);
    second.resolve('halt');
    await turn();
    expect([state(), told(), pulled()]).toEqual(['halted', [troubled], [100, 103]]);
  });
});

describe('a seek', () => {
  const seek = (offset: number, ticket?: CommandTicket) =>
    ({ type: 'queue.seek', offset: at(offset), reason: 'seek', ticket }) as const;
  const corrected = (from: number | undefined, to: number) => ({
    ...{ type: 'pull.corrected', from, to, reason: 'seek' },
  });
  function aTicket() {
    const log: string[] = [];
    const ticket: CommandTicket = {
      done: () => log.push('done'),
      refused: ({ code }) => log.push(code),
    };
    return { log, ticket };
  }

  it('lets go what is held, abandons what is on the wire, and pulls from the new place', async () => {
    const { answer, send, owned, state, pulled, told, commits, port } = await pulling();
    const { log, ticket } = aTicket();
    answer(found(100, 103));
    const { epoch } = owned;
    const onTheWire = port.pulls.at(-1);
    send(seek(50, ticket));
    expect([state(), pulled(), told(), log]).toEqual([
      'pulling',
      [100, 103, 50],
      [corrected(103, 50)],
      ['done'],
    ]);
    expect([owned.count, owned.commitPoint, owned.epoch, commits.told]).toEqual([
      ...[0, 50, epoch + 1, ['reset 50']],
    ]);
    onTheWire?.answer(found(103, 110));
    expect([owned.count, pulled().length]).toEqual([0, 3]);
  });

  const placed: Readonly<Record<string, () => Promise<Awaited<ReturnType<typeof pulling>>>>> = {
    pacing: async () => answeredBy(await pulling({ settings: { pullInterval: 30 } }), found(100, 101)),
    throttled: async () => answeredBy(await pulling(), found(100, 120)),
    backingOff: async () => answeredBy(await pulling(), failed),
    rereading: async () => answeredBy(await pulling(), damaged(100, 101)),
    halted: async () => answeredBy(await pulling({ settings: { maxRereads: 0 } }), damaged(100, 101)),
    judging: async () => {
      const world = await pulling({ settings: { maxRereads: 0 } });
      world.port.judge = () => new Promise(() => {});
      return answeredBy(world, damaged(100, 101));
    },
    correcting: async () => answeredBy(await pulling(), moved(500)),
  };
  function answeredBy<World extends { answer(outcome: PullAnswer): void }>(
    world: World,
    outcome: PullAnswer,
  ): World {
    world.answer(outcome);
    return world;
  }

  it.each(Object.entries(placed))('leaves %s', async (name, way) => {
    const { actor, send, state, pulled, told, owned, port } = await way();
    expect(JSON.stringify(state())).toContain(name);
    told();
    const from = owned.pulledTo;
    const { log, ticket } = aTicket();
    send(seek(70, ticket));
    expect([state(), pulled().at(-1), owned.commitPoint, log]).toEqual(['pulling', 70, 70, ['done']]);
    expect(told()).toContainEqual(corrected(from, 70));
    expect(actor.getSnapshot().context).toMatchObject({ failures: 0, rereads: 0 });
    if (name === 'correcting') expect(port.corrections.map(({ signal }) => signal.aborted)).toEqual([true]);
  });

  it('to where a queue halts asks for that message again, and for its verdict anew', async () => {
    const { answer, send, state, port, told } = await pulling({ settings: { maxRereads: 0 } });
    answer(damaged(100, 103));
    send(seek(103));
    told();
    expect(state()).toBe('pulling');
    answer(damaged(103, 103));
    expect([state(), port.judged.length, told()]).toEqual([
      'halted',
      2,
      [{ type: 'pull.troubled', error: unreadable }],
    ]);
  });

  it('of a suspended queue takes effect at once; it is pulled from there when it is resumed', async () => {
    const { answer, send, state, owned, pulled } = await pulling();
    const { log, ticket } = aTicket();
    send({ type: 'queue.suspend' });
    send(seek(70, ticket));
    answer(found(100, 105)); // on the wire before
    expect([state(), owned.pulledTo, owned.count, log]).toEqual(['paused', 70, 0, ['done']]);
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100, 70]]);
  });

  it('of a halted queue that is suspended leaves the halt', async () => {
    const { answer, send, state, pulled } = await pulling({ settings: { maxRereads: 0 } });
    answer(damaged(100, 103));
    send({ type: 'queue.suspend' });
    send(seek(103));
    send({ type: 'queue.resume' });
    expect([state(), pulled()]).toEqual(['pulling', [100, 103]]);
  });

  it.each([
    ['resolved', 'resolvingOffset', () => start()],
    [
      'asked again',
      'backingOff',
      async () => {
        const world = start();
        world.lastStart().reject(lost);
        await turn();
        return world;
      },
    ],
  ] as const)('before the start is %s needs it no more', async (_, name, way) => {
    const { send, state, told, pulled, port, clock } = await way();
    expect(state()).toBe(name);
    told();
    const { log, ticket } = aTicket();
    send(seek(70, ticket));
    expect([state(), pulled(), log, told()]).toEqual([
      'pulling',
      [70],
      ['done'],
      [{ type: 'pull.placed', offset: 70 }, corrected(undefined, 70)],
    ]);
    await clock.advance(60_000);
    expect(port.starts.map(({ signal }) => signal.aborted)).toEqual([name === 'resolvingOffset']);
  });

  function aPermit(kind: StartPermit['kind']) {
    const hand = { asked: 0, dismissed: 0, give: () => {} };
    const permit: StartPermit = {
      kind,
      request: onPermitted => {
        hand.asked++;
        hand.give = onPermitted;
      },
      dismiss: () => {
        hand.give = () => {};
        hand.dismissed++;
      },
    };
    return { hand, permit };
  }

  it.each([
    ['fence', 'waitingForHandover'],
    ['lock', 'locking'],
  ] as const)('waits for the %s, and takes the place of an earlier one', (kind, waiting) => {
    const { hand, permit } = aPermit(kind);
    const { send, state, pulled, port, told } = start({ permit });
    const [first, second] = [aTicket(), aTicket()];
    send(seek(60, first.ticket));
    send(seek(70, second.ticket));
    expect([state(), first.log, second.log]).toEqual([waiting, ['RMQ_COMMAND_REFUSED'], []]);
    hand.give();
    expect([state(), pulled(), second.log, port.starts]).toEqual(['pulling', [70], ['done'], []]);
    expect(told()).toEqual([{ type: 'pull.placed', offset: 70 }, corrected(undefined, 70)]);
  });

  it.each(['fence', 'lock'] as const)(
    'of a queue that was suspended before it ever started takes the %s, and pulls nothing',
    async kind => {
      const { hand, permit } = aPermit(kind);
      const { clock, send, state, pulled, owned } = start({ permit, suspended: true });
      const [first, second] = [aTicket(), aTicket()];
      send(seek(60, first.ticket));
      expect([state(), hand.asked]).toEqual(['preparing', 1]);
      send({ type: 'queue.suspend' });
      send(seek(70, second.ticket));
      hand.give();
      await clock.advance(60_000);
      expect([state(), owned.pulledTo, pulled()]).toEqual(['paused', 70, []]);
      expect([first.log, second.log]).toEqual([['RMQ_COMMAND_REFUSED'], ['done']]);
      send({ type: 'queue.resume' });
      expect([state(), pulled()]).toEqual(['pulling', [70]]);
    },
  );

  it('of such a queue waits for the former owner where there is no lock', async () => {
    const { clock, send, state, owned } = start({ suspended: true, settings: { handoverPause: 400 } });
    const { log, ticket } = aTicket();
    send(seek(70, ticket));
    await clock.advance(399);
    expect([state(), log]).toEqual(['preparing', []]);
    await clock.advance(1);
    expect([state(), owned.pulledTo, log]).toEqual(['paused', 70, ['done']]);
  });

  it('of such a queue goes on with the start when it is resumed meanwhile', () => {
    const { hand, permit } = aPermit('fence');
    const { send, state, pulled } = start({ permit, suspended: true });
    const { log, ticket } = aTicket();
    send(seek(70, ticket));
    send({ type: 'queue.resume' });
    expect([state(), hand.asked, log]).toEqual(['waitingForHandover', 2, []]);
    hand.give();
    expect([state(), pulled(), log]).toEqual(['pulling', [70], ['done']]);
  });

  it('is not forgotten by a suspension before the start is permitted', () => {
    const { hand, permit } = aPermit('fence');
    const { send, state, owned } = start({ permit });
    const { log, ticket } = aTicket();
    send(seek(70, ticket));
    send({ type: 'queue.suspend' });
    expect([state(), hand.asked]).toEqual(['preparing', 2]);
    hand.give();
    expect([state(), owned.pulledTo, log]).toEqual(['paused', 70, ['done']]);
  });

  it('while verifying waits until it is known that the queue is still ours', async () => {
    const { send, state, owned, lastRead, told, port } = await pulling();
    const { log, ticket } = aTicket();
    send({ type: 'queue.verify' });
    send(seek(70, ticket));
    expect([owned.pulledTo, log]).toEqual([100, []]);
    lastRead().resolve(at(300));
    await turn();
    expect([state(), owned.pulledTo, log, port.withheld]).toEqual(['paused', 70, ['done'], [true, false]]);
    expect(told()).toEqual([{ type: 'pull.verified' }, corrected(300, 70)]);
  });

  it('that waits is refused when the queue is given up', () => {
    const { permit } = aPermit('fence');
    const { send } = start({ permit });
    const { log, ticket } = aTicket();
    send(seek(70, ticket));
    send({ type: 'queue.revoke' });
    expect(log).toEqual(['RMQ_QUEUE_NOT_OWNED']);
  });
});

describe('the requests of one minute', () => {
  async function pullsInAMinute(script: (pull: Pull, count: number) => PullAnswer, random = 0.5) {
    const { clock, port } = await pulling({ settings: { random: () => random } });
    let count = 0;
    port.script = pull => script(pull, ++count);
    port.correct = async () => {};
    port.pulls[0]?.answer(none(100, false));
    for (let i = 0; i < 600; i++) {
      await clock.advance(100);
      for (let turns = 0; turns < 4; turns++) await turn(); // a hot loop needs no time, only turns
    }
    return port.pulls.length;
  }

  it.each<[string, number, (pull: Pull, count: number) => PullAnswer]>([
    ['that are answered empty at once', 60, () => none(100, false)],
    ['that always fail', 60, () => failed],
    ['that are refused', 15, () => ({ kind: 'failed', error: refused })],
    ['that find nothing without advancing', 60, ({ offset }) => foundMessages([], offset)],
    ['that are sent backwards', 60, () => foundMessages([], 3)],
    ['that are corrected to where they are', 60, ({ offset }) => moved(offset)],
    ['that are corrected to and fro', 60, (_, count) => moved(count % 2)],
    ['that fail and stand still in turn', 60, (_, count) => (count % 2 === 0 ? failed : none(100, false))],
  ])('%s stay few', async (_, most, script) => {
    expect(await pullsInAMinute(script)).toBeLessThanOrEqual(most);
  });

  it('stay below twenty a second also with the worst of luck', async () => {
    expect(await pullsInAMinute(() => failed, 0)).toBeLessThanOrEqual(1201);
  });
});

describe('the end of a queue', () => {
  type World = Awaited<ReturnType<typeof pulling>>;
  const ways: Readonly<Record<string, () => Promise<World> | World>> = {
    waitingForHandover: () => start({ settings: { handoverPause: 400 } }),
    locking: () => start({ permit: { kind: 'lock', request: () => {}, dismiss: () => {} } }),
    resolvingOffset: () => start(),
    pulling: () => pulling(),
    pacing: async () => answered(await pulling({ settings: { pullInterval: 30 } }), found(100, 101)),
    throttled: async () => answered(await pulling(), found(100, 120)),
    backingOff: async () => answered(await pulling(), failed),
    rereading: async () => answered(await pulling(), damaged(100, 101)),
    halted: async () => answered(await pulling({ settings: { maxRereads: 0 } }), damaged(100, 101)),
    correcting: async () => answered(await pulling(), moved(500)),
    judging: async () => {
      const world = await pulling({ settings: { maxRereads: 0 } });
      world.port.judge = () => new Promise(() => {});
      return answered(world, damaged(100, 101));
    },
    paused: () => start({ suspended: true }),
    preparing: () => {
      const world = start({ suspended: true, settings: { handoverPause: 400 } });
      world.send({ type: 'queue.seek', offset: at(70), reason: 'seek' });
      return world;
    },
    verifying: async () => {
      const world = await pulling();
      world.send({ type: 'queue.verify' });
      return world;
    },
  };
  function answered(world: World, outcome: PullAnswer): World {
    world.answer(outcome);
    return world;
  }

  it.each(Object.entries(ways))(
    'while %s leaves no timer, aborts what was asked, and writes nothing more',
    async (name, way) => {
      const { actor, clock, port, send, state, owned, pulled } = await way();
      expect(JSON.stringify(state())).toContain(name);
      const before = { pulled: pulled(), count: owned.count };
      send({ type: 'queue.revoke' });
      expect([state(), actor.getSnapshot().status, clock.pending]).toEqual(['revoked', 'done', 0]);
      for (const { answer } of port.pulls) answer(found(100, 105));
      for (const call of [...port.starts, ...port.reads, ...port.corrections]) {
        if (name === 'resolvingOffset' || name === 'verifying' || name === 'correcting')
          expect(port.pulls.length > 0 || call.signal.aborted).toBe(true);
      }
      await clock.advance(60_000);
      expect({ pulled: pulled(), count: owned.count }).toEqual(before);
    },
  );

  it.each(Object.entries(ways))('stopped by force while %s leaves no timer either', async (_, way) => {
    const { actor, clock, pulled } = await way();
    const before = pulled();
    actor.stop();
    expect(clock.pending).toBe(0);
    await clock.advance(60_000);
    expect(pulled()).toEqual(before);
  });

  it('takes back the pull that may still wait for a connection, once', async () => {
    const { port, send } = await pulling();
    send({ type: 'queue.revoke' });
    expect(port.withdrawn).toBe(1);
    const suspended = start({ suspended: true });
    suspended.send({ type: 'queue.revoke' });
    expect(suspended.port.withdrawn).toBe(0);
  });

  it('drops the batch that was on the wire without taking it in', async () => {
    const { answer, send, owned, commits, told } = await pulling();
    send({ type: 'queue.revoke' });
    answer(found(100, 105));
    expect([owned.count, owned.pulledTo, commits.told, told()]).toEqual([0, 100, [], []]);
  });

  it('hands a fault of its own to the parent and lives on', async () => {
    const { send, told, state } = await pulling();
    const fault = { type: 'fault', error: lost, actor: 'pull' } as const;
    send(fault);
    expect([state(), told()]).toEqual(['pulling', [fault]]);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
