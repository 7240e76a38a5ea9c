// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { queueOffset as at } from '../../../../../src/model/queue-offset.ts';
import { maxOffset } from '../../../../../src/protocol/requests/max-offset.ts';
import { minOffset } from '../../../../../src/protocol/requests/min-offset.ts';
import { searchOffset } from '../../../../../src/protocol/requests/search-offset.ts';
import { viewMessage } from '../../../../../src/protocol/requests/view-message.ts';
import { aBroker, messagesOf, only } from './kit.ts';

const orders = { consumerGroup: 'billing', topic: 'orders', queueId: 0 };
const firstTime = Date.UTC(2026, 0, 1);

describe('a committed offset', () => {
  it('is told to who asks', () => {
    const { update, query } = aBroker();
    expect(update({ ...orders, commitOffset: at(3) })).toEqual({ code: 0, fields: {} });
    expect(query()).toEqual({ code: 0, fields: { offset: '3' } });
  });

  it('is refused with 26 for a group nobody has heard of, with 17 for an unknown topic', () => {
    const { update, broker } = aBroker();
    expect(update({ ...orders, consumerGroup: 'GID_zzz', commitOffset: at(3) })).toEqual({
      code: 26,
      remark: 'Group GID_zzz not exist!',
      fields: {},
    });
    expect(update({ ...orders, topic: 'Nope', commitOffset: at(3) })).toEqual({
      code: 17,
      remark: 'Topic Nope not exist!',
      fields: {},
    });
    expect(broker.groups()).toEqual([]);
  });

  it('is taken from a group that has only pulled so far', () => {
    const { pull, update } = aBroker();
    pull({ consumerGroup: 'audit', sysFlag: 4 });
    expect(update({ ...orders, consumerGroup: 'audit', commitOffset: at(1) }).code).toBe(0);
  });
});

describe('a group without an offset', () => {
  it('is also one that committed a negative one', () => {
    const { pull, query } = aBroker();
    pull({ sysFlag: 1, commitOffset: -1 });
    expect(query().code).toBe(22);
  });

  it('is told 0 by a queue that still has its first message', () => {
    const { send, query } = aBroker();
    send();
    send();
    expect(query()).toEqual({ code: 0, fields: { offset: '0' } });
  });

  it('is told there is none by an empty queue, by one whose first message is gone, and for an unknown topic', () => {
    const { broker, send, query } = aBroker();
    const none = {
      code: 22,
      remark: 'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first',
      fields: {},
    };
    expect(query({ queueId: 1 })).toEqual(none);
    expect(query({ topic: 'Nope' })).toEqual(none);
    send();
    send();
    broker.setMinOffset('orders', 0, 1);
    expect(query()).toEqual(none);
  });

  it('is told there is none if it does not want 0', () => {
    const { send, query } = aBroker();
    send();
    expect(query({ setZeroIfNotFound: false })).toEqual({
      code: 22,
      remark: 'Not found, do not set to zero, maybe this group boot first',
      fields: {},
    });
  });
});

describe('a reset', () => {
  it('is told by the next pull once; until then nothing else is committed', () => {
    const { broker, send, query, update, pull } = aBroker();
    for (let i = 0; i < 5; i++) send();
    update({ ...orders, commitOffset: at(5) });
    broker.resetOffset('billing', 'orders', 0, 2);
    expect(query().fields).toEqual({ offset: '2' });
    expect(update({ ...orders, commitOffset: at(5) })).toEqual({
      code: 0,
      remark: 'Offset has been previously reset',
      fields: {},
    });
    expect(pull({ queueOffset: 5 }).reply).toMatchObject({
      code: 21,
      remark: 'OFFSET_RESET',
      fields: { nextBeginOffset: '2', minOffset: '0', maxOffset: '5' },
    });
    expect(pull({ queueOffset: 2 }).reply?.code).toBe(0);
    update({ ...orders, commitOffset: at(4) });
    expect(query().fields).toEqual({ offset: '4' });
  });

  it('is told to a pull that is held when its time is over', async () => {
    const { broker, clock, send, pull } = aBroker();
    send();
    const held = pull({ queueOffset: 1 });
    broker.resetOffset('billing', 'orders', 0, 0);
    await clock.advance(15_000);
    expect(held.replies).toMatchObject([{ code: 21, remark: 'OFFSET_RESET' }]);
  });
});

describe('the ends of a queue', () => {
  it('are told, also of an unknown topic', () => {
    const { broker, send, ask } = aBroker();
    for (let i = 0; i < 3; i++) send();
    broker.setMinOffset('orders', 0, 2);
    const orders0 = { topic: 'orders', queueId: 0 };
    const nope = { topic: 'Nope', queueId: 0 };
    expect(only(ask(maxOffset, orders0))).toEqual({ code: 0, fields: { offset: '3' } });
    expect(only(ask(minOffset, orders0))).toEqual({ code: 0, remark: '', fields: { offset: '2' } });
    expect(only(ask(maxOffset, nope))).toEqual({ code: 0, fields: { offset: '0' } });
    expect(only(ask(minOffset, nope))).toEqual({ code: 0, remark: '', fields: { offset: '0' } });
  });
});

describe('a search by time', () => {
  /** Offsets 0 and 1 at 0 s, 2 and 3 at 10 s, 4 at 20 s. */
  async function stored() {
    const kit = aBroker();
    for (const count of [2, 2, 1]) {
      for (let i = 0; i < count; i++) kit.send();
      await kit.clock.advance(10_000);
    }
    const find = (seconds: number, boundaryType?: string): string | undefined =>
      only(
        kit.ask(searchOffset, {
          topic: 'orders',
          queueId: 0,
          timestamp: firstTime + seconds * 1000,
          boundaryType,
        }),
      ).fields?.['offset'];
    return { ...kit, find };
  }

  it('finds the first message stored then or later; past the end, the next to be written', async () => {
    const { find } = await stored();
    expect([-1, 0, 5, 10, 15, 20, 21].map(seconds => find(seconds))).toEqual([
      '0',
      '0',
      '2',
      '2',
      '4',
      '4',
      '5',
    ]);
  });

  it('with the upper boundary finds the last one stored then or earlier', async () => {
    const { find } = await stored();
    expect([-1, 0, 5, 10, 15, 99].map(seconds => find(seconds, 'UPPER'))).toEqual([
      '0',
      '1',
      '1',
      '3',
      '3',
      '4',
    ]);
  });

  it('finds nothing older than what is still there, and 0 in an unknown queue', async () => {
    const { broker, find, ask } = await stored();
    broker.setMinOffset('orders', 0, 3);
    expect(find(0)).toBe('3');
    expect(only(ask(searchOffset, { topic: 'Nope', queueId: 0, timestamp: firstTime })).fields).toEqual({
      offset: '0',
    });
  });
});

describe('a look at one message', () => {
  it('finds it by its place in the log, and says so when there is none', () => {
    const { broker, send, ask } = aBroker();
    send({}, 'first');
    send({}, 'second');
    const place = broker.storedAt('orders', 0, 1)?.commitLogOffset ?? -1;
    const reply = only(ask(viewMessage, { offset: place }));
    expect(reply.code).toBe(0);
    expect(messagesOf(reply).map(({ body }) => body.toString())).toEqual(['second']);
    expect(only(ask(viewMessage, { offset: place + 1 }))).toEqual({
      code: 1,
      remark: `can not find message by the offset, ${place + 1}`,
    });
  });
});
