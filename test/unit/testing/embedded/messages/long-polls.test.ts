// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { aBroker, bodiesOf, properties, TestPeer } from './kit.ts';

const paid = { properties: properties({ TAGS: 'paid' }) };
const open = { properties: properties({ TAGS: 'open' }) };

describe('a pull that finds nothing', () => {
  it('is held until a message comes, and gets all that came in the same turn', async () => {
    const { broker, clock, send, pull } = aBroker();
    const held = pull();
    send({ queueId: 1 }, 'elsewhere');
    await clock.flush();
    expect(held.replies).toEqual([]);
    send({}, 'one');
    send({}, 'two');
    await clock.flush();
    expect(held.replies).toHaveLength(1);
    expect(bodiesOf(held.reply)).toEqual(['one', 'two']);
    expect(broker.heldPulls).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('is answered 19 when its time is over, once', async () => {
    const { clock, pull } = aBroker();
    const held = pull({ suspendTimeoutMillis: 15_000 });
    await clock.advance(14_999);
    expect(held.replies).toEqual([]);
    await clock.advance(1);
    expect(held.replies).toMatchObject([{ code: 19, remark: 'NO_MESSAGE_IN_QUEUE' }]);
    expect(clock.pending).toBe(0);
  });

  it('is answered at the first look after its time: every 5 s', async () => {
    const { clock, pull } = aBroker();
    const held = pull({ suspendTimeoutMillis: 5001 });
    await clock.advance(9999);
    expect(held.replies).toEqual([]);
    await clock.advance(1);
    expect(held.replies).toHaveLength(1);
  });

  it('is not held when it does not ask for it, nor when its offset is wrong', () => {
    const { broker, send, pull } = aBroker();
    send();
    expect(pull({ queueOffset: 1, sysFlag: 0 }).reply?.code).toBe(19);
    expect(pull({ queueOffset: 9 }).reply?.code).toBe(21);
    expect(broker.heldPulls).toBe(0);
  });

  it('sleeps on through messages it does not want, and is told at the next look how far they go', async () => {
    const { clock, subscribe, send, pull } = aBroker();
    subscribe('orders', 'paid');
    const held = pull();
    send(open);
    send(open);
    await clock.advance(4999);
    expect(held.replies).toEqual([]);
    await clock.advance(1);
    expect(held.reply).toMatchObject({ code: 20, fields: { nextBeginOffset: '2' } });
  });

  it('is woken by a message it wants behind others', async () => {
    const { clock, subscribe, send, pull } = aBroker();
    subscribe('orders', 'paid');
    const held = pull();
    send(open);
    await clock.flush();
    send(paid, 'mine');
    await clock.flush();
    expect(bodiesOf(held.reply)).toEqual(['mine']);
  });

  it('is judged anew when it is woken: by the subscription of then', async () => {
    const { clock, subscribe, send, pull } = aBroker();
    const held = pull();
    subscribe('orders', 'paid');
    send(open);
    await clock.flush();
    expect(held.reply?.code).toBe(20);
  });

  it('commits when it comes, not when it is answered', async () => {
    const { broker, clock, send, pull } = aBroker();
    pull({ sysFlag: 3, commitOffset: 5 });
    expect(broker.committed('billing', 'orders', 0)).toBe(5);
    broker.commit('billing', 'orders', 0, 9);
    send();
    await clock.flush();
    expect(broker.committed('billing', 'orders', 0)).toBe(9);
  });

  it('wakes with all others that wait for the queue, of every group', async () => {
    const { clock, send, pull } = aBroker();
    const first = pull({ sysFlag: 6, subscription: '*' });
    const second = pull({ sysFlag: 6, subscription: '*', consumerGroup: 'audit' });
    const notMine = pull({ sysFlag: 6, subscription: 'paid', consumerGroup: 'picky' });
    send(open);
    await clock.flush();
    expect([first, second, notMine].map(({ replies }) => replies.length)).toEqual([1, 1, 0]);
  });

  it('is answered at once when its group is told to look again', () => {
    const { broker, subscribe, pull } = aBroker();
    const held = pull();
    const other = pull({ sysFlag: 6, consumerGroup: 'audit' });
    subscribe('orders', 'paid', 2);
    broker.wakePulls('billing');
    expect(held.reply?.code).toBe(19);
    expect(other.replies).toEqual([]);
  });

  it('is woken by a delayed message when its time has come', async () => {
    const { clock, send, pull } = aBroker();
    const held = pull();
    send({ properties: properties({ DELAY: '1' }) }, 'later');
    await clock.advance(999);
    expect(held.replies).toEqual([]);
    await clock.advance(1);
    expect(bodiesOf(held.reply)).toEqual(['later']);
  });

  it('is forgotten when its connection is gone', async () => {
    const { broker, clock, pull } = aBroker();
    const peer = new TestPeer();
    const held = pull({}, peer);
    peer.close();
    await clock.advance(5000);
    expect(broker.heldPulls).toBe(0);
    expect(held.replies).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('is answered 17 when its topic was removed', async () => {
    const { broker, clock, pull } = aBroker();
    const held = pull();
    broker.topics.remove('orders');
    await clock.advance(15_000);
    expect(held.reply?.code).toBe(17);
  });

  it('and again finds nothing shares one timer with those before', async () => {
    const { clock, pull } = aBroker();
    for (let i = 0; i < 50; i++) pull({ queueId: i % 4 });
    expect(clock.pending).toBe(1);
    await clock.advance(15_000);
    expect(clock.pending).toBe(0);
  });
});
