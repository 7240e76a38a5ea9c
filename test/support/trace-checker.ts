// SPDX-License-Identifier: Apache-2.0
/** Did a consumer keep its word? Invariants over a trace, written without the client's code; each breach names its line. */
import type { FrameEntry, TraceEntry } from './trace-entries.ts';
import {
  type Connection,
  codes,
  committedBy,
  type QueueFacts,
  type Sent,
  TraceWorld,
} from './trace-world.ts';

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
}

export type RuleName =
  | 'heartbeatBeforePull'
  | 'onePullPerQueue'
  | 'commitNeverGoesBack'
  | 'commitStaysBehindWork'
  | 'oneCommitCarrier'
  | 'finalOffsetsBeforeUnregister'
  | 'finalOffsetBeforeUnlock'
  | 'unregisterBeforeClose'
  | 'noPullAfterUnregister'
  | 'noDeliveryAfterStopped'
  | 'nothingLeftAtEnd';

/** How long a commit carrier without an answer counts as under way, design.md G2. Less a little for timer noise. Unit: ms. */
const carrierLife = 990;

type Report = (rule: RuleName, problem: string) => void;
type Options = Required<CheckOptions>;
/** Judges an entry by what was true before it. */
type Rule = (entry: TraceEntry, world: TraceWorld, report: Report, options: Options) => void;

/**
 * Every breach of the invariants, in the order of the trace. Empty: none.
 * @example expect(checkTrace(trace.entries)).toEqual([]);
 */
export function checkTrace(entries: readonly TraceEntry[], options: CheckOptions = {}): readonly Violation[] {
  const given: Options = { ended: true, everyMessageIsDelivered: false, pullTimeout: 30_000, ...options };
  const world = new TraceWorld();
  const violations: Violation[] = [];
  for (const [index, entry] of entries.entries()) {
    const line = index + 1;
    for (const rule of rules)
      rule(entry, world, (name, problem) => violations.push({ rule: name, line, problem }), given);
    world.apply(entry, line);
  }
  if (given.ended) {
    const line = entries.length + 1;
    for (const problem of leftovers(world)) violations.push({ rule: 'nothingLeftAtEnd', line, problem });
  }
  return violations;
}

/** The frame, if this entry is a request of our side with that code. */
function requestOf(entry: TraceEntry, code: number): FrameEntry | undefined {
  const isOurs = (entry.kind === 'request' || entry.kind === 'oneway') && entry.direction === 'out';
  return isOurs && entry.code === code ? entry : undefined;
}

function commitOf(entry: TraceEntry, world: TraceWorld): { queue: QueueFacts; offset: number } | undefined {
  const frame = requestOf(entry, codes.updateOffset) ?? requestOf(entry, codes.pull);
  const offset = frame === undefined ? undefined : committedBy(frame);
  const queue = frame === undefined ? undefined : world.queueOf(frame);
  return queue === undefined || offset === undefined ? undefined : { queue, offset };
}

const heartbeatBeforePull: Rule = (entry, world, report) => {
  const pull = requestOf(entry, codes.pull);
  const group = pull?.fields['consumerGroup'];
  if (pull === undefined || group === undefined) return;
  if (world.connections.get(pull.connection)?.groups.has(group) === true) return;
  report(
    'heartbeatBeforePull',
    `pull on connection ${pull.connection} to ${pull.address} before a heartbeat of ${group} was answered there`,
  );
};

const onePullPerQueue: Rule = (entry, world, report, { pullTimeout }) => {
  const pull = requestOf(entry, codes.pull);
  const queue = pull === undefined ? undefined : world.queueOf(pull);
  if (queue?.pull === undefined || entry.at - queue.pull.at >= pullTimeout) return;
  report(
    'onePullPerQueue',
    `second pull of ${queue.key}; the one of line ${queue.pull.line} waits for its answer`,
  );
};

const commitNeverGoesBack: Rule = (entry, world, report) => {
  const commit = commitOf(entry, world);
  const before = commit?.queue.committed;
  if (commit === undefined || before === undefined || commit.offset >= before.offset) return;
  const { queue, offset } = commit;
  report(
    'commitNeverGoesBack',
    `${queue.key} goes back to ${offset} from ${before.offset} of line ${before.line}`,
  );
};

const commitStaysBehindWork: Rule = (entry, world, report, { everyMessageIsDelivered }) => {
  const commit = commitOf(entry, world);
  if (commit === undefined) return;
  for (const [offset, { line, delivered }] of commit.queue.unfinished) {
    if (offset >= commit.offset || !(delivered || everyMessageIsDelivered)) continue;
    const what = delivered ? 'is not done' : 'was never delivered';
    const passed = `${commit.queue.key} commits ${commit.offset} past ${offset}`;
    report('commitStaysBehindWork', `${passed}, which ${what} (line ${line})`);
    return;
  }
};

