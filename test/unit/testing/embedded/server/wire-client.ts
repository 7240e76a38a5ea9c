// SPDX-License-Identifier: Apache-2.0
/** How does a test talk to an embedded server as a client on the wire, and see what the server pushes? */
import { once } from 'node:events';
import net from 'node:net';
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  isResponse,
  type OutgoingFrame,
} from '../../../../../src/protocol/frame.ts';
import { FrameSplitter } from '../../../../../src/protocol/frame-splitter.ts';

export class WireClient implements Disposable {
  /** Requests of the server, in order. */
  readonly pushed: Frame[] = [];
  /** Every answer, in order. */
  readonly answers: Frame[] = [];
  readonly #socket: net.Socket;
  readonly #pending = new Map<number, (frame: Frame) => void>();
  #lastOpaque = 0;

  static async connect(address: string): Promise<WireClient> {
    const [host, port] = address.split(':');
    const socket = net.connect({ host: host ?? '', port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    const splitter = new FrameSplitter({ maxFrameSize: 16 * 1024 * 1024 });
    socket.on('error', () => {}); // tests look at isOpen
    socket.on('data', chunk => splitter.push(chunk as Buffer, bytes => this.#take(decodeFrame(bytes)))); // no encoding is set
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded;
  }

  /** `127.0.0.1:port` of this side. */
  get address(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`;
  }

  /** Sends a request and gives the answer; a test's time limit bounds the wait. */
  request(code: number, frame: Partial<OutgoingFrame> = {}): Promise<Frame> {
    return new Promise(resolve => {
      this.#pending.set(this.tell(code, frame), resolve);
    });
  }

  /** Sends a request whose answer is not waited for. Returns its opaque. */
  tell(code: number, frame: Partial<OutgoingFrame> = {}): number {
    const opaque = ++this.#lastOpaque;
    this.send(encodeFrame({ ...frame, code, opaque }));
    return opaque;
  }

  /** Any bytes. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  answer(request: Frame, reply: Partial<OutgoingFrame> = {}): void {
    this.send(encodeFrame({ code: 0, ...reply, opaque: request.opaque, flag: 1 }));
  }

  /** Resolves when the connection is gone. */
  untilClosed(): Promise<void> {
    return new Promise(resolve => {
      if (this.#socket.closed) resolve();
      else this.#socket.once('close', () => resolve()); // also after an error: a reset is one way to close
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(frame: Frame): void {
    if (!isResponse(frame)) {
      this.pushed.push(frame);
      return;
    }
    this.answers.push(frame);
    this.#pending.get(frame.opaque)?.(frame);
    this.#pending.delete(frame.opaque);
  }
}
