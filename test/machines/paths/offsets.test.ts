// SPDX-License-Identifier: Apache-2.0
/** When may offsets be handed over? What every path of this chart keeps. */
import { offsetsMachine } from '../../../src/machines/offsets/offsets.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(offsetsMachine, {
  rules: [
    {
      sentence: 'persists nothing while it is held',
      never: ['enter persisting', 'tellPersisted'],
      after: ['enter held'],
      until: ['on offsets.release', 'on offsets.flush'],
    },
    {
      sentence: 'tells of a flush only when it was asked for',
      never: ['tellFlushed', 'tellFlushGivenUp'],
      before: ['noteFlush'],
    },
    {
      sentence: 'always tells what became of a flush before it goes on',
      never: ['enter idle', 'enter persisting', 'enter held'],
      after: ['noteFlush'],
      until: ['tellFlushed', 'tellFlushGivenUp', 'tellBroken', 'on offsets.hold'],
    },
    {
      sentence: 'counts a failure before it tries again',
      never: ['enter retrying'],
      before: ['countFailure'],
    },
  ],
});