const oneCommitCarrier: Rule = (entry, world, report) => {
  const commit = commitOf(entry, world);
  if (commit === undefined) return;
  for (const carrier of pendingCommits(world, commit.queue)) {
    if (entry.at - carrier.at >= carrierLife) continue;
    report(
      'oneCommitCarrier',
      `${commit.queue.key} commits while the commit of line ${carrier.line} has no answer yet`,
    );
    return;
  }
};

const finalOffsetsBeforeUnregister: Rule = (entry, world, report) => {
  const unregister = requestOf(entry, codes.unregister);
  const group = unregister?.fields['consumerGroup'];
  if (group === undefined || world.unregistered.has(group)) return; // the first of the brokers is the moment that counts
  for (const queue of world.queues.values()) {
    const pending = pendingCommits(world, queue).find(sent => sent.entry.code === codes.updateOffset);
    if (pending !== undefined) {
      report(
        'finalOffsetsBeforeUnregister',
        `the commit of ${queue.key} in line ${pending.line} has no answer yet`,
      );
    } else if (queue.acknowledged < donePoint(queue) && !world.isKilled(queue)) {
      const known = queue.acknowledged < 0 ? 'nothing' : String(queue.acknowledged);
      const problem = `${queue.key} is done up to ${donePoint(queue)}, the broker acknowledged ${known}`;
      report('finalOffsetsBeforeUnregister', problem);
    }
  }
};

const finalOffsetBeforeUnlock: Rule = (entry, world, report) => {
  const unlock = requestOf(entry, codes.unlock);
  if (unlock === undefined) return;
  for (const queue of lockedQueues(unlock, world)) {
    const pending = pendingCommits(world, queue).find(sent => sent.entry.code === codes.updateOffset);
    if (pending !== undefined) {
      report(
        'finalOffsetBeforeUnlock',
        `${queue.key} is given away before the commit of line ${pending.line} is answered`,
      );
    }
  }
};

const unregisterBeforeClose: Rule = (entry, world, report) => {
  if (entry.kind !== 'close' || entry.by !== 'us' || world.hardStopped || world.killed.has(entry.address))
    return;
  for (const group of world.connections.get(entry.connection)?.groups ?? []) {
    report('unregisterBeforeClose', `${entry.address} was left while ${group} is registered there`);
  }
};

const noPullAfterUnregister: Rule = (entry, world, report) => {
  const pull = requestOf(entry, codes.pull);
  const line = world.unregistered.get(pull?.fields['consumerGroup'] ?? '');
  if (line !== undefined)
    report('noPullAfterUnregister', `pull after the group was unregistered in line ${line}`);
};

const noDeliveryAfterStopped: Rule = (entry, world, report) => {
  if (entry.kind !== 'begin' || world.stoppedAt === undefined) return;
  report(
    'noDeliveryAfterStopped',
    `delivery ${entry.delivery} after the consumer had stopped in line ${world.stoppedAt}`,
  );
};

const rules: readonly Rule[] = [
  heartbeatBeforePull,
  onePullPerQueue,
  commitNeverGoesBack,
  commitStaysBehindWork,
  oneCommitCarrier,
  finalOffsetsBeforeUnregister,
  finalOffsetBeforeUnlock,
  unregisterBeforeClose,
  noPullAfterUnregister,
  noDeliveryAfterStopped,
];

function leftovers(world: TraceWorld): readonly string[] {
  const open = [...world.connections.values()].flatMap((connection: Connection) => [
    `connection ${connection.id} to ${connection.address}, opened in line ${connection.openedAt}, is open`,
    ...[...connection.pending.values()].map(
      ({ line, entry }) => `request ${entry.code} of line ${line} has no answer`,
    ),
  ]);
  const running = [...world.running.values()].map(
    ({ line, entry }) => `delivery ${entry.delivery} of line ${line} has not ended`,
  );
  return [...open, ...running];
}

/** Commits of a queue that wait for their answers on open connections. */
function pendingCommits(world: TraceWorld, queue: QueueFacts): readonly Sent[] {
  return [...world.connections.values()]
    .flatMap(connection => [...connection.pending.values()])
    .filter(sent => sent.queue === queue && committedBy(sent.entry) !== undefined);
}

/** What should be committed in the end: where the row of done messages breaks off. -1: nothing was done. */
function donePoint(queue: QueueFacts): number {
  return Math.min(queue.doneUpTo, ...queue.unfinished.keys());
}

function lockedQueues(unlock: FrameEntry, world: TraceWorld): readonly QueueFacts[] {
  const named: unknown = Object(unlock.body).mqSet;
  const queues: readonly unknown[] = Array.isArray(named) ? named : [];
  return queues.map(item => {
    const { topic, brokerName, queueId } = Object(item);
    return world.queue({ topic: String(topic), brokerName: String(brokerName), queueId: Number(queueId) });
  });
}
