// SPDX-License-Identifier: Apache-2.0
/** What does a peer do that is slow, silent, rude or broken? A scripted name server or broker over real sockets, for tests. */
import { once } from 'node:events';
import net from 'node:net';
import { decodeFrame, encodeFrame, type Frame, type OutgoingFrame } from '../../src/protocol/frame.ts';
import { FrameSplitter } from '../../src/protocol/frame-splitter.ts';

const maxFrameSize = 16 * 1024 * 1024;

/** One connection as the peer sees it. */
export class PeerConnection {
  /** Every frame received, in order. */
  readonly frames: Frame[] = [];
  /** How many chunks the bytes came in: writes of one turn should come as one. */
  chunks = 0;
  readonly #socket: net.Socket;

  constructor(socket: net.Socket, onFrame: (frame: Frame, connection: PeerConnection) => void) {
    this.#socket = socket;
    const splitter = new FrameSplitter({ maxFrameSize });
    socket.setNoDelay(true);
    socket.on('error', () => {}); // resets are part of the game
    socket.on('data', chunk => {
      this.chunks += 1;
      try {
        splitter.push(chunk as Buffer, bytes => {
          const frame = decodeFrame(bytes);
          this.frames.push(frame);
          onFrame(frame, this);
        });
      } catch {
        socket.destroy(); // as a broker does with what it cannot read, such as a TLS handshake
      }
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Any bytes, also halves of frames and garbage. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  answer(request: Frame, reply: Partial<OutgoingFrame> = {}): void {
    this.send(replyTo(request, reply));
  }

  /** A request of the broker to the client. */
  ask(request: Partial<OutgoingFrame> & { readonly code: number }): void {
    this.send(encodeFrame({ opaque: 0, ...request }));
  }

  /** FIN after what was sent. */
  end(): void {
    this.#socket.end();
  }

  /** RST, in the middle of whatever is going on. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Takes nothing more from the network: the client's bytes pile up on its side. */
  stopReading(): void {
    this.#socket.pause();
  }
}

export type PeerScript = (frame: Frame, connection: PeerConnection) => void;

/** Answers every request with success at once. */
export const agreeable: PeerScript = (frame, connection) => connection.answer(frame);

/** Accepts, reads, and never says a word. */
export const silent: PeerScript = () => {};

/**
 * A peer on a free port of 127.0.0.1.
 * @example
 * await using peer = await FakePeer.listen((frame, connection) => connection.answer(frame, { code: 0 }));
 * await dialer.dial(peer.address, …);
 */
export class FakePeer implements AsyncDisposable {
  readonly connections: PeerConnection[] = [];
  readonly address: string;
  /** What happens to each request; may be exchanged at any time. */
  script: PeerScript;
  /** What happens to each new connection, before it says anything. */
  onConnection: (connection: PeerConnection) => void = () => {};
  readonly #server: net.Server;
  readonly #waiters = new Set<() => void>();

  static async listen(script: PeerScript = agreeable, port = 0): Promise<FakePeer> {
    const server = net.createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new FakePeer(server, script);
  }

  constructor(server: net.Server, script: PeerScript) {
    this.#server = server;
    this.script = script;
    const bound = server.address();
    this.address = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
    server.on('connection', socket => this.#accept(socket));
  }

  /** All frames of all connections, in order of arrival on each. */
  get frames(): readonly Frame[] {
    return this.connections.flatMap(connection => connection.frames);
  }

  /** Resolves as soon as the condition holds; looked at after each thing that happens here. The test's time limit bounds it. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>(resolve => {
        this.#waiters.add(resolve);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection.reset();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #accept(socket: net.Socket): void {
    const connection = new PeerConnection(socket, (frame, from) => {
      this.script(frame, from);
      this.#wake();
    });
    socket.on('close', () => this.#wake());
    this.connections.push(connection);
    this.onConnection(connection);
    this.#wake();
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

/** The bytes of an answer; code 0 unless said otherwise. */
export function replyTo(request: Pick<Frame, 'opaque'>, reply: Partial<OutgoingFrame> = {}): Buffer {
  return encodeFrame({ code: 0, ...reply, opaque: request.opaque, flag: 1 });
}

/** What a gRPC server says first: an empty HTTP/2 SETTINGS frame. */
export const http2Settings = Buffer.from('000000040000000000', 'hex');
