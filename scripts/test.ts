// SPDX-License-Identifier: Apache-2.0
/**
 * `npm test`: everything that can be tested here. What needs nothing but Node always runs; the tests on a real Apache
 * RocketMQ run where Java and Maven are, and always in CI, where a missing tool is a failure and not a silent skip.
 */
import { spawnSync } from 'node:child_process';
import { hasClusterTools } from '../test/support/cluster/commands.ts';

const isCi = process.env['CI'] === 'true';
const withBroker = isCi || hasClusterTools();
const nodeOnly = ['unit', 'paths', 'embedded'];
const projects = withBroker ? [...nodeOnly, 'broker'] : nodeOnly;
const notice =
  '\n!! The tests on a real Apache RocketMQ did NOT run: they need java (17) and mvn on the PATH.\n';

if (!withBroker) console.log(notice);
const { status } = spawnSync(
  'vitest',
  ['run', ...projects.flatMap(name => ['--project', name]), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
if (!withBroker) console.log(notice);
process.exitCode = status ?? 1;
