// SPDX-License-Identifier: Apache-2.0
/** How is a message broker asked without a socket? Requests are real bytes, answers are collected. */
import { type SubscriptionData, subscriptionData, tag } from '../../../../../src/model/subscription.ts';
import { encodeRequest, type HeaderOf, type Request } from '../../../../../src/protocol/define-request.ts';
import { decodeFrame } from '../../../../../src/protocol/frame.ts';
import { readRecords } from '../../../../../src/protocol/message-record.ts';
import { encodeProperties } from '../../../../../src/protocol/properties.ts';
import { consumerSendMsgBack } from '../../../../../src/protocol/requests/consumer-send-msg-back.ts';
import { pullMessage } from '../../../../../src/protocol/requests/pull-message.ts';
import { queryConsumerOffset } from '../../../../../src/protocol/requests/query-consumer-offset.ts';
import { sendMessage } from '../../../../../src/protocol/requests/send-message.ts';
import { updateConsumerOffset } from '../../../../../src/protocol/requests/update-consumer-offset.ts';
import type { StoredMessage } from '../../../../../src/protocol/stored-message.ts';
import type { Peer, Reply } from '../../../../../src/testing/embedded/broker.types.ts';
import {
  MessageBroker,
  type MessageBrokerOptions,
} from '../../../../../src/testing/embedded/messages/message-broker.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';

/** A connection that can be closed. */
export class TestPeer implements Peer {
  readonly address = '127.0.0.1:39820';
  isOpen = true;

  push(): void {}

  close(): void {
    this.isOpen = false;
  }
}

/** What became of one request: no reply while it is held. */
export interface Asked {
  readonly replies: readonly Reply[];
  /** The only reply. */
  readonly reply: Reply | undefined;
}

interface AskOptions {
  readonly body?: Buffer;
  readonly peer?: Peer;
  /** Of the client. Default: ours. */
  readonly version?: number;
}

const storeHost = '127.0.0.1:10911';
const allLevels = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** A broker on a clock that stands still, with the topic `orders` of four queues and the group `billing` subscribed to it. */
export function aBroker(options: Partial<MessageBrokerOptions> = {}) {
  const clock = new TestClock();
  const subscriptions = new Map<string, SubscriptionData>();
  const known = new Set<string>(['billing']);
  let topicChanges = 0;
  const subscribe = (topic: string, expression: string, version = 1): void => {
    subscriptions.set(topic, subscriptionData(topic, tag(expression), version));
  };
  const broker = new MessageBroker({
    name: 'broker-a',
    clusterName: 'DefaultCluster',
    address: () => storeHost,
    clock,
    messageDelayLevel: allLevels,
    autoCreateTopicEnable: true,
    defaultTopicQueueNums: 8,
    subscriptionOf: (group, topic) => (known.has(group) ? subscriptions.get(topic) : undefined),
    isKnownGroup: group => known.has(group),
    onTopicsChanged: () => {
      topicChanges += 1;
    },
    random: () => 0.5,
    ...options,
  });
  broker.topics.set('orders', { queues: 4 });
  subscribe('orders', '*');
  subscribe('%RETRY%billing', '*');

  const ask = <R extends Request>(
    request: R,
    header: HeaderOf<R>,
    { body, peer = new TestPeer(), version }: AskOptions = {},
  ): Asked => {
    const replies: Reply[] = [];
    const received = decodeFrame(encodeRequest(request, header, { opaque: 1, body }).subarray(4));
    const frame = { ...received, version: version ?? received.version };
    const handler = broker.handlers.get(request.code);
    if (handler === undefined) throw new Error(`nobody handles ${request.code}`);
    handler(frame, peer, reply => replies.push(reply));
    return {
      replies,
      get reply() {
        return replies[0];
      },
    };
  };

  return {
    broker,
    clock,
    ask,
    subscribe,
    get topicChanges() {
      return topicChanges;
    },
    send: (header: Partial<HeaderOf<typeof sendMessage>> = {}, body: Buffer | string = 'hello'): Reply =>
      only(ask(sendMessage, sendHeader(header), { body: Buffer.from(body) })),
    pull: (header: Partial<HeaderOf<typeof pullMessage>> = {}, peer?: Peer): Asked =>
      ask(pullMessage, pullHeader(header), peer === undefined ? {} : { peer }),
    query: (header: Partial<HeaderOf<typeof queryConsumerOffset>> = {}): Reply =>
      only(ask(queryConsumerOffset, { consumerGroup: 'billing', topic: 'orders', queueId: 0, ...header })),
    update: (header: HeaderOf<typeof updateConsumerOffset>): Reply => only(ask(updateConsumerOffset, header)),
    sendBack: (header: Partial<HeaderOf<typeof consumerSendMsgBack>>): Reply =>
      only(ask(consumerSendMsgBack, { group: 'billing', offset: 0, delayLevel: 0, ...header })),
  };
}

export function only({ replies }: Asked): Reply {
  const [reply] = replies;
  if (reply === undefined || replies.length !== 1) throw new Error(`${replies.length} replies, not one`);
  return reply;
}

export function sendHeader(header: Partial<HeaderOf<typeof sendMessage>>): HeaderOf<typeof sendMessage> {
  return {
    producerGroup: 'shop',
    topic: 'orders',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    flag: 0,
    ...header,
  };
}

/** Held for 15 s when there is nothing, and committing nothing. */
export function pullHeader(header: Partial<HeaderOf<typeof pullMessage>>): HeaderOf<typeof pullMessage> {
  return {
    consumerGroup: 'billing',
    topic: 'orders',
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: 2,
    commitOffset: 0,
    suspendTimeoutMillis: 15_000,
    subVersion: 0,
    ...header,
  };
}

export function properties(pairs: Readonly<Record<string, string>>): string {
  return encodeProperties(Object.entries(pairs));
}

/** The messages of an answer. */
export function messagesOf(reply: Reply | undefined): readonly StoredMessage[] {
  const body = reply?.body ?? Buffer.alloc(0);
  return readRecords(body, { brokerName: 'broker-a', maxBodySize: 8 * 1024 * 1024 }).messages;
}

export function bodiesOf(reply: Reply | undefined): readonly string[] {
  return messagesOf(reply).map(({ body }) => body.toString());
}
