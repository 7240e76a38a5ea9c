// SPDX-License-Identifier: Apache-2.0
/** What does the demo show? The figures of one moment, from which every view is made. */
import type { Tone } from './paint.ts';

export interface MemberFigures {
  readonly name: string;
  readonly tone: Tone;
  /** Dotted path of the actor's state: `running.active`. */
  readonly state: string;
  /** Labels of the queues it owns now. */
  readonly queues: readonly string[];
  readonly consumed: number;
  /** Unit: messages per second. */
  readonly rate: number;
  /** Messages pulled and not done. */
  readonly held: number;
  readonly retried: number;
}

export interface QueueFigures {
  /** `3`, or `broker-b:3` where there are several brokers. */
  readonly label: string;
  /** Messages of this run that its broker holds. */
  readonly stored: number;
  /** How many of those the group has committed there. */
  readonly committed: number;
}

/** One line of the event log. */
export interface Happening {
  /** Unit: ms since the beginning. */
  readonly at: number;
  /** A member, or nothing for the demo itself. */
  readonly who?: { readonly name: string; readonly tone: Tone } | undefined;
  readonly text: string;
  readonly tone: Tone;
}

export interface Figures {
  /** `embedded cluster at 127.0.0.1:40123`. */
  readonly where: string;
  readonly topic: string;
  readonly group: string;
  /** Unit: ms since the beginning. */
  readonly elapsed: number;
  readonly planned: number;
  readonly produced: number;
  readonly consumed: number;
  /** Deliveries that did not fail beyond the first of an order. */
  readonly repeated: number;
  readonly retried: number;
  /** Consumed by all members. Unit: messages per second. */
  readonly rate: number;
  readonly members: readonly MemberFigures[];
  readonly queues: readonly QueueFigures[];
  readonly happenings: readonly Happening[];
  /** One entry every {@link historyStep}. */
  readonly rateHistory: readonly number[];
  readonly lagHistory: readonly number[];
}

/** Unit: ms. */
export const historyStep = 125;
/** Entries that are shown: twelve seconds. */
export const historyLength = 96;

/** Produced and not yet consumed. */
export function lagOf({ produced, consumed }: Pick<Figures, 'produced' | 'consumed'>): number {
  return Math.max(0, produced - consumed);
}

/** `0–3 6` for 0, 1, 2, 3, 6; labels that are not numbers as they are. */
export function rangesOf(labels: readonly string[]): string {
  const runs: { first: string; last: string }[] = [];
  for (const label of labels) {
    const run = runs.at(-1);
    if (run !== undefined && /^\d+$/.test(label) && Number(label) === Number(run.last) + 1) run.last = label;
    else runs.push({ first: label, last: label });
  }
  return runs.map(({ first, last }) => (first === last ? first : `${first}–${last}`)).join(' ');
}
