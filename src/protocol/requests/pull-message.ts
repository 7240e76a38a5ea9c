// SPDX-License-Identifier: Apache-2.0
/** How is a queue pulled, and what does each answer mean? Source: PullMessageRequestHeader, PullMessageProcessor, protocol.md section 3. */
import type { Namespace } from '../../model/namespace.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bound, int32, int64, name, offset, optional, text } from '../fields.ts';
import type { ExtFields } from '../frame.ts';
import { ourLanguage, ourVersion } from '../header.ts';
import { headerWord } from '../header-word.ts';
import { type Signer, signedOrder } from '../signature.ts';

export const pullMessage = defineRequest({
  name: 'pullMessage',
  code: RequestCode.PULL_MESSAGE,
  header: {
    consumerGroup: name,
    topic: name,
    queueId: int32,
    /** The next offset wanted. A number, not a QueueOffset: a broker answers a negative one with 21. */
    queueOffset: int64,
    /** A broker gives at most 32, or 8 when it must read from disk. */
    maxMsgNums: int32,
    /** See {@link pullSysFlag}. */
    sysFlag: int32,
    /** Stored as the group's offset when sysFlag says so. */
    commitOffset: int64,
    /** How long the broker may hold the request when there is nothing. Unit: ms; it rounds up to its scan every 5 s. */
    suspendTimeoutMillis: int64,
    subscription: optional(text),
    subVersion: int64,
    expressionType: optional(text),
    maxMsgBytes: optional(int32),
    bname: optional(text),
  },
  reply: {
    /** Broker id to ask next time: 0 the master. */
    suggestWhichBrokerId: int64,
    /** The next offset to ask for, not the last one received. */
    nextBeginOffset: offset,
    minOffset: bound,
    maxOffset: bound,
    topicSysFlag: optional(int32),
    groupSysFlag: optional(int32),
    offsetDelta: optional(int64),
    /** With code 16, what is forbidden: 1 broker, 2 group, 3 topic, 4 broadcast, 5 subscription. */
    forbiddenType: optional(int32),
  },
  replies: { 0: 'found', 19: 'caughtUp', 20: 'noMatch', 21: 'offsetMoved' },
});

export interface PullFlags {
  /** The request carries an offset to store. Not towards a slave. */
  readonly commitOffset: boolean;
  /** Hold the request while there is nothing. */
  readonly suspend: boolean;
  /** Filter by the subscription in the request, not by the heartbeat's. */
  readonly subscription: boolean;
}

/** Source: PullSysFlag. */
export function pullSysFlag(flags: PullFlags): number {
  return (flags.commitOffset ? 1 : 0) | (flags.suspend ? 2 : 0) | (flags.subscription ? 4 : 0);
}

/** What stays the same from one pull of a queue to the next. */
export interface PullConstants {
  readonly consumerGroup: string;
  readonly topic: string;
  readonly queueId: number;
  readonly maxMsgNums: number;
  /** Unit: ms. */
  readonly suspendTimeoutMillis: number;
  readonly subscription?: string | undefined;
  readonly subVersion: number;
  readonly expressionType?: string | undefined;
  readonly bname?: string | undefined;
  /** Fields beside the request's own. A signature cannot be here: it covers the offset too. */
  readonly extra?: ExtFields | undefined;
  /** Whose topic and group they are. */
  readonly namespace?: Namespace | undefined;
}

export type PreparedPull = (
  opaque: number,
  queueOffset: QueueOffset,
  sysFlag: number,
  commitOffset: QueueOffset,
) => Buffer;

/** Length prefix and header word. Unit: bytes. */
const prefixSize = 8;

/**
 * Makes the writer of one queue's pull requests: the hot path's form of `encodeRequest(pullMessage, …)`, with all that
 * stays the same turned to text once. The text is ASCII (other characters escaped), so its length is its size.
 * @example
 * const encode = preparePull({ consumerGroup: 'billing', topic: 'orders', queueId: 0, … });
 * line.call(opaque => encode(opaque, next, pullSysFlag({ … }), commit), 30_000, 'pull from orders-0@broker-a', onOutcome);
 */
export function preparePull(constants: PullConstants): PreparedPull {
  const write = writerOf(textsOf(constants));
  return (opaque, queueOffset, sysFlag, commitOffset) =>
    write(opaque, queueOffset, sysFlag, commitOffset, '');
}

function textsOf({ extra, namespace, ...given }: PullConstants): Record<string, string> {
  const wire = (text: string): string => namespace?.wire(text) ?? text;
  const own = { ...given, consumerGroup: wire(given.consumerGroup), topic: wire(given.topic) };
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...own, ...namespace?.fields, ...extra })) {
    if (value !== undefined) texts[name] = String(value);
  }
  return texts;
}

/** What changes from pull to pull, in the order in which it is signed. */
const varying = ['commitOffset', 'queueOffset', 'sysFlag'];

/** The same with a signature: what is signed, too, is constant text around three numbers. */
export function prepareSignedPull(constants: PullConstants, signer: Signer): PreparedPull {
  const fixed = { ...textsOf(constants), ...signer.identity };
  const order = signedOrder([...Object.keys(fixed), ...varying]);
  const [untilCommit = 0, untilOffset = 0, untilFlag = 0] = varying.map(name => order.indexOf(name));
  const textOf = (from: number, to?: number): string =>
    order
      .slice(from, to)
      .map(name => fixed[name])
      .join('');
  const beforeCommit = textOf(0, untilCommit);
  const beforeOffset = textOf(untilCommit + 1, untilOffset);
  const beforeFlag = textOf(untilOffset + 1, untilFlag);
  const afterFlag = textOf(untilFlag + 1);
  const write = writerOf(fixed);
  return (opaque, queueOffset, sysFlag, commitOffset) => {
    const content = `${beforeCommit}${commitOffset}${beforeOffset}${queueOffset}${beforeFlag}${sysFlag}${afterFlag}`;
    const signature = `,"Signature":"${signer.signatureOf(content)}"`; // base64 needs no escape
    return write(opaque, queueOffset, sysFlag, commitOffset, signature);
  };
}

type PullWriter = (...given: [...Parameters<PreparedPull>, signature: string]) => Buffer;

/** @param fixed the fields that stay the same */
function writerOf(fixed: ExtFields): PullWriter {
  const start = `{"code":${pullMessage.code},"extFields":${asciiJson(fixed).slice(0, -1)},"commitOffset":"`;
  const end = `,"serializeTypeCurrentRPC":"JSON","version":${ourVersion}}`;
  return (opaque, queueOffset, sysFlag, commitOffset, signature) => {
    const header =
      `${start}${commitOffset}","queueOffset":"${queueOffset}","sysFlag":"${sysFlag}"${signature}},"flag":0,` +
      `"language":"${ourLanguage}","opaque":${opaque}${end}`;
    const frame = Buffer.allocUnsafe(prefixSize + header.length);
    frame.writeInt32BE(frame.length - 4, 0);
    frame.writeUInt32BE(headerWord('JSON', header.length), 4);
    frame.write(header, prefixSize, 'latin1');
    return frame;
  };
}

function asciiJson(value: ExtFields): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
