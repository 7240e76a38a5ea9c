// SPDX-License-Identifier: Apache-2.0
/** What is asked of a broker whose min and max may not be asked, and what is made of each answer? */
import { describe, expect, it } from 'vitest';
import { encodeReply } from '../../../src/protocol/define-request.ts';
import { decodeFrame } from '../../../src/protocol/frame.ts';
import { pullMessage } from '../../../src/protocol/requests/pull-message.ts';
import { type BoundsQuestion, boundsByPull } from '../../../src/transport/queue-bounds.ts';
import { aQueue, at } from '../../support/builders.ts';
import { exchange } from '../../support/transport-kit.ts';

const subscription = { subVersion: 5, expressionType: 'TAG' };
const question: BoundsQuestion = { queue: aQueue, consumerGroup: 'billing', subscription };

function asking(code: number, minOffset = 7, maxOffset = 9, what = question) {
  const reply = { suggestWhichBrokerId: 0, nextBeginOffset: at(7), minOffset: at(0), maxOffset: at(0) };
  const bytes = encodeReply(pullMessage, reply, { opaque: 1, code, remark: 'why' });
  const fields = {
    ...decodeFrame(bytes.subarray(4)).fields,
    ...{ minOffset: String(minOffset), maxOffset: String(maxOffset) },
  };
  const { switchboard, asked } = exchange(() => ({ code, remark: 'why', fields }));
  const bounds = boundsByPull(switchboard.line('10.0.0.1:10911'), what, { timeoutMs: 1000 });
  return { bounds, asked };
}

describe('the bounds of a queue', () => {
  it.each([0, 19, 20, 21])('are read from the header of an answer with %i', async code => {
    expect(await asking(code).bounds).toEqual({ min: 7, max: 9 });
  });

  it('are asked for with a pull that holds nothing, commits nothing and brings at most one message', async () => {
    const { bounds, asked } = asking(19);
    await bounds;
    expect(asked.map(({ frame }) => [frame.code, { ...frame.fields }])).toEqual([
      [
        11,
        {
          ...{ consumerGroup: 'billing', topic: aQueue.topic, queueId: String(aQueue.queueId) },
          ...{ bname: aQueue.brokerName, subVersion: '5', expressionType: 'TAG' },
          ...{
            queueOffset: '0',
            maxMsgNums: '1',
            sysFlag: '0',
            commitOffset: '0',
            suspendTimeoutMillis: '0',
          },
        },
      ],
    ]);
  });

  it('are asked for by somebody who is no member with a subscription of its own', async () => {
    const { bounds, asked } = asking(19, 7, 9, { ...question, subscription: 'none' });
    expect(await bounds).toEqual({ min: 7, max: 9 });
    const wanted = {
      sysFlag: '4',
      subscription: '*',
      subVersion: '0',
      expressionType: 'TAG',
      commitOffset: '0',
    };
    expect(asked.map(({ frame }) => ({ ...frame.fields }))).toMatchObject([wanted]);
  });

  it('of a queue that never held anything are 0', async () => {
    expect(await asking(19, -1, -1).bounds).toEqual({ min: 0, max: 0 });
  });

  it.each([
    [16, 'RMQ_NO_PERMISSION'],
    [24, 'RMQ_SUBSCRIPTION_STALE'],
  ])('are not known after a %i', async (code, expected) => {
    await expect(asking(code).bounds).rejects.toMatchObject({ code: expected });
  });
});
