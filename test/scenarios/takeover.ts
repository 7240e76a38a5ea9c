// SPDX-License-Identifier: Apache-2.0
/** Who goes on with the queues of a member that was killed, or of a broker that was away, and how soon? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, inAnOutage, usual } from './expected.ts';
import {
  committed,
  consumed,
  crash,
  createTopic,
  event,
  fromFirst,
  killBroker,
  members,
  more,
  split,
  start,
  startBroker,
  startLoad,
  stop,
  stopLoad,
} from './steps.ts';

const busy = { listener: { takesMs: 5 } };
const asksRoutesOften = { ...busy, options: { ...fromFirst, pollNameServerInterval: 300 } };
const orders = { group: 'billing', topic: 'orders', lost: 0, committed: 'max' } as const;
/** What comes and goes with the members. */
const moves = [...usual, 'queue.assigned', 'queue.revoked'] as const;

export const holderKilled: Scenario = {
  name: 'the locks of a member that was killed are given back by the others: its queues are read again within 5 s',
  steps: [
    createTopic('orders', 8),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    startLoad('orders', 200),
    more('orders', 'billing', 100),
    crash('anna'),
    split('orders', [8]),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', within: 5000 }],
    events: {},
    members: { billing: [] },
  },
  ignore: moves,
};

export const holderReplaced: Scenario = {
  name: 'a member that was killed and replaced at once hands its queues to the new one within 5 s',
  steps: [
    createTopic('orders', 8),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    startLoad('orders', 200),
    more('orders', 'billing', 100),
    crash('anna'),
    start('clara', 'billing', 'orders', busy),
    members('billing', ['boris', 'clara']),
    split('orders', [4, 4]),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
    stop('clara'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', within: 5000 }],
    events: {},
    members: { billing: [] },
  },
  ignore: moves,
};

export const onlyHolderReplaced: Scenario = {
  name: 'the only member is killed and replaced: the new one, alone, does not wait for the locks of the dead',
  steps: [
    createTopic('orders', 8),
    start('anna', 'billing', 'orders', busy),
    startLoad('orders', 200),
    more('orders', 'billing', 100),
    crash('anna'),
    start('boris', 'billing', 'orders', busy),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', within: 5000 }],
    events: { boris: hadQueues('orders', 8) },
    members: { billing: [] },
    locks: 'any', // those of anna live on for 60 s
  },
  ignore: moves,
};

export const restartDuringJoin: Scenario = {
  name: 'one of two brokers is away while a member joins: its queues are handed over when it is back, and nothing is lost',
  cluster: { brokers: 2, nameServers: 2, alone: true },
  steps: [
    createTopic('orders', 4),
    start('anna', 'billing', 'orders', asksRoutesOften),
    startLoad('orders', 200),
    more('orders', 'billing', 100),
    killBroker('broker-b'),
    event('anna', 'connection.lost', { facts: { role: 'broker' } }),
    start('boris', 'billing', 'orders', asksRoutesOften),
    startBroker('broker-b'),
    members('billing', ['anna', 'boris']),
    split('orders', [4, 4]),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // the hand-over waits for the broker, and the stop for the hand-over
    stop('anna'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any' }],
    events: {},
    members: { billing: [] },
  },
  ignore: [...inAnOutage, 'queue.assigned', 'queue.revoked'],
};
