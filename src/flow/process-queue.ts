// SPDX-License-Identifier: Apache-2.0
/**
 * Which messages of a queue are waiting, running or done, and how far may the offset be committed?
 * An offset-ordered ring; every operation is O(1) and allocates nothing per message. Source: ProcessQueue (a TreeMap in Java).
 */
import type { QueueOffset } from '../model/queue-offset.ts';
import { FrameBook } from './frame-book.ts';

/** What the ring needs to know of a message. */
export interface Held {
  readonly queueOffset: number;
}

/** A position in the ring, counted from the first message ever admitted. Stays valid until the message is finished. */
export type Ticket = number;

const waiting = 0;
const running = 1;
const done = 2;

const initialCapacity = 64;

/**
 * Invariants: head <= next <= tail; a ticket below head is done; tickets from next to tail are waiting;
 * the commit point is the offset of the first message that is not done, and the pull position when all are.
 */
export class ProcessQueue<Message extends Held> {
  #slots: (Message | undefined)[] = new Array<Message | undefined>(initialCapacity).fill(undefined);
  #states = new Uint8Array(initialCapacity);
  /** Which frame the message of a slot lies in. */
  #frameOf = new Uint32Array(initialCapacity);
  readonly #frames = new FrameBook();
  #mask = initialCapacity - 1;
  #head = 0;
  #next = 0;
  #tail = 0;
  #unfinished = 0;
  #lastOffset = 0;
  #pulledTo: QueueOffset;
  /** As it was before {@link dropWaiting}. */
  #end: number;

  constructor(start: QueueOffset) {
    this.#pulledTo = start;
    this.#end = start;
  }

  /** Messages not done yet, waiting or running. */
  get count(): number {
    return this.#unfinished;
  }

  /** Of the frames that are kept in memory for messages not done yet, whole. Unit: bytes. */
  get bytes(): number {
    return this.#frames.bytes;
  }

  /** Ticket of the first message that {@link take} would hand out; the following ones count up. */
  get nextTicket(): Ticket {
    return this.#next;
  }

  /** Ticket that the next message to come in will have. */
  get endTicket(): Ticket {
    return this.#tail;
  }

  get hasWaiting(): boolean {
    return this.#next < this.#tail;
  }

  get runningCount(): number {
    return this.#unfinished - (this.#tail - this.#next);
  }

  /** How far the newest message is ahead of the oldest unfinished one. Unit: messages, by offset. */
  get span(): number {
    return this.#unfinished === 0 ? 0 : this.#lastOffset - this.#oldest().queueOffset;
  }

  /** The next offset to ask the broker for. */
  get pulledTo(): QueueOffset {
    return this.#pulledTo;
  }

  /** One past the newest message; the start when there was none. */
  get end(): number {
    return Math.min(this.#end, this.#pulledTo);
  }

  /** Everything below it is done: what may be committed. */
  get commitPoint(): QueueOffset {
    if (this.#head === this.#tail) return this.#pulledTo;
    return this.#oldest().queueOffset as QueueOffset; // offsets of stored messages were checked when they were read
  }

  /**
   * Takes in a pulled batch (ascending offsets) and moves the pull position to what the broker said comes next.
   * `frameBytes`: of the frame it came in, which its messages keep in memory until the last of them is done.
   */
  admit(messages: readonly Message[], nextOffset: QueueOffset, frameBytes: number): void {
    this.#makeRoom(messages.length);
    const frame = messages.length > 0 ? this.#frames.open(messages.length, frameBytes) : 0;
    for (const message of messages) {
      const index = this.#tail & this.#mask;
      this.#slots[index] = message;
      this.#states[index] = waiting;
      this.#frameOf[index] = frame;
      this.#tail++;
      this.#lastOffset = message.queueOffset;
    }
    this.#unfinished += messages.length;
    this.#pulledTo = nextOffset;
    if (messages.length > 0) this.#end = this.#lastOffset + 1;
  }

  /** Hands out up to `max` waiting messages, oldest first; empty when none waits. */
  take(max: number): readonly Message[] {
    const oldest = max > 0 ? this.#start() : undefined;
    if (oldest === undefined) return [];
    const messages = [oldest]; // mostly the only one: an empty array makes room for 17 with its first push
    while (messages.length < max) {
      const message = this.#start();
      if (message === undefined) break;
      messages.push(message);
    }
    return messages;
  }

  #start(): Message | undefined {
    if (this.#next === this.#tail) return undefined;
    const index = this.#next++ & this.#mask;
    this.#states[index] = running;
    return this.#slots[index];
  }

  /** Marks one message done. True when the commit point moved. A ticket already done, or dropped, is ignored. */
  finish(ticket: Ticket): boolean {
    if (ticket < this.#head || ticket >= this.#next) return false;
    const index = ticket & this.#mask;
    if (this.#states[index] !== running) return false;
    this.#states[index] = done;
    this.#slots[index] = undefined;
    this.#unfinished--;
    this.#frames.close(this.#frameOf[index] ?? 0);
    if (ticket !== this.#head) return false;
    while (this.#head < this.#next && this.#states[this.#head & this.#mask] === done) this.#head++;
    return true;
  }

  /** Forgets what has not started; the pull position goes back to the first of them. */
  dropWaiting(): number {
    const dropped = this.#tail - this.#next;
    const firstDropped = this.#slots[this.#next & this.#mask];
    if (dropped === 0 || firstDropped === undefined) return 0;
    this.#pulledTo = firstDropped.queueOffset as QueueOffset; // checked when it was read
    while (this.#tail > this.#next) {
      this.#tail--;
      const index = this.#tail & this.#mask;
      this.#frames.close(this.#frameOf[index] ?? 0);
      this.#slots[index] = undefined;
      this.#unfinished--;
    }
    this.#lastOffset = this.#newestOffset();
    return dropped;
  }

  /** Of the messages not done yet; of no meaning when there are none. */
  #newestOffset(): number {
    for (let ticket = this.#tail - 1; ticket >= this.#head; ticket--) {
      const message = this.#slots[ticket & this.#mask]; // a done one has left its slot
      if (message !== undefined) return message.queueOffset;
    }
    return this.#lastOffset;
  }

  #oldest(): Held {
    const message = this.#slots[this.#head & this.#mask];
    if (message === undefined) throw new RangeError('the oldest unfinished message is missing');
    return message;
  }

  #makeRoom(count: number): void {
    const needed = this.#tail - this.#head + count;
    if (needed <= this.#slots.length) return;
    let capacity = this.#slots.length;
    while (capacity < needed) capacity *= 2;
    const slots = new Array<Message | undefined>(capacity).fill(undefined);
    const states = new Uint8Array(capacity);
    const frameOf = new Uint32Array(capacity);
    for (let ticket = this.#head; ticket < this.#tail; ticket++) {
      slots[ticket & (capacity - 1)] = this.#slots[ticket & this.#mask];
      states[ticket & (capacity - 1)] = this.#states[ticket & this.#mask] ?? waiting;
      frameOf[ticket & (capacity - 1)] = this.#frameOf[ticket & this.#mask] ?? 0;
    }
    this.#slots = slots;
    this.#states = states;
    this.#frameOf = frameOf;
    this.#mask = capacity - 1;
  }
}
