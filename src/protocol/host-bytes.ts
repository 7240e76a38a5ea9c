// SPDX-License-Identifier: Apache-2.0
/** How do an IP address and a port travel as bytes, and how are they shown? protocol.md section 4, MessageDecoder, UtilAll.ipToIPv6Str. */
import { isIPv4, isIPv6 } from 'node:net';
import { ProtocolError } from '../errors/errors.ts';

/** Unit: bytes. */
const ipv4Length = 4;
const ipv6Length = 16;
const portLength = 4;

/** An IPv4 address as `10.1.2.3`, an IPv6 address as Java shows it: `2001:db8:0:0:0:0:0:1`. */
export function ipText(bytes: Buffer, start: number, end: number): string {
  if (end - start === ipv4Length) return bytes.subarray(start, end).join('.');
  const groups: string[] = [];
  for (let at = start; at < end; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return groups.join(':');
}

/** `10.1.2.3:10911` or `[2001:db8:0:0:0:0:0:1]:10911` from 8 or 20 bytes. */
export function hostText(bytes: Buffer, start: number, size: number): string {
  const portAt = start + size - portLength;
  const ip = ipText(bytes, start, portAt);
  return `${size === ipv4Length + portLength ? ip : `[${ip}]`}:${bytes.readInt32BE(portAt)}`;
}

/**
 * The 8 or 20 bytes of `10.1.2.3:10911` or `[2001:db8::1]:10911`.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` for a host name or a port outside 0 to 65535
 */
export function hostBytes(host: string): Buffer {
  const colon = host.lastIndexOf(':');
  const portText = host.slice(colon + 1);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN;
  const ip = ipBytes(host.slice(0, colon).replace(/^\[(.*)\]$/, '$1'));
  if (colon < 0 || ip === undefined || !(port <= 0xffff)) {
    throw new ProtocolError('RMQ_BAD_MESSAGE', `${host} is not an IP address with a port`, {
      context: { host },
    });
  }
  const bytes = Buffer.alloc(ip.length + portLength);
  ip.copy(bytes);
  bytes.writeInt32BE(port, ip.length);
  return bytes;
}

/** The 4 or 16 bytes of an IP address in text; undefined when it is none. */
export function ipBytes(ip: string): Buffer | undefined {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  if (!isIPv6(ip)) return undefined;
  const [head = '', tail] = withoutDottedEnd(withoutZone(ip)).split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const gap = new Array<number>(tail === undefined ? 0 : ipv6Length / 2 - left.length - right.length).fill(0);
  const bytes = Buffer.alloc(ipv6Length);
  [...left, ...gap, ...right].forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2);
  });
  return bytes;
}

/** `fe80::1%eth0` to `fe80::1`: the zone means nothing elsewhere. */
function withoutZone(ip: string): string {
  const percent = ip.indexOf('%');
  return percent < 0 ? ip : ip.slice(0, percent);
}

/** `::ffff:10.1.2.3` to `::ffff:a01:203`. */
function withoutDottedEnd(ip: string): string {
  const colon = ip.lastIndexOf(':');
  const end = ip.slice(colon + 1);
  if (!isIPv4(end)) return ip;
  const [a = 0, b = 0, c = 0, d = 0] = end.split('.').map(Number);
  return `${ip.slice(0, colon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function groupsOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16));
}
