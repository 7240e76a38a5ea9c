// SPDX-License-Identifier: Apache-2.0
/** What becomes of each code that a broker or a name server may answer? */
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/errors/error-table.ts';
import { BrokerError } from '../../../src/errors/errors.ts';
import { RequestCode, ResponseCode, requestName, responseName } from '../../../src/protocol/codes.ts';
import { errorOfResponse } from '../../../src/protocol/response-error.ts';

/**
 * Every response code there is, and what it becomes. `outcome`: where it can come it is no error. Source: Java's ResponseCode,
 * protocol.md section 2; those that brokers answer to producers only, or to POP, are errors like any other.
 */
const expected: Readonly<Record<keyof typeof ResponseCode, ErrorCode | 'outcome'>> = {
  SUCCESS: 'outcome',
  SYSTEM_ERROR: 'RMQ_BROKER_ERROR',
  SYSTEM_BUSY: 'RMQ_BROKER_BUSY',
  REQUEST_CODE_NOT_SUPPORTED: 'RMQ_REQUEST_NOT_SUPPORTED',
  TRANSACTION_FAILED: 'RMQ_BROKER_ERROR',
  FLUSH_DISK_TIMEOUT: 'RMQ_BROKER_ERROR',
  SLAVE_NOT_AVAILABLE: 'RMQ_BROKER_ERROR',
  FLUSH_SLAVE_TIMEOUT: 'RMQ_BROKER_ERROR',
  MESSAGE_ILLEGAL: 'RMQ_BROKER_ERROR',
  SERVICE_NOT_AVAILABLE: 'RMQ_BROKER_BUSY',
  VERSION_NOT_SUPPORTED: 'RMQ_REQUEST_NOT_SUPPORTED',
  NO_PERMISSION: 'RMQ_NO_PERMISSION',
  TOPIC_NOT_EXIST: 'RMQ_TOPIC_NOT_FOUND',
  TOPIC_EXIST_ALREADY: 'RMQ_BROKER_ERROR',
  PULL_NOT_FOUND: 'outcome',
  PULL_RETRY_IMMEDIATELY: 'outcome',
  PULL_OFFSET_MOVED: 'outcome',
  QUERY_NOT_FOUND: 'RMQ_OFFSET_NOT_FOUND',
  SUBSCRIPTION_PARSE_FAILED: 'RMQ_SELECTOR_REFUSED',
  SUBSCRIPTION_NOT_EXIST: 'RMQ_SUBSCRIPTION_STALE',
  SUBSCRIPTION_NOT_LATEST: 'RMQ_SUBSCRIPTION_STALE',
  SUBSCRIPTION_GROUP_NOT_EXIST: 'RMQ_GROUP_NOT_FOUND',
  FILTER_DATA_NOT_EXIST: 'RMQ_SUBSCRIPTION_STALE',
  FILTER_DATA_NOT_LATEST: 'RMQ_SUBSCRIPTION_STALE',
  INVALID_PARAMETER: 'RMQ_BROKER_ERROR',
  NOT_IN_CURRENT_UNIT: 'RMQ_BROKER_ERROR',
  CONSUMER_NOT_ONLINE: 'RMQ_BROKER_ERROR',
  CONSUME_MSG_TIMEOUT: 'RMQ_BROKER_ERROR',
  NO_MESSAGE: 'RMQ_BROKER_ERROR',
  POLLING_FULL: 'RMQ_BROKER_ERROR',
  POLLING_TIMEOUT: 'RMQ_BROKER_ERROR',
  BROKER_NOT_EXIST: 'RMQ_BROKER_ERROR',
  BROADCAST_CONSUMPTION: 'RMQ_BROKER_ERROR',
  FLOW_CONTROL: 'RMQ_BROKER_BUSY',
  NOT_LEADER_FOR_QUEUE: 'RMQ_BROKER_ERROR',
  ILLEGAL_OPERATION: 'RMQ_BROKER_ERROR',
  GO_AWAY: 'RMQ_BROKER_ERROR', // the channel hangs up and asks elsewhere before this
};
const errors = Object.entries(expected).filter(([, code]) => code !== 'outcome');

describe('the error of an answer', () => {
  it.each([
    ...errors.map(([name, code]) => [ResponseCode[name as keyof typeof ResponseCode], name, code] as const), // its keys
    [9999, 'response 9999', 'RMQ_BROKER_ERROR'] as const,
  ])('with %i %s is %s, with a hint', (code, name, wanted) => {
    const error = errorOfResponse('route of orders', { code, remark: undefined }, 'a:1');
    expect(error).toMatchObject({
      code: wanted,
      responseCode: code,
      message: `route of orders refused by a:1 with ${code} ${name}`,
    });
    expect(error.hint.length).toBeGreaterThan(30);
  });

  it('names the request, the peer, the code and the remark', () => {
    const error = errorOfResponse(
      'pull from orders-0@broker-a',
      { code: 16, remark: 'no right' },
      '10.0.0.1:10911',
    );
    expect(error).toBeInstanceOf(BrokerError);
    expect(error).toMatchObject({
      message: 'pull from orders-0@broker-a refused by 10.0.0.1:10911 with 16 NO_PERMISSION: no right',
      responseCode: 16,
      remark: 'no right',
      context: { address: '10.0.0.1:10911', responseCode: 16, remark: 'no right' },
    });
  });

  it('shows of a stack trace the beginning', () => {
    const error = errorOfResponse('x', { code: 1, remark: 'e'.repeat(100_000) }, 'a:1');
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('a code', () => {
  it('has one name in each table', () => {
    for (const table of [RequestCode, ResponseCode]) {
      expect(new Set(Object.values(table)).size).toBe(Object.keys(table).length);
    }
  });

  it('is shown by its name, an unknown one by its number', () => {
    expect([requestName(11), requestName(9999), responseName(17), responseName(9999)]).toEqual([
      ...['PULL_MESSAGE', 'request 9999', 'TOPIC_NOT_EXIST', 'response 9999'],
    ]);
  });
});
