// SPDX-License-Identifier: Apache-2.0
/** How is a failed message handed back: by number to its own broker, or as a copy to the retry topic? protocol.md section 7.3. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConsumerError } from '../../errors/errors.ts';
import type { MessageExt } from '../../model/message.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { retryTopicOf } from '../../model/names.ts';
import type { Namespace } from '../../model/namespace.ts';
import { writableQueues } from '../../model/route.ts';
import { type CompressionRule, compressIfLarge } from '../../protocol/compression.ts';
import { encodeProperties, propertyNames } from '../../protocol/properties.ts';
import { sysFlagBits } from '../../protocol/record-layout.ts';
import { StoredMessage } from '../../protocol/stored-message.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import type { MessageCalls, SendRequest } from '../../transport/message-calls.ts';
import type { RouteCache } from '../routes/route-cache.ts';
import { decide, levelAtBroker } from '../send-back/send-back.logic.ts';
import type { SendBackPort } from '../send-back/send-back.types.ts';
import type { Returning, ReturnWay } from '../send-back/send-back-job.ts';
import type { BrokerLocator } from './broker-locator.ts';
import { orderOf } from './consume-order.ts';
import { isBroadcasting } from './offset-place.ts';

export interface SendBackWiring {
  readonly config: ResolvedConfig;
  readonly namespace: Namespace | undefined;
  readonly calls: BrokerCalls;
  readonly messages: MessageCalls;
  readonly locator: BrokerLocator;
  readonly cache: RouteCache;
}

/** What -1 means for concurrent consumption. Source: DefaultMQPushConsumerImpl.getMaxReconsumeTimes. */
const defaultMaxReconsumeTimes = 16;
const deadLetterLevel = -1;
/** Beyond the time limits of its sends. Unit: ms. */
const roundSpare = 21_000;
/** Producer group of client-made sends. Source: MixAll.CLIENT_INNER_PRODUCER_GROUP. */
const innerProducerGroup = 'CLIENT_INNER_PRODUCER';

/** Properties that belong to one stay in the broker, or to one delivery, and must not be sent again. */
const notCopied: ReadonlySet<string> = new Set([
  propertyNames.transaction,
  propertyNames.delay,
  propertyNames.cluster,
  propertyNames.realTopic,
  propertyNames.realQueueId,
  ...['TIMER_DELIVER_MS', 'TIMER_DELAY_MS', 'TIMER_DELAY_SEC'],
]);

/** A round is over by itself well before: one 36, or copies to that many brokers, one after the other. Unit: ms. */
export function roundLimitOf(
  config: Pick<ResolvedConfig, 'consumerTimeoutMillisSendMessage' | 'retryTimesWhenSendAsyncFailed'>,
): number {
  return (config.retryTimesWhenSendAsyncFailed + 1) * config.consumerTimeoutMillisSendMessage + roundSpare;
}

export function sendBackPort(wiring: SendBackWiring): SendBackPort {
  const { config, calls, locator } = wiring;
  const { consumerGroup, retryPolicy } = config;
  const timeoutMs = config.consumerTimeoutMillisSendMessage;
  const maxReconsumeTimes =
    config.maxReconsumeTimes === -1 ? defaultMaxReconsumeTimes : config.maxReconsumeTimes;
  const rules = { isOrderly: orderOf(config) !== 'concurrent', maxReconsumeTimes, retryPolicy };
  return {
    // Source: ConsumeMessageConcurrentlyService.processConsumeResult: in broadcasting what failed is dropped.
    decide: job => (isBroadcasting(config) ? { way: { kind: 'drop' } } : decide(job, rules)),
    sendBack: async ({ job, way }, signal) => {
      const { brokerName, commitLogOffset, msgId, topic, properties } = job.failed.message;
      const request = {
        consumerGroup,
        brokerName,
        commitLogOffset,
        delayLevel: way.kind === 'retry' ? way.delayLevel : deadLetterLevel,
        originMsgId: properties.get(propertyNames.originMessageId) ?? msgId,
        originTopic: topic,
        maxReconsumeTimes,
      };
      await calls.sendBack(locator.master(brokerName), request, { timeoutMs, signal });
    },
    sendToRetryTopic: (message, signal) => sendCopy(wiring, message, { timeoutMs, signal }),
  };
}

