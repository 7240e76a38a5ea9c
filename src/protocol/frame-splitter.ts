// SPDX-License-Identifier: Apache-2.0
/** Where does one frame end and the next begin in a stream of chunks? Source: NettyDecoder, protocol.md section 1. */
import { ProtocolError } from '../errors/errors.ts';
import { foreignProtocol } from './foreign-protocol.ts';
import { headerSizeOf, serializeTypeOf } from './header-word.ts';

/** Length prefix. Unit: bytes. */
const lengthSize = 4;
/** Length prefix and header word: enough to know whether a frame can be one. Unit: bytes. */
const prefixSize = 8;
/** Up to here a frame that comes in pieces gets its whole space at once; beyond, space follows what arrived. Unit: bytes. */
const trustedSize = 256 * 1024;

const nothing = Buffer.alloc(0);

export interface FrameSplitterOptions {
  /** Largest frame, its length prefix included. Unit: bytes. Java: 16,777,216. */
  readonly maxFrameSize: number;
}

/**
 * Cuts a byte stream into frames. Every byte is copied at most twice, and not at all when its frame lies inside one chunk.
 * A prefix that cannot be true is refused before anything is allocated for it; after an error the splitter is of no more use.
 * @example
 * const splitter = new FrameSplitter({ maxFrameSize: 16 * 1024 * 1024 });
 * socket.on('data', chunk => splitter.push(chunk, bytes => handle(decodeFrame(bytes))));
 */
export class FrameSplitter {
  readonly #maxFrameSize: number;
  #isFirst = true;
  /** The bytes so far of a frame that is not complete; the prefix included. */
  #partial = nothing;
  #filled = 0;
  /** Size of that frame, 0 until its prefix is complete. */
  #wanted = 0;

  constructor(options: FrameSplitterOptions) {
    this.#maxFrameSize = options.maxFrameSize;
  }

  /** Bytes held for a frame that is not complete yet. */
  get buffered(): number {
    return this.#filled;
  }

  /**
   * Takes a chunk and hands over each frame that is complete now: the bytes after its length prefix, a view of the
   * chunk where possible. What `onFrame` throws passes through, the rest of the chunk is lost.
   * @throws ProtocolError `RMQ_BAD_FRAME`, or `RMQ_NOT_REMOTING` when the peer speaks HTTP or TLS
   */
  push(chunk: Buffer, onFrame: (bytes: Buffer) => void): void {
    let at = this.#filled === 0 ? 0 : this.#complete(chunk, onFrame);
    while (chunk.length - at >= prefixSize) {
      const size = this.#frameSize(chunk, at);
      if (chunk.length - at < size) break;
      const start = at + lengthSize;
      at += size;
      onFrame(chunk.subarray(start, at));
    }
    if (at < chunk.length) this.#keep(chunk, at);
  }

  /** Goes on with the frame begun in earlier chunks. Returns how much of this chunk it took. */
  #complete(chunk: Buffer, onFrame: (bytes: Buffer) => void): number {
    let at = 0;
    if (this.#wanted === 0) {
      at = this.#append(chunk, 0, prefixSize);
      this.#look();
      if (this.#wanted === 0) return at;
    }
    at += this.#append(chunk, at, this.#wanted);
    if (this.#filled < this.#wanted) return at;
    const frame = this.#partial.subarray(lengthSize, this.#wanted);
    this.#partial = nothing;
    this.#filled = 0;
    this.#wanted = 0;
    onFrame(frame);
    return at;
  }

  /** Keeps the beginning of a frame that the rest of this chunk holds. */
  #keep(chunk: Buffer, at: number): void {
    if (this.#wanted !== 0) return;
    const taken = this.#append(chunk, at, prefixSize);
    this.#look();
    if (this.#wanted !== 0) this.#append(chunk, at + taken, this.#wanted);
  }

  /** Learns the size of the frame begun from what is there of its prefix. */
  #look(): void {
    if (this.#filled >= prefixSize) this.#wanted = this.#frameSize(this.#partial, 0);
    else if (this.#filled >= lengthSize) this.#length(this.#partial.subarray(0, this.#filled), 0);
  }

  /** Copies what is there of the first `size` bytes. Returns how many bytes it took. */
  #append(chunk: Buffer, at: number, size: number): number {
    const count = Math.min(size - this.#filled, chunk.length - at);
    const needed = this.#filled + count;
    if (needed > this.#partial.length) {
      const larger = Buffer.allocUnsafe(Math.min(size, Math.max(trustedSize, needed * 2)));
      this.#partial.copy(larger, 0, 0, this.#filled);
      this.#partial = larger;
    }
    chunk.copy(this.#partial, this.#filled, at, at + count);
    this.#filled = needed;
    return count;
  }

  /** Size of the frame whose prefix begins here, checked. Unit: bytes. */
  #frameSize(bytes: Buffer, at: number): number {
    const length = this.#length(bytes, at);
    const word = bytes.readUInt32BE(at + lengthSize);
    serializeTypeOf(word);
    headerSizeOf(word, length);
    this.#isFirst = false;
    return length + lengthSize;
  }

  /** What the length prefix says, checked. Unit: bytes. */
  #length(bytes: Buffer, at: number): number {
    if (this.#isFirst) refuseForeign(bytes.subarray(at));
    const length = bytes.readInt32BE(at);
    if (length < lengthSize) {
      throw new ProtocolError(
        'RMQ_BAD_FRAME',
        `a frame claims ${length} bytes, at least ${lengthSize} are needed`,
      );
    }
    const size = length + lengthSize;
    if (size > this.#maxFrameSize) {
      const context = { size, maxFrameSize: this.#maxFrameSize };
      throw new ProtocolError(
        'RMQ_BAD_FRAME',
        `a frame claims ${size} bytes, at most ${this.#maxFrameSize} are allowed`,
        { context },
      );
    }
    return length;
  }
}

function refuseForeign(prefix: Buffer): void {
  const protocol = foreignProtocol(prefix);
  if (protocol === undefined) return;
  throw new ProtocolError('RMQ_NOT_REMOTING', `the peer does not speak RocketMQ remoting but ${protocol}`, {
    context: { protocol },
  });
}
