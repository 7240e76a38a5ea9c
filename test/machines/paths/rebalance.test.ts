// SPDX-License-Identifier: Apache-2.0
/** Does a decision rest on a whole round? What every path of this chart keeps. */
import { rebalanceMachine } from '../../../src/machines/rebalance/rebalance.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(rebalanceMachine, {
  rules: [
    {
      sentence: 'decides on nothing but a round that was asked for',
      never: ['tellDecision'],
      before: ['beginRound'],
      until: ['tellDecision'],
    },
    {
      sentence: 'keeps no decision of a round that was given up',
      never: ['keepDecision'],
      after: ['on after collectLimit', 'on queue.dropped'],
      until: ['beginRound'],
    },
    {
      sentence: 'tells nobody that its topic is shared out before the parent holds the queues',
      never: ['tellTickets'],
      before: ['on assignment.applied'],
      until: ['tellDecision'],
    },
    {
      sentence: 'begins no round beside one whose outcome is not applied',
      never: ['beginRound'],
      after: ['tellDecision'],
      until: ['on assignment.applied', 'on after applyLimit'],
    },
    {
      sentence: 'rests between two rounds, or waits for its timer',
      never: ['beginRound'],
      after: ['beginRound'],
      until: [
        'on after restPause',
        'on after restOfRetry',
        'on after rebalanceInterval',
        'enter idle',
        'enter unbalanced',
      ],
    },
  ],
});
