// SPDX-License-Identifier: Apache-2.0
/** The figures of order: what was passed over, what came too late, what ran at once. */
import type { Delivery } from '../../../test/support/history/deliveries.ts';
import { checkOrder, type MemberHistory, type OrderVerdict } from '../../../test/support/history/order.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

export interface OrderedRun {
  readonly topic: string;
  readonly by: 'queue' | 'shardingKey';
  readonly members: readonly Ordered[];
  /** `queue offset` of dead letters. */
  readonly givenUp?: ReadonlySet<string>;
}

interface Ordered {
  readonly name: string;
  readonly endedAt?: number | undefined;
  deliveries(): readonly Delivery[];
}

/** Nothing of the topic passed over, out of order, or at once with what must wait for it. */
export async function judgeOrder(stage: Stage, report: Report, run: OrderedRun): Promise<OrderVerdict> {
  const { topic, by, members, givenUp = new Set<string>() } = run;
  const offsets = await stage.cluster.admin.queueOffsets(topic);
  const stored = offsets.map(({ brokerName, queueId, min, max }) => ({
    ...{ queue: `${topic}@${brokerName}#${queueId}`, min, max },
  }));
  const verdict = checkOrder({ members: members.map(historyOf), by, stored, givenUp });
  const lanes = by === 'queue' ? 'queues' : 'sharding keys';
  report.note(`${lanes} judged`, verdict.lanes);
  report.note('deliveries judged', verdict.deliveries);
  report.check('gaps', verdict.gaps.length, { is: 0 });
  report.check('inversions', verdict.inversions.length, { is: 0 });
  report.check(`concurrent deliveries of ${by === 'queue' ? 'a queue' : 'a key'}`, verdict.overlaps.length, {
    is: 0,
  });
  for (const breaches of [verdict.gaps, verdict.inversions, verdict.overlaps])
    for (const breach of breaches.slice(0, 5)) stage.say(`breach of the order: ${breach}`);
  return verdict;
}

function historyOf(member: Ordered): MemberHistory {
  return { name: member.name, deliveries: member.deliveries(), goneAt: member.endedAt };
}
