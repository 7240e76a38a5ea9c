// SPDX-License-Identifier: Apache-2.0
// Do the official Java clients of other releases take the embedded cluster for a real one? With the newest, and with a member
// of ours beside it: `npm run evidence -- embedded-java`, which promises.test.ts runs in small.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { EmbeddedCluster } from '../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../src/testing/embedded/embedded-cluster.ts';
import { type RocketmqVersion, rocketmqJars } from '../support/cluster/jars.ts';
import { mqadmin, produceByJava, readConsumed, startJavaConsumer } from '../support/cluster/java-programs.ts';
import { RawAdmin } from '../support/cluster/raw-admin.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-java-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const count = 400;
const topic = 'orders';
const queues = [0, 1, 2, 3];

async function targetOf(
  cluster: EmbeddedCluster,
  version: RocketmqVersion,
): Promise<Parameters<typeof startJavaConsumer>[0]> {
  return { namesrvAddr: cluster.namesrvAddr, jars: await rocketmqJars(version) };
}

describe.each(['5.4.0', '4.9.7'] as const)('the Java client of %s', version => {
  test('sends with sharding keys and consumes in order, holding the locks of its queues', async () => {
    await using cluster = await startEmbeddedCluster();
    cluster.createTopic(topic, { queues: queues.length });
    const java = await targetOf(cluster, version);
    const out = join(folder, `orderly-${version}.out`);
    await produceByJava(java, { topic, count, sharding: 8 });
    await using consumer = startJavaConsumer(java, { topic, group: 'billing', mode: 'orderly', out });
    await consumer.line(new RegExp(`^RATE .* total=${count}$`));
    const [member] = cluster.broker().members('billing');
    expect(queues.map(queueId => cluster.broker().lockedBy('billing', topic, queueId))).toEqual(
      queues.map(() => member?.clientId),
    );
    expect((await consumer.stop()).code).toBe(0);

    const seen = readConsumed(out);
    for (const queueId of queues) {
      const offsets = seen.filter(each => each.queueId === queueId).map(each => each.queueOffset);
      const { maxOffset = Number.NaN } = cluster.broker().queues(topic)[queueId] ?? {};
      expect(offsets).toEqual(Array.from({ length: maxOffset }, (_, offset) => offset));
      expect(cluster.broker().committed('billing', topic, queueId)).toBe(maxOffset);
      expect(cluster.broker().lockedBy('billing', topic, queueId)).toBeUndefined();
    }
    expect(new Set(seen.map(each => each.sequence)).size).toBe(count);
    expect(cluster.broker().members('billing')).toEqual([]);
  });
});

test("what mqadmin and our own witness on the wire ask, agrees with the cluster's own account", async () => {
  await using cluster = await startEmbeddedCluster({ brokers: 2 });
  cluster.createTopic(topic, { queues: 2 });
  const java = await targetOf(cluster, '5.4.0');
  await produceByJava(java, { topic, count });
  const sizes = cluster.brokers.flatMap(broker => broker.queues(topic).map(({ maxOffset }) => maxOffset));
  expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(count);

  const admin = new RawAdmin(cluster.namesrvAddr);
  expect((await admin.queueOffsets(topic)).map(({ max }) => max)).toEqual(sizes);
  admin.close();
  // One after the other: each is a machine of its own that wants a processor.
  const status = await mqadmin(java, ['topicStatus', '-t', topic]);
  const list = await mqadmin(java, ['clusterList']);
  const names = await mqadmin(java, ['topicList']);
  for (const { address, name } of cluster.brokers) {
    expect(status.stdout, status.stderr).toContain(name);
    expect(list.stdout, list.stderr).toContain(address);
  }
  expect(names.stdout.split('\n').map(line => line.trim())).toContain(topic);
});