/** Source: DefaultMQPushConsumerImpl.sendMessageBack, the part behind the catch; it asks one broker only. */
async function sendCopy(
  { config, namespace, messages, locator, cache }: SendBackWiring,
  { job, way }: Returning,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { message } = job.failed;
  const copy = copyOf(message, way, { rule: config, namespace });
  let failure: unknown;
  for (const queue of copyTargets(cache, config, message.brokerName)) {
    try {
      await messages.sendMessage(locator.master(queue.brokerName), { ...copy, ...queue }, options);
      return;
    } catch (thrown) {
      failure = thrown;
      options.signal.throwIfAborted();
    }
  }
  throw failure;
}

/**
 * A queue of each broker that takes a copy; the message's own, which has just refused it, last. Without a route of the
 * retry topic only that one is left: a broker makes the topic when something is sent to it.
 */
function copyTargets(cache: RouteCache, config: ResolvedConfig, ownBroker: string): readonly MessageQueue[] {
  const topic = retryTopicOf(config.consumerGroup);
  const retries = config.retryTimesWhenSendAsyncFailed;
  const route = cache.get(topic);
  if (route === undefined) return [{ topic, brokerName: ownBroker, queueId: 0 }];
  const byBroker = new Map(writableQueues(topic, route).map(queue => [queue.brokerName, queue]));
  if (byBroker.size === 0) {
    throw new ConsumerError('RMQ_BROKER_NOT_FOUND', `no route names a broker to write to for ${topic}`, {
      context: { topic },
    });
  }
  const own = byBroker.get(ownBroker);
  byBroker.delete(ownBroker);
  const others = [...byBroker.values()].slice(0, Math.max(1, retries));
  return (own === undefined ? others : [...others, own]).slice(0, 1 + retries);
}

/**
 * Whether a copy is dead is decided by the broker, from its attempts and their maximum: 5.x says so when they are more,
 * 4.9 also when they are equal. Hence a maximum that both read alike, and the attempts as a 36 would have counted them.
 */
function copyOf(
  message: MessageExt,
  way: ReturnWay,
  { rule, namespace }: { readonly rule: CompressionRule; readonly namespace: Namespace | undefined },
): Omit<SendRequest, 'topic' | 'brokerName' | 'queueId'> {
  const reconsumeTimes = message.reconsumeTimes + 1;
  return {
    ...bodyOf(message, rule),
    producerGroup: innerProducerGroup,
    properties: propertiesOf(message, way, namespace),
    flag: message.flag,
    bornTimestamp: message.bornTimestamp || message.storeTimestamp, // NaN where the producer sent nonsense
    reconsumeTimes,
    maxReconsumeTimes: way.kind === 'retry' ? reconsumeTimes + 1 : 0,
  };
}

/** The original topic as other members of the group, Java's too, read it. */
function propertiesOf(message: MessageExt, way: ReturnWay, namespace: Namespace | undefined): string {
  const originalId = message.getProperty(propertyNames.originMessageId) ?? message.msgId;
  return encodeProperties([
    ...[...message.properties].filter(([name]) => !notCopied.has(name)),
    [propertyNames.retryTopic, namespace?.wire(message.topic) ?? message.topic],
    [propertyNames.originMessageId, originalId],
    // A dead letter waits for nothing; 4.9 would keep one with a delay in its schedule first.
    ...(way.kind === 'retry' ? [[propertyNames.delay, levelText(message, way.delayLevel)] as const] : []),
  ]);
}

function levelText({ reconsumeTimes }: MessageExt, delayLevel: number): string {
  return String(levelAtBroker(delayLevel, reconsumeTimes));
}

/** A body that was stored compressed goes as it is: it may be one that cannot be unpacked, which is why it failed. */
function bodyOf(
  message: MessageExt,
  rule: CompressionRule,
): { readonly body: Buffer; readonly sysFlag: number } {
  if (!(message instanceof StoredMessage && message.isCompressed)) {
    return compressIfLarge(message.detach(), rule);
  }
  const bits = sysFlagBits.compressed | sysFlagBits.compressionType;
  return { body: Buffer.from(message.rawBody), sysFlag: message.storedSysFlag & bits };
}
