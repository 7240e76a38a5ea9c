// SPDX-License-Identifier: Apache-2.0
/** Does the whole way hold over real sockets: machine, line, channel and TCP dialer against a peer that misbehaves? */
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { connectionMachine } from '../../src/machines/connection/connection.machine.ts';
import type { ConnectionReport } from '../../src/machines/connection/connection.types.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import type { Address } from '../../src/model/route.ts';
import { heartbeat } from '../../src/protocol/requests/heartbeat.ts';
import { maxOffset } from '../../src/protocol/requests/max-offset.ts';
import { defaultLimits, type TransportLimits } from '../../src/transport/limits.ts';
import type { Line } from '../../src/transport/line.ts';
import { ask } from '../../src/transport/request.ts';
import { Switchboard } from '../../src/transport/switchboard.ts';
import { tcpDialer } from '../../src/transport/tcp-dialer.ts';
import { agreeable, FakePeer, http2Settings, replyTo, silent } from '../support/fake-peer.ts';

/** The system's clock, with its armed timers counted. */
class CountingClock implements Clock {
  readonly #armed = new Set<unknown>();

  get armed(): number {
    return this.#armed.size;
  }

  now(): number {
    return systemClock.now();
  }

  wallNow(): number {
    return systemClock.wallNow();
  }

  setTimeout(fn: () => void, timeout: number): unknown {
    const id = systemClock.setTimeout(() => {
      this.#armed.delete(id);
      fn();
    }, timeout);
    this.#armed.add(id);
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#armed.delete(id);
    systemClock.clearTimeout(id);
  }
}

const timeoutMs = 5000;
const queue = { topic: 'orders', queueId: 0 };

/** A switchboard whose connections are real, and everything they report. */
class Client implements Disposable {
  readonly reports: ConnectionReport[] = [];
  readonly switchboard: Switchboard;
  readonly clock = new CountingClock();
  readonly #actors: { stop(): void }[] = [];
  #wake: () => void = () => {};

  constructor(limits: Partial<TransportLimits> = {}) {
    const all = { ...defaultLimits, ...limits };
    const onWanted = (address: Address, line: Line): void => this.#connect(address, line, all);
    this.switchboard = new Switchboard({ clock: this.clock, limits: all, onWanted });
  }

  ask(address: Address, what = 'max offset of orders-0@broker-a', limit = timeoutMs) {
    return this.switchboard.request(address, maxOffset, queue, { timeoutMs: limit, what });
  }

  /** Until a report of this type has come so often. */
  async reported(type: ConnectionReport['type'], times = 1): Promise<void> {
    while (this.reports.filter(report => report.type === type).length < times) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    for (const actor of this.#actors) actor.stop();
  }

  #connect(address: Address, line: Line, limits: TransportLimits): void {
    const actor = createActor(connectionMachine, {
      clock: this.clock,
      input: {
        address,
        role: 'broker',
        line,
        dialer: tcpDialer({ clock: this.clock }),
        greet: async (caller, signal) => {
          await ask(caller, heartbeat, {}, { timeoutMs, signal, what: `heartbeat to ${address}` });
        },
        clock: this.clock,
        random: () => 0,
        parent: {
          send: report => {
            this.reports.push(report);
            this.#wake();
          },
        },
        limits,
      },
    });
    this.#actors.push(actor);
    actor.start();
  }
}

/** Until no socket of this process is left, on either side; a leak runs into the test's time limit. */
async function untilNoSockets(): Promise<void> {
  const isSocket = (name: string): boolean => name === 'TCPSocketWrap' || name === 'TCPConnectWrap';
  while (process.getActiveResourcesInfo().some(isSocket)) await new Promise(resolve => setImmediate(resolve));
}

const typesOf = (client: Client): readonly string[] => client.reports.map(report => report.type);

