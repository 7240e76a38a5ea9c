// SPDX-License-Identifier: Apache-2.0
/**
 * Every promise of `npm run evidence`, in its small form, on a real RocketMQ of both generations. Outcomes only: what is
 * lost, in which order, which states. How fast is shown at full size by hand.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evidences } from '../../scripts/evidence/catalogue.ts';

const root = join(import.meta.dirname, '..', '..');

function share(
  name: string,
  version: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const args = ['scripts/evidence.ts', name, '--version', version, '--share'];
    const child = spawn(join(root, 'node_modules', '.bin', 'tsx'), args, { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', code => resolve({ code, output }));
  });
}

describe.each(['5.5.0', '4.9.7'])('on Apache RocketMQ %s', version => {
  it.each(evidences.map(({ name, about }) => [name, about] as const))('%s: %s', async name => {
    const { code, output } = await share(name, version);
    expect(code, output).toBe(0);
  });
});
