// SPDX-License-Identifier: Apache-2.0
/** What stands in the log of a consumer that starts, consumes, fails, loses its broker and stops, all at trace? */
import { describe, expect, it } from 'vitest';
import { createConsumerActor } from '../../../src/consumer/create-consumer-actor.ts';
import { eventLog } from '../../../src/consumer/event-log.ts';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import { whenRunning } from '../../../src/consumer/when-running.ts';
import { concurrently } from '../../../src/listeners/listener.ts';
import type { ConsumerEvent } from '../../../src/machines/consumer/consumer.types.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { startEmbeddedCluster, TestClock } from '../../../src/testing/index.ts';

type Line = Readonly<Record<string, unknown>>;

const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 } as const;

const secretBody = 'the body of nobody else';

/** The lines of one life, and the events that were emitted in it. */
async function live(): Promise<{
  readonly lines: readonly Line[];
  readonly texts: readonly string[];
  readonly events: readonly ConsumerEvent[];
}> {
  const texts: string[] = [];
  const events: ConsumerEvent[] = [];
  await using cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 2 });
  let failures = 0;
  const actor = createConsumerActor(
    {
      consumerGroup: 'logged',
      namesrvAddr: cluster.namesrvAddr,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic: 'orders' }],
      listener: concurrently(([message]) => {
        if (message.tags === 'bad' && failures++ === 0) throw new Error('not this time');
      }),
    },
    {
      clock: cluster.clock,
      logger: createLogger({ level: 'trace', destination: { write: line => void texts.push(line) } }),
    },
  );
  for (const type of Object.keys(eventLog) as ConsumerEvent['type'][]) // the keys of a constant
    if (type !== 'fault') actor.on(type, event => events.push(event));
  actor.start();
  await cluster.passUntil(whenRunning(actor));
  cluster.send({ topic: 'orders', body: secretBody });
  cluster.send({ topic: 'orders', body: secretBody, tags: 'bad' });
  await cluster.passUntil(() => events.some(({ type }) => type === 'message.retried'));
  await cluster.pass(30_000);
  await cluster.broker().kill();
  await cluster.passUntil(() => events.some(({ type }) => type === 'connection.lost'));
  await cluster.broker().start();
  await cluster.passUntil(() => events.some(({ type }) => type === 'connection.restored'));
  await cluster.pass(10_000);
  await cluster.passUntil(shutdown(actor));
  return { lines: texts.map(text => JSON.parse(text) as Line), texts, events };
}

describe('the log of a life at trace', async () => {
  const { lines, texts, events } = await live();

  it('has a line for each event, at its level', () => {
    const seen = new Set(events.map(({ type }) => type));
    for (const type of seen) {
      const ofType = lines.filter(line => line['event'] === type);
      expect([type, ofType.length]).toEqual([type, events.filter(event => event.type === type).length]);
      expect(new Set(ofType.map(line => line['level']))).toEqual(new Set([levels[eventLog[type].level]]));
    }
    for (const type of ['queue.assigned', 'offset.committed', 'message.retried', 'connection.lost'])
      expect([...seen]).toContain(type);
  });

  it('has the consumer and an actor in each line, and the queue or the address where there is one', () => {
    for (const line of lines) {
      expect(line).toMatchObject({ consumerGroup: 'logged', clientId: expect.stringContaining('@') });
      expect(line['actor']).toEqual(expect.any(String));
    }
    const assigned = lines.find(line => line['event'] === 'queue.assigned');
    expect(assigned).toMatchObject({
      actor: 'queue',
      queue: expect.stringMatching(/@broker-a$/),
      broker: 'broker-a',
    });
    const lost = lines.find(line => line['event'] === 'connection.lost');
    expect(lost).toMatchObject({ actor: 'connection', role: 'broker', address: expect.any(String) });
  });

  it('calls nothing an error, and warns of what went wrong only', () => {
    const warned = lines.filter(line => Number(line['level']) >= levels.warn);
    expect(warned.filter(line => line['level'] !== levels.warn)).toEqual([]);
    const kinds = warned.map(line => line['event']);
    expect(new Set(kinds)).toEqual(new Set(['connection.lost', 'fault']));
    for (const line of warned) expect(line).toMatchObject({ code: expect.stringMatching(/^RMQ_/) });
  });

  it('says once, as information, that the retry topic is not there yet', () => {
    const about = lines.filter(line => line['topic'] === '%RETRY%logged');
    expect(about).toMatchObject([{ level: levels.info, actor: 'routes' }]);
  });

  it('has no body', () => {
    const shown = [
      secretBody,
      Buffer.from(secretBody).toString('base64'),
      Buffer.from(secretBody).toString('hex'),
    ];
    expect(texts.filter(text => shown.some(body => text.includes(body)))).toEqual([]);
  });

  it('tells the whole way from the start to the stop', () => {
    const states = lines.filter(line => line['event'] === 'consumer.stateChanged').map(line => line['to']);
    expect(states[0]).toBe('starting.connecting');
    expect(states).toContain('running.active');
    expect(states.at(-1)).toBe('stopped');
  });
});
