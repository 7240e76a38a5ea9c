// SPDX-License-Identifier: Apache-2.0
/** Does each name of subscriptions do what it says? Before the colon of a title: the names, as the page has them. */
import { expect, it } from 'vitest';
import { SubscriptionManager, sql, tag } from '../../../../src/index.ts';
import { World } from './kit.ts';

it('SubscriptionManager, SubscriptionManager.getActive, SubscriptionManager.getAll: what is wanted is what a consumer of it subscribes to', async () => {
  await using world = await World.open();
  const manager = new SubscriptionManager();
  manager.subscribe('orders', tag('paid'));
  manager.subscribe('refunds');
  manager.deactivate('refunds');
  expect(manager.getAll().map(({ topic, active }) => [topic, active])).toEqual([
    ['orders', true],
    ['refunds', false],
  ]);
  const subscriptions = manager.getActive().map(({ topic, selector }) => ({ topic, selector }));
  await world.started({ subscriptions });
  const [member] = world.cluster.broker().members('billing');
  expect([...(member?.subscriptions ?? [])].filter(([topic]) => !topic.startsWith('%'))).toEqual([
    ['orders', 'paid'],
  ]);
});

it('SubscriptionManager.updateSelector, SubscriptionManager.get, SubscriptionManager.isSubscribed, SubscriptionManager.getTopics, SubscriptionManager.size: one topic is looked up and changed', () => {
  const manager = new SubscriptionManager();
  manager.subscribe('orders', tag('paid'));
  expect(manager.updateSelector('orders', tag('open'))).toBe(true);
  expect(manager.updateSelector('orders', tag('open'))).toBe(false);
  expect(manager.get('orders')?.selector).toEqual(tag('open'));
  expect([manager.isSubscribed('orders'), manager.isSubscribed('refunds')]).toEqual([true, false]);
  expect([manager.getTopics(), manager.size]).toEqual([['orders'], 1]);
  expect(() => manager.updateSelector('refunds', tag('x'))).toThrow('refunds is not subscribed');
});

it('consumer.updateSelector: other messages come from then on', async () => {
  await using world = await World.open();
  const consumer = await world.started({ subscriptions: [{ topic: 'orders', selector: tag('paid') }] });
  await world.wait(consumer.updateSelector('orders', tag('open')));
  world.cluster.send(
    { topic: 'orders', body: 'paid', tags: 'paid' },
    { topic: 'orders', body: 'open', tags: 'open' },
  );
  await world.wait(() => world.seen.length > 0);
  await world.cluster.pass(5000);
  expect(world.seen).toEqual(['open']);
});

it('SubscriptionManager.toDataList, SubscriptionManager.fromDataList, SubscriptionManager.export, SubscriptionManager.import: they travel as lists of heartbeats and as JSON', () => {
  const manager = new SubscriptionManager();
  manager.subscribe('orders', tag('paid || shipped'));
  manager.subscribe('refunds', sql('price > 10'));
  const [byList, byJson] = [new SubscriptionManager(), new SubscriptionManager()];
  expect(byList.fromDataList(manager.toDataList())).toBe(2);
  byJson.import(JSON.parse(JSON.stringify(manager.export())));
  for (const copy of [byList, byJson]) {
    expect(copy.getAll()).toEqual(manager.getAll());
    expect(copy.matches('orders', 'shipped')).toBe(true);
  }
});

it('SubscriptionManager.activate, SubscriptionManager.deactivate, SubscriptionManager.removeInactive, SubscriptionManager.clear: topics are set aside, taken up and forgotten', () => {
  const manager = new SubscriptionManager();
  for (const topic of ['orders', 'refunds', 'letters']) manager.subscribe(topic);
  expect([manager.deactivate('orders'), manager.deactivate('refunds')]).toEqual([true, true]);
  expect(manager.getTopics()).toEqual(['letters']);
  expect(manager.activate('orders')).toBe(true);
  expect(manager.removeInactive()).toBe(1);
  expect(manager.activate('refunds')).toBe(false);
  manager.clear();
  expect(manager.getAll()).toEqual([]);
});

it('SubscriptionManager.check: says why, and changes nothing', () => {
  const manager = new SubscriptionManager({ limit: 1 });
  manager.subscribe('orders');
  expect(() => manager.check('a b')).toThrow("topic 'a b'");
  expect(() => manager.check('orders', tag('||'))).toThrow('names no tag');
  expect(() => manager.check('refunds')).toThrow('at most 1');
  expect(manager.getTopics()).toEqual(['orders']);
});

it('SubscriptionManager.detectConflicts, SubscriptionManager.getConflictHistory, SubscriptionManager.clearConflictHistory, SubscriptionManager.getStatusSummary: differences are found, kept and forgotten', () => {
  const [ours, theirs] = [new SubscriptionManager(), new SubscriptionManager()];
  ours.subscribe('orders', tag('paid'));
  theirs.subscribe('orders', tag('open'));
  expect(ours.detectConflicts(theirs.toDataList())).toMatchObject([{ topic: 'orders', kind: 'expression' }]);
  expect(ours.getConflictHistory()).toHaveLength(1);
  expect(ours.getStatusSummary()).toMatchObject({ active: 1, conflicts: 1 });
  ours.clearConflictHistory();
  expect([ours.getConflictHistory(), ours.getStatusSummary().conflicts]).toEqual([[], 0]);
});

it('subscription.conflict: a member that subscribes otherwise is told to the others, and when it is over', async () => {
  await using world = await World.open();
  const selector = (name: string) => ({ subscriptions: [{ topic: 'orders', selector: tag(name) }] });
  await world.started({ ...selector('paid'), instanceName: 'anna' });
  const other = await world.started({ ...selector('open'), instanceName: 'boris' });
  const states = () =>
    world.events.flatMap(event => (event.type === 'subscription.conflict' ? [event.state] : []));
  await world.wait(() => states().length > 0, 300_000);
  await world.wait(other.updateSelector('orders', tag('paid')));
  await world.wait(() => states().includes('over'), 600_000);
  expect(states()[0]).toBe('found');
});
