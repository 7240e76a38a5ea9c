// SPDX-License-Identifier: Apache-2.0
/**
 * What does a broker hear of this consumer's work (307)? A fixed list: settings by name, never the config as it stands, which
 * may hold credentials. Source: ConsumerRunningInfo, DefaultMQPushConsumerImpl.consumerRunningInfo.
 */
import type { ResolvedConfig } from '../../../config/resolved-config.ts';
import type { Clock } from '../../../model/clock.ts';
import { encodeRunningInfo, type RunningInfo } from '../../../protocol/bodies/running-info.ts';
import { ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { runningInfo } from '../../../protocol/requests/running-info.ts';
import { orderOf } from '../consume-order.ts';
import type { Reply, RequestSurroundings, ShownQueue } from './server-requests.types.ts';
import { unknownGroup } from './unknown-group.ts';

/** Instead of the stacks of threads. */
const noStacks =
  'This consumer runs in Node.js: there are no threads whose stacks could be shown. Handlers are asynchronous; how many of each queue run is in transactionMsgCount (orderly), how many messages are held in cachedMsgCount.\n';

/** @param startedAt ms since 1970 */
export function answerRunningInfo(
  around: RequestSurroundings,
  startedAt: number,
  frame: Frame,
  reply: Reply,
): void {
  const { consumerGroup, jstackEnable } = readHeader(runningInfo, frame, around.namespace);
  if (consumerGroup !== around.config.consumerGroup) {
    reply(unknownGroup(consumerGroup));
    return;
  }
  const info = infoOf(around, startedAt, jstackEnable === true ? noStacks : undefined);
  reply({ code: ResponseCode.SUCCESS, body: encodeRunningInfo(info, around.namespace) });
}

function infoOf(
  { config, clock, subscriptions, figures, queues }: RequestSurroundings,
  startedAt: number,
  jstack: string | undefined,
): RunningInfo {
  const isOrderly = orderOf(config) !== 'concurrent';
  const subscriptionSet = subscriptions.toDataList({ retryOf: config.consumerGroup });
  return {
    jstack,
    mqPopTable: [],
    mqTable: queues().map(queue => [queue.owned.queue, queueInfo(queue, clock, isOrderly)]),
    properties: propertiesOf(config, startedAt, isOrderly),
    statusTable: new Map(subscriptionSet.map(({ topic }) => [topic, figures.rates(topic)])),
    subscriptionSet,
    userConsumerInfo: new Map(),
  };
}

const bytesOfMiB = 1 << 20;

/** Of an empty queue Java shows offsets of 0. A queue that was given up is not in the table at all. */
function queueInfo(
  { owned, figures, committed, isLocked }: ShownQueue,
  clock: Clock,
  isOrderly: boolean,
): RunningInfo['mqTable'][number][1] {
  const wallOf = (at: number): number => Math.round(clock.wallNow() - (clock.now() - at));
  const first = owned.count === 0 ? 0 : (owned.commitPoint ?? 0);
  return {
    cachedMsgCount: owned.count,
    cachedMsgMinOffset: first,
    cachedMsgMaxOffset: first + owned.span,
    cachedMsgSizeInMiB: Math.floor(owned.bytes / bytesOfMiB),
    commitOffset: committed() ?? -1,
    droped: false,
    lastConsumeTimestamp: wallOf(figures.lastConsumeAt),
    lastLockTimestamp: 0, // locks are renewed for all queues of a broker at once; `locked` says how they stand
    lastPullTimestamp: wallOf(figures.lastPullAt),
    locked: isLocked(),
    transactionMsgCount: isOrderly ? owned.runningCount : 0,
    transactionMsgMaxOffset: 0,
    transactionMsgMinOffset: 0,
    tryUnlockTimes: 0,
  };
}

/** The first six are read by tools. */
function propertiesOf(
  config: ResolvedConfig,
  startedAt: number,
  isOrderly: boolean,
): ReadonlyMap<string, string> {
  const properties = {
    PROP_NAMESERVER_ADDR: config.namesrvAddr.map(address => `${address};`).join(''),
    PROP_THREADPOOL_CORE_SIZE: config.consumeConcurrency,
    PROP_CONSUMEORDERLY: isOrderly,
    PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
    PROP_CLIENT_VERSION: 'V5_1_4', // as in the frames: protocol/header.ts
    PROP_CONSUMER_START_TIMESTAMP: Math.round(startedAt),
    allowDirectConsume: config.allowDirectConsume,
    consumeConcurrentlyMaxSpan: config.consumeConcurrentlyMaxSpan,
    consumeFromWhere: config.consumeFromWhere,
    consumeMessageBatchMaxSize: config.consumeMessageBatchMaxSize,
    consumeTimeout: config.consumeTimeout,
    consumerGroup: config.consumerGroup,
    maxReconsumeTimes: config.maxReconsumeTimes,
    messageModel: config.messageModel,
    pullBatchSize: config.pullBatchSize,
    pullInterval: config.pullInterval,
    pullThresholdForQueue: config.pullThresholdForQueue,
    pullThresholdSizeForQueue: Math.round(config.pullThresholdSizeForQueueBytes / bytesOfMiB),
    suspendCurrentQueueTimeMillis: config.suspendCurrentQueueTimeMillis,
  };
  return new Map(Object.entries(properties).map(([name, value]) => [name, String(value)]));
}
