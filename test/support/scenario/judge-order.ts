// SPDX-License-Identifier: Apache-2.0
/** Was the order kept that a scenario expects of a group, and was there anything side by side where there should be? */
import type { RawQueueOffsets } from '../cluster/raw-admin.ts';
import { checkOrder, type OrderInput } from '../history/order.ts';
import type { ScenarioDelivery } from './listener.ts';
import { groupBy, type Problems } from './problems.ts';
import type { GroupExpectation } from './scenario.types.ts';
import type { World } from './world.ts';

export function judgeOrder(
  world: World,
  problems: Problems,
  expected: GroupExpectation,
  offsets: readonly RawQueueOffsets[],
): void {
  const { group, topic, order, sideBySide = 0 } = expected;
  const where = `${group} in ${topic}`;
  const deliveries = world.book.of(group).filter(({ queue }) => queue.startsWith(`${topic}@`));
  const most = mostAtOnce(deliveries);
  problems.unless(most >= sideBySide, () => `${where}: at most ${most} calls of a queue side by side`);
  if (order === undefined) return;
  const { gaps, inversions, overlaps } = checkOrder({
    ...{ members: historiesOf(world, deliveries), by: order },
    stored: storedOf(expected, offsets),
    givenUp: new Set(deliveries.filter(isDead(expected)).map(each => `${each.queue} ${each.offset}`)),
  });
  problems.none(gaps, `${where}: passed over`);
  problems.none(inversions, `${where}: out of order`);
  problems.none(overlaps, `${where}: side by side`);
}

function historiesOf({ members }: World, deliveries: readonly ScenarioDelivery[]): OrderInput['members'] {
  return [...groupBy(deliveries, each => each.member)].map(([name, ofMember]) => ({
    ...{ name, deliveries: ofMember, goneAt: members.get(name)?.crashedAt },
  }));
}

/** What a selector leaves out may be passed over. */
function storedOf(
  { topic, tags, optional = 0 }: GroupExpectation,
  offsets: readonly RawQueueOffsets[],
): NonNullable<OrderInput['stored']> {
  if (tags !== undefined || optional > 0) return [];
  return offsets.map(({ brokerName, queueId, min, max }) => ({
    ...{ queue: `${topic}@${brokerName}#${queueId}`, min, max },
  }));
}

function isDead({ dead = [] }: GroupExpectation): (delivery: ScenarioDelivery) => boolean {
  return ({ sequence }) => dead.includes(sequence);
}

/** Of the calls for messages of one queue, how many ran at the same time. */
function mostAtOnce(deliveries: readonly ScenarioDelivery[]): number {
  let most = 0;
  for (const ofQueue of groupBy(deliveries, each => each.queue).values()) {
    const calls = [...groupBy(ofQueue, each => `${each.member} ${each.call}`).values()].flatMap(call =>
      call.slice(0, 1),
    );
    for (const { at } of calls) {
      most = Math.max(most, calls.filter(other => other.at <= at && other.until > at).length);
    }
  }
  return most;
}
