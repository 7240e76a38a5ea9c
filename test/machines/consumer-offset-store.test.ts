// SPDX-License-Identifier: Apache-2.0
// What does a consumer do with an offset store of the user's own, good or bad?
import { describe, expect, it } from 'vitest';
import type { CustomOffsetStore } from '../../src/config/custom-offset-store.ts';
import { healthOf } from '../../src/consumer/health.ts';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { ConsumerKit, nothingLeft } from '../support/consumer-kit.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
const offsetCodes = [RequestCode.QUERY_CONSUMER_OFFSET, RequestCode.UPDATE_CONSUMER_OFFSET];

/** A table in memory that does what a test wants of it. */
class Table implements CustomOffsetStore {
  readonly rows = new Map<string, number>([['orders@broker-a#0', 2]]);
  manner: 'good' | 'throwing' | 'hanging' = 'good';
  closed = 0;

  async read(at: typeof queue): Promise<number | undefined> {
    await this.#behave();
    return this.rows.get(queueKey(at));
  }

  async write(positions: Parameters<CustomOffsetStore['write']>[0]): Promise<void> {
    await this.#behave();
    for (const { queue: at, offset } of positions) this.rows.set(queueKey(at), offset);
  }

  close(): void {
    this.closed++;
  }

  #behave(): Promise<void> {
    if (this.manner === 'hanging') return new Promise(() => {});
    return this.manner === 'good' ? Promise.resolve() : Promise.reject(new Error('no database'));
  }
}

function make(): { readonly kit: ConsumerKit; readonly table: Table } {
  const table = new Table();
  return { table, kit: new ConsumerKit({ config: { offsetStore: table, handover: 'none' } }) };
}

describe('an offset store of the config', () => {
  it('says where queues begin and keeps what is done; brokers hear of no offset', async () => {
    const { kit, table } = make();
    kit.cluster.store(queue, 5);
    await kit.start();
    await kit.until(() => kit.delivered.length >= 3);
    expect(kit.delivered).toEqual(['orders-0:2', 'orders-0:3', 'orders-0:4']);
    await kit.pass(6000);
    expect(table.rows.get('orders@broker-a#0')).toBe(5);
    const stopping = shutdown(kit.actor);
    await kit.until(() => kit.state === 'stopped');
    expect((await stopping).clean).toBe(true);
    expect(kit.cluster.codes(...offsetCodes)).toEqual([]);
    const flagged = kit.cluster
      .askedFor(RequestCode.PULL_MESSAGE)
      .filter(({ fields }) => (Number(fields['sysFlag']) & 1) === 1);
    expect(flagged).toEqual([]);
    expect(table.closed).toBe(1);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('that fails is a fault and degrades, while messages go on being consumed; and it recovers', async () => {
    const { kit, table } = make();
    await kit.start();
    table.manner = 'throwing';
    kit.cluster.store(queue, 3);
    await kit.until(() => kit.state === 'running.unsaved');
    expect(kit.actor.getSnapshot().hasTag('degraded')).toBe(true);
    expect(healthOf(kit.actor, ['ns:9876'])).toEqual({
      status: 'degraded',
      reasons: [expect.stringContaining('last writes of offsets')],
    });
    expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_OFFSET_STORE_FAILED');
    kit.cluster.store(queue, 2);
    await kit.until(() => kit.delivered.length === 3); // from 2 on, of five
    table.manner = 'good';
    for (let i = 0; i < 60 && kit.state !== 'running.active'; i++) {
      kit.cluster.store(queue, 1);
      await kit.pass(6000, 500);
    }
    expect(kit.state).toBe('running.active');
    expect(table.rows.get('orders@broker-a#0')).toBeGreaterThanOrEqual(5);
    expect(healthOf(kit.actor, ['ns:9876']).status).toBe('up');
  });

  it('that hangs holds up neither messages nor the end, and the report names what was not stored', async () => {
    const { kit, table } = make();
    await kit.start();
    table.manner = 'hanging';
    kit.cluster.store(queue, 4);
    await kit.until(() => kit.delivered.length === 2);
    const from = kit.clock.now();
    const stopping = shutdown(kit.actor);
    await kit.until(() => kit.state === 'stopped');
    const report = await stopping;
    expect(kit.clock.now() - from).toBeLessThanOrEqual(10_000);
    expect(report.uncommitted).toEqual([{ queue, offset: 4 }]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('that does not know keeps its queues waiting, and loses nothing', async () => {
    const { kit, table } = make();
    table.manner = 'throwing';
    kit.cluster.store(queue, 4);
    await kit.start();
    await kit.pass(5000, 250);
    expect(kit.delivered).toEqual([]);
    table.manner = 'good';
    await kit.until(() => kit.delivered.length === 2);
    expect(kit.delivered).toEqual(['orders-0:2', 'orders-0:3']);
  });

  it('that cannot be loaded ends the start', async () => {
    const table = new Table();
    const load = (): Promise<void> => Promise.reject(new Error('no such table'));
    const kit = new ConsumerKit({
      config: { offsetStore: { read: () => 0, write: () => {}, load } },
    });
    table.manner = 'good';
    kit.actor.start();
    await kit.until(() => kit.state === 'stopped');
    expect(kit.actor.getSnapshot().output?.error).toMatchObject({ code: 'RMQ_OFFSET_STORE_FAILED' });
  });
});
