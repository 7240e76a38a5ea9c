// SPDX-License-Identifier: Apache-2.0
/** What do the options of offsets change? */
import { type CustomOffsetStore, shutdown } from '../../../../src/index.ts';
import { systemError } from '../../../support/memory-file-system.ts';
import type { Effect, Stage } from './effect.ts';

/** One message of each queue is done, and nothing was handed to the broker yet. */
async function consumed(stage: Stage, count: number) {
  const actor = await stage.start();
  stage.send(count);
  await stage.until(() => stage.deliveries.length === count);
  return actor;
}

/** How many commits were asked for at once, at most, when the consumer stopped. */
async function sideBySide(stage: Stage): Promise<number> {
  const actor = await consumed(stage, 8);
  stage.cluster.interfere({ request: 'updateConsumerOffset' }, { kind: 'delay', ms: 50 });
  const since = stage.now;
  await stage.cluster.passUntil(shutdown(actor));
  const commits = stage.cluster
    .requests({ request: 'updateConsumerOffset', topic: 'orders' })
    .filter(({ at }) => at >= since);
  return Math.max(...commits.map(({ at }) => commits.filter(other => other.at === at).length));
}

/** Writes of the offset file that were tried in one period while the disk was full. */
async function writes(stage: Stage): Promise<number> {
  let tries = 0;
  await consumed(stage, 1);
  stage.fileSystem.fail = operation => {
    if (operation !== 'write' && operation !== 'create') return;
    tries += 1;
    throw systemError('ENOSPC');
  };
  await stage.pass(60_000);
  return tries;
}

/** Whether the consumer says that offsets do not get anywhere. */
async function tellsUnsaved(stage: Stage): Promise<boolean> {
  const actor = await consumed(stage, 1);
  stage.fileSystem.fail = operation => {
    if (operation === 'write' || operation === 'create') throw systemError('ENOSPC');
  };
  await stage.pass(60_000);
  return actor.getSnapshot().matches({ running: 'unsaved' });
}

let rows: number[] = [];

const ownTable: CustomOffsetStore = {
  read: () => undefined,
  write: positions => {
    rows.push(...positions.filter(({ queue }) => queue.topic === 'orders').map(({ offset }) => offset));
  },
};

/** What the broker has, and what the table has. */
async function keptAt(stage: Stage): Promise<readonly unknown[]> {
  rows = [];
  await consumed(stage, 1);
  await stage.pass(10_000);
  return [stage.cluster.broker().committed('billing', 'orders', 0), rows.at(-1)];
}

export const offsetEffects = {
  enableAutoCommit: {
    change: { enableAutoCommit: false },
    observe: async stage => {
      await consumed(stage, 1);
      await stage.pass(10_000);
      return stage.cluster.broker().committed('billing', 'orders', 0);
    },
    byDefault: 1,
    changed: 0,
  },
  persistConsumerOffsetInterval: {
    base: { pullBatchSize: 1 },
    change: { persistConsumerOffsetInterval: 1000 },
    observe: async stage => {
      await stage.start();
      await stage.pass(100);
      stage.send(1);
      await stage.pass(2000);
      return stage.cluster.broker().committed('billing', 'orders', 0);
    },
    byDefault: 0,
    changed: 1,
  },
  persistBatchSize: {
    queues: 8,
    change: { persistBatchSize: 1 },
    observe: sideBySide,
    byDefault: 8 + 8, // each queue its own as it ends, then all of them in one write
    changed: 8 + 1,
  },
  maxOffsetStoreSize: {
    queues: 4,
    change: { maxOffsetStoreSize: 2 },
    observe: async stage => {
      stage.make().start();
      await stage.pass(5000);
      return stage.all('fault').some(({ error }) => error.code === 'RMQ_STORE_FULL');
    },
    byDefault: false,
    changed: true,
  },
  offsetStoreRetryTimes: {
    base: { messageModel: 'BROADCASTING' },
    change: { offsetStoreRetryTimes: 0 },
    observe: writes,
    byDefault: 40, // in a minute: a write that fails and three more, each time
    changed: 12,
  },
  offsetStoreRecoveryThreshold: {
    base: { messageModel: 'BROADCASTING' },
    change: { offsetStoreRecoveryThreshold: 0 },
    observe: tellsUnsaved,
    byDefault: true,
    changed: false,
  },
  offsetStore: {
    change: { offsetStore: ownTable },
    observe: keptAt,
    byDefault: [1, undefined],
    changed: [undefined, 1],
  },
  storePath: {
    base: { messageModel: 'BROADCASTING' },
    change: { storePath: '/var/lib/billing' },
    observe: async stage => {
      await consumed(stage, 1);
      await stage.pass(10_000);
      const paths = [...stage.fileSystem.files.keys()];
      return [paths.length > 0, paths.every(path => path.startsWith('/var/lib/billing/'))];
    },
    byDefault: [true, false],
    changed: [true, true],
  },
} satisfies Readonly<Record<string, Effect>>;
