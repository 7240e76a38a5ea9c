// SPDX-License-Identifier: Apache-2.0
/** What does the word after a frame's length say, and can it be true? Source: RemotingCommand.decode, protocol.md section 1. */
import { ProtocolError } from '../errors/errors.ts';
import type { SerializeType } from './header.ts';

const serializeTypes = ['JSON', 'ROCKETMQ'] as const satisfies readonly SerializeType[];

/** No header of a sane peer is larger: the longest are answers to batch sends, a list of ids. Unit: bytes. */
const maxHeaderSize = 4 * 1024 * 1024;

/**
 * The word for a header of that form and size.
 * @throws ProtocolError `RMQ_BAD_HEADER` when it is larger than any peer accepts
 */
export function headerWord(type: SerializeType, size: number): number {
  if (size > maxHeaderSize)
    throw new ProtocolError(
      'RMQ_BAD_HEADER',
      `a header of ${size} bytes is too large, at most ${maxHeaderSize} are allowed`,
    );
  return serializeTypes.indexOf(type) * 2 ** 24 + size;
}

/** @throws ProtocolError `RMQ_BAD_FRAME` when the type is unknown */
export function serializeTypeOf(word: number): SerializeType {
  const type = serializeTypes[word >>> 24];
  if (type === undefined) {
    throw new ProtocolError('RMQ_BAD_FRAME', `a frame has the unknown serialize type ${word >>> 24}`);
  }
  return type;
}

/**
 * Size of the header. Unit: bytes.
 * @param frameLength bytes of the frame after its length prefix
 * @throws ProtocolError `RMQ_BAD_FRAME` when the frame cannot hold it, or it is larger than any sane header
 */
export function headerSizeOf(word: number, frameLength: number): number {
  const size = word & 0xffffff;
  if (size > frameLength - 4) {
    throw new ProtocolError(
      'RMQ_BAD_FRAME',
      `a frame of ${frameLength} bytes claims a header of ${size} bytes`,
    );
  }
  if (size > maxHeaderSize) {
    throw new ProtocolError(
      'RMQ_BAD_FRAME',
      `a frame claims a header of ${size} bytes, at most ${maxHeaderSize} are allowed`,
    );
  }
  return size;
}
