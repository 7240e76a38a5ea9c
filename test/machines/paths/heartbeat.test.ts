// SPDX-License-Identifier: Apache-2.0
/** Is every round told, and only once? What every path of this chart keeps. */
import { heartbeatMachine } from '../../../src/machines/heartbeat/heartbeat.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(heartbeatMachine, {
  rules: [
    {
      sentence: 'reports a round that was begun, once',
      never: ['reportRound'],
      before: ['beginRound'],
      until: ['reportRound'],
    },
    {
      sentence: 'begins no round beside another',
      never: ['beginRound'],
      after: ['beginRound'],
      until: ['reportRound'],
    },
    {
      sentence: 'counts every hurry',
      never: ['beginRound'],
      after: ['enter hurrying'],
      until: ['countHurried'],
    },
    {
      sentence: 'takes no answer between two rounds',
      never: ['noteAnswer', 'noteFailure'],
      after: ['reportRound'],
      until: ['beginRound'],
    },
  ],
});
