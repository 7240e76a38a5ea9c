// SPDX-License-Identifier: Apache-2.0
/** Does the default dialer connect, fail with a name and a cause, and leave nothing behind? Real sockets on loopback. */
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/model/clock.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import type { Socket, SocketHandlers } from '../../../src/transport/ports.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { FakePeer } from '../../support/fake-peer.ts';

const never = new AbortController().signal;
const options = { signal: never, timeoutMs: 3000 };

/** What a socket said, in order. */
class Listener implements SocketHandlers {
  readonly data: Buffer[] = [];
  drains = 0;
  readonly closed: Promise<Error | undefined>;
  closes = 0;
  #onClosed: (error: Error | undefined) => void = () => {};

  constructor() {
    this.closed = new Promise(resolve => {
      this.#onClosed = resolve;
    });
  }

  onData(chunk: Buffer): void {
    this.data.push(chunk);
  }

  onDrain(): void {
    this.drains += 1;
  }

  onClose(error: Error | undefined): void {
    this.closes += 1;
    this.#onClosed(error);
  }
}

/** Until no socket of this process is left, on either side; a leak runs into the test's time limit. */
async function untilNoSockets(): Promise<void> {
  const isSocket = (name: string): boolean => name === 'TCPSocketWrap' || name === 'TCPConnectWrap';
  while (process.getActiveResourcesInfo().some(isSocket)) await new Promise(resolve => setImmediate(resolve));
}

const opened: Socket[] = [];
async function dial(peer: FakePeer, handlers: SocketHandlers): Promise<Socket> {
  const socket = await tcpDialer().dial(peer.address, handlers, options);
  opened.push(socket);
  return socket;
}

afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

describe('an open connection', () => {
  it('carries bytes both ways and knows its own address', async () => {
    await using peer = await FakePeer.listen();
    const listener = new Listener();
    const socket = await dial(peer, listener);
    socket.write(encodeFrame({ code: 34, opaque: 1 }));
    await peer.until(() => peer.frames.length === 1);
    expect(peer.frames[0]?.code).toBe(34);
    expect(socket.localAddress).toBe('127.0.0.1');
    peer.connections[0]?.end();
    expect(await listener.closed).toBeUndefined();
    expect(Buffer.concat(listener.data).length).toBeGreaterThan(0);
  });

  it('sends what is written in one turn in one piece', async () => {
    await using peer = await FakePeer.listen();
    const socket = await dial(peer, new Listener());
    for (let opaque = 0; opaque < 50; opaque += 1) socket.write(encodeFrame({ code: 11, opaque }));
    expect(socket.queuedBytes).toBeGreaterThan(0);
    await peer.until(() => peer.frames.length === 50);
    expect(peer.frames.map(frame => frame.opaque)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(peer.connections[0]?.chunks).toBe(1);
  });

  it('keeps the order of small and large writes', async () => {
    await using peer = await FakePeer.listen();
    const socket = await dial(peer, new Listener());
    const body = Buffer.alloc(1_000_000, 7);
    for (let opaque = 0; opaque < 6; opaque += 1) {
      socket.write(encodeFrame({ code: 310, opaque, body: opaque % 2 === 0 ? body : Buffer.of(opaque) }));
    }
    await peer.until(() => peer.frames.length === 6);
    expect(peer.frames.map(frame => [frame.opaque, frame.body.length])).toEqual([
      [0, 1_000_000],
      [1, 1],
      [2, 1_000_000],
      [3, 1],
      [4, 1_000_000],
      [5, 1],
    ]);
  });

  it('counts the bytes that a peer which does not read has not taken', async () => {
    await using peer = await FakePeer.listen();
    const socket = await dial(peer, new Listener());
    await peer.until(() => peer.connections.length === 1);
    peer.connections[0]?.stopReading();
    for (let opaque = 0; opaque < 16; opaque += 1) {
      socket.write(encodeFrame({ code: 310, opaque, body: Buffer.alloc(1_000_000) }));
    }
    await new Promise(resolve => setImmediate(resolve));
    expect(socket.queuedBytes).toBeGreaterThan(4_000_000);
  });

  it('that the peer resets says so once, with the cause', async () => {
    await using peer = await FakePeer.listen();
    const listener = new Listener();
    await dial(peer, listener);
    await peer.until(() => peer.connections.length === 1);
    peer.connections[0]?.reset();
    expect(await listener.closed).toMatchObject({ code: 'ECONNRESET' });
    expect(listener.closes).toBe(1);
  });

  it('that we destroy is gone for both, and writing to it is harmless', async () => {
    await using peer = await FakePeer.listen();
    const listener = new Listener();
    const socket = await dial(peer, listener);
    socket.write(Buffer.from('lost'));
    socket.destroy();
    socket.destroy();
    socket.write(Buffer.from('lost too'));
    expect(await listener.closed).toBeUndefined();
    await peer.until(() => peer.connections[0]?.isOpen === false);
    expect(socket.queuedBytes).toBe(0);
  });
});

describe('a failing dial', () => {
  it('names host, port and cause', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => server.once('listening', resolve));
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    await new Promise(resolve => server.close(resolve));
    await expect(tcpDialer().dial(`127.0.0.1:${port}`, new Listener(), options)).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
      message: `connect to 127.0.0.1:${port} failed: ECONNREFUSED`,
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('of a host name without an address names the host', async () => {
    await expect(tcpDialer().dial('nowhere.invalid:9876', new Listener(), options)).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
      message: expect.stringMatching(/^connect to nowhere\.invalid:9876 failed: E[A-Z_]+$/),
    });
  });

  it('of something that is no address says so', async () => {
    await expect(tcpDialer().dial('nowhere', new Listener(), options)).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
      message: 'connect to nowhere failed: this is no host:port',
    });
  });

  it('ends at its time limit and leaves no socket', async () => {
    await using peer = await FakePeer.listen();
    const impatient = { ...systemClock, setTimeout: (fn: () => void) => queueMicrotask(fn) };
    const dialling = tcpDialer({ clock: impatient }).dial(peer.address, new Listener(), {
      signal: never,
      timeoutMs: 5,
    });
    await expect(dialling).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
      message: `connect to ${peer.address} failed: no answer within 5 ms`,
    });
    await untilNoSockets();
  });

  it('ends at once when it is given up, before or while connecting', async () => {
    await using peer = await FakePeer.listen();
    const abort = new AbortController();
    const dialling = tcpDialer().dial(peer.address, new Listener(), {
      signal: abort.signal,
      timeoutMs: 3000,
    });
    abort.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
    await expect(
      tcpDialer().dial(peer.address, new Listener(), { signal: abort.signal, timeoutMs: 3000 }),
    ).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
    await untilNoSockets();
  });
});

it('a host name is resolved anew at every dial', async () => {
  await using peer = await FakePeer.listen();
  const port = peer.address.split(':')[1];
  const lookups: string[] = [];
  const resolve: net.LookupFunction = (host, lookupOptions, done) => {
    lookups.push(host);
    const family = 4;
    if (lookupOptions.all === true) done(null, [{ address: '127.0.0.1', family }]);
    else done(null, '127.0.0.1', family);
  };
  const dialer = tcpDialer({ lookup: resolve });
  for (let i = 0; i < 2; i += 1) {
    opened.push(await dialer.dial(`broker-a.internal:${port}`, new Listener(), options));
  }
  expect(lookups).toEqual(['broker-a.internal', 'broker-a.internal']);
});
