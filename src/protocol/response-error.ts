// SPDX-License-Identifier: Apache-2.0
/** Which error is an answer that says no? */
import type { ErrorCode } from '../errors/error-table.ts';
import { BrokerError } from '../errors/errors.ts';
import type { Address } from '../model/route.ts';
import { accessRefusalOf } from './access-refusal.ts';
import { ResponseCode, responseName } from './codes.ts';
import type { Frame } from './frame.ts';

/** What an answer's code becomes; others are RMQ_BROKER_ERROR. */
export const answerCodes: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [ResponseCode.SYSTEM_BUSY, 'RMQ_BROKER_BUSY'],
  [ResponseCode.FLOW_CONTROL, 'RMQ_BROKER_BUSY'],
  [ResponseCode.SERVICE_NOT_AVAILABLE, 'RMQ_BROKER_BUSY'], // its disk is full, or it is about to stop
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'RMQ_REQUEST_NOT_SUPPORTED'],
  [ResponseCode.VERSION_NOT_SUPPORTED, 'RMQ_REQUEST_NOT_SUPPORTED'],
  [ResponseCode.TOPIC_NOT_EXIST, 'RMQ_TOPIC_NOT_FOUND'],
  [ResponseCode.QUERY_NOT_FOUND, 'RMQ_OFFSET_NOT_FOUND'],
  [ResponseCode.SUBSCRIPTION_PARSE_FAILED, 'RMQ_SELECTOR_REFUSED'],
  [ResponseCode.SUBSCRIPTION_NOT_EXIST, 'RMQ_SUBSCRIPTION_STALE'],
  [ResponseCode.SUBSCRIPTION_NOT_LATEST, 'RMQ_SUBSCRIPTION_STALE'],
  [ResponseCode.FILTER_DATA_NOT_EXIST, 'RMQ_SUBSCRIPTION_STALE'],
  [ResponseCode.FILTER_DATA_NOT_LATEST, 'RMQ_SUBSCRIPTION_STALE'],
  [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'RMQ_GROUP_NOT_FOUND'],
]);

/** Longest remark shown: brokers send whole stack traces. Unit: characters. */
const shownRemark = 300;

/**
 * The error for an answer whose code is no outcome of the request.
 * @param what names the request, e.g. `pull from orders-0@broker-a`
 * @example errorOfResponse('route of orders', frame, '10.0.0.1:9876')
 * // BrokerError RMQ_TOPIC_NOT_FOUND: route of orders refused by 10.0.0.1:9876 with 17 TOPIC_NOT_EXIST: No topic route info …
 */
export function errorOfResponse(
  what: string,
  frame: Pick<Frame, 'code' | 'remark'>,
  address: Address,
): BrokerError {
  const refusal = accessRefusalOf(frame);
  const code = refusal?.code ?? answerCodes.get(frame.code) ?? 'RMQ_BROKER_ERROR';
  const remark = refusal === undefined ? frame.remark : refusal.remark;
  const said = [refusal?.missing, remark?.slice(0, shownRemark)].map(text =>
    text === undefined || text === '' ? '' : `: ${text}`,
  );
  const message = `${what} refused by ${address} with ${frame.code} ${responseName(frame.code)}${said.join('')}`;
  return new BrokerError(
    code,
    message,
    { responseCode: frame.code, remark },
    { context: { address, ...refusal?.context } },
  );
}
