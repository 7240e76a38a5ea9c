// SPDX-License-Identifier: Apache-2.0
/** A peer that accepts, refuses, hangs, garbles, drops and goes away as it likes: has every call one end, and is there one socket at most? */
import { createActor } from 'xstate';
import { BrokerError } from '../../../src/errors/errors.ts';
import { connectionMachine } from '../../../src/machines/connection/connection.machine.ts';
import type { ConnectionReport } from '../../../src/machines/connection/connection.types.ts';
import { encodeFrame, type Frame } from '../../../src/protocol/frame.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import type { Caller } from '../../../src/transport/call.ts';
import { defaultLimits } from '../../../src/transport/limits.ts';
import { Line } from '../../../src/transport/line.ts';
import { FakeDialer, type FakeSocket } from '../fake-dialer.ts';
import { anAddress, aRequest } from '../transport-kit.ts';
import { type Chance, defineRace, type RaceWorld } from './race-kit.ts';

const greetingCode = 34;
const callCode = 11;
const goAwayCode = 1500;
/** Unit: ms. */
const callTimeout = 30_000;
/** Half of the first back-off: the jitter of these races is always one half. Unit: ms. */
const leastBackoff = 100;

type Kind = 'call' | 'dialing' | 'manner' | 'drop' | 'garbage' | 'leave' | 'close' | 'short' | 'long';

class ConnectionWorld implements RaceWorld<Kind> {
  readonly clock = new TestClock();
  readonly problems: string[] = [];
  readonly #chance: Chance;
  readonly #scope = new AbortController();
  readonly #dialer = new FakeDialer(this.clock);
  readonly #line: Line;
  readonly #actor;
  /** How often each call ended. */
  readonly #calls: number[] = [];
  /** Sockets whose greeting was answered with success. */
  readonly #greeted = new Set<FakeSocket>();
  /** What the peer does with requests. */
  #manner: 'answering' | 'mute' | 'refusing' = 'answering';
  #isReady = false;
  #dials = 0;
  #failedAt: number | undefined;
  #state = '';

