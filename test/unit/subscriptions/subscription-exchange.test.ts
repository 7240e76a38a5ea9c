// SPDX-License-Identifier: Apache-2.0
// May subscriptions be set aside, listed, carried elsewhere and compared?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SubscriptionError } from '../../../src/errors/errors.ts';
import { sql, subscriptionData, tag } from '../../../src/model/subscription.ts';
import { compareSubscriptions } from '../../../src/subscriptions/subscription-conflicts.ts';
import { SubscriptionManager } from '../../../src/subscriptions/subscription-manager.ts';

const now = 1_700_000_000_000;
const manager = (limit?: number): SubscriptionManager =>
  new SubscriptionManager({
    wallNow: () => now,
    conflictsKept: 3,
    ...(limit === undefined ? {} : { limit }),
  });

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(SubscriptionError);
    return String(error);
  }
  throw new Error('nothing was thrown');
}

describe('a deactivated topic', () => {
  it('is in no heartbeat and matches nothing of its own, and comes back with its selector', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'));
    subscriptions.subscribe('bills');
    const before = subscriptions.version;
    expect(subscriptions.deactivate('orders')).toBe(true);
    expect(subscriptions.version).toBeGreaterThan(before);
    expect(subscriptions.toDataList().map(({ topic }) => topic)).toEqual(['bills']);
    expect(subscriptions.isSubscribed('orders')).toBe(false);
    expect(subscriptions.get('orders')).toBeUndefined();
    expect(subscriptions.getActive().map(({ topic }) => topic)).toEqual(['bills']);
    expect(subscriptions.getAll()).toEqual([
      { topic: 'bills', selector: tag('*'), active: true },
      { topic: 'orders', selector: tag('paid'), active: false },
    ]);
    expect(subscriptions.activate('orders')).toBe(true);
    expect(subscriptions.get('orders')?.selector).toEqual(tag('paid'));
    expect(subscriptions.activate('orders')).toBe(false);
    expect(subscriptions.deactivate('nothing')).toBe(false);
  });

  it('counts towards the limit until it is removed', () => {
    const subscriptions = manager(2);
    subscriptions.subscribe('orders');
    subscriptions.subscribe('bills');
    subscriptions.deactivate('orders');
    expect(refusal(() => subscriptions.subscribe('more'))).toContain('more would be topic 3; at most 2');
    expect(subscriptions.subscribe('orders', tag('b'))).toBe(true); // its own place
    subscriptions.deactivate('orders');
    expect(refusal(() => subscriptions.subscribe('orders', tag('||')))).toContain('names no tag');
    expect(subscriptions.getAll().at(-1)).toEqual({ topic: 'orders', selector: tag('b'), active: false });
    expect(subscriptions.removeInactive()).toBe(1);
    expect(subscriptions.subscribe('more')).toBe(true);
    expect(subscriptions.limit).toBe(2);
  });

  it('is ended by unsubscribe, and with everything else by clear', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders');
    subscriptions.deactivate('orders');
    expect(subscriptions.unsubscribe('orders')).toBe(true);
    expect(subscriptions.unsubscribe('orders')).toBe(false);
    subscriptions.subscribe('bills');
    subscriptions.subscribe('letters');
    subscriptions.deactivate('letters');
    subscriptions.clear();
    expect(subscriptions.getAll()).toEqual([]);
    expect(subscriptions.size).toBe(0);
  });
});

describe('lists of heartbeats', () => {
  it('are taken over as a whole, without the retry topic', () => {
    const other = manager();
    other.subscribe('orders', tag('paid || shipped'));
    other.subscribe('bills', sql('a > 1'));
    const subscriptions = manager();
    subscriptions.subscribe('letters');
    subscriptions.subscribe('bills', tag('x'));
    expect(subscriptions.fromDataList(other.toDataList({ retryOf: 'billing' }))).toBe(2);
    expect(subscriptions.getTopics()).toEqual(['letters', 'bills', 'orders']);
    expect(subscriptions.get('bills')?.selector).toEqual(sql('a > 1'));
    expect(subscriptions.fromDataList(other.toDataList())).toBe(0);
  });

  it.each([
    ['a topic that cannot be', [subscriptionData('a b', tag('*'), 1)], "topic 'a b'"],
    [
      'a topic twice',
      [subscriptionData('a', tag('*'), 1), subscriptionData('a', tag('x'), 1)],
      'a is in the list twice',
    ],
    ['too many topics', ['a', 'b', 'c'].map(topic => subscriptionData(topic, tag('*'), 1)), 'at most 2'],
    ['something else', 'topics' as never, 'the list is not an array'],
    ['nothing in the list', [null] as never, 'the list[0] is not an object'],
  ])('with %s change nothing', (_, list, text) => {
    const subscriptions = manager(2);
    expect(refusal(() => subscriptions.fromDataList(list))).toContain(text);
    expect(subscriptions.getTopics()).toEqual([]);
  });
});

