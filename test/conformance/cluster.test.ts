// SPDX-License-Identifier: Apache-2.0
// Is the ground firm? The real cluster that every other conformance test and the evidence stand on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster/cluster.ts';
import { isAlive, withFileLock } from '../support/cluster/file-lock.ts';
import {
  mqadmin,
  produceByJava,
  readConsumed,
  startJavaConsumer,
  startJavaProducer,
} from '../support/cluster/java-programs.ts';
import { parseLooseJson } from '../support/cluster/loose-json.ts';
import { isListening } from '../support/cluster/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'cluster-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['5.5.0', '4.9.7'] as const)('a cluster of RocketMQ %s', version => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ version });
  });
  afterAll(() => cluster.stop());

  test('carries 1,000 messages from the Java producer to the Java consumer, and its offsets say so', async () => {
    await cluster.createTopic('counted', { queues: 4 });
    const out = join(folder, `counted-${version}`);
    const consumer = startJavaConsumer(cluster, { topic: 'counted', group: 'counters', out });
    await consumer.line(/^ASSIGNED 4$/);

    const sent = await produceByJava(cluster, { topic: 'counted', count: 1000, tag: 'paid' });
    await cluster.admin.untilConsumed('counted', 'counters', 120_000); // the Java client may need 21 s to its first message
    const connection = await cluster.admin.consumerConnection('counters', 'broker-a');
    const ended = await consumer.stop();

    expect(sent.stdout).toContain('SENT 1000\n');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('CONSUMED 1000\n');
    const consumed = readConsumed(out);
    expect(consumed.map(message => message.sequence).toSorted((a, b) => a - b)).toEqual(numbers(0, 1000));
    const offsets = await cluster.admin.queueOffsets('counted', 'counters');
    expect(offsets.map(({ committed, max }) => committed === max)).toEqual([true, true, true, true]);
    expect(offsets.map(({ queueId, max }) => ({ queueId, consumed: max }))).toEqual(
      [0, 1, 2, 3].map(queueId => ({
        queueId,
        consumed: consumed.filter(each => each.queueId === queueId).length,
      })),
    );
    expect(connection).toMatchObject({ messageModel: 'CLUSTERING', subscriptions: { counted: '*' } });
    expect(connection?.members).toHaveLength(1);
    expect(await cluster.admin.consumerList('counters', 'broker-a')).toEqual([]);
  });

  test('tells "nothing committed" from offset 0', async () => {
    await cluster.createTopic('untouched', { queues: 1 });
    const queue = { brokerName: 'broker-a', queueId: 0 };

    expect(await cluster.admin.consumerOffset('nobody', 'untouched', queue)).toBeUndefined();
    expect(await cluster.admin.consumerConnection('nobody', 'broker-a')).toBeUndefined();
    expect(await cluster.admin.topicRoute('unheard-of')).toBeUndefined();
  });

  test('keeps what was acknowledged when its broker is killed and restarted under a producer', async () => {
    await cluster.createTopic('restarted', { queues: 2 });
    const broker = cluster.broker('broker-a');
    const { address, pid: before, portOpenedAt } = broker;
    const producer = startJavaProducer(cluster, { topic: 'restarted', count: 2000, rate: 500, retry: true });
    await producer.line(/^PROGRESS sent=[1-9]/);

    await broker.kill();
    expect(isAlive(before)).toBe(false);
    expect(broker.isRunning).toBe(false);
    await broker.restart();
    const { code, summary } = await producer.finished;

    expect(broker.address).toBe(address);
    expect(broker.pid).not.toBe(before);
    expect(broker.portOpenedAt).toBeGreaterThan(portOpenedAt);
    expect({ code, sent: summary['sent'] }).toEqual({ code: 0, sent: 2000 });
    expect(await cluster.admin.messageCount('restarted')).toBeGreaterThanOrEqual(2000);
  });

  test('keeps the committed offsets when its broker is ended gracefully', async () => {
    const broker = cluster.broker('broker-a');
    const before = await cluster.admin.queueOffsets('counted', 'counters');

    await broker.terminate();
    expect(broker.isRunning).toBe(false);
    await broker.restart();

    expect(await cluster.admin.queueOffsets('counted', 'counters')).toEqual(before);
  });

  test('a suspended broker keeps its port and answers nothing; resumed, it goes on', async () => {
    const broker = cluster.broker('broker-a');
    const max = (): Promise<number> =>
      cluster.admin.maxOffset('TBW102', { brokerName: 'broker-a', queueId: 0 });

    broker.suspend();
    try {
      await expect(max()).rejects.toMatchObject({ code: 'TIMED_OUT' });
      expect(broker.isRunning).toBe(true);
    } finally {
      broker.resume();
    }
    expect(await max()).toBe(0);
  });

  test('a restarted name server knows the brokers again', async () => {
    await cluster.createTopic('remembered', { queues: 3 });
    await cluster.nameServers[0]?.restart();

    expect(await cluster.admin.queues('remembered')).toHaveLength(3);
  });

  test('RocketMQ’s own admin tool sees the same offsets', async () => {
    await cluster.createTopic('shown', { queues: 1 });
    await produceByJava(cluster, { topic: 'shown', count: 100 });

    const { stdout } = await mqadmin(cluster, ['topicStatus', '-t', 'shown']);

    expect(stdout).toMatch(/broker-a\s+0\s+0\s+100\s/);
  });
});

