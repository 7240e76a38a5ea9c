// SPDX-License-Identifier: Apache-2.0
/** How are recorded bytes sent to a broker again, and what comes back kept? One connection, its answers and what it was asked. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decodeFrame, type Frame, isResponse } from '../../../../src/protocol/frame.ts';
import { FrameSplitter } from '../../../../src/protocol/frame-splitter.ts';

/** Far above what any answer takes: it only ends a test that would wait for ever. Unit: ms. */
const patienceMs = 5000;

export class ReplayPeer {
  /** Requests of the broker, in the order they came. */
  readonly asked: Frame[] = [];
  readonly #answers: Frame[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #socket: Socket;

  private constructor(socket: Socket, reply: (request: Frame) => Buffer | undefined) {
    this.#socket = socket;
    const splitter = new FrameSplitter({ maxFrameSize: 2 ** 24 });
    socket.on('error', () => {}); // whoever waits is told that it takes too long
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk, bytes => {
        const frame = decodeFrame(bytes);
        (isResponse(frame) ? this.#answers : this.asked).push(frame);
        const answer = isResponse(frame) ? undefined : reply(frame);
        if (answer !== undefined) socket.write(answer);
      });
      for (const wake of [...this.#waiters]) wake();
    });
  }

  /** @param reply the whole frame that answers a request of the broker, undefined for none */
  static async connect(
    address: string,
    reply: (request: Frame) => Buffer | undefined = () => undefined,
  ): Promise<ReplayPeer> {
    const colon = address.lastIndexOf(':');
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
    await once(socket, 'connect');
    return new ReplayPeer(socket, reply);
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** The answer to the request with that number, seen already or to come. Rejects after 5 s. */
  async answerTo(opaque: number): Promise<Frame> {
    return this.#until(`answer to request ${opaque}`, () =>
      this.#answers.find(each => each.opaque === opaque),
    );
  }

  /** The first that many requests of the broker with that code. Rejects after 5 s. */
  async askedFor(code: number, count: number): Promise<readonly Frame[]> {
    return this.#until(`${count} requests of code ${code}`, () => {
      const found = this.asked.filter(each => each.code === code);
      return found.length >= count ? found.slice(0, count) : undefined;
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #until<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
      };
      const wake = (): void => {
        const found = look();
        if (found === undefined) return;
        settle();
        resolve(found);
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`no ${what} within ${patienceMs} ms`));
      }, patienceMs);
      this.#waiters.add(wake);
      wake();
    });
  }
}
