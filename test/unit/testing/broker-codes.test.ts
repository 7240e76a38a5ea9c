// SPDX-License-Identifier: Apache-2.0
/** What does a caller get, and does a consumer go on, when a broker answers its requests with any code there is? */
import { describe, expect, it } from 'vitest';
import { createOffsetStore } from '../../../src/index.ts';
import { ResponseCode } from '../../../src/protocol/codes.ts';
import { answerCodes } from '../../../src/protocol/response-error.ts';
import { World } from './parity/kit.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
const { SUCCESS, NO_PERMISSION, GO_AWAY } = ResponseCode;
const refusals = [...Object.values(ResponseCode), 9999].filter(code => code !== SUCCESS && code !== GO_AWAY);
const expected = (code: number): string =>
  code === NO_PERMISSION ? 'RMQ_NO_PERMISSION' : (answerCodes.get(code) ?? 'RMQ_BROKER_ERROR');

describe('a broker that answers with any code', () => {
  it('to an offset that is written refuses it by the code of the table, with its words', async () => {
    await using world = await World.open();
    const config = { consumerGroup: 'billing', namesrvAddr: world.cluster.namesrvAddr };
    await using store = createOffsetStore(config, { clock: world.cluster.clock });
    store.updateOffset(queue, 3);
    const seen: (readonly [number, string])[] = [];
    for (const code of refusals) {
      const answer = { kind: 'answer', code, remark: 'for a reason' } as const;
      using _rule = world.cluster.interfere({ request: 'updateConsumerOffset' }, answer);
      const error = await world.refusal(store.persist(queue));
      expect(error.message).toContain('for a reason');
      seen.push([code, error.code]);
    }
    expect(seen).toEqual(refusals.map(code => [code, expected(code)]));
  });

  it.each(refusals)(
    'to two pulls (%i) holds nothing up: what is stored is delivered afterwards',
    async code => {
      await using world = await World.open({ queues: 1 });
      world.cluster.interfere({ request: 'pullMessage' }, { kind: 'answer', code }, { times: 2 });
      await world.started();
      world.send('a');
      await world.wait(() => world.seen.length === 1);
      expect(world.seen).toEqual(['a']);
    },
  );
});
