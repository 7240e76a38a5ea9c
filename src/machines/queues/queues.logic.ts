// SPDX-License-Identifier: Apache-2.0
/** Which queue actor starts, waits for its predecessor, or is gone? Pure. */
import { type QueueKey, queueKey } from '../../model/message-queue.ts';
import { isPaused, type Pauses } from '../commands/pauses.ts';
import type { Assignment, Residence } from './queues.types.ts';

export type Residents = ReadonlyMap<QueueKey, Residence>;

export interface ResidentsChange {
  readonly residents: Residents;
  /** What is to be started now. */
  readonly start: Assignment | undefined;
}

export function afterAssign(residents: Residents, assignment: Assignment): ResidentsChange {
  const { queue } = assignment;
  const key = queueKey(queue);
  const present = residents.get(key);
  if (present?.kind === 'here') return { residents, start: undefined };
  if (present === undefined) {
    return { residents: new Map(residents).set(key, { kind: 'here', queue }), start: assignment };
  }
  return {
    residents: new Map(residents).set(key, { kind: 'returning', queue, assignment }),
    start: undefined,
  };
}

/** Without a key: all leave. */
export function afterRevoke(residents: Residents, key: QueueKey | undefined): Residents {
  if (key === undefined)
    return new Map([...residents].map(([each, { queue }]) => [each, { kind: 'leaving', queue }]));
  const present = residents.get(key);
  return present === undefined
    ? residents
    : new Map(residents).set(key, { kind: 'leaving', queue: present.queue });
}

/** What waits to return starts as all the others are by then. */
export function afterSuspend(residents: Residents, suspended: boolean): Residents {
  const next = new Map(residents);
  for (const [key, present] of residents) {
    if (present.kind !== 'returning') continue;
    next.set(key, { ...present, assignment: { ...present.assignment, suspended } });
  }
  return next;
}

export function afterEnd(residents: Residents, key: QueueKey): ResidentsChange {
  const present = residents.get(key);
  const next = new Map(residents);
  if (present?.kind !== 'returning') {
    next.delete(key);
    return { residents: next, start: undefined };
  }
  next.set(key, { kind: 'here', queue: present.queue });
  return { residents: next, start: present.assignment };
}

/** The queues here that are paused, or resumed, by another wish. */
export function changedBy(
  residents: Residents,
  before: Pauses,
  now: Pauses,
  paused: boolean,
): readonly QueueKey[] {
  const changed = [...residents].filter(
    ([, { kind, queue }]) =>
      kind === 'here' && isPaused(now, queue) === paused && isPaused(before, queue) !== paused,
  );
  return changed.map(([key]) => key);
}
