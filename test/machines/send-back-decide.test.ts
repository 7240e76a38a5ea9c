// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { RetryDecision, RetryPolicy } from '../../src/config/retry-policy.ts';
import { ConsumerError } from '../../src/errors/errors.ts';
import { decide, levelAtBroker, type RetryRules } from '../../src/machines/send-back/send-back.logic.ts';
import type { SendBackJob } from '../../src/machines/send-back/send-back-job.ts';
import { aQueue, messageAt } from '../support/builders.ts';

const cause = new TypeError('no such customer');
const thrown = new ConsumerError('RMQ_LISTENER_FAILED', 'the listener threw', { cause });
const atBroker = { kind: 'retry', delayLevel: 0 };

interface Given {
  readonly attempts?: number;
  readonly level?: number;
  readonly error?: ConsumerError | undefined;
}

function failed({ attempts = 0, level = 0, error = thrown }: Given = {}): SendBackJob {
  const message = messageAt(7, { reconsumeTimes: attempts });
  return {
    queue: aQueue,
    failed: { epoch: 1, ticket: 7, message, delayLevel: level, error },
    settle: () => {},
    redeliver: () => {},
  };
}

function rules(retryPolicy?: RetryPolicy, given: Partial<RetryRules> = {}): RetryRules {
  return { isOrderly: false, maxReconsumeTimes: 3, retryPolicy, ...given };
}

/** A policy that a user without types may have written. */
function answering(answer: unknown): RetryPolicy {
  return () => answer as RetryDecision; // as above
}

describe('a failed message', () => {
  it('is left to the broker when nobody says anything', () => {
    expect(decide(failed(), rules())).toEqual({ way: atBroker });
  });

  it('gets the level its handler set, and the policy is not asked', () => {
    const policy = () => expect.fail('asked');
    expect(decide(failed({ level: 5 }), rules(policy))).toEqual({ way: { kind: 'retry', delayLevel: 5 } });
  });

  it.each([-1, -7])('is a dead letter when its handler set %d', level => {
    expect(decide(failed({ level }), rules())).toEqual({ way: { kind: 'deadLetter', reason: 'listener' } });
  });

  it.each([
    [1, { kind: 'retry', delayLevel: 1 }],
    [18, { kind: 'retry', delayLevel: 18 }],
    [0, atBroker],
    [undefined, atBroker],
    ['deadLetter', { kind: 'deadLetter', reason: 'retryPolicy' }],
    ['drop', { kind: 'drop' }],
  ] as const)('follows the policy that answers %s', (answer, way) => {
    expect(
      decide(
        failed(),
        rules(() => answer),
      ),
    ).toEqual({ way });
  });

  it.each([
    ['what the handler threw', thrown, cause],
    ['nothing, where it answered RECONSUME_LATER', undefined, undefined],
  ])('is shown to the policy with %s, its attempt and itself', (_, error, shown) => {
    const asked: unknown[] = [];
    const policy: RetryPolicy = (...args) => {
      asked.push(...args);
      return undefined;
    };
    const job = { ...failed({ attempts: 2 }), failed: { ...failed({ attempts: 2 }).failed, error } };
    decide(job, rules(policy));
    expect(asked).toEqual([shown, 3, job.failed.message]);
  });

  it('is shown to the policy with the error of the consumer where that has no cause', () => {
    const stuck = new ConsumerError('RMQ_LISTENER_FAILED', 'it took too long');
    const seen: unknown[] = [];
    const policy: RetryPolicy = error => {
      seen.push(error);
      return undefined;
    };
    decide(failed({ error: stuck }), rules(policy));
    expect(seen).toEqual([stuck]);
  });

  it.each([19, -1, 2.5, Number.NaN, null, 'later', true, {}])(
    'is left to the broker when the policy answers %o',
    answer => {
      const { way, error } = decide(failed(), rules(answering(answer)));
      expect([way, error?.code]).toEqual([atBroker, 'RMQ_HOOK_FAILED']);
      expect(error?.message).toContain('for message id-7 at orders@broker-a#0:7');
    },
  );

  it('is left to the broker when the policy is asynchronous, and its rejection ends nothing', async () => {
    const { way, error } = decide(failed(), rules(answering(Promise.reject(cause))));
    await new Promise(resolve => setImmediate(resolve)); // an unhandled rejection would fail this file
    expect([way, error?.message]).toEqual([atBroker, expect.stringContaining('answered a promise')]);
  });

  it('is left to the broker when the policy throws, and the cause is kept', () => {
    const { way, error } = decide(
      failed(),
      rules(() => {
        throw cause;
      }),
    );
    expect([way, error?.code, error?.cause]).toEqual([atBroker, 'RMQ_HOOK_FAILED', cause]);
  });
});

describe('a message that was stored with as many attempts as allowed', () => {
  const last = { attempts: 3 };
  const tooOften = { kind: 'deadLetter', reason: 'maxReconsumeTimes' };

  it.each([
    ['nobody said anything', failed(last), rules()],
    ['the handler set a level', failed({ ...last, level: 5 }), rules()],
    ['the policy named a level', failed(last), rules(() => 5)],
  ])('is a dead letter of its number when %s', (_, job, given) => {
    expect(decide(job, given)).toEqual({ way: tooOften });
  });

  it.each([
    [
      'the handler set -1',
      failed({ ...last, level: -1 }),
      rules(),
      { kind: 'deadLetter', reason: 'listener' },
    ],
    [
      'the policy says so',
      failed(last),
      rules(() => 'deadLetter'),
      { kind: 'deadLetter', reason: 'retryPolicy' },
    ],
    ['the policy drops it', failed(last), rules(() => 'drop'), { kind: 'drop' }],
  ] as const)('is what it was said to be when %s', (_, job, given, way) => {
    expect(decide(job, given)).toEqual({ way });
  });

  it('keeps the complaint about the policy', () => {
    const { way, error } = decide(failed(last), rules(answering('junk')));
    expect([way, error?.code]).toEqual([tooOften, 'RMQ_HOOK_FAILED']);
  });

  it('is told from one that may fail once more', () => {
    expect(decide(failed({ attempts: 2 }), rules())).toEqual({ way: atBroker });
    expect(decide(failed(), rules(undefined, { maxReconsumeTimes: 0 }))).toEqual({ way: tooOften });
  });

  it('is what an orderly listener hands back, whatever the policy', () => {
    const policy = () => expect.fail('asked');
    expect(decide(failed({ level: -1 }), rules(policy, { isOrderly: true }))).toEqual({ way: tooOften });
  });
});

it('the level of a retry is the one asked for, else 3 and one more for each attempt, 18 at most', () => {
  expect([
    levelAtBroker(0, 0),
    levelAtBroker(0, 2),
    levelAtBroker(0, 40),
    levelAtBroker(5, 9),
    levelAtBroker(99, 0),
  ]).toEqual([3, 5, 18, 5, 18]);
});
