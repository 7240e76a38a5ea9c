// SPDX-License-Identifier: Apache-2.0
/** How are message ids made and taken apart? protocol.md section 4.3, MessageDecoder.createMessageId, MessageClientIDSetter. */
import { ProtocolError } from '../errors/errors.ts';
import { hostText, ipBytes, ipText } from './host-bytes.ts';
import { readInt64, viewOf, writeInt64 } from './record-layout.ts';

/** Ids on IPv4 and IPv6 hosts. Unit: characters. */
const idForm = /^(?:[0-9A-F]{32}|[0-9A-F]{56})$/i;

export interface OffsetMsgId {
  /** Broker that stored the message, `ip:port`. */
  readonly storeHost: string;
  /** Unit: bytes. */
  readonly commitLogOffset: number;
}

/** The id brokers' admin tools accept: store host (8 or 20 bytes: IP, port) and commit-log offset in upper-case hex. */
export function encodeOffsetMsgId(storeHost: Buffer, commitLogOffset: number): string {
  const bytes = Buffer.allocUnsafe(storeHost.length + 8);
  storeHost.copy(bytes);
  writeInt64(bytes, commitLogOffset, storeHost.length);
  return bytes.toString('hex').toUpperCase();
}

/**
 * Takes an offset id apart.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` when the text is no offset id
 */
export function decodeOffsetMsgId(id: string): OffsetMsgId {
  const bytes = Buffer.from(idForm.test(id) ? id : '', 'hex');
  const commitLogOffset = bytes.length === 0 ? Number.NaN : readInt64(viewOf(bytes), bytes.length - 8);
  if (!(commitLogOffset >= 0)) {
    throw new ProtocolError(
      'RMQ_BAD_MESSAGE',
      `${JSON.stringify(id.slice(0, 64))} is not an offset message id`,
      {
        context: { length: id.length },
      },
    );
  }
  return { storeHost: hostText(bytes, 0, bytes.length - 8), commitLogOffset };
}

export interface UniqueIdSource {
  /** Wall time. Unit: ms since 1970. */
  readonly wallNow: () => number;
  /** From 0 up to but not including 1; called once for the start of the counter and the place of the class-loader hash. */
  readonly random: () => number;
  /** Own IPv4 or IPv6 address. */
  readonly ip: string;
  readonly pid: number;
}

/**
 * Makes the ids a producer puts into UNIQ_KEY, in Java's form: IP (4 or 16 bytes), pid (2), a number that is Java's
 * class-loader hash and here random (4), ms since the month began in local time (4), counter (2); upper-case hex.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` when `ip` is no IP address
 * @example
 * const nextId = uniqueIds({ wallNow: () => clock.wallNow(), random: Math.random, ip: '10.1.2.3', pid: process.pid });
 * nextId(); // '0A010203…'
 */
export function uniqueIds(source: UniqueIdSource): () => string {
  const ip = ipBytes(source.ip);
  if (ip === undefined) {
    throw new ProtocolError('RMQ_BAD_MESSAGE', `${source.ip} is not an IP address`, {
      context: { ip: source.ip },
    });
  }
  const bytes = Buffer.alloc(ip.length + 12);
  ip.copy(bytes);
  bytes.writeUInt16BE(source.pid & 0xffff, ip.length);
  bytes.writeUInt32BE(Math.floor(source.random() * 2 ** 32), ip.length + 2);
  const prefix = bytes.toString('hex', 0, ip.length + 6).toUpperCase();
  let counter = Math.floor(source.random() * 0x1_0000);
  let month = monthOf(source.wallNow());
  return () => {
    const now = source.wallNow();
    if (now < month.start || now >= month.end) month = monthOf(now);
    counter = (counter + 1) & 0xffff;
    return prefix + hex(now - month.start, 8) + hex(counter, 4);
  };
}

export interface UniqueId {
  readonly ip: string;
  readonly pid: number;
}

/** Who made a unique id of Java's form; undefined for any other text, which is a legal id too. */
export function readUniqueId(id: string): UniqueId | undefined {
  if (!idForm.test(id)) return undefined;
  const bytes = Buffer.from(id, 'hex');
  const ipLength = bytes.length - 12;
  return { ip: ipText(bytes, 0, ipLength), pid: bytes.readUInt16BE(ipLength) };
}

function monthOf(now: number): { readonly start: number; readonly end: number } {
  const date = new Date(now);
  const start = new Date(date.getFullYear(), date.getMonth(), 1).getTime();
  return { start, end: new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime() };
}

function hex(value: number, digits: number): string {
  return Math.trunc(value).toString(16).toUpperCase().padStart(digits, '0');
}
