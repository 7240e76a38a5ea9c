// SPDX-License-Identifier: Apache-2.0
/** What may go wrong when a queue changes its owner: the shares, the locks, the order in which it is given up? */
import type { PlantedBug } from '../planted-bug.ts';

export const givingUp: readonly PlantedBug[] = [
  {
    name: 'unlock-after-failed-commit',
    what: 'the lock goes to the next owner although the last commit was not answered: it starts too early',
    file: 'machines/queue/queue.machine.ts',
    text: "        onError: { target: 'revoked', actions: { type: 'noteCommitError', params: ({ event }) => event } },",
    becomes:
      "        onError: { target: 'unlocking', actions: { type: 'noteCommitError', params: ({ event }) => event } },",
    test: 'machines/paths/queue.test.ts',
    caughtBy: 'never gives the lock back after a commit that was not answered',
  },
  {
    name: 'commit-while-listeners-run',
    what: 'the last commit of a queue goes out while its listeners still run',
    file: 'machines/queue/queue.machine.ts',
    text: "          entry: ['releaseIfLost', 'stopPulling', 'withholdCommits', 'drainListeners'],",
    becomes:
      "          always: '#queue.settling',\n          entry: ['releaseIfLost', 'stopPulling', 'withholdCommits', 'drainListeners'],",
    test: 'machines/paths/queue.test.ts',
    caughtBy: 'commits for the last time only after the listeners have ended',
  },
  {
    name: 'pulls-on-while-draining',
    what: 'a queue that is given up goes on pulling beside its next owner',
    file: 'machines/queue/queue.machine.ts',
    text: "          entry: ['releaseIfLost', 'stopPulling', 'withholdCommits', 'drainListeners'],",
    becomes: "          entry: ['releaseIfLost', 'withholdCommits', 'drainListeners'],",
    test: 'machines/queue.test.ts',
    caughtBy: 'stops pulling, lets its listeners end, commits, and is told as ended once',
  },
  {
    name: 'lost-queue-committed',
    what: 'a queue whose lock was lost commits over its next owner',
    file: 'machines/queue/queue.machine.ts',
    text: "    mayCommit: ({ context }) => context.reason === 'rebalance' || context.reason === 'unrouted',",
    becomes: '    mayCommit: () => true,',
    test: 'machines/queue.test.ts',
    caughtBy:
      'is forgotten by the offset store at once, so that nobody commits what still ends, and commits nothing',
  },
  {
    name: 'grace-begins-anew',
    what: 'a further revoke gives a hanging listener its whole grace once more: a shutdown takes too long',
    file: 'machines/queue/queue.logic.ts',
    text: 'const ends = Math.min(graceEnds, now + revoke.grace);',
    becomes: 'const ends = now + revoke.grace;',
    test: 'machines/queue.test.ts',
    caughtBy: 'revoked again with less time ends by that, and with more time no later than before',
  },
  {
    name: 'lock-not-renewed',
    what: 'locks expire while they are held: another member gets the queue',
    file: 'machines/locks/broker-locks.machine.ts',
    text: "          after: { renewEvery: 'asking' },\n",
    becomes: '',
    test: 'machines/locks-broker.test.ts',
    caughtBy: 'is asked for together with what is held, which is thereby renewed',
  },
  {
    name: 'lock-outlived',
    what: 'a lock is relied on longer than the broker keeps it: two members commit',
    file: 'machines/locks/lock-entry.ts',
    text: 'this.#clock.now() - this.#standing.by.askedAt < age',
    becomes: 'this.#clock.now() - this.#standing.by.askedAt < 2 * age',
    test: 'machines/locks.property.test.ts',
    caughtBy:
      'allows no commit before it was granted, after it was lost or given up, while in doubt, or when its time is over',
  },
  {
    name: 'doubt-ignored',
    what: 'a lock that a restarted broker has forgotten is relied on: two members commit',
    file: 'machines/locks/lock-entry.ts',
    text: "return this.#standing.kind === 'held' && this.#standing.by.number <= this.#doubtedAfter;",
    becomes: 'return false;',
    test: 'machines/locks.property.test.ts',
    caughtBy:
      'allows no commit before it was granted, after it was lost or given up, while in doubt, or when its time is over',
  },
  {
    name: 'the-living-unlocked',
    what: 'locks are given back in the name of members that live',
    file: 'machines/locks/broker-locks.logic.ts',
    text: '  const gone = missing.filter(id => !isEarly || view.suspects.has(id));',
    becomes: '  const gone = missing;',
    test: 'machines/locks-broker.test.ts',
    caughtBy: 'missing right after our reconnect and back 3 s later live on',
  },
  {
    name: 'patience-never-ends',
    what: 'a fence whose holder never lets go is waited for for ever: its queue rests',
    file: 'machines/locks/broker-locks.machine.ts',
    text: "          after: { patience: { target: 'calm', actions: 'unfenceOverdue' } },\n",
    becomes: '',
    test: 'machines/locks-broker.test.ts',
    caughtBy:
      'is waited for no longer than handoverTimeout; then one fault names the queues, and asking goes on',
  },
  {
    name: 'lock-given-back-while-listener-hangs',
    what: 'the next owner of an orderly queue begins while a listener here still works on its messages',
    file: 'machines/queue/queue.logic.ts',
    text: "(work.delivery.order === 'concurrent' || abandoned === 0)",
    becomes: 'abandoned >= 0',
    test: 'machines/consumer-handover.test.ts',
    caughtBy: 'and keeps the lock of that queue only',
  },
  {
    name: 'lost-while-drained-committed',
    what: 'a queue that is lost while it is given up commits over its next owner',
    file: 'machines/queue/queue.logic.ts',
    text: "graceEnds === Number.POSITIVE_INFINITY || revoke.reason === 'lost' ? revoke.reason : reason",
    becomes: 'graceEnds === Number.POSITIVE_INFINITY ? revoke.reason : reason',
    test: 'machines/queue.test.ts',
    caughtBy: 'is lost also while its listeners end',
  },
];
