// SPDX-License-Identifier: Apache-2.0
/**
 * How does a broker behave that takes no send-back, when the one at hand does? Requests of some codes are taken out of what
 * a consumer writes, below the library and without its code; the broker never sees them.
 */
import type { Dialer, Socket, SocketHandlers } from '../../../src/transport/ports.ts';

/** `error`: answered with code 1. `silence`: not answered. `cut`: the connection is closed. */
export type Refusal = 'error' | 'silence' | 'cut';

const responseBit = 1;
const systemError = 1;

interface Header {
  readonly code: number;
  readonly flag: number;
  readonly opaque: number;
  readonly version: number;
}

export class RefusingDialer implements Dialer {
  /** How many requests of each code were written, refused or not. */
  readonly written = new Map<number, number>();
  readonly #inner: Dialer;
  readonly #how: Refusal;
  readonly #refused = new Set<number>();

  constructor(inner: Dialer, how: Refusal, codes: readonly number[]) {
    this.#inner = inner;
    this.#how = how;
    for (const code of codes) this.#refused.add(code);
  }

  /** From now on all of them reach the broker. */
  stop(): void {
    this.#refused.clear();
  }

  async dial(...[address, handlers, options]: Parameters<Dialer['dial']>): Promise<Socket> {
    const socket = await this.#inner.dial(address, handlers, options);
    return {
      write: bytes => this.#write(socket, handlers, bytes),
      get queuedBytes() {
        return socket.queuedBytes;
      },
      destroy: () => socket.destroy(),
      localAddress: socket.localAddress,
    };
  }

  #write(socket: Socket, handlers: SocketHandlers, bytes: Uint8Array): void {
    const kept: Buffer[] = [];
    for (const frame of framesOf(bytes)) {
      const header = headerOf(frame);
      if ((header.flag & responseBit) === 0) {
        this.written.set(header.code, (this.written.get(header.code) ?? 0) + 1);
        if (this.#refused.has(header.code)) {
          this.#refuse(socket, handlers, header);
          continue;
        }
      }
      kept.push(frame);
    }
    if (kept.length > 0) socket.write(Buffer.concat(kept));
  }

  #refuse(socket: Socket, handlers: SocketHandlers, header: Header): void {
    if (this.#how === 'error') setImmediate(() => handlers.onData(refusalOf(header)));
    if (this.#how === 'cut') setImmediate(() => socket.destroy());
  }
}

/** The library writes whole frames, several of one turn together. */
function framesOf(bytes: Uint8Array): readonly Buffer[] {
  const frames: Buffer[] = [];
  let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  while (rest.length > 0) {
    const end = 4 + rest.readInt32BE(0);
    if (end > rest.length) throw new Error(`half a frame was written: ${rest.length} bytes of ${end}`);
    frames.push(rest.subarray(0, end));
    rest = rest.subarray(end);
  }
  return frames;
}

function headerOf(frame: Buffer): Header {
  return JSON.parse(frame.toString('utf8', 8, 8 + frame.readUIntBE(5, 3))) as Header; // written by the library, as JSON
}

function refusalOf({ opaque, version }: Header): Buffer {
  const header = {
    ...{ code: systemError, opaque, version, flag: responseBit, language: 'JAVA' },
    serializeTypeCurrentRPC: 'JSON',
    remark: 'refused in the dialer, as told',
  };
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + json.length, 0);
  head.writeInt32BE(json.length, 4);
  return Buffer.concat([head, json]);
}
