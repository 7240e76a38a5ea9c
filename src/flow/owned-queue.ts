// SPDX-License-Identifier: Apache-2.0
/** What does this consumer hold of one queue it owns? The data behind the pull and consume actors, shared by reference. */
import type { MessageQueue, QueueKey } from '../model/message-queue.ts';
import { queueKey } from '../model/message-queue.ts';
import { type QueueOffset, zeroOffset } from '../model/queue-offset.ts';
import { type FlowFigures, FlowGate, type SharedFlow } from './flow-gate.ts';
import { type Held, ProcessQueue, type Ticket } from './process-queue.ts';

/** Where the commit point goes; the offset store keeps one for each owned queue. */
export interface CommitTarget {
  /** The last value the broker answered for; undefined when nothing is known, and then nothing counts as uncommitted. */
  readonly handed?: QueueOffset | undefined;
  /** What the broker will have when a pull that is written now is answered: the point if that takes it along, else what it has. */
  readonly reach?: QueueOffset | undefined;
  /** Never goes back. */
  advance(point: QueueOffset): unknown;
  /** Sets the point whatever it was: start, seek, correction. `stored`: the store is known to have this very value. */
  reset(point: QueueOffset, stored: boolean): unknown;
}

/** Counts restarts of a queue (correction, seek, hand-over). What belongs to an older epoch touches nothing. */
export type Epoch = number;

export class OwnedQueue<Message extends Held> implements FlowFigures {
  readonly queue: MessageQueue;
  readonly key: QueueKey;
  readonly gate: FlowGate;
  readonly #commits: CommitTarget;
  /** Undefined: the commit point is all that is done. Else no more than what was asked for. */
  #approved: QueueOffset | undefined;
  #held: ProcessQueue<Message> | undefined;
  #epoch: Epoch = 0;
  #onArrival: (wasEmpty: boolean) => void = () => {};
  #countRunning: (() => number) | undefined;

  /** `autoCommit` false: offsets are committed only as far as {@link approve} allows. */
  constructor(
    queue: MessageQueue,
    commits: CommitTarget,
    shared: SharedFlow,
    { autoCommit = true }: { readonly autoCommit?: boolean } = {},
  ) {
    this.queue = queue;
    this.key = queueKey(queue);
    this.#commits = commits;
    this.#approved = autoCommit ? undefined : zeroOffset;
    this.gate = new FlowGate(this, shared, queue.topic);
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

  /** What the broker is known to have; undefined when nothing is known. */
  get committed(): QueueOffset | undefined {
    return this.#commits.handed;
  }

  get count(): number {
    return this.#held?.count ?? 0;
  }

  /** Of the frames that are kept in memory for them. Unit: bytes. */
  get bytes(): number {
    return this.#held?.bytes ?? 0;
  }

  get span(): number {
    return this.#held?.span ?? 0;
  }

  /** Messages that no listener has yet. */
  get waitingCount(): number {
    return this.count - this.runningCount;
  }

  get hasWaiting(): boolean {
    return this.#held?.hasWaiting ?? false;
  }

  get runningCount(): number {
    return this.#countRunning?.() ?? this.#held?.runningCount ?? 0;
  }

  /**
   * Counts up to the newest message: what was filtered out behind it would not be consumed again. A consumer whose pulls take
   * its commits along is never far behind: what the next pull hands over counts as committed, or a batch that leads on by
   * more than the limit would close the queue until the next periodic commit.
   */
  isUncommittedBeyond(offsets: number): boolean {
    const end = this.#held?.end;
    if (end === undefined || end - (this.#commits.handed ?? end) <= offsets) return false;
    return end - (this.#commits.reach ?? end) > offsets;
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
    if (this.#approved !== undefined) this.#approved = offset;
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
    if (before !== undefined) this.gate.release(before.count, before.bytes);
  }

  /**
   * Takes in a pulled batch, oldest first; none when nothing in the stretch up to `nextOffset` was for us.
   * `frameBytes`: of the frame it came in, which its messages keep in memory.
   */
  admit(messages: readonly Message[], nextOffset: QueueOffset, frameBytes: number): void {
    const held = this.#held;
    if (held === undefined) return;
    const bytesBefore = held.bytes;
    const wasEmpty = held.count === 0;
    const pointBefore = held.commitPoint;
    held.admit(messages, nextOffset, frameBytes);
    if (held.commitPoint !== pointBefore) this.#advance(held); // nothing was held, and a stretch before these was not for us
    if (messages.length === 0) return;
    this.gate.add(messages.length, held.bytes - bytesBefore);
    this.#onArrival(wasEmpty);
  }

  /** Ticket of the first message that {@link take} would hand out; the following ones count up. */
  get nextTicket(): Ticket {
    return this.#held?.nextTicket ?? 0;
  }

  /** Ticket that the next message to come in will have. */
  get endTicket(): Ticket {
    return this.#held?.endTicket ?? 0;
  }

  /** Hands out up to `max` waiting messages, oldest first; empty when none waits. */
  take(max: number): readonly Message[] {
    const taken = this.#held?.take(max) ?? [];
    if (this.gate.awaitsStart) this.gate.recheck();
    return taken;
  }

  /** Marks a message done, unless its epoch has passed. */
  finish(epoch: Epoch, ticket: Ticket): void {
    const held = this.#held;
    if (held === undefined || epoch !== this.#epoch) return;
    const countBefore = held.count;
    const bytesBefore = held.bytes;
    const moved = held.finish(ticket);
    if (held.count === countBefore) return; // finished before
    if (moved) this.#advance(held);
    this.gate.release(1, bytesBefore - held.bytes);
  }

  /**
   * Where offsets are committed on demand: from now on they may be up to `upTo`, or as far as all is done now. They follow as
   * messages are done, never past one that is not; a lower value than an earlier one changes nothing. Answers where the
   * first message is that is not done, undefined where no place is known. Of a former epoch: nothing changes.
   */
  approve(upTo?: QueueOffset, epoch: Epoch = this.#epoch): QueueOffset | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    if (this.#approved !== undefined && epoch === this.#epoch) {
      const asked = upTo ?? held.commitPoint;
      if (asked > this.#approved) this.#approved = asked;
      this.#advance(held);
      this.gate.recheck();
    }
    return held.commitPoint;
  }

  /** The commit line takes no notice of a value that is not above its own. */
  #advance({ commitPoint }: ProcessQueue<Message>): void {
    const approved = this.#approved ?? commitPoint;
    this.#commits.advance(approved < commitPoint ? approved : commitPoint);
  }

  /** Forgets what no listener has seen yet; the next owner pulls it again. */
  dropWaiting(): number {
    const held = this.#held;
    if (held === undefined) return 0;
    const bytesBefore = held.bytes;
    const dropped = held.dropWaiting();
    this.gate.release(dropped, bytesBefore - held.bytes);
    return dropped;
  }
}
