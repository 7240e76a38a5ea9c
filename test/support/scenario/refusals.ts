// SPDX-License-Identifier: Apache-2.0
/**
 * How is a broker made to refuse what members ask, be it embedded or real? The request is answered on its way to the socket,
 * as the broker would answer it, and never arrives.
 */
import type { Dialer, Socket, SocketHandlers } from '../../../src/transport/ports.ts';

/** What is read of a request. */
interface Request {
  readonly code: number;
  readonly opaque: number;
  readonly flag: number;
}

const responseFlag = 1;
const onewayFlag = 2;

export class Refusals {
  /** Answers by request code. */
  readonly #answers = new Map<number, number>();

  /** From now on requests with this code are answered with that one. */
  refuse(code: number, answer: number): void {
    this.#answers.set(code, answer);
  }

  /** They reach the broker again. */
  accept(code: number): void {
    this.#answers.delete(code);
  }

  /** A dialer whose connections are refused what is to be refused. */
  dialer(inner: Dialer): Dialer {
    return {
      dial: async (address, handlers, options) =>
        this.#guarded(await inner.dial(address, handlers, options), handlers),
    };
  }

  #guarded(socket: Socket, handlers: SocketHandlers): Socket {
    let unread: Buffer = Buffer.alloc(0);
    return {
      write: bytes => {
        unread = Buffer.concat([unread, bytes]);
        for (let end = frameEnd(unread); end <= unread.length; end = frameEnd(unread)) {
          this.#pass(unread.subarray(0, end), socket, handlers);
          unread = unread.subarray(end);
        }
      },
      destroy: () => socket.destroy(),
      get queuedBytes() {
        return socket.queuedBytes;
      },
      get localAddress() {
        return socket.localAddress;
      },
    };
  }

  #pass(frame: Buffer, socket: Socket, handlers: SocketHandlers): void {
    const { code, opaque, flag } = headerOf(frame);
    const answer = (flag & responseFlag) === 0 ? this.#answers.get(code) : undefined;
    if (answer === undefined) socket.write(frame);
    else if ((flag & onewayFlag) === 0) setImmediate(() => handlers.onData(refusal(opaque, answer)));
  }
}

function frameEnd(bytes: Buffer): number {
  return bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readInt32BE(0);
}

function headerOf(frame: Buffer): Request {
  const length = frame.readUInt32BE(4) & 0xffffff;
  return JSON.parse(frame.toString('utf8', 8, 8 + length)) as Request; // members write JSON headers with these numbers
}

function refusal(opaque: number, code: number): Buffer {
  const remark = `request ${opaque} is refused, as the scenario wants`;
  const header = Buffer.from(JSON.stringify({ code, opaque, flag: responseFlag, language: 'JAVA', remark }));
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length, 0);
  lengths.writeInt32BE(header.length, 4);
  return Buffer.concat([lengths, header]);
}
