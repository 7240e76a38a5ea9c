// SPDX-License-Identifier: Apache-2.0
/** Do queue actors come and go in order? What every path of this chart keeps. */
import { queuesMachine } from '../../../src/machines/queues/queues.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(queuesMachine, {
  rules: [
    {
      sentence: 'lets a queue stand still while all do',
      never: ['resumeOthers', 'pauseOthers'],
      after: ['on queues.suspend', 'on queues.verify'],
      until: ['on queues.resume'],
    },
    { sentence: 'buries nobody who has not died', never: ['bury'], before: ['on xstate.error.actor.any'] },
    { sentence: 'takes an ended queue out after it ended', never: ['stopEnded'], before: ['on queue.ended'] },
  ],
});
