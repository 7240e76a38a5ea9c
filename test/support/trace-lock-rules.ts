// SPDX-License-Identifier: Apache-2.0
/** Did a consumer work on a queue only while it might, and hand it over in order? design.md G3 and G4, written without its code. */
import type { TraceEntry } from './trace-entries.ts';
import { codes } from './trace-facts.ts';
import type { LockFacts } from './trace-locks.ts';
import {
  commitOf,
  missingAtBroker,
  type Options,
  openCommit,
  type Report,
  type Rule,
  requestOf,
} from './trace-rule.ts';
import type { TraceWorld } from './trace-world.ts';

/** A broker forgets a lock that was not asked for again within it. Unit: ms. */
const lockLife = 60_000;
/** An orderly listener is not called when its lock was last asked for longer ago. Unit: ms. */
const deliveryLife = 30_000;
/** A broker that refused to take locks is not asked again before. Unit: ms. */
const offLife = 600_000;
/** Timers may be that much early or late beside the entries of a trace. Unit: ms. */
const slack = 100;

/** The group's own name, or that of its fence. */
function lockName(group: string, { locks }: Options): string {
  return locks === 'fence' ? `%RETRY%${group}` : group;
}

/** A fenced consumer need not have the lock: alone, after its patience, where none are taken, or just until it knows. */
function mayGoWithout(
  lock: LockFacts,
  where: { readonly at: number; readonly address: string; readonly world: TraceWorld },
  { locks, handoverTimeout }: Options,
): boolean {
  if (locks !== 'fence') return false;
  const { at, address, world } = where;
  const waited = at - (lock.waitingSince ?? at);
  return (
    lock.isAlone || waited >= handoverTimeout - slack || world.locks.isOff(address, { at, life: offLife })
  );
}

/** Why the lock of a queue is not there. */
function reasonOf({ isInDoubt, lostAt, returnedAt, waitingSince }: LockFacts): string {
  if (isInDoubt) return 'it is in doubt since its connection ended';
  if (lostAt !== undefined) return `it was lost in line ${lostAt}`;
  if (returnedAt !== undefined) return `it was given back in line ${returnedAt}`;
  return waitingSince === undefined ? 'it was never asked for' : 'it was asked for and not granted';
}

const lockBeforePull: Rule = (entry, world, report, options) => {
  const pull = requestOf(entry, codes.pull);
  const queue = pull === undefined ? undefined : world.queueOf(pull);
  const group = pull?.fields['consumerGroup'];
  if (options.locks === 'none' || pull === undefined || queue === undefined || group === undefined) return;
  const lock = world.locks.of(lockName(group, options), queue);
  if (lock.held !== undefined) return;
  if (mayGoWithout(lock, { at: entry.at, address: pull.address, world }, options)) return;
  report('lockBeforePull', `pull of ${queue.key} without its lock: ${reasonOf(lock)}`);
};

const lockBeforeCommit: Rule = (entry, world, report, options) => {
  const commit = commitOf(entry, world);
  const group = commit?.frame.fields['consumerGroup'];
  if (options.locks === 'none' || commit === undefined || group === undefined) return;
  const { frame, queue, offset } = commit;
  const lock = world.locks.of(lockName(group, options), queue);
  if (lock.held !== undefined && entry.at - lock.held.askedAt <= lockLife) return;
  if (mayGoWithout(lock, { at: entry.at, address: frame.address, world }, options)) return;
  const why = lock.held === undefined ? reasonOf(lock) : `it was last asked for in line ${lock.held.line}`;
  report('lockBeforeCommit', `${queue.key} commits ${offset} without its lock: ${why}`);
};

/** Orderly only: others may finish what they had begun. */
const lockBeforeDelivery: Rule = (entry, world, report, options) => {
  if (options.locks !== 'orderly' || entry.kind !== 'begin') return;
  for (const group of world.groups) {
    const lock = world.locks.of(lockName(group, options), entry.queue);
    if (lock.held !== undefined && entry.at - lock.held.askedAt <= deliveryLife + slack) continue;
    const why = lock.held === undefined ? reasonOf(lock) : `it was last asked for in line ${lock.held.line}`;
    report('lockBeforeDelivery', `delivery ${entry.delivery} of ${world.queue(entry.queue).key}: ${why}`);
  }
};

/** The next owner reads the offset as soon as it has the lock. */
const finalOffsetBeforeUnlock: Rule = (entry, world, report) => {
  const unlock = requestOf(entry, codes.unlock);
  if (unlock === undefined || !world.locks.isOurs(unlock)) return;
  for (const { queue: named } of world.locks.namedBy(unlock)) {
    const queue = world.queue(named);
    const pending = openCommit(world, queue);
    const missing = missingAtBroker(queue);
    if (pending !== undefined) {
      report(
        'finalOffsetBeforeUnlock',
        `${queue.key} is given away before the commit of line ${pending.line} is answered`,
      );
    } else if (missing !== undefined && !queue.isDoubted)
      report('finalOffsetBeforeUnlock', `given away, but ${missing}`);
  }
};

/** What was committed is given back before the goodbye, by a request that was answered. */
const unlockBeforeUnregister: Rule = (entry, world, report, options) => {
  const unregister = requestOf(entry, codes.unregister);
  const group = unregister?.fields['consumerGroup'];
  if (options.locks === 'none' || group === undefined || world.unregistered.has(group)) return;
  for (const line of pendingUnlocks(world)) {
    report('unlockBeforeUnregister', `the 42 of line ${line} has no answer yet`);
  }
  for (const lock of world.locks.under(lockName(group, options))) {
    if (isKept(lock, world, entry.at) && !mayRun(lock, world, options)) {
      report('unlockBeforeUnregister', `${world.queue(lock.queue).key} is still locked`);
    }
  }
};

/** A lock that should have been given back. What the broker does not have may expire by itself instead. */
function isKept({ held, queue }: LockFacts, world: TraceWorld, at: number): boolean {
  if (held === undefined || at - held.askedAt > lockLife || world.killed.has(held.address)) return false;
  return missingAtBroker(world.queue(queue)) === undefined;
}

/** While an orderly listener call runs nobody else may have its queue. */
function mayRun({ queue }: LockFacts, world: TraceWorld, { locks }: Options): boolean {
  const { key } = world.queue(queue);
  return (
    locks === 'orderly' &&
    [...world.running.values()].some(({ entry }) => world.queue(entry.queue).key === key)
  );
}

/** Of our own: what is given back for the dead need not be waited for. */
function pendingUnlocks(world: TraceWorld): readonly number[] {
  return [...world.connections.values()]
    .flatMap(({ pending }) => [...pending.values()])
    .filter(({ entry }) => entry.code === codes.unlock && world.locks.isOurs(entry))
    .map(({ line }) => line);
}

/** The locks of a member are given back for it only when its broker once had it as a member and has not any more. */
const onlyTheDeadAreUnlocked: Rule = (entry: TraceEntry, world, report: Report) => {
  const unlock = requestOf(entry, codes.unlock);
  if (unlock === undefined || world.locks.isOurs(unlock)) return;
  const clientId = String(Object(unlock.body).clientId);
  if (world.locks.isGone(unlock.address, clientId)) return;
  report('onlyTheDeadAreUnlocked', `42 in the name of ${clientId}, whom ${unlock.address} did not lose`);
};

export const lockRules: readonly Rule[] = [
  lockBeforePull,
  lockBeforeCommit,
  lockBeforeDelivery,
  finalOffsetBeforeUnlock,
  unlockBeforeUnregister,
  onlyTheDeadAreUnlocked,
];
