// SPDX-License-Identifier: Apache-2.0
/** Do members share the queues, and what does it cost when one comes, goes, crashes or sleeps? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { inAnOutage, usual } from './expected.ts';
import {
  committed,
  consumed,
  crash,
  createTopic,
  event,
  freeze,
  members,
  more,
  produce,
  split,
  start,
  startLoad,
  stop,
  stopLoad,
  thaw,
} from './steps.ts';

const busy = { listener: { takesMs: 5 } };

export const joinAndLeave: Scenario = {
  name: 'under load two members share 4/4, a third makes it 3/3/2, the first leaves: 4/4; nothing is lost or repeated',
  steps: [
    createTopic('orders', 8),
    startLoad('orders', 400),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    members('billing', ['anna', 'boris']),
    more('orders', 'billing', 200),
    start('clara', 'billing', 'orders', busy),
    split('orders', [3, 3, 2]),
    more('orders', 'billing', 200),
    stop('anna'),
    split('orders', [4, 4]),
    members('billing', ['boris', 'clara']),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
    stop('clara'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: {
      anna: { 'queue.assigned': { atLeast: 4 }, 'queue.revoked': { atLeast: 4 } },
      boris: { 'queue.assigned': { atLeast: 4 }, 'queue.revoked': { atLeast: 4 } },
      clara: { 'queue.assigned': { atLeast: 2 }, 'queue.revoked': { atLeast: 2 } },
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const crashed: Scenario = {
  name: 'a member that ends without a word is replaced, and nothing is lost',
  steps: [
    createTopic('orders', 8),
    startLoad('orders', 400),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    more('orders', 'billing', 100),
    crash('anna'),
    members('billing', ['boris']),
    split('orders', [8]),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // what anna had done and not committed boris reads again
    stop('boris'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 'any', committed: 'max' }],
    events: {
      anna: { 'queue.assigned': { atLeast: 4 } },
      boris: { 'queue.assigned': { atLeast: 9 }, 'queue.revoked': { atLeast: 9 } },
    },
    members: { billing: [] },
  },
  ignore: [...usual, 'queue.revoked'],
};

export const frozen: Scenario = {
  name: 'a member that sleeps for 150 s is replaced; awake again it asks before it commits, and gets its share back',
  steps: [
    createTopic('orders', 8),
    startLoad('orders', 400),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    more('orders', 'billing', 100),
    freeze('anna'),
    members('billing', ['boris']),
    more('orders', 'billing', 400),
    thaw('anna', 150_000),
    event('anna', 'consumer.stateChanged', {
      facts: { from: 'running.revalidating.verifying', to: 'running.active' },
    }),
    members('billing', ['anna', 'boris']),
    split('orders', [4, 4]),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('anna'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 'any', committed: 'max' }],
    events: {
      anna: { 'queue.assigned': { atLeast: 4 }, 'queue.revoked': { atLeast: 4 } },
      boris: { 'queue.assigned': { atLeast: 8 }, 'queue.revoked': { atLeast: 8 } },
    },
    members: { billing: [] },
  },
  ignore: inAnOutage,
};

export const moreThanQueues: Scenario = {
  name: 'of three members of a topic with 2 queues one has nothing to do',
  steps: [
    createTopic('orders', 2),
    start('anna', 'billing', 'orders'),
    start('boris', 'billing', 'orders'),
    start('clara', 'billing', 'orders'),
    members('billing', ['anna', 'boris', 'clara']),
    split('orders', [1, 1]),
    produce('orders', 100),
    consumed('orders', 'billing'),
    stop('clara'),
    stop('boris'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      { group: 'billing', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 100 }, committed: 'max' },
    ],
    events: {},
    members: { billing: [] },
  },
  ignore: [...usual, 'queue.assigned', 'queue.revoked'],
};
