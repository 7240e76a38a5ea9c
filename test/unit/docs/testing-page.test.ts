// SPDX-License-Identifier: Apache-2.0
/** Is docs/testing.md true? Its code is that of examples/03-test.ts, which the type check compiles, and which is run here. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startEmbeddedCluster } from '../../../src/testing/index.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8');
const example = readFileSync(join(root, 'examples/03-test.ts'), 'utf8');
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);

/** As it is written within this repository. */
const withinHere = (code: string): string =>
  code
    .replace("'rocketmq-actors'", "'../src/index.ts'")
    .replace("'rocketmq-actors/testing'", "'../src/testing/index.ts'");

describe('docs/testing.md', () => {
  it('quotes the example word for word, in its order, and leaves nothing out', () => {
    expect(blocks.map(withinHere).join('\n')).toBe(example.slice(example.indexOf('import ')));
  });

  it('is run: every test passes, and a minute and forty seconds of retries take none of them', {
    timeout: 60_000,
  }, async () => {
    const tests = [...example.matchAll(/^test\('(.*)',/gm)].map(([, name]) => name);
    const { passed, failed } = await runExample();
    expect(failed).toEqual([]);
    expect(passed.map(({ name }) => name)).toEqual(tests);
    const retries = passed.find(({ name }) => name.includes('10 s, 30 s and a minute'));
    expect(retries?.ms).toBeLessThan(10_000);
  });

  it('names every kind of interference, and every method it speaks of is there', async () => {
    const types = readFileSync(join(root, 'src/testing/embedded/cluster.types.ts'), 'utf8');
    const kinds = [...types.matchAll(/readonly kind: '(\w+)'/g)].map(([, kind]) => kind);
    const rows = [...page.matchAll(/^\| `'(\w+)'` \|/gm)].map(([, kind]) => kind);
    expect(rows.toSorted()).toEqual(kinds.toSorted());
    await using cluster = await startEmbeddedCluster();
    for (const name of [
      'send',
      'passUntil',
      'pass',
      'settle',
      'interfere',
      'addBroker',
      'removeBroker',
      'requests',
    ]) {
      expect(page).toContain(name);
      expect(cluster).toHaveProperty(name);
    }
  });
});

interface TestLine {
  readonly name: string;
  readonly ms: number;
}

/** With Node's test runner, as the page says. */
async function runExample(): Promise<{
  readonly passed: readonly TestLine[];
  readonly failed: readonly string[];
}> {
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', 'examples/03-test.ts'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch(
    (error: { readonly stdout: string }) => error, // it failed: what it wrote says where
  );
  const lines = [...stdout.matchAll(/^(ok|not ok) \d+ - (.*)\n {2}---\n {2}duration_ms: ([\d.]+)/gm)];
  return {
    passed: lines.filter(([, ok]) => ok === 'ok').map(([, , name = '', ms]) => ({ name, ms: Number(ms) })),
    failed: lines.filter(([, ok]) => ok !== 'ok').map(([, , name = '']) => name),
  };
}
