// SPDX-License-Identifier: Apache-2.0
/** Where are this consumer's offsets kept? Clustering: at the brokers. Broadcasting: in a local file. */
import type { CustomOffsetStore } from '../../config/custom-offset-store.ts';
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { namespaceOf } from '../../model/namespace.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import { CustomOffsetPort } from '../../stores/custom-offset-port.ts';
import type { FileSystem } from '../../stores/file-system.ts';
import { LocalOffsetStore } from '../../stores/local-offset-store.ts';
import { nodeFileSystem, nodeProcesses } from '../../stores/node-file-system.ts';
import type { CallOptions, OffsetStore } from '../../stores/offset-store.ts';
import { RemoteOffsetStore } from '../../stores/remote-offset-store.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import type { BrokerLocator } from './broker-locator.ts';

/** The group's committed offset of a queue, asked of its broker (14) or read locally. Time limit: by default that of the consumer's requests. */
export type QueryOffset = (
  queue: MessageQueue,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
) => Promise<QueueOffset | undefined>;

/** A store that looks up, after the last commit of a queue, whether it is there. */
export interface ConsumerOffsetStore extends OffsetStore {
  confirm(queue: MessageQueue, options?: CallOptions): Promise<'stored' | 'committed'>;
}

export interface OffsetPlace {
  readonly store: ConsumerOffsetStore;
  /** What is stored of a queue, whatever memory says. */
  readonly storedOffset: QueryOffset;
  /** What counts as committed after a time gap: at the brokers somebody else may have gone on. */
  readonly committedOffset: QueryOffset;
  /** At the end. */
  readonly close: () => void;
}

export interface OffsetSurroundings extends LocalSurroundings {
  readonly calls: BrokerCalls;
  readonly locator: BrokerLocator;
}

export interface LocalSurroundings {
  readonly config: ResolvedConfig;
  readonly clock: Clock;
  readonly fileSystem: FileSystem | undefined;
  readonly mayCommit: () => boolean;
  readonly onFault: (error: RocketmqError) => void;
}

export function isBroadcasting({ messageModel }: Pick<ResolvedConfig, 'messageModel'>): boolean {
  return messageModel === 'BROADCASTING';
}

/** Commits may travel with pulls: they end at the brokers. */
export function commitsByPull(config: ResolvedConfig): boolean {
  return !isBroadcasting(config) && config.offsetStore === undefined;
}

export function offsetPlace(around: OffsetSurroundings): OffsetPlace {
  return placeWithoutBrokers(around) ?? atBrokers(around);
}

/** undefined: the offsets belong to the brokers. */
export function placeWithoutBrokers(around: LocalSurroundings): OffsetPlace | undefined {
  const { offsetStore } = around.config;
  if (offsetStore !== undefined) return elsewhere(around, offsetStore);
  return isBroadcasting(around.config) ? inFile(around) : undefined;
}

/** As at brokers, for in clustering others may have gone on: asked, gated and looked up alike. */
function elsewhere(
  { config, clock, mayCommit, onFault }: LocalSurroundings,
  custom: CustomOffsetStore,
): OffsetPlace {
  const { consumerGroup, clientId, maxOffsetStoreSize, persistBatchSize } = config;
  const timeoutMs = config.consumerTimeoutMillisOfRequest;
  const port = new CustomOffsetPort({
    store: custom,
    ...{ consumerGroup, clientId, clock, timeoutMs, onFault },
  });
  const store = new RemoteOffsetStore({
    ...{ clock, mayCommit, maxOffsetStoreSize, persistBatchSize, timeoutMs, port },
  });
  const query: QueryOffset = (queue, options) => port.query(queue, options);
  return { store, storedOffset: query, committedOffset: query, close: () => port.close() };
}

function inFile({ config, clock, fileSystem = nodeFileSystem, onFault }: LocalSurroundings): OffsetPlace {
  const { clientId, storePath, maxOffsetStoreSize } = config;
  // Groups of two namespaces have files of their own.
  const consumerGroup = namespaceOf(config.namespace)?.wire(config.consumerGroup) ?? config.consumerGroup;
  const store = new LocalOffsetStore({
    ...{ storePath, fileSystem, clock, maxOffsetStoreSize, onFault },
    owner: { clientId, consumerGroup },
    processes: nodeProcesses,
  });
  return {
    store,
    storedOffset: queue => store.readOffset(queue, 'READ_FROM_STORE'),
    committedOffset: queue => store.readOffset(queue),
    close: () => store.close(),
  };
}

function atBrokers({ config, clock, calls, locator, mayCommit }: OffsetSurroundings): OffsetPlace {
  const { consumerGroup, maxOffsetStoreSize, persistBatchSize } = config;
  const timeoutMs = config.consumerTimeoutMillisOfRequest;
  const query: QueryOffset = (queue, options) =>
    calls.queryOffset(locator.master(queue.brokerName), { consumerGroup, queue }, { timeoutMs, ...options });
  const store = new RemoteOffsetStore({
    ...{ clock, mayCommit, maxOffsetStoreSize, persistBatchSize, timeoutMs },
    port: {
      query,
      update: (queue, offset, options) =>
        calls.updateOffset(
          locator.master(queue.brokerName),
          { consumerGroup, queue, offset },
          { timeoutMs, ...options },
        ),
      updateOneway: (queue, offset) =>
        calls.updateOffsetOneway(locator.master(queue.brokerName), { consumerGroup, queue, offset }),
    },
  });
  return { store, storedOffset: query, committedOffset: query, close: () => {} };
}
