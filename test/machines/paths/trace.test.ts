// SPDX-License-Identifier: Apache-2.0
/** When do traces go out, and who waits for them? What every path of this chart keeps. */
import { traceMachine } from '../../../src/machines/trace/trace.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(traceMachine, {
  rules: [
    {
      sentence: 'sends one message at a time',
      never: ['enter sending'],
      after: ['enter sending'],
      until: ['on done(sendNext)', 'on error(sendNext)', 'on after sendLimit'],
    },
    {
      sentence: 'lets traces gather before it sends, unless a flush is asked for',
      never: ['enter sending'],
      after: ['enter idle'],
      until: ['on after traceInterval', 'on trace.flush'],
    },
    {
      sentence: 'rests after a failure before it sends again, unless a flush is asked for',
      never: ['enter sending'],
      after: ['on error(sendNext)', 'on after sendLimit'],
      until: ['on after pause', 'on trace.flush'],
    },
    {
      sentence: 'counts a failure before it rests',
      never: ['enter resting'],
      after: ['on error(sendNext)', 'on after sendLimit'],
      until: ['countFailure'],
    },
    {
      sentence: 'forgets failures only when a message was stored',
      never: ['forgetFailures'],
      before: ['on done(sendNext)'],
      until: ['forgetFailures', 'enter sending'],
    },
    {
      sentence: 'tells what was lost after every send that ended',
      never: ['enter idle', 'enter resting', 'on done(sendNext)', 'on error(sendNext)'],
      after: ['on done(sendNext)', 'on error(sendNext)', 'on after sendLimit'],
      until: ['tellLost'],
    },
    {
      sentence: 'keeps nobody waiting for a flush when there is nothing more to do, or it cannot be done',
      never: ['enter idle', 'enter resting', 'on after traceInterval', 'on after pause'],
      after: ['on trace.flush', 'enter sending'],
      until: ['noteEnd'],
    },
    {
      sentence: 'says that no trace is on its way only when none is',
      never: ['noteEnd'],
      after: ['enter sending'],
      until: ['on done(sendNext)', 'on error(sendNext)', 'on after sendLimit'],
    },
  ],
});
