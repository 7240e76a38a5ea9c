// SPDX-License-Identifier: Apache-2.0
/** How does a broker answer those who come, go, and lock queues: 34, 35, 38, 41, 42, 46? Source: ClientManageProcessor, ConsumerManageProcessor, AdminBrokerProcessor. */
import { retryTopicOf } from '../../../model/names.ts';
import { parseClientConfig } from '../../../protocol/bodies/check-client-config.ts';
import { encodeConsumerList } from '../../../protocol/bodies/consumer-list.ts';
import { parseHeartbeat } from '../../../protocol/bodies/heartbeat.ts';
import { encodeLockAnswer, parseLock } from '../../../protocol/bodies/lock.ts';
import { RequestCode, ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { consumerListByGroup } from '../../../protocol/requests/consumer-list-by-group.ts';
import { unregisterClient } from '../../../protocol/requests/unregister-client.ts';
import type { Handler, Handlers, Peer, Reply } from '../broker.types.ts';
import type { ClientTable } from './client-table.ts';
import type { GroupTable } from './group-table.ts';
import type { LockTable } from './lock-table.ts';

export interface ClientSide {
  readonly clients: ClientTable;
  readonly groups: GroupTable;
  readonly locks: LockTable;
  /** Makes the topic when it is not there. */
  readonly ensureTopic: (topic: string, queues: number) => void;
}

export function clientHandlers(side: ClientSide): Handlers {
  return new Map<number, Handler>([
    [RequestCode.HEART_BEAT, (frame, peer, respond) => respond(greet(side, frame, peer))],
    [RequestCode.UNREGISTER_CLIENT, (frame, peer, respond) => respond(unregister(side, frame, peer))],
    [RequestCode.GET_CONSUMER_LIST_BY_GROUP, (frame, _peer, respond) => respond(listMembers(side, frame))],
    [RequestCode.LOCK_BATCH_MQ, (frame, _peer, respond) => respond(lock(side, frame))],
    [RequestCode.UNLOCK_BATCH_MQ, (frame, _peer, respond) => respond(unlock(side, frame))],
    [RequestCode.CHECK_CLIENT_CONFIG, (frame, _peer, respond) => respond(checkConfig(frame))],
  ]);
}

/** protocol.md section 5.3. A group with an illegal name is passed over without a word. */
function greet(side: ClientSide, frame: Frame, peer: Peer): Reply {
  const data = parseHeartbeat(frame.body);
  const client = { clientId: data.clientID, peer, language: frame.language, version: frame.version };
  let hasChanged = data.heartbeatFingerprint === 0;
  for (const consumer of data.consumerDataSet) {
    const group = side.groups.ensure(consumer.groupName);
    if (group === undefined) continue;
    if (side.clients.isOtherFingerprint(group.groupName, data.heartbeatFingerprint)) hasChanged = true;
    side.ensureTopic(retryTopicOf(group.groupName), group.retryQueueNums);
    if (data.withoutSub && data.heartbeatFingerprint !== 0) side.clients.touch(consumer, client);
    else side.clients.register(consumer, client);
  }
  const fields = { IS_SUPPORT_HEART_BEAT_V2: 'true', IS_SUB_CHANGE: String(hasChanged) };
  return { code: ResponseCode.SUCCESS, fields };
}

function unregister({ clients }: ClientSide, frame: Frame, peer: Peer): Reply {
  const { consumerGroup } = readHeader(unregisterClient, frame);
  if (consumerGroup !== undefined) clients.unregister(consumerGroup, peer);
  return { code: ResponseCode.SUCCESS };
}

function listMembers({ clients }: ClientSide, frame: Frame): Reply {
  const { consumerGroup } = readHeader(consumerListByGroup, frame);
  const members = clients.members(consumerGroup);
  if (members.length === 0) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: `no consumer for this group, ${consumerGroup}` };
  }
  return { code: ResponseCode.SUCCESS, body: encodeConsumerList(members.map(({ clientId }) => clientId)) };
}

function lock({ locks }: ClientSide, frame: Frame): Reply {
  const { consumerGroup, clientId, mqSet } = parseLock(frame.body);
  return { code: ResponseCode.SUCCESS, body: encodeLockAnswer(locks.lock(consumerGroup, clientId, mqSet)) };
}

function unlock({ locks }: ClientSide, frame: Frame): Reply {
  const { consumerGroup, clientId, mqSet } = parseLock(frame.body);
  locks.unlock(consumerGroup, clientId, mqSet);
  return { code: ResponseCode.SUCCESS };
}

/** SQL92 is refused as by a broker with enablePropertyFilter=false, the default. */
function checkConfig(frame: Frame): Reply {
  const { subscriptionData } = parseClientConfig(frame.body);
  if (subscriptionData.expressionType === 'TAG') return { code: ResponseCode.SUCCESS };
  const remark = 'The broker does not support consumer to filter message by SQL92';
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
