// SPDX-License-Identifier: Apache-2.0
/** Does a connection dial, greet, serve, back off and end as its chart says? The network is in the test's hand. */
import { describe, expect, it } from 'vitest';
import { createActor, type EventObject, fromCallback } from 'xstate';
import { BrokerError, type RocketmqError } from '../../src/errors/errors.ts';
import type { LinkInput } from '../../src/machines/connection/connection.actors.ts';
import {
  type ConnectionMachine,
  connectionMachine,
} from '../../src/machines/connection/connection.machine.ts';
import type {
  ConnectionInput,
  ConnectionReport,
  ConnectionRole,
  Greet,
} from '../../src/machines/connection/connection.types.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { OnOutcome } from '../../src/transport/call.ts';
import { defaultLimits } from '../../src/transport/limits.ts';
import { Line } from '../../src/transport/line.ts';
import { FakeDialer } from '../support/fake-dialer.ts';
import { http2Settings } from '../support/fake-peer.ts';
import { anAddress, aRequest, Outcomes } from '../support/transport-kit.ts';

const heartbeatCode = 34;

/** The greeting of a broker: one request, whose failure code fails it. */
const heartbeatFirst: Greet = caller =>
  new Promise((resolve, reject) => {
    const onOutcome: OnOutcome = outcome => {
      if (outcome.kind === 'failed') reject(outcome.error);
      else if (outcome.frame.code === 0) resolve();
      else reject(new BrokerError('RMQ_NO_PERMISSION', 'refused', { responseCode: 16, remark: undefined }));
    };
    caller.call(opaque => encodeFrame({ code: heartbeatCode, opaque }), 3000, 'heartbeat', onOutcome);
  });

const noGreeting: Greet = () => Promise.resolve();

interface Options {
  readonly role?: ConnectionRole;
  readonly greet?: Greet;
  readonly random?: () => number;
  readonly scope?: AbortSignal;
  readonly onReport?: (report: ConnectionReport) => void;
  readonly machine?: ConnectionMachine;
}

function connection(options: Options = {}) {
  const clock = new TestClock();
  const dialer = new FakeDialer(clock);
  dialer.onFrame = (frame, socket) => socket.answer(frame);
  const faults: RocketmqError[] = [];
  const line = new Line({
    address: anAddress,
    clock,
    limits: defaultLimits,
    onServerRequest: () => false,
    onFault: error => faults.push(error),
  });
  const reports: ConnectionReport[] = [];
  const parent = {
    send: (report: ConnectionReport): void => {
      reports.push(report);
      options.onReport?.(report);
    },
  };
  const { role = 'broker', greet = heartbeatFirst, random = () => 0.5 } = options;
  const input: ConnectionInput = {
    address: anAddress,
    role,
    line,
    dialer,
    greet,
    clock,
    random,
    parent,
    limits: defaultLimits,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
  };
  const actor = createActor(options.machine ?? connectionMachine, { input, clock });
  const outcomes = new Outcomes();
  const call = (name: string, timeoutMs = 30_000): void =>
    line.call(aRequest, timeoutMs, name, outcomes.of(name));
  const state = (): unknown => actor.getSnapshot().value;
  const told = (): readonly string[] =>
    reports.map(report =>
      report.type === 'connection.ready' ? 'ready' : `${report.type} ${report.error.code}`,
    );
  return { actor, clock, dialer, line, reports, faults, outcomes, call, state, told };
}

type Connection = ReturnType<typeof connection>;

/** Time passes, and what was dialled by then is dialled, greeted and answered. */
async function pass(clock: TestClock, ms: number): Promise<void> {
  await clock.advance(ms);
  for (let turns = 0; turns < 5; turns += 1) await clock.flush();
}

async function ready(options: Options = {}): Promise<Connection> {
  const made = connection(options);
  made.actor.start();
  await pass(made.clock, 0);
  expect(made.state()).toEqual({ linked: 'ready' });
  return made;
}

