// SPDX-License-Identifier: Apache-2.0
/** How is a JSON header written and read? Source: RemotingSerializable, protocol.md section 1.1. */
import Long from 'long';
import { ProtocolError } from '../errors/errors.ts';
import { type ExtFields, type Header, languages, noFields, ourLanguage } from './header.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from './json.ts';

/** Deepest nesting of a header; a legal one has two levels. */
const maxDepth = 8;

/** Up to here JSON.parse is quick whatever the text is; longer text is read with limits. Unit: bytes. */
const quickSize = 64 * 1024;

/** Writes a header as JSON, keys in Java's order. */
export function encodeJsonHeader(header: Header): string {
  const fields = JSON.stringify(header.fields);
  const extFields = fields === '{}' ? '' : `"extFields":${fields},`;
  const language = JSON.stringify(header.language ?? ourLanguage);
  const remark = header.remark === undefined ? '' : `"remark":${JSON.stringify(header.remark)},`;
  return (
    `{"code":${header.code},${extFields}"flag":${header.flag},"language":${language},` +
    `"opaque":${header.opaque},${remark}"serializeTypeCurrentRPC":"JSON","version":${header.version}}`
  );
}

/**
 * Reads a JSON header.
 * @throws ProtocolError `RMQ_BAD_HEADER`
 */
export function decodeJsonHeader(bytes: Buffer): Header {
  const text = bytes.toString('utf8');
  return (text.length <= quickSize ? readQuickly(text) : undefined) ?? readCarefully(text);
}

/** The common case at the least cost: every member of its own type. Anything else is undefined, and read with care. */
function readQuickly(text: string): Header | undefined {
  let parsed: Partial<Record<keyof Header | 'extFields', unknown>> | null;
  try {
    parsed = JSON.parse(text) as typeof parsed; // every member is checked below before it is used
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { code, opaque, flag, language, version, remark, extFields = noFields } = parsed;
  if (!isInt32(code) || !isInt32(opaque) || !isInt32(flag) || !isInt32(version)) return undefined;
  if (typeof language !== 'string' || !(typeof remark === 'string' || remark === undefined)) return undefined;
  if (!isStrings(extFields)) return undefined;
  return { code, opaque, flag, language, version, remark, fields: extFields };
}

function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value;
}

/** Whether all members are strings, and none has the one name that must not be copied into another object. */
function isStrings(value: unknown): value is ExtFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const members = value as Readonly<Record<string, unknown>>; // any object may be looked at this way
  for (const name in members) {
    if (typeof members[name] !== 'string' || name === '__proto__') return false;
  }
  return true;
}

/** As Java reads it: absent numbers are 0, absent language is unknown, numbers and booleans among the fields become text. */
function readCarefully(text: string): Header {
  const header = parseHeader(text);
  if (!isJsonObject(header)) throw badHeader('it is no object');
  const { code, opaque } = header;
  if (code === undefined || opaque === undefined)
    throw badHeader(`${code === undefined ? 'code' : 'opaque'} is missing`);
  return {
    code: readInt32(header, 'code'),
    opaque: readInt32(header, 'opaque'),
    flag: readInt32(header, 'flag'),
    language: readLanguage(header['language']),
    version: readInt32(header, 'version'),
    remark: readRemark(header['remark']),
    fields: readExtFields(header['extFields']),
  };
}

function parseHeader(text: string): JsonValue {
  try {
    return parseJson(text, { depth: maxDepth });
  } catch (error) {
    throw badHeader('it is no JSON', error);
  }
}

function readInt32(header: JsonObject, name: string): number {
  const value = header[name] ?? 0;
  if (!isInt32(value)) throw badHeader(`${name} is no whole number of 32 bits`);
  return value;
}

/** Java accepts a number in place of an enum's name. */
function readLanguage(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'number') return languages[value];
  return typeof value === 'string' ? value : undefined;
}

function readRemark(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw badHeader('remark is no text');
  return value;
}

function readExtFields(value: JsonValue | undefined): ExtFields {
  if (value === undefined || value === null) return noFields;
  if (!isJsonObject(value)) throw badHeader('extFields is no object');
  const fields = Object.create(null) as Record<string, string>; // no prototype: a field may have any name
  for (const [name, member] of Object.entries(value)) {
    if (member === null) continue;
    if (typeof member === 'object' && !Long.isLong(member)) throw badHeader(`field ${name} is no text`);
    fields[name] = String(member);
  }
  return fields;
}

function badHeader(problem: string, cause?: unknown): ProtocolError {
  return new ProtocolError(
    'RMQ_BAD_HEADER',
    `JSON header of a frame: ${problem}`,
    cause === undefined ? {} : { cause },
  );
}
