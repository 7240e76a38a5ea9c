// SPDX-License-Identifier: Apache-2.0
/** Is the order kept when a member is killed, a broker restarted, or locks are refused? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, inAnOutage, usual } from './expected.ts';
import {
  acceptLocks,
  checkConsumed,
  committed,
  consumed,
  crash,
  createTopic,
  event,
  fromFirst,
  killBroker,
  letTimePass,
  more,
  produce,
  refuseLocks,
  split,
  start,
  startBroker,
  startLoad,
  stop,
  stopLoad,
} from './steps.ts';

const orders = { group: 'billing', topic: 'orders', lost: 0, committed: 'max' } as const;
const quick = { ...fromFirst, suspendCurrentQueueTimeMillis: 300, persistConsumerOffsetInterval: 500 };
const orderly = { orderly: true, options: quick };
const busy = { ...orderly, listener: { takesMs: 5 } };
const keys = { shardingKeys: 8 };
/** What comes and goes with the members. */
const moves = [...usual, 'queue.assigned', 'queue.revoked'] as const;

const permissionDenied = 16;

export const orderlyKilled: Scenario = {
  name: 'the queues of an orderly member that was killed go on with another, in their order',
  steps: [
    createTopic('orders', 8),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    startLoad('orders', 50, keys),
    more('orders', 'billing', 50),
    crash('anna'),
    split('orders', [8]),
    letTimePass(45_000), // the broker keeps the locks of the dead for 60 s
    event('boris', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 8 }),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', order: 'queue', within: 65_000 }],
    events: {},
    members: { billing: [] },
  },
  ignore: moves,
};

export const orderlyRestart: Scenario = {
  name: 'a broker that was restarted has forgotten all locks: they are taken anew before anything is delivered, and the order holds',
  cluster: { alone: true },
  steps: [
    createTopic('orders', 4),
    start('anna', 'billing', 'orders', busy),
    startLoad('orders', 200, keys),
    more('orders', 'billing', 100),
    killBroker('broker-a'),
    event('anna', 'connection.lost', { facts: { role: 'broker' } }),
    startBroker('broker-a'),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'), // a message whose send was repeated may be there twice
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', order: 'queue' }],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: inAnOutage,
};

export const orderlyRefused: Scenario = {
  name: 'without its lock nothing of a queue is delivered in order, however long; a fault says so once',
  steps: [
    createTopic('orders', 2),
    produce('orders', 20),
    refuseLocks(permissionDenied),
    start('anna', 'billing', 'orders', orderly),
    event('anna', 'fault', { facts: { error: { code: 'RMQ_NO_PERMISSION' } } }),
    letTimePass(5000),
    checkConsumed('orders', 'billing', 0),
    acceptLocks(),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, order: 'queue', attempts: { 1: 20 } }],
    events: {
      anna: {
        ...hadQueues('orders', 2),
        fault: { times: 1, each: { error: { code: 'RMQ_NO_PERMISSION' } } },
      },
    },
    members: { billing: [] },
  },
  ignore: usual,
};
