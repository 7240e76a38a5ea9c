// SPDX-License-Identifier: Apache-2.0
/** What becomes of a topic's queues, and of its messages, when it is deleted, made again, resized, closed, or moved between brokers? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, usual } from './expected.ts';
import {
  committed,
  consumed,
  createTopic,
  deleteTopic,
  emptyNameServers,
  event,
  fillNameServers,
  fromFirst,
  growTopic,
  killBroker,
  letTimePass,
  more,
  permit,
  produce,
  split,
  start,
  startBroker,
  startLoad,
  stop,
  stopLoad,
} from './steps.ts';

const attentive = {
  options: { ...fromFirst, persistConsumerOffsetInterval: 500, pollNameServerInterval: 300 },
};
const where = { queue: { topic: 'orders' } };
const revoked = (reason: string) => ({ facts: { ...where, reason } });

export const deletedAndMadeAgain: Scenario = {
  name: 'a topic that is deleted is given up and said to be so; made again, and grown past what was committed before, it is read from its beginning',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    start('anna', 'billing', 'orders', attentive),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    deleteTopic('orders'),
    event('anna', 'queue.revoked', { ...revoked('deleted'), times: 4 }),
    event('anna', 'fault', { facts: { error: { code: 'RMQ_TOPIC_DELETED' } } }),
    createTopic('orders', 4),
    produce('orders', 200),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    // Offsets of both topics are the same numbers.
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 'any', committed: 'max' }],
    events: {
      anna: {
        fault: { times: 1, where: { error: { code: 'RMQ_TOPIC_DELETED' } } },
        'queue.assigned': { times: 8, where, each: { offset: 0 } },
        'queue.revoked': { times: 4, where: { ...where, reason: 'deleted' } },
      },
    },
    members: { billing: [] },
  },
  ignore: [...usual, 'connection.lost'],
};

export const shrunkAndGrown: Scenario = {
  name: 'a topic of 8 queues shrinks to 4 and grows to 8 again under load: two members lose nothing and repeat nothing',
  steps: [
    createTopic('orders', 8),
    startLoad('orders', 300),
    start('anna', 'billing', 'orders', attentive),
    start('ben', 'billing', 'orders', attentive),
    split('orders', [4, 4]),
    more('orders', 'billing', 200),
    growTopic('orders', 4),
    split('orders', [2, 2]),
    more('orders', 'billing', 200),
    growTopic('orders', 8),
    split('orders', [4, 4]),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    stop('anna'),
    stop('ben'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: { anna: {}, ben: {} },
    members: { billing: [] },
  },
  ignore: [...usual, 'queue.assigned', 'queue.revoked', 'fault'],
};

export const closedForReading: Scenario = {
  name: 'a topic that may not be read for a while is given up, and goes on where it was committed',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    start('anna', 'billing', 'orders', attentive),
    consumed('orders', 'billing'),
    permit('orders', 4, 2),
    event('anna', 'queue.revoked', { ...revoked('unrouted'), times: 4 }),
    produce('orders', 100),
    permit('orders', 4, 6),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: { anna: { 'queue.assigned': { times: 8, where } } },
    members: { billing: [] },
  },
  ignore: [...usual, 'queue.revoked', 'fault'],
};

export const brokerComesAndGoes: Scenario = {
  name: 'a broker is added to a topic under load, dies for good, and is there again: its queues come, are given up after 20 s, and come back',
  cluster: { brokers: 2, alone: true },
  steps: [
    createTopic('orders', 4, ['broker-a']),
    start('anna', 'billing', 'orders', attentive),
    event('anna', 'queue.assigned', { facts: where, times: 4 }),
    startLoad('orders', 200),
    more('orders', 'billing', 100),
    createTopic('orders', 4, ['broker-b']),
    split('orders', [8]),
    more('orders', 'billing', 200),
    killBroker('broker-b'),
    event('anna', 'queue.revoked', { ...revoked('unrouted'), times: 4 }),
    more('orders', 'billing', 100),
    startBroker('broker-b'),
    split('orders', [8]),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // a message whose send was repeated may be there twice
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 'any', committed: 'max' }],
    events: {
      anna: {
        'queue.assigned': { times: 12, where },
        fault: { atLeast: 1, where: { error: { code: 'RMQ_BROKER_REMOVED' } } },
      },
    },
    members: { billing: [] },
  },
  ignore: [...usual, 'connection.lost', 'queue.revoked', 'offset.corrected'],
};

export const forgetfulNameServers: Scenario = {
  name: 'name servers that know no broker any more, as after a restart, take no queue away that works',
  cluster: { brokers: 2, nameServers: 2, alone: true },
  steps: [
    createTopic('orders', 4),
    start('anna', 'billing', 'orders', attentive),
    split('orders', [8]),
    startLoad('orders', 200),
    more('orders', 'billing', 100),
    emptyNameServers(),
    letTimePass(4000),
    more('orders', 'billing', 200),
    fillNameServers(),
    letTimePass(1000),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: { anna: hadQueues('orders', 8) },
    members: { billing: [] },
  },
  ignore: usual,
};
