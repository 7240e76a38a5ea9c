// SPDX-License-Identifier: Apache-2.0
/** How is a failed message handed back: by number to its own broker, or as a copy to the retry topic? protocol.md section 7.3. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConsumerError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { retryTopicOf } from '../../model/names.ts';
import { masterId, writableQueues } from '../../model/route.ts';
import { encodeProperties, propertyNames } from '../../protocol/properties.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import type { MessageCalls } from '../../transport/message-calls.ts';
import type { RouteCache } from '../routes/route-cache.ts';
import type { SendBackPort } from '../send-back/send-back.types.ts';
import type { SendBackJob } from '../send-back/send-back-job.ts';
import type { BrokerLocator } from './broker-locator.ts';

export interface SendBackWiring {
  readonly config: ResolvedConfig;
  readonly calls: BrokerCalls;
  readonly messages: MessageCalls;
  readonly locator: BrokerLocator;
  readonly cache: RouteCache;
  readonly clock: Clock;
}

/** What -1 means for concurrent consumption. Source: DefaultMQPushConsumerImpl.getMaxReconsumeTimes. */
const defaultMaxReconsumeTimes = 16;
/** The broker's first retry has delay level 3 (10 s), each further one the next. */
const firstRetryLevel = 3;
/** Producer group of client-made sends. Source: MixAll.CLIENT_INNER_PRODUCER_GROUP. */
const innerProducerGroup = 'CLIENT_INNER_PRODUCER';

/** Properties that belong to one stay in the broker, or to one delivery, and must not be sent again. */
const notCopied: ReadonlySet<string> = new Set([
  propertyNames.transaction,
  propertyNames.delay,
  propertyNames.cluster,
  propertyNames.realTopic,
  propertyNames.realQueueId,
]);

export function sendBackPort(wiring: SendBackWiring): SendBackPort {
  const { config, calls, locator } = wiring;
  const { consumerGroup } = config;
  const timeoutMs = config.consumerTimeoutMillisSendMessage;
  const maxReconsumeTimes =
    config.maxReconsumeTimes === -1 ? defaultMaxReconsumeTimes : config.maxReconsumeTimes;
  return {
    sendBack: async ({ failed }, signal) => {
      const { message, delayLevel } = failed;
      const { brokerName, commitLogOffset, msgId, topic } = message;
      const request = {
        consumerGroup,
        brokerName,
        commitLogOffset,
        delayLevel,
        originMsgId: message.getProperty(propertyNames.originMessageId) ?? msgId,
        originTopic: topic,
        maxReconsumeTimes,
      };
      await calls.sendBack(locator.master(brokerName), request, { timeoutMs, signal });
    },
    sendToRetryTopic: (job, signal) => sendCopy(wiring, job, { maxReconsumeTimes, timeoutMs, signal }),
  };
}

/** With attempts above the maximum the broker stores it in the dead letters. Source: DefaultMQPushConsumerImpl.sendMessageBack, the part behind the catch. */
async function sendCopy(
  { config, messages, cache, clock }: SendBackWiring,
  { failed: { message, delayLevel } }: SendBackJob,
  options: { readonly maxReconsumeTimes: number; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const topic = retryTopicOf(config.consumerGroup);
  const route = cache.get(topic);
  const [queue] = route === undefined ? [] : writableQueues(topic, route);
  const broker = route?.brokers.find(({ brokerName }) => brokerName === queue?.brokerName);
  const address = broker?.addresses.get(masterId);
  if (queue === undefined || address === undefined) {
    throw new ConsumerError('RMQ_BROKER_NOT_FOUND', `no route names a broker for ${topic}`, {
      context: { topic },
    });
  }
  const { maxReconsumeTimes, timeoutMs, signal } = options;
  const isDead = delayLevel < 0;
  const reconsumeTimes = isDead ? maxReconsumeTimes + 1 : message.reconsumeTimes + 1;
  const level = delayLevel > 0 ? delayLevel : firstRetryLevel + message.reconsumeTimes;
  const properties = encodeProperties([
    ...[...message.properties].filter(([name]) => !notCopied.has(name)),
    [propertyNames.retryTopic, message.topic],
    [propertyNames.originMessageId, message.getProperty(propertyNames.originMessageId) ?? message.msgId],
    // A dead letter waits for nothing; 4.9 would keep one with a delay in its schedule first.
    ...(isDead ? [] : [[propertyNames.delay, String(level)] as const]),
  ]);
  const { brokerName, queueId } = queue;
  await messages.sendMessage(
    address,
    {
      producerGroup: innerProducerGroup,
      topic,
      brokerName,
      queueId,
      body: message.detach(),
      properties,
      flag: message.flag,
      bornTimestamp: clock.wallNow(),
      reconsumeTimes,
      maxReconsumeTimes,
    },
    { timeoutMs, signal },
  );
}
