// SPDX-License-Identifier: Apache-2.0
/** Where in a stored message does each field lie, and what do its flag bits mean? protocol.md section 4, common.message.MessageDecoder. */

/** Magic of a record whose topic length has one byte. */
export const magicV1 = 0xdaa320a7 | 0;
/** Magic of a record whose topic length has two bytes; brokers from 5.1.0, topics longer than 127 bytes. */
export const magicV2 = 0xdaa320ab | 0;

/** Byte positions from the start of a record. The two hosts have 8 or 20 bytes each: what follows them moves. */
export const layout = {
  size: 0,
  magic: 4,
  bodyCrc: 8,
  queueId: 12,
  flag: 16,
  queueOffset: 20,
  commitLogOffset: 28,
  sysFlag: 36,
  bornTimestamp: 40,
  bornHost: 48,
  /** Add the size of the born host to these two. */
  storeTimestamp: 48,
  storeHost: 56,
  /** Add the sizes of both hosts to these. */
  reconsumeTimes: 56,
  preparedTransactionOffset: 60,
  bodyLength: 68,
  body: 72,
} as const;

/** IPv4 hosts, no body, no topic, no properties: body position, topic length (1), properties length (2). Unit: bytes. */
export const smallestRecord = layout.body + 8 + 8 + 1 + 2;

/** Bits of sysFlag. Source: common.sysflag.MessageSysFlag. */
export const sysFlagBits = {
  compressed: 0x1,
  bornHostV6: 0x10,
  storeHostV6: 0x20,
  needUnwrap: 0x40,
  innerBatch: 0x80,
  compressionType: 0x700,
} as const;

const unwrapBits = sysFlagBits.needUnwrap | sysFlagBits.innerBatch;

/** Both bits are needed: a record with only one of them is an ordinary message. protocol.md section 4.4. */
export function isInnerBatch(sysFlag: number): boolean {
  return (sysFlag & unwrapBits) === unwrapBits;
}

/** Unit: bytes, IP and port. */
export function bornHostSize(sysFlag: number): number {
  return (sysFlag & sysFlagBits.bornHostV6) === 0 ? 8 : 20;
}

/** Unit: bytes, IP and port. */
export function storeHostSize(sysFlag: number): number {
  return (sysFlag & sysFlagBits.storeHostV6) === 0 ? 8 : 20;
}

/** Unit: bytes. */
export function hostSizes(sysFlag: number): number {
  return bornHostSize(sysFlag) + storeHostSize(sysFlag);
}

const twoTo32 = 2 ** 32;

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A signed 64-bit number, or NaN where a JavaScript number would have to round it. */
export function readInt64(view: DataView, at: number): number {
  const value = view.getInt32(at) * twoTo32 + view.getUint32(at + 4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Writes a whole number of at most ±(2^53-1) as eight bytes. */
export function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / twoTo32);
  bytes.writeInt32BE(high, at);
  bytes.writeUInt32BE(value - high * twoTo32, at + 4);
}
