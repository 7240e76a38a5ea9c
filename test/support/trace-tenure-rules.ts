// SPDX-License-Identifier: Apache-2.0
/** Did a consumer touch only queues that it held by its own decisions, and did its stop end in time? With or without locks. */
import { codes } from './trace-facts.ts';
import { commitOf, donePoint, type Rule, requestOf } from './trace-rule.ts';

const why = {
  unheld: 'it is not held',
  leaving: 'it was decided away',
  returning: 'it was decided away and back, and has not ended yet',
} as const;

const pullOnlyWhileAssigned: Rule = (entry, world, report) => {
  const pull = requestOf(entry, codes.pull);
  const queue = pull === undefined ? undefined : world.queueOf(pull);
  if (queue === undefined || !world.tenures.isFollowed) return;
  const tenure = world.tenures.of(queue);
  if (tenure !== 'held') report('pullOnlyWhileAssigned', `pull of ${queue.key}: ${why[tenure]}`);
};

/** While it is given up an orderly listener may still get what lies before a message that was started. */
const deliverOnlyWhileAssigned: Rule = (entry, world, report) => {
  if (entry.kind !== 'begin' || !world.tenures.isFollowed) return;
  if (world.tenures.of(entry.queue) !== 'unheld') return;
  const { key } = world.queue(entry.queue);
  report('deliverOnlyWhileAssigned', `delivery ${entry.delivery} of ${key}: ${why.unheld}`);
};

/** From its revoke on a queue gets one answered commit, after which it ends. The last commits of a stop come after that end. */
const commitOnlyWhileAssigned: Rule = (entry, world, report) => {
  const commit = commitOf(entry, world);
  if (commit === undefined || !world.tenures.isFollowed || world.stopping !== undefined) return;
  const { queue, offset, frame } = commit;
  const tenure = world.tenures.of(queue);
  if (tenure === 'held') return;
  const isAnswered = frame.code === codes.updateOffset && frame.kind === 'request';
  if (tenure !== 'unheld' && isAnswered) return;
  report('commitOnlyWhileAssigned', `${queue.key} commits ${offset}: ${why[tenure]}`);
};

/** What its listeners have done is handed over before a queue is told as revoked, where its broker can be reached. */
const persistBeforeRevoked: Rule = (entry, world, report) => {
  if (entry.kind !== 'mark' || entry.mark !== 'revoked' || entry.reason !== 'rebalance') return;
  const queue = world.queue(entry.queue);
  if (queue.isDoubted || !world.isReachable(queue, entry.at)) return;
  const handed = Math.max(queue.committed?.offset ?? -1, queue.acknowledged);
  if (handed >= donePoint(queue)) return;
  report(
    'persistAfterLastResult',
    `${queue.key} is given up with ${donePoint(queue)} done (line ${queue.lastResult}), and ${handed < 0 ? 'nothing' : handed} committed`,
  );
};

/** Locked for nobody, a queue would keep the next owner waiting. A stop gives back all that is left when it has persisted. */
const lockOnlyWhileAssigned: Rule = (entry, world, report) => {
  const ask = requestOf(entry, codes.lock);
  if (ask === undefined || !world.tenures.isFollowed || world.stopping !== undefined) return;
  for (const { queue } of world.locks.namedBy(ask)) {
    if (world.tenures.of(queue) !== 'unheld') continue;
    report('lockOnlyWhileAssigned', `lock of ${world.queue(queue).key} is asked for: ${why.unheld}`);
  }
};

const noPullWhileStopping: Rule = (entry, world, report) => {
  if (world.stopping === undefined || requestOf(entry, codes.pull) === undefined) return;
  report('noPullWhileStopping', `pull after the stop began in line ${world.stopping.line}`);
};

const stopEndsInTime: Rule = (entry, world, report, { stopSlack }) => {
  if (entry.kind !== 'mark' || entry.mark !== 'ended' || world.stopping === undefined) return;
  const late = Math.round(entry.at - world.stopping.until);
  if (late <= stopSlack) return;
  report('stopEndsInTime', `the stop of line ${world.stopping.line} ended ${late} ms after its time`);
};

/** A queue goes on from another place by code 21, by what its broker answered to a 14, or because somebody asked for it. */
const correctedForAReason: Rule = (entry, world, report) => {
  if (entry.kind !== 'mark' || entry.mark !== 'corrected' || world.lastSought > 0) return;
  const queue = world.queue(entry.queue);
  if (queue.lastReason > queue.lastCorrected) return;
  report('correctedForAReason', `${queue.key} goes on from ${entry.to}, and nobody wanted that`);
};

export const tenureRules: readonly Rule[] = [
  pullOnlyWhileAssigned,
  deliverOnlyWhileAssigned,
  commitOnlyWhileAssigned,
  persistBeforeRevoked,
  lockOnlyWhileAssigned,
  noPullWhileStopping,
  stopEndsInTime,
  correctedForAReason,
];
