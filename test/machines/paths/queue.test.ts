// SPDX-License-Identifier: Apache-2.0
/** In which order is a queue given up? What every path of this chart keeps. */
import { queueMachine } from '../../../src/machines/queue/queue.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(queueMachine, {
  rules: [
    {
      sentence: 'stops pulling before it commits for the last time',
      never: ['enter committing', 'enter unlocking'],
      before: ['stopPulling', 'on done(consume)'],
    },
    {
      sentence: 'commits for the last time only after the listeners have ended',
      never: ['enter committing'],
      before: ['on xstate.done.actor.consume', 'on done(consume)'],
    },
    {
      sentence: 'gives the lock back after the answered commit, or where nothing may be committed',
      never: ['enter unlocking'],
      before: ['on done(commitFinal)', 'noteAbandoned'],
    },
    {
      sentence: 'never gives the lock back after a commit that was not answered',
      never: ['enter unlocking'],
      after: ['noteCommitError'],
    },
    {
      sentence: 'is told as ended last of all',
      never: ['passToPull', 'passToConsume', 'seek', 'resumeBoth', 'drainListeners', 'tellParent'],
      after: ['tellEnded'],
    },
    {
      sentence: 'resumes nothing once it is given up',
      never: ['passToPull', 'resumeBoth', 'seek'],
      after: ['drainListeners'],
    },
  ],
});
