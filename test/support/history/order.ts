// SPDX-License-Identifier: Apache-2.0
/**
 * Was the order kept? Judges what the members of a group wrote down, a queue (or a sharding key of a queue) at a time: was
 * anything passed over, did anything come after what should have followed it, were two listeners at work at once?
 */
import type { Delivery } from './deliveries.ts';

/** What one process was given. */
export interface MemberHistory {
  readonly name: string;
  readonly deliveries: readonly Delivery[];
  /** When its process was gone: calls of it that never ended stopped there. Unit: ms, the clock of the deliveries. */
  readonly goneAt?: number | undefined;
}

export interface OrderInput {
  readonly members: readonly MemberHistory[];
  /** What is in order: all of a queue, or each sharding key of it. Messages without a key count as one. */
  readonly by: 'queue' | 'shardingKey';
  /** What the brokers hold: whoever was never given a message passed over it. */
  readonly stored?: readonly { readonly queue: string; readonly min: number; readonly max: number }[];
  /** Messages that may be passed over undone, dead letters: `queue offset`. */
  readonly givenUp?: ReadonlySet<string>;
}

export interface OrderVerdict {
  /** Queues, or keys of queues, that were seen. */
  readonly lanes: number;
  /** Deliveries judged, the repeated and the failed ones too. */
  readonly deliveries: number;
  /** `queue offset` of every message that was neither done nor being delivered when a later one was begun, or never given. */
  readonly gaps: readonly string[];
  /** Messages first begun after a later one of theirs had begun. */
  readonly inversions: readonly string[];
  /** Calls begun while another call of the same lane had not ended. */
  readonly overlaps: readonly string[];
  /** How many times too often a message was done: no breach of the order when a member was killed. */
  readonly repeated: number;
}

interface Step {
  readonly lane: string;
  readonly queue: string;
  readonly offset: number;
  readonly at: number;
  readonly until: number;
  readonly isDone: boolean;
  /** The messages of one call are side by side by its own doing. */
  readonly call: string;
}

interface Findings {
  readonly gaps: Set<string>;
  readonly inversions: string[];
  readonly overlaps: string[];
}

/** A verdict over the whole run, over all members together. */
export function checkOrder({ members, by, stored = [], givenUp = new Set() }: OrderInput): OrderVerdict {
  const steps = members.flatMap(member => stepsOf(member, by));
  const found: Findings = { gaps: new Set(), inversions: [], overlaps: [] };
  const lanes = groupByLane(steps);
  for (const ofLane of lanes.values()) {
    const inTime = ofLane.toSorted((a, b) => a.at - b.at || a.offset - b.offset);
    findGaps(inTime, by, givenUp, found);
    findInversions(inTime, found);
    findOverlaps(inTime, found);
  }
  const done = steps.filter(step => step.isDone).map(placeOf);
  const given = new Set(steps.map(placeOf));
  for (const { queue, min, max } of stored) {
    for (let offset = min; offset < max; offset += 1) {
      const place = placeOf({ queue, offset });
      if (!given.has(place) && !givenUp.has(place)) found.gaps.add(place);
    }
  }
  return {
    lanes: lanes.size,
    deliveries: steps.length,
    gaps: [...found.gaps],
    inversions: found.inversions,
    overlaps: found.overlaps,
    repeated: done.length - new Set(done).size,
  };
}

function stepsOf({ name, deliveries, goneAt = Infinity }: MemberHistory, by: OrderInput['by']): Step[] {
  return deliveries.map(({ queue, offset, at, until, isDone, key, call }, index) => ({
    lane: by === 'queue' ? queue : `${queue} ${key ?? ''}`,
    ...{ queue, offset, at, isDone },
    until: until ?? goneAt,
    call: `${name} ${call ?? `of line ${index}`}`,
  }));
}

/**
 * A message is passed over when a later one begins while it is neither done nor under way. In a queue the offsets between
 * are known; of a key, those that somebody was given at some time.
 */
function findGaps(
  inTime: readonly Step[],
  by: OrderInput['by'],
  givenUp: ReadonlySet<string>,
  { gaps }: Findings,
): void {
  const offsets = by === 'queue' ? span(inTime) : distinct(inTime);
  const settled = new Set<number>();
  const failing = new Map<number, number>();
  let next = 0; // all before it are settled
  for (const { queue, offset, at, until, isDone } of inTime) {
    while (settled.has(offsets[next] ?? Number.NaN)) next += 1;
    for (let index = next; (offsets[index] ?? Infinity) < offset; index += 1) {
      const earlier = offsets[index] ?? Number.NaN;
      if (settled.has(earlier) || (failing.get(earlier) ?? -Infinity) > at) continue;
      if (!givenUp.has(placeOf({ queue, offset: earlier }))) gaps.add(placeOf({ queue, offset: earlier }));
      settled.add(earlier); // told once
    }
    if (isDone) settled.add(offset);
    else failing.set(offset, Math.max(until, failing.get(offset) ?? until));
  }
}

function findInversions(inTime: readonly Step[], { inversions }: Findings): void {
  const begun = new Set<number>();
  let highest = -Infinity;
  for (const { lane, offset } of inTime) {
    if (offset < highest && !begun.has(offset)) inversions.push(`${lane}: ${offset} after ${highest}`);
    begun.add(offset);
    highest = Math.max(highest, offset);
  }
}

function findOverlaps(inTime: readonly Step[], { overlaps }: Findings): void {
  let running: readonly Step[] = [];
  const told = new Set<string>();
  for (const step of inTime) {
    running = running.filter(({ until }) => until > step.at);
    const other = running.find(({ call }) => call !== step.call);
    const pair = `${other?.call} ${step.call}`;
    if (other !== undefined && !told.has(pair)) {
      told.add(pair);
      const [beside, begun] = [other, step].map(({ offset, call }) => `${offset} (${call})`);
      overlaps.push(`${step.lane}: ${begun} while ${beside} was running`);
    }
    running = [...running, step];
  }
}

/** Every offset from the first to the last that was given: a queue has no holes. */
function span(steps: readonly Step[]): readonly number[] {
  const given = distinct(steps);
  const [first = 0, last = -1] = [given[0], given.at(-1)];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function distinct(steps: readonly Step[]): readonly number[] {
  return [...new Set(steps.map(({ offset }) => offset))].sort((a, b) => a - b);
}

function placeOf({ queue, offset }: { readonly queue: string; readonly offset: number }): string {
  return `${queue} ${offset}`;
}

function groupByLane(steps: readonly Step[]): ReadonlyMap<string, readonly Step[]> {
  const lanes = new Map<string, Step[]>();
  for (const step of steps) {
    const ofLane = lanes.get(step.lane);
    if (ofLane === undefined) lanes.set(step.lane, [step]);
    else ofLane.push(step);
  }
  return lanes;
}
