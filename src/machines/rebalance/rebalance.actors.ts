// SPDX-License-Identifier: Apache-2.0
/** How does a round come to its decision, and who is told of it? */
import { fromPromise } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { type Decision, decide, topicsToAsk } from './rebalance.logic.ts';
import type { MemberAnswer, RebalanceContext, RebalanceInput, RebalancePort } from './rebalance.types.ts';

export interface RunRoundInput extends RebalanceInput {
  /** What is held at present. */
  readonly assigned: readonly MessageQueue[];
}

/** Asks for the members of all topics side by side, then decides in the same turn. What fails is part of the decision. */
export const runRound = fromPromise<Decision, RunRoundInput>(async ({ input, signal }) => {
  const asked = topicsToAsk(input);
  const shared = sharedSignal(signal);
  const answers = await Promise.all(asked.map(topic => askMembers(input.port, topic, shared)));
  return decide(input, input.assigned, answers);
});

async function askMembers(port: RebalancePort, topic: string, signal: AbortSignal): Promise<MemberAnswer> {
  try {
    return { kind: 'listed', topic, clientIds: await port.memberIds(topic, signal) };
  } catch (thrown) {
    return { kind: 'failed', topic, error: toRocketmqError(thrown) };
  }
}

/** Tells the parent what stood in the way of a round. */
export function tellTroubles({ parent }: RebalanceContext, decision: Decision, actor: string): void {
  const { failures, missing, faults } = decision;
  if (failures.length > 0) parent.send({ type: 'members.failed', failures });
  if (missing.length > 0) parent.send({ type: 'membership.missing', topics: missing });
  for (const error of faults) parent.send({ type: 'fault', error, actor });
}

/** Tells the parent which queues to hold from now on. It answers with `assignment.applied`. */
export function tellDecision({ parent, round }: RebalanceContext, decision: Decision): void {
  const { queues, added, removed, otherMembers } = decision;
  parent.send({ type: 'assignment.decided', round, queues, added, removed, otherMembers });
}
