// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest';
import { RocketmqError, SubscriptionError } from '../../../src/errors/errors.ts';
import { sql, tag } from '../../../src/model/subscription.ts';
import { SubscriptionManager } from '../../../src/subscriptions/subscription-manager.ts';
import type { SubscriptionChange } from '../../../src/subscriptions/subscription-table.ts';

const wallNow = (): number => 1_700_000_000_000;
const manager = (): SubscriptionManager => new SubscriptionManager({ wallNow });

describe('subscribing', () => {
  it('wants all messages when no selector is given', () => {
    const subscriptions = manager();
    expect(subscriptions.subscribe('orders')).toBe(true);
    expect(subscriptions.get('orders')?.selector).toEqual(tag('*'));
    expect(subscriptions.isSubscribed('orders')).toBe(true);
    expect(subscriptions.isSubscribed('bills')).toBe(false);
    expect(subscriptions.getTopics()).toEqual(['orders']);
    expect(subscriptions.size).toBe(1);
  });

  it('to the same again changes nothing, with another selector replaces it', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'));
    const before = subscriptions.version;
    expect(subscriptions.subscribe('orders', tag('paid'))).toBe(false);
    expect(subscriptions.version).toBe(before);
    expect(subscriptions.subscribe('orders', sql("a = 'b'"))).toBe(true);
    expect(subscriptions.get('orders')?.selector).toEqual(sql("a = 'b'"));
    expect(subscriptions.size).toBe(1);
  });

  it('does not follow later changes of the selector object', () => {
    const subscriptions = manager();
    const selector = { type: 'TAG' as const, expression: 'paid' };
    subscriptions.subscribe('orders', selector);
    selector.expression = 'shipped';
    expect(subscriptions.get('orders')?.selector.expression).toBe('paid');
  });

  it('ends with unsubscribe', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders');
    expect(subscriptions.unsubscribe('orders')).toBe(true);
    expect(subscriptions.unsubscribe('orders')).toBe(false);
    expect(subscriptions.getTopics()).toEqual([]);
  });

  it('refuses topic 1001, but still changes one of the thousand', () => {
    const subscriptions = manager();
    for (let i = 0; i < 1000; i++) subscriptions.subscribe(`topic-${i}`);
    expect(() => subscriptions.subscribe('one-more')).toThrow(
      'one-more would be topic 1001; at most 1000 are allowed',
    );
    expect(subscriptions.subscribe('topic-0', tag('x'))).toBe(true);
    expect(subscriptions.size).toBe(1000);
  });

  it.each([
    ['a.b', tag('*')],
    ['', tag('*')],
    ['x y', tag('*')],
    [undefined, tag('*')],
    [7, tag('*')],
    ['orders', tag('||')],
    ['orders', sql('')],
    ['orders', 'paid'],
    ['orders', null],
    ['orders', { type: 'TAG' }],
    ['orders', { type: 'XML', expression: 'a' }],
  ])('refuses topic %o with selector %o and stays as it was', (topic, selector) => {
    const subscriptions = manager();
    const call = (): unknown => Reflect.apply(subscriptions.subscribe, subscriptions, [topic, selector]);
    expect(call).toThrow(SubscriptionError);
    expect(call).toThrow(expect.objectContaining({ code: 'RMQ_SUBSCRIPTION_INVALID' }));
    expect(subscriptions.size).toBe(0);
  });
});

describe('updateSelector', () => {
  it('answers whether the selector is another one', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders');
    expect(subscriptions.updateSelector('orders', tag('paid'))).toBe(true);
    expect(subscriptions.updateSelector('orders', tag('paid'))).toBe(false);
    expect(subscriptions.matches('orders', 'shipped')).toBe(false);
  });

  it('refuses a topic that is not subscribed', () => {
    expect(() => manager().updateSelector('orders', tag('paid'))).toThrow('orders is not subscribed');
  });
});

describe('the version', () => {
  it('is the wall clock, and grows when that stands still or goes back', () => {
    const times = [5000, 5000, 4000, 9000.7];
    const subscriptions = new SubscriptionManager({ wallNow: () => times.shift() ?? 9000 });
    expect(subscriptions.version).toBe(5000);
    const versions = ['a', 'b', 'c'].map(topic => {
      subscriptions.subscribe(topic);
      return subscriptions.version;
    });
    expect(versions).toEqual([5001, 5002, 9000]);
    subscriptions.unsubscribe('a');
    expect(subscriptions.version).toBe(9001);
  });

  it('of a topic is the one of its own last change', () => {
    const subscriptions = manager();
    subscriptions.subscribe('a');
    subscriptions.subscribe('b');
    const versionOf = (topic: string): number | undefined => subscriptions.get(topic)?.data.subVersion;
    expect(versionOf('b')).toBe((versionOf('a') ?? 0) + 1);
  });
});

