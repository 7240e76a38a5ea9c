// SPDX-License-Identifier: Apache-2.0
/** Does a broker's clock tell another time than ours? Seen when a pull that waited there is ended by a message just stored. */
import { ConsumerError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';

export interface ClockComparisonOptions {
  readonly clock: Clock;
  /** False after a time in which this process did not run: its answers are old then. */
  readonly isFresh: () => boolean;
  readonly tell: (error: ConsumerError) => void;
}

/** Below it may be the way of the message, or a process that was held up. Unit: ms. */
const tolerated = 60_000;
/** The same broker is told of again after this. Unit: ms. */
const toldEvery = 3_600_000;

export class ClockComparison {
  readonly #options: ClockComparisonOptions;
  /** Broker name → monotonic ms. */
  readonly #toldAt = new Map<string, number>();

  constructor(options: ClockComparisonOptions) {
    this.#options = options;
  }

  /** `at`: by the broker's clock, ms since 1970. */
  noteStored(brokerName: string, at: number): void {
    const { clock, isFresh, tell } = this.#options;
    const aheadMs = at - clock.wallNow();
    if (at <= 0 || Math.abs(aheadMs) < tolerated || !isFresh()) return;
    const now = clock.now();
    if (now - (this.#toldAt.get(brokerName) ?? Number.NEGATIVE_INFINITY) < toldEvery) return;
    this.#toldAt.set(brokerName, now);
    const [seconds, side] = [Math.round(Math.abs(aheadMs) / 1000), aheadMs > 0 ? 'ahead of' : 'behind'];
    const message = `the clock of ${brokerName} is ${seconds} s ${side} the one here`;
    tell(new ConsumerError('RMQ_CLOCK_SKEW', message, { context: { brokerName, aheadMs } }));
  }
}
