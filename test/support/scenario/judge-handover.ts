// SPDX-License-Identifier: Apache-2.0
/** Did members that were shut down give their locks back, and was the user told of each queue that was given up? */
import type { ConsumerEvent, MessageQueue } from '../../../src/index.ts';
import type { Revoked, ScenarioMember } from './member.ts';
import type { Problems } from './problems.ts';
import { lockNameOf, returnLocks, stranger, takeLocks } from './raw-locks.ts';
import type { World } from './world.ts';

const lockCode = 41;

/** Where it promised none it asked for none. */
export function judgeNoLocks(
  problems: Problems,
  { name, locks, trace }: Pick<ScenarioMember, 'name' | 'locks' | 'trace'>,
): void {
  const asked = trace.entries.filter(entry => entry.kind === 'request' && entry.code === lockCode);
  problems.unless(
    locks !== 'none' || asked.length === 0,
    () => `${name}: asked ${asked.length} times for locks`,
  );
}

/** By a stranger who asks for the locks of every topic the member was subscribed to. */
export async function judgeLocks(world: World, problems: Problems, member: ScenarioMember): Promise<void> {
  const { name: who, group, topics, locks, report } = member;
  if (report === undefined || locks === 'none') return;
  for (const topic of [...topics, `%RETRY%${group}`]) {
    const asked = {
      name: lockNameOf(world, group, locks),
      topic: world.names.fresh(topic),
      clientId: stranger,
    };
    problems.none(await takeLocks(world, asked), `${who} has gone, its locks in ${topic} are still held`);
    await returnLocks(world, asked);
  }
}

/** A queue of which nothing was pulled yet may be given up without a word. */
export function judgeHook(
  problems: Problems,
  { name, events, revoked, report }: Pick<ScenarioMember, 'name' | 'events' | 'revoked' | 'report'>,
): void {
  if (report === undefined) return;
  const ends = revokedAfterUse(events);
  problems.none(
    unmatched(ends, (end, each) => isSame(each, end), revoked),
    `${name}: onQueuesRevoked was not told`,
  );
  problems.none(
    unmatched(revoked, isSame, events.filter(isRevoked)),
    `${name}: onQueuesRevoked was told, and there was no event`,
  );
}

/** It may turn out after the call that somebody else has the queue. */
function isSame(told: Revoked, event: Revoked): boolean {
  return textOf(told) === textOf(event) && [told.reason, 'lost'].includes(event.reason);
}

type RevokedEvent = Extract<ConsumerEvent, { readonly type: 'queue.revoked' }>;

/** The ends of those assignments that had begun. */
function revokedAfterUse(events: readonly ConsumerEvent[]): readonly RevokedEvent[] {
  const used = new Set<string>();
  return events.filter((event): event is RevokedEvent => {
    if (event.type === 'queue.assigned') used.add(textOf(event));
    return isRevoked(event) && used.delete(textOf(event));
  });
}

function isRevoked(event: ConsumerEvent): event is RevokedEvent {
  return event.type === 'queue.revoked';
}

/** What of the first list has no partner of its own in the second. */
function unmatched(
  first: readonly Revoked[],
  isPartner: (one: Revoked, other: Revoked) => boolean,
  second: readonly Revoked[],
): readonly string[] {
  const left = [...second];
  const alone = first.filter(one => {
    const index = left.findIndex(other => isPartner(one, other));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  return alone.map(each => `${textOf(each)} ${each.reason}`);
}

function textOf({ queue: { topic, brokerName, queueId } }: { readonly queue: MessageQueue }): string {
  return `${topic}@${brokerName}#${queueId}`;
}
