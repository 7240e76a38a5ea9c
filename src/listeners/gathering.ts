// SPDX-License-Identifier: Apache-2.0
/** For how long do messages of a queue still wait for a batch to fill? (batchMaxWaitMillis) */
import type { Epoch } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';

export interface GatheringSettings {
  /** Messages that make a batch. */
  readonly batchSize: number;
  /** Unit: ms. */
  readonly batchMaxWaitMs: number;
  /** Monotonic ms. */
  now(): number;
}

/** A batch that came in: its messages have the tickets below `upTo`, and not below that of the batch before. */
interface Arrival {
  readonly upTo: Ticket;
  /** Monotonic ms. */
  readonly at: number;
}

/** Undefined when messages wait for nothing. */
export function gatheringOf(settings: GatheringSettings): Gathering | undefined {
  return settings.batchSize > 1 && settings.batchMaxWaitMs > 0 ? new Gathering(settings) : undefined;
}

export class Gathering {
  /** Messages that make a batch. */
  readonly size: number;
  readonly #waitMs: number;
  readonly #now: () => number;
  /** In the order of tickets; those of started messages leave with the next question. */
  #arrivals: Arrival[] = [];
  #epoch: Epoch = -1;

  constructor({ batchSize, batchMaxWaitMs, now }: GatheringSettings) {
    this.size = batchSize;
    this.#waitMs = batchMaxWaitMs;
    this.#now = now;
  }

  /** Messages came in: those up to, not including, this ticket. */
  noteArrival(epoch: Epoch, upTo: Ticket): void {
    if (epoch !== this.#epoch) this.#arrivals = [];
    this.#epoch = epoch;
    this.#arrivals.push({ upTo, at: this.#now() });
  }

  /** When this message came in; tickets are asked for in their order. Minus infinity: nobody knows. */
  arrivalOf(ticket: Ticket): number {
    let [first] = this.#arrivals;
    while (first !== undefined && first.upTo <= ticket) {
      this.#arrivals.shift();
      [first] = this.#arrivals;
    }
    return first?.at ?? Number.NEGATIVE_INFINITY;
  }

  /** What waits makes a batch, or has waited long enough. Tickets: of the first that waits, and of the next to come. */
  isRipe({ nextTicket, endTicket }: { readonly nextTicket: Ticket; readonly endTicket: Ticket }): boolean {
    return endTicket - nextTicket >= this.size || this.left(this.arrivalOf(nextTicket)) === 0;
  }

  /** What is left of the wait of a message that came in then; 0 when it has waited long enough. Unit: ms. */
  left(arrivedAt: number): number {
    return Math.max(0, arrivedAt + this.#waitMs - this.#now());
  }
}
