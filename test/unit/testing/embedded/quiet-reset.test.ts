// SPDX-License-Identifier: Apache-2.0
/** How soon does a consumer of quiet queues follow an admin's reset, and what does looking for one cost? */
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../../src/index.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../src/testing/test-clock.ts';
import { RawAdmin } from '../../../support/cluster/raw-admin.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';

const resetCode = 222;
const queryOffsetCode = 14;
const sent = 40;

/** A consumer of a topic with 8 queues that has read all there is and then waits for a while. */
async function quiet(config: Partial<ConsumerConfig> = {}) {
  const cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 8 });
  const bodies: string[] = [];
  const moves: { readonly at: number; readonly queueId: number; readonly to: number }[] = [];
  const actor = createConsumerActor(
    {
      ...{ consumerGroup: 'billing', namesrvAddr: cluster.namesrvAddr, subscriptions: [{ topic: 'orders' }] },
      ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...config },
      listener: concurrently(([message]) => {
        bodies.push(message.body.toString());
      }),
    },
    { clock: cluster.clock, logger: silentLogger, fileSystem: new MemoryFileSystem() },
  );
  actor.on('offset.corrected', ({ queue, to }: Extract<ConsumerEvent, { type: 'offset.corrected' }>) =>
    moves.push({ at: cluster.clock.now(), queueId: queue.queueId, to }),
  );
  actor.start();
  await cluster.passUntil(whenRunning(actor));
  for (let i = 0; i < sent; i++) cluster.send({ topic: 'orders', body: String(i) });
  await cluster.passUntil(() => bodies.length === sent);
  await cluster.pass(6000); // past a persist; the pulls are held from here on
  const admin = new RawAdmin(cluster.namesrvAddr);
  return {
    ...{ cluster, bodies, moves },
    reset: async (fields: Readonly<Record<string, unknown>>) => {
      const { address } = cluster.broker();
      const all = { topic: 'orders', group: 'billing', timestamp: 0, isForce: true, queueId: -1, ...fields };
      const answer = await cluster.passUntil(admin.request(address, { code: resetCode, fields: all }));
      expect(answer?.code).toBe(0);
      return cluster.clock.now();
    },
    looks: () => cluster.requests().filter(({ code }) => code === queryOffsetCode).length,
    async [Symbol.asyncDispose](): Promise<void> {
      admin.close();
      await cluster.passUntil(shutdown(actor));
      await cluster.stop();
    },
  };
}

describe('a reset of a topic in which nothing happens', () => {
  it('is followed in all its queues within 5 s, and each message comes once more', async () => {
    await using test = await quiet();
    const { cluster, bodies, moves, reset } = test;
    const from = await reset({});
    await cluster.passUntil(() => bodies.length === 2 * sent);
    expect(moves.map(({ queueId, to }) => [queueId, to]).sort()).toEqual(
      Array.from({ length: 8 }, (_, queueId) => [queueId, 0]),
    );
    expect(Math.max(...moves.map(({ at }) => at)) - from).toBeLessThan(5000);
    await cluster.pass(30_000);
    expect([bodies.length, moves.length]).toEqual([2 * sent, 8]);
  });

  it('of one queue is followed as soon by that queue alone', async () => {
    await using test = await quiet();
    const { cluster, moves, reset } = test;
    const from = await reset({ queueId: 5 });
    await cluster.passUntil(() => moves.length > 0);
    await cluster.pass(10_000);
    expect(moves.map(({ queueId, to }) => [queueId, to])).toEqual([[5, 0]]);
    expect((moves[0]?.at ?? 0) - from).toBeLessThan(5500);
  });

  it('is looked for by four small questions every 2.5 s', async () => {
    await using test = await quiet();
    const before = test.looks();
    await test.cluster.pass(60_000);
    const looks = (test.looks() - before) / 4;
    expect(looks).toBeGreaterThanOrEqual(20);
    expect(looks).toBeLessThanOrEqual(24);
  });

  it('is not looked for by a broadcasting consumer, whose offsets are its own', async () => {
    await using test = await quiet({ messageModel: 'BROADCASTING', storePath: '/data/offsets' });
    await test.cluster.pass(60_000);
    expect(test.looks()).toBe(0);
  });
});
