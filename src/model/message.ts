// SPDX-License-Identifier: Apache-2.0
/** What does a listener see of a message? */

/**
 * A consumed message. Fields are read from the received bytes when first asked for.
 * Source: common.message.MessageExt, protocol.md section 4.
 */
export interface MessageExt {
  /** Topic as the user subscribed to it; a retried message shows its original topic. */
  readonly topic: string;
  /**
   * The body, decompressed. An uncompressed body is a view of the received frame (which it keeps in memory):
   * call {@link MessageExt.detach} before keeping a small body for long.
   */
  readonly body: Buffer;
  /** The tag given by the producer, if any. */
  readonly tags: string | undefined;
  /** Business keys given by the producer. */
  readonly keys: readonly string[];
  /** The producer's unique id (UNIQ_KEY), else the offset id. Messages of one batch send may share it. */
  readonly msgId: string;
  /** Id made of store host and commit-log offset: what the broker's admin tools accept. */
  readonly offsetMsgId: string;
  /** Of a message sent in a transaction: the id its producer was given for it; undefined without one. */
  readonly transactionId: string | undefined;
  readonly queueId: number;
  readonly brokerName: string;
  /** Position in the queue. Unit: messages. */
  readonly queueOffset: number;
  /** Position in the broker's commit log. Unit: bytes. */
  readonly commitLogOffset: number;
  /** How many deliveries of this message failed before. 0 on first delivery. */
  readonly reconsumeTimes: number;
  /** When the producer made it. Unit: ms since 1970. */
  readonly bornTimestamp: number;
  /** When the broker stored it. Unit: ms since 1970. */
  readonly storeTimestamp: number;
  /** Address of the producer, `ip:port`. */
  readonly bornHost: string;
  /** Address of the broker that stored it, `ip:port`. */
  readonly storeHost: string;
  readonly sysFlag: number;
  readonly flag: number;
  /** Size of the stored record. Unit: bytes. */
  readonly storeSize: number;
  readonly properties: ReadonlyMap<string, string>;
  /** A user property, or one of RocketMQ's own such as `KEYS`; undefined: it has none of this name. */
  getProperty(name: string): string | undefined;
  /** A copy of the body that does not keep the received frame in memory. */
  detach(): Buffer;
}
