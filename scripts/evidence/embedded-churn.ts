// SPDX-License-Identifier: Apache-2.0
/** Can a test suite start a cluster for each of its tests? Many are started and stopped in one process, some with a consumer. */
import { once } from 'node:events';
import { concurrently, createConsumerActor, shutdown, silentLogger, whenRunning } from '../../src/index.ts';
import type { EmbeddedCluster } from '../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../src/testing/embedded/embedded-cluster.ts';
import {
  activeResources,
  CountingClock,
  memoryMb,
  moreResources,
  SocketCount,
  soon,
} from './embedded-leftovers.ts';
import type { Evidence } from './kit/stage.ts';

/** Each of that many clusters has a consumer. */
const consumerEvery = 4;
const messagesEach = 50;
const startLimitMs = 50;
/** What the collector and the compiler keep for themselves, however many clusters there were. */
const growthLimitMb = 3;

export const embeddedChurn: Evidence = {
  name: 'embedded-churn',
  about:
    '200 embedded clusters started and stopped in one process, every fourth with a consumer: no socket, timer or memory left; start ≤ 50 ms',
  needsCluster: false,
  async run(stage, report) {
    const count = stage.pick({ full: 200, share: 20 });
    const seen = await churn(count);
    const sorted = seen.startsMs.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
    report.check('clusters started and stopped', sorted.length, { is: count });
    report.check('messages consumed', seen.consumed, { is: (count / consumerEvery) * messagesEach });
    report.check('sockets left', seen.socketsLeft, { is: 0 });
    report.check('timers of clusters left', seen.timersLeft, { is: 0 });
    report.check('other resources left', seen.resourcesLeft.join(', '), { is: '' });
    report.check('stopped clusters still in memory', seen.clustersAlive, { atMost: 1 });
    report.speed('memory grown after the first fifth, MB', seen.grownMb, { atMost: growthLimitMb });
    report.note('the very first start, ms', seen.firstStartMs);
    report.note('start: p50, ms', at(0.5));
    report.speed('start: p95, ms', at(0.95), { atMost: startLimitMs });
    report.note('start: max, ms', at(1));
  },
};

export interface Churned {
  /** Until the promise of `startEmbeddedCluster` has resolved. */
  readonly startsMs: readonly number[];
  /** The same of the cluster before, when nothing was compiled yet. */
  readonly firstStartMs: number;
  readonly consumed: number;
  readonly socketsLeft: number;
  readonly timersLeft: number;
  readonly resourcesLeft: readonly string[];
  /** Stopped clusters that a full collection does not free. */
  readonly clustersAlive: number;
  readonly grownMb: number;
}

/** Starts and stops that many clusters, one after the other. */
export async function churn(count: number): Promise<Churned> {
  const clock = new CountingClock();
  const first = await one(clock, true); // loads what is loaded once
  const resources = activeResources();
  using sockets = new SocketCount();
  const startsMs: number[] = [];
  const clusters: WeakRef<EmbeddedCluster>[] = [];
  let consumed = 0;
  let memoryBefore = await memoryMb();
  for (let index = 0; index < count; index += 1) {
    if (index === Math.floor(count / 5)) memoryBefore = await memoryMb();
    const each = await one(clock, index % consumerEvery === 0);
    startsMs.push(each.startMs);
    clusters.push(each.cluster);
    consumed += each.consumed;
  }
  await soon(() => sockets.open === 0 && moreResources(resources).length === 0);
  const memoryAfter = await memoryMb();
  return {
    startsMs,
    firstStartMs: first.startMs,
    consumed,
    socketsLeft: sockets.open,
    timersLeft: clock.armed,
    resourcesLeft: moreResources(resources),
    clustersAlive: clusters.filter(each => each.deref() !== undefined).length,
    grownMb: memoryAfter - memoryBefore,
  };
}

interface One {
  readonly startMs: number;
  readonly consumed: number;
  readonly cluster: WeakRef<EmbeddedCluster>;
}

async function one(clock: CountingClock, withConsumer: boolean): Promise<One> {
  const begunAt = performance.now();
  await using cluster = await startEmbeddedCluster({ clock });
  const startMs = performance.now() - begunAt;
  const consumed = withConsumer ? await consumeAll(cluster) : 0;
  return { startMs, consumed, cluster: new WeakRef(cluster) };
}

/** A consumer from its start to its end, as a user's test has it. How many messages it was given. */
async function consumeAll(cluster: EmbeddedCluster): Promise<number> {
  cluster.createTopic('orders', { queues: 4 });
  cluster.send(
    ...Array.from({ length: messagesEach }, (_, index) => ({ topic: 'orders', body: `${index}` })),
  );
  const all = new EventTarget();
  const done = once(all, 'done');
  let count = 0;
  const consumer = createConsumerActor(
    {
      consumerGroup: 'billing',
      namesrvAddr: cluster.namesrvAddr,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic: 'orders' }],
      listener: concurrently(messages => {
        count += messages.length;
        if (count === messagesEach) all.dispatchEvent(new Event('done'));
      }),
    },
    { logger: silentLogger },
  ).start();
  try {
    await whenRunning(consumer);
    await done;
  } finally {
    await shutdown(consumer);
  }
  return count;
}
