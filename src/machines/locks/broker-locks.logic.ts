// SPDX-License-Identifier: Apache-2.0
/** When is the broker asked next, who of the group is gone, and how do the faults read? Pure. */
import { BrokerError, ConsumerError, type RocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, queueKey } from '../../model/message-queue.ts';
import { ResponseCode } from '../../protocol/codes.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { BrokerLocksContext, MemberView } from './locks.types.ts';

/** Between two asks while all is granted: a lock lives three times as long. Source: protocol.md section 7.4. Unit: ms. */
export const renewEvery = 20_000;
/** How long a broker that takes no locks is left alone. Unit: ms. */
export const offTime = 600_000;
/** Before a member list is read once more: it may have been incomplete, or could not be read. Unit: ms. */
export const lookPause = 3000;
/** So long after our own reconnect the list of a broker may be incomplete: the others come back too. Unit: ms. */
const membersComeBackIn = 5000;

/** Pauses while somebody waits. Unit: ms. */
const firstSteps = [50, 100, 200, 400, 800];
/** The pauses after those. Unit: ms. */
const laterStep = 1000;

/** The pause after the `step`th answer that did not grant all; the first is 0. Unit: ms. */
export function waitStep(step: number): number {
  return firstSteps[step] ?? laterStep;
}

/** The pause after a failed ask. Unit: ms. */
export function askBackoff({ failures, failingSince, clock, random }: BrokerLocksContext): number {
  return backoffDelay({ attempt: failures, elapsedMs: clock.now() - failingSince, random });
}

/** Until the one who waits longest has waited long enough. Unit: ms. */
export function patienceLeft({ page, handoverTimeout, clock }: BrokerLocksContext): number {
  return Math.max(0, (page.waitingSince ?? clock.now()) + handoverTimeout - clock.now());
}

const noLocks: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
  ResponseCode.NO_PERMISSION,
]);

/** Does this failure of a 41 mean that the broker will not lock for us at all? */
export function takesNoLocks(error: unknown): error is BrokerError {
  if (!(error instanceof BrokerError) || error.code === 'RMQ_AUTHENTICATION_FAILED') return false; // that heals with other credentials
  return noLocks.has(error.responseCode);
}

export const nobodyKnown: MemberView = {
  known: new Set(),
  alone: 'no',
  suspects: new Set(),
  gone: new Set(),
};

export interface MemberLook {
  /** The list just read. */
  readonly ids: readonly string[];
  readonly clientId: string;
  /** The list was read so soon after our reconnect that it may be incomplete. */
  readonly isEarly: boolean;
}

/**
 * Who is gone? Whoever was seen and is missing now; early after a reconnect only who is missing twice. A list without
 * ourselves says nothing: the broker does not have its members together yet.
 */
export function afterLook(view: MemberView, { ids, clientId, isEarly }: MemberLook): MemberView {
  if (!ids.includes(clientId)) return { ...view, alone: 'no', suspects: new Set(), gone: new Set() };
  const present = new Set(ids);
  const missing = [...view.known].filter(id => !present.has(id));
  const gone = missing.filter(id => !isEarly || view.suspects.has(id));
  const suspects = missing.filter(id => !gone.includes(id));
  return {
    known: new Set([...view.known, ...ids]),
    alone: present.size > 1 ? 'no' : isEarly ? 'perhaps' : 'yes',
    suspects: new Set(suspects),
    gone: new Set(gone),
  };
}

/** Their locks were given back. */
export function afterFreeing({ known, gone, ...view }: MemberView): MemberView {
  return { ...view, known: new Set([...known].filter(id => !gone.has(id))), gone: new Set() };
}

export function isEarly({ clock, backAt }: BrokerLocksContext): boolean {
  return clock.now() - backAt < membersComeBackIn;
}

/** Most queues named in a message. */
const shownQueues = 5;

export function unfencedAfter(
  { brokerName, handoverTimeout }: BrokerLocksContext,
  queues: readonly MessageQueue[],
): RocketmqError {
  const message = `${countOf(queues)} of ${brokerName} not given back within ${handoverTimeout} ms, consumed without a fence: ${namesOf(queues)}`;
  return new ConsumerError('RMQ_HANDOVER_UNFENCED', message, {
    context: { brokerName, handoverTimeout, queues: queues.map(queueKey) },
  });
}

export function fencesOff(brokerName: string, error: RocketmqError): RocketmqError {
  const message = `${brokerName} takes no locks, its queues are consumed without a fence for ${offTime} ms: ${error.message}`;
  return new ConsumerError('RMQ_HANDOVER_UNFENCED', message, {
    cause: error,
    context: { brokerName, offTime },
  });
}

function countOf(queues: readonly MessageQueue[]): string {
  return queues.length === 1 ? '1 queue' : `${queues.length} queues`;
}

function namesOf(queues: readonly MessageQueue[]): string {
  const shown = queues.slice(0, shownQueues).map(queueKey).join(', ');
  return queues.length > shownQueues ? `${shown}, …` : shown;
}
