// SPDX-License-Identifier: Apache-2.0
/** What becomes of a message from the user's hand to the broker's answer? Checked, given an id and a queue, sent. */
import type { Clock } from '../model/clock.ts';
import type { Address } from '../model/route.ts';
import { encodeClientBatch } from '../protocol/client-batch.ts';
import { compressIfLarge } from '../protocol/compression.ts';
import { encodeProperties, propertyNames } from '../protocol/properties.ts';
import type { MessageCalls, SendReceipt, SendRequest } from '../transport/message-calls.ts';
import { byShardingKey, nextInTurn } from './choose-queue.ts';
import { checkBatch, invalid, type Message, readyMessage } from './message.ts';
import { type SendResult, SendStatus } from './producer.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import type { PublishRoutes } from './publish-routes.ts';
import { type Shipment, ship } from './sender.ts';

export interface OutboxParts {
  readonly messages: MessageCalls;
  readonly isOpen: (address: Address) => boolean;
  readonly routes: PublishRoutes;
  readonly nextId: () => string;
  readonly signal: AbortSignal;
  readonly options: ResolvedProducerOptions;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What all sends have in common; the queue is chosen for each try. */
interface Parcel {
  readonly kind: 'sendMessage' | 'sendBatch';
  readonly topic: string;
  readonly body: Buffer;
  readonly sysFlag: number;
  readonly properties: string;
  readonly msgId: string;
}

const statusOf: Readonly<Record<SendReceipt['status'], SendStatus>> = {
  stored: SendStatus.SEND_OK,
  notFlushed: SendStatus.FLUSH_DISK_TIMEOUT,
  notReplicated: SendStatus.FLUSH_SLAVE_TIMEOUT,
  noSlave: SendStatus.SLAVE_NOT_AVAILABLE,
};

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #turns = new Map<string, number>();

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  async send(message: Message): Promise<SendResult> {
    const parcel = this.#pack(message);
    return this.#ship(parcel, this.#inTurn(parcel.topic));
  }

  async sendOrderly(message: Message, shardingKey: string): Promise<SendResult> {
    if (typeof shardingKey !== 'string' || shardingKey === '') {
      throw invalid(message.topic, 'shardingKey', 'it is not a string with at least one character');
    }
    return this.#ship(this.#pack(message, shardingKey), queues => byShardingKey(queues, shardingKey));
  }

  async sendBatch(messages: readonly Message[]): Promise<SendResult> {
    const parcel = this.#packBatch(messages);
    return this.#ship(parcel, this.#inTurn(parcel.topic));
  }

  #pack(message: Message, shardingKey?: string): Parcel {
    const msgId = this.#parts.nextId();
    const { maxMessageSize } = this.#parts.options;
    const { topic, body, properties } = readyMessage(message, { msgId, maxMessageSize, shardingKey });
    const sent = compressIfLarge(body, this.#parts.options);
    return { kind: 'sendMessage', topic, ...sent, properties: encodeProperties(properties), msgId };
  }

  /** Every message has an id of its own, but the batch's id is what brokers show for each (protocol.md section 4.3). */
  #packBatch(messages: readonly Message[]): Parcel {
    checkBatch(messages);
    const { maxMessageSize } = this.#parts.options;
    const ready = messages.map(message =>
      readyMessage(message, { msgId: this.#parts.nextId(), maxMessageSize }),
    );
    const topic = ready[0]?.topic ?? '';
    const body = encodeClientBatch(ready.map(message => ({ ...message, flag: 0 })));
    if (body.length > maxMessageSize) {
      throw invalid(topic, 'messages', `they have ${body.length} bytes, maxMessageSize is ${maxMessageSize}`);
    }
    const msgId = this.#parts.nextId();
    const properties = encodeProperties([
      [propertyNames.uniqueKey, msgId],
      [propertyNames.wait, 'true'],
    ]);
    return { kind: 'sendBatch', topic, body, sysFlag: 0, properties, msgId };
  }

  #inTurn(topic: string): Shipment['choose'] {
    const turn = this.#turns.get(topic) ?? Math.floor(this.#parts.random() * 1024); // producers do not all begin at one queue
    this.#turns.set(topic, turn + 1);
    return (queues, failed) =>
      nextInTurn(queues, turn, { failed, isOpen: ({ address }) => this.#parts.isOpen(address) });
  }

  async #ship(parcel: Parcel, choose: Shipment['choose']): Promise<SendResult> {
    const { messages, options, signal } = this.#parts;
    const { kind, topic, msgId } = parcel;
    const { target, receipt } = await ship(
      {
        topic,
        choose,
        send: ({ queue, address }) =>
          messages[kind](address, this.#request(parcel, queue), {
            timeoutMs: options.sendMsgTimeout,
            signal,
          }),
      },
      { ...this.#parts, retries: options.retryTimesWhenSendFailed },
    );
    return {
      status: statusOf[receipt.status],
      msgId,
      offsetMsgIds: receipt.offsetMsgId.split(','),
      queue: { ...target.queue, queueId: receipt.queueId },
      queueOffset: receipt.queueOffset,
    };
  }

  #request(
    { topic, body, sysFlag, properties }: Parcel,
    { brokerName, queueId }: Pick<SendRequest, 'brokerName' | 'queueId'>,
  ): SendRequest {
    const { options, clock } = this.#parts;
    const bornTimestamp = clock.wallNow();
    return {
      producerGroup: options.producerGroup,
      topic,
      brokerName,
      queueId,
      body,
      sysFlag,
      properties,
      bornTimestamp,
    };
  }
}
