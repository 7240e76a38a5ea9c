// SPDX-License-Identifier: Apache-2.0
/** How did the consumption of one given message end? Source: ConsumeMessageDirectlyResult, protocol.md section 5.5. */
import {
  boolean,
  integer,
  maybe,
  oneOf,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';

const directResult = record({
  autoCommit: withDefault(boolean, true),
  consumeResult: oneOf(
    'CR_SUCCESS',
    'CR_LATER',
    'CR_ROLLBACK',
    'CR_COMMIT',
    'CR_THROW_EXCEPTION',
    'CR_RETURN_NULL',
  ),
  /** Whether the listener is an orderly one. */
  order: withDefault(boolean, false),
  remark: maybe(string),
  /** RocketMQ's spelling. Unit: ms. */
  spentTimeMills: withDefault(integer, 0),
});

export type DirectResult = ShapeOf<typeof directResult>;

/** The answer to consumeDirectly (309). */
export function encodeDirectResult(result: DirectResult): Buffer {
  return writeBody(directResult, result);
}

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseDirectResult(body: Buffer): DirectResult {
  return readBody(directResult, body, 'direct result');
}
