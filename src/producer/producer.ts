// SPDX-License-Identifier: Apache-2.0
/** What can a producer do, and what does it tell of a message that was sent? */
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import type { Message } from './message.ts';

/** How well a message is kept. Source: client.producer.SendStatus. */
export const SendStatus = {
  SEND_OK: 'SEND_OK',
  /** Stored, but not on the disk within the broker's time limit. */
  FLUSH_DISK_TIMEOUT: 'FLUSH_DISK_TIMEOUT',
  /** Stored, but not by the slave within the broker's time limit. */
  FLUSH_SLAVE_TIMEOUT: 'FLUSH_SLAVE_TIMEOUT',
  /** Stored, but there is no slave to keep a copy. */
  SLAVE_NOT_AVAILABLE: 'SLAVE_NOT_AVAILABLE',
} as const;
export type SendStatus = (typeof SendStatus)[keyof typeof SendStatus];

/** Where a message went. */
export interface SendResult {
  readonly status: SendStatus;
  /** The id consumers see; messages of one batch share it. */
  readonly msgId: string;
  /** Ids made of store host and commit-log offset: one, or one for each message of a batch. */
  readonly offsetMsgIds: readonly string[];
  readonly queue: MessageQueue;
  /** Offset of the message, or of the first of a batch. */
  readonly queueOffset: QueueOffset;
}

/**
 * Sends messages. Each send is repeated on failure (at another broker where possible), so a message may be stored twice.
 * @example
 * const producer = createProducer({ namesrvAddr: '127.0.0.1:9876', producerGroup: 'shop' });
 * await producer.start();
 * await producer.send({ topic: 'orders', body: JSON.stringify(order), tags: 'paid', keys: order.id });
 * await producer.shutdown();
 */
export interface Producer extends AsyncDisposable {
  /** Resolves when a name server answered; rejects with RMQ_NAME_SERVER_UNAVAILABLE when none did. */
  start(): Promise<void>;
  /** Sends to the topic's queues in turn. Rejects with RMQ_SEND_FAILED, RMQ_MESSAGE_INVALID, RMQ_TOPIC_NOT_FOUND. */
  send(message: Message): Promise<SendResult>;
  /** Sends messages of one topic to one queue in one request. */
  sendBatch(messages: readonly Message[]): Promise<SendResult>;
  /** Sends to the queue of the sharding key, and to no other: messages of one key, sent one after the other, keep their order. */
  sendOrderly(message: Message, shardingKey: string): Promise<SendResult>;
  /** Waits for sends under way, at most `shutdownTimeout`, leaves the group and hangs up. Never rejects. */
  shutdown(): Promise<void>;
}
