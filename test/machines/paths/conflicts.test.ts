// SPDX-License-Identifier: Apache-2.0
/** Who is asked whether the group subscribes alike, and what may be told of it? What every path of this chart keeps. */
import { conflictsMachine } from '../../../src/machines/conflicts/conflicts.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(conflictsMachine, {
  rules: [
    {
      sentence: 'asks one question at a time',
      never: ['countLook'],
      after: ['countLook'],
      until: ['on done(lookAtGroup)', 'on error(lookAtGroup)', 'on after lookLimit'],
    },
    {
      sentence: 'asks no question before its time has come',
      never: ['countLook'],
      before: ['on after firstLook', 'on after lookInterval', 'on after lookFloor', 'on after askAgain'],
      until: ['countLook'],
    },
    {
      sentence: 'asks after a refused pull only when the last look is long enough ago',
      never: ['countLook'],
      after: ['enter hurrying'],
      until: ['on after lookFloor'],
    },
    {
      sentence: 'takes from a broker only what it answers to the question of now',
      never: ['noteLook'],
      before: ['on done(lookAtGroup)'],
      until: ['countLook', 'noteLook'],
    },
    {
      sentence: 'says nothing of the group when a question fails',
      never: ['noteLook', 'judgeRefusals', 'tellChange'],
      after: ['on error(lookAtGroup)', 'on after lookLimit'],
      until: ['on after lookInterval', 'on done(lookAtGroup)', 'on subscription.stale'],
    },
    {
      sentence: 'tells each change once',
      never: ['tellChange'],
      before: ['noteLook', 'judgeRefusals'],
      until: ['tellChange'],
    },
    {
      sentence: 'tells each change before the next can take its place',
      never: ['noteLook', 'judgeRefusals', 'countLook'],
      after: ['noteLook', 'judgeRefusals'],
      until: ['tellChange'],
    },
    {
      sentence: 'tells that brokers may not be asked before it listens to refused pulls only',
      never: ['enter listening'],
      before: ['noteUnasked'],
      until: ['countLook'],
    },
    {
      sentence: 'asks nobody for a day where brokers may not be asked',
      never: ['countLook'],
      after: ['noteUnasked'],
      until: ['on after askAgain'],
    },
    {
      sentence: 'judges by refused pulls only where brokers may not be asked',
      never: ['noteRefusal', 'judgeRefusals'],
      before: ['noteUnasked'],
      until: ['countLook'],
    },
    {
      sentence: 'is calm again no sooner than an interval after a refused pull',
      never: ['enter listening.calm'],
      after: ['noteRefusal'],
      until: ['on after lookInterval', 'on after askAgain'],
    },
  ],
});
