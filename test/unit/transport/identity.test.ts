// SPDX-License-Identifier: Apache-2.0
/** When are credentials asked for, how long, and what if they do not come? */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { RocketmqError } from '../../../src/errors/errors.ts';
import {
  type Credentials,
  type CredentialsProvider,
  GivenCredentials,
} from '../../../src/model/credentials.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { Identity, renewingDialer } from '../../../src/transport/identity.ts';
import { FakeDialer } from '../../support/fake-dialer.ts';

const first = { accessKey: 'ak', secretKey: 'canary-1' };
const second = { accessKey: 'ak', secretKey: 'canary-2' };

function identity(given: Credentials | CredentialsProvider) {
  const clock = new TestClock();
  const faults: RocketmqError[] = [];
  const made = new Identity({
    given: new GivenCredentials(given),
    clock,
    onFault: error => faults.push(error),
  });
  return { identity: made, clock, faults };
}

/** Answers one after another, the last again and again. */
function answering(...answers: readonly unknown[]) {
  const asked = { times: 0 };
  const provider = (async () => {
    const answer = answers[Math.min(asked.times, answers.length - 1)];
    asked.times += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  }) as CredentialsProvider; // wrong answers are part of the tests
  return { provider, asked };
}

describe('credentials that are an object', () => {
  it('sign at once, and are never asked for again', async () => {
    const { identity: made, clock } = identity(first);
    const { signer } = made;
    await made.load();
    await clock.advance(60_000);
    made.refused();
    await made.renew();
    expect(signer).toBeDefined();
    expect(made.signer).toBe(signer);
    expect(made.isRotating).toBe(false);
  });
});

describe('credentials that come from a function', () => {
  it('sign once they were asked for', async () => {
    const { provider, asked } = answering(first);
    const { identity: made } = identity(provider);
    expect(made.signer).toBeUndefined();
    await Promise.all([made.load(), made.load()]);
    await made.load();
    expect(made.signer).toBeDefined();
    expect(asked.times).toBe(1);
  });

  it('are asked for anew after a refusal, but not sooner than 5 s after the last time', async () => {
    const { provider, asked } = answering(first, second);
    const { identity: made, clock } = identity(provider);
    await made.load();
    const old = made.signer;
    made.refused();
    await clock.advance(4999);
    made.refused();
    expect(asked.times).toBe(1);
    await clock.advance(1);
    made.refused();
    made.refused();
    await clock.advance(0);
    expect(asked.times).toBe(2);
    expect(made.signer).not.toBe(old);
  });

  it('stay in force when the function fails, and that is told', async () => {
    const { provider } = answering(first, new Error('canary'));
    const { identity: made, clock, faults } = identity(provider);
    await made.load();
    const old = made.signer;
    await clock.advance(10_000);
    await made.renew();
    expect(made.signer).toBe(old);
    expect(faults.map(({ code }) => code)).toEqual(['RMQ_CREDENTIALS_FAILED']);
  });

  it.each<[string, unknown, string]>([
    [
      'throws',
      Object.assign(new TypeError('canary'), { code: 'ECONNREFUSED' }),
      'threw TypeError ECONNREFUSED',
    ],
    ['answers nothing', undefined, 'it is no object'],
    ['answers no secret', { accessKey: 'canary' }, 'secretKey: it is missing'],
    [
      'answers a secret with a line break',
      { accessKey: 'a', secretKey: 'canary\n' },
      'secretKey: it has a space',
    ],
    ['answers an empty user', { accessKey: '', secretKey: 'canary' }, 'accessKey: it is empty'],
    ['answers a token that is no text', { ...first, securityToken: 1 }, 'securityToken: it is no text'],
  ])('fail the load when it %s, and nothing of it is shown', async (_, answer, says) => {
    const { identity: made } = identity(answering(answer).provider);
    const error = await made.load().then(
      () => expect.fail('it loaded'),
      (thrown: unknown) => thrown as RocketmqError, // the test looks at its code
    );
    expect(error).toMatchObject({ code: 'RMQ_CREDENTIALS_FAILED', kind: 'security' });
    expect(error.message).toContain(says);
    expect(inspect(error, { depth: 9 })).not.toContain('canary');
  });

  it('fail the load when it takes longer than 10 s', async () => {
    const { identity: made, clock } = identity(() => new Promise<Credentials>(() => {}));
    const loading = made.load();
    loading.catch(() => {});
    await clock.advance(10_000);
    await expect(loading).rejects.toMatchObject({ code: 'RMQ_CREDENTIALS_FAILED' });
  });

  it('are asked for before a dial, which waits for them half of its time at most', async () => {
    const answers: ((credentials: Credentials) => void)[] = [];
    const { identity: made, clock } = identity(
      () => new Promise<Credentials>(resolve => answers.push(resolve)),
    );
    const loading = made.load();
    answers[0]?.(first);
    await loading;
    await clock.advance(10_000);
    const dialer = new FakeDialer(clock);
    const handlers = { onData: () => {}, onClose: () => {} };
    const dial = renewingDialer(dialer, made).dial('a:1', handlers, {
      signal: new AbortController().signal,
      timeoutMs: 3000,
    });
    await clock.advance(1499);
    expect([answers.length, dialer.dials.length]).toEqual([2, 0]);
    await clock.advance(1);
    await dial;
    expect(dialer.dials.length).toBe(1);
  });

  it('show nothing of themselves', async () => {
    const given = new GivenCredentials({ ...first, securityToken: 'canary' });
    const { identity: made } = identity(first);
    const shown =
      inspect({ given, made }, { depth: 9, showHidden: true }) + JSON.stringify({ given, made }) + `${given}`;
    expect(shown).not.toContain('canary');
  });
});
