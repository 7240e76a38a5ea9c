// SPDX-License-Identifier: Apache-2.0
/** When is a seek done? What every path of this chart keeps. */
import { seekMachine } from '../../../src/machines/commands/seek.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(seekMachine, {
  rules: [
    { sentence: 'moves the queue only after it is known where to', never: ['move'], before: ['noteOffset'] },
    {
      sentence: 'is done only after its place was confirmed',
      never: ['tellDone'],
      before: ['on done(confirmPlace)'],
    },
    {
      sentence: 'confirms its place only after the queue has moved',
      never: ['enter committing'],
      before: ['on seek.moved'],
    },
    { sentence: 'answers once', never: ['tellDone', 'tellRefused'], after: ['tellDone', 'tellRefused'] },
  ],
});
