// SPDX-License-Identifier: Apache-2.0
/**
 * Where do the offsets of a broadcasting consumer lie? `<storePath>/<client id>/<group>/positions.json`, Java's directories
 * (LocalFileOffsetStore) with a file name of our own: Java's `offsets.json` beside it is not touched.
 */
import { createHash } from 'node:crypto';
import { dirname, join, resolve, sep } from 'node:path';
import { ConsumerError } from '../errors/errors.ts';
import type { OffsetOwner } from './offset-document.ts';

export interface OffsetPaths {
  readonly directory: string;
  /** The directory and those above it, up to the one the user named. */
  readonly directories: readonly string[];
  /** Of the one the user named. */
  readonly parent: string;
  readonly main: string;
  readonly backup: string;
  readonly temporary: string;
  readonly lock: string;
}

/** Bytes of a name that every file system takes. */
const longestName = 200;

export function offsetPaths(storePath: string, { clientId, consumerGroup }: OffsetOwner): OffsetPaths {
  const root = resolve(storePath);
  const client = join(root, safeName(clientId));
  const directory = join(client, safeName(consumerGroup));
  if (!resolve(directory).startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new ConsumerError('RMQ_INTERNAL', `${directory} is not below ${root}`); // safeName keeps it from being so
  }
  const main = join(directory, 'positions.json');
  return {
    ...{ directory, directories: [directory, client, root], parent: dirname(root) },
    ...{ main, backup: `${main}.bak`, temporary: `${main}.tmp`, lock: `${main}.lock` },
  };
}

/** Windows opens the console or a port by these names, in any directory and with any ending. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * One name in a directory, whatever the text: what is not a lower-case letter, a digit or one of `@_-.` is percent-encoded,
 * capitals too, because file systems there are that do not tell them apart; so are dots at the end, which Windows cuts off, and the
 * first letter of a name that is a device there. A long one ends in its hash.
 */
export function safeName(text: string): string {
  const encoded = [...Buffer.from(text)].map(encodedByte).join('');
  const whole = encoded.replace(/\.+$/, dots => dots.replaceAll('.', '%2e'));
  const name = deviceName.test(whole) ? hexOf(whole.charCodeAt(0)) + whole.slice(1) : whole;
  if (name === '') return '%';
  if (name.length <= longestName) return name;
  const hash = createHash('sha256').update(text).digest('hex');
  return `${name.slice(0, longestName - hash.length - 2)}%-${hash}`;
}

function encodedByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-z0-9@_.-]/.test(character) ? character : hexOf(byte);
}

function hexOf(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0')}`;
}
