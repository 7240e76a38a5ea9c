// SPDX-License-Identifier: Apache-2.0
/** When are quiet queues looked at, and what is told of them? What every path of this chart keeps. */
import { resetsMachine } from '../../../src/machines/resets/resets.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(resetsMachine, {
  rules: [
    {
      sentence: 'looks once at a time',
      never: ['enter looking'],
      after: ['enter looking'],
      until: ['on done(lookAtIdle)', 'on error(lookAtIdle)', 'on after lookLimit'],
    },
    {
      sentence: 'waits for the interval before each look',
      never: ['enter looking'],
      before: ['on after lookInterval'],
      until: ['enter looking'],
    },
    {
      sentence: 'counts every look, however it ended, so that the next begins with other queues',
      never: ['enter resting'],
      after: ['enter looking'],
      until: ['countRound'],
    },
    {
      sentence: 'counts a look once',
      never: ['countRound'],
      after: ['countRound'],
      until: ['enter looking'],
    },
    {
      sentence: 'suspects nothing but by the answers of the look of now',
      never: ['tellSuspects', 'noteTold'],
      before: ['on done(lookAtIdle)'],
      until: ['noteTold', 'enter looking'],
    },
    {
      sentence: 'tells what is new before it is noted as told',
      never: ['noteTold'],
      before: ['tellSuspects'],
      until: ['noteTold'],
    },
    {
      sentence: 'notes what it told before it rests, so that a difference that stays is no news',
      never: ['tellSuspects', 'enter resting'],
      after: ['tellSuspects'],
      until: ['noteTold'],
    },
    {
      sentence: 'tells of a look that broke',
      never: ['enter resting'],
      after: ['on error(lookAtIdle)'],
      until: ['tellFault'],
    },
  ],
});
