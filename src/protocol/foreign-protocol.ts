// SPDX-License-Identifier: Apache-2.0
/** Is the peer no RocketMQ remoting server at all? The first bytes of gRPC, HTTP and TLS give themselves away. */

/** An HTTP/2 frame has a length of three bytes, then type, flags and stream: enough of it to be sure. Unit: bytes. */
const http2PrefixSize = 8;
const http2LastType = 9;
const http2Ack = 1;
const tlsAlert = 0x15;
const tlsHandshake = 0x16;
const tlsMajor = 3;

/**
 * Names what the first bytes of a connection belong to, or undefined when they may begin a remoting frame.
 * @param bytes at least 4; HTTP/2 is recognised from 8 on
 */
export function foreignProtocol(bytes: Buffer): string | undefined {
  const start = bytes.toString('latin1', 0, 4);
  if ((bytes[0] === tlsAlert || bytes[0] === tlsHandshake) && bytes[1] === tlsMajor) return 'TLS';
  if (start === 'HTTP') return 'HTTP/1';
  if (/^[\x20-\x7e]{4}$/.test(start)) return `text beginning with ${JSON.stringify(start)}`;
  return isHttp2(bytes) ? 'HTTP/2 (gRPC)' : undefined;
}

/** On stream 0, as every first answer is: where ours would have a header of no bytes. */
function isHttp2(bytes: Buffer): boolean {
  if (bytes.length < http2PrefixSize || bytes[0] !== 0) return false;
  const [type = 0, flags = 0, ...stream] = bytes.subarray(3, http2PrefixSize);
  return type <= http2LastType && flags <= http2Ack && stream.every(byte => byte === 0);
}
