// SPDX-License-Identifier: Apache-2.0
/**
 * How does a broker move our queues (220), and what does it hear of where they stand (221)?
 * Source: ClientRemotingProcessor.resetOffset, getConsumeStatus. A reset is carried out as queue.seek is: at once, by a new
 * epoch and an answered commit, where Java suspends the whole consumer and waits for 10 s.
 */
import { ProtocolError } from '../../../errors/errors.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../../model/message-queue.ts';
import {
  encodeConsumerStatus,
  type OffsetTable,
  parseOffsetTable,
} from '../../../protocol/bodies/offset-table.ts';
import { ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { consumerStatus } from '../../../protocol/requests/consumer-status.ts';
import { resetOffset } from '../../../protocol/requests/reset-offset.ts';
import type { Reply, RequestSurroundings } from './server-requests.types.ts';
import { unknownGroup } from './unknown-group.ts';

/** The table names all queues of a broker: those of other members are theirs to move. */
export function resetOffsets(around: RequestSurroundings, frame: Frame, reply: Reply): void {
  const { config, namespace, logger, isSubscribed, queues, tell } = around;
  const { group, topic } = readHeader(resetOffset, frame, namespace);
  if (group !== config.consumerGroup) {
    reply(unknownGroup(group));
    return;
  }
  if (!isSubscribed(topic)) {
    reply({ code: ResponseCode.SYSTEM_ERROR, remark: `topic ${topic} is not subscribed` });
    return;
  }
  const targets = targetsOf(parseOffsetTable(frame.body, namespace), topic);
  const ours = queues().filter(({ owned }) => targets.has(owned.key));
  logger.info({ topic, queues: ours.length }, 'a broker resets offsets');
  for (const { owned } of ours) {
    const to = targets.get(owned.key);
    if (to !== undefined) tell({ type: 'queue.seek', queue: owned.queue, to, reason: 'reset' });
  }
  reply({ code: ResponseCode.SUCCESS });
}

/** One bad row spoils the table: what a broker got wrong once it may have got wrong in the others too. */
function targetsOf(table: OffsetTable, topic: string): ReadonlyMap<QueueKey, number> {
  for (const [queue, offset] of table) {
    if (offset < 0) throw badRow(queue, `offset ${offset}, which is below 0`);
    if (queue.topic !== topic) throw badRow(queue, `which is no queue of ${topic}`);
  }
  return new Map(table.map(([queue, offset]) => [queueKey(queue), offset]));
}

function badRow(queue: MessageQueue, problem: string): ProtocolError {
  const key = queueKey(queue);
  return new ProtocolError('RMQ_BAD_BODY', `the offset table names ${key}: ${problem}`, {
    context: { queue: key },
  });
}

/** What is done, which is what is committed next; nothing of a queue whose start is not known. */
export function answerConsumerStatus(
  { config, namespace, queues }: RequestSurroundings,
  frame: Frame,
  reply: Reply,
): void {
  const { group, topic } = readHeader(consumerStatus, frame, namespace);
  const shown = group === config.consumerGroup ? queues() : [];
  const offsets = shown
    .filter(({ owned }) => owned.queue.topic === topic)
    .flatMap(({ owned, committed }): OffsetTable => {
      const offset = owned.commitPoint ?? committed();
      return offset === undefined ? [] : [[owned.queue, offset]];
    });
  reply({ code: ResponseCode.SUCCESS, body: encodeConsumerStatus(offsets, namespace) });
}
