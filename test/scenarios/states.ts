// SPDX-License-Identifier: Apache-2.0
/** In which order does a consumer start and stop, and what does it do while it is suspended? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, starting, stopping, usual } from './expected.ts';
import {
  checkConsumed,
  committed,
  consumed,
  createTopic,
  deliveries,
  fromFirst,
  letTimePass,
  members,
  produce,
  resume,
  start,
  stop,
  suspend,
} from './steps.ts';

const quick = { ...fromFirst, persistConsumerOffsetInterval: 500 };

export const startAndStop: Scenario = {
  name: 'the states of start and stop come in their order, also for a consumer stopped at work',
  steps: [
    createTopic('orders', 8),
    produce('orders', 400),
    start('anna', 'billing', 'orders', { listener: { takesMs: 20 } }),
    deliveries('anna', 100),
    stop('anna'),
    start('boris', 'billing', 'orders'),
    consumed('orders', 'billing'),
    stop('boris'),
  ],
  expect: {
    consumed: [
      { group: 'billing', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 400 }, committed: 'max' },
    ],
    events: {
      anna: hadQueues('orders', 8),
      boris: hadQueues('orders', 8),
    },
    states: { anna: [...starting, ...stopping], boris: [...starting, ...stopping] },
    members: { billing: [] },
  },
  ignore: usual,
};

export const suspended: Scenario = {
  name: 'a suspended consumer keeps its queues and its place in the group, commits, and delivers nothing until it is resumed',
  steps: [
    createTopic('orders', 4),
    produce('orders', 100),
    start('anna', 'billing', 'orders', { options: quick }),
    consumed('orders', 'billing'),
    suspend('anna'),
    produce('orders', 100),
    letTimePass(1000),
    members('billing', ['anna']),
    checkConsumed('orders', 'billing', 100),
    resume('anna'),
    consumed('orders', 'billing'),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      { group: 'billing', topic: 'orders', lost: 0, repeated: 0, attempts: { 1: 200 }, committed: 'max' },
    ],
    events: { anna: hadQueues('orders', 4) },
    states: {
      anna: [...starting, 'running.suspended', 'running.active', ...stopping],
    },
    members: { billing: [] },
  },
  ignore: usual,
};
