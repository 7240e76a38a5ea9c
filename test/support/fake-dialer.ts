// SPDX-License-Identifier: Apache-2.0
/** What does a connection do when the network is in the test's hand? A dialer whose sockets are arrays, for tests with a TestClock. */
import type { Clock } from '../../src/model/clock.ts';
import type { Address } from '../../src/model/route.ts';
import { decodeFrame, encodeFrame, type Frame, type OutgoingFrame } from '../../src/protocol/frame.ts';
import { FrameSplitter } from '../../src/protocol/frame-splitter.ts';
import { connectFailed } from '../../src/transport/dial-wait.ts';
import type { Dialer, Socket, SocketHandlers } from '../../src/transport/ports.ts';
import { replyTo } from './fake-peer.ts';

/** The client's end of a connection, seen and moved from the other side. */
export class FakeSocket implements Socket {
  readonly localAddress = '127.0.0.1';
  /** Frames the client wrote, decoded, in order. */
  readonly frames: Frame[] = [];
  queuedBytes = 0;
  destroyed = false;
  /** What to do with each frame as it is written. Nothing by default. */
  onFrame: (frame: Frame, socket: FakeSocket) => void = () => {};
  readonly #handlers: SocketHandlers;
  readonly #splitter = new FrameSplitter({ maxFrameSize: 16 * 1024 * 1024 });
  #closed = false;

  constructor(handlers: SocketHandlers) {
    this.#handlers = handlers;
  }

  write(bytes: Uint8Array): void {
    if (this.destroyed) return;
    this.#splitter.push(Buffer.from(bytes), frameBytes => {
      const frame = decodeFrame(frameBytes);
      this.frames.push(frame);
      setImmediate(() => this.onFrame(frame, this));
    });
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    queueMicrotask(() => this.#close(undefined));
  }

  /** The peer sends bytes. */
  receive(bytes: Uint8Array): void {
    if (!this.destroyed) this.#handlers.onData(Buffer.from(bytes));
  }

  answer(request: Pick<Frame, 'opaque'>, reply: Partial<OutgoingFrame> = {}): void {
    this.receive(replyTo(request, reply));
  }

  /** The peer asks something. */
  ask(request: Partial<OutgoingFrame> & { readonly code: number }): void {
    this.receive(encodeFrame({ opaque: 0, ...request }));
  }

  /** The network ends the connection. */
  drop(error?: Error): void {
    this.destroyed = true;
    this.#close(error);
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.onClose(error);
  }
}

export type DialPlan = 'accept' | 'refuse' | 'hang';

/** Remembers every dial, and does with it what `plan` says. */
export class FakeDialer implements Dialer {
  readonly dials: { readonly address: Address; readonly at: number }[] = [];
  readonly sockets: FakeSocket[] = [];
  plan: DialPlan = 'accept';
  /** Given to every new socket. */
  onFrame: (frame: Frame, socket: FakeSocket) => void = () => {};
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nothing was dialled yet');
    return socket;
  }

  get openSockets(): number {
    return this.sockets.filter(socket => !socket.destroyed).length;
  }

  dial(address: Address, handlers: SocketHandlers, options: Parameters<Dialer['dial']>[2]): Promise<Socket> {
    this.dials.push({ address, at: this.#clock.now() });
    if (this.plan === 'refuse') return Promise.reject(connectFailed(address, 'ECONNREFUSED', undefined));
    if (this.plan === 'hang') return hanging(options.signal);
    const socket = new FakeSocket(handlers);
    socket.onFrame = this.onFrame;
    this.sockets.push(socket);
    return Promise.resolve(socket);
  }
}

function hanging(signal: AbortSignal): Promise<Socket> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
  });
}
