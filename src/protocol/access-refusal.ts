// SPDX-License-Identifier: Apache-2.0
/** Does an answer say that we may not, and what is missing: the right secret, a right on a topic, one on a group? */
import type { ErrorCode } from '../errors/error-table.ts';
import { ResponseCode } from './codes.ts';
import type { Frame } from './frame.ts';

export interface AccessRefusal {
  readonly code: ErrorCode;
  /** In words, with the name of the topic or group. */
  readonly missing: string;
  /** For programs. */
  readonly context: { readonly topic?: string; readonly group?: string };
  /** The broker's words, without the user's name. */
  readonly remark: string | undefined;
}

/** Of ACL 1.0, which throws: code 1 stands for every exception of a broker. Source: PlainPermissionManager. */
const thrownByAcl = 'AclException: ';

interface Wording {
  readonly says: RegExp;
  readonly missing: string;
}

/** Both of 5.x (DefaultAuthenticationHandler) and of 4.9 (PlainPermissionManager.validate); as real brokers said them. */
const unknownUsers: readonly Wording[] = [
  { says: /check signature failed/i, missing: 'the secret key does not fit the access key' },
  { says: /username cannot be null|No accessKey is configured/, missing: 'no credentials were given' },
  { says: /^User:.* is not found|No acl config for/, missing: 'the broker knows no user of this access key' },
  { says: /^User:.* is disabled/, missing: 'the user is disabled' },
];

/** DefaultAuthorizationHandler of 5.x, PlainPermissionManager.checkPerm of 4.9. */
const forbidden = /(?:has no permission to access|No default permission for) (topic|group):([^\s,]{1,255})/i;

/** Undefined: it is something else. */
export function accessRefusalOf(frame: Pick<Frame, 'code' | 'remark'>): AccessRefusal | undefined {
  const { code, remark: text = '' } = frame;
  const isOurs = code === ResponseCode.NO_PERMISSION || isThrownByAcl(frame);
  if (!isOurs) return undefined;
  const remark = frame.remark === undefined ? undefined : withoutUser(text);
  const unknown = unknownUsers.find(({ says }) => says.test(text));
  if (unknown !== undefined) {
    return { code: 'RMQ_AUTHENTICATION_FAILED', missing: unknown.missing, context: {}, remark };
  }
  const [, kind = '', name] = forbidden.exec(text) ?? [];
  if (name === undefined) return { code: 'RMQ_NO_PERMISSION', missing: '', context: {}, remark };
  return kind.toLowerCase() === 'topic'
    ? { code: 'RMQ_TOPIC_FORBIDDEN', missing: `no right on topic ${name}`, context: { topic: name }, remark }
    : { code: 'RMQ_GROUP_FORBIDDEN', missing: `no right on group ${name}`, context: { group: name }, remark };
}

/** Without a look at the words: may other credentials help? */
export function isAccessRefused(frame: Pick<Frame, 'code' | 'remark'>): boolean {
  return frame.code === ResponseCode.NO_PERMISSION || isThrownByAcl(frame);
}

function isThrownByAcl({ code, remark }: Pick<Frame, 'code' | 'remark'>): boolean {
  return code === ResponseCode.SYSTEM_ERROR && remark?.includes(thrownByAcl) === true;
}

/** An access key is half of a login. */
function withoutUser(remark: string): string {
  return remark.replace(/(User:|accessKey=|No acl config for )[^\s,]+/g, '$1(hidden)');
}
