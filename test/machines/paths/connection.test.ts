// SPDX-License-Identifier: Apache-2.0
/** Is a line told of its connection as it is? What every path of this chart keeps. */
import { connectionMachine } from '../../../src/machines/connection/connection.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(connectionMachine, {
  rules: [
    {
      sentence: 'is ready only after it was greeted',
      never: ['reportReady'],
      before: ['on link.greeted'],
      until: ['on link.lost', 'tellLine'],
    },
    {
      sentence: 'tells its line of a loss before it dials anew',
      never: ['enter backingOff', 'enter linked'],
      after: ['enter linked', 'on link.greeted'],
      until: ['tellLine'],
    },
    {
      sentence: 'tells its line at once when the peer goes away',
      never: ['enter linked.leaving'],
      before: ['tellLine'],
      until: ['on link.greeted'],
    },
    {
      sentence: 'reports the loss at once when the peer goes away',
      never: ['enter linked.leaving'],
      before: ['reportLost'],
      until: ['on link.greeted'],
    },
    {
      sentence: 'says nothing more of a peer that goes away, however it ends',
      never: ['reportReady', 'reportLost', 'reportFailed', 'tellLine', 'countFailure'],
      after: ['enter linked.leaving'],
      until: ['enter linked'],
    },
    {
      sentence: 'waits before it dials anew',
      never: ['enter linked'],
      after: ['enter backingOff'],
      until: ['on after pause'],
    },
    {
      sentence: 'pauses when a connection was lost before it dials anew',
      never: ['enter linked', 'enter linked.dialing'],
      after: ['on link.lost'],
      until: ['on after pause'],
    },
    {
      sentence: 'reports nothing once it drains',
      never: ['reportReady', 'reportLost', 'reportFailed'],
      after: ['enter linked.draining'],
    },
    {
      sentence: 'forgets failures only when it was ready for long',
      never: ['forgetFailures'],
      before: ['on after stableAfter'],
    },
  ],
});
