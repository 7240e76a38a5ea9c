// SPDX-License-Identifier: Apache-2.0
/** How is a request signed? The same on the wire for ACL 1.0 and 2.0. Source: AclClientRPCHook, AclUtils, AclSigner, protocol.md section 8.1. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { Credentials } from '../model/credentials.ts';
import type { ExtFields } from './header.ts';

const signatureField = 'Signature';

/**
 * Signs requests for one user. The secret is held as a key that cannot be printed.
 * @example new Signer({ accessKey: 'billing', secretKey: '…' }).sign({ topic: 'orders', queueId: '0' }, undefined)
 */
export class Signer {
  readonly #key: KeyObject;
  readonly #identity: ExtFields;

  constructor({ accessKey, secretKey, securityToken }: Credentials) {
    this.#key = createSecretKey(secretKey, 'utf8');
    this.#identity = {
      AccessKey: accessKey,
      ...(securityToken === undefined ? {} : { SecurityToken: securityToken }),
    };
  }

  /** Fields that say who signs; they are covered by the signature as all others are. */
  get identity(): ExtFields {
    return this.#identity;
  }

  /** All header fields of a request with those of the signature: the last step before it is encoded. */
  sign(fields: ExtFields, body: Uint8Array | undefined): ExtFields {
    const all = { ...fields, ...this.#identity };
    return { ...all, [signatureField]: this.signatureOf(contentOf(all), body) };
  }

  /** Base64 of the HMAC-SHA1 over this text and the body. For a pull, whose text is made in advance. */
  signatureOf(content: string, body?: Uint8Array): string {
    const hmac = createHmac('sha1', this.#key).update(content, 'utf8');
    return (body === undefined ? hmac : hmac.update(body)).digest('base64');
  }

  toJSON(): string {
    return '(secret)';
  }

  [inspect.custom](): string {
    return '(secret)';
  }
}

/** Names in the order in which their values are signed: UTF-16 code units, as Java's TreeMap and sort() without a function. */
export function signedOrder(names: readonly string[]): readonly string[] {
  return names.filter(name => name !== signatureField).toSorted();
}

/** Values only, nothing between them. */
function contentOf(fields: ExtFields): string {
  return signedOrder(Object.keys(fields))
    .map(name => fields[name])
    .join('');
}
