// SPDX-License-Identifier: Apache-2.0
/** What does a frame say, as a flat list of facts that can be compared one by one? What may differ is tidied by rules.ts. */
import { type Frame, isResponse } from '../../../../src/protocol/frame.ts';
import {
  isJsonArray,
  isJsonObject,
  JsonMap,
  type JsonValue,
  parseJson,
} from '../../../../src/protocol/json.ts';
import { readRecords } from '../../../../src/protocol/message-record.ts';
import type { StoredMessage } from '../../../../src/protocol/stored-message.ts';
import { tidy } from './rules.ts';

/** Where in the frame → what stands there: `fields.maxOffset` → `5`. */
export type Facts = ReadonlyMap<string, string>;

/** A place where two frames do not say the same. */
export interface Difference {
  readonly recorded: string;
  readonly embedded: string;
}

/** Stands for a fact that one of the two does not have. */
export const nothing = '(nothing)';

/** Stands for all that a body or message says which only one of the two has. */
export const something = '(something)';

/**
 * Everything a frame says, header fields and body. A request's opaque is its sender's own count and no fact; neither is
 * an empty remark, which Java writes or leaves out as it happens.
 */
export function factsOf(frame: Frame): Facts {
  const head = {
    code: frame.code,
    flag: frame.flag,
    language: frame.language,
    version: frame.version,
    serializeType: frame.serializeType,
    opaque: isResponse(frame) ? frame.opaque : undefined,
    remark: frame.remark === '' ? undefined : frame.remark,
  };
  return new Map([
    ...Object.entries(head).flatMap(([name, value]) => (value === undefined ? [] : [leaf(name, value)])),
    ...Object.entries(frame.fields).map(([name, value]) => leaf(`fields.${name}`, value)),
    ...bodyFacts(frame.body),
  ]);
}

/** Where the two do not agree; equal when empty. Without the second frame the one difference is that it is missing. */
export function differencesOf(
  recorded: Facts,
  embedded: Facts | undefined,
): Readonly<Record<string, Difference>> {
  if (embedded === undefined) return { frame: { recorded: 'sent', embedded: nothing } };
  const paths = new Set([...recorded.keys(), ...embedded.keys()]);
  const differing = [...paths].filter(path => recorded.get(path) !== embedded.get(path)).sort();
  return Object.fromEntries(differing.map(path => difference(path, recorded, embedded)));
}

/** A message or JSON body that only one of the two has is one difference, not one for each of its facts. */
function difference(path: string, recorded: Facts, embedded: Facts): readonly [string, Difference] {
  const [whole] = /^(message \d+|body)\b/.exec(path) ?? [];
  if (whole !== undefined) {
    const has = (facts: Facts): boolean => [...facts.keys()].some(each => each.startsWith(`${whole}.`));
    if (has(recorded) !== has(embedded)) {
      return [
        whole,
        { recorded: has(recorded) ? something : nothing, embedded: has(embedded) ? something : nothing },
      ];
    }
  }
  return [path, { recorded: recorded.get(path) ?? nothing, embedded: embedded.get(path) ?? nothing }];
}

type Fact = readonly [path: string, text: string];

function leaf(path: string, value: unknown): Fact {
  return [path, tidy(path, String(value))];
}

const openObject = 0x7b;

/** JSON begins with a brace; a stored message with its length, whose first byte is never that large. */
function bodyFacts(body: Buffer): readonly Fact[] {
  if (body.length === 0) return [];
  if (body[0] === openObject) return jsonFacts('body', parseJson(body));
  const { messages, damage } = readRecords(body, { brokerName: 'broker-a', maxBodySize: 2 ** 24 });
  const facts = messages.flatMap((message, index) => messageFacts(`message ${index}`, message));
  return damage === undefined ? facts : [...facts, ['damage', damage.error.message]];
}

function messageFacts(path: string, message: StoredMessage): readonly Fact[] {
  const values = {
    topic: message.storedTopic,
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    commitLogOffset: message.commitLogOffset,
    flag: message.flag,
    sysFlag: message.storedSysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHost,
    storeTimestamp: message.storeTimestamp,
    storeHost: message.storeHost,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    bodyCrc: message.bodyCrc,
    body: message.rawBody.toString('hex'),
  };
  return [
    ...Object.entries(values).map(([name, value]) => leaf(`${path}.${name}`, value)),
    ...[...message.properties].map(([name, value]) => leaf(`${path}.properties.${name}`, value)),
  ];
}

/** Java's arrays and maps come in the order of its hash tables: their members are told apart by what they hold. */
function jsonFacts(path: string, value: JsonValue): readonly Fact[] {
  if (value instanceof JsonMap) {
    return value.entries.flatMap(([key, each]) => jsonFacts(`${path}[${shown(key)}]`, each));
  }
  if (isEmpty(value)) return [[path, '(empty)']];
  if (isJsonArray(value)) {
    const members = value.map(each => shownTidily(path, each)).sort();
    return members.map((member, index) => [`${path}[${index}]`, member]);
  }
  if (isJsonObject(value)) {
    return Object.entries(value).flatMap(([name, each]) => jsonFacts(`${path}.${name}`, each));
  }
  return [leaf(path, value)];
}

function isEmpty(value: JsonValue): boolean {
  return isJsonArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
}

/** A member of an array in one text, its names sorted. */
function shownTidily(path: string, value: JsonValue): string {
  return jsonFacts(path, value)
    .map(([where, text]) => `${where.slice(path.length + 1)}=${text}`)
    .sort()
    .join(' ');
}

function shown(key: JsonValue): string {
  return shownTidily('key', key);
}