test('two masters, one with a slave, behind two name servers; queues are added while it runs', async () => {
  await using cluster = await startCluster({
    nameServers: 2,
    brokers: [{ name: 'broker-a', slave: true }, { name: 'broker-b' }],
    brokerProperties: { autoCreateTopicEnable: 'false' },
  });

  await cluster.createTopic('spread', { queues: 2 });
  await cluster.createTopic('half', { queues: 2, brokers: ['broker-b'] });
  await cluster.updateQueues('half', 5);
  await produceByJava(cluster, { topic: 'spread', count: 400, batch: 10 });

  expect(cluster.namesrvAddr.split(';')).toHaveLength(2);
  const brokers = await cluster.admin.clusterBrokers();
  expect(brokers.find(each => each.brokerName === 'broker-a')?.addresses).toEqual(
    new Map([
      [0, cluster.broker('broker-a').address],
      [1, cluster.broker('broker-a', 'slave').address],
    ]),
  );
  expect((await cluster.admin.queueOffsets('spread')).map(each => each.max)).toEqual([100, 100, 100, 100]);
  expect(await cluster.admin.queues('half')).toEqual(
    [0, 1, 2, 3, 4].map(queueId => ({ brokerName: 'broker-b', queueId })),
  );
});

describe('nothing is left behind', () => {
  const strays: number[] = [];
  afterEach(() => {
    for (const pid of strays.splice(0)) {
      if (isAlive(pid)) {
        process.kill(pid, 'SIGKILL');
      }
    }
  });

  test('by stop, not even by a suspended broker', async () => {
    const cluster = await startCluster();
    const nodes = [...cluster.nameServers, ...cluster.brokers];
    expect(existsSync(cluster.folder)).toBe(true);
    cluster.broker('broker-a').suspend();

    await cluster.stop();
    await cluster.stop();

    expect(nodes.map(node => isAlive(node.pid))).toEqual([false, false]);
    for (const { address } of nodes) {
      expect(await isListening(Number(address.split(':')[1]))).toBe(false);
    }
    expect(existsSync(cluster.folder)).toBe(false);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('by a process that ends with %s', async signal => {
    const script = join(import.meta.dirname, '..', '..', 'scripts', 'rocketmq.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pids: number[] = [];
    let folder = '';
    for await (const line of createInterface({ input: child.stdout })) {
      pids.push(...[...line.matchAll(/pid (\d+)/g)].map(match => Number(match[1])));
      folder = /^logs and stores: (.+)/.exec(line)?.[1] ?? folder;
      if (line.startsWith('Ctrl-C')) {
        break;
      }
    }
    strays.push(...pids);
    expect([pids.map(isAlive), existsSync(folder)]).toEqual([[true], true]);

    child.kill(signal);

    await expect
      .poll(() => [pids.map(isAlive), existsSync(folder)], { timeout: 20_000 })
      .toEqual([[false], false]);
  });
});

test('what is missing on the machine is named', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    await expect(startCluster()).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('needs java: not found') as string,
    });
  } finally {
    process.env['PATH'] = path;
  }
});

test('a start that fails shows the end of the log', async () => {
  const starting = startCluster({ brokerProperties: { storePathRootDir: '/dev/null' } });

  await expect(starting).rejects.toMatchObject({
    code: 'START_FAILED',
    message: expect.stringContaining('/dev/null') as string,
  });
});

test('of two that ask for the same lock one waits for the other, and a dead owner is no owner', async () => {
  const lock = join(folder, 'lock');
  const dead = spawn(process.execPath, ['--version']);
  await once(dead, 'exit');
  writeFileSync(lock, `${dead.pid}`);
  const steps: string[] = [];
  const work = (name: string): Promise<void> =>
    withFileLock(lock, async () => {
      steps.push(`${name} begins`);
      await new Promise(resolve => setTimeout(resolve, 50));
      steps.push(`${name} ends`);
    });

  await Promise.all([work('one'), work('two')]);

  const [first, second] = steps[0] === 'one begins' ? ['one', 'two'] : ['two', 'one'];
  expect(steps).toEqual([`${first} begins`, `${first} ends`, `${second} begins`, `${second} ends`]);
  expect(existsSync(lock)).toBe(false);
});

test('JSON as fastjson writes it is read: bare integer keys, objects as keys', () => {
  const text =
    '{"a":{0:"127.0.0.1:1"}, "b":{{"topic":"T","queueId":0}:{"tps":0.0,"on":true,"none":null}},"c":["\\u0041"]}';

  expect(parseLooseJson(text)).toEqual({
    a: { 0: '127.0.0.1:1' },
    b: { '{"queueId":0,"topic":"T"}': { tps: 0, on: true, none: null } },
    c: ['A'],
  });
});

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
