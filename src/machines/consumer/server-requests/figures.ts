// SPDX-License-Identifier: Apache-2.0
/**
 * How fast is a topic pulled and consumed, and when was a queue last? What 307 tells.
 * Source: ConsumerStatsManager, StatsItem of the Java client, which counts in the same steps.
 */
import type { CallWatch, TimedCall } from '../../../listeners/call-watch.ts';
import type { Clock } from '../../../model/clock.ts';
import type { PullWatch } from '../../../transport/pull-calls.ts';

/** As in ConsumeStatus of the Java client: rates in messages a second, times in ms. */
export interface ConsumeRates {
  readonly pullRT: number;
  readonly pullTPS: number;
  readonly consumeRT: number;
  readonly consumeOKTPS: number;
  readonly consumeFailedTPS: number;
  /** In the last hour. */
  readonly consumeFailedMsgs: number;
}

interface Counts {
  /** Monotonic ms. */
  readonly at: number;
  readonly done: number;
  readonly failed: number;
  readonly calls: number;
  readonly callMs: number;
  readonly pulled: number;
  readonly pulls: number;
  readonly pullMs: number;
}

const second = 1000;
const minute = 60 * second;

/** Counts as they were, one for each step of a span; looked at when something happens, so no timer is needed. */
class Past {
  readonly #step: number;
  readonly #span: number;
  readonly #kept: Counts[];

  constructor(step: number, span: number, first: Counts) {
    this.#step = step;
    this.#span = span;
    this.#kept = [first];
  }

  isDue(now: number): boolean {
    return now - (this.#kept.at(-1)?.at ?? 0) >= this.#step;
  }

  keep(counts: Counts): void {
    this.#kept.push(counts);
    while ((this.#kept[1]?.at ?? Number.POSITIVE_INFINITY) <= counts.at - this.#span) this.#kept.shift();
  }

  /** What came since the span began, and in how many ms. */
  until(now: Counts): Counts {
    const base = this.#kept.findLast(({ at }) => at <= now.at - this.#span) ?? this.#kept[0] ?? now;
    return {
      at: Math.max(now.at - base.at, this.#step),
      done: now.done - base.done,
      failed: now.failed - base.failed,
      calls: now.calls - base.calls,
      callMs: now.callMs - base.callMs,
      pulled: now.pulled - base.pulled,
      pulls: now.pulls - base.pulls,
      pullMs: now.pullMs - base.pullMs,
    };
  }
}

/** One for all queues of a topic, also those that were given up. */
export class TopicFigures {
  #done = 0;
  #failed = 0;
  #calls = 0;
  #callMs = 0;
  #pulled = 0;
  #pulls = 0;
  #pullMs = 0;
  readonly #lastMinute: Past;
  readonly #lastHour: Past;

  constructor(now: number) {
    const first = this.#counts(now);
    this.#lastMinute = new Past(10 * second, minute, first);
    this.#lastHour = new Past(10 * minute, 60 * minute, first);
  }

  ended(done: number, failed: number): void {
    this.#done += done;
    this.#failed += failed;
  }

  timed(calls: number, ms: number): void {
    this.#calls += calls;
    this.#callMs += calls * ms;
  }

  pulled(messages: number, ms: number): void {
    this.#pulled += messages;
    this.#pulls += 1;
    this.#pullMs += ms;
  }

  /** Time has come to here. */
  note(now: number): void {
    if (!this.#lastMinute.isDue(now)) return;
    const counts = this.#counts(now);
    this.#lastMinute.keep(counts);
    if (this.#lastHour.isDue(now)) this.#lastHour.keep(counts);
  }

  /** Over the last minute; the time of a call over the last hour when the minute had none. */
  rates(now: number): ConsumeRates {
    const counts = this.#counts(now);
    const last = this.#lastMinute.until(counts);
    const hour = this.#lastHour.until(counts);
    const perSecond = (count: number): number => (count * second) / last.at;
    return {
      pullRT: mean(last.pullMs, last.pulls),
      pullTPS: perSecond(last.pulled),
      consumeRT: last.calls > 0 ? mean(last.callMs, last.calls) : mean(hour.callMs, hour.calls),
      consumeOKTPS: perSecond(last.done),
      consumeFailedTPS: perSecond(last.failed),
      consumeFailedMsgs: hour.failed,
    };
  }

  #counts(at: number): Counts {
    return {
      ...{ at, done: this.#done, failed: this.#failed, calls: this.#calls, callMs: this.#callMs },
      ...{ pulled: this.#pulled, pulls: this.#pulls, pullMs: this.#pullMs },
    };
  }
}

function mean(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count;
}

/** Of calls that follow each other faster than one a ms, one of so many is timed; of others each. */
const timedOneOf = 16;

/** One for each assignment of a queue. */
export class QueueFigures implements CallWatch, PullWatch {
  readonly #clock: Clock;
  readonly #topic: TopicFigures;
  /** Monotonic ms; at first, as in Java, when the queue was assigned. */
  lastPullAt: number;
  lastConsumeAt: number;
  #toSkip = 0;
  #skipped = 0;
  #timedAt: number;

  constructor(topic: TopicFigures, clock: Clock) {
    const now = clock.now();
    this.#topic = topic;
    this.#clock = clock;
    this.lastPullAt = now;
    this.lastConsumeAt = now;
    this.#timedAt = now;
  }

  begin(): TimedCall | undefined {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      this.#skipped++;
      return undefined;
    }
    const beganAt = this.#clock.now();
    const standsFor = this.#skipped + 1;
    this.#toSkip = beganAt - this.#timedAt < standsFor ? timedOneOf - 1 : 0;
    this.#skipped = 0;
    this.#timedAt = beganAt;
    return { beganAt, standsFor };
  }

  end(timed: TimedCall | undefined, done: number, failed: number): void {
    this.#topic.ended(done, failed);
    if (timed === undefined) return;
    const now = this.#clock.now();
    this.#topic.timed(timed.standsFor, now - timed.beganAt);
    this.#topic.note(now);
    this.lastConsumeAt = now;
  }

  asked(at: number): void {
    this.lastPullAt = at;
    this.#topic.note(at);
  }

  found(messages: number, ms: number): void {
    this.#topic.pulled(messages, ms);
  }
}

/** All of one consumer. */
export class FiguresBook {
  readonly #clock: Clock;
  readonly #topics = new Map<string, TopicFigures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For a new assignment of a queue. */
  ofQueue(topic: string): QueueFigures {
    return new QueueFigures(this.#ofTopic(topic), this.#clock);
  }

  rates(topic: string): ConsumeRates {
    return this.#ofTopic(topic).rates(this.#clock.now());
  }

  #ofTopic(topic: string): TopicFigures {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const figures = new TopicFigures(this.#clock.now());
    this.#topics.set(topic, figures);
    return figures;
  }
}
