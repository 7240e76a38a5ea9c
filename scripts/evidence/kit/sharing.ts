// SPDX-License-Identifier: Apache-2.0
/** How did the members share the queues after each change? Judged from the pulls and deliveries that they wrote down. */

import type { Delivery, WireRequest } from '../../../test/support/history/deliveries.ts';
import { type Settlement, settlement, type Touch } from '../../../test/support/history/owners.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const pullCode = 11;

/** A member's two files, or what stands for them. */
export interface Traces {
  readonly name: string;
  deliveries(): readonly Delivery[];
  wire(): readonly WireRequest[];
}

/** Somebody came or went. Unit of `at`: CLOCK_MONOTONIC ms. */
export interface Change {
  readonly what: string;
  readonly at: number;
  /** Sizes of the shares afterwards, largest first: `3/3/2`. */
  readonly split: string;
  /** Instead of the one for all changes. Unit: ms. */
  readonly limit?: number;
}

/** Every pull sent and every delivery begun, of the topic and not of its retry topic. */
export function touchesOf(topic: string, members: readonly Traces[]): readonly Touch[] {
  return members.flatMap(member => [
    ...member
      .wire()
      .filter(({ code, queue }) => code === pullCode && queue.startsWith(`${topic}#`))
      .map(({ queue, at }) => ({ member: member.name, queue, at })),
    ...member
      .deliveries()
      .filter(({ queue }) => queue.startsWith(`${topic}@`))
      .map(({ queueId, at }) => ({ member: member.name, queue: `${topic}#${queueId}`, at })),
  ]);
}

/** One row for the split and one for the time of every change. */
export function judgeSharing(
  stage: Stage,
  report: Report,
  given: {
    readonly touches: readonly Touch[];
    readonly changes: readonly Change[];
    readonly end: number;
    /** Unit: ms. undefined: the time is told, not judged. */
    readonly limit: number | undefined;
  },
): void {
  for (const [index, { what, at, split, limit = given.limit }] of given.changes.entries()) {
    const settled = settlement(given.touches, { from: at, to: given.changes[index + 1]?.at ?? given.end });
    stage.say(`${what}: ${shares(settled)}; ${settled.moved.length} moved, last ${settled.lastQueue}`);
    report.check(`split when ${what}`, sizes(settled), { is: split });
    if (limit === undefined) report.note(`settled when ${what}, ms`, settled.ms);
    else report.speed(`settled when ${what}, ms`, settled.ms, { atMost: limit });
  }
}

function sizes({ split }: Settlement): string {
  return [...split.values()]
    .map(queues => queues.length)
    .sort((a, b) => b - a)
    .join('/');
}

function shares({ split }: Settlement): string {
  const ids = (queues: readonly string[]): string => queues.map(queue => queue.split('#')[1]).join(' ');
  return [...split].map(([member, queues]) => `${member} [${ids(queues)}]`).join(' ');
}
