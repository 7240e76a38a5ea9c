// SPDX-License-Identifier: Apache-2.0
/** Every public name, grouped; no logic. */

export type {
  AllocateContext,
  AllocateFunction,
  AllocateStrategy,
  NamedAllocateStrategy,
} from './allocation/allocate-strategy.ts';
export { average } from './allocation/average.ts';
export { averageByCircle } from './allocation/average-by-circle.ts';
export { byConfig } from './allocation/by-config.ts';
export { type ConsistentHashOptions, consistentHash } from './allocation/consistent-hash.ts';
export { createAllocateContext } from './allocation/create-allocate-context.ts';
export { machineRoom } from './allocation/machine-room.ts';
export {
  type MachineRoomResolver,
  machineRoomNearby,
  type RoomOf,
} from './allocation/machine-room-nearby.ts';
export { sticky } from './allocation/sticky.ts';
export type { AllocateStrategyName } from './allocation/strategies.ts';
// Config
export { ConsumeFromWhere, Handover, LogLevel, MessageModel, OrderBy } from './config/closed-sets.ts';
export type { ConsumerConfig } from './config/consumer-config.ts';
export type { SubscriptionConfig } from './config/consuming-kinds.ts';
export type { CorruptMessage, CorruptPolicy } from './config/corrupt-policy.ts';
export { createConsumerConfig } from './config/create-consumer-config.ts';
export type { CustomOffsetStore, OffsetStoreContext, StoredOffset } from './config/custom-offset-store.ts';
export { type ExplainedOption, explain, explainRows } from './config/explain.ts';
export type { NamespaceOption } from './config/namespace-kind.ts';
export { parseConfig } from './config/parse-config.ts';
export type { OptionName, Origin, ResolvedConfig } from './config/resolved-config.ts';
export type { RetryDecision, RetryPolicy } from './config/retry-policy.ts';
export type { RevokeHook, RevokeHookContext } from './config/revoke-hook.ts';
export { type ConfigSources, systemSources } from './config/sources.ts';
// Offsets without a consumer
export {
  type ConsumeFromWhereConfig,
  ConsumeFromWhereManager,
  type QueuePlace,
  type StartStrategy,
} from './consume-from-where-manager.ts';
// The consumer
export type { Consumer, EventHandler } from './consumer/consumer.ts';
export type { ConsumerActor, ConsumerSnapshot, ConsumerStateValue } from './consumer/consumer-actor.ts';
export {
  createConcurrentConsumer,
  createConsumer,
  createOrderlyConsumer,
} from './consumer/create-consumer.ts';
export { createConsumerActor } from './consumer/create-consumer-actor.ts';
export type { Environment } from './consumer/environment.ts';
export { execute } from './consumer/execute.ts';
export type { ConsumerHealth } from './consumer/health.ts';
export type { ReceivedMessage } from './consumer/received-message.ts';
export { shutdown } from './consumer/shutdown.ts';
export type { ConsumerStats } from './consumer/stats.ts';
export { whenRunning } from './consumer/when-running.ts';
export {
  createOffsetStore,
  type OffsetStoreConfig,
  type OffsetStoreInfo,
  type StandaloneOffsetStore,
  validateOffsetStoreConfig,
} from './create-offset-store.ts';
// A small producer, for tools, demos and tests
export { createProducer, type ProducerEnvironment } from './create-producer.ts';
// Errors
export {
  type ConsumerErrorGroup,
  consumerErrorGroup,
  isFatalError,
  isRetriableError,
} from './errors/error-groups.ts';
export { type ErrorCode, type ErrorKind, errorTable, type RetryAdvice } from './errors/error-table.ts';
export {
  BrokerError,
  ConfigError,
  type ConfigProblem,
  ConnectionError,
  ConsumerError,
  type ErrorContext,
  ProtocolError,
  RocketmqError,
  SubscriptionError,
  type SubscriptionProblem,
} from './errors/errors.ts';
export type { ThrottleCause } from './flow/flow-gate.ts';
// Listeners and what they see
export type { ConsumeCall, ConsumeEnd, ConsumeHook, ConsumeOutcome } from './listeners/consume-hook.ts';
export {
  type ConcurrentListener,
  type ConsumeAnswer,
  type ConsumeContext,
  type ConsumeMessage,
  type ConsumeMessages,
  type ConsumeOrderly,
  type ConsumeReturn,
  type ContextOffsetStore,
  concurrently,
  type Listener,
  type MessageBatch,
  type MessageListener,
  type OrderlyAnswer,
  type OrderlyContext,
  type OrderlyListener,
  type OrderlyMessageListener,
  type OrderlyReturn,
  orderly,
  simple,
} from './listeners/listener.ts';
export type { QueueChoice, SeekTarget } from './machines/commands/work-command.ts';
export type { ConflictDetails } from './machines/conflicts/conflicts.types.ts';
export type {
  AssignedQueue,
  ConsumerCommand,
  ConsumerEvent,
  ConsumerTag,
  ConsumerView,
  ShutdownReport,
  StepReport,
  StopStep,
} from './machines/consumer/consumer.types.ts';
export type { ConsumeRates } from './machines/consumer/server-requests/figures.ts';
export type { ReadingFrom } from './machines/pull/pull-target.ts';
// The outside world, for tests and special networks
export type { MapBrokerAddress } from './model/broker-address.ts';
export { type Clock, systemClock } from './model/clock.ts';
export { ConsumeResult, OrderlyResult } from './model/consume-result.ts';
export type { Credentials, CredentialsProvider } from './model/credentials.ts';
export type { MessageExt } from './model/message.ts';
export type { MessageQueue } from './model/message-queue.ts';
export type { RevokeReason } from './model/revoke-reason.ts';
// Subscriptions and allocation
export { type Selector, type SubscriptionData, sql, tag } from './model/subscription.ts';
export type { Pem, TlsChoice, TlsSettings, TlsSource } from './model/tls.ts';
export type { LogFields, Logger } from './observability/logger.ts';
export { silentLogger } from './observability/logger.ts';
export {
  closeAllOffsetStores,
  closeOffsetStore,
  getOffsetStoreManager,
  getOffsetStoreMetrics,
  OffsetStoreManager,
} from './offset-store-manager.ts';
export type { Message } from './producer/message.ts';
export { type Producer, type SendResult, SendStatus } from './producer/producer.ts';
export type { ProducerOptions } from './producer/producer-options.ts';
export type { CommitCarrier, CommitGate, CommitLine } from './stores/commit-line.ts';
export type { FileSystem, ProcessTable } from './stores/file-system.ts';
export { LocalOffsetStore, type LocalOffsetStoreOptions } from './stores/local-offset-store.ts';
export { nodeFileSystem, nodeProcesses } from './stores/node-file-system.ts';
export type { OffsetOwner } from './stores/offset-document.ts';
export {
  type CallOptions,
  type OffsetStore,
  type OffsetStoreMetrics,
  type PersistOptions,
  type PersistReport,
  type QueuePosition,
  ReadOffsetType,
  type UncommittedPosition,
} from './stores/offset-store.ts';
export {
  type RemoteOffsetPort,
  RemoteOffsetStore,
  type RemoteOffsetStoreOptions,
} from './stores/remote-offset-store.ts';
export type { StartPosition } from './stores/start-position.ts';
export type { RecordedConflict, SubscriptionConflict } from './subscriptions/subscription-conflicts.ts';
export type { ExportedSubscription, SubscriptionExport } from './subscriptions/subscription-export.ts';
export {
  SubscriptionManager,
  type SubscriptionManagerOptions,
  type SubscriptionSummary,
} from './subscriptions/subscription-manager.ts';
export type { Subscription, SubscriptionChange } from './subscriptions/subscription-table.ts';
export type { Dialer, Socket, SocketHandlers } from './transport/ports.ts';