describe('a peer', () => {
  it('that behaves is greeted first, then asked, and asked by many at once in few chunks', async () => {
    await using peer = await FakePeer.listen(agreeable);
    using client = new Client();
    const frames = await Promise.all(Array.from({ length: 200 }, () => client.ask(peer.address)));
    expect(frames.every(frame => frame.code === 0)).toBe(true);
    expect(peer.frames.map(frame => frame.code)).toEqual([34, ...Array.from({ length: 200 }, () => 30)]);
    expect(peer.connections[0]?.chunks).toBeLessThan(10);
  });

  it('that sends one byte at a time is understood all the same', async () => {
    await using peer = await FakePeer.listen((frame, connection) => {
      for (const byte of replyTo(frame, { body: Buffer.from('body') })) connection.send(Buffer.of(byte));
    });
    using client = new Client();
    const frame = await client.ask(peer.address);
    expect(frame.body.toString()).toBe('body');
  });

  it('that resets in the middle of a frame fails the call once; the next one goes over a new, greeted connection', async () => {
    await using peer = await FakePeer.listen();
    peer.script = (frame, connection) => {
      if (frame.code === 34 || peer.connections.length > 1) connection.answer(frame);
      else {
        connection.send(replyTo(frame).subarray(0, 30));
        setImmediate(() => connection.reset());
      }
    };
    using client = new Client();
    await expect(client.ask(peer.address)).rejects.toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
    expect((await client.ask(peer.address)).code).toBe(0);
    expect(peer.connections.map(connection => connection.frames.map(frame => frame.code))).toEqual([
      [34, 30],
      [34, 30],
    ]);
    expect(typesOf(client)).toEqual(['connection.ready', 'connection.lost', 'connection.ready']);
  });

  it('that sends garbage is hung up on, named, and dialled again', async () => {
    await using peer = await FakePeer.listen((frame, connection) => {
      if (frame.code === 34) connection.answer(frame);
      else connection.send(Buffer.alloc(64, 0xfe));
    });
    using client = new Client();
    await expect(client.ask(peer.address)).rejects.toMatchObject({ cause: { code: 'RMQ_BAD_FRAME' } });
    await client.reported('connection.ready', 2);
    expect(client.reports[1]).toMatchObject({ type: 'connection.lost', error: { code: 'RMQ_BAD_FRAME' } });
  });

  it('that is a gRPC proxy is recognised by its first bytes', async () => {
    await using peer = await FakePeer.listen(silent);
    peer.onConnection = connection => connection.send(http2Settings);
    using client = new Client();
    client.switchboard.line(peer.address);
    await client.reported('connection.failed');
    expect(client.reports[0]).toMatchObject({
      type: 'connection.lost',
      error: { code: 'RMQ_NOT_REMOTING', hint: expect.stringContaining('8081') },
    });
  });

  it('that takes nothing gets no more than the limit; further calls are refused before anything is written', async () => {
    await using peer = await FakePeer.listen();
    peer.script = (frame, connection) => {
      connection.answer(frame);
      connection.stopReading();
    };
    using client = new Client({ maxQueuedBytes: 1_000_000 });
    const line = client.switchboard.line(peer.address);
    await client.reported('connection.ready');
    const body = Buffer.alloc(500_000);
    const options = { timeoutMs: 100, what: 'send', body };
    const sends = Array.from({ length: 40 }, async () => {
      await new Promise(resolve => setImmediate(resolve));
      return ask(line, heartbeat, {}, options);
    });
    const codes = (await Promise.allSettled(sends)).map(end =>
      end.status === 'rejected' ? String(end.reason.code) : 'answered',
    );
    expect(new Set(codes)).toEqual(new Set(['RMQ_REQUEST_TIMEOUT', 'RMQ_SEND_QUEUE_FULL']));
  });

  it('that is not there is dialled until it is', async () => {
    const gone = await FakePeer.listen();
    await gone[Symbol.asyncDispose]();
    using client = new Client();
    const asking = client.ask(gone.address);
    await client.reported('connection.failed', 2);
    await using _peer = await FakePeer.listen(agreeable, Number(gone.address.split(':')[1]));
    expect((await asking).code).toBe(0);
    expect(client.reports[0]).toMatchObject({
      type: 'connection.lost',
      error: { code: 'RMQ_CONNECT_FAILED' },
    });
    expect(typesOf(client).filter(type => type === 'connection.lost')).toHaveLength(1);
  });

  it('that asks something unknown is answered 3', async () => {
    await using peer = await FakePeer.listen(agreeable);
    using client = new Client();
    client.switchboard.line(peer.address);
    await client.reported('connection.ready');
    peer.script = silent;
    peer.connections[0]?.ask({ code: 9999, opaque: 12 });
    await peer.until(() => peer.frames.length === 2);
    expect(peer.frames[1]).toMatchObject({ code: 3, opaque: 12, flag: 1 });
  });
});

it('a hard stop leaves no socket and no timer, with calls pending and waiting', async () => {
  await using peer = await FakePeer.listen((frame, connection) => {
    if (frame.code === 34) connection.answer(frame);
  });
  const gone = await FakePeer.listen();
  await gone[Symbol.asyncDispose]();
  const client = new Client();
  const pending = client.ask(peer.address);
  const waiting = client.ask(gone.address);
  await client.reported('connection.ready');
  await peer.until(() => peer.frames.length === 2);
  client[Symbol.dispose]();
  const ends = await Promise.allSettled([pending, waiting]);
  expect(ends.map(end => end.status === 'rejected' && end.reason.code)).toEqual([
    'RMQ_CONNECTION_LOST',
    'RMQ_CONNECTION_LOST',
  ]);
  await untilNoSockets();
  expect(client.clock.armed).toBe(0);
  expect(client.switchboard.addresses()).toEqual([]);
});
