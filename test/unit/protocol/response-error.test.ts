// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/errors/errors.ts';
import { RequestCode, ResponseCode, requestName, responseName } from '../../../src/protocol/codes.ts';
import { errorOfResponse } from '../../../src/protocol/response-error.ts';

describe('the error of an answer', () => {
  it.each([
    [1, 'RMQ_BROKER_ERROR'],
    [2, 'RMQ_BROKER_BUSY'],
    [3, 'RMQ_REQUEST_NOT_SUPPORTED'],
    [16, 'RMQ_NO_PERMISSION'],
    [17, 'RMQ_TOPIC_NOT_FOUND'],
    [22, 'RMQ_OFFSET_NOT_FOUND'],
    [24, 'RMQ_SUBSCRIPTION_STALE'],
    [25, 'RMQ_SUBSCRIPTION_STALE'],
    [26, 'RMQ_GROUP_NOT_FOUND'],
    [215, 'RMQ_BROKER_BUSY'],
    [9999, 'RMQ_BROKER_ERROR'],
  ])('with code %i is %s', (code, expected) => {
    expect(errorOfResponse('route of orders', { code, remark: undefined }, 'a:1')).toMatchObject({
      code: expected,
    });
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
