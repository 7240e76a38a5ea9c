// SPDX-License-Identifier: Apache-2.0
/** What is the same in most scenarios: events that tell nothing, how a member gets and gives its queues, states in their order? */
import type { EventType } from '../support/scenario/member.types.ts';
import type { Expectations } from '../support/scenario/scenario.types.ts';

type MemberEvents = Expectations['events'][string];

/** How often they come depends on the machine. A connection that comes up is told as restored, the first one too. */
export const usual: readonly EventType[] = [
  'consumer.stateChanged',
  'offset.committed',
  'flow.closed',
  'flow.opened',
  'connection.restored',
];

/** When servers come and go: each attempt to reach them may fail, and tells so. */
export const inAnOutage: readonly EventType[] = [...usual, 'connection.lost', 'fault', 'offset.corrected'];

/** Its queues of a topic, given away at its shutdown only. The retry queue may come too late to be seen. */
export function hadQueues(topic: string, times: number): MemberEvents {
  const where = { queue: { topic } };
  return {
    'queue.assigned': { times, where },
    'queue.revoked': { times, where, each: { reason: 'shutdown' } },
  };
}

/** A listener that throws is told each time. */
export function threw(times: number): MemberEvents {
  return { fault: { times, each: { error: { code: 'RMQ_LISTENER_FAILED' } } } };
}

export const starting: readonly string[] = [
  'idle',
  'starting.connecting',
  'starting.loading',
  'starting.coordinating',
  'starting.registering',
  'starting.assigning',
  'starting.dispatching',
  'running.active',
];

export const stopping: readonly string[] = [
  'stopping.closingIntake',
  'stopping.draining',
  'stopping.persisting',
  'stopping.releasing',
  'stopping.disconnecting',
  'stopped',
];
