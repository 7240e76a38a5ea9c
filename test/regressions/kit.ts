// SPDX-License-Identifier: Apache-2.0
/** What does a test of a bug of another client look at? What the consumer said to the brokers of a scripted cluster. */
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { queueNumber } from '../support/builders.ts';
import { type ConsumerKit, group } from '../support/consumer-kit.ts';
import type { Asked, Reply } from '../support/scripted-cluster.ts';

export const retryTopic = `%RETRY%${group}`;
export const firstQueue = queueNumber(0);
export const oneQueue = { topics: { orders: 1 } } as const;

/** Bit 0 of a pull's sysFlag: it carries a commit. */
const carriesCommit = 1;

/** Every offset that was committed for a queue of orders, by requests and with pulls, in order. */
export function commitsOf(kit: ConsumerKit, queueId = 0): readonly number[] {
  return kit.cluster.asked
    .filter(({ fields }) => fields['topic'] === 'orders' && Number(fields['queueId']) === queueId)
    .filter(
      ({ code, fields }) =>
        code === RequestCode.UPDATE_CONSUMER_OFFSET ||
        (code === RequestCode.PULL_MESSAGE && (Number(fields['sysFlag']) & carriesCommit) !== 0),
    )
    .map(({ fields }) => Number(fields['commitOffset']));
}

/** The pulls of a queue of orders, in order. */
export function pullsOf(kit: ConsumerKit, queueId = 0): readonly Asked[] {
  return kit.cluster
    .askedFor(RequestCode.PULL_MESSAGE)
    .filter(({ fields }) => fields['topic'] === 'orders' && Number(fields['queueId']) === queueId);
}

/** What the broker has as committed for a queue of orders. */
export function committed(kit: ConsumerKit, queueId = 0): number | undefined {
  return kit.cluster.queue(queueKey(queueNumber(queueId))).committed;
}

export const systemError: Reply = { code: ResponseCode.SYSTEM_ERROR, remark: 'service not available now' };

/** From now on send-backs and copies to the retry topic are answered like this; `undefined`: not at all. */
export function failSendBacks(kit: ConsumerKit, reply: Reply | undefined): void {
  kit.cluster.topics.set(retryTopic, 1);
  for (const code of [
    RequestCode.CONSUMER_SEND_MSG_BACK,
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
  ]) {
    kit.cluster.on(code, () => reply);
  }
}

/** From now on send-backs and copies are taken. */
export function takeSendBacks(kit: ConsumerKit): void {
  for (const code of [
    RequestCode.CONSUMER_SEND_MSG_BACK,
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
  ]) {
    kit.cluster.on(code, () => ({ fields: { msgId: 'id', queueId: '0', queueOffset: '0' } }));
  }
}

/** Messages of a queue of orders that were delivered, in order; others of it are left out. */
export function offsetsDelivered(kit: ConsumerKit, queueId = 0): readonly number[] {
  const prefix = `orders-${queueId}:`;
  return kit.delivered.filter(each => each.startsWith(prefix)).map(each => Number(each.slice(prefix.length)));
}

export function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
