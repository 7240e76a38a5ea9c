// SPDX-License-Identifier: Apache-2.0
// Does every promise hold on the real Apache RocketMQ, in small? The same pieces as `npm run evidence`; outcomes only.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evidences } from '../../scripts/evidence/catalogue.ts';
import { installedWorkers } from '../../scripts/evidence/kit/installed.ts';
import { Report } from '../../scripts/evidence/kit/report.ts';
import { clusterOptions, type Evidence, Stage } from '../../scripts/evidence/kit/stage.ts';
import { type Cluster, startCluster } from '../support/cluster/cluster.ts';

const folder = mkdtempSync(join(tmpdir(), 'promises-'));
let workers: string;
beforeAll(async () => {
  workers = await installedWorkers();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In small, the short freeze is the same as the long one. */
const onCluster = evidences.filter(
  ({ name, needsCluster }) => needsCluster !== false && name !== 'sigstop-short',
);
const alone = evidences.filter(({ needsCluster }) => needsCluster === false);

async function brokenRows(evidence: Evidence, cluster: Cluster | undefined): Promise<unknown> {
  const lines: string[] = [];
  const report = new Report();
  await evidence.run(
    new Stage({ size: 'share', cluster, workers, folder, say: line => lines.push(line) }),
    report,
  );
  const broken = report.broken(false);
  if (broken.length > 0) console.log(lines.join('\n'));
  return { judged: report.rows.some(({ holds }) => holds !== undefined), broken };
}

describe.each(['5.5.0', '4.9.7'] as const)('on Apache RocketMQ %s', version => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(clusterOptions(version, 'share'));
  });
  afterAll(() => cluster.stop());

  test.each(onCluster.map(evidence => [evidence.name, evidence.about, evidence] as const))(
    '%s: %s',
    async (_name, _about, evidence) => {
      expect(await brokenRows(evidence, cluster)).toEqual({ judged: true, broken: [] });
    },
  );
});

test.each(alone.map(evidence => [evidence.name, evidence.about, evidence] as const))(
  '%s: %s',
  async (_name, _about, evidence) => {
    expect(await brokenRows(evidence, undefined)).toEqual({ judged: true, broken: [] });
  },
);
