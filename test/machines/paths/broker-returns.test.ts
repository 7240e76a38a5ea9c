// SPDX-License-Identifier: Apache-2.0
/** Which way does a failed message go? What every path of this chart keeps. */
import { brokerReturnsMachine } from '../../../src/machines/send-back/broker-returns.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(brokerReturnsMachine, {
  rules: [
    {
      sentence: 'tries the retry topic only after its broker refused',
      never: ['beginFallback'],
      before: ['beginRound'],
      until: ['beginFallback'],
    },
    {
      sentence: 'keeps what is left for a local retry only after both ways were tried',
      never: ['keepForLocalRetry'],
      before: ['beginFallback'],
      until: ['keepForLocalRetry'],
    },
    {
      sentence: 'begins no round beside another',
      never: ['beginRound'],
      after: ['beginRound'],
      until: ['enter idle'],
    },
  ],
});
