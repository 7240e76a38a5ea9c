// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run evidence -- NAME`: one promise of the README shown on a real Apache RocketMQ, at full size, with its figures.
 *   npm run evidence                                     the list
 *   npm run evidence -- members --version 4.9.7          5.5.0 when not given
 *   npm run evidence -- members --share                  small counts, in seconds: what continuous integration runs
 *   npm run evidence -- members --keep                   the files of the members stay, and the last line says where
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startCluster } from '../test/support/cluster/cluster.ts';
import { type RocketmqVersion, rocketmqVersions } from '../test/support/cluster/jars.ts';
import { evidences } from './evidence/catalogue.ts';
import { installedWorkers } from './evidence/kit/installed.ts';
import { Report, summary, table } from './evidence/kit/report.ts';
import { clusterOptions, type Evidence, Stage } from './evidence/kit/stage.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    version: { type: 'string', default: '5.5.0' },
    share: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const [name] = positionals;
const evidence = evidences.find(each => each.name === name);
const version = rocketmqVersions.find(each => each === values.version);
if (version === undefined) throw new RangeError(`--version must be one of ${rocketmqVersions.join(', ')}`);
if (name === undefined) list();
else if (evidence === undefined) {
  console.error(`no evidence is called ${name}; there are ${evidences.map(each => each.name).join(', ')}`);
  process.exitCode = 2;
} else process.exitCode = (await show(evidence, version)) ? 0 : 1;

function list(): void {
  const width = Math.max(...evidences.map(each => each.name.length));
  for (const each of evidences) console.log(`${each.name.padEnd(width)}  ${each.about}`);
}

async function show(shown: Evidence, on: RocketmqVersion): Promise<boolean> {
  const size = values.share ? 'share' : 'full';
  const workers = await installedWorkers();
  const folder = mkdtempSync(join(tmpdir(), `evidence-${shown.name}-`));
  const startedAt = Date.now();
  const say = (line: string): void =>
    console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  const report = new Report();
  say(`${shown.name}: ${shown.about}`);
  try {
    const needsCluster = shown.needsCluster ?? true;
    if (needsCluster) say(`starting Apache RocketMQ ${on}`);
    await using cluster = needsCluster ? await startCluster(clusterOptions(on, size)) : undefined;
    await shown.run(new Stage({ size, cluster, workers, folder, say }), report);
  } catch (error) {
    console.error(error);
    report.check('ran to its end', false, { is: true });
  } finally {
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
  const withSpeed = size === 'full';
  const holds = report.broken(withSpeed).length === 0;
  console.log(`\n${table(report.rows, withSpeed)}\n`);
  if (values.keep) console.log(`files: ${folder}`);
  const where = shown.needsCluster === false ? 'no broker' : on;
  const what = values.share ? `${where}, share` : where;
  console.log(`${shown.name} ${what}: ${holds ? 'PASS' : 'FAIL'} ${summary(report.rows)}`);
  return holds;
}
