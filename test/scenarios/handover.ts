// SPDX-License-Identifier: Apache-2.0
/** Does a queue go from one member to the next without a message done twice, and how long does it wait for a lock? */
import type { MemberOptions } from '../support/scenario/member.types.ts';
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, usual } from './expected.ts';
import {
  consumed,
  crash,
  createTopic,
  event,
  fromFirst,
  letTimePass,
  more,
  produce,
  refuseLocks,
  split,
  start,
  startLoad,
  stop,
  stopLoad,
  takeLocks,
} from './steps.ts';

const busy = { listener: { takesMs: 5 } };
const slow = { listener: { takesMs: 200 } };
const impatient = (handoverTimeout: number, takesMs = 5) => ({
  listener: { takesMs },
  options: { ...fromFirst, handoverTimeout } satisfies MemberOptions,
});
const orders = { group: 'billing', topic: 'orders', lost: 0, committed: 'max' } as const;
/** What comes and goes with the members. */
const moves = [...usual, 'queue.assigned', 'queue.revoked'] as const;

const permissionDenied = 16;

export const slowHandlers: Scenario = {
  name: 'with handlers that take 200 ms members come and go, each queue waits for its former owner, and nothing is done twice',
  steps: [
    createTopic('orders', 8),
    start('anna', 'billing', 'orders', slow),
    startLoad('orders', 100),
    start('boris', 'billing', 'orders', slow),
    split('orders', [4, 4]),
    more('orders', 'billing', 50),
    start('clara', 'billing', 'orders', slow),
    split('orders', [3, 3, 2]),
    more('orders', 'billing', 50),
    stop('anna'),
    split('orders', [4, 4]),
    start('anna-again', 'billing', 'orders', slow),
    split('orders', [3, 3, 2]),
    more('orders', 'billing', 50),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
    stop('clara'),
    stop('anna-again'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, within: 5000 }],
    events: {
      anna: { 'queue.revoked': { atLeast: 4, where: { reason: 'rebalance' } } },
      boris: { 'queue.revoked': { atLeast: 2, where: { reason: 'shutdown' } } },
    },
    members: { billing: [] },
  },
  ignore: moves,
};

export const neverLetsGo: Scenario = {
  name: 'a handler that does not end within revokeTimeout holds its queue no longer than that',
  steps: [
    createTopic('orders', 2),
    produce('orders', 4),
    start('anna', 'billing', 'orders', {
      listener: { takesMs: 8000 },
      options: { ...fromFirst, revokeTimeout: 1000 },
    }),
    event('anna', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 2 }),
    start('boris', 'billing', 'orders'),
    event('anna', 'queue.revoked', { facts: { queue: { topic: 'orders' } } }),
    event('boris', 'queue.assigned', { facts: { queue: { topic: 'orders' } } }),
    crash('anna'),
    consumed('orders', 'billing'),
    letTimePass(8000), // until the handlers of anna have ended too
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any' }],
    events: { anna: { 'queue.revoked': { atLeast: 1, each: { reason: 'rebalance' } } } },
    members: { billing: [] },
  },
  ignore: moves,
};

export const locksRefused: Scenario = {
  name: 'where locks are refused with 16 members say so once and share the queues without',
  steps: [
    refuseLocks(permissionDenied),
    createTopic('orders', 8),
    startLoad('orders', 200),
    start('anna', 'billing', 'orders', busy),
    start('boris', 'billing', 'orders', busy),
    split('orders', [4, 4]),
    more('orders', 'billing', 100),
    stop('anna'),
    split('orders', [8]),
    more('orders', 'billing', 100),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', within: 5000 }],
    events: {
      anna: { fault: { times: 1, each: { error: { code: 'RMQ_HANDOVER_UNFENCED' } } } },
      boris: { fault: { times: 1, each: { error: { code: 'RMQ_HANDOVER_UNFENCED' } } } },
    },
    members: { billing: [] },
  },
  ignore: moves,
};

export const aloneWithStranger: Scenario = {
  name: 'locks that nobody of the group holds do not keep a member waiting that is alone',
  steps: [
    createTopic('orders', 4),
    takeLocks('orders', 'billing', { kind: 'fence' }),
    startLoad('orders', 200),
    start('anna', 'billing', 'orders', busy),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 0, within: 5000 }],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const patienceEnds: Scenario = {
  name: 'a lock that is not given back is waited for handoverTimeout, then the queue is read without it, and a fault says so',
  steps: [
    createTopic('orders', 4),
    takeLocks('orders', 'billing', { kind: 'fence' }),
    start('anna', 'billing', 'orders', impatient(2000)),
    start('boris', 'billing', 'orders', impatient(2000)),
    split('orders', [2, 2]),
    startLoad('orders', 200),
    event('boris', 'queue.assigned', { facts: { queue: { topic: 'orders' } }, times: 2 }),
    more('orders', 'billing', 200),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('anna'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any', within: 5000 }],
    events: {
      boris: { fault: { atLeast: 1, each: { error: { code: 'RMQ_HANDOVER_UNFENCED' } } } },
    },
    members: { billing: [] },
  },
  ignore: moves,
};

export const renewalRefused: Scenario = {
  name: 'a member whose lock somebody else has got stops, commits nothing more, and waits for it again',
  steps: [
    createTopic('orders', 4),
    start('anna', 'billing', 'orders', impatient(2000)),
    start('boris', 'billing', 'orders', impatient(2000)),
    split('orders', [2, 2]),
    startLoad('orders', 100),
    more('orders', 'billing', 50),
    takeLocks('orders', 'billing', { kind: 'fence', from: 'anna' }),
    event('anna', 'queue.revoked', { facts: { queue: { topic: 'orders' }, reason: 'lost' }, times: 2 }),
    event('anna', 'fault', { facts: { error: { code: 'RMQ_HANDOVER_UNFENCED' } } }),
    more('orders', 'billing', 100),
    stopLoad('orders'),
    consumed('orders', 'billing'),
    stop('anna'),
    stop('boris'),
  ],
  expect: {
    consumed: [{ ...orders, repeated: 'any' }],
    events: {
      anna: {
        'queue.revoked': { times: 2, where: { reason: 'lost' } },
        fault: { atLeast: 1, each: { error: { code: 'RMQ_HANDOVER_UNFENCED' } } },
      },
    },
    members: { billing: [] },
  },
  ignore: moves,
};

export const unfenced: Scenario = {
  name: 'with handover none nobody asks for a lock, and nothing is lost',
  steps: [
    createTopic('orders', 8),
    takeLocks('orders', 'billing', { kind: 'fence' }),
    startLoad('orders', 200),
    start('anna', 'billing', 'orders', { ...busy, options: { ...fromFirst, handover: 'none' } }),
    start('boris', 'billing', 'orders', { ...busy, options: { ...fromFirst, handover: 'none' } }),
    split('orders', [4, 4]),
    more('orders', 'billing', 100),
    stop('anna'),
    split('orders', [8]),
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
