// SPDX-License-Identifier: Apache-2.0
/** Who is a member of a group, and who is told of changes? */
import { describe, expect, it } from 'vitest';
import { ClientTable } from '../../../../../src/testing/embedded/clients/client-table.ts';
import type { ClientInfo } from '../../../../../src/testing/embedded/clients/consumer-group.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { aHeartbeat, FakeClientPeer, type HeartbeatOptions } from './builders.ts';

interface JoinOptions extends HeartbeatOptions {
  readonly language?: string;
  readonly version?: number;
}

function setup() {
  const clock = new TestClock();
  const table = new ClientTable(clock);
  function join(peer: FakeClientPeer, options: JoinOptions = {}): void {
    const heartbeat = aHeartbeat(options);
    const { language = 'OTHER', version = 441 } = options;
    const client: ClientInfo = { clientId: heartbeat.clientID, peer, language, version };
    for (const data of heartbeat.consumerDataSet) {
      if (heartbeat.withoutSub) table.touch(data, client);
      else table.register(data, client);
    }
  }
  function ids(group = 'billing'): readonly string[] {
    return table.members(group).map(({ clientId }) => clientId);
  }
  return { clock, table, join, ids };
}

describe('the client table', () => {
  it('tells all members of a newcomer, and the newcomer too', () => {
    const { join, ids } = setup();
    const [a, b] = [new FakeClientPeer(), new FakeClientPeer()];
    join(a, { clientId: 'a' });
    join(b, { clientId: 'b' });
    expect(ids()).toEqual(['a', 'b']);
    expect([a.pushed.length, b.pushed.length]).toEqual([2, 1]);
    expect(a.pushed[0]).toMatchObject({ code: 40, flag: 2, fields: { consumerGroup: 'billing' } });
  });

  it('tells nobody of a heartbeat that repeats what is known', () => {
    const { join } = setup();
    const a = new FakeClientPeer();
    join(a);
    join(a, { subVersion: 2 });
    expect(a.pushed).toHaveLength(1);
  });

  it('tells members when the set of topics changes, which the last heartbeat replaces', () => {
    const { join, table } = setup();
    const [a, b] = [new FakeClientPeer(), new FakeClientPeer()];
    join(a, { clientId: 'a', topics: { orders: '*', parcels: '*' } });
    join(b, { clientId: 'b', topics: { orders: '*' } });
    expect(table.subscriptionOf('billing', 'parcels')).toBeUndefined();
    expect(a.pushed).toHaveLength(2);
    join(a, { clientId: 'a', topics: { orders: '*', parcels: '*' } });
    expect(table.subscriptionOf('billing', 'parcels')).toMatchObject({ subString: '*' });
    expect([a.pushed.length, b.pushed.length]).toEqual([3, 2]);
  });

  it('keeps the newest version of a topic’s expression, and what each member asked for', () => {
    const { join, table } = setup();
    join(new FakeClientPeer(), { clientId: 'a', topics: { orders: 'paid' }, subVersion: 7 });
    join(new FakeClientPeer(), { clientId: 'b', topics: { orders: 'open' }, subVersion: 5 });
    expect(table.subscriptionOf('billing', 'orders')).toMatchObject({ subString: 'paid', subVersion: 7 });
    const asked = table
      .members('billing')
      .flatMap(({ subscriptions }) => subscriptions.map(s => s.subString));
    expect(asked).toEqual(['paid', 'open']);
  });

  it('tells those who stay of a goodbye, and forgets a group that nobody is in', () => {
    const { join, table, ids } = setup();
    const [a, b] = [new FakeClientPeer(), new FakeClientPeer()];
    join(a, { clientId: 'a' });
    join(b, { clientId: 'b' });
    table.unregister('billing', b);
    expect([ids(), a.pushed.length, b.pushed.length]).toEqual([['a'], 3, 1]);
    table.unregister('billing', a);
    expect(table.group('billing')).toBeUndefined();
    expect(table.subscriptionOf('billing', 'orders')).toBeUndefined();
  });

  it('tells those who stay when a connection breaks, in every group it was in', () => {
    const { join, table, ids } = setup();
    const [a, b] = [new FakeClientPeer(), new FakeClientPeer()];
    for (const group of ['billing', 'shipping']) {
      join(a, { clientId: 'a', group });
      join(b, { clientId: 'b', group });
    }
    table.disconnected(b);
    expect([ids('billing'), ids('shipping')]).toEqual([['a'], ['a']]);
    expect(a.pushed.slice(-2).map(({ fields }) => fields['consumerGroup'])).toEqual(['billing', 'shipping']);
  });

  it('tells a broadcasting group nothing', () => {
    const { join, table } = setup();
    const [a, b] = [new FakeClientPeer(), new FakeClientPeer()];
    join(a, { clientId: 'a', messageModel: 'BROADCASTING' });
    join(b, { clientId: 'b', messageModel: 'BROADCASTING' });
    table.disconnected(b);
    expect(a.pushed).toEqual([]);
  });

  it('lists a client id twice that is used on two connections, as a broker does', () => {
    const { join, ids } = setup();
    join(new FakeClientPeer(), { clientId: 'a' });
    join(new FakeClientPeer(), { clientId: 'a' });
    expect(ids()).toEqual(['a', 'a']);
  });

  it('keeps the language and version of a connection’s first heartbeat, until another client speaks on it', () => {
    const { join, table } = setup();
    const a = new FakeClientPeer();
    const told = () => table.members('billing').map(({ clientId, language }) => [clientId, language]);
    join(a, { clientId: 'a', language: 'NODE_JS', version: 479 });
    join(a, { clientId: 'a', language: 'JAVA', version: 477 });
    join(a, { clientId: 'a', language: 'JAVA', withoutSub: true, topics: {}, fingerprint: 5 });
    expect([told(), table.member('billing', 'a')?.version]).toEqual([[['a', 'NODE_JS']], 479]);
    join(a, { clientId: 'b', language: 'CPP' });
    expect(told()).toEqual([['b', 'CPP']]);
  });

  it('drops a member that was silent for 120 s at its next look, and closes its connection without telling the others', async () => {
    const { clock, table, join, ids } = setup();
    const [a, b] = [new FakeClientPeer(), new FakeClientPeer()];
    table.start();
    join(a, { clientId: 'a' });
    join(b, { clientId: 'b' });
    await clock.advance(60_000);
    join(a, { clientId: 'a' });
    await clock.advance(60_000);
    expect([ids(), b.isOpen]).toEqual([['a', 'b'], true]);
    await clock.advance(10_000);
    expect([ids(), a.isOpen, b.isOpen, a.pushed.length]).toEqual([['a'], true, false, 2]);
  });

  it('counts a heartbeat without subscriptions as a sign of life that changes nothing', async () => {
    const { clock, table, join, ids } = setup();
    const a = new FakeClientPeer();
    table.start();
    join(a);
    await clock.advance(100_000);
    join(a, { withoutSub: true, topics: {}, fingerprint: 5 });
    await clock.advance(100_000);
    expect(ids()).toEqual(['me']);
    expect(table.subscriptionOf('billing', 'orders')).toMatchObject({ subString: '*' });
    expect(a.pushed).toHaveLength(1);
  });

  it('has one timer while it runs and none when it is halted', () => {
    const { clock, table } = setup();
    table.start();
    table.start();
    expect(clock.pending).toBe(1);
    table.halt();
    expect(clock.pending).toBe(0);
  });
});
