// SPDX-License-Identifier: Apache-2.0
/** OffsetTest: where does a group that is new to a topic begin? */
import { expect } from 'vitest';
import type { E2eClass } from './e2e-case.ts';
import { unacknowledgedCase } from './pull-cases.ts';
import { bodies, numbered, sorted } from './stage.ts';

export const offsetTest: E2eClass = {
  name: 'OffsetTest',
  cases: [
    {
      name: 'testConsumeFromFisrtOffset', // spelt so there
      about: 'what one group has consumed, another that begins at the first message gets too',
      async run(stage) {
        const topic = await stage.topic();
        const early = { topic, group: stage.fresh('e2e') };
        const consumer = await stage.soleConsumer(early);
        await stage.send(numbered(topic, 10));
        await stage.committed(topic, early.group);
        expect(sorted(consumer.bodies())).toEqual(bodies(10));
        await stage.stop(consumer);
        const late = { topic, group: stage.fresh('e2e') };
        const again = await stage.consumer({
          ...late,
          config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
        });
        await stage.until('all have come', () => again.seen.length >= 10);
        await stage.committed(topic, late.group);
        expect(sorted(again.bodies())).toEqual(bodies(10));
      },
    },
    {
      name: 'testConsumeFromLastOffset',
      about:
        'a group that begins at the end gets a backlog only where the broker says 0 for a young queue, as 4.9 does',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        await stage.send(numbered(given.topic, 100));
        const consumer = await stage.soleConsumer({
          ...given,
          config: { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' },
        });
        await stage.send(
          numbered(given.topic, 10).map(message => ({ ...message, body: `1${message.body}0` })),
        );
        await stage.committed(given.topic, given.group);
        const backlog = stage.cluster.name.startsWith('4.') ? bodies(100) : [];
        const later = bodies(10).map(body => `1${body}0`);
        expect(sorted(consumer.bodies())).toEqual(sorted([...backlog, ...later]));
      },
    },
    unacknowledgedCase,
  ],
};
