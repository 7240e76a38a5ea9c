// SPDX-License-Identifier: Apache-2.0
/** What is a rule over a trace, and what do all rules ask of an entry? */
import type { FrameEntry, TraceEntry } from './trace-entries.ts';
import { codes, committedBy, type QueueFacts, type Sent } from './trace-facts.ts';
import type { TraceWorld } from './trace-world.ts';

export interface Violation {
  readonly rule: RuleName;
  /** Number of the entry: its line in the .jsonl, from 1. One past the last for what is missing at the end. */
  readonly line: number;
  readonly problem: string;
}

export interface CheckOptions {
  /** The trace ends where the consumer ended: nothing may be open or unanswered. Default true. */
  readonly ended?: boolean;
  /** The subscription takes every message, so a commit may not pass one that was pulled and never delivered. Default false. */
  readonly everyMessageIsDelivered?: boolean;
  /** After this a pull without an answer counts as given up. Unit: ms. Default 30000. */
  readonly pullTimeout?: number;
  /**
   * Which locks the consumer promises to take: `fence` under `%RETRY%group`, `orderly` under the group's own name.
   * Default `none`: it takes none, and none are asked for.
   */
  readonly locks?: LockPromise;
  /** After so long a fenced consumer goes on without its lock. Unit: ms. Default 30000. */
  readonly handoverTimeout?: number;
  /** How much later than its budget a stop may end: timers of a busy machine are late. Unit: ms. Default 1000. */
  readonly stopSlack?: number;
}

export type LockPromise = 'fence' | 'orderly' | 'none';

export type RuleName =
  | 'heartbeatBeforePull'
  | 'onePullPerQueue'
  | 'commitNeverGoesBack'
  | 'commitStaysBehindWork'
  | 'oneCommitCarrier'
  | 'correctedForAReason'
  | 'pullOnlyWhileAssigned'
  | 'deliverOnlyWhileAssigned'
  | 'commitOnlyWhileAssigned'
  | 'persistAfterLastResult'
  | 'finalOffsetsBeforeUnregister'
  | 'lockOnlyWhileAssigned'
  | 'lockBeforePull'
  | 'lockBeforeCommit'
  | 'lockBeforeDelivery'
  | 'finalOffsetBeforeUnlock'
  | 'unlockBeforeUnregister'
  | 'onlyTheDeadAreUnlocked'
  | 'unregisterBeforeClose'
  | 'noPullAfterUnregister'
  | 'noPullWhileStopping'
  | 'stopEndsInTime'
  | 'noDeliveryAfterStopped'
  | 'nothingLeftAtEnd';

export type Report = (rule: RuleName, problem: string) => void;
export type Options = Required<CheckOptions>;
/** Judges an entry by what was true before it. */
export type Rule = (entry: TraceEntry, world: TraceWorld, report: Report, options: Options) => void;

/** The frame, if this entry is a request of our side with that code. */
export function requestOf(entry: TraceEntry, code: number): FrameEntry | undefined {
  const isOurs = (entry.kind === 'request' || entry.kind === 'oneway') && entry.direction === 'out';
  return isOurs && entry.code === code ? entry : undefined;
}

/** What an entry hands over as committed: by a 15, or by a pull with the commit flag. */
export function commitOf(
  entry: TraceEntry,
  world: TraceWorld,
): { readonly frame: FrameEntry; readonly queue: QueueFacts; readonly offset: number } | undefined {
  const frame = requestOf(entry, codes.updateOffset) ?? requestOf(entry, codes.pull);
  const offset = frame === undefined ? undefined : committedBy(frame);
  const queue = frame === undefined ? undefined : world.queueOf(frame);
  return frame === undefined || queue === undefined || offset === undefined
    ? undefined
    : { frame, queue, offset };
}

/** Commits of a queue that wait for their answers on open connections. */
export function pendingCommits(world: TraceWorld, queue: QueueFacts): readonly Sent[] {
  return [...world.connections.values()]
    .flatMap(connection => [...connection.pending.values()])
    .filter(sent => sent.queue === queue && committedBy(sent.entry) !== undefined);
}

/** A 15 that was not answered, and whose value the broker did not name in answer to a later 14 either. */
export function openCommit(world: TraceWorld, queue: QueueFacts): Sent | undefined {
  return pendingCommits(world, queue).find(
    ({ entry }) => entry.code === codes.updateOffset && (committedBy(entry) ?? 0) > queue.acknowledged,
  );
}

/** What should be committed in the end: where the row of done messages breaks off. -1: nothing was done. */
export function donePoint(queue: QueueFacts): number {
  return Math.min(queue.doneUpTo, ...queue.unfinished.keys(), ...queue.late);
}

/** How far the broker is behind what is done; undefined: it is not. */
export function missingAtBroker(queue: QueueFacts): string | undefined {
  if (queue.acknowledged >= donePoint(queue)) return undefined;
  const known = queue.acknowledged < 0 ? 'nothing' : String(queue.acknowledged);
  return `${queue.key} is done up to ${donePoint(queue)}, the broker acknowledged ${known}`;
}
