// SPDX-License-Identifier: Apache-2.0
/**
 * How does a broker behave whose disk, or whose network, changed a message? Records are changed in the answers to pulls, on
 * their way to a consumer, below the library; the stored ones stay as they are.
 */
import { decodeFrame } from '../../../src/protocol/frame.ts';
import { FrameSplitter } from '../../../src/protocol/frame-splitter.ts';
import { readRecords } from '../../../src/protocol/message-record.ts';
import { damagedRecord } from '../../../src/testing/embedded/messages/damaged-record.ts';
import type { MessageDamage } from '../../../src/testing/index.ts';
import type { Dialer, Socket } from '../../../src/transport/ports.ts';

export interface StoredPlace {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

export interface Spoiled {
  /** In how many answers so far. */
  readonly applied: number;
  remove(): void;
}

interface Damage {
  readonly what: MessageDamage;
  readonly times: number;
  applied: number;
}

const pullAnswered = 0;
const readOptions = { brokerName: 'broker-a', maxBodySize: 1 << 24 };

export class DamagingDialer implements Dialer {
  readonly #inner: Dialer;
  readonly #damages = new Map<string, Damage>();

  constructor(inner: Dialer) {
    this.#inner = inner;
  }

  damage(place: StoredPlace, what: MessageDamage, times: number): Spoiled {
    const damage = { what, times, applied: 0 };
    this.#damages.set(nameOf(place), damage);
    return {
      get applied() {
        return damage.applied;
      },
      remove: () => this.#damages.delete(nameOf(place)),
    };
  }

  dial(...[address, handlers, options]: Parameters<Dialer['dial']>): Promise<Socket> {
    const splitter = new FrameSplitter({ maxFrameSize: 1 << 24 });
    const onData = (chunk: Buffer): void =>
      splitter.push(chunk, bytes => handlers.onData(withLength(this.#spoilt(bytes))));
    return this.#inner.dial(
      address,
      {
        onData,
        onClose: error => handlers.onClose(error),
        ...(handlers.onDrain !== undefined && { onDrain: () => handlers.onDrain?.() }),
      },
      options,
    );
  }

  /** A copy, when something in it is to be changed. `bytes`: a frame after its length. */
  #spoilt(bytes: Buffer): Buffer {
    const { code, flag, body } = decodeFrame(bytes);
    if (this.#damages.size === 0 || code !== pullAnswered || flag === 0 || body.length === 0) return bytes;
    const { messages, damage } = readRecords(body, readOptions);
    if (damage !== undefined) return bytes; // no messages: the answer to something else
    const spoilt = Buffer.from(bytes);
    let at = bytes.length - body.length;
    for (const { storedTopic: topic, queueId, queueOffset, storeSize } of messages) {
      const told = this.#damages.get(nameOf({ topic, queueId, queueOffset }));
      if (told !== undefined && told.applied < told.times) {
        told.applied += 1;
        damagedRecord(spoilt.subarray(at, at + storeSize), told.what).copy(spoilt, at);
      }
      at += storeSize;
    }
    return spoilt;
  }
}

function nameOf({ topic, queueId, queueOffset }: StoredPlace): string {
  return `${topic}#${queueId}:${queueOffset}`;
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}
