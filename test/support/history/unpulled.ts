// SPDX-License-Identifier: Apache-2.0
/** Was a queue ever left alone? Told from the pulls that the members of a group sent. */
import type { Touch } from './owners.ts';

export interface Window {
  /** Unit: ms, the clock of the pulls. */
  readonly from: number;
  readonly to: number;
}

export interface Unpulled {
  readonly queue: string;
  /** When it began. */
  readonly from: number;
  readonly ms: number;
}

/** The longest time within the window that one of these queues passed without a pull of anybody; the window's ends count as pulls. */
export function longestUnpulled(
  pulls: Iterable<Touch>,
  queues: readonly string[],
  { from, to }: Window,
): Unpulled | undefined {
  const times = new Map<string, number[]>(queues.map(queue => [queue, [from, to]]));
  for (const { queue, at } of pulls) if (at > from && at < to) times.get(queue)?.push(at);
  const pauses = [...times].map(([queue, ofQueue]) => longestPause(queue, ofQueue));
  return pauses.sort((a, b) => b.ms - a.ms)[0];
}

function longestPause(queue: string, times: readonly number[]): Unpulled {
  let longest: Unpulled = { queue, from: Number.NaN, ms: -1 };
  let before: number | undefined;
  for (const at of times.toSorted((a, b) => a - b)) {
    if (before !== undefined && at - before > longest.ms) longest = { queue, from: before, ms: at - before };
    before = at;
  }
  return longest;
}

/** The queues whose last pull before that time was sent by that member. */
export function queuesOf(pulls: Iterable<Touch>, member: string, before: number): readonly string[] {
  const last = new Map<string, Touch>();
  for (const pull of pulls) {
    if (pull.at < before && pull.at >= (last.get(pull.queue)?.at ?? -Infinity)) last.set(pull.queue, pull);
  }
  return [...last.values()].filter(pull => pull.member === member).map(pull => pull.queue);
}

/** How long after that time the last of these queues was first pulled by another member; Infinity: one never was. Unit: ms. */
export function takenOverAfter(
  pulls: Iterable<Touch>,
  queues: readonly string[],
  { from, member }: { readonly from: number; readonly member: string },
): number {
  const first = new Map<string, number>(queues.map(queue => [queue, Infinity]));
  for (const pull of pulls) {
    const known = first.get(pull.queue);
    if (pull.member !== member && pull.at > from && known !== undefined && pull.at < known) {
      first.set(pull.queue, pull.at);
    }
  }
  return Math.max(0, ...[...first.values()].map(at => at - from));
}
