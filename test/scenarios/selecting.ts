// SPDX-License-Identifier: Apache-2.0
/** Does a consumer get what its selector asks for, and nothing else? */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { hadQueues, usual } from './expected.ts';
import { committed, consumed, createTopic, fromFirst, produce, start, stop } from './steps.ts';

export const byTags: Scenario = {
  name: 'of four tags two are wanted: only those are delivered, and the offset passes the others',
  steps: [
    createTopic('orders', 4),
    produce('orders', 400, { tags: ['paid', 'shipped', 'open', 'closed'] }),
    start('anna', 'billing', 'orders', {
      tags: 'paid || shipped',
      options: { ...fromFirst, persistConsumerOffsetInterval: 500 },
    }),
    consumed('orders', 'billing', 200),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      {
        ...{ group: 'billing', topic: 'orders', tags: ['paid', 'shipped'] },
        ...{ lost: 0, repeated: 0, attempts: { 1: 200 }, committed: 'max' },
      },
    ],
    events: { anna: hadQueues('orders', 4) },
    members: { billing: [] },
  },
  ignore: usual,
};

export const sameHash: Scenario = {
  name: 'a tag with the hash of the wanted one is told apart',
  steps: [
    createTopic('orders', 1),
    produce('orders', 100, { tags: ['Aa', 'BB'] }), // String.hashCode of both is 2112
    start('anna', 'billing', 'orders', {
      tags: 'Aa',
      options: { ...fromFirst, persistConsumerOffsetInterval: 500 },
    }),
    consumed('orders', 'billing', 50),
    committed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [
      {
        ...{ group: 'billing', topic: 'orders', tags: ['Aa'] },
        ...{ lost: 0, repeated: 0, attempts: { 1: 50 }, committed: 'max' },
      },
    ],
    events: { anna: hadQueues('orders', 1) },
    members: { billing: [] },
  },
  ignore: usual,
};