/** Nothing that would keep the process alive, and nobody left waiting. */
function expectNothingLeft({ clock, dialer, line, outcomes }: Connection, calls: number): void {
  expect(dialer.openSockets).toBe(0);
  expect(clock.pending).toBe(0);
  expect([line.waitingCalls, line.pendingCalls]).toEqual([0, 0]);
  expect(outcomes.seen).toHaveLength(calls);
}

describe('a new connection', () => {
  it('is dialled, greeted, reported ready, and used', async () => {
    const { reports, line, dialer, call, outcomes, clock } = await ready();
    expect(reports).toEqual([{ type: 'connection.ready', address: anAddress, role: 'broker' }]);
    expect(line.isOpen).toBe(true);
    call('pull');
    await clock.flush();
    expect(outcomes.seen).toEqual(['pull: code 0']);
    expect(dialer.dials).toHaveLength(1);
  });

  it('lets no request precede the greeting, on the first connection and on each later one', async () => {
    const made = connection();
    made.call('early');
    made.actor.start();
    made.call('while dialling');
    await made.clock.flush();
    expect(made.state()).toEqual({ linked: 'greeting' });
    made.call('while greeting');
    expect(made.dialer.socket.frames.map(frame => frame.code)).toEqual([heartbeatCode]);
    await made.clock.flush();
    made.dialer.socket.drop();
    made.call('after the loss');
    await pass(made.clock, 200);
    expect(made.dialer.sockets.map(socket => socket.frames.map(frame => frame.code))).toEqual([
      [heartbeatCode, 11, 11, 11],
      [heartbeatCode, 11],
    ]);
  });

  it('to a name server needs no greeting', async () => {
    const { dialer } = await ready({ role: 'nameServer', greet: noGreeting });
    expect(dialer.socket.frames).toEqual([]);
  });
});

describe('a failing dial', () => {
  it('is reported lost once with role and error, and failed at each try', async () => {
    const made = connection();
    made.dialer.plan = 'refuse';
    made.actor.start();
    await made.clock.advance(1000);
    const [first, ...rest] = made.reports;
    expect(first).toMatchObject({
      type: 'connection.lost',
      role: 'broker',
      address: anAddress,
      error: { code: 'RMQ_CONNECT_FAILED', message: `connect to ${anAddress} failed: ECONNREFUSED` },
    });
    expect(rest.map(report => report.type === 'connection.failed' && report.attempt)).toEqual([1, 2, 3, 4]);
    expect(made.state()).toBe('backingOff');
    expect(made.actor.getSnapshot().hasTag('backingOff')).toBe(true);
  });

  it('is repeated with growing pauses: at most 3 s for a minute, then 10 s; no hot loop in 10 minutes of refusal', async () => {
    const made = connection({ random: () => 1 - 2 ** -53 });
    made.dialer.plan = 'refuse';
    made.actor.start();
    await made.clock.advance(600_000);
    const at = made.dialer.dials.map(dial => dial.at);
    const pauses = at.slice(1).map((time, i) => time - (at[i] ?? 0));
    expect(pauses.slice(0, 6)).toEqual([200, 400, 800, 1600, 3000, 3000]);
    expect(pauses.slice(-3)).toEqual([10_000, 10_000, 10_000]);
    expect(made.dialer.dials.length).toBe(78);

    const unlucky = connection({ random: () => 0 });
    unlucky.dialer.plan = 'refuse';
    unlucky.actor.start();
    await unlucky.clock.advance(60_000);
    expect(unlucky.dialer.dials.length).toBeLessThanOrEqual(1201);
  });

  it('succeeds as soon as the peer is back; the next outage starts with short pauses once it was stable', async () => {
    const made = connection();
    made.dialer.plan = 'refuse';
    made.actor.start();
    await made.clock.advance(30_000);
    made.dialer.plan = 'accept';
    await pass(made.clock, 1500);
    expect(made.told().at(-1)).toBe('ready');
    await made.clock.advance(defaultLimits.stableAfterMs);
    const lostAt = made.clock.now();
    made.dialer.socket.drop();
    await pass(made.clock, 200);
    expect(made.dialer.dials.at(-1)?.at).toBe(lostAt + 100);
  });

  it('that never ends is given up', async () => {
    const made = connection();
    made.dialer.plan = 'hang';
    made.actor.start();
    await made.clock.advance(defaultLimits.dialTimeoutMs + 500);
    expect(made.told()).toEqual([
      'connection.lost RMQ_CONNECT_FAILED',
      'connection.failed RMQ_CONNECT_FAILED',
    ]);
    expect(made.state()).toBe('backingOff');
  });

  it('tells calls that wait in vain why', async () => {
    const made = connection();
    made.dialer.plan = 'refuse';
    made.actor.start();
    made.call('route of orders', 1000);
    await made.clock.advance(1000);
    expect(made.outcomes.seen).toEqual(['route of orders: RMQ_REQUEST_TIMEOUT']);
    expect(made.outcomes.errors[0]?.cause).toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
  });
});

