// SPDX-License-Identifier: Apache-2.0
/** Does a whole consumer work over TLS, and say what stands against it? (Secrets: secrets.test.ts.) */
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  concurrently,
  createConsumer,
  createProducer,
  type RocketmqError,
  silentLogger,
} from '../../../../src/index.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { createAuthority, selfSigned } from '../../../support/certificates.ts';
import { startTlsFront } from '../../../support/tls-front.ts';

const authority = createAuthority();

interface Setup {
  readonly config?: ConsumerConfig;
}

/** A cluster that is reached over TLS; the route's addresses are mapped to the encrypted ones. */
async function encryptedCluster(server: Parameters<typeof startTlsFront>[1] = authority.issue()) {
  const cluster = await startEmbeddedCluster();
  cluster.createTopic('orders', { queues: 2 });
  const names = await startTlsFront(cluster.namesrvAddr, server);
  const broker = await startTlsFront(cluster.broker().address, server);
  const bodies: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    ...{ cluster, names, broker, bodies },
    consumer: ({ config = {} }: Setup) =>
      createConsumer(
        {
          ...{ consumerGroup: 'billing', namesrvAddr: names.address, subscriptions: [{ topic: 'orders' }] },
          ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', mapBrokerAddress: () => broker.address },
          listener: concurrently(([message]) => {
            bodies.push(message.body.toString());
            for (const look of waiting) look();
          }),
          ...config,
        },
        undefined,
        { logger: silentLogger },
      ),
    got: (count: number) =>
      new Promise<void>(resolve => {
        const look = (): void => {
          if (bodies.length >= count) resolve();
        };
        waiting.push(look);
        look();
      }),
    async [Symbol.asyncDispose](): Promise<void> {
      await broker[Symbol.asyncDispose]();
      await names[Symbol.asyncDispose]();
      await cluster.stop();
    },
  };
}

async function startError(
  config: ConsumerConfig,
  server?: Parameters<typeof startTlsFront>[1],
): Promise<RocketmqError> {
  await using test = await encryptedCluster(server);
  const consumer = test.consumer({ config: { consumerTimeoutMillisOfRequest: 300, ...config } });
  const error: unknown = await consumer.start().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await consumer.shutdown();
  return error as RocketmqError; // compared by code below
}

describe('a consumer and a producer over TLS', () => {
  it('send and consume, and come back with another certificate after the old one was taken away', async () => {
    await using test = await encryptedCluster();
    const { cluster, names, broker } = test;
    let ca = authority.ca;
    const tls = () => ({ ca });
    await using producer = createProducer({
      namesrvAddr: names.address,
      tls,
      mapBrokerAddress: () => broker.address,
    });
    await producer.start();
    const consumer = test.consumer({ config: { tls } });
    await consumer.start();
    await producer.send({ topic: 'orders', body: 'first' });
    await test.got(1);
    const next = createAuthority();
    for (const front of [names, broker]) {
      front.use(next.issue());
      front.cut();
    }
    ca = next.ca;
    cluster.send({ topic: 'orders', body: 'second' });
    await test.got(2);
    expect(test.bodies).toEqual(['first', 'second']);
    expect((await consumer.shutdown()).clean).toBe(true);
    expect(cluster.requests({ request: 'heartbeat' }).length).toBeGreaterThan(1);
  });

  it.each<[string, string, ConsumerConfig, Parameters<typeof startTlsFront>[1]?]>([
    ['an authority nobody knows', 'RMQ_TLS_UNTRUSTED', { tls: true }],
    ['a certificate signed by itself', 'RMQ_TLS_UNTRUSTED', { tls: { ca: authority.ca } }, selfSigned()],
    [
      'a certificate for another host',
      'RMQ_TLS_NAME_MISMATCH',
      { tls: { ca: authority.ca, servername: 'elsewhere.example' } },
    ],
    [
      'a certificate of ours that is missing',
      'RMQ_TLS_CLIENT_CERTIFICATE',
      { tls: { ca: authority.ca } },
      { ...authority.issue(), ca: authority.ca, requestCert: true, rejectUnauthorized: true },
    ],
    ['TLS that is not switched on', 'RMQ_TLS_EXPECTED', {}],
  ])('do not start for %s: %s', async (_what, code, config, server) => {
    expect((await startError(config, server)).code).toBe(code);
  });

  it('do not start in plain text where TLS is asked for', async () => {
    await using cluster = await startEmbeddedCluster();
    const config = { tls: true, consumerTimeoutMillisOfRequest: 300, namesrvAddr: cluster.namesrvAddr };
    const consumer = createConsumer(
      { ...config, consumerGroup: 'billing' },
      concurrently(() => undefined),
      { logger: silentLogger },
    );
    await expect(consumer.start()).rejects.toMatchObject({ code: 'RMQ_TLS_PLAIN_PEER' });
    expect(cluster.requests()).toEqual([]);
  });

  it('are refused a dialer beside tls, which might open plain connections', () => {
    const dialer = { dial: () => Promise.reject(new Error('not dialled')) };
    const config = { tls: true, consumerGroup: 'billing', namesrvAddr: 'a:1' };
    expect(() =>
      createConsumer(
        config,
        concurrently(() => undefined),
        { dialer },
      ),
    ).toThrow(/tls: it would have no effect/);
    expect(() => createProducer({ tls: true, namesrvAddr: 'a:1' }, { dialer })).toThrow(
      /tls: it would have no effect/,
    );
  });
});