describe('the list of a heartbeat', () => {
  it('has every topic as the broker needs it', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('TagA || TagB'));
    expect(subscriptions.toDataList()).toEqual([
      {
        topic: 'orders',
        subString: 'TagA || TagB',
        tagsSet: ['TagA', 'TagB'],
        codeSet: [2598919, 2598920],
        expressionType: 'TAG',
        subVersion: 1_700_000_000_001,
      },
    ]);
  });

  it("has the group's retry topic when asked, with all messages and a version that stays", () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'));
    const retry = subscriptions.toDataList({ retryOf: 'billing' }).at(-1);
    expect(retry).toMatchObject({ topic: '%RETRY%billing', subString: '*', tagsSet: [], codeSet: [] });
    expect(subscriptions.getTopics()).toEqual(['orders']);
    subscriptions.subscribe('bills');
    expect(subscriptions.toDataList({ retryOf: 'billing' }).at(-1)).toEqual(retry);
  });
});

describe('a retry topic subscribed by hand', () => {
  it('is not listed twice', () => {
    const subscriptions = manager();
    subscriptions.subscribe('%RETRY%billing');
    expect(subscriptions.toDataList({ retryOf: 'billing' })).toHaveLength(1);
  });
});

describe('the second tag filter', () => {
  it('compares whole tags, so that a collision of hashes does not pass', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('Aa || x'));
    expect(subscriptions.matches('orders', 'Aa')).toBe(true);
    expect(subscriptions.matches('orders', 'BB')).toBe(false); // the hash of Aa
    expect(subscriptions.matches('orders', 'Aa || x')).toBe(false);
    expect(subscriptions.matches('orders', undefined)).toBe(false);
    expect(subscriptions.filterOf('orders')).toEqual(new Set(['Aa', 'x']));
  });

  it('passes everything for *, SQL, retry topics, and topics nobody subscribed', () => {
    const subscriptions = manager();
    subscriptions.subscribe('all');
    subscriptions.subscribe('priced', sql('price > 10'));
    subscriptions.subscribe('%RETRY%other', tag('x'));
    for (const topic of ['all', 'priced', '%RETRY%other', 'unknown']) {
      expect(subscriptions.matches(topic, 'any')).toBe(true);
      expect(subscriptions.matches(topic, undefined)).toBe(true);
      expect(subscriptions.filterOf(topic)).toBeUndefined();
    }
  });
});

describe('observers', () => {
  it('hear of every change with its version, until disposed', () => {
    const subscriptions = manager();
    const changes: SubscriptionChange[] = [];
    const dispose = subscriptions.onChange(change => changes.push(change));
    subscriptions.subscribe('orders');
    subscriptions.subscribe('orders');
    subscriptions.subscribe('orders', tag('paid'));
    subscriptions.unsubscribe('orders');
    dispose();
    dispose();
    subscriptions.subscribe('bills');
    const version = wallNow();
    expect(changes).toEqual([
      { kind: 'subscribed', topic: 'orders', version: version + 1 },
      { kind: 'updated', topic: 'orders', version: version + 2 },
      { kind: 'unsubscribed', topic: 'orders', version: version + 3 },
    ]);
  });

  it('see the change done, also when an earlier one throws; the caller gets the error', () => {
    const subscriptions = manager();
    const seen = vi.fn(() => subscriptions.isSubscribed('orders'));
    subscriptions.onChange(() => {
      throw new TypeError('broken');
    });
    subscriptions.onChange(seen);
    expect(() => subscriptions.subscribe('orders')).toThrow(
      expect.objectContaining({ code: 'RMQ_CALLBACK_FAILED', cause: new TypeError('broken') }),
    );
    expect(seen).toHaveReturnedWith(true);
  });

  it('that throw are reported instead where a report is given', () => {
    const report = vi.fn();
    const subscriptions = new SubscriptionManager({ wallNow, report });
    subscriptions.onChange(() => {
      throw new TypeError('broken');
    });
    expect(subscriptions.subscribe('orders')).toBe(true);
    expect(report).toHaveBeenCalledExactlyOnceWith(expect.any(RocketmqError));
  });
});

