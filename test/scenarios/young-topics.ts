// SPDX-License-Identifier: Apache-2.0
/** With the default CONSUME_FROM_LAST_OFFSET: is anything lost of a topic or queue that is younger than what the consumer knows? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, usual } from './expected.ts';
import {
  committed,
  consumed,
  createTopic,
  event,
  growTopic,
  markTime,
  more,
  produce,
  split,
  start,
  startLoad,
  stop,
  stopLoad,
} from './steps.ts';

const last = {
  consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
  pollNameServerInterval: 300,
  persistConsumerOffsetInterval: 500,
} as const;
/** 4.9 answers 14 with 0 for a queue that it has whole in memory, and there Java and we begin. */
const maySeeTheOld = { optional: 100 };

export const youngTopic: Scenario = {
  name: 'a topic made by its first message is read from its beginning by a consumer that was there before, with LAST',
  steps: [
    start('anna', 'billing', 'orders', { options: last }),
    event('anna', 'fault', { facts: { error: { code: 'RMQ_TOPIC_NOT_FOUND' } } }),
    produce('orders', 200),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      { group: 'billing', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 200 }, committed: 'max' },
    ],
    events: {
      anna: {
        fault: { atLeast: 1, each: { error: { code: 'RMQ_TOPIC_NOT_FOUND' } } },
        'queue.assigned': { atLeast: 2, each: { offset: 0 } },
      },
    },
    members: { billing: [] },
  },
  ignore: [...usual, 'queue.revoked'],
};

export const grownTopic: Scenario = {
  name: 'a topic grown from 4 to 8 queues under load loses nothing, with LAST',
  steps: [
    createTopic('orders', 4),
    start('anna', 'billing', 'orders', { options: last }),
    event('anna', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 4 }),
    startLoad('orders', 400),
    more('orders', 'billing', 100),
    growTopic('orders', 8),
    split('orders', [8]),
    more('orders', 'billing', 400),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: {
      anna: hadQueues('orders', 8),
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const lastTakesTheNew: Scenario = {
  name: 'a new group with LAST gets everything that is sent from then on',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    start('anna', 'billing', 'orders', { options: last }),
    event('anna', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 4 }),
    produce('orders', 100),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      {
        ...{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' },
        ...maySeeTheOld,
      },
    ],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const fromTimestamp: Scenario = {
  name: 'a new group with CONSUME_FROM_TIMESTAMP gets everything that was stored since then',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    markTime('noon'),
    produce('orders', 100),
    start('anna', 'billing', 'orders', {
      ...{ consumeFrom: 'noon', options: { persistConsumerOffsetInterval: 500 } },
    }),
    event('anna', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 4 }),
    produce('orders', 100),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      {
        ...{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' },
        ...maySeeTheOld,
      },
    ],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: usual,
};
