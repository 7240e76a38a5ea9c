// SPDX-License-Identifier: Apache-2.0
/** What does a consumer show of a message, ours and Java's, and which differences between the two are meant? */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { MessageExt } from '../../../src/index.ts';

/** All fields of a message, in the names and shapes of Java's consumer; of the body its length and SHA-256. */
export interface Shown {
  readonly topic: string;
  readonly bodyLength: number | null;
  readonly bodySha256: string | null;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly msgId: string;
  readonly offsetMsgId: string | null;
  readonly transactionId: string | null;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly reconsumeTimes: number;
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  readonly bornHost: string;
  readonly storeHost: string;
  readonly flag: number;
  readonly sysFlag: number;
  readonly storeSize: number;
  readonly properties: Readonly<Record<string, string>>;
}

export function shownByUs(message: MessageExt): Shown {
  const { topic, tags, keys, msgId, offsetMsgId, transactionId, brokerName, queueId } = message;
  const { queueOffset, commitLogOffset, reconsumeTimes, bornTimestamp, storeTimestamp } = message;
  const { bornHost, storeHost, flag, sysFlag, storeSize, body } = message;
  return {
    ...{ topic, msgId, offsetMsgId, brokerName, queueId, queueOffset, commitLogOffset, reconsumeTimes },
    ...{ bornTimestamp, storeTimestamp, bornHost, storeHost, flag, sysFlag, storeSize },
    bodyLength: body.length,
    bodySha256: sha256(body),
    tags: tags ?? null,
    keys: keys.length === 0 ? null : keys.join(' '),
    transactionId: transactionId ?? null,
    properties: Object.fromEntries(message.properties),
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A difference that is meant. */
interface Meant {
  readonly why: string;
  /** Java's view as ours ought to be. */
  expected(java: Shown, ours: Shown): Shown;
}

/** Names that Java's client adds to the properties of what it has received. */
const addedByJava = ['MIN_OFFSET', 'MAX_OFFSET', 'CONSUME_START_TIME'];

const ofTheBroker = ['bodyCrc', 'preparedTransactionOffset'];

const meant: readonly Meant[] = [
  {
    why: 'CRC and prepared offset are the broker’s: here the one is checked before delivery, the other shown to nobody',
    expected: java =>
      Object.fromEntries(Object.entries(java).filter(([name]) => !ofTheBroker.includes(name))) as Shown, // what Shown does not name is left out
  },
  {
    why: 'Java 4.9 leaves the bit for "compressed" on a body it has opened; Java 5 and we take it off',
    expected: java => ({ ...java, sysFlag: java.sysFlag & ~compressedBit }),
  },
  {
    why: 'Java writes its own notes among the properties; ours are what was stored',
    expected: java => ({
      ...java,
      properties: Object.fromEntries(
        Object.entries(java.properties).filter(([name]) => !addedByJava.includes(name)),
      ),
    }),
  },
  {
    why: 'Java gives the keys as stored, ours are a list without empty words',
    expected: java => ({ ...java, keys: java.keys === null ? null : javaKeys(java.keys) }),
  },
  {
    why: 'an empty body is null in Java, an empty buffer here',
    expected: java =>
      java.bodyLength === null ? { ...java, bodyLength: 0, bodySha256: sha256(noBytes) } : java,
  },
  {
    why: 'of a message of an inner batch Java leaves out the offset id, attempts and size; ours are the batch’s, and its own size',
    expected: (java, ours) =>
      isOfInnerBatch(java)
        ? {
            ...java,
            offsetMsgId: ours.offsetMsgId,
            reconsumeTimes: ours.reconsumeTimes,
            storeSize: ours.storeSize,
          }
        : java,
  },
];

const compressedBit = 1;
const noBytes = Buffer.alloc(0);
const innerBatchBits = 0xc0;

function isOfInnerBatch({ sysFlag, properties }: Shown): boolean {
  return (sysFlag & innerBatchBits) === innerBatchBits && properties['INNER_NUM'] === undefined;
}

function javaKeys(keys: string): string | null {
  const words = keys.split(' ').filter(word => word !== '');
  return words.length === 0 ? null : words.join(' ');
}

/** The fields in which the two differ and are not meant to: `flag: 1, Java 2`. */
export function differences(ours: Shown, java: Shown): readonly string[] {
  const expected = meant.reduce((view, each) => each.expected(view, ours), java);
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const seen: unknown = Reflect.get(ours, name);
    return isDeepStrictEqual(seen, wanted)
      ? []
      : [`${name}: ${JSON.stringify(seen)}, Java ${JSON.stringify(wanted)}`];
  });
}

/** For the reader of the evidence. */
export const meantDifferences: readonly string[] = meant.map(({ why }) => why);