describe('a failing greeting', () => {
  it('by refusal hangs up and backs off with its error', async () => {
    const made = connection();
    made.dialer.onFrame = (frame, socket) => socket.answer(frame, { code: 16 });
    made.actor.start();
    made.call('pull');
    await pass(made.clock, 0);
    expect(made.told()).toEqual(['connection.lost RMQ_NO_PERMISSION', 'connection.failed RMQ_NO_PERMISSION']);
    expect([made.dialer.openSockets, made.line.isOpen, made.line.waitingCalls]).toEqual([0, false, 1]);
  });

  it('by refusal again is repeated every 30 s: only an administrator can change that', async () => {
    const made = connection({ greet: heartbeatFirst });
    made.dialer.onFrame = (frame, socket) => socket.answer(frame, { code: 16 });
    made.actor.start();
    for (const ms of [0, 500, 0]) await pass(made.clock, ms);
    expect(made.dialer.dials.length).toBe(2);
    await pass(made.clock, 29_000);
    expect(made.dialer.dials.length).toBe(2);
    await pass(made.clock, 1000);
    expect(made.dialer.dials.length).toBe(3);
  });

  it('by silence ends at the time limit of the chart, whatever the greeting itself waits for', async () => {
    const made = connection({ greet: () => new Promise(() => {}) });
    made.actor.start();
    await made.clock.advance(defaultLimits.greetTimeoutMs);
    expect(made.told()).toEqual([
      'connection.lost RMQ_REQUEST_TIMEOUT',
      'connection.failed RMQ_REQUEST_TIMEOUT',
    ]);
    expect(made.dialer.openSockets).toBe(0);
  });

  it('by a broken connection is reported once, and its late end changes nothing', async () => {
    let rejectGreeting: (error: Error) => void = () => {};
    const made = connection({
      greet: () =>
        new Promise((_, reject) => {
          rejectGreeting = reject;
        }),
    });
    made.actor.start();
    await made.clock.flush();
    made.dialer.socket.drop(new Error('read ECONNRESET'));
    rejectGreeting(new Error('late'));
    await made.clock.flush();
    expect(made.told()).toEqual([
      'connection.lost RMQ_CONNECTION_LOST',
      'connection.failed RMQ_CONNECTION_LOST',
    ]);
  });

  it('at a port that speaks HTTP/2 says what to dial instead', async () => {
    const made = connection();
    made.dialer.onFrame = (_frame, socket) => socket.receive(http2Settings);
    made.actor.start();
    await pass(made.clock, 0);
    const [lost] = made.reports;
    expect(
      lost?.type === 'connection.lost' && [lost.error.code, lost.error.hint, lost.error.message],
    ).toEqual(['RMQ_NOT_REMOTING', expect.stringContaining('9876'), expect.stringContaining(anAddress)]);
  });
});

