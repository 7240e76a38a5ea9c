// SPDX-License-Identifier: Apache-2.0
/** Is every broker looked after once? What every path of this chart keeps. */
import { locksMachine } from '../../../src/machines/locks/locks.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(locksMachine, {
  rules: [
    {
      sentence: 'forgets and buries nobody who has not died',
      never: ['forgetKeeper', 'buryKeeper'],
      before: ['on xstate.error.actor.any'],
    },
    { sentence: 'tells of a death before it forgets who died', never: ['buryKeeper'], before: ['tellDeath'] },
    {
      sentence: 'opens no broker but for a lock or a look at the members',
      never: ['openBroker', 'openMissing'],
      before: ['on locks.changed', 'on members.looked'],
    },
  ],
});
