// SPDX-License-Identifier: Apache-2.0
/** Which offset of a queue may be handed to the broker now? The rules that keep commits from going backwards, as plain code. */
import type { QueueOffset } from '../model/queue-offset.ts';

/** Asked synchronously before every commit; false while commits are withheld, as after a pause of this process. */
export type CommitGate = () => boolean;

/** From this age a carrier that was not answered no longer stands in the way. Unit: ms. */
const carrierGrace = 1000;
/**
 * From this age a one-way 15 no longer delays an answered 15: the broker takes both from one queue in order, so only two
 * of its threads can race. A pull's commit runs in another thread pool and needs the whole {@link carrierGrace}. Unit: ms.
 */
const onewayGrace = 100;

const none = -1;
const always: CommitGate = () => true;

/** `failed`: its outcome is not known and never will be, as after a lost connection; it may still be on its way. */
type FlightKind = 'awaited' | 'oneway' | 'failed';

/** `final`: only the last commit of a queue that is given up, see {@link CommitLine.takeFinal}. */
type Admitted = 'all' | 'final' | 'none';

/** One offset on its way to the broker. Whoever took it gives it back with its outcome: values alone may be equal. */
export interface CommitCarrier {
  readonly offset: QueueOffset;
}

class Carrier implements CommitCarrier {
  readonly offset: QueueOffset;
  /** Monotonic ms. */
  readonly since: number;
  /** Resets of the line before it left: one from before a reset cannot speak for what came after. */
  readonly epoch: number;
  kind: FlightKind;

  constructor(offset: QueueOffset, since: number, epoch: number, kind: FlightKind) {
    this.offset = offset;
    this.since = since;
    this.epoch = epoch;
    this.kind = kind;
  }
}

/**
 * The commit line of one owned queue: what may be committed, what the broker has, and what is on the way.
 *
 * A *carrier* is whatever takes an offset to the broker: a pull with the commit flag, or a 15.
 * Rules (design.md G2): a value handed over never goes back except after {@link reset}; nothing past {@link point} is
 * handed over; one carrier at a time, unless the first is unanswered for {@link carrierGrace}; a failed carrier's value is handed
 * over again. Used on the hot path: only {@link take} and its like allocate.
 *
 * @example
 * const carrier = line.take(clock.now());          // before a pull: set the commit flag when there is a value
 * if (carrier !== undefined) line.settled(carrier, true);  // that pull was answered with 0, 19, 20 or 21
 */
export class CommitLine {
  readonly #mayCommit: CommitGate;
  #holdsLock: CommitGate = always;
  #point = none;
  /** Highest value the broker answered for. */
  #handed = none;
  /** The value of the newest carrier: above handed while it is unanswered, or one-way. */
  #sent = none;
  /** What the broker has is not certain: hand the point over once more. */
  #doubt = false;
  #closed = false;
  #admitted: Admitted = 'all';
  #epoch = 0;
  /** The newest carrier that may still land. */
  #flight: Carrier | undefined;
  /** Those that went on unanswered while a later one was sent. */
  readonly #overtaken: Carrier[] = [];
  readonly #waiters = new Set<() => void>();

  constructor(mayCommit: CommitGate) {
    this.#mayCommit = mayCommit;
  }

  /** From now on nothing is handed over either while this says no: the queue's lock, where there is one. */
  requireLock(holdsLock: CommitGate): void {
    this.#holdsLock = holdsLock;
  }

