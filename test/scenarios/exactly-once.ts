// SPDX-License-Identifier: Apache-2.0
/** Does every message arrive once, and does the offset say so afterwards? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, usual } from './expected.ts';
import { consumed, createTopic, fromFirst, members, produce, start, stop } from './steps.ts';

export const exactlyOnce: Scenario = {
  name: 'a backlog over 8 queues is consumed once; after the shutdown every offset is at its max',
  steps: [
    createTopic('orders', 8),
    produce('orders', 2000),
    start('anna', 'billing', 'orders'),
    consumed('orders', 'billing'),
    members('billing', ['anna']),
    stop('anna'),
  ],
  expect: {
    consumed: [
      { group: 'billing', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 2000 }, committed: 'max' },
    ],
    events: {
      anna: hadQueues('orders', 8),
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const inBatches: Scenario = {
  name: 'messages sent 10 in a request are handed over up to 16 at once',
  steps: [
    createTopic('orders', 2),
    produce('orders', 400, { batch: 10 }),
    start('anna', 'billing', 'orders', { options: { ...fromFirst, consumeMessageBatchMaxSize: 16 } }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      {
        ...{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' },
        batches: { largest: 16 },
      },
    ],
    events: { anna: hadQueues('orders', 2) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const twoGroups: Scenario = {
  name: 'each of two groups gets every message; what one has not read does not hold up the other',
  steps: [
    createTopic('orders', 4),
    produce('orders', 200),
    start('anna', 'billing', 'orders'),
    consumed('orders', 'billing'),
    stop('anna'),
    produce('orders', 200),
    start('boris', 'shipping', 'orders'),
    consumed('orders', 'shipping'),
    stop('boris'),
  ],
  expect: {
    consumed: [
      { group: 'shipping', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 400 }, committed: 'max' },
    ],
    events: {
      anna: hadQueues('orders', 4),
      boris: hadQueues('orders', 4),
    },
    members: { billing: [], shipping: [] },
  },
  ignore: usual,
};

export const goesOn: Scenario = {
  name: 'a group goes on where it left off, with another member and whatever consumeFromWhere says',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    start('anna', 'billing', 'orders'),
    consumed('orders', 'billing'),
    stop('anna'),
    produce('orders', 100),
    start('boris', 'billing', 'orders', { options: { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' } }),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [
      { group: 'billing', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 200 }, committed: 'max' },
    ],
    events: {
      anna: hadQueues('orders', 4),
      boris: hadQueues('orders', 4),
    },
    members: { billing: [] },
  },
  ignore: usual,
};
