// SPDX-License-Identifier: Apache-2.0
/** Which of pyrocketmq's kinds of error is one of ours? There each is a class; here a code says more, and this says which class. */
import { type ErrorCode, type ErrorKind, errorTable } from './error-table.ts';
import { RocketmqError, SubscriptionError } from './errors.ts';

/** The original's subclasses of ConsumerError, without `Error` and in camelCase: StartError is `start`. */
export const consumerErrorGroups = {
  start: 'ConsumerStartError',
  shutdown: 'ConsumerShutdownError',
  state: 'ConsumerStateError',
  subscribe: 'SubscribeError',
  unsubscribe: 'UnsubscribeError',
  consume: 'MessageConsumeError',
  pull: 'MessagePullError',
  offset: 'OffsetError',
  offsetFetch: 'OffsetFetchError',
  rebalance: 'RebalanceError',
  broker: 'BrokerNotAvailableError',
  nameServer: 'NameServerError',
  network: 'NetworkError',
  timeout: 'TimeoutError',
  config: 'ConfigError',
  validation: 'ValidationError',
} as const;

/** One of the original's 16 kinds. */
export type ConsumerErrorGroup = keyof typeof consumerErrorGroups;

/** Codes whose row does not say it already. */
const groupOfCode: Readonly<Partial<Record<ErrorCode, ConsumerErrorGroup>>> = {
  RMQ_START_TIMEOUT: 'start',
  RMQ_ABORTED: 'shutdown',
  RMQ_CONSUMER_STOPPED: 'state',
  RMQ_CONSUMER_NOT_RUNNING: 'state',
  RMQ_COMMAND_REFUSED: 'state',
  RMQ_ALREADY_READING: 'state',
  RMQ_PRODUCER_STOPPED: 'state',
  RMQ_SUBSCRIPTION_INVALID: 'subscribe',
  RMQ_SELECTOR_REFUSED: 'subscribe',
  RMQ_SUBSCRIPTION_CONFLICT: 'subscribe',
  RMQ_SUBSCRIPTION_STALE: 'subscribe',
  RMQ_TOPIC_NOT_FOUND: 'subscribe',
  RMQ_BAD_MESSAGE: 'pull',
  RMQ_BODY_TOO_LARGE: 'pull',
  RMQ_BAD_BODY: 'pull',
  RMQ_UNSAFE_OFFSET: 'offset',
  RMQ_OFFSET_OUT_OF_RANGE: 'offset',
  RMQ_COMMIT_WITHHELD: 'offset',
  RMQ_STORE_FULL: 'offset',
  RMQ_OFFSET_FILE_LOCKED: 'offset',
  RMQ_OFFSET_FILE_RESTORED: 'offset',
  RMQ_OFFSET_FILE_VERSION: 'offset',
  RMQ_OFFSET_FILE_UNWRITABLE: 'offset',
  RMQ_OFFSET_FILE_DAMAGED: 'offsetFetch',
  RMQ_OFFSET_NOT_FOUND: 'offsetFetch',
  RMQ_OFFSET_UNKNOWN: 'offsetFetch',
  RMQ_ALLOCATION_FAILED: 'rebalance',
  RMQ_QUEUE_NOT_OWNED: 'rebalance',
  RMQ_DUPLICATE_CLIENT_ID: 'rebalance',
  RMQ_LOCK_REFUSED: 'rebalance',
  RMQ_HANDOVER_UNFENCED: 'rebalance',
  RMQ_NAME_SERVER_UNAVAILABLE: 'nameServer',
  RMQ_NOT_A_NAME_SERVER: 'nameServer',
  RMQ_NOT_REMOTING: 'network',
  RMQ_REQUEST_TIMEOUT: 'timeout',
  RMQ_CONSUME_TIMEOUT: 'timeout',
  RMQ_CONFIG_INVALID: 'config',
};

const groupOfKind: Readonly<Record<ErrorKind, ConsumerErrorGroup>> = {
  usage: 'validation',
  network: 'network',
  protocol: 'pull',
  broker: 'broker',
  security: 'broker',
  consume: 'consume',
  internal: 'state',
};

/**
 * The original's kind of an error; undefined for what is none of ours.
 * @example if (consumerErrorGroup(error) === 'offsetFetch') waitForTheBroker();
 */
export function consumerErrorGroup(error: unknown): ConsumerErrorGroup | undefined {
  if (error instanceof SubscriptionError && error.problem === 'notSubscribed') return 'unsubscribe';
  return error instanceof RocketmqError ? groupOf(error.code) : undefined;
}

/** The group of a code. */
export function groupOf(code: ErrorCode): ConsumerErrorGroup {
  return groupOfCode[code] ?? groupOfKind[errorTable[code].kind];
}

/**
 * Whether the same call may succeed later: `error.retry` is not `'never'`.
 * @example if (isRetriableError(error)) scheduleAgain();
 */
export function isRetriableError(error: unknown): boolean {
  return error instanceof RocketmqError && error.retry !== 'never';
}

/**
 * Whether somebody has to change something first: one of ours whose `retry` is `'never'`.
 * @example if (isFatalError(error)) process.exitCode = 1;
 */
export function isFatalError(error: unknown): boolean {
  return error instanceof RocketmqError && error.retry === 'never';
}
