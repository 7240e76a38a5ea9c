// SPDX-License-Identifier: Apache-2.0
/** Who had which queue, and when? Told from pulls or deliveries: each is a touch of a queue by a member at a time. */

export interface Touch {
  readonly member: string;
  readonly queue: string;
  /** Unit: ms, any clock that is the same for all. */
  readonly at: number;
}

/** A row of touches of one queue by one member, with nobody between. */
export interface Spell {
  readonly member: string;
  readonly from: number;
  readonly to: number;
  readonly touches: number;
}

/** Each queue's owners in the order of time. */
export function ownerTimeline(touches: Iterable<Touch>): ReadonlyMap<string, readonly Spell[]> {
  const timeline = new Map<string, Spell[]>();
  for (const { member, queue, at } of byTime(touches)) {
    const spells = timeline.get(queue) ?? [];
    timeline.set(queue, spells);
    const last = spells.at(-1);
    if (last?.member === member) spells[spells.length - 1] = { ...last, to: at, touches: last.touches + 1 };
    else spells.push({ member, from: at, to: at, touches: 1 });
  }
  return timeline;
}

/** How a change among the members ended. */
export interface Settlement {
  /** Who has which queues at the end of the window. */
  readonly split: ReadonlyMap<string, readonly string[]>;
  /** From the change until each queue was touched by its final owner, and no more by anybody else. Unit: ms. */
  readonly ms: number;
  /** The queue that took longest. */
  readonly lastQueue: string | undefined;
  /** Queues whose owner is another than before the change. */
  readonly moved: readonly string[];
}

/**
 * Looks at the time from one change to the next.
 * @param window.from when the change was made
 * @param window.to when the next one was made, or the run ended
 */
export function settlement(
  touches: Iterable<Touch>,
  window: { readonly from: number; readonly to: number },
): Settlement {
  const split = new Map<string, string[]>();
  const moved: string[] = [];
  let ms = 0;
  let lastQueue: string | undefined;
  for (const [queue, ofQueue] of groupByQueue(byTime(touches))) {
    const before = ofQueue.findLast(touch => touch.at < window.from);
    const within = ofQueue.filter(touch => touch.at >= window.from && touch.at < window.to);
    const owner = within.at(-1)?.member;
    if (owner === undefined) continue; // nobody: it is missing in the split
    split.set(owner, [...(split.get(owner) ?? []), queue]);
    const firstByOwner = within.find(touch => touch.member === owner)?.at ?? window.from;
    const lastByOthers = within.findLast(touch => touch.member !== owner)?.at ?? window.from;
    if (before?.member !== owner) moved.push(queue);
    const settledAt = Math.max(before?.member === owner ? window.from : firstByOwner, lastByOthers);
    if (settledAt - window.from > ms || lastQueue === undefined) {
      ms = Math.max(ms, settledAt - window.from);
      lastQueue = queue;
    }
  }
  return { split, ms, lastQueue, moved };
}

function byTime(touches: Iterable<Touch>): Touch[] {
  return [...touches].sort((a, b) => a.at - b.at);
}

function groupByQueue(touches: readonly Touch[]): ReadonlyMap<string, readonly Touch[]> {
  const groups = new Map<string, Touch[]>();
  for (const touch of touches) {
    const group = groups.get(touch.queue);
    if (group === undefined) groups.set(touch.queue, [touch]);
    else group.push(touch);
  }
  return groups;
}
