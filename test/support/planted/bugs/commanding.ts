// SPDX-License-Identifier: Apache-2.0
/** What may go wrong with commands of users and admins: pause, seek, reset, commit? */
import type { PlantedBug } from '../planted-bug.ts';

export const commanding: readonly PlantedBug[] = [
  {
    name: 'seek-commits-first',
    what: 'a seek commits its place before the queue has let go of what it held: late results undo it',
    file: 'machines/commands/seek.machine.ts',
    text: "          target: 'moving',\n",
    becomes: "          target: 'committing',\n",
    test: 'machines/paths/seek.test.ts',
    caughtBy: 'confirms its place only after the queue has moved',
  },
  {
    name: 'seek-answered-early',
    what: 'a seek says that it is done before its place is stored: a crash forgets it',
    file: 'machines/commands/seek.machine.ts',
    text: "        'seek.moved': 'committing',",
    becomes: "        'seek.moved': 'done',",
    test: 'machines/paths/seek.test.ts',
    caughtBy: 'is done only after its place was confirmed',
  },
  {
    name: 'reset-takes-retries-along',
    what: 'a reset of all topics delivers the retries of the group once more',
    file: 'machines/commands/commands.logic.ts',
    text: '(topic === undefined ? !isRetryTopic(each.topic) : each.topic === topic)',
    becomes: '(topic === undefined || each.topic === topic)',
    test: 'machines/commands.test.ts',
    caughtBy: 'seeks every queue, the retried messages apart, and is done when all are',
  },
  {
    name: 'commit-overtakes-seek',
    what: 'a commit that was asked for after a seek is carried out before it',
    file: 'machines/commands/claims.ts',
    text: ' || this.#queues.has(queueKey(work.queue))',
    becomes: '',
    test: 'machines/commands.test.ts',
    caughtBy: 'about one queue keep their order, those about another do not wait',
  },
  {
    name: 'reset-of-busy-queues',
    what: 'a difference that stays, as of a lost commit, makes all pulls be written anew every few seconds',
    file: 'machines/resets/resets.logic.ts',
    text: 'return before === undefined || before.stored !== stored || round - before.round >= roundsUntilNews;',
    becomes: 'return true;',
    test: 'machines/resets.test.ts',
    caughtBy: 'tells a difference that stays every half a minute, and another one at once',
  },
];
