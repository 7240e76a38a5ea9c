// SPDX-License-Identifier: Apache-2.0
/** Is every round planned after the one before? What every path of this chart keeps. */
import type { PathPlan } from '../kit/path-plan.ts';

export const routesPlan: PathPlan = {
  rules: [
    {
      sentence: 'plans the next round only after it has taken the answers',
      never: ['planNextRound'],
      before: ['takeAnswers'],
      until: ['beginRound'],
    },
    {
      sentence: 'begins no round before the last one was planned upon',
      never: ['beginRound'],
      after: ['beginRound'],
      until: ['planNextRound'],
    },
    {
      sentence: 'forgets topics only after an answered round',
      never: ['forgetUnwanted'],
      before: ['noteAnswers'],
      until: ['beginRound'],
    },
  ],
};
