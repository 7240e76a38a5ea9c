// SPDX-License-Identifier: Apache-2.0
/** Does every promise hold on a real Apache RocketMQ, in small? The same pieces as `npm run evidence`; outcomes only. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evidences } from '../../scripts/evidence/catalogue.ts';
import { installedWorkers } from '../../scripts/evidence/kit/installed.ts';
import { Report } from '../../scripts/evidence/kit/report.ts';
import { clusterOptions, type Evidence, Stage } from '../../scripts/evidence/kit/stage.ts';
import { type Cluster, type RocketmqVersion, startCluster } from '../support/cluster/cluster.ts';

/** In small, the short freeze is the same as the long one. */
const onCluster = evidences.filter(
  ({ name, needsCluster }) => needsCluster !== false && name !== 'sigstop-short',
);
const waitMostly = new Set([
  ...['members', 'sigstop', 'stuck', 'young-topic', 'grown-topic'],
  ...['messages', 'control', 'conflicts', 'retry-levels'],
]);

/** Runs a piece in small; what it prints is shown only if something does not hold. */
function usePieces(): (run: Evidence['run'], cluster?: Cluster) => Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'promises-'));
  let workers: string;
  beforeAll(async () => {
    workers = await installedWorkers();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return async (run, cluster) => {
    const lines: string[] = [];
    const report = new Report();
    await run(new Stage({ size: 'share', cluster, workers, folder, say: line => lines.push(line) }), report);
    const broken = report.broken(false);
    if (broken.length > 0) console.log(lines.join('\n'));
    return { judged: report.rows.some(({ holds }) => holds !== undefined), broken };
  };
}

/** Of the promises that need a cluster, those whose share this version has. */
export function promisesOn(version: RocketmqVersion): void {
  describe(`on Apache RocketMQ ${version}`, () => {
    const outcome = usePieces();
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startCluster(clusterOptions(version, 'share'));
    });
    afterAll(() => cluster.stop());
    const here = onCluster.filter(({ shareOn = version }) => shareOn === version);

    // Those that mostly wait, side by side; then those that need the cluster, or the processors, for themselves.
    for (const { name, about, run } of here.filter(each => waitMostly.has(each.name))) {
      test.concurrent(`${name}: ${about}`, async () => {
        expect(await outcome(run, cluster)).toEqual({ judged: true, broken: [] });
      });
    }
    for (const { name, about, run } of here.filter(each => !waitMostly.has(each.name))) {
      test(`${name}: ${about}`, async () => {
        expect(await outcome(run, cluster)).toEqual({ judged: true, broken: [] });
      });
    }
  });
}

/** Promises that are kept, or broken, without a cluster, or with clusters of their own. */
export function otherPromises(): void {
  const outcome = usePieces();
  for (const { name, about, run } of evidences.filter(({ needsCluster }) => needsCluster === false)) {
    test(`${name}: ${about}`, async () => {
      expect(await outcome(run)).toEqual({ judged: true, broken: [] });
    });
  }
}