  /** What may be committed: every message before it is finished. `undefined` until known. */
  get point(): QueueOffset | undefined {
    return asOffset(this.#point);
  }

  /** The last value the broker answered for. `undefined` when nothing is known. */
  get handed(): QueueOffset | undefined {
    return asOffset(this.#handed);
  }

  /**
   * What the broker has when the next carrier is answered: the point, unless it is known not to travel (commits are withheld,
   * the lock is in doubt) or the last carrier failed. `undefined` when nothing is known.
   */
  get reach(): QueueOffset | undefined {
    return this.#doubt || !this.#mayDepart() ? this.handed : this.point;
  }

  /** True when the broker certainly has the point, or there is none. */
  get isSettled(): boolean {
    return this.#point <= this.#handed && !this.#doubt;
  }

  /** Counts resets. */
  get epoch(): number {
    return this.#epoch;
  }

  /** True when the broker certainly has this value, or more. */
  hasHanded(offset: QueueOffset | undefined): boolean {
    return offset !== undefined && offset <= this.#handed && !this.#doubt;
  }

  /** The broker was asked and has less than it answered for: the point is handed over once more. */
  distrust(): void {
    if (this.#point !== none) this.#doubt = true;
  }

  /** True after {@link close}: nothing is handed over any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Moves the point up; a lower or equal value changes nothing. True when it moved. */
  advance(point: QueueOffset): boolean {
    if (point <= this.#point) return false;
    this.#point = point;
    return true;
  }

  /**
   * Sets the point, backwards too: start, seek, correction by code 21, reset from outside.
   * `stored` tells that the broker already has this very value (it answered a 14 with it), so nothing needs handing over.
   */
  reset(point: QueueOffset, stored = false): void {
    this.#epoch++;
    this.#point = point;
    this.#handed = stored ? point : none;
    this.#sent = this.#handed;
    this.#doubt = false;
  }

  /**
   * The value an answered carrier (flagged pull, 15 as a request) shall take along now, or `undefined`.
   * Whoever takes a carrier calls {@link settled} or {@link refused} with it once. `now`: monotonic ms.
   */
  take(now: number): CommitCarrier | undefined {
    if (this.#admitted !== 'all' || (this.#point <= this.#handed && !this.#doubt)) return undefined;
    return this.#depart(now, carrierGrace, 'awaited');
  }

  /**
   * The value a one-way 15 shall take along now, or `undefined`. It is not answered: call {@link refused} when it could
   * not be written, and nothing otherwise; the next answered carrier confirms it.
   */
  takeOneway(now: number): CommitCarrier | undefined {
    if (this.#admitted !== 'all' || (this.#point <= this.#sent && !this.#doubt)) return undefined;
    return this.#depart(now, carrierGrace, 'oneway');
  }

  /** As {@link take} for the last 15 of a queue, which need not wait as long behind a one-way 15. */
  takeFinal(now: number): CommitCarrier | undefined {
    if (this.#point <= this.#handed && !this.#doubt) return undefined;
    return this.#depart(now, this.#flight === undefined ? 0 : finalGrace(this.#flight), 'awaited');
  }

  /**
   * A carrier's outcome. `accepted`: the broker answered that it stored the value. False when that is not known (timed
   * out, connection lost): the value is handed over again, once the carrier is {@link carrierGrace} old and cannot land late.
   */
  settled(carrier: CommitCarrier, accepted: boolean): void {
    this.#end(carrier, accepted, accepted);
  }

  /** The carrier certainly did not store the value: it was never written, or refused in an answer. It is handed over again. */
  refused(carrier: CommitCarrier): void {
    this.#end(carrier, false, true);
  }

  /** For how long {@link takeFinal} has to wait for carriers in flight. Unit: ms. */
  waitForFinal(now: number): number {
    return this.#flight === undefined ? 0 : Math.max(0, this.#flight.since + finalGrace(this.#flight) - now);
  }

  /** Is there a carrier whose outcome is not known? A one-way 15 is taken for landed when it is {@link onewayGrace} old. */
  mayStillLand(now: number): boolean {
    if (this.#overtaken.length > 0) return true;
    return this.#flight !== undefined && (this.#flight.kind !== 'oneway' || this.waitForFinal(now) > 0);
  }

  /**
   * What the broker has unless somebody else changed it: the value written last, answered or not, once it has had time to
   * land. `undefined` when that is not known. `now`: monotonic ms.
   */
  believed(now: number): QueueOffset | undefined {
    const isLanding = this.#flight !== undefined && now - this.#flight.since < carrierGrace;
    return this.#doubt || isLanding ? undefined : asOffset(this.#sent);
  }

  /** Calls `fn` once, when the carrier in flight has an outcome or the line is closed. Returns a function that takes it back. */
  onceSettled(fn: () => void): () => void {
    this.#waiters.add(fn);
    return () => this.#waiters.delete(fn);
  }

  /** While it is in doubt who owns the queue, nothing is handed over; the point goes on moving. */
  withhold(withheld: boolean): void {
    this.#admitted = withheld ? 'none' : 'all';
  }

  /**
   * From now on nothing but {@link takeFinal} hands anything over. A periodic 15 that slipped in while it waits for a
   * pull's commit would only make it wait again.
   */
  admitFinal(): void {
    this.#admitted = 'final';
  }

  /** Nothing is handed over from here on: the queue is no longer ours. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #depart(now: number, grace: number, kind: FlightKind): CommitCarrier | undefined {
    const before = this.#flight;
    if (before !== undefined && now - before.since < grace) return undefined;
    if (!this.#mayDepart()) return undefined;
    if (before?.kind === 'awaited') this.#overtaken.push(before);
    const point = this.#point as QueueOffset; // came in branded, and take asks only when there is one
    this.#flight = new Carrier(point, now, this.#epoch, kind);
    this.#sent = point;
    this.#doubt = false;
    return this.#flight;
  }

  #mayDepart(): boolean {
    return !this.#closed && this.#admitted !== 'none' && this.#mayCommit() && this.#holdsLock();
  }

  /** `gone`: it cannot land any more. */
  #end(carrier: CommitCarrier, accepted: boolean, gone: boolean): void {
    if (this.#overtaken.length > 0 && this.#endOvertaken(carrier, accepted)) return;
    const flight = this.#flight;
    if (flight === undefined || flight !== carrier || flight.kind === 'failed') return;
    if (gone) this.#flight = undefined;
    else flight.kind = 'failed';
    if (flight.epoch === this.#epoch) this.#learn(flight.offset, accepted);
    if (this.#waiters.size > 0) this.#wake();
  }

  /** A value that was not accepted may have landed or not: whatever else is known, the point travels again. */
  #learn(offset: number, accepted: boolean): void {
    if (!accepted) this.#doubt = true;
    else if (offset > this.#handed) this.#handed = offset;
  }

  /** It may have landed after the carrier that overtook it, so the point is handed over once more. */
  #endOvertaken(told: CommitCarrier, accepted: boolean): boolean {
    const at = told instanceof Carrier ? this.#overtaken.indexOf(told) : -1;
    const [carrier] = at < 0 ? [] : this.#overtaken.splice(at, 1);
    if (carrier === undefined) return false;
    if (accepted && carrier.epoch === this.#epoch) this.#learn(carrier.offset, true);
    this.#doubt = this.#point !== none;
    return true;
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter();
  }
}

function finalGrace({ kind }: Carrier): number {
  return kind === 'oneway' ? onewayGrace : carrierGrace;
}

function asOffset(value: number): QueueOffset | undefined {
  return value === none ? undefined : (value as QueueOffset); // came in branded
}
