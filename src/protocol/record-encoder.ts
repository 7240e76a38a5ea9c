// SPDX-License-Identifier: Apache-2.0
/** How does a broker write a stored message? protocol.md section 4, store.MessageExtEncoder, MessageDecoder.encode. */
import { crc32 } from 'node:zlib';
import { ProtocolError } from '../errors/errors.ts';
import { hostBytes } from './host-bytes.ts';
import { encodeProperties } from './properties.ts';
import { layout, magicV1, magicV2, sysFlagBits, writeInt64 } from './record-layout.ts';

/** What goes into a stored message. Numbers default to 0. */
export interface StoredMessageFields {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** Position in the commit log. Unit: bytes. */
  readonly commitLogOffset: number;
  /** The user's number. */
  readonly flag?: number;
  /** The two IPv6 bits are set from the hosts. */
  readonly sysFlag?: number;
  /** Unit: ms since 1970. */
  readonly bornTimestamp?: number;
  /** `10.1.2.3:10911` or `[2001:db8::1]:10911`. */
  readonly bornHost: string;
  /** Unit: ms since 1970. */
  readonly storeTimestamp?: number;
  readonly storeHost: string;
  readonly reconsumeTimes?: number;
  readonly preparedTransactionOffset?: number;
  /** As stored: compressed already where sysFlag says so. */
  readonly body: Buffer;
  /** A list of pairs may hold a name twice, as brokers store it for batch sends. */
  readonly properties?: Iterable<readonly [string, string]>;
}

const longestV1Topic = 127;
const longestV2Topic = 32_767;

/**
 * Writes one stored message with its CRC; V2 where the topic has more than 127 bytes.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` when a host is no IP address with a port, or topic or properties do not fit
 */
export function encodeStoredMessage(fields: StoredMessageFields): Buffer {
  const topic = Buffer.from(fields.topic);
  if (topic.length > longestV2Topic) {
    throw new ProtocolError(
      'RMQ_BAD_MESSAGE',
      `a topic of ${topic.length} bytes fits no record, at most ${longestV2Topic} do`,
      {
        context: { length: topic.length },
      },
    );
  }
  const isV2 = topic.length > longestV1Topic;
  const tail = tailBytes(topic, isV2, Buffer.from(encodeProperties(fields.properties ?? [])));
  const head = headBytes(fields, isV2);
  head.writeInt32BE(head.length + fields.body.length + tail.length, layout.size);
  return Buffer.concat([head, fields.body, tail]);
}

/** Everything up to and including the body length. */
function headBytes(fields: StoredMessageFields, isV2: boolean): Buffer {
  const bornHost = hostBytes(fields.bornHost);
  const storeHost = hostBytes(fields.storeHost);
  const hosts = bornHost.length + storeHost.length;
  const head = Buffer.alloc(layout.body + hosts);
  head.writeInt32BE(isV2 ? magicV2 : magicV1, layout.magic);
  head.writeInt32BE(crc32(fields.body) & 0x7fff_ffff, layout.bodyCrc);
  head.writeInt32BE(fields.queueId, layout.queueId);
  head.writeInt32BE(fields.flag ?? 0, layout.flag);
  writeInt64(head, fields.queueOffset, layout.queueOffset);
  writeInt64(head, fields.commitLogOffset, layout.commitLogOffset);
  head.writeInt32BE(withHostBits(fields.sysFlag ?? 0, bornHost, storeHost), layout.sysFlag);
  writeInt64(head, fields.bornTimestamp ?? 0, layout.bornTimestamp);
  bornHost.copy(head, layout.bornHost);
  writeInt64(head, fields.storeTimestamp ?? 0, layout.storeTimestamp + bornHost.length);
  storeHost.copy(head, layout.storeHost + bornHost.length);
  head.writeInt32BE(fields.reconsumeTimes ?? 0, layout.reconsumeTimes + hosts);
  writeInt64(head, fields.preparedTransactionOffset ?? 0, layout.preparedTransactionOffset + hosts);
  head.writeInt32BE(fields.body.length, layout.bodyLength + hosts);
  return head;
}

function withHostBits(sysFlag: number, bornHost: Buffer, storeHost: Buffer): number {
  const { bornHostV6, storeHostV6 } = sysFlagBits;
  const rest = sysFlag & ~(bornHostV6 | storeHostV6);
  return rest | (bornHost.length > 8 ? bornHostV6 : 0) | (storeHost.length > 8 ? storeHostV6 : 0);
}

/** Topic and properties, each behind its length. */
function tailBytes(topic: Buffer, isV2: boolean, properties: Buffer): Buffer {
  const topicLengthSize = isV2 ? 2 : 1;
  const tail = Buffer.alloc(topicLengthSize + topic.length + 2 + properties.length);
  tail.writeUIntBE(topic.length, 0, topicLengthSize);
  topic.copy(tail, topicLengthSize);
  const propertiesAt = topicLengthSize + topic.length + 2;
  tail.writeInt16BE(properties.length, propertiesAt - 2);
  properties.copy(tail, propertiesAt);
  return tail;
}
