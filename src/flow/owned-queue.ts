// SPDX-License-Identifier: Apache-2.0
/** What does this consumer hold of one queue it owns? The data behind the pull and consume actors, shared by reference. */
import type { MessageQueue, QueueKey } from '../model/message-queue.ts';
import { queueKey } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { FlowGate, type SharedFlow } from './flow-gate.ts';
import { type Held, ProcessQueue, type Ticket } from './process-queue.ts';

/** Where the commit point goes; the offset store keeps one for each owned queue. */
export interface CommitTarget {
  /** Never goes back. */
  advance(point: QueueOffset): unknown;
  /** Sets the point whatever it was: start, seek, correction. `stored`: the store is known to have this very value. */
  reset(point: QueueOffset, stored: boolean): unknown;
}

/** Counts restarts of a queue (correction, seek, hand-over). What belongs to an older epoch touches nothing. */
export type Epoch = number;

export class OwnedQueue<Message extends Held> {
  readonly queue: MessageQueue;
  readonly key: QueueKey;
  readonly gate: FlowGate;
  readonly #commits: CommitTarget;
  readonly #shared: SharedFlow;
  #held: ProcessQueue<Message> | undefined;
  #epoch: Epoch = 0;
  #onArrival: (wasEmpty: boolean) => void = () => {};
  #countRunning: (() => number) | undefined;

  constructor(queue: MessageQueue, commits: CommitTarget, shared: SharedFlow) {
    this.queue = queue;
    this.key = queueKey(queue);
    this.#commits = commits;
    this.#shared = shared;
    this.gate = new FlowGate(() => this.#held ?? nothingHeld, shared);
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  /** False until the first {@link restart}: where to pull from is not known yet. */
  get isPlaced(): boolean {
    return this.#held !== undefined;
  }

  get pulledTo(): QueueOffset | undefined {
    return this.#held?.pulledTo;
  }

  get commitPoint(): QueueOffset | undefined {
    return this.#held?.commitPoint;
  }

  get count(): number {
    return this.#held?.count ?? 0;
  }

  get bytes(): number {
    return this.#held?.bytes ?? 0;
  }

  get hasWaiting(): boolean {
    return this.#held?.hasWaiting ?? false;
  }

  get runningCount(): number {
    return this.#countRunning?.() ?? this.#held?.runningCount ?? 0;
  }

  /** Who knows how many messages are with a listener, where more are taken than are started at once. */
  countRunningBy(count: () => number): void {
    this.#countRunning = count;
  }

  /** Who is told that messages came in; `wasEmpty`: nothing was held before. */
  whenWorkArrives(onArrival: (wasEmpty: boolean) => void): void {
    this.#onArrival = onArrival;
  }

  /** Begins a new epoch at `offset`: what was held is let go, and its late results no longer count. */
  restart(offset: QueueOffset, stored: boolean): void {
    this.#commits.reset(offset, stored);
    this.#replace(new ProcessQueue<Message>(offset));
  }

  /** Ends the epoch: nothing that is still running may touch this queue any more. */
  letGo(): void {
    this.#replace(undefined);
  }

  /** Room is given back last: whoever it wakes, this queue's own gate included, finds what is held now. */
  #replace(next: ProcessQueue<Message> | undefined): void {
    const before = this.#held;
    this.#epoch++;
    this.#held = next;
    if (before !== undefined) this.#shared.release(before.count, before.bytes);
  }

  /** Takes in a pulled batch, oldest first; none when nothing in the stretch up to `nextOffset` was for us. */
  admit(messages: readonly Message[], nextOffset: QueueOffset): void {
    const held = this.#held;
    if (held === undefined) return;
    const bytesBefore = held.bytes;
    const wasEmpty = held.count === 0;
    held.admit(messages, nextOffset);
    if (messages.length === 0) {
      if (wasEmpty) this.#commits.advance(held.commitPoint);
      return;
    }
    this.#shared.add(messages.length, held.bytes - bytesBefore);
    this.#onArrival(wasEmpty);
  }

  /** Ticket of the first message that {@link take} would hand out; the following ones count up. */
  get nextTicket(): Ticket {
    return this.#held?.nextTicket ?? 0;
  }

  /** Hands out up to `max` waiting messages, oldest first; empty when none waits. */
  take(max: number): readonly Message[] {
    return this.#held?.take(max) ?? [];
  }

  /** Marks a message done, unless its epoch has passed. */
  finish(epoch: Epoch, ticket: Ticket, bytes: number): void {
    const held = this.#held;
    if (held === undefined || epoch !== this.#epoch) return;
    const countBefore = held.count;
    const moved = held.finish(ticket);
    if (held.count === countBefore) return; // finished before
    if (moved) this.#commits.advance(held.commitPoint);
    this.#shared.release(1, bytes);
  }

  /** Forgets what no listener has seen yet; the next owner pulls it again. */
  dropWaiting(): number {
    const held = this.#held;
    if (held === undefined) return 0;
    const bytesBefore = held.bytes;
    const dropped = held.dropWaiting();
    this.#shared.release(dropped, bytesBefore - held.bytes);
    return dropped;
  }
}

const nothingHeld = { count: 0, bytes: 0, span: 0 } as const;
