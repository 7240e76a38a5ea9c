// SPDX-License-Identifier: Apache-2.0
// How the independent witness signs its requests, for brokers that check who asks.

import { createHmac } from 'node:crypto';

export interface RawCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** The header fields of a request with its signature. Source: AclUtils.combineRequestContent, AclSigner. */
export function signed(
  fields: Readonly<Record<string, string>>,
  body: Buffer,
  { accessKey, secretKey }: RawCredentials,
): Record<string, string> {
  const all: Record<string, string> = { ...fields, AccessKey: accessKey };
  const content = Object.keys(all)
    .sort()
    .map(name => all[name])
    .join('');
  const hmac = createHmac('sha1', secretKey).update(content).update(body);
  return { ...all, Signature: hmac.digest('base64') };
}
