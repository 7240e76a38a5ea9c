// SPDX-License-Identifier: Apache-2.0
/** Is what people get wrong first told in words that help: wrong port, private address, missing topic, SQL off, same client id, clocks? */
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type RocketmqError,
  shutdown,
  sql,
  whenRunning,
} from '../../../src/index.ts';
import type { Clock } from '../../../src/model/clock.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { type EmbeddedCluster, startEmbeddedCluster, TestClock } from '../../../src/testing/index.ts';
import type { Dialer } from '../../../src/transport/ports.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { deferred } from '../../support/builders.ts';

type Fault = Extract<ConsumerEvent, { readonly type: 'fault' }>;

/** Its `failure`: a connection failed, or was closed. The cluster sees only its own, and would let the time pass before. */
function watchedDialer() {
  const failure = deferred<void>();
  const real = tcpDialer();
  const dialer: Dialer = {
    dial: async (address, handlers, options) => {
      const watched = {
        onData: (chunk: Buffer) => handlers.onData(chunk),
        onClose: (error: Error | undefined) => {
          handlers.onClose(error);
          failure.resolve();
        },
      };
      try {
        return await real.dial(address, watched, options);
      } catch (error) {
        failure.resolve();
        throw error;
      }
    },
  };
  return { dialer, failure: failure.promise };
}

function consumerOf(cluster: EmbeddedCluster, config: ConsumerConfig = {}, clock: Clock = cluster.clock) {
  const { dialer, failure } = watchedDialer();
  const faults: RocketmqError[] = [];
  const actor = createConsumerActor(
    {
      consumerGroup: 'billing',
      namesrvAddr: cluster.namesrvAddr,
      subscriptions: [{ topic: 'orders' }],
      listener: concurrently(() => undefined),
      ...config,
    },
    { clock, dialer, logger: silentLogger },
  );
  actor.on('fault', ({ error }: Fault) => faults.push(error));
  const started = whenRunning(actor).then(
    () => undefined,
    (error: RocketmqError) => error,
  );
  const codes = (): readonly string[] => faults.map(({ code }) => code);
  return {
    actor,
    failure,
    faults,
    started,
    codes,
    fault: (code: string) => faults.find(error => error.code === code),
  };
}

/** The deepest cause: what the diagnosis is about. */
function rootOf(error: unknown): RocketmqError {
  const { cause } = error as RocketmqError; // every error of ours has the field
  return cause instanceof Error && 'hint' in cause ? rootOf(cause) : (error as RocketmqError); // as above
}

async function refusedStart(namesrvAddr: string): Promise<RocketmqError> {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  const { actor, failure, started } = consumerOf(cluster, {
    namesrvAddr: namesrvAddr || cluster.broker().address,
    startTimeout: 2000,
  });
  actor.start();
  if (namesrvAddr !== '') await failure;
  const error = await cluster.passUntil(started);
  if (error === undefined) throw new Error('it started');
  return error;
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // it listens on a port
}

describe('a wrong port in namesrvAddr', () => {
  it('of a broker is told as that', async () => {
    const error = await refusedStart('');
    expect(error.message).toMatch(/is no name server: it is a broker$/);
    expect(rootOf(error)).toMatchObject({
      code: 'RMQ_NOT_A_NAME_SERVER',
      hint: expect.stringContaining('9876 by default'),
    });
  });

  it.each([
    ['a web server', () => createServer((_, response) => response.end('hello')), 'HTTP/1'],
    ['the gRPC proxy', () => createHttp2Server(), 'HTTP/2 (gRPC)'],
  ])('of %s is told as that', async (_, make, protocol) => {
    const server = make();
    try {
      const error = await refusedStart(`127.0.0.1:${await portOf(server)}`);
      expect(error.message).toContain(protocol);
      expect(rootOf(error)).toMatchObject({
        code: 'RMQ_NOT_REMOTING',
        hint: expect.stringContaining('8081 is the gRPC proxy'),
      });
    } finally {
      server.close();
    }
  });

  it('where nobody listens is told with host and port', async () => {
    const server = createServer();
    const port = await portOf(server);
    await new Promise(resolve => server.close(resolve));
    const error = await refusedStart(`127.0.0.1:${port}`);
    expect(error.message).toContain(`connect to 127.0.0.1:${port} failed: ECONNREFUSED`);
  });
});

