// SPDX-License-Identifier: Apache-2.0
/** Which conflicts are new, which are over, and which broker is asked next? Pure. */
import type { Address } from '../../model/route.ts';
import type {
  ConflictChange,
  ConflictDetails,
  ConflictsContext,
  GroupLook,
  KnownConflict,
  PullRefused,
  Refusals,
} from './conflicts.types.ts';

/** Refused pulls ask for a look, but no sooner after the last one. Unit: ms. */
export const lookFloor = 5000;
/** Longest a look may take; the port's own limit comes before. Unit: ms. */
export const lookLimit = 30_000;
/** Where brokers may not be asked: rights may have been given meanwhile. Unit: ms. */
export const askAgain = 86_400_000;
/**
 * A conflict is over after so many looks in a row without it: a member that subscribes to other topics is not seen right
 * after our own heartbeat, which has just taken its topics off the broker's list.
 */
const looksUntilOver = 2;
/** Where brokers may not be asked: refusals at so many moments within two intervals are a conflict. One alone is a broker that was restarted. */
const refusalsUntilFound = 3;
/** Refusals closer together are one moment: those of all queues of a topic. Unit: ms. */
const moment = 500;

export const noChange: ConflictChange = { found: [], over: [] };

export interface Judged {
  readonly known: ReadonlyMap<string, KnownConflict>;
  readonly change: ConflictChange;
}

/** The broker that showed a conflict is asked again; otherwise they take turns. */
export function nextAddress(
  { known, looks }: Pick<ConflictsContext, 'known' | 'looks'>,
  addresses: readonly Address[],
): Address | undefined {
  const suspect = [...known.values()].find(({ details }) => addresses.includes(details.broker ?? ''));
  return suspect?.details.broker ?? addresses[looks % Math.max(1, addresses.length)];
}

/** What a look changes. One that differs from what was told is a new conflict. */
export function afterLook(
  { known, port }: Pick<ConflictsContext, 'known' | 'port'>,
  look: GroupLook,
): Judged {
  const next = new Map<string, KnownConflict>();
  const found: ConflictDetails[] = [];
  const over: ConflictDetails[] = [];
  for (const conflict of port.compare(look)) {
    const details = { ...conflict, members: look.others, broker: look.address };
    const before = known.get(conflict.topic)?.details;
    if (before === undefined || !isSame(before, details)) found.push(details);
    next.set(conflict.topic, { details, cleanLooks: 0 });
  }
  for (const [topic, { details, cleanLooks }] of known) {
    if (next.has(topic)) continue;
    if (cleanLooks + 1 >= looksUntilOver) over.push(details);
    else next.set(topic, { details, cleanLooks: cleanLooks + 1 });
  }
  return { known: next, change: { found, over } };
}

/** A refused pull where brokers may not be asked. */
export function withRefusal(
  { refusals, interval }: Pick<ConflictsContext, 'refusals' | 'interval'>,
  { topic }: PullRefused,
  now: number,
): ReadonlyMap<string, Refusals> {
  const at = (refusals.get(topic)?.at ?? []).filter(each => now - each < 2 * interval);
  const isSameMoment = now - (at.at(-1) ?? Number.NEGATIVE_INFINITY) < moment;
  return new Map(refusals).set(topic, { at: isSameMoment ? at : [...at, now].slice(-refusalsUntilFound) });
}

/** What refused pulls alone say: no other member, no selector of theirs; over when there were none for two intervals. */
export function afterRefusals(
  { known, port, refusals, interval }: Pick<ConflictsContext, 'known' | 'port' | 'refusals' | 'interval'>,
  now: number,
): Judged {
  const next = new Map(known);
  const found: ConflictDetails[] = [];
  const over: ConflictDetails[] = [];
  for (const [topic, { at }] of refusals) {
    const isLasting = at.length >= refusalsUntilFound && now - (at[0] ?? 0) < 2 * interval;
    if (!isLasting || next.has(topic)) continue;
    const ours = port.selectorOf(topic);
    const details = {
      topic,
      kind: 'onlyOurs',
      ours,
      theirs: undefined,
      members: [],
      broker: undefined,
    } as const;
    next.set(topic, { details, cleanLooks: 0 });
    found.push(details);
  }
  for (const [topic, { details }] of known) {
    const last = refusals.get(topic)?.at.at(-1);
    if (last !== undefined && now - last < 2 * interval) continue;
    next.delete(topic);
    over.push(details);
  }
  return { known: next, change: { found, over } };
}

/** Nothing is known, so no refused pull needs to be thought of. */
export function isCalm({ known }: Pick<ConflictsContext, 'known'>): boolean {
  return known.size === 0;
}

function isSame(one: ConflictDetails, other: ConflictDetails): boolean {
  return (
    one.kind === other.kind &&
    one.ours?.expression === other.ours?.expression &&
    one.theirs?.expression === other.theirs?.expression
  );
}
