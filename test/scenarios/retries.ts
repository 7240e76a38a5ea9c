// SPDX-License-Identifier: Apache-2.0
/** What becomes of a message whose listener fails? It comes again, counted, until it is done or a dead letter. */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, threw, usual } from './expected.ts';
import {
  allowWriting,
  changeListener,
  checkCommitted,
  consumed,
  createTopic,
  deadLetters,
  deliveries,
  event,
  fromFirst,
  letTimePass,
  produce,
  produceUnreadable,
  start,
  stop,
} from './steps.ts';

const once = { group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' } as const;
const retryTopic = { ...once, topic: '%RETRY%billing' } as const;

export const thrown: Scenario = {
  name: 'a message whose listener throws twice comes three times, counted, with its topic restored, and is done',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    start('anna', 'billing', 'orders', { listener: { fails: { every: 10, times: 2, by: 'throw' } } }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, attempts: { 1: 100, 2: 10, 3: 10 }, pauses: { 2: 1000, 3: 1000 } }, retryTopic],
    events: {
      anna: { ...hadQueues('orders', 4), ...threw(20), 'message.retried': 20 },
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const answered: Scenario = {
  name: 'RECONSUME_LATER is the same as throwing',
  steps: [
    createTopic('orders', 1),
    produce('orders', 1),
    start('anna', 'billing', 'orders', { listener: { fails: { every: 1, times: 2, by: 'answer' } } }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, attempts: { 1: 1, 2: 1, 3: 1 } }, retryTopic],
    events: {
      anna: {
        'message.retried': {
          inOrder: [
            { attempt: 1, queue: { topic: 'orders' } },
            { attempt: 2, queue: { topic: '%RETRY%billing' } },
          ],
        },
        ...hadQueues('orders', 1),
      },
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const chosenLevel: Scenario = {
  name: 'a listener chooses the pause before the next delivery by a delay level',
  steps: [
    createTopic('orders', 1),
    produce('orders', 1),
    start('anna', 'billing', 'orders', {
      listener: { fails: { every: 1, times: 1, by: 'answer', delayLevel: 5 } },
    }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, attempts: { 1: 1, 2: 1 }, pauses: { 2: 2000 } }, retryTopic],
    events: {
      anna: {
        'message.retried': { inOrder: [{ attempt: 1, delayLevel: 5 }] },
        ...hadQueues('orders', 1),
      },
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const partOfABatch: Scenario = {
  name: 'by ackIndex only the messages of a batch behind it come again',
  steps: [
    createTopic('orders', 1),
    produce('orders', 16, { batch: 16 }), // so they stand in their order
    start('anna', 'billing', 'orders', {
      listener: { fails: { every: 5, times: 1, by: 'ackIndex' } },
      options: { ...fromFirst, consumeMessageBatchMaxSize: 16 },
    }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, attempts: { 1: 16, 2: 12 }, batches: { largest: 16 } }, retryTopic],
    events: {
      anna: { ...hadQueues('orders', 1), 'message.retried': 12 },
    },
    members: { billing: [] },
  },
  ignore: usual,
};

export const deadLetter: Scenario = {
  name: 'a message that fails always is delivered 1 + maxReconsumeTimes times and becomes a dead letter; the others are done',
  steps: [
    createTopic('orders', 4),
    produce('orders', 40),
    start('anna', 'billing', 'orders', {
      listener: { fails: { every: 20, times: 'always', by: 'throw' } },
      options: { ...fromFirst, maxReconsumeTimes: 2 },
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
      { ...once, dead: [19, 39], attempts: { 1: 40, 2: 2, 3: 2 }, pauses: { 2: 1000, 3: 1000 } },
      retryTopic,
      { ...once, group: 'undertakers', topic: '%DLQ%billing', messages: [19, 39], attempts: { 4: 2 } },
    ],
    events: {
      anna: {
        ...{ ...hadQueues('orders', 4), ...threw(6), 'message.retried': 4 },
        'message.deadLettered': { times: 2, each: { reason: 'maxReconsumeTimes' } },
      },
      boris: hadQueues('%DLQ%billing', 1),
    },
    members: { billing: [], undertakers: [] },
    deadLetters: { billing: 2 },
  },
  ignore: usual,
};

export const deadAtOnce: Scenario = {
  name: 'delay level -1 makes a message a dead letter at once',
  steps: [
    createTopic('orders', 1),
    produce('orders', 10),
    start('anna', 'billing', 'orders', {
      listener: { fails: { every: 5, times: 'always', by: 'throw', delayLevel: -1 } },
    }),
    deadLetters('billing', 2),
    consumed('orders', 'billing', 8),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, dead: [4, 9], attempts: { 1: 10 } }, retryTopic],
    events: {
      anna: {
        ...threw(2),
        'message.deadLettered': { times: 2, each: { reason: 'listener' } },
        ...hadQueues('orders', 1),
      },
    },
    members: { billing: [] },
    deadLetters: { billing: 2 },
  },
  ignore: usual,
};

export const unreadable: Scenario = {
  name: 'a body that cannot be unpacked fails where it is read, becomes a dead letter, and holds up nobody',
  steps: [
    createTopic('orders', 1),
    produce('orders', 5),
    produceUnreadable('orders'),
    produce('orders', 5),
    start('anna', 'billing', 'orders', { options: { ...fromFirst, maxReconsumeTimes: 1 } }),
    deadLetters('billing', 1),
    consumed('orders', 'billing', 10),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, dead: [5], attempts: { 1: 11, 2: 1 } }, retryTopic],
    events: {
      anna: {
        ...{ ...hadQueues('orders', 1), ...threw(2), 'message.retried': 1 },
        'message.deadLettered': { times: 1, each: { reason: 'maxReconsumeTimes' } },
      },
    },
    members: { billing: [] },
    deadLetters: { billing: 1 },
  },
  ignore: usual,
};

export const delayed: Scenario = {
  name: 'a message sent with a delay level arrives when its pause is over, and no sooner',
  steps: [
    createTopic('orders', 2),
    start('anna', 'billing', 'orders'),
    event('anna', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 2 }),
    produce('orders', 10, { delayLevel: 5 }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, attempts: { 1: 10 }, pauses: { 1: 2000 } }],
    events: { anna: hadQueues('orders', 2) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const refusedByTheBroker: Scenario = {
  name: 'a failed message that the broker does not take back is kept, and no offset passes it until it is',
  steps: [
    createTopic('orders', 1),
    allowWriting('%RETRY%billing', 1, false), // before a consumer knows of it: an old route lets a copy through
    start('anna', 'billing', 'orders', {
      listener: { fails: { every: 1, times: 'always', by: 'answer' } },
      options: { ...fromFirst, persistConsumerOffsetInterval: 500 },
    }),
    produce('orders', 1),
    deliveries('anna', 1),
    letTimePass(1000),
    checkCommitted('orders', 'billing', [0]),
    changeListener('anna', {}),
    allowWriting('%RETRY%billing', 1, true),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...once, attempts: { 1: 2 } }, retryTopic],
    events: {
      anna: {
        ...hadQueues('orders', 1),
        fault: { times: 1, each: { error: { code: 'RMQ_SEND_BACK_FAILED' } } },
      },
    },
    members: { billing: [] },
  },
  ignore: [...usual, 'message.retried'],
};
