// SPDX-License-Identifier: Apache-2.0
/** How does a Node stream become a Socket of ours? Writes of one turn leave together. */
import type net from 'node:net';
import type { Socket, SocketHandlers } from './ports.ts';

/** Below this, frames of one turn are copied into one buffer, which is cheaper than a vector of small ones. Unit: bytes. */
const copyBelow = 64 * 1024;

/** An open `net.Socket` or `tls.TLSSocket` behind the {@link Socket} port. */
export class NodeSocket implements Socket {
  readonly #stream: net.Socket;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;

  /** Takes the stream over: from now on its events go to `handlers`. */
  constructor(stream: net.Socket, handlers: SocketHandlers) {
    this.#stream = stream;
    let failure: Error | undefined;
    stream.on('data', chunk => handlers.onData(chunk as Buffer)); // no encoding is ever set
    stream.on('drain', () => handlers.onDrain?.());
    stream.on('error', error => {
      failure = error;
    });
    stream.once('close', () => {
      this.#batch = [];
      this.#batchBytes = 0;
      handlers.onClose(failure);
    });
  }

  get queuedBytes(): number {
    return this.#batchBytes + this.#stream.writableLength;
  }

  get localAddress(): string | undefined {
    return this.#stream.localAddress;
  }

  write(bytes: Uint8Array): void {
    if (this.#stream.destroyed) return;
    if (this.#batch.push(bytes) === 1) process.nextTick(this.#flush);
    this.#batchBytes += bytes.length;
  }

  destroy(): void {
    this.#stream.destroy();
  }

  readonly #flush = (): void => {
    const batch = this.#batch;
    const size = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    if (this.#stream.destroyed || !this.#stream.writable) return; // its close event is on the way
    const [first] = batch;
    if (batch.length === 1 && first !== undefined) this.#stream.write(first);
    else if (size < copyBelow) this.#stream.write(Buffer.concat(batch, size));
    else {
      this.#stream.cork();
      for (const bytes of batch) this.#stream.write(bytes);
      this.#stream.uncork();
    }
  };
}
