// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { bodyCrcMatches, readRecords } from '../../../../../src/protocol/message-record.ts';
import { aBroker, bodiesOf, messagesOf } from './kit.ts';

const second = { topic: 'orders', queueId: 0, queueOffset: 1 };

function withThree() {
  const kit = aBroker();
  for (const body of ['one', 'two', 'three']) kit.send({}, body);
  return kit;
}

describe('a damaged message', () => {
  it('comes with one bit of its body changed; its neighbours and what is stored stay as they are', () => {
    const { broker, pull } = withThree();
    broker.damage(second, 'body', Number.POSITIVE_INFINITY);
    const { reply } = pull();
    expect(bodiesOf(reply)).toEqual(['one', 'uwo', 'three']);
    expect(messagesOf(reply).map(bodyCrcMatches)).toEqual([true, false, true]);
    expect(broker.messages('orders', 0).map(({ body }) => body.toString())).toEqual(['one', 'two', 'three']);
  });

  it('comes with a length that ends the reading there', () => {
    const { broker, pull } = withThree();
    broker.damage(second, 'length', Number.POSITIVE_INFINITY);
    const body = pull().reply?.body ?? Buffer.alloc(0);
    const { messages, damage } = readRecords(body, { brokerName: 'broker-a', maxBodySize: 1000 });
    expect(messages.map(each => each.queueOffset)).toEqual([0]);
    expect(damage?.error.message).toMatch(/size \d+ is not between 91 and the \d+ bytes left/);
  });

  it('is sound again after so many answers, or when its rule is removed', () => {
    const { broker, pull } = withThree();
    const twice = broker.damage(second, 'body', 2);
    const bodies = () => bodiesOf(pull({ queueOffset: 1 }).reply)[0];
    expect([bodies(), bodies(), bodies(), twice.applied]).toEqual(['uwo', 'uwo', 'two', 2]);
    const always = broker.damage(second, 'body', Number.POSITIVE_INFINITY);
    expect(bodies()).toBe('uwo');
    always.remove();
    expect(bodies()).toBe('two');
  });

  it('has the damage it was given last, and the end of an earlier one does not end it', () => {
    const { broker, pull } = withThree();
    const earlier = broker.damage(second, 'length', Number.POSITIVE_INFINITY);
    const later = broker.damage(second, 'body', Number.POSITIVE_INFINITY);
    earlier.remove();
    expect([bodiesOf(pull().reply)[1], earlier.applied, later.applied]).toEqual(['uwo', 0, 1]);
  });

  it('must be there', () => {
    const { broker } = withThree();
    expect(() => broker.damage({ ...second, queueOffset: 3 }, 'body', 1)).toThrow(
      expect.objectContaining({
        code: 'RMQ_MESSAGE_INVALID',
        message: 'message for orders: nothing is stored at broker-a#0:3',
      }),
    );
  });

  it('is the same for everybody who pulls it', () => {
    const { broker, pull } = withThree();
    broker.damage(second, 'body', Number.POSITIVE_INFINITY);
    const other = { sysFlag: 4, subscription: '*', consumerGroup: 'audit' };
    expect([bodiesOf(pull().reply)[1], bodiesOf(pull(other).reply)[1]]).toEqual(['uwo', 'uwo']);
  });
});