describe('in a running consumer', () => {
  it('a broker whose address in the route leads nowhere is named, and brokerIP1', async () => {
    await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
    cluster.createTopic('orders', { queues: 1 });
    const { address } = cluster.broker();
    const elsewhere = `127.0.0.1:${'1'.padStart(address.length - '127.0.0.1:'.length, '0')}`;
    cluster.interfere(
      { request: 'routeByTopic' },
      {
        kind: 'corrupt',
        change: frame => Buffer.from(frame.toString('latin1').replaceAll(address, elsewhere), 'latin1'),
      },
    );
    const { actor, failure, started } = consumerOf(cluster, { startTimeout: 5000 });
    actor.start();
    await failure;
    const error = await cluster.passUntil(started);
    expect(error?.message).toMatch(/connect to 127\.0\.0\.1:0*1 failed/);
    expect(rootOf(error)).toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
      hint: expect.stringContaining('brokerIP1 in broker.conf'),
    });
  });

  it('a topic that does not exist is named, with how it is made', async () => {
    await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
    const { actor, started, fault } = consumerOf(cluster);
    actor.start();
    expect(await cluster.passUntil(started)).toBeUndefined();
    expect(fault('RMQ_TOPIC_NOT_FOUND')).toMatchObject({
      message: expect.stringContaining('orders'),
      hint: expect.stringMatching(/mqadmin updateTopic.*autoCreateTopicEnable/),
    });
    await cluster.passUntil(shutdown(actor));
  });

  it('a broker without SQL92 says what to switch on', async () => {
    await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
    cluster.createTopic('orders', { queues: 1 });
    const remark = 'The broker does not support consumer to filter message by SQL92';
    cluster.interfere({ request: 'checkClientConfig' }, { kind: 'answer', code: 1, remark });
    const { actor, started } = consumerOf(cluster, {
      subscriptions: [{ topic: 'orders', selector: sql('price > 10') }],
    });
    actor.start();
    const error = await cluster.passUntil(started);
    expect(rootOf(error).message).toContain(remark);
    expect(error).toMatchObject({
      code: 'RMQ_SELECTOR_REFUSED',
      hint: expect.stringContaining('enablePropertyFilter=true'),
    });
  });

  it('another consumer with the same client id is found, once, and not before an old connection would be gone', async () => {
    await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
    cluster.createTopic('orders', { queues: 2 });
    const twins = [consumerOf(cluster, { instanceName: 'x' }), consumerOf(cluster, { instanceName: 'x' })];
    for (const { actor, started } of twins) {
      actor.start();
      await cluster.passUntil(started);
    }
    await cluster.pass(120_000);
    expect(twins.flatMap(({ codes }) => codes())).not.toContain('RMQ_DUPLICATE_CLIENT_ID');
    await cluster.pass(120_000);
    for (const { codes, fault } of twins) {
      expect(codes().filter(code => code === 'RMQ_DUPLICATE_CLIENT_ID')).toHaveLength(1);
      expect(fault('RMQ_DUPLICATE_CLIENT_ID')).toMatchObject({
        message: expect.stringMatching(/^2 consumers have the client id \S+@x at 127/),
        hint: expect.stringContaining('instanceName'),
      });
    }
    for (const { actor } of twins) await cluster.passUntil(shutdown(actor));
  });

  it('a member that comes back with its own client id is no twin', async () => {
    await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
    cluster.createTopic('orders', { queues: 2 });
    const { actor, started, codes } = consumerOf(cluster, { instanceName: 'x' });
    actor.start();
    await cluster.passUntil(started);
    await cluster.broker().kill();
    await cluster.broker().start();
    await cluster.pass(240_000);
    expect(codes()).not.toContain('RMQ_DUPLICATE_CLIENT_ID');
    await cluster.passUntil(shutdown(actor));
  });

  it.each([
    [-600_000, 'is 600 s ahead of'],
    [600_000, 'is 600 s behind'],
    [30_000, undefined],
  ])('whose clock is %d ms from the broker’s, a message says so: %s', async (ms, words) => {
    await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
    cluster.createTopic('orders', { queues: 1 });
    const { actor, started, faults } = consumerOf(cluster, {}, shifted(cluster.clock, ms));
    actor.start();
    await cluster.passUntil(started);
    for (let i = 0; i < 3; i++) {
      await cluster.pass(3000);
      cluster.send({ topic: 'orders', body: 'x' });
    }
    await cluster.pass(3000);
    const told = faults.filter(({ code }) => code === 'RMQ_CLOCK_SKEW').map(({ message }) => message);
    expect(told).toEqual(words === undefined ? [] : [`the clock of broker-a ${words} the one here`]);
    await cluster.passUntil(shutdown(actor));
  });
});

/** The same clock, but for the time of day. */
function shifted(clock: Clock, ms: number): Clock {
  return {
    now: () => clock.now(),
    wallNow: () => clock.wallNow() + ms,
    setTimeout: (fn, timeout) => clock.setTimeout(fn, timeout),
    clearTimeout: id => clock.clearTimeout(id),
  };
}
