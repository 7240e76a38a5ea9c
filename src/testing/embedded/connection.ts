// SPDX-License-Identifier: Apache-2.0
/** How do bytes of one client become frames and back? One accepted connection; garbage ends it. */
import type net from 'node:net';
import type { Address } from '../../model/route.ts';
import { decodeFrame, type Frame } from '../../protocol/frame.ts';
import { FrameSplitter } from '../../protocol/frame-splitter.ts';
import type { Peer } from './broker.types.ts';

/** As Java's decoder. Unit: bytes. */
const maxFrameSize = 16 * 1024 * 1024;

export interface ConnectionHandlers {
  readonly onFrame: (frame: Frame, connection: Connection) => void;
  readonly onClose: (connection: Connection) => void;
  /** Something was read or written. */
  readonly onActivity: () => void;
}

export class Connection implements Peer {
  readonly address: Address;
  readonly #socket: net.Socket;
  readonly #onActivity: () => void;

  constructor(socket: net.Socket, { onFrame, onClose, onActivity }: ConnectionHandlers) {
    this.#socket = socket;
    this.#onActivity = onActivity;
    this.address = `${socket.remoteAddress}:${socket.remotePort}`;
    const splitter = new FrameSplitter({ maxFrameSize });
    socket.on('data', chunk => {
      onActivity();
      const { frames, isBroken } = readFrames(splitter, chunk as Buffer); // no encoding is set, so chunks are buffers
      for (const frame of frames) {
        if (this.isOpen) onFrame(frame, this); // those behind one that closed the connection are lost
      }
      if (isBroken) this.close();
    });
    socket.on('error', () => {}); // 'close' follows, and a client may go as it likes
    socket.on('close', () => onClose(this));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  write(frame: Buffer): void {
    if (!this.isOpen) return;
    this.#onActivity();
    this.#socket.write(frame);
  }

  push(frame: Buffer): void {
    this.write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Takes and gives nothing; what is written waits. */
  suspend(): void {
    this.#socket.pause();
    this.#socket.cork();
  }

  resume(): void {
    this.#socket.uncork();
    this.#socket.resume();
  }
}

/** The frames that a chunk completes. Broken: what follows them is none; whoever sent it is sent away. */
function readFrames(
  splitter: FrameSplitter,
  chunk: Buffer,
): { readonly frames: readonly Frame[]; readonly isBroken: boolean } {
  const frames: Frame[] = [];
  try {
    splitter.push(chunk, bytes => frames.push(decodeFrame(bytes)));
    return { frames, isBroken: false };
  } catch {
    return { frames, isBroken: true };
  }
}