describe('a lost connection', () => {
  it('is reported, its calls fail once, and it comes back by itself', async () => {
    const made = await ready();
    made.dialer.onFrame = () => {};
    made.call('pull');
    made.dialer.socket.drop(new Error('read ECONNRESET'));
    made.dialer.onFrame = (frame, socket) => socket.answer(frame);
    expect(made.outcomes.seen).toEqual(['pull: RMQ_CONNECTION_LOST']);
    await pass(made.clock, 1000);
    expect(made.told()).toEqual(['ready', 'connection.lost RMQ_CONNECTION_LOST', 'ready']);
    expect(made.dialer.dials).toHaveLength(2);
    expect(made.outcomes.seen).toHaveLength(1);
  });

  it('that breaks again before it was stable keeps backing off further', async () => {
    const made = await ready({ random: () => 1 - 2 ** -53 });
    for (let i = 0; i < 5; i += 1) {
      made.dialer.socket.drop();
      await pass(made.clock, 3000);
    }
    const at = made.dialer.dials.map(dial => dial.at);
    expect(at.slice(1).map((time, i) => time - 3000 * i)).toEqual([200, 400, 800, 1600, 3000]);
    expect(made.told().filter(text => text.startsWith('connection.lost'))).toHaveLength(5);
  });

  it('of garbage is reported with its typed error', async () => {
    const made = await ready();
    made.dialer.socket.receive(Buffer.alloc(16, 0xff));
    expect(made.told().at(-1)).toBe('connection.lost RMQ_BAD_FRAME');
    expect(made.dialer.openSockets).toBe(0);
  });

  it('whose peer is deaf is hung up on and dialled again', async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    made.call('pull', 30_000);
    await made.clock.advance(30_000);
    expect(made.outcomes.seen).toEqual(['pull: RMQ_REQUEST_TIMEOUT']);
    expect(made.told().at(-1)).toBe('connection.lost RMQ_CONNECTION_LOST');
    await pass(made.clock, 1000);
    expect(made.told().at(-1)).toBe('ready');
  });
});

describe('a peer that goes away (GO_AWAY)', () => {
  const goAway = 1500;

  it('may still answer what it has taken; what it refused fails once, what comes after waits for the next connection', async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    made.call('held');
    made.call('refused');
    made.dialer.socket.answer({ opaque: 2 }, { code: goAway });
    expect([made.state(), made.line.isOpen]).toEqual([{ linked: 'leaving' }, false]);
    made.call('after');
    await made.clock.flush();
    expect(made.dialer.socket.frames).toHaveLength(3); // greeting, held, refused
    made.dialer.socket.answer({ opaque: 1 });
    expect(made.outcomes.seen).toEqual(['refused: RMQ_CONNECTION_LOST', 'held: code 0']);
    expect(made.state()).toBe('backingOff');
    await pass(made.clock, 1000);
    expect(made.outcomes.seen.slice(2)).toEqual(['after: code 0']);
    expect(made.told()).toEqual(['ready', 'connection.lost RMQ_CONNECTION_LOST', 'ready']);
    expect(made.outcomes.errors[0]?.message).toContain('10.0.0.1:10911 goes away (1500 GO_AWAY)');
    expect(made.dialer.openSockets).toBe(1);
  });

  it('is not waited for longer than the limit of draining', async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    made.call('held');
    made.call('refused');
    made.dialer.socket.answer({ opaque: 2 }, { code: goAway });
    await made.clock.advance(defaultLimits.drainTimeoutMs);
    expect(made.outcomes.seen).toEqual(['refused: RMQ_CONNECTION_LOST', 'held: RMQ_CONNECTION_LOST']);
    await pass(made.clock, 1000);
    expect(made.state()).toEqual({ linked: 'ready' });
  });

  it('at once and always is dialled ever more slowly, be it that it refuses the greeting', async () => {
    const made = connection({ random: () => 1 - 2 ** -53 });
    made.dialer.onFrame = (frame, socket) => socket.answer(frame, { code: goAway });
    made.actor.start();
    for (let i = 0; i < 30; i += 1) await pass(made.clock, 1000);
    expect(made.dialer.dials.length).toBeLessThan(16);
    expect(made.dialer.openSockets).toBeLessThan(2);
    expect(made.faults).toEqual([]);
  });

  it('is left at once when we close meanwhile', async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    made.call('held');
    made.call('refused');
    made.dialer.socket.answer({ opaque: 2 }, { code: goAway });
    made.actor.send({ type: 'connection.close' });
    expect(made.state()).toBe('closed');
    await made.clock.flush();
    expectNothingLeft(made, 2);
  });
});

