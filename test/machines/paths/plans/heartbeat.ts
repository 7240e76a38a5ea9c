// SPDX-License-Identifier: Apache-2.0
/** Is every round told, and only once? What every path of this chart keeps. */
import type { PathPlan } from '../kit/path-plan.ts';

export const heartbeatPlan: PathPlan = {
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
};
