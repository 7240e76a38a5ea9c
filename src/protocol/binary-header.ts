// SPDX-License-Identifier: Apache-2.0
/** How is RocketMQ's binary header written and read? Source: RocketMQSerializable, protocol.md section 1.2. */
import { ProtocolError } from '../errors/errors.ts';
import { type ExtFields, type Header, languages, noFields, ourLanguage } from './header.ts';

/** Bytes before the remark: code 2, language 1, version 2, opaque 4, flag 4, remark length 4. */
const fixedSize = 17;
const maxInt16 = 0x7fff;
const minInt16 = -0x8000;

/**
 * Writes a binary header.
 * @throws ProtocolError `RMQ_BAD_HEADER` when the code or a name does not fit
 */
export function encodeBinaryHeader(header: Header): Buffer {
  if (header.code > maxInt16 || header.code < minInt16) {
    throw badHeader(`code ${header.code} does not fit in 16 bits; it needs the JSON header`);
  }
  const remark = Buffer.from(header.remark ?? '', 'utf8');
  const fields = encodeFields(header.fields);
  const fixed = Buffer.alloc(fixedSize);
  fixed.writeInt16BE(header.code, 0);
  fixed.writeUInt8(languageCode(header.language ?? ourLanguage), 2);
  fixed.writeInt16BE(header.version, 3);
  fixed.writeInt32BE(header.opaque, 5);
  fixed.writeInt32BE(header.flag, 9);
  fixed.writeInt32BE(remark.length, 13);
  const fieldsLength = Buffer.alloc(4);
  fieldsLength.writeInt32BE(fields.length, 0);
  return Buffer.concat([fixed, remark, fieldsLength, fields]);
}

/** A language that Java has no code for is sent as OTHER. */
function languageCode(language: string): number {
  const code = languages.indexOf(language);
  return code < 0 ? languages.indexOf(ourLanguage) : code;
}

function encodeFields(fields: ExtFields): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const key = Buffer.from(name, 'utf8');
    const text = Buffer.from(value, 'utf8');
    if (key.length > maxInt16) throw badHeader(`a field name of ${key.length} bytes does not fit`);
    const lengths = Buffer.alloc(6);
    lengths.writeInt16BE(key.length, 0);
    lengths.writeInt32BE(text.length, 2);
    parts.push(lengths.subarray(0, 2), key, lengths.subarray(2), text);
  }
  return Buffer.concat(parts);
}

/**
 * Reads a binary header. An empty value does not survive this form: the field is absent.
 * @throws ProtocolError `RMQ_BAD_HEADER`
 */
export function decodeBinaryHeader(bytes: Buffer): Header {
  if (bytes.length < fixedSize + 4)
    throw badHeader(`it has ${bytes.length} bytes, at least ${fixedSize + 4} are needed`);
  const remarkEnd = fixedSize + sizeWithin(bytes.readInt32BE(13), bytes.length - fixedSize - 4, 'remark');
  const fieldsStart = remarkEnd + 4;
  const fieldsSize = sizeWithin(bytes.readInt32BE(remarkEnd), bytes.length - fieldsStart, 'fields');
  return {
    code: bytes.readInt16BE(0),
    language: languages[bytes.readUInt8(2)],
    version: bytes.readInt16BE(3),
    opaque: bytes.readInt32BE(5),
    flag: bytes.readInt32BE(9),
    remark: remarkEnd === fixedSize ? undefined : bytes.toString('utf8', fixedSize, remarkEnd),
    fields: fieldsSize === 0 ? noFields : decodeFields(bytes.subarray(fieldsStart, fieldsStart + fieldsSize)),
  };
}

function decodeFields(bytes: Buffer): ExtFields {
  const fields = Object.create(null) as Record<string, string>; // no prototype: a field may have any name
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 2 + sizeAt(bytes, at, 2, 'field name');
    const valueEnd = nameEnd + 4 + sizeAt(bytes, nameEnd, 4, 'field value');
    if (nameEnd > at + 2 && valueEnd > nameEnd + 4) {
      fields[bytes.toString('utf8', at + 2, nameEnd)] = bytes.toString('utf8', nameEnd + 4, valueEnd);
    }
    at = valueEnd;
  }
  return fields;
}

function sizeAt(bytes: Buffer, at: number, width: 2 | 4, what: string): number {
  const left = bytes.length - at - width;
  if (left < 0) throw badHeader(`the ${what}'s length is cut off`);
  return sizeWithin(bytes.readIntBE(at, width), left, what);
}

function sizeWithin(size: number, left: number, what: string): number {
  if (size < 0 || size > left) throw badHeader(`${what} claims ${size} of ${left} bytes`);
  return size;
}

function badHeader(problem: string): ProtocolError {
  return new ProtocolError('RMQ_BAD_HEADER', `binary header of a frame: ${problem}`);
}
