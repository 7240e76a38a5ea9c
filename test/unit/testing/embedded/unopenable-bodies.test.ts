// SPDX-License-Identifier: Apache-2.0
/** What becomes of a compressed body with the right CRC that cannot be opened: by its first bytes, and by its last? */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  createConsumerActor,
  shutdown,
  silentLogger,
  simple,
  whenRunning,
} from '../../../../src/index.ts';
import { startEmbeddedCluster, TestClock } from '../../../../src/testing/index.ts';
import { type MessageFields, recordOf } from '../../../support/builders.ts';

const topic = 'orders';
const end = 3;

/** One queue of three messages that is pulled to its end; what the second is like is said. */
async function consume(second: MessageFields, config: Partial<ConsumerConfig>) {
  const cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic(topic, { queues: 1 });
  cluster.interfere({ request: 'pullMessage', topic }, { kind: 'drop' });
  const records = [recordOf(0), recordOf(1, second), recordOf(2)];
  for (const [offset] of records.entries()) {
    const fields = {
      suggestWhichBrokerId: '0',
      nextBeginOffset: `${end}`,
      minOffset: '0',
      maxOffset: `${end}`,
    };
    const body = Buffer.concat(records.slice(offset));
    const where = (asked: { readonly fields: Readonly<Record<string, string>> }): boolean =>
      asked.fields['queueOffset'] === String(offset);
    cluster.interfere({ request: 'pullMessage', topic, where }, { kind: 'answer', code: 0, fields, body });
  }
  const bodies: string[] = [];
  const events: ConsumerEvent[] = [];
  const actor = createConsumerActor(
    {
      ...{ consumerGroup: 'billing', namesrvAddr: cluster.namesrvAddr, subscriptions: [{ topic }] },
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: simple(({ body }) => void bodies.push(body.toString())),
      ...config,
    },
    { clock: cluster.clock, logger: silentLogger },
  );
  actor.on('*', event => events.push(event));
  actor.start();
  await cluster.passUntil(whenRunning(actor));
  const stop = () => cluster.passUntil(shutdown(actor));
  return {
    ...{ cluster, bodies, events, stop },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await cluster.stop();
    },
  };
}

const notItsType: MessageFields = { sysFlag: 0x201, body: deflateSync('a body') };
const cut: MessageFields = { sysFlag: 0x301, body: deflateSync('a body').subarray(0, -4) };

describe('a compressed body that does not begin as its type does', () => {
  it('halts its queue before any handler sees it', async () => {
    await using seen = await consume(notItsType, {});
    const { cluster, bodies, events } = seen;
    await cluster.passUntil(() => events.some(({ type }) => type === 'fault'));
    await cluster.pass(60_000);
    const faults = events.flatMap(each => (each.type === 'fault' ? [each.error.code] : []));
    expect([bodies, faults]).toEqual([['body 0'], ['RMQ_BAD_MESSAGE']]);
    await seen.stop(); // the answers above left out the commits that came with the pulls
    expect(cluster.broker().committed('billing', topic, 0)).toBe(1);
  });

  it('is passed over where that is wanted', async () => {
    await using seen = await consume(notItsType, { onCorruptMessage: 'skip' });
    const { cluster, bodies, events } = seen;
    await cluster.passUntil(() => bodies.length === 2);
    expect(bodies).toEqual(['body 0', 'body 2']);
    expect(events.flatMap(each => (each.type === 'message.skipped' ? [each.queueOffset] : []))).toEqual([1]);
  });
});

describe('a compressed body that is broken further on', () => {
  it('fails its handler alone, and retryPolicy is told why', async () => {
    const asked: unknown[] = [];
    await using seen = await consume(cut, {
      retryPolicy: error => {
        asked.push(Reflect.get(Object(error), 'code'));
        return 'drop';
      },
    });
    const { cluster, bodies } = seen;
    await cluster.passUntil(() => bodies.length === 2 && asked.length === 1);
    await cluster.passUntil(() => cluster.broker().committed('billing', topic, 0) === end);
    expect([bodies, asked]).toEqual([['body 0', 'body 2'], ['RMQ_BAD_MESSAGE']]);
  });
});