describe('an export', () => {
  it('brings everything back after a trip through JSON, and replaces what was there', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('paid'));
    subscriptions.subscribe('bills', sql('a > 1'));
    subscriptions.deactivate('bills');
    const exported: unknown = JSON.parse(JSON.stringify(subscriptions.export()));
    const other = manager();
    other.subscribe('orders', tag('paid'));
    other.subscribe('letters');
    const kept = other.get('orders')?.data.subVersion;
    other.import(exported);
    expect(other.getAll()).toEqual(subscriptions.getAll());
    expect(other.get('orders')?.data.subVersion).toBe(kept);
    expect(exported).toMatchObject({ version: 1, exportedAt: now });
  });

  it.each([
    [{ version: 2, subscriptions: [] }, 'has version 1, not 2'],
    [{ subscriptions: [] }, 'has version 1, not none'],
    [{ version: 1 }, 'subscriptions is not an array'],
    [{ version: 1, subscriptions: [{ topic: 'a', selector: tag('*') }] }, 'subscriptions[0].active'],
    [{ version: 1, subscriptions: [{ topic: 'a', selector: 'x', active: true }] }, 'selector of a'],
    [null, 'is not an object'],
  ])('that is none changes nothing: %j', (exported, text) => {
    const subscriptions = manager();
    subscriptions.subscribe('orders');
    expect(refusal(() => subscriptions.import(exported))).toContain(text);
    expect(subscriptions.getTopics()).toEqual(['orders']);
  });

  it('never throws anything but a SubscriptionError, whatever is imported', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        const subscriptions = manager();
        try {
          subscriptions.import(value);
        } catch (error) {
          expect(error).toBeInstanceOf(SubscriptionError);
        }
      }),
    );
  });
});

describe('conflicts with another list', () => {
  const ours = [
    subscriptionData('same', tag('a || b'), 5),
    subscriptionData('tags', tag('a'), 5),
    subscriptionData('kinds', sql('a > 1'), 5),
    subscriptionData('gone', tag('*'), 5),
    subscriptionData('older', tag('a'), 5),
  ];
  const theirs = [
    subscriptionData('new', tag('*'), 6),
    subscriptionData('same', tag('b||a'), 6),
    subscriptionData('tags', tag('b'), 6),
    subscriptionData('kinds', tag('a'), 6),
    subscriptionData('older', tag('b'), 4),
    subscriptionData('%RETRY%billing', tag('*'), 1),
  ];

  it('name each topic that is not subscribed alike, and no order of tags, retry topic or version that is behind', () => {
    expect(compareSubscriptions(ours, theirs)).toEqual([
      { topic: 'tags', kind: 'expression', ours: tag('a'), theirs: tag('b') },
      { topic: 'kinds', kind: 'type', ours: sql('a > 1'), theirs: tag('a') },
      { topic: 'gone', kind: 'onlyOurs', ours: tag('*'), theirs: undefined },
      { topic: 'new', kind: 'onlyTheirs', ours: undefined, theirs: tag('*') },
    ]);
  });

  it('are kept in the history, the newest ones, until it is cleared', () => {
    const subscriptions = manager();
    subscriptions.subscribe('orders', tag('a'));
    for (const each of ['b', 'c', 'd', 'e']) {
      const list = [subscriptionData('orders', tag(each), now + 9)];
      expect(subscriptions.detectConflicts(list)).toHaveLength(1);
    }
    expect(subscriptions.detectConflicts(subscriptions.toDataList())).toEqual([]);
    const history = subscriptions.getConflictHistory();
    expect(history.map(({ theirs }) => theirs?.expression)).toEqual(['c', 'd', 'e']);
    expect(history.map(({ at }) => at)).toEqual([now, now, now]);
    expect(subscriptions.getStatusSummary()).toEqual({
      ...{ active: 1, inactive: 0, limit: 1000, conflicts: 3 },
      version: subscriptions.version,
    });
    subscriptions.clearConflictHistory();
    expect(subscriptions.getConflictHistory()).toEqual([]);
  });
});
