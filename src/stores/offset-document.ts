// SPDX-License-Identifier: Apache-2.0
/**
 * What is in a file of offsets, and how is a damaged one told from a sound one? JSON; the first two fields are the same in
 * every version, so that a file of a later release is known as such and not taken for damaged.
 */
import { createHash } from 'node:crypto';
import { toError } from '../errors/errors.ts';
import { queueKey } from '../model/message-queue.ts';
import { queueOffset } from '../model/queue-offset.ts';
import type { QueuePosition } from './offset-store.ts';

const currentVersion = 1;
const blank = '0'.repeat(64);
const head = /^\{"version":(\d{1,9}),"checksum":"([0-9a-f]{64})",/;
const longestHead = 120;

/** Whose offsets they are. */
export interface OffsetOwner {
  readonly clientId: string;
  readonly consumerGroup: string;
}

export type ReadDocument =
  | { readonly kind: 'sound'; readonly positions: readonly QueuePosition[] }
  | { readonly kind: 'future'; readonly version: number }
  | { readonly kind: 'damaged'; readonly reason: string };

export function encodeDocument(owner: OffsetOwner, positions: readonly QueuePosition[]): Buffer {
  const lines = positions.map(({ queue: { topic, brokerName, queueId }, offset }) =>
    JSON.stringify({ topic, brokerName, queueId, offset }),
  );
  const { clientId, consumerGroup } = owner;
  const rest = `${JSON.stringify({ clientId, consumerGroup }).slice(1, -1)},"offsets":[\n${lines.join(',\n')}\n]}\n`;
  const text = (checksum: string): Buffer =>
    Buffer.from(`{"version":${currentVersion},"checksum":"${checksum}",${rest}`);
  return text(sha256(text(blank)));
}

/** Whatever the bytes: a value, never a throw. Each byte is covered by the checksum, the version's too. */
export function decodeDocument(bytes: Buffer, owner: OffsetOwner): ReadDocument {
  const found = head.exec(bytes.subarray(0, longestHead).toString('latin1'));
  const [start, version, checksum] = found ?? [];
  if (start === undefined || checksum === undefined) {
    return damaged(bytes.length === 0 ? 'it is empty' : 'it does not begin as a file of offsets');
  }
  const unsigned = Buffer.from(bytes);
  unsigned.write(blank, start.length - 2 - blank.length, 'latin1');
  if (sha256(unsigned) !== checksum) return damaged('its checksum does not fit its content');
  if (Number(version) > currentVersion) return { kind: 'future', version: Number(version) };
  if (Number(version) !== currentVersion) return damaged(`it says version ${version}`);
  try {
    return { kind: 'sound', positions: positionsIn(JSON.parse(bytes.toString('utf8')), owner) };
  } catch (thrown) {
    return damaged(toError(thrown).message);
  }
}

function positionsIn(content: unknown, owner: OffsetOwner): readonly QueuePosition[] {
  const { clientId, consumerGroup, offsets } = fieldsOf(content);
  if (clientId !== owner.clientId || consumerGroup !== owner.consumerGroup) {
    throw new Error('it is the file of another client id or group');
  }
  if (!Array.isArray(offsets)) throw new Error('it has no offsets');
  const positions = offsets.map(positionOf);
  if (new Set(positions.map(({ queue }) => queueKey(queue))).size < positions.length) {
    throw new Error('it names a queue twice');
  }
  return positions;
}

function positionOf(entry: unknown): QueuePosition {
  const { topic, brokerName, queueId, offset } = fieldsOf(entry);
  if (typeof topic !== 'string' || typeof brokerName !== 'string' || !Number.isSafeInteger(queueId)) {
    throw new Error('it has an entry that names no queue');
  }
  return {
    queue: { topic, brokerName, queueId: Number(queueId) },
    offset: queueOffset(typeof offset === 'number' ? offset : Number.NaN),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null)
    throw new Error('it has something else where an object belongs');
  return Object.fromEntries(Object.entries(value));
}

function damaged(reason: string): ReadDocument {
  return { kind: 'damaged', reason };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
