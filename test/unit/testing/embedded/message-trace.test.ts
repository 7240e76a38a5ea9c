// SPDX-License-Identifier: Apache-2.0
/** Do traces and hooks of a whole consumer tell every consumption, and harm nothing when they cannot? */
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../../src/index.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../src/testing/test-clock.ts';

const traceTopic = 'RMQ_SYS_TRACE_TOPIC';

/** Consumes ten messages, the first of which fails once, and stops; `traces`: what is then in the trace topic. */
async function consumeTen(config: Partial<ConsumerConfig>, autoCreateTopicEnable = true) {
  await using cluster = await startEmbeddedCluster({ clock: new TestClock(), autoCreateTopicEnable });
  cluster.createTopic('orders', { queues: 2 });
  const done = new Set<string>();
  const faults: string[] = [];
  const actor = createConsumerActor(
    {
      ...{ consumerGroup: 'billing', namesrvAddr: cluster.namesrvAddr, subscriptions: [{ topic: 'orders' }] },
      ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', clientIp: 'a-name', ...config },
      listener: concurrently(([message]) => {
        const body = message.body.toString();
        if (body === '0' && message.reconsumeTimes === 0) throw new Error('as told');
        done.add(body);
      }),
    },
    { clock: cluster.clock, logger: silentLogger },
  );
  actor.on('fault', ({ error }: Extract<ConsumerEvent, { type: 'fault' }>) => faults.push(error.code));
  actor.start();
  await cluster.passUntil(whenRunning(actor));
  for (let i = 0; i < 10; i++) cluster.send({ topic: 'orders', body: String(i), keys: `key-${i}` });
  await cluster.passUntil(() => done.size === 10);
  const report = await cluster.passUntil(shutdown(actor));
  const topic = config.traceTopic ?? traceTopic;
  const bodies = cluster
    .broker()
    .messages(topic)
    .map(({ body }) => body.toString());
  const records = bodies
    .join('')
    .split('\u0002')
    .filter(line => line !== '');
  return { records: records.map(line => line.split('\u0001')), report, faults };
}

describe('enableMessageTrace', () => {
  it('writes what went to the listener and what became of it, the last of it at shutdown', async () => {
    const { records, report, faults } = await consumeTen({ enableMessageTrace: true });
    const before = records.filter(([type]) => type === 'SubBefore');
    const after = records.filter(([type]) => type === 'SubAfter');
    expect([before.length, after.length]).toEqual([11, 11]);
    expect(after.map(fields => fields[4]).filter(success => success === 'false')).toHaveLength(1);
    expect(new Set(before.map(fields => fields[4]))).toEqual(new Set(after.map(fields => fields[1])));
    expect([report?.clean, faults]).toEqual([true, ['RMQ_LISTENER_FAILED']]);
  });

  it('writes to another topic when told to', async () => {
    const { records } = await consumeTen({ enableMessageTrace: true, traceTopic: 'team_traces' });
    expect(records).toHaveLength(22);
  });

  it('is off by default', async () => {
    expect((await consumeTen({})).records).toEqual([]);
  });

  it('that has no topic to write to is told once, and neither consuming nor stopping is harmed', async () => {
    const { records, report, faults } = await consumeTen({ enableMessageTrace: true }, false);
    expect([records, report?.clean]).toEqual([[], true]);
    expect(faults.filter(code => code === 'RMQ_TRACE_LOST')).toHaveLength(1);
  });
});

describe('consumeHooks', () => {
  it('see each call and what became of it; one that throws is a fault and no more', async () => {
    const seen: string[] = [];
    const { report, faults } = await consumeTen({
      consumeHooks: [
        {
          before: () => {
            throw new Error('no room');
          },
        },
        { after: ({ messages: [{ keys }] }, { outcome }) => seen.push(`${keys[0]} ${outcome}`) },
      ],
    });
    expect(seen).toHaveLength(11);
    expect(seen.filter(each => each.startsWith('key-0')).sort()).toEqual([
      'key-0 EXCEPTION',
      'key-0 SUCCESS',
    ]);
    expect(faults.sort()).toEqual(['RMQ_HOOK_FAILED', 'RMQ_LISTENER_FAILED']);
    expect(report?.clean).toBe(true);
  });
});
