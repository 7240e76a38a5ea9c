// SPDX-License-Identifier: Apache-2.0
// How do you test code that consumes? With a cluster in the test's own process and a clock moved by hand: docs/testing.md.
//   npx tsx --test examples/03-test.ts
/* eslint @typescript-eslint/no-floating-promises: off -- Node's test runner waits for its tests by itself */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConsumerActor, type Listener, shutdown, simple, whenRunning } from '../src/index.ts';
import { type EmbeddedCluster, startEmbeddedCluster, TestClock } from '../src/testing/index.ts';

/** Your consumer as your program makes it, but for address and clock; it stops in order at the end of the test. */
async function startBilling(cluster: EmbeddedCluster, listener: Listener) {
  const actor = createConsumerActor(
    {
      consumerGroup: 'billing',
      namesrvAddr: cluster.namesrvAddr,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', // also what was sent before a new group came
      subscriptions: [{ topic: 'orders' }],
      listener,
      logLevel: 'silent',
    },
    { clock: cluster.clock },
  ).start();
  await cluster.passUntil(whenRunning(actor));
  const stop = () => cluster.passUntil(shutdown(actor));
  return { actor, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

test('every order is booked once', async () => {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 4 });
  const booked: string[] = [];
  await using billing = await startBilling(
    cluster,
    simple(message => void booked.push(message.body.toString())),
  );

  cluster.send({ topic: 'orders', body: 'order-1' }, { topic: 'orders', body: 'order-2', tags: 'paid' });
  await cluster.passUntil(() => booked.length === 2);

  assert.deepEqual(booked.toSorted(), ['order-1', 'order-2']);
  const report = await billing.stop();
  assert.equal(report?.clean, true);
});

test('an order that cannot be paid comes again after 10 s, 30 s and a minute', async () => {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 1 });
  const attempts: number[] = [];
  await using _ = await startBilling(
    cluster,
    simple((_message, { attempt }) => {
      attempts.push(attempt);
      if (attempt <= 3) throw new Error('the bank does not answer');
    }),
  );

  cluster.send({ topic: 'orders', body: 'order-1' });
  for (const [failed, pause] of [10_000, 30_000, 60_000].entries()) {
    await cluster.settle(); // delivered, failed and handed back, all in no time
    await cluster.pass(pause - 1);
    assert.equal(attempts.length, failed + 1);
    await cluster.pass(1);
    assert.equal(attempts.length, failed + 2);
  }

  assert.deepEqual(attempts, [1, 2, 3, 4]);
});

test('a broker that is too busy is asked again', async () => {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 1 });
  cluster.send({ topic: 'orders', body: 'order-1' });
  using busy = cluster.interfere(
    { request: 'pullMessage', topic: 'orders' },
    { kind: 'answer', code: 2, remark: 'too many requests' },
    { times: 3 },
  );
  let booked = 0;
  await using _ = await startBilling(
    cluster,
    simple(() => void booked++),
  );

  await cluster.passUntil(() => booked === 1);

  assert.equal(busy.applied, 3);
});

test('a broker that dies and comes back has lost nothing, and nothing is booked twice', async () => {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 1 });
  const booked: string[] = [];
  await using billing = await startBilling(
    cluster,
    simple(message => void booked.push(message.body.toString())),
  );
  const lost: string[] = [];
  billing.actor.on('connection.lost', ({ role }) => lost.push(role));
  cluster.send({ topic: 'orders', body: 'order-1' });
  await cluster.passUntil(() => booked.length === 1);

  await cluster.broker('broker-a').kill();
  await cluster.pass(5000);
  await cluster.broker('broker-a').start();
  cluster.send({ topic: 'orders', body: 'order-2' });
  await cluster.passUntil(() => booked.length === 2);

  assert.deepEqual(booked, ['order-1', 'order-2']);
  assert.deepEqual(lost, ['broker']);
});

test('what the cluster knows can be asked', async () => {
  await using cluster = await startEmbeddedCluster({ brokers: 2, clock: new TestClock() });
  cluster.createTopic('orders', { queues: 2, brokers: ['broker-b'] });
  cluster.send({ topic: 'orders', body: 'order-1', keys: 'o-1', queueId: 0 });
  let booked = 0;
  await using billing = await startBilling(
    cluster,
    simple(() => void booked++),
  );
  await cluster.passUntil(() => booked === 1);

  const broker = cluster.broker('broker-b');
  const [member] = broker.members('billing');
  assert.equal(member?.subscriptions.get('orders'), '*');
  await billing.stop();

  assert.deepEqual(broker.members('billing'), []);
  assert.equal(broker.committed('billing', 'orders', 0), 1);
  assert.deepEqual(
    broker.queues('orders').map(({ maxOffset }) => maxOffset),
    [1, 0],
  );
  assert.equal(broker.messages('orders')[0]?.properties.get('KEYS'), 'o-1');
  const goodbyes = cluster.requests({ request: 'unregisterClient', server: 'broker-b' });
  assert.deepEqual(
    goodbyes.map(({ group, answer }) => ({ group, answer })),
    [{ group: 'billing', answer: 0 }],
  );
});