  constructor(chance: Chance) {
    this.#chance = chance;
    const { clock } = this;
    const limits = defaultLimits;
    this.#dialer.onFrame = (frame, socket) => this.#asked(frame, socket);
    this.#line = new Line({
      ...{ address: anAddress, clock, limits, onServerRequest: () => false, onFault: () => {} },
    });
    this.#actor = createActor(connectionMachine, {
      clock,
      input: {
        ...{ address: anAddress, role: 'broker', line: this.#line, clock, limits, random: () => 0.5 },
        dialer: { dial: (...args) => this.#dial(...args) },
        greet: caller => this.#greet(caller),
        parent: { send: report => this.#hear(report) },
        scope: this.#scope.signal,
      },
    });
    this.#actor.subscribe({
      next: ({ value }) => {
        this.#state = typeof value === 'string' ? value : Object.values(value).join();
      },
      error: error => this.problems.push(`it died of ${String(error)}`),
    });
    this.#actor.start();
  }

  take(kind: Kind, dice = 0): unknown {
    switch (kind) {
      case 'call':
        return this.#call();
      case 'dialing':
        this.#dialer.plan = (['accept', 'refuse', 'hang'] as const)[dice % 3] ?? 'accept';
        return undefined;
      case 'manner':
        this.#manner = (['answering', 'mute', 'refusing'] as const)[dice % 3] ?? 'answering';
        return undefined;
      case 'drop':
        return this.#newest()?.drop();
      case 'garbage':
        return this.#newest()?.receive(Buffer.from([0, 0, 0, 1, 255, 255, 255, 255, 7]));
      case 'leave':
        return this.#goAway();
      case 'close':
        return this.#state === 'closed' ? undefined : this.#actor.send({ type: 'connection.close' });
      case 'short':
        return this.clock.advance([20, 120, 450, 1000][dice % 4] ?? 0);
      case 'long':
        return this.clock.advance([3500, 12_000, callTimeout + 1000][dice % 3] ?? 0);
    }
  }

  async finish(dice: number): Promise<string> {
    await this.#prelude(dice % 12);
    const before = this.#state;
    const isOver = before === 'closed';
    const waiting = this.#calls.filter(ends => ends === 0).length;
    if (isOver) return this.#left('closed before');
    if (dice % 5 === 0) return this.#stop(`hard stop in ${before}`);
    if (dice % 5 === 1) {
      this.#scope.abort();
      return this.#left(`end of the scope in ${before}`);
    }
    if (dice % 5 === 2) return this.#stop(await this.#calm());
    this.take('close');
    for (let i = 0; i < 8; i++) await this.#chance.arrive();
    const wasDrained = this.#state === 'closed';
    await this.clock.advance(defaultLimits.drainTimeoutMs + 100);
    if (this.#state !== 'closed') this.problems.push(`told to close it is in ${this.#state}`);
    if (before !== 'ready') return this.#left(`closed in ${before}`);
    const how = waiting === 0 ? 'nothing to drain' : wasDrained ? 'drained' : 'drain timed out';
    return this.#left(`closed in ready, ${how}`);
  }

  /** Into states that last a moment only: a greeting, a peer that goes away, calls that still may end. */
  async #prelude(which: number): Promise<void> {
    if (which > 5) return;
    this.#manner = 'mute';
    if (which < 2) this.take('drop');
    else this.#call();
    if (which === 2 || which === 3) this.#goAway();
    if (which > 3) this.take('close');
    if (which < 2) await this.clock.advance(leastBackoff);
    await this.#chance.arrive();
  }

  /** A peer that does everything right is found again. */
  async #calm(): Promise<string> {
    this.#dialer.plan = 'accept';
    this.#manner = 'answering';
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 5; j++) await this.#chance.arrive();
      await this.clock.advance(2000);
    }
    if (this.#state === 'closed' || this.#state === 'draining') return 'closed before';
    if (this.#state !== 'ready') this.problems.push(`before a good peer it is in ${this.#state}`);
    if (this.#calls.includes(0)) this.problems.push('a call before a good peer never ended');
    return 'still ready';
  }

  #stop(end: string): Promise<string> {
    this.#actor.stop();
    return this.#left(end);
  }

  async #left(end: string): Promise<string> {
    await this.#chance.exhaust(this.clock);
    const dials = this.#dials;
    await this.clock.advance(2 * callTimeout);
    if (this.#dials > dials) this.problems.push('dialled after its end');
    if (this.#dialer.openSockets > 0) this.problems.push(`${this.#dialer.openSockets} sockets left`);
    if (this.clock.pending > 0) this.problems.push(`${this.clock.pending} timers left`);
    const unended = this.#calls.filter(ends => ends !== 1);
    if (unended.length > 0) this.problems.push(`${unended.length} calls did not end once: ${unended}`);
    return end;
  }

  #call(): void {
    const index = this.#calls.push(0) - 1;
    this.#line.call(aRequest, callTimeout, 'pull', () => {
      this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    });
  }

  #dial(...[address, handlers, options]: Parameters<FakeDialer['dial']>): ReturnType<FakeDialer['dial']> {
    const now = this.clock.now();
    if (this.#dialer.openSockets > 0) this.problems.push('dialled beside an open socket');
    if (this.#failedAt !== undefined && now - this.#failedAt < leastBackoff)
      this.problems.push(`dialled ${now - this.#failedAt} ms after a failure`);
    this.#dials++;
    if (this.#dialer.plan === 'hang') return this.#dialer.dial(address, handlers, options);
    return this.#chance.later('dial', () => {
      options.signal.throwIfAborted();
      return this.#dialer.dial(address, handlers, options);
    });
  }

  #greet(caller: Caller): Promise<void> {
    return new Promise((resolve, reject) => {
      const refused = new BrokerError('RMQ_BROKER_ERROR', 'no', { responseCode: 1, remark: undefined });
      caller.call(
        opaque => encodeFrame({ code: greetingCode, opaque }),
        3000,
        'greeting',
        outcome => {
          if (outcome.kind === 'failed') reject(outcome.error);
          else if (outcome.frame.code === 0) resolve();
          else reject(refused);
        },
      );
    });
  }

  #asked(frame: Frame, socket: FakeSocket): void {
    if (frame.code === callCode && !this.#greeted.has(socket))
      this.problems.push('a call was written before the greeting was answered');
    const manner = this.#manner;
    if (manner === 'mute') return;
    void this.#chance.later(`answer ${frame.code}`, () => {
      const isGreeted = frame.code === greetingCode && manner === 'answering';
      if (isGreeted && !socket.destroyed) this.#greeted.add(socket);
      socket.answer(frame, { code: manner === 'answering' ? 0 : 1 });
    });
  }

  /** As a broker of 5.x that is being stopped: it refuses the next call, and hangs up when it likes. */
  #goAway(): void {
    const socket = this.#newest();
    if (socket === undefined || !this.#greeted.has(socket)) return;
    const answer = this.#dialer.onFrame;
    socket.onFrame = frame => {
      socket.onFrame = each => answer(each, socket);
      socket.answer(frame, { code: goAwayCode, remark: 'going away' });
    };
    this.#call();
  }

  #newest(): FakeSocket | undefined {
    return this.#dialer.sockets.findLast(({ destroyed }) => !destroyed);
  }

  /** Ready and lost take turns; before the first ready one loss may be told. */
  #hear(report: ConnectionReport): void {
    switch (report.type) {
      case 'connection.ready':
        if (this.#isReady) this.problems.push('ready twice');
        this.#isReady = true;
        this.#failedAt = undefined;
        return;
      case 'connection.lost':
        if (!this.#isReady && this.#toldFirstLoss) this.problems.push('an outage was told as lost twice');
        this.#toldFirstLoss = true;
        this.#isReady = false;
        this.#failedAt = this.clock.now();
        return;
      case 'connection.failed':
        if (this.#isReady) this.problems.push('failed while ready');
        this.#failedAt = this.clock.now();
        return;
      case 'fault':
        this.problems.push(`a fault: ${report.error.message}`);
    }
  }

  #toldFirstLoss = false;
}

const states = ['dialing', 'greeting', 'ready', 'leaving', 'draining', 'backingOff'];

export const connectionRace = defineRace<Kind>({
  name: 'connection',
  ends: [
    ...['closed before', 'still ready'],
    ...['nothing to drain', 'drained', 'drain timed out'].map(how => `closed in ready, ${how}`),
    ...states.filter(state => state !== 'ready').map(state => `closed in ${state}`),
    ...states.flatMap(state => [`hard stop in ${state}`, `end of the scope in ${state}`]),
  ],
  weights: { call: 16, dialing: 4, manner: 6, drop: 4, garbage: 2, leave: 3, close: 1, short: 14, long: 4 },
  world: chance => new ConnectionWorld(chance),
});
