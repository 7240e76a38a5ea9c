// SPDX-License-Identifier: Apache-2.0
/** What does almost every transport test begin with? A line with a connection in the test's hand, and outcomes kept in a list. */
import type { RocketmqError } from '../../src/errors/errors.ts';
import type { Address } from '../../src/model/route.ts';
import { encodeFrame, type Frame, type OutgoingFrame } from '../../src/protocol/frame.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { CallOutcome, Encode } from '../../src/transport/call.ts';
import type { Channel } from '../../src/transport/channel.ts';
import { defaultLimits, type TransportLimits } from '../../src/transport/limits.ts';
import { Line } from '../../src/transport/line.ts';
import type { ServerRequestHandler } from '../../src/transport/server-requests.ts';
import { Switchboard } from '../../src/transport/switchboard.ts';
import { FakeSocket } from './fake-dialer.ts';

export const anAddress = '10.0.0.1:10911';

/** A request of code 11 without fields. */
export const aRequest: Encode = opaque => encodeFrame({ code: 11, opaque });

/** Outcomes in the order they came, as `name: code 0` or `name: RMQ_…`. */
export class Outcomes {
  readonly seen: string[] = [];
  readonly errors: RocketmqError[] = [];

  /** A new function for a call. */
  of(name: string): (outcome: CallOutcome) => void {
    return outcome => {
      if (outcome.kind === 'failed') this.errors.push(outcome.error);
      this.seen.push(
        `${name}: ${outcome.kind === 'failed' ? outcome.error.code : `code ${outcome.frame.code}`}`,
      );
    };
  }
}

export interface Kit {
  readonly clock: TestClock;
  readonly line: Line;
  readonly faults: RocketmqError[];
  readonly outcomes: Outcomes;
  /** A connection opened, not attached. */
  open(): Connected;
  /** A connection opened and attached. */
  connect(): Connected;
  /** A call of code 11, named in `outcomes`. Default time limit 3000 ms. */
  call(name: string, timeoutMs?: number): void;
}

export interface Connected {
  readonly channel: Channel;
  readonly socket: FakeSocket;
  /** Errors the channel closed with: at most one. */
  readonly closedWith: RocketmqError[];
}

export function kit(
  options: {
    readonly limits?: Partial<TransportLimits>;
    readonly onServerRequest?: ServerRequestHandler;
  } = {},
): Kit {
  const clock = new TestClock();
  const faults: RocketmqError[] = [];
  const outcomes = new Outcomes();
  const line = new Line({
    address: anAddress,
    clock,
    limits: { ...defaultLimits, ...options.limits },
    onServerRequest: options.onServerRequest ?? (() => false),
    onFault: error => faults.push(error),
  });
  const open = (): Connected => {
    const closedWith: RocketmqError[] = [];
    const channel = line.createChannel(error => closedWith.push(error));
    const socket = new FakeSocket(channel.handlers);
    channel.open(socket);
    return { channel, socket, closedWith };
  };
  const connect = (): Connected => {
    const connected = open();
    line.attach(connected.channel);
    return connected;
  };
  const call = (name: string, timeoutMs = 3000): void =>
    line.call(aRequest, timeoutMs, name, outcomes.of(name));
  return { clock, line, faults, outcomes, open, connect, call };
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}

export interface Exchange {
  readonly clock: TestClock;
  readonly switchboard: Switchboard;
  /** Everything asked, by address, in order. */
  readonly asked: { readonly address: Address; readonly frame: Frame }[];
  /** The connection of an address that is up. */
  connected(address: Address): Connected;
  readonly wanted: Address[];
}

/** What a peer answers; undefined: nothing at all. */
export type Answerer = (address: Address, frame: Frame) => Partial<OutgoingFrame> | undefined;

/** A switchboard whose lines are connected as soon as they are wanted, except those that `down` names; peers answer at once. */
export function exchange(answer: Answerer, down: readonly Address[] = []): Exchange {
  const clock = new TestClock();
  const asked: { readonly address: Address; readonly frame: Frame }[] = [];
  const connections = new Map<Address, Connected>();
  const wanted: Address[] = [];
  const switchboard = new Switchboard({
    clock,
    onWanted: (address, line) => {
      wanted.push(address);
      if (down.includes(address)) return;
      const closedWith: RocketmqError[] = [];
      const channel = line.createChannel(error => closedWith.push(error));
      const socket = new FakeSocket(channel.handlers);
      socket.onFrame = frame => {
        asked.push({ address, frame });
        const reply = answer(address, frame);
        if (reply !== undefined) socket.answer(frame, reply);
      };
      channel.open(socket);
      line.attach(channel);
      connections.set(address, { channel, socket, closedWith });
    },
  });
  const connected = (address: Address): Connected => {
    const connection = connections.get(address);
    if (connection === undefined) throw new Error(`${address} is not connected`);
    return connection;
  };
  return { clock, switchboard, asked, connected, wanted };
}
