// SPDX-License-Identifier: Apache-2.0
/** How is a compressed body opened without ever making more than was allowed? protocol.md section 4.1, common.compression. */
import * as zlib from 'node:zlib';
import { toError } from '../errors/errors.ts';
import { badCompression, bodyTooLarge } from './compression/capped-output.ts';
import { openLz4 } from './compression/lz4-frame.ts';
import { openZstd, outlineOfZstd } from './compression/zstd-frame.ts';
import { sysFlagBits } from './record-layout.ts';

/** Opens a stored body or throws a ProtocolError; never makes more than `limit` bytes. */
export type OpenBody = (stored: Buffer, limit: number) => Buffer;

/** sysFlag of a body compressed by {@link compressBody}: the compressed bit and type zlib, as Java's producers send it. */
export const zlibSysFlag = 0x301;

/** Java's default; its producers compress bodies from 4096 bytes on. */
const zlibLevel = 5;

/**
 * Decompresses a stored body by the type bits of its sysFlag: 0 and 0x300 zlib, 0x100 an LZ4 frame, 0x200 a ZSTD frame.
 * Stops before more than `maxBodySize` bytes are made.
 * @throws ProtocolError `RMQ_BODY_TOO_LARGE` naming sizes, `RMQ_BAD_MESSAGE` when the bytes are not what the bits say
 */
export function decompressBody(stored: Buffer, sysFlag: number, maxBodySize: number): Buffer {
  const type = (sysFlag & sysFlagBits.compressionType) >> 8;
  switch (type) {
    case 0: // senders before 4.9.4 set no type
    case 3:
      return openZlib(stored, maxBodySize);
    case 1:
      return openLz4(stored, maxBodySize);
    case 2:
      return openAnyZstd(stored, maxBodySize);
    default:
      throw badCompression(`type ${type}`, 'types are 0 and 3 (zlib), 1 (LZ4) and 2 (ZSTD)');
  }
}

/** Compresses a body to be sent with {@link zlibSysFlag}. */
export function compressBody(body: Buffer): Buffer {
  return zlib.deflateSync(body, { level: zlibLevel });
}

/** Which bodies are compressed before they are sent. */
export interface CompressionRule {
  readonly enableMessageCompression: boolean;
  /** Unit: bytes. */
  readonly compressMsgBodyOverHowmuch: number;
}

/** A body as it is sent, with the sysFlag that says so. Source: DefaultMQProducerImpl.tryToCompressMessage. */
export function compressIfLarge(
  body: Buffer,
  { enableMessageCompression, compressMsgBodyOverHowmuch }: CompressionRule,
): { readonly body: Buffer; readonly sysFlag: number } {
  return enableMessageCompression && body.length >= compressMsgBodyOverHowmuch
    ? { body: compressBody(body), sysFlag: zlibSysFlag }
    : { body, sysFlag: 0 };
}

const openZlib: OpenBody = (stored, limit) =>
  capped('zlib', stored, limit, () => zlib.inflateSync(stored, { maxOutputLength: limit }));

type NativeZstd = (stored: Buffer, options: { readonly maxOutputLength: number }) => Buffer;

/**
 * ZSTD by this function of node:zlib, where there is one. It opens a cut frame as if that were all (seen with 22.23) and
 * drops what is behind the first frame, so it only gets bodies that are one whole frame.
 */
export function zstdBy(native: NativeZstd | undefined): OpenBody {
  if (native === undefined) return openZstd;
  return (stored, limit) => {
    const outline = outlineOfZstd(stored);
    if (outline === undefined) return openZstd(stored, limit);
    const { contentSize } = outline;
    if (contentSize !== undefined && contentSize > limit)
      throw bodyTooLarge(stored.length, limit, contentSize);
    return capped('ZSTD', stored, limit, () => native(stored, { maxOutputLength: limit }));
  };
}

// Node has it from 22.15 and 23.8 on; the types of Node 20 do not know it.
const openAnyZstd = zstdBy((zlib as { readonly zstdDecompressSync?: NativeZstd }).zstdDecompressSync);

/** Node's own decompressors stop at maxOutputLength with ERR_BUFFER_TOO_LARGE. */
function capped(format: string, stored: Buffer, limit: number, open: () => Buffer): Buffer {
  try {
    return open();
  } catch (thrown) {
    const error = toError(thrown);
    if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw bodyTooLarge(stored.length, limit);
    throw badCompression(format, error.message);
  }
}
