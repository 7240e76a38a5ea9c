// SPDX-License-Identifier: Apache-2.0
/** Which way does a failed message go? What every path of this chart keeps. */
import type { PathPlan } from '../kit/path-plan.ts';

export const brokerReturnsPlan: PathPlan = {
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
};
