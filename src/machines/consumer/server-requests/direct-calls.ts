// SPDX-License-Identifier: Apache-2.0
/**
 * How is a message consumed that a broker hands over by itself (309)? The listener of its topic is called outside of any queue:
 * no offset moves, nothing is sent back, whatever it answers. Only with allowDirectConsume.
 * Source: ClientRemotingProcessor.consumeMessageDirectly.
 */
import { ConsumerError, ProtocolError, type RocketmqError } from '../../../errors/errors.ts';
import type { Listener } from '../../../listeners/listener.ts';
import { queueOffset } from '../../../model/queue-offset.ts';
import { type DirectResult, encodeDirectResult } from '../../../protocol/bodies/direct-result.ts';
import { ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { bodyCrcMatches, type ReadOptions, readRecords } from '../../../protocol/message-record.ts';
import { consumeDirectly } from '../../../protocol/requests/consume-directly.ts';
import type { StoredMessage } from '../../../protocol/stored-message.ts';
import { crcMismatch } from '../../../transport/pull-errors.ts';
import { callDirectly } from './direct-call.ts';
import type { Reply, RequestSurroundings } from './server-requests.types.ts';
import { unknownGroup } from './unknown-group.ts';

export class DirectCalls {
  readonly #around: RequestSurroundings;
  /** Not more at once than of queues. */
  #running = 0;

  constructor(around: RequestSurroundings) {
    this.#around = around;
  }

  answer(frame: Frame, reply: Reply): void {
    const { config, namespace } = this.#around;
    const { consumerGroup, brokerName = '' } = readHeader(consumeDirectly, frame, namespace);
    if (consumerGroup !== config.consumerGroup) {
      reply(unknownGroup(consumerGroup));
      return;
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#refuse(refusal, reply);
      return;
    }
    const message = messageOf(frame.body, { brokerName, maxBodySize: config.maxBodySizeBytes, namespace });
    const listener = this.#around.listeners.find(message.topic);
    if (listener === undefined || !this.#around.isSubscribed(message.topic)) {
      this.#refuse(refused(`topic ${message.topic} is not subscribed`), reply);
      return;
    }
    void this.#consume(listener, message, brokerName).then(result =>
      reply({ code: ResponseCode.SUCCESS, body: encodeDirectResult(result) }),
    );
  }

  #refusal(): RocketmqError | undefined {
    const { config, slots } = this.#around;
    if (!config.allowDirectConsume) return refused('allowDirectConsume is false');
    if (!slots.isOpen) return refused('the consumer is not running');
    if (this.#running >= config.consumeConcurrency) {
      return refused(`${this.#running} such calls are running already`);
    }
    return undefined;
  }

  #refuse({ code, message }: RocketmqError, reply: Reply): void {
    this.#around.logger.warn({ code }, message);
    reply({ code: ResponseCode.NO_PERMISSION, remark: `${code}: ${message}` });
  }

  async #consume(listener: Listener, message: StoredMessage, brokerName: string): Promise<DirectResult> {
    const { clock, config, stopSignal } = this.#around;
    this.#running++;
    try {
      return await callDirectly({
        ...{ listener, message, clock, stopSignal, timeoutMs: config.consumeTimeout },
        queue: { topic: message.topic, brokerName, queueId: message.queueId },
      });
    } finally {
      this.#running--;
    }
  }
}

function refused(why: string): ConsumerError {
  const message = `a broker's request to consume a single message was refused: ${why}`;
  return new ConsumerError('RMQ_DIRECT_CONSUME_REFUSED', message);
}

/** @throws ProtocolError when it is not exactly one sound message */
function messageOf(body: Buffer, options: ReadOptions): StoredMessage {
  const { brokerName } = options;
  const { messages, damage } = readRecords(body, options);
  const [message, second] = messages;
  if (message === undefined || second !== undefined || damage !== undefined) {
    const found = damage === undefined ? `${messages.length} messages` : damage.error.message;
    const text = `${brokerName} handed over a message to be consumed directly that is not one sound record: ${found}`;
    throw new ProtocolError('RMQ_BAD_MESSAGE', text, { cause: damage?.error, context: { brokerName } });
  }
  if (!bodyCrcMatches(message)) throw crcMismatch(message, queueOffset(message.queueOffset));
  return message;
}
