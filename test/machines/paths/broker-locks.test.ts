// SPDX-License-Identifier: Apache-2.0
/** Who is unlocked, asked and believed, and when? What every path of this chart keeps. */
import { brokerLocksMachine } from '../../../src/machines/locks/broker-locks.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(brokerLocksMachine, {
  atOnce: 1,
  rules: [
    {
      sentence: 'unlocks in the name of others only after it has read who is there',
      never: ['noteFreed', 'sayFreed'],
      before: ['noteMembers'],
    },
    {
      sentence: 'reads the members anew before it unlocks once more',
      never: ['enter members.freeing'],
      after: ['noteFreed'],
      until: ['noteMembers'],
    },
    {
      sentence: 'lets go of fences only where no locks are taken, or patience is over',
      never: ['goUnfenced'],
      before: ['on error(askForLocks)', 'on locks.refused'],
    },
    {
      sentence: 'says that patience is over only after it was counted',
      never: ['unfenceOverdue'],
      before: ['enter patience.counting'],
    },
    {
      sentence: 'takes a list for the newest only after it was read',
      never: ['unfenceRefused'],
      before: ['on done(askMembers)'],
    },
    {
      sentence: 'renews what it holds',
      never: ['on after waitStep', 'on after askBackoff'],
      after: ['enter locking.holding'],
      until: [
        'enter locking.asking',
        'enter locking.idle',
        'enter locking.off',
        'enter locking.waiting',
        'enter locking.backingOff',
      ],
    },
  ],
});
