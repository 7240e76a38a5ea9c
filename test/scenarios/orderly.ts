// SPDX-License-Identifier: Apache-2.0
/** Does an orderly listener get the messages of a queue, or of a sharding key, one after the other, whatever it answers? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, threw, usual } from './expected.ts';
import {
  changeListener,
  checkCommitted,
  checkConsumed,
  committed,
  consumed,
  createTopic,
  deadLetters,
  deliveries,
  fromFirst,
  letTimePass,
  more,
  produce,
  split,
  start,
  startLoad,
  stop,
  stopLoad,
} from './steps.ts';

const orders = { group: 'billing', topic: 'orders', lost: 0, committed: 'max' } as const;
const quick = { ...fromFirst, suspendCurrentQueueTimeMillis: 300, persistConsumerOffsetInterval: 500 };
const orderly = { orderly: true, options: quick };
const busy = { ...orderly, listener: { takesMs: 5 } };
const keyed = { ...quick, orderBy: 'shardingKey' } as const;
const keys = { shardingKeys: 8 };
/** What comes and goes with the members. */
const moves = [...usual, 'queue.assigned', 'queue.revoked'] as const;

export const keepsOrder: Scenario = {
  name: 'under load members come and go, and each queue is delivered in its order, one call at a time, nothing twice',
  steps: [
    createTopic('orders', 8),
    startLoad('orders', 200, keys),
    start('anna', 'billing', 'orders', busy),
    more('orders', 'billing', 100),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    more('orders', 'billing', 100),
    start('clara', 'billing', 'orders', busy),
    split('orders', [3, 3, 2]),
    more('orders', 'billing', 100),
    stop('anna'),
    split('orders', [4, 4]),
    more('orders', 'billing', 100),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
    stop('clara'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, order: 'queue' }],
    events: {},
    members: { billing: [] },
  },
  ignore: moves,
};

export const suspendsItself: Scenario = {
  name: 'a message whose listener suspends its queue comes again after the pause, counted, and nothing overtakes it',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100, keys),
    start('anna', 'billing', 'orders', {
      ...{ ...orderly, listener: { fails: { every: 10, times: 2, by: 'answer' } } },
    }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      {
        ...{ ...orders, repeated: 0, order: 'queue' },
        ...{ attempts: { 1: 100, 2: 10, 3: 10 }, pauses: { 2: 300, 3: 300 } },
      },
    ],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const throwsInOrder: Scenario = {
  name: 'throwing is the same as suspending the queue, for as long as the listener says',
  steps: [
    createTopic('orders', 1),
    produce('orders', 20),
    start('anna', 'billing', 'orders', {
      ...{ ...orderly, listener: { fails: { every: 10, times: 1, by: 'throw', suspendMs: 900 } } },
    }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, order: 'queue', attempts: { 1: 20, 2: 2 }, pauses: { 2: 900 } }],
    events: { anna: { ...hadQueues('orders', 1), ...threw(2) } },
    members: { billing: [] },
  },
  ignore: usual,
};

export const orderlyDeadLetters: Scenario = {
  name: 'an orderly message that failed once more often than maxReconsumeTimes is a dead letter with its topic and id, and its queue goes on',
  steps: [
    createTopic('orders', 2),
    produce('orders', 40),
    start('anna', 'billing', 'orders', {
      orderly: true,
      listener: { fails: { every: 20, times: 'always', by: 'answer' } },
      options: { ...quick, maxReconsumeTimes: 3 },
    }),
    deadLetters('billing', 2),
    consumed('orders', 'billing', 38),
    stop('anna'),
    start('boris', 'undertakers', '%DLQ%billing'),
    deliveries('boris', 2),
    stop('boris'),
  ],
  expect: {
    consumed: [
      {
        ...{ ...orders, repeated: 0, order: 'queue', dead: [19, 39] },
        ...{ attempts: { 1: 40, 2: 2, 3: 2, 4: 2 }, pauses: { 2: 300, 3: 300, 4: 300 } },
      },
      { ...orders, repeated: 0, group: 'undertakers', topic: '%DLQ%billing', messages: [19, 39] },
    ],
    events: {
      anna: {
        ...hadQueues('orders', 2),
        'message.deadLettered': { times: 2, each: { reason: 'maxReconsumeTimes' } },
      },
      boris: { 'queue.assigned': 1, 'queue.revoked': 1 },
    },
    members: { billing: [], undertakers: [] },
    deadLetters: { billing: 2 },
  },
  ignore: usual,
};

export const commitsByHand: Scenario = {
  name: 'without autoCommit the offset stands until COMMIT; what was not committed comes again to the next owner',
  steps: [
    createTopic('orders', 1),
    produce('orders', 15),
    start('anna', 'billing', 'orders', { ...orderly, listener: { commits: { every: 10 } } }),
    consumed('orders', 'billing', 10),
    letTimePass(2000),
    checkCommitted('orders', 'billing', [10]),
    produce('orders', 8),
    consumed('orders', 'billing', 20),
    letTimePass(2000),
    checkCommitted('orders', 'billing', [20]),
    stop('anna'),
    checkCommitted('orders', 'billing', [20]),
    start('boris', 'billing', 'orders', orderly),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, order: 'queue' }],
    events: { anna: hadQueues('orders', 1), boris: hadQueues('orders', 1) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const rollsBack: Scenario = {
  name: 'ROLLBACK brings all that was not committed again, in its order and after the pause',
  steps: [
    createTopic('orders', 1),
    produce('orders', 30),
    start('anna', 'billing', 'orders', {
      ...{ ...orderly, listener: { commits: { every: 10, rollsBackFirst: true } } },
    }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, attempts: { 1: 40 } }],
    events: { anna: hadQueues('orders', 1) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const byKeys: Scenario = {
  name: 'with orderBy shardingKey the keys of one queue are delivered side by side, each of them in its order',
  steps: [
    createTopic('orders', 1),
    produce('orders', 160, keys),
    start('anna', 'billing', 'orders', { orderly: true, listener: { takesMs: 50 }, options: keyed }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, order: 'shardingKey', sideBySide: 8, attempts: { 1: 160 } }],
    events: { anna: hadQueues('orders', 1) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const oneKeyRests: Scenario = {
  name: 'with orderBy shardingKey a suspended key rests alone, and no offset passes it',
  steps: [
    createTopic('orders', 1),
    produce('orders', 80, keys),
    start('anna', 'billing', 'orders', {
      orderly: true,
      listener: { fails: { every: 8, times: 'always', by: 'answer' } }, // key-7
      options: { ...keyed, persistConsumerOffsetInterval: 500 },
    }),
    consumed('orders', 'billing', 70),
    letTimePass(1500),
    checkConsumed('orders', 'billing', 70),
    changeListener('anna', {}),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, order: 'shardingKey', pauses: { 2: 300 } }],
    events: { anna: hadQueues('orders', 1) },
    members: { billing: [] },
  },
  ignore: usual,
};
