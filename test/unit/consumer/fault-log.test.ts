// SPDX-License-Identifier: Apache-2.0
/** Is a fault that nobody listens to seen all the same? */
import { afterEach, expect, it, vi } from 'vitest';
import { createConsumerActor } from '../../../src/consumer/create-consumer-actor.ts';
import { concurrently } from '../../../src/listeners/listener.ts';
import { type LogFields, type Logger, silentLogger } from '../../../src/observability/logger.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { turn } from '../../support/builders.ts';
import { nameServer, ScriptedCluster } from '../../support/scripted-cluster.ts';

const warn = vi.fn();

/** Gives each line with the bindings of its children. */
function recording(bindings: LogFields = {}): Logger {
  return {
    ...silentLogger,
    warn: (fields, text) => warn({ ...bindings, ...fields }, text),
    child: more => recording({ ...bindings, ...more }),
  };
}

afterEach(() => warn.mockClear());

/** A consumer of a topic that does not exist, until it is running. */
async function startedWithoutTopic(listen: boolean) {
  const clock = new TestClock();
  const cluster = new ScriptedCluster({ clock, topics: {} });
  const actor = createConsumerActor(
    {
      consumerGroup: 'billing',
      namesrvAddr: nameServer,
      clientIp: '10.0.0.9',
      subscriptions: [{ topic: 'orders' }],
      listener: concurrently(() => undefined),
    },
    { clock, dialer: cluster.dialer, random: () => 0.5, logger: recording() },
  );
  const heard: string[] = [];
  if (listen) actor.on('fault', ({ error }) => heard.push(error.code));
  actor.start();
  for (let i = 0; i < 40; i++) {
    await clock.advance(25);
    await turn();
  }
  actor.stop();
  return heard;
}

it('writes a fault nobody listens to into the log, with its code, hint and actor', async () => {
  await startedWithoutTopic(false);
  const line = warn.mock.calls.find(([fields]) => fields.code === 'RMQ_TOPIC_NOT_FOUND');
  expect(line).toEqual([
    expect.objectContaining({ hint: expect.any(String), actor: expect.any(String), err: expect.any(Error) }),
    expect.stringContaining('orders'),
  ]);
});

it('leaves it to the one who listens', async () => {
  const heard = await startedWithoutTopic(true);
  expect(heard).toEqual(['RMQ_TOPIC_NOT_FOUND']);
  expect(warn.mock.calls.filter(([fields]) => fields.code !== undefined)).toEqual([]);
});
