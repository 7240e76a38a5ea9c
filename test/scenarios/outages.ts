// SPDX-License-Identifier: Apache-2.0
/** What does it cost when servers die or fall silent? No message. */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, inAnOutage, starting, stopping, usual } from './expected.ts';
import {
  committed,
  consumed,
  createTopic,
  event,
  fromFirst,
  killBroker,
  killNameServer,
  letTimePass,
  more,
  resumeBroker,
  start,
  startBroker,
  startLoad,
  startNameServer,
  stop,
  stopLoad,
  suspendBroker,
} from './steps.ts';

const commitsOften = { ...fromFirst, persistConsumerOffsetInterval: 500 };
const asksRoutesOften = { options: { ...commitsOften, pollNameServerInterval: 300 } };

export const brokerRestarts: Scenario = {
  name: 'the broker is killed and started again twice under load, and nothing is lost',
  cluster: { alone: true },
  steps: [
    createTopic('orders', 8),
    startLoad('orders', 400),
    start('anna', 'billing', 'orders', { listener: { takesMs: 5 }, options: commitsOften }),
    more('orders', 'billing', 200),
    killBroker('broker-a'),
    event('anna', 'connection.lost', { facts: { role: 'broker' } }),
    startBroker('broker-a'),
    more('orders', 'billing', 200),
    killBroker('broker-a'),
    event('anna', 'connection.lost', { facts: { role: 'broker' }, times: 2 }),
    startBroker('broker-a'),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // a message whose send was repeated may be there twice
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 'any', committed: 'max' }],
    events: {
      anna: hadQueues('orders', 8),
    },
    members: { billing: [] },
  },
  ignore: inAnOutage,
};

export const brokerSilent: Scenario = {
  name: 'one of two brokers falls silent: the queues of the other go on, and later its own',
  cluster: { brokers: 2, nameServers: 2, alone: true },
  steps: [
    createTopic('orders', 4),
    startLoad('orders', 200),
    start('anna', 'billing', 'orders', { options: commitsOften }),
    more('orders', 'billing', 200),
    suspendBroker('broker-b'),
    more('orders', 'billing', 200),
    resumeBroker('broker-b'),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // a message whose send was repeated may be there twice
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 'any', committed: 'max' }],
    events: {
      anna: hadQueues('orders', 8),
    },
    members: { billing: [] },
  },
  ignore: inAnOutage,
};

export const oneNameServer: Scenario = {
  name: 'of two name servers one is down, then the other: the consumer does not notice',
  cluster: { brokers: 2, nameServers: 2, alone: true },
  steps: [
    createTopic('orders', 4),
    startLoad('orders', 200),
    start('anna', 'billing', 'orders', asksRoutesOften),
    more('orders', 'billing', 50),
    killNameServer('namesrv-0'),
    more('orders', 'billing', 300),
    startNameServer('namesrv-0'),
    letTimePass(3500), // a name server that was away is dialled again after 3 s at the latest
    killNameServer('namesrv-1'),
    more('orders', 'billing', 300),
    startNameServer('namesrv-1'),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // a message whose send was repeated may be there twice
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: { anna: hadQueues('orders', 8) },
    states: {
      anna: [...starting, ...stopping],
    },
    members: { billing: [] },
  },
  ignore: [...usual, 'connection.lost'],
};

export const noNameServer: Scenario = {
  name: 'without any name server consumption goes on',
  cluster: { alone: true },
  steps: [
    createTopic('orders', 4),
    startLoad('orders', 200),
    start('anna', 'billing', 'orders', asksRoutesOften),
    more('orders', 'billing', 50),
    killNameServer('namesrv-0'),
    more('orders', 'billing', 300),
    startNameServer('namesrv-0'),
    more('orders', 'billing', 50),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // a message whose send was repeated may be there twice
    stop('anna'),
  ],
  expect: {
    consumed: [{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' }],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: inAnOutage,
};
