// SPDX-License-Identifier: Apache-2.0
/** What do the basic options change? */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { RocketmqError, shutdown, systemClock, whenRunning } from '../../../../src/index.ts';
import { createAuthority } from '../../../support/certificates.ts';
import { startTlsFront } from '../../../support/tls-front.ts';
import type { Effect, Stage } from './effect.ts';

const authority = createAuthority();
const faraway = '192.0.2.0/24';

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

/**
 * What comes from a cluster that takes encrypted connections only; else what the start was refused with. A handshake takes
 * turns of the event loop that a TestClock would not wait for: the consumer has the system's.
 */
async function encryptedLife(stage: Stage): Promise<readonly string[] | string> {
  const { cluster } = stage;
  stage.send(1);
  await using names = await startTlsFront(cluster.namesrvAddr, authority.issue());
  await using broker = await startTlsFront(cluster.broker().address, authority.issue());
  const network = { namesrvAddr: names.address, mapBrokerAddress: () => broker.address };
  const actor = stage.make({ ...network, consumerTimeoutMillisOfRequest: 10_000 }, { clock: systemClock });
  actor.start();
  try {
    await whenRunning(actor);
    await vi.waitFor(() => expect(stage.deliveries).not.toEqual([]), { timeout: 20_000 });
    return stage.deliveries.map(({ body }) => body);
  } catch (error) {
    if (error instanceof RocketmqError) return error.code;
    throw error;
  } finally {
    await shutdown(actor, { timeout: 1000 });
  }
}

/** Which brokers heard of the consumer. */
async function heartbeatsAt(stage: Stage): Promise<readonly string[]> {
  stage.make().start();
  await stage.pass(5000);
  return [
    ...new Set(stage.cluster.requests({ request: 'heartbeat' }).map(({ server }) => server)),
  ].toSorted();
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
  namespace: {
    change: { namespace: 'shop' },
    observe: async stage => {
      stage.cluster.createTopic('shop%orders', { queues: 1 });
      stage.cluster.send({ topic: 'orders', body: 'outside' }, { topic: 'shop%orders', body: 'within' });
      await stage.start();
      await stage.until(() => stage.deliveries.length > 0);
      return stage.deliveries.map(({ body }) => body);
    },
    byDefault: ['outside'],
    changed: ['within'],
  },
  tls: {
    change: { tls: { ca: authority.ca } },
    observe: encryptedLife,
    byDefault: 'RMQ_TLS_EXPECTED',
    changed: ['0'],
  },
  mapBrokerAddress: {
    cluster: { brokers: 2 },
    change: ({ cluster }) => {
      const refused = cluster.broker('broker-a').address;
      return { mapBrokerAddress: address => (address === refused ? null : address) };
    },
    observe: heartbeatsAt,
    byDefault: ['broker-a', 'broker-b'],
    changed: ['broker-b'],
  },
  allowedBrokerAddresses: {
    change: { allowedBrokerAddresses: [faraway] },
    observe: async stage => [
      await heartbeatsAt(stage),
      stage.all('fault').some(({ error }) => error.code === 'RMQ_BROKER_ADDRESS_REFUSED'),
    ],
    byDefault: [['broker-a'], false],
    changed: [[], true],
  },
  credentials: {
    change: { credentials: { accessKey: 'billing', secretKey: '0123456789abcdef' } },
    observe: async stage => {
      await stage.start();
      await stage.pass(1000);
      const requests = stage.cluster.requests();
      return [...new Set(requests.map(({ fields }) => [fields['AccessKey'], 'Signature' in fields].join()))];
    },
    byDefault: [',false'],
    changed: ['billing,true'],
  },
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
