// SPDX-License-Identifier: Apache-2.0
/** How does a broker pass an admin tool's question on to members of a group: 223, 307, 309? Source: AdminBrokerProcessor.callConsumer, Broker2Client of 5.5.0. */
import { toError } from '../../../errors/errors.ts';
import { type OffsetTable, parseConsumerStatus } from '../../../protocol/bodies/offset-table.ts';
import { RequestCode, ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { ExtFields, Frame } from '../../../protocol/frame.ts';
import { decodeOffsetMsgId } from '../../../protocol/message-id.ts';
import { consumeDirectly } from '../../../protocol/requests/consume-directly.ts';
import { invokeConsumerStatus } from '../../../protocol/requests/consumer-status.ts';
import { runningInfo } from '../../../protocol/requests/running-info.ts';
import type { Handler, Handlers, Reply } from '../broker.types.ts';
import type { ClientRequest } from '../client-calls.ts';
import type { GroupMember } from '../clients/consumer-group.ts';
import type { AdminSide } from './admin.types.ts';
import { encodeGatheredStatus } from './admin-bodies.ts';

/** How long a client may take to answer. Unit: ms. */
const clientTimeout = 10_000;
/** As {@link clientTimeout}, where several are asked. Unit: ms. */
const statusTimeout = 5000;

export function memberHandlers(side: AdminSide): Handlers {
  return new Map<number, Handler>([
    [RequestCode.GET_CONSUMER_RUNNING_INFO, later(frame => describe(side, frame))],
    [RequestCode.CONSUME_MESSAGE_DIRECTLY, later(frame => consume(side, frame))],
    [RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, later(frame => gatherStatus(side, frame))],
  ]);
}

/** What is thrown is answered as by the server. */
function later(reply: (frame: Frame) => Promise<Reply>): Handler {
  return (frame, _peer, respond) => {
    reply(frame).then(respond, error =>
      respond({ code: ResponseCode.SYSTEM_ERROR, remark: toError(error).message }),
    );
  };
}

async function describe(side: AdminSide, frame: Frame): Promise<Reply> {
  const { consumerGroup, clientId } = readHeader(runningInfo, frame);
  const { code, fields } = frame;
  return pass(side, consumerGroup, clientId, { code, fields });
}

/** The member gets the whole record of the message, wherever it was stored. */
async function consume(side: AdminSide, frame: Frame): Promise<Reply> {
  const { consumerGroup, clientId = '', msgId = '', topic } = readHeader(consumeDirectly, frame);
  const { commitLogOffset } = decodeOffsetMsgId(msgId);
  const body = side.messages.recordAt(commitLogOffset);
  if (body === undefined) {
    const remark = `can not find message by the offset, ${commitLogOffset}`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  const fields: ExtFields = {
    ...frame.fields,
    brokerName: side.brokerName,
    ...(topic !== undefined && side.messages.topics.get(topic) !== undefined && { topicSysFlag: '0' }),
    ...(side.isKnownGroup(consumerGroup) && { groupSysFlag: '0' }),
  };
  return pass(side, consumerGroup, clientId, { code: frame.code, fields, body });
}

/** The member's answer as it came, with its language and version. */
async function pass(
  { group, ask }: AdminSide,
  consumerGroup: string,
  clientId: string,
  request: ClientRequest,
): Promise<Reply> {
  const who = `<${consumerGroup}> <${clientId}>`;
  const member = group(consumerGroup)?.members.find(each => each.clientId === clientId);
  if (member === undefined) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: `The Consumer ${who} not online` };
  }
  try {
    const { code, remark, fields, body, language, version } = await ask(member.peer, request, clientTimeout);
    return { code, remark, fields, body, language, version };
  } catch (error) {
    const remark = `consumer ${who} Timeout: ${toError(error).message}`;
    return { code: ResponseCode.CONSUME_MSG_TIMEOUT, remark };
  }
}

/** Asks one member, or all; who does not answer is left out. */
async function gatherStatus({ group, ask }: AdminSide, frame: Frame): Promise<Reply> {
  const { topic, group: name, clientAddr = '' } = readHeader(invokeConsumerStatus, frame);
  const members = group(name)?.members ?? [];
  if (members.length === 0) {
    const remark = `No Any Consumer online in the consumer group: [${name}]`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  const request = { code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, fields: { topic, group: name } };
  const offsetsOf = async ({ peer, clientId }: GroupMember): Promise<readonly [string, OffsetTable][]> => {
    const answer = await ask(peer, request, statusTimeout);
    const hasOffsets = answer.code === ResponseCode.SUCCESS && answer.body.length > 0;
    return hasOffsets ? [[clientId, parseConsumerStatus(answer.body)]] : [];
  };
  const asked = members.filter(({ clientId }) => clientAddr === '' || clientId === clientAddr);
  const answers = await Promise.allSettled(asked.map(offsetsOf));
  const offsets = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []));
  const remark = 'not set any response code'; // Java's text for an answer that nothing was said of
  return { code: ResponseCode.SUCCESS, remark, body: encodeGatheredStatus(new Map(offsets)) };
}
