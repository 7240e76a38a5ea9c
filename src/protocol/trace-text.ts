// SPDX-License-Identifier: Apache-2.0
/** How are traces of a consumption written, so that Java's tools can read them? Source: client.trace.TraceDataEncoder. */

const fieldEnd = '\u0001';
const recordEnd = '\u0002';
/** What Java writes for what is not there. Never nothing at the end of a record: Java's reader would miss the field. */
const absent = 'null';

/** How a listener call ended, by Java's number. Source: ConsumeReturnType. */
export const contextCodes = { SUCCESS: 0, TIME_OUT: 1, EXCEPTION: 2, RETURNNULL: 3, FAILED: 4 } as const;
export type TraceOutcome = keyof typeof contextCodes;

/** What both records say of a message. */
export interface TracedMessage {
  readonly msgId: string;
  /** As the property KEYS has them: words with spaces between. */
  readonly keys: string | undefined;
}

/** The messages went to a listener. */
export interface SubBefore extends TracedMessage {
  /** Joins the two records of a call. */
  readonly requestId: string;
  readonly consumerGroup: string;
  /** The property MSG_REGION. */
  readonly regionId: string;
  readonly retryTimes: number;
  /** Unit: ms since 1970. */
  readonly at: number;
}

/** The listener has ended. */
export interface SubAfter extends TracedMessage {
  readonly requestId: string;
  readonly consumerGroup: string;
  /** Of the call, divided by its messages. Unit: ms. */
  readonly costMs: number;
  readonly success: boolean;
  readonly outcome: TraceOutcome;
  /** When the trace was written. Unit: ms since 1970. */
  readonly at: number;
}

/** @example subBefore({ requestId, consumerGroup: 'billing', regionId: 'DefaultRegion', msgId, keys: '7', retryTimes: 0, at }) */
export function subBefore(record: SubBefore): string {
  const { at, regionId, consumerGroup, requestId, msgId, retryTimes, keys = absent } = record;
  return line('SubBefore', at, regionId, consumerGroup, requestId, msgId, retryTimes, keys || absent);
}

/** @example subAfter({ requestId, consumerGroup: 'billing', msgId, keys: '7', costMs: 3, success: true, outcome: 'SUCCESS', at }) */
export function subAfter(record: SubAfter): string {
  const { requestId, msgId, costMs, success, keys = absent, outcome, at, consumerGroup } = record;
  const code = contextCodes[outcome];
  return line('SubAfter', requestId, msgId, costMs, success, keys || absent, code, at, consumerGroup);
}

function line(...fields: readonly (string | number | boolean)[]): string {
  return fields.join(fieldEnd) + recordEnd;
}
