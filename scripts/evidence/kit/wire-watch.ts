// SPDX-License-Identifier: Apache-2.0
/** What did a consumer of this process ask and what was it answered? Seen between its dialer and the socket. */
import { decodeFrame, isResponse } from '../../../src/protocol/frame.ts';
import { FrameSplitter } from '../../../src/protocol/frame-splitter.ts';
import type { Dialer, Socket, SocketHandlers } from '../../../src/transport/ports.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';

const maxFrameSize = 16 * 1024 * 1024;

export interface Seen {
  readonly code: number;
  /** `performance.now()`. */
  readonly at: number;
}

export class WireWatch implements Dialer {
  readonly requests: Seen[] = [];
  readonly answers: Seen[] = [];
  readonly #inner = tcpDialer();

  async dial(
    address: string,
    handlers: SocketHandlers,
    options: Parameters<Dialer['dial']>[2],
  ): Promise<Socket> {
    const incoming = new FrameSplitter({ maxFrameSize });
    const outgoing = new FrameSplitter({ maxFrameSize });
    const socket = await this.#inner.dial(
      address,
      {
        onData: chunk => {
          incoming.push(chunk, bytes => this.#note(bytes));
          handlers.onData(chunk);
        },
        onClose: error => handlers.onClose(error),
        ...(handlers.onDrain && { onDrain: () => handlers.onDrain?.() }),
      },
      options,
    );
    return {
      write: bytes => {
        outgoing.push(Buffer.from(bytes), frame => this.#note(frame));
        socket.write(bytes);
      },
      get queuedBytes() {
        return socket.queuedBytes;
      },
      destroy: () => socket.destroy(),
      localAddress: socket.localAddress,
    };
  }

  #note(bytes: Buffer): void {
    const frame = decodeFrame(bytes);
    const seen = { code: frame.code, at: performance.now() };
    (isResponse(frame) ? this.answers : this.requests).push(seen);
  }
}

/** The most of these within any minute. */
export function mostPerMinute(all: readonly Seen[]): number {
  let most = 0;
  let from = 0;
  all.forEach(({ at }, i) => {
    while (at - (all[from]?.at ?? at) > 60_000) from++;
    most = Math.max(most, i - from + 1);
  });
  return most;
}
