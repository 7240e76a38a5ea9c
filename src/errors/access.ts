// SPDX-License-Identifier: Apache-2.0
/** Was something refused because of who we are, so that asking again in the same way is of no use? */
import type { ErrorCode } from './error-table.ts';
import { RocketmqError } from './errors.ts';

const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'RMQ_AUTHENTICATION_FAILED',
  'RMQ_TOPIC_FORBIDDEN',
  'RMQ_GROUP_FORBIDDEN',
  'RMQ_NO_PERMISSION',
]);

/** A broker refused the user, or a right is missing. */
export function isForbidden(error: unknown): boolean {
  return error instanceof RocketmqError && refusals.has(error.code);
}
