// SPDX-License-Identifier: Apache-2.0
/** Is every round planned after the one before? What every path of this chart keeps. */
import { routesMachine } from '../../../src/machines/routes/routes.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(routesMachine, {
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
    {
      sentence: 'takes answers that lack something only after it has judged what is missing',
      never: ['takeAnswers', 'forgetUnwanted'],
      after: ['enter confirming'],
      until: ['settleRound'],
    },
    {
      sentence: 'judges what is missing once a round, and by its answers',
      never: ['settleRound'],
      before: ['noteAnswers'],
      until: ['beginRound', 'settleRound'],
    },
    {
      sentence: 'loses no refresh, whatever it is doing',
      never: ['on after nextAsk', 'beginRound'],
      after: ['on routes.refresh'],
      until: ['planRefresh'],
    },
  ],
});