describe('closing', () => {
  it('an idle connection ends at once', async () => {
    const made = await ready();
    made.actor.send({ type: 'connection.close' });
    expect([made.state(), made.actor.getSnapshot().status]).toEqual(['closed', 'done']);
    expect(made.line.isClosed).toBe(true);
    expectNothingLeft(made, 0);
  });

  it('a busy one refuses new calls, lets pending ones end, then ends', async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    made.call('pending');
    made.actor.send({ type: 'connection.close' });
    made.actor.send({ type: 'connection.close' });
    expect(made.actor.getSnapshot().hasTag('draining')).toBe(true);
    made.call('refused');
    await made.clock.flush();
    made.dialer.socket.answer({ opaque: 1 });
    expect(made.outcomes.seen).toEqual(['refused: RMQ_CONNECTION_LOST', 'pending: code 0']);
    expect(made.state()).toBe('closed');
    expectNothingLeft(made, 2);
  });

  it('does not wait longer than its limit, nor for a connection that breaks', async () => {
    const slow = await ready();
    slow.dialer.socket.onFrame = () => {};
    slow.call('pull');
    slow.actor.send({ type: 'connection.close' });
    await slow.clock.advance(defaultLimits.drainTimeoutMs);
    expect([slow.state(), slow.outcomes.seen]).toEqual(['closed', ['pull: RMQ_CONNECTION_LOST']]);
    expectNothingLeft(slow, 1);

    const broken = await ready();
    broken.dialer.socket.onFrame = () => {};
    broken.call('pull');
    broken.actor.send({ type: 'connection.close' });
    broken.dialer.socket.drop();
    expect(broken.state()).toBe('closed');
    expectNothingLeft(broken, 1);
    expect(broken.told()).toEqual(['ready']);
  });
});

/** Brings an actor into each of its states, with one call made where calls can be made. */
const situations: Readonly<Record<string, () => Promise<Connection>>> = {
  dialing: async () => {
    const made = connection();
    made.dialer.plan = 'hang';
    made.actor.start();
    await made.clock.flush();
    expect(made.state()).toEqual({ linked: 'dialing' });
    return made;
  },
  greeting: async () => {
    const made = connection();
    made.dialer.onFrame = () => {};
    made.actor.start();
    await made.clock.flush();
    expect(made.state()).toEqual({ linked: 'greeting' });
    return made;
  },
  ready: async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    return made;
  },
  leaving: async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    for (const name of ['held', 'refused']) made.line.call(aRequest, 30_000, name, () => {});
    made.dialer.socket.answer({ opaque: 2 }, { code: 1500 });
    expect(made.state()).toEqual({ linked: 'leaving' });
    return made;
  },
  draining: async () => {
    const made = await ready();
    made.dialer.socket.onFrame = () => {};
    made.line.call(aRequest, 30_000, 'pending', () => {});
    made.actor.send({ type: 'connection.close' });
    expect(made.state()).toEqual({ linked: 'draining' });
    return made;
  },
  backingOff: async () => {
    const made = connection();
    made.dialer.plan = 'refuse';
    made.actor.start();
    await made.clock.flush();
    expect(made.state()).toBe('backingOff');
    return made;
  },
  closed: async () => {
    const made = await ready();
    made.actor.send({ type: 'connection.close' });
    return made;
  },
};

describe.each(Object.entries(situations))('a hard stop while %s', (_, situation) => {
  it('leaves no socket, no timer and no waiting call, and tells nobody', async () => {
    const made = await situation();
    made.call('unlucky');
    const reported = made.reports.length;
    made.actor.stop();
    await made.clock.flush();
    expect(made.outcomes.seen).toEqual(['unlucky: RMQ_CONNECTION_LOST']);
    await made.clock.advance(60_000);
    expectNothingLeft(made, 1);
    expect(made.reports).toHaveLength(reported);
  });
});

