// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { churn } from '../../../../scripts/evidence/embedded-churn.ts';
import { CountingClock, SocketCount, soon } from '../../../../scripts/evidence/embedded-leftovers.ts';
import {
  concurrently,
  createConsumerActor,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../../src/index.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';

it('clusters that were started and stopped, some with a consumer, leave no socket, timer or cluster behind', async () => {
  const { startsMs, consumed, socketsLeft, timersLeft, resourcesLeft, clustersAlive } = await churn(12);
  expect({ consumed, socketsLeft, timersLeft, resourcesLeft }).toEqual({
    consumed: 150,
    socketsLeft: 0,
    timersLeft: 0,
    resourcesLeft: [],
  });
  expect(startsMs).toHaveLength(12);
  expect(clustersAlive).toBeLessThanOrEqual(1); // the last one may still be on the stack
});

it('a cluster that is stopped under a running consumer leaves no socket and no timer', async () => {
  using sockets = new SocketCount();
  const clock = new CountingClock();
  const cluster = await startEmbeddedCluster({ clock, brokers: 2 });
  cluster.createTopic('orders');
  const consumer = createConsumerActor(
    {
      ...{ consumerGroup: 'billing', namesrvAddr: cluster.namesrvAddr },
      subscriptions: [{ topic: 'orders' }],
      listener: concurrently(() => {}),
    },
    { logger: silentLogger },
  ).start();
  await whenRunning(consumer);
  expect(sockets.open).toBeGreaterThan(0);
  await cluster.stop();
  expect(clock.armed).toBe(0);
  await shutdown(consumer, { timeout: 500 });
  expect(await soon(() => sockets.open === 0)).toBe(true);
});

it('the counts see what is left open', async () => {
  using sockets = new SocketCount();
  const clock = new CountingClock();
  const server = createServer().listen(0).unref();
  await once(server, 'listening');
  const timer = clock.setTimeout(() => {}, 60_000);
  expect([sockets.open, clock.armed]).toEqual([1, 1]);
  clock.clearTimeout(timer);
  server.close();
  expect(await soon(() => sockets.open === 0)).toBe(true);
  expect(clock.armed).toBe(0);
});
