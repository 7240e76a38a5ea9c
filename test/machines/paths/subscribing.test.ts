// SPDX-License-Identifier: Apache-2.0
/** When is a topic subscribed, or left? What every path of this chart keeps. */
import { subscribingMachine } from '../../../src/machines/subscribing/subscribing.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(subscribingMachine, {
  rules: [
    {
      sentence: 'applies nothing before it was planned and checked',
      never: ['apply'],
      before: ['on done(plan)', 'on done(check)'],
    },
    {
      sentence: 'pulls under the new version only after a heartbeat with it',
      never: ['settle'],
      before: ['on done(register)'],
    },
    {
      sentence: 'shares a new topic out only after a heartbeat with it',
      never: ['enter sharing'],
      before: ['on done(register)'],
    },
    {
      sentence: 'forgets a topic only after its queues have ended',
      never: ['forget'],
      before: ['on done(drain)', 'on error(drain)'],
    },
    { sentence: 'answers once', never: ['tellDone', 'tellRefused'], after: ['tellDone', 'tellRefused'] },
  ],
});
