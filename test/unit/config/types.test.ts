// SPDX-License-Identifier: Apache-2.0
/** Which mistakes does the compiler find? Each line with an expected error fails the type check when it compiles. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type BrokerError,
  ConfigError,
  ConsumeResult,
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  type ErrorCode,
  type MessageExt,
  OrderlyResult,
  orderly,
  type RocketmqError,
  type SubscriptionError,
  type SubscriptionProblem,
  simple,
} from '../../../src/index.ts';
import { problemsOf } from './support.ts';

/** The compiler judges it; at run time the same mistake is refused, or is none. */
function refused(config: ConsumerConfig): readonly string[] {
  return problemsOf(config).map(({ option }) => option);
}

describe('a config that does not compile', () => {
  it('is refused at run time as well', () => {
    // @ts-expect-error a name that does not exist
    expect(refused({ pullBatchsize: 16 })).toEqual(['pullBatchsize']);
    // @ts-expect-error a text for a number
    expect(refused({ pullBatchSize: '16' })).toEqual(['pullBatchSize']);
    // @ts-expect-error a word that is none of the set
    expect(refused({ messageModel: 'broadcasting' })).toEqual(['messageModel']);
    // @ts-expect-error a bare function: which kind of listener is it?
    expect(refused({ listener: async () => {} })).toEqual(['listener']);
    // @ts-expect-error a selector is made by tag() or sql()
    expect(refused({ subscriptions: [{ topic: 'a', selector: 'b' }] })).toContain(
      'subscriptions[0].selector',
    );
    // @ts-expect-error a policy answers a level, 'deadLetter', 'drop' or nothing
    expect(refused({ retryPolicy: () => 'later' })).toEqual([]); // what it answers is seen when it is called
  });

  it('is one with undefined for an option only where that means the default', () => {
    expect(refused({ pullBatchSize: undefined, listener: undefined })).toEqual([]);
  });
});

describe('a listener', () => {
  it('answers what its kind allows', () => {
    const kinds = [
      concurrently(() => ConsumeResult.SUCCESS),
      concurrently(async () => ConsumeResult.RECONSUME_LATER),
      concurrently(() => undefined),
      orderly(() => OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT),
      simple(async () => {}),
      // @ts-expect-error an orderly listener does not give a message back to the broker
      orderly(() => ConsumeResult.RECONSUME_LATER),
      // @ts-expect-error a concurrent listener does not suspend its queue
      concurrently(() => OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT),
      // @ts-expect-error true is no answer
      concurrently(() => true),
    ];
    expect(kinds.map(({ kind }) => kind)).toEqual([
      ...['concurrently', 'concurrently', 'concurrently', 'orderly', 'concurrently', 'orderly'],
      ...['concurrently', 'concurrently'],
    ]);
  });

  it('gets at least one message', () => {
    concurrently(([first]) => {
      expectTypeOf(first).toEqualTypeOf<MessageExt>();
    });
    orderly((messages, context) => {
      expectTypeOf(messages[0]).toEqualTypeOf<MessageExt>();
      expectTypeOf(context).not.toHaveProperty('ackIndex');
    });
    expect(problemsOf({ listener: simple(() => undefined) })).toEqual([]);
  });
});

describe('what is told', () => {
  it('has its type by its name', () => {
    type Lost = Extract<ConsumerEvent, { readonly type: 'connection.lost' }>;
    expectTypeOf<Lost['error']>().toEqualTypeOf<RocketmqError>();
    expectTypeOf<RocketmqError['code']>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<BrokerError['responseCode']>().toEqualTypeOf<number>();
    expectTypeOf<SubscriptionError['problem']>().toEqualTypeOf<SubscriptionProblem>();
    const error: RocketmqError = new ConfigError([]);
    // @ts-expect-error codes are a closed set
    expect(error.code === 'RMQ_CONFIG').toBe(false);
  });
});
