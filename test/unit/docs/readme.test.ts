// SPDX-License-Identifier: Apache-2.0
/** Is the README's first consumer true? It is run as it stands there, and must write what stands below it. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../../src/testing/index.ts';

const root = join(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const [, code = '', output = ''] = /^```ts\n(.*?)^```\n\n```text\n(.*?)^```$/ms.exec(readme) ?? [];
const expected = output.trimEnd().split('\n');

const folder = mkdtempSync(join(tmpdir(), 'readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The README's lines in a file, on this cluster and with the library's sources. */
function programOn(cluster: EmbeddedCluster): string {
  const file = join(folder, 'consumer.mts');
  const library = JSON.stringify(join(root, 'src/index.ts'));
  writeFileSync(
    file,
    code.replace("'rocketmq-actors'", library).replace('127.0.0.1:9876', cluster.namesrvAddr),
  );
  return file;
}

/** A new group has looked where its queues end: what is sent from now on is for it. */
function hasBegun(cluster: EmbeddedCluster, queues: number): boolean {
  const ids = Array.from({ length: queues }, (_, id) => id);
  return ids.every(id => cluster.broker().committed('billing', 'orders', id) !== undefined);
}

describe("the README's first consumer", () => {
  it('has at most twelve lines', () => {
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(12);
  });

  it('that brings its own cluster writes what stands below it, and ends', { timeout: 60_000 }, async () => {
    const [, own = '', wanted = ''] =
      [...readme.matchAll(/^```ts\n([^`]*?)^```\n\n```text\n(.*?)^```$/gms)][1] ?? [];
    expect(own).toContain('startEmbeddedCluster');
    const file = join(folder, 'own-cluster.mts');
    const source = (path: string): string => JSON.stringify(join(root, path));
    writeFileSync(
      file,
      own
        .replace("'rocketmq-actors'", source('src/index.ts'))
        .replace("'rocketmq-actors/testing'", source('src/testing/index.ts')),
    );
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: root });
    expect(stdout).toBe(wanted);
  });

  it('writes what the README says', { timeout: 60_000 }, async () => {
    await using cluster = await startEmbeddedCluster();
    cluster.createTopic('orders', { queues: 2 });
    const orders = expected.filter(line => line.startsWith('order-'));
    const child = spawn(process.execPath, ['--import', 'tsx', programOn(cluster)], { cwd: root });
    const ended = new Promise(resolve => child.once('close', resolve));
    const written: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      written.push(line);
      if (line === 'running.active') {
        await cluster.untilRequest({ request: 'updateConsumerOffset', topic: 'orders' }, 2);
        expect(hasBegun(cluster, 2)).toBe(true);
      }
      if (line !== 'running.active' && !line.startsWith('order-')) continue;
      const [key, body] = orders.shift()?.split(' ') ?? [];
      if (key !== undefined && body !== undefined) cluster.send({ topic: 'orders', body, keys: key });
      else child.kill('SIGINT');
    }
    expect(await ended).toBe(0);
    expect(written).toEqual(expected.filter(line => line !== '^C'));
  });
});