describe('the scope', () => {
  it.each(['dialing', 'greeting', 'ready', 'backingOff'])(
    'that ends while %s closes everything at once',
    async name => {
      const scope = new AbortController();
      const made = connection({ scope: scope.signal });
      made.dialer.plan = name === 'backingOff' ? 'refuse' : name === 'dialing' ? 'hang' : 'accept';
      made.actor.start();
      await made.clock.flush();
      if (name === 'ready') await pass(made.clock, 0);
      made.call('unlucky');
      scope.abort();
      await made.clock.flush();
      expect(made.state()).toBe('closed');
      expectNothingLeft(made, 1);
      expect(made.line.isClosed).toBe(true);
    },
  );

  it('cleans up after an actor that crashed', async () => {
    const scope = new AbortController();
    let chance = (): number => 0.5;
    const made = await ready({ scope: scope.signal, random: () => chance() });
    made.actor.subscribe({ error: () => scope.abort() });
    made.call('pull');
    chance = () => {
      throw new Error('no chance');
    };
    made.dialer.socket.drop();
    expect(made.actor.getSnapshot().status).toBe('error');
    await made.clock.advance(60_000);
    expectNothingLeft(made, 1);
    expect(made.line.isClosed).toBe(true);
  });

  it('that has ended before the start lets nothing begin', async () => {
    const made = connection({ scope: AbortSignal.abort() });
    made.actor.start();
    await made.clock.advance(60_000);
    expect(made.state()).toBe('closed');
    expectNothingLeft(made, 0);
  });
});

it('a parent that throws is told of its fault, and the connection goes on', async () => {
  let angry = true;
  const made = connection({
    onReport: report => {
      if (!angry || report.type === 'fault') return;
      angry = false;
      throw new Error('boom');
    },
  });
  made.actor.start();
  await pass(made.clock, 0);
  expect(made.told()).toEqual(['ready', 'fault RMQ_INTERNAL']);
  expect(made.state()).toEqual({ linked: 'ready' });
});

describe('a defect in an effect', () => {
  function broken<Input>() {
    return fromCallback<EventObject, Input>(() => {
      throw new Error('a defect');
    });
  }
  const options = { greet: noGreeting };

  it('of the link counts as a failed try', async () => {
    const made = connection({
      ...options,
      machine: connectionMachine.provide({ actors: { link: broken<LinkInput>() } }),
    });
    made.actor.start();
    await made.clock.flush();
    expect(made.told()).toEqual(['connection.lost RMQ_INTERNAL', 'connection.failed RMQ_INTERNAL']);
    expect(made.state()).toBe('backingOff');
  });

  it('of draining ends the connection without waiting', async () => {
    const made = await ready({
      ...options,
      machine: connectionMachine.provide({ actors: { drain: broken<{ readonly line: Line }>() } }),
    });
    made.actor.send({ type: 'connection.close' });
    await made.clock.flush();
    expect([made.told(), made.state()]).toEqual([['ready', 'fault RMQ_INTERNAL'], 'closed']);
    expectNothingLeft(made, 0);
  });

  it('of the keeper of the line ends the connection, loudly', async () => {
    const made = connection({
      ...options,
      machine: connectionMachine.provide({
        actors: { lineKeeper: broken<Pick<ConnectionInput, 'line' | 'scope'>>() },
      }),
    });
    made.actor.start();
    await made.clock.flush();
    expect([made.told(), made.state()]).toEqual([['fault RMQ_INTERNAL'], 'closed']);
    expectNothingLeft(made, 0);
  });
});

it('a line knows our address on its connection, as soon as there is one', async () => {
  const made = connection();
  expect(made.line.localAddress).toBeUndefined();
  made.actor.start();
  await pass(made.clock, 0);
  expect(made.line.localAddress).toBe('127.0.0.1');
});