describe('a change that brokers are to hear of first', () => {
  const versionOf = (subscriptions: SubscriptionManager, topic: string) =>
    subscriptions.toDataList().find(data => data.topic === topic)?.subVersion;

  it('of a new topic is in the heartbeats at once, and shared out and named by pulls once it is settled', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'), { afterBeat: true });
    expect(subscriptions.isSubscribed('orders')).toBe(true);
    expect(versionOf(subscriptions, 'orders')).toBeGreaterThan(0);
    expect(subscriptions.consumedTopics()).toEqual([]);
    expect(subscriptions.pullVersion('orders')).toBe(0);
    subscriptions.settle('orders');
    expect(subscriptions.consumedTopics()).toEqual(['orders']);
    expect(subscriptions.pullVersion('orders')).toBe(versionOf(subscriptions, 'orders'));
  });

  it('of a selector filters here at once, while pulls name the former version until it is settled', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'));
    const before = subscriptions.pullVersion('orders');
    subscriptions.updateSelector('orders', tag('shipped'), { afterBeat: true });
    expect(subscriptions.matches('orders', 'shipped')).toBe(true);
    expect(subscriptions.consumedTopics()).toEqual(['orders']);
    expect(versionOf(subscriptions, 'orders')).toBe(before + 1);
    expect(subscriptions.pullVersion('orders')).toBe(before);
    subscriptions.settle('orders');
    expect(subscriptions.pullVersion('orders')).toBe(before + 1);
  });

  it('names to pulls the kind of expression of the version they name', () => {
    const subscriptions = manager();
    expect(subscriptions.pullType('orders')).toBe('TAG');
    subscriptions.subscribe('orders', sql('a > 1'));
    expect(subscriptions.pullType('orders')).toBe('SQL92');
    subscriptions.updateSelector('orders', tag('paid'), { afterBeat: true });
    expect([subscriptions.pullType('orders'), subscriptions.isSettled('orders')]).toEqual(['SQL92', false]);
    subscriptions.settle('orders');
    expect([subscriptions.pullType('orders'), subscriptions.isSettled('orders')]).toEqual(['TAG', true]);
  });

  it('without that option counts at once', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders');
    subscriptions.updateSelector('orders', tag('paid'));
    expect(subscriptions.pullVersion('orders')).toBe(versionOf(subscriptions, 'orders'));
  });

  it('keeps a topic that is left in the heartbeats and filtered until it is unsubscribed, but no longer shared out', () => {
    const subscriptions = manager();
    const changes: SubscriptionChange[] = [];
    subscriptions.subscribe('orders', tag('paid'));
    subscriptions.onChange(change => changes.push(change));
    expect(subscriptions.leave('orders')).toBe(true);
    expect(subscriptions.leave('orders')).toBe(false);
    expect(subscriptions.isSubscribed('orders')).toBe(false);
    expect(subscriptions.getTopics()).toEqual([]);
    expect(subscriptions.size).toBe(0);
    expect(subscriptions.consumedTopics()).toEqual([]);
    expect(subscriptions.announcedTopics()).toEqual(['orders']);
    expect(subscriptions.toDataList().map(({ topic }) => topic)).toEqual(['orders']);
    expect(subscriptions.matches('orders', 'shipped')).toBe(false);
    expect(() => subscriptions.updateSelector('orders', tag('a'))).toThrow('orders is not subscribed');
    subscriptions.unsubscribe('orders');
    expect(subscriptions.announcedTopics()).toEqual([]);
    expect(changes.map(({ kind }) => kind)).toEqual(['unsubscribed']);
  });

  it('takes a topic back that was just left, with a version of its own', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'));
    const before = subscriptions.pullVersion('orders');
    subscriptions.leave('orders');
    subscriptions.subscribe('orders', tag('paid'), { afterBeat: true });
    expect(subscriptions.isSubscribed('orders')).toBe(true);
    expect(versionOf(subscriptions, 'orders')).toBeGreaterThan(before);
    expect(subscriptions.consumedTopics()).toEqual([]);
  });

  it('can be tried beforehand without changing anything', () => {
    const subscriptions = new SubscriptionManager({ wallNow, limit: 1 });
    const before = subscriptions.version;
    expect(() => subscriptions.check('orders', tag('||'))).toThrow(SubscriptionError);
    subscriptions.check('orders', tag('paid'));
    expect([subscriptions.size, subscriptions.version]).toEqual([0, before]);
    subscriptions.subscribe('orders');
    expect(() => subscriptions.check('bills')).toThrow('bills would be topic 2; at most 1 are allowed');
    subscriptions.check('orders', tag('shipped'));
  });
});
