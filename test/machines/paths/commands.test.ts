// SPDX-License-Identifier: Apache-2.0
/** Does every command begin in its turn? What every path of this chart keeps. */
import { commandsMachine } from '../../../src/machines/commands/commands.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(commandsMachine, {
  rules: [
    {
      sentence: 'begins nothing before the consumer runs, or while it is in doubt',
      never: ['beginDue'],
      before: ['on commands.open'],
      until: ['on commands.hold'],
    },
    { sentence: 'begins and takes nothing once closed', never: ['beginDue', 'take'], after: ['refuseAll'] },
    {
      sentence: 'tells how a command ended before it forgets it',
      never: ['noteEnded', 'stopEnded'],
      before: ['tellDone', 'tellFailed'],
    },
    { sentence: 'refuses what is left before it forgets it', never: ['forgetAll'], before: ['refuseAll'] },
  ],
});
