// SPDX-License-Identifier: Apache-2.0
/** Did a consumer keep its word? Invariants over a trace, written without the client's code; each breach names its line. */
import type { TraceEntry } from './trace-entries.ts';
import { type Connection, codes } from './trace-facts.ts';
import { lockRules } from './trace-lock-rules.ts';
import {
  type CheckOptions,
  commitOf,
  missingAtBroker,
  type Options,
  openCommit,
  pendingCommits,
  type Rule,
  requestOf,
  type Violation,
} from './trace-rule.ts';
import { tenureRules } from './trace-tenure-rules.ts';
import { TraceWorld } from './trace-world.ts';

export type { CheckOptions, RuleName, Violation } from './trace-rule.ts';

const defaults: Options = {
  ended: true,
  everyMessageIsDelivered: false,
  pullTimeout: 30_000,
  locks: 'none',
  handoverTimeout: 30_000,
  stopSlack: 1000,
};
/**
 * How long a commit carrier without an answer counts as under way, design.md G2. The second is counted from the decision, the
 * trace sees the write: on a busy machine tens of milliseconds lie between. Unit: ms.
 */
const carrierLife = 900;

/**
 * Every breach of the invariants, in the order of the trace. Empty: none.
 * @example expect(checkTrace(trace.entries)).toEqual([]);
 */
export function checkTrace(entries: readonly TraceEntry[], options: CheckOptions = {}): readonly Violation[] {
  const given: Options = { ...defaults, ...options };
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
  const isRenewed = (world.foreign.get(queue.topic) ?? 0) > queue.pull.line; // somebody may have reset the topic
  if (isRenewed) return;
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
    const pending = openCommit(world, queue);
    const missing = missingAtBroker(queue);
    if (pending !== undefined) {
      report(
        'finalOffsetsBeforeUnregister',
        `the commit of ${queue.key} in line ${pending.line} has no answer yet`,
      );
    } else if (missing !== undefined && !world.mayStayBehind(queue)) {
      const isOlder = queue.lastCarrier > 0 && queue.lastResult > queue.lastCarrier;
      const older = `its last commit is of line ${queue.lastCarrier}, its last result of line ${queue.lastResult}`;
      if (isOlder) report('persistAfterLastResult', `${missing}: ${older}`);
      else report('finalOffsetsBeforeUnregister', missing);
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
  ...tenureRules,
  finalOffsetsBeforeUnregister,
  ...lockRules,
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
  const { stopping, hasEnded, hardStopped } = world;
  const isStopping = stopping !== undefined && !hasEnded && !hardStopped;
  const stops = isStopping ? [`the stop of line ${stopping.line} has not ended`] : [];
  return [...open, ...running, ...stops];
}
