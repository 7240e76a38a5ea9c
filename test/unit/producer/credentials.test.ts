// SPDX-License-Identifier: Apache-2.0
/** Does a producer sign what it asks, and say at once when its credentials do not come? */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createProducer } from '../../../src/create-producer.ts';
import type { RocketmqError } from '../../../src/errors/errors.ts';
import { resolveProducerOptions } from '../../../src/producer/producer-options.ts';
import { encodeRoute } from '../../../src/protocol/bodies/route.ts';
import type { Frame } from '../../../src/protocol/frame.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import type { Dialer } from '../../../src/transport/ports.ts';
import { FakeSocket } from '../../support/fake-dialer.ts';

const credentials = { accessKey: 'shop', secretKey: 'canary', securityToken: 'canary-token' };
const namesrvAddr = 'ns:9876';
const [route105, send310] = [105, 310];

/** One broker with one queue of every topic, which stores what it is sent. */
function cluster() {
  const clock = new TestClock();
  const asked: Frame[] = [];
  const brokers = [{ brokerName: 'a', cluster: 'c', addresses: new Map([[0, 'a:10911']]) }];
  const queues = [{ brokerName: 'a', readQueueNums: 1, writeQueueNums: 1, perm: 6 }];
  const fields = { msgId: 'ID', queueId: '0', queueOffset: '1' };
  const dialer: Dialer = {
    dial: (_, handlers) => {
      const socket = new FakeSocket(handlers);
      socket.onFrame = frame => {
        asked.push(frame);
        const route = frame.code === route105 ? { body: encodeRoute({ brokers, queues }) } : {};
        socket.answer(frame, frame.code === send310 ? { fields } : route);
      };
      return Promise.resolve(socket);
    },
  };
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const end = (): void => {
      settled = true;
    };
    promise.then(end, end);
    for (let steps = 0; !settled && steps < 2000; steps++) await clock.advance(10);
    return promise;
  };
  return { clock, asked, dialer, until };
}

function isSigned({ fields, body }: Frame): boolean {
  const { Signature: signature, ...rest } = fields;
  const content = Object.keys(rest)
    .sort()
    .map(name => rest[name])
    .join('');
  return (
    signature === createHmac('sha1', credentials.secretKey).update(content).update(body).digest('base64')
  );
}

describe('a producer with credentials', () => {
  it.each([
    ['an object', credentials],
    ['a function', async () => credentials],
  ])('that are %s signs every request, the body with it', async (_, given) => {
    const { clock, asked, dialer, until } = cluster();
    const producer = createProducer({ namesrvAddr, credentials: given }, { dialer, clock });
    await until(producer.start());
    await until(producer.send({ topic: 'orders', body: 'hello' }));
    await until(producer.shutdown());
    expect(asked.map(({ code }) => code)).toEqual(expect.arrayContaining([route105, 34, send310, 35]));
    expect(asked.filter(frame => !isSigned(frame))).toEqual([]);
  });

  it('that do not come cannot be started, and dials nobody', async () => {
    const { clock, asked, dialer, until } = cluster();
    const given = () => Promise.reject(new Error('canary'));
    const producer = createProducer({ namesrvAddr, credentials: given }, { dialer, clock });
    await expect(until(producer.start())).rejects.toMatchObject({ code: 'RMQ_CREDENTIALS_FAILED' });
    expect([asked, clock.pending]).toEqual([[], 0]);
  });
});

describe('the options of a producer', () => {
  const env = { ROCKETMQ_ACCESS_KEY: 'shop', ROCKETMQ_SECRET_KEY: 'canary' };

  it('take credentials from the environment when none are given', () => {
    const resolved = resolveProducerOptions({ namesrvAddr }, env);
    expect(resolved.credentials?.get()).toEqual({ accessKey: 'shop', secretKey: 'canary' });
    expect(resolveProducerOptions({ namesrvAddr, credentials }, env).credentials?.get()).toEqual(credentials);
    expect(resolveProducerOptions({ namesrvAddr }, {}).credentials).toBeUndefined();
  });

  it('name the field that is wrong, and not its value', () => {
    let error: unknown;
    try {
      resolveProducerOptions({ namesrvAddr, credentials: { accessKey: 'canary ', secretKey: '' } }, {});
    } catch (thrown) {
      error = thrown;
    }
    const { message, context } = error as RocketmqError; // the test looks at its words
    expect(message).toMatch(/credentials\.accessKey: .*credentials\.secretKey: /);
    expect(message + JSON.stringify(context)).not.toContain('canary');
  });
});
