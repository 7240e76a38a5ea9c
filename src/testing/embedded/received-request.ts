// SPDX-License-Identifier: Apache-2.0
/** What is a received request called, and which group, topic and queue is it about? The names are those of the protocol's tables. */
import { RocketmqError } from '../../errors/errors.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { parseHeartbeat } from '../../protocol/bodies/heartbeat.ts';
import { parseLock } from '../../protocol/bodies/lock.ts';
import { RequestCode, requestName } from '../../protocol/codes.ts';
import type { Request } from '../../protocol/define-request.ts';
import type { Frame } from '../../protocol/frame.ts';
import { checkClientConfig } from '../../protocol/requests/check-client-config.ts';
import { clusterInfo } from '../../protocol/requests/cluster-info.ts';
import { consumeDirectly } from '../../protocol/requests/consume-directly.ts';
import { consumeStats } from '../../protocol/requests/consume-stats.ts';
import { consumerConnection } from '../../protocol/requests/consumer-connection.ts';
import { consumerListByGroup } from '../../protocol/requests/consumer-list-by-group.ts';
import { consumerSendMsgBack } from '../../protocol/requests/consumer-send-msg-back.ts';
import { invokeConsumerStatus } from '../../protocol/requests/consumer-status.ts';
import { createSubscriptionGroup } from '../../protocol/requests/create-subscription-group.ts';
import { createTopic } from '../../protocol/requests/create-topic.ts';
import { heartbeat } from '../../protocol/requests/heartbeat.ts';
import { lockBatch } from '../../protocol/requests/lock-batch.ts';
import { maxOffset } from '../../protocol/requests/max-offset.ts';
import { minOffset } from '../../protocol/requests/min-offset.ts';
import { pullMessage } from '../../protocol/requests/pull-message.ts';
import { queryConsumerOffset } from '../../protocol/requests/query-consumer-offset.ts';
import { invokeResetOffset } from '../../protocol/requests/reset-offset.ts';
import { routeByTopic } from '../../protocol/requests/route-by-topic.ts';
import { runningInfo } from '../../protocol/requests/running-info.ts';
import { searchOffset } from '../../protocol/requests/search-offset.ts';
import { sendBatch } from '../../protocol/requests/send-batch.ts';
import { sendMessage } from '../../protocol/requests/send-message.ts';
import { sendMessageV2 } from '../../protocol/requests/send-message-v2.ts';
import { topicList } from '../../protocol/requests/topic-list.ts';
import { topicStats } from '../../protocol/requests/topic-stats.ts';
import { unlockBatch } from '../../protocol/requests/unlock-batch.ts';
import { unregisterClient } from '../../protocol/requests/unregister-client.ts';
import { updateConsumerOffset } from '../../protocol/requests/update-consumer-offset.ts';
import { viewMessage } from '../../protocol/requests/view-message.ts';
import {
  deleteTopic,
  deleteTopicInNameServer,
  runtimeInfo,
  topicConfig,
  updateBrokerConfig,
} from './admin/admin-requests.ts';

/** Every request that servers receive and that has a table. */
const tables: readonly Pick<Request, 'name' | 'code'>[] = [
  ...[checkClientConfig, clusterInfo, consumeDirectly, consumeStats, consumerConnection, consumerListByGroup],
  ...[
    consumerSendMsgBack,
    createSubscriptionGroup,
    createTopic,
    deleteTopic,
    deleteTopicInNameServer,
    heartbeat,
  ],
  ...[
    invokeConsumerStatus,
    invokeResetOffset,
    lockBatch,
    maxOffset,
    minOffset,
    pullMessage,
    queryConsumerOffset,
  ],
  ...[
    routeByTopic,
    runningInfo,
    runtimeInfo,
    searchOffset,
    sendBatch,
    sendMessage,
    sendMessageV2,
    topicConfig,
  ],
  ...[
    topicList,
    topicStats,
    unlockBatch,
    unregisterClient,
    updateBrokerConfig,
    updateConsumerOffset,
    viewMessage,
  ],
];

const names: ReadonlyMap<number, string> = new Map(tables.map(({ code, name }) => [code, name]));
const codes: ReadonlyMap<string, number> = new Map(tables.map(({ code, name }) => [name, code]));

/** As in the protocol's tables: `pullMessage`; one without a table is called as in RequestCode, or `request 999`. */
export function nameOfRequest(code: number): string {
  return names.get(code) ?? requestName(code);
}

/**
 * The code that is meant by a code or by a table's name.
 * @throws RocketmqError `RMQ_COMMAND_REFUSED` for a name that no request has: a rule about it would never be applied
 */
export function codeOfRequest(request: number | string): number {
  if (typeof request === 'number') return request;
  const code = codes.get(request);
  if (code !== undefined) return code;
  const known = [...codes.keys()].sort().join(', ');
  throw new RocketmqError('RMQ_COMMAND_REFUSED', `no request is called ${request}; there are ${known}`, {
    context: { request },
  });
}

/** What rules and logs tell requests apart by. */
export interface RequestSubject {
  readonly group: string | undefined;
  readonly topic: string | undefined;
  readonly queueId: number | undefined;
}

/** The group is the producer's when messages are sent. A heartbeat's or lock's first group and queue stand for all of it. */
export function subjectOf(frame: Frame): RequestSubject {
  const { fields } = frame;
  switch (frame.code) {
    case RequestCode.HEART_BEAT:
      return aboutBody(() => ({ group: parseHeartbeat(frame.body).consumerDataSet[0]?.groupName }));
    case RequestCode.LOCK_BATCH_MQ:
    case RequestCode.UNLOCK_BATCH_MQ:
      return aboutBody(() => aboutLock(frame.body));
    case RequestCode.SEND_MESSAGE_V2:
    case RequestCode.SEND_BATCH_MESSAGE:
      return about(fields['a'], fields['b'], fields['e']);
    default:
      return about(
        fields['consumerGroup'] ?? fields['group'] ?? fields['producerGroup'],
        fields['topic'] ?? fields['originTopic'],
        fields['queueId'],
      );
  }
}

function about(
  group: string | undefined,
  topic: string | undefined,
  queueId: string | undefined,
): RequestSubject {
  return { group, topic, queueId: queueId === undefined ? undefined : Number(queueId) };
}

function aboutLock(body: Buffer): Partial<RequestSubject> {
  const { consumerGroup, mqSet } = parseLock(body);
  const first: MessageQueue | undefined = mqSet[0];
  return { group: consumerGroup, topic: first?.topic, queueId: first?.queueId };
}

/** A body that cannot be read is for the handler to refuse; here it only says nothing. */
function aboutBody(read: () => Partial<RequestSubject>): RequestSubject {
  const nothing = { group: undefined, topic: undefined, queueId: undefined };
  try {
    return { ...nothing, ...read() };
  } catch {
    return nothing;
  }
}
