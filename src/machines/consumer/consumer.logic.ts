// SPDX-License-Identifier: Apache-2.0
/** Which shard gets a queue, how long has a step of the shutdown left, what does the report say? Pure. */
import { isForbidden } from '../../errors/access.ts';
import type { RocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';
import type { QueuePosition } from '../../stores/offset-store.ts';
import { leastForHook } from '../queue/queue.logic.ts';
import { shardSize } from '../queues/queues.types.ts';
import type { ConsumerContext, StopProgress } from './consumer.context.ts';
import type { ShutdownReport, StepReport, StopStep } from './consumer.types.ts';
import type { Leave } from './consumer-parts.ts';

/** Kept back from draining for the steps behind it. Unit: ms. design.md section 3. */
const reservedForLaterSteps = 3000;
const smallestStep = 50;

export interface Placement {
  /** Index of the shard of every queue. */
  readonly residence: ReadonlyMap<QueueKey, number>;
  readonly shardCount: number;
}

/** Every added queue gets a shard: the one that still keeps it, the first with room, or a new one. */
export function place(present: Placement, added: readonly MessageQueue[]): Placement {
  const residence = new Map(present.residence);
  const load = Array.from({ length: present.shardCount }, () => 0);
  for (const shard of residence.values()) load[shard] = (load[shard] ?? 0) + 1;
  for (const queue of added) {
    const key = queueKey(queue);
    if (residence.has(key)) continue;
    const free = load.findIndex(count => count < shardSize);
    const shard = free < 0 ? load.push(0) - 1 : free;
    load[shard] = (load[shard] ?? 0) + 1;
    residence.set(key, shard);
  }
  return { residence, shardCount: load.length };
}

export function withoutQueue(
  residence: ReadonlyMap<QueueKey, number>,
  queue: MessageQueue,
): ReadonlyMap<QueueKey, number> {
  const next = new Map(residence);
  next.delete(queueKey(queue));
  return next;
}

/** A shard died, and with it every queue it kept. */
export function withoutShard(
  residence: ReadonlyMap<QueueKey, number>,
  shard: number,
): ReadonlyMap<QueueKey, number> {
  return new Map([...residence].filter(([, kept]) => kept !== shard));
}

/** What draining may use: the whole time less what the later steps need; never nothing. Unit: ms. */
export function drainBudget(stop: StopProgress | undefined, now: number): number {
  if (stop === undefined) return smallestStep;
  const left = stop.deadline - now;
  return Math.max(smallestStep, left - Math.min(reservedForLaterSteps, left / 2));
}

/** What listeners get of it: onQueuesRevoked, where there is one, follows within it. Unit: ms. */
export function listenerGrace(stop: StopProgress | undefined, now: number, hasHook: boolean): number {
  const budget = drainBudget(stop, now);
  return hasHook ? Math.max(smallestStep, budget - Math.min(leastForHook, budget / 2)) : budget;
}

/** What the present step may use: half of what is left, so that something remains for the next ones. Unit: ms. */
export function stepBudget(stop: StopProgress | undefined, now: number): number {
  return stop === undefined ? smallestStep : Math.max(smallestStep, (stop.deadline - now) / 2);
}

/**
 * The last words to the brokers. The lock of a queue whose last commit was not confirmed is kept back, and that of one whose
 * actor has not ended: its listener or its onQueuesRevoked may still run.
 */
export function leaveOf({
  parts,
  stop,
  residence,
}: Pick<ConsumerContext, 'parts' | 'stop' | 'residence'>): Leave {
  const uncommitted = stop?.uncommitted.map(({ queue }) => queueKey(queue)) ?? [];
  const unconfirmed = new Set([...uncommitted, ...residence.keys()]);
  return { parts: parts.get(), unconfirmed, timeoutMs: stepBudget(stop, parts.get().clock.now()) };
}

/** The persister's report is to come before its step is cut. Unit: ms. */
const flushReserve = 250;

/** What a flush may use of its step. Unit: ms. */
export function flushBudget(stop: StopProgress | undefined, now: number): number {
  const budget = stepBudget(stop, now);
  return Math.max(budget / 2, budget - flushReserve);
}

/** Longer ones Node fires at once. Unit: ms. */
const longestTimer = 2 ** 31 - 1;

/** How long a shutdown may take when so much was asked for, whatever that is. Unit: ms. */
export function stopTimeout(asked: number | undefined, usual: number): number {
  if (typeof asked !== 'number' || Number.isNaN(asked)) return usual;
  return Math.min(Math.max(0, asked), longestTimer);
}

export function beginStop(options: {
  readonly reason: ShutdownReport['reason'];
  readonly error?: RocketmqError | undefined;
  readonly now: number;
  readonly timeoutMs: number;
}): StopProgress {
  const { reason, error, now, timeoutMs } = options;
  return {
    reason,
    error,
    startedAt: now,
    deadline: now + timeoutMs,
    stepStartedAt: now,
    steps: [],
    abandoned: 0,
    committed: [],
    uncommitted: [],
  };
}

export function endStep(
  stop: StopProgress,
  step: StopStep,
  now: number,
  outcome: StepReport['outcome'],
  error?: RocketmqError,
): StopProgress {
  const report: StepReport = {
    step,
    ms: Math.round(now - stop.stepStartedAt),
    outcome,
    ...(error && { error }),
  };
  return { ...stop, stepStartedAt: now, steps: [...stop.steps, report] };
}

/** What a persist or a last commit said. */
export interface CommitOutcome {
  readonly committed: readonly QueuePosition[];
  readonly uncommitted: readonly QueuePosition[];
}

/** The latest word about each queue counts. */
export function withCommits(stop: StopProgress, outcome: CommitOutcome): StopProgress {
  const committed = outcome.committed.map(positionOf);
  const uncommitted = outcome.uncommitted.map(positionOf);
  const told = new Set([...committed, ...uncommitted].map(({ queue }) => queueKey(queue)));
  const isOpen = ({ queue }: QueuePosition): boolean => !told.has(queueKey(queue));
  return {
    ...stop,
    committed: [...stop.committed.filter(isOpen), ...committed],
    uncommitted: [...stop.uncommitted.filter(isOpen), ...uncommitted],
  };
}

/** Without the error that may come with it: the step has that. */
function positionOf({ queue, offset }: QueuePosition): QueuePosition {
  return { queue, offset };
}

export function shutdownReport(context: Pick<ConsumerContext, 'stop'>, now: number): ShutdownReport {
  const { stop } = context;
  if (stop === undefined) return notStartedReport;
  const { reason, error, startedAt, steps, abandoned, committed, uncommitted } = stop;
  const allDone = steps.every(({ outcome }) => outcome === 'done' || outcome === 'skipped');
  return {
    clean: reason === 'requested' && allDone && abandoned === 0 && uncommitted.length === 0,
    reason,
    ...(error && { error }),
    durationMs: Math.round(now - startedAt),
    steps,
    abandonedMessages: abandoned,
    committed,
    uncommitted,
  };
}

/** Of a consumer that was never started. */
export const notStartedReport: ShutdownReport = {
  clean: true,
  reason: 'requested',
  durationMs: 0,
  steps: [],
  abandonedMessages: 0,
  committed: [],
  uncommitted: [],
};

/** These refuse a start at once: asking again would not help. */
export function refusesStart(error: RocketmqError): boolean {
  return isForbidden(error) || error.code === 'RMQ_GROUP_NOT_FOUND' || error.code === 'RMQ_SELECTOR_REFUSED';
}

/** What no name server allows does not change by itself either: a certificate, no TLS, TLS only. */
export function isRefusedByAll(error: RocketmqError): boolean {
  return error.kind === 'security' && error.retry === 'never';
}

/** `running.active` from an XState value. */
export function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([state, inner]) => {
      const path = pathOf(inner);
      return path === '' ? state : `${state}.${path}`;
    })
    .join(',');
}
