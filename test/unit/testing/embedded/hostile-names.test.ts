// SPDX-License-Identifier: Apache-2.0
/** Do the files of a broadcasting consumer stay below storePath, whatever it is called? */
import { expect, it } from 'vitest';
import { type ConsumerConfig, concurrently, createConsumer, silentLogger } from '../../../../src/index.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../src/testing/test-clock.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';

const base: ConsumerConfig = {
  ...{ consumerGroup: 'prices', messageModel: 'BROADCASTING', storePath: '/data/offsets' },
  ...{ subscriptions: [{ topic: 'orders' }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
};

it.each<[string, ConsumerConfig]>([
  ['a way up', { instanceName: '../../x', clientIp: '..', unitName: '../..' }],
  [
    'a name of 255 characters, thrice',
    { instanceName: '/'.repeat(255), clientIp: '.'.repeat(255), unitName: '%'.repeat(255) },
  ],
  ['signs of all the world', { instanceName: 'счёт-会計-🧾', clientIp: 'C:\\Windows' }],
  [
    'devices and dots of Windows',
    { consumerGroup: 'nul', instanceName: 'con.', clientIp: 'aux', unitName: '..' },
  ],
  ['a store path with a way up in it', { storePath: '/data/other/../offsets' }],
])('%s', async (_what, names) => {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 1 });
  const disk = new MemoryFileSystem();
  const bodies: string[] = [];
  const consumer = createConsumer(
    { ...base, namesrvAddr: cluster.namesrvAddr, ...names },
    concurrently(([message]) => void bodies.push(message.body.toString())),
    { clock: cluster.clock, logger: silentLogger, fileSystem: disk },
  );
  await cluster.passUntil(consumer.start());
  cluster.send({ topic: 'orders', body: 'x' });
  await cluster.passUntil(() => bodies.length === 1);
  await cluster.passUntil(consumer.shutdown());
  const files = [...disk.files.keys()];
  expect(files.filter(file => file.endsWith('/positions.json'))).toHaveLength(1);
  expect(
    files.filter(
      file =>
        !/^\/data\/offsets\/[^/]+\/[^/]+\/[^/]+$/.test(file) || /\/(\.\.|nul|con|aux)\/|\.\//.test(file),
    ),
  ).toEqual([]);
});

it.each<[string, ConsumerConfig]>([
  ['consumerGroup', { consumerGroup: '../../x' }],
  ['consumerGroup', { consumerGroup: 'a'.repeat(100_000) }],
  ['consumerGroup', { consumerGroup: 'группа' }],
  ['subscriptions[0].topic', { subscriptions: [{ topic: '../../../../topic' }] }],
  ['subscriptions[0].topic', { subscriptions: [{ topic: 'a\u0000' }] }],
  ['instanceName', { instanceName: 'a\u0000b' }],
  ['clientIp', { clientIp: '10.0.0.1\u0000' }],
  ['unitName', { unitName: 'a\u0000/../..' }],
  ['storePath', { storePath: '/data\u0000/etc' }],
  ['namespace', { namespace: '../x' }],
])('%s that is no name is refused before there is any file', (option, names) => {
  expect(() =>
    createConsumer(
      { ...base, namesrvAddr: 'a:1', ...names },
      concurrently(() => undefined),
    ),
  ).toThrow(expect.objectContaining({ problems: [expect.objectContaining({ option })] }));
});
