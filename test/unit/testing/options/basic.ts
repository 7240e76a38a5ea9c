// SPDX-License-Identifier: Apache-2.0
/** What do the basic options change? */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Effect, Stage } from './effect.ts';

/** What the broker knows its members by. */
async function clientIds(stage: Stage, group = 'billing'): Promise<readonly string[]> {
  await stage.start();
  return stage.cluster
    .broker()
    .members(group)
    .map(({ clientId }) => clientId);
}

function idMatches(pattern: RegExp): Pick<Effect, 'observe' | 'byDefault' | 'changed'> {
  return {
    observe: async stage => (await clientIds(stage)).map(id => pattern.test(id)),
    byDefault: [false],
    changed: [true],
  };
}

/** The largest answer to a pull, counted by what one call of a listener that takes much was given. */
async function largestBatch(stage: Stage): Promise<number> {
  stage.send(100);
  await stage.start();
  await stage.until(() => stage.deliveries.length === 100);
  return Math.max(...stage.deliveries.map(({ size }) => size));
}

export const basicEffects = {
  consumerGroup: {
    change: { consumerGroup: 'payroll' },
    observe: async stage => (await clientIds(stage, 'payroll')).length,
    byDefault: 0,
    changed: 1,
  },
  namesrvAddr: {
    cluster: { nameServers: 2 },
    change: ({ cluster }) => ({ namesrvAddr: cluster.nameServers[1]?.address ?? '' }),
    observe: async stage => {
      await stage.start();
      return ['namesrv-0', 'namesrv-1'].filter(
        server => stage.cluster.requests({ request: 'routeByTopic', server }).length > 0,
      );
    },
    byDefault: ['namesrv-0'],
    changed: ['namesrv-1'],
  },
  instanceName: { change: { instanceName: 'me' }, ...idMatches(/@me$/) },
  clientIp: { change: { clientIp: '10.9.8.7' }, ...idMatches(/^10\.9\.8\.7@/) },
  unitName: { change: { unitName: 'eu-1' }, ...idMatches(/@eu-1$/) },
  configFile: {
    base: { consumeMessageBatchMaxSize: 100 },
    change: () => ({ configFile: fileHolding({ pullBatchSize: 7 }) }),
    observe: largestBatch,
    byDefault: 32,
    changed: 7,
  },
} satisfies Readonly<Record<string, Effect>>;

function fileHolding(config: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'effect-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'rocketmq.json');
  writeFileSync(path, JSON.stringify(config));
  return path;
}
