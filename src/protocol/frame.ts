// SPDX-License-Identifier: Apache-2.0
/** What is in a frame, and how does it become bytes? Source: remoting.protocol.RemotingCommand, protocol.md section 1. */
import { ProtocolError } from '../errors/errors.ts';
import { decodeBinaryHeader, encodeBinaryHeader } from './binary-header.ts';
import {
  type ExtFields,
  type Header,
  noFields,
  ourLanguage,
  ourVersion,
  type SerializeType,
} from './header.ts';
import { headerSizeOf, headerWord, serializeTypeOf } from './header-word.ts';
import { decodeJsonHeader, encodeJsonHeader } from './json-header.ts';

export type { ExtFields, SerializeType } from './header.ts';

/** A received frame. */
export interface Frame extends Header {
  /** Bytes after the header; empty when there are none. A view of the received chunk. */
  readonly body: Buffer;
  /** The whole frame with its length prefix: what a kept body keeps in memory. Unit: bytes. */
  readonly size: number;
  /** How the header was written. */
  readonly serializeType: SerializeType;
}

/** A frame to be sent. */
export interface OutgoingFrame {
  readonly code: number;
  readonly opaque: number;
  /** Default 0: a request that wants an answer. */
  readonly flag?: number | undefined;
  readonly remark?: string | undefined;
  readonly fields?: ExtFields | undefined;
  readonly body?: Buffer | undefined;
  /** Default OTHER, which every broker knows. */
  readonly language?: string | undefined;
  /** Default 441. protocol.md section 1.5. */
  readonly version?: number | undefined;
  /** Default JSON. */
  readonly serializeType?: SerializeType | undefined;
}

const responseBit = 1;
const onewayBit = 2;

export function isResponse(frame: Pick<Header, 'flag'>): boolean {
  return (frame.flag & responseBit) !== 0;
}

export function isOneway(frame: Pick<Header, 'flag'>): boolean {
  return (frame.flag & onewayBit) !== 0;
}

/** Length prefix, which does not count itself. Unit: bytes. */
const lengthSize = 4;
/** Length prefix and header word. Unit: bytes. */
const prefixSize = lengthSize + 4;
const noBody = Buffer.alloc(0);

/** The whole frame with its length prefix. */
export function encodeFrame(frame: OutgoingFrame): Buffer {
  const { serializeType = 'JSON', body = noBody } = frame;
  const header = {
    code: frame.code,
    opaque: frame.opaque,
    flag: frame.flag ?? 0,
    language: frame.language ?? ourLanguage,
    version: frame.version ?? ourVersion,
    remark: frame.remark,
    fields: frame.fields ?? noFields,
  };
  if (serializeType === 'ROCKETMQ') return assemble(serializeType, encodeBinaryHeader(header), body);
  return assemble(serializeType, Buffer.from(encodeJsonHeader(header), 'utf8'), body);
}

function assemble(serializeType: SerializeType, header: Buffer, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(prefixSize + header.length + body.length);
  frame.writeInt32BE(frame.length - lengthSize, 0);
  frame.writeUInt32BE(headerWord(serializeType, header.length), 4);
  header.copy(frame, prefixSize);
  body.copy(frame, prefixSize + header.length);
  return frame;
}

/**
 * Reads a frame from the bytes after its length prefix, as FrameSplitter cuts them. The body is a view, not a copy.
 * @throws ProtocolError `RMQ_BAD_FRAME` when lengths or the serialize type are wrong, `RMQ_BAD_HEADER` when the header cannot be read
 */
export function decodeFrame(bytes: Buffer): Frame {
  if (bytes.length < 4)
    throw new ProtocolError('RMQ_BAD_FRAME', `a frame of ${bytes.length} bytes has no header length`);
  const word = bytes.readUInt32BE(0);
  const serializeType = serializeTypeOf(word);
  const headerEnd = 4 + headerSizeOf(word, bytes.length);
  const header = bytes.subarray(4, headerEnd);
  const { code, opaque, flag, language, version, remark, fields } =
    serializeType === 'JSON' ? decodeJsonHeader(header) : decodeBinaryHeader(header);
  return {
    code,
    opaque,
    flag,
    language,
    version,
    remark,
    fields,
    body: bytes.subarray(headerEnd),
    size: lengthSize + bytes.length,
    serializeType,
  };
}
