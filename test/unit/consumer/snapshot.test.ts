// SPDX-License-Identifier: Apache-2.0
/** What does a snapshot show? Queues with their figures; never messages, sockets, secrets or the machinery behind. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import { aQueue, deferred, queueNumber } from '../../support/builders.ts';
import { ConsumerKit } from '../../support/consumer-kit.ts';

/** A consumer in the middle of work: two of three messages done, the last one with its listener. */
async function working(): Promise<ConsumerKit> {
  const last = deferred<undefined>();
  const kit = await new ConsumerKit({
    listener: ([{ queueOffset }]) => (queueOffset === 2 ? last.promise : undefined),
  }).start();
  kit.cluster.store(aQueue, 3);
  await kit.pass(100);
  return kit;
}

/** Everything that can be read of a snapshot. */
function shown(kit: ConsumerKit): readonly string[] {
  const snapshot = kit.actor.getSnapshot();
  return [
    JSON.stringify(snapshot),
    inspect(snapshot),
    inspect(snapshot.context, { depth: null }),
    JSON.stringify(kit.actor),
    inspect(kit.actor),
  ];
}

/** Whatever an inspector could find by following properties, maps and sets. */
function reachable(root: unknown): ReadonlySet<unknown> {
  const found = new Set<unknown>([root]);
  for (const value of found) {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) continue;
    if (value instanceof Map || value instanceof Set) for (const inner of [...value].flat()) found.add(inner);
    for (const [name, inner] of Object.entries(value)) found.add(name).add(inner);
  }
  return found;
}

describe('the context of a snapshot', () => {
  it('shows the owned queues with their figures, read live', async () => {
    const kit = await working();
    const { context } = kit.actor.getSnapshot();
    const asJson: unknown = JSON.parse(JSON.stringify(context));
    expect(asJson).toMatchObject({
      consumerGroup: 'billing',
      clientId: '10.0.0.9@me',
      assignedQueues: [
        { queue: aQueue, pulledTo: 3, commitPoint: 2, held: 1, running: 1 },
        { queue: queueNumber(1), pulledTo: 0, commitPoint: 0, held: 0, running: 0 },
      ],
    });
    expect(context.assignedQueues[0]?.heldBytes).toBeGreaterThan(0);
    kit.actor.stop();
  });

  it('shows them to console.log too, which does not look at getters', async () => {
    const kit = await working();
    const [queue] = kit.actor.getSnapshot().context.assignedQueues;
    expect(inspect(queue)).toMatch(/^AssignedQueue \{.*commitPoint: 2.*held: 1.*running: 1/s);
    kit.actor.stop();
  });

  it.each(['body 2', 'id-2', 'dialer', 'socket', 'namesrvAddr', 'storeSize', 'splitter'])(
    'shows nothing of %s',
    async word => {
      const kit = await working();
      for (const text of shown(kit)) expect(text.toLowerCase()).not.toContain(word.toLowerCase());
      kit.actor.stop();
    },
  );

  it('shows no queue any more when it is stopped, nor what it kept of them', async () => {
    const kit = await new ConsumerKit({ listener: () => new Promise(() => {}) }).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    void shutdown(kit.actor, { timeout: 300 });
    await kit.until(() => kit.state === 'stopped');
    expect(kit.actor.getSnapshot().context.assignedQueues).toEqual([]);
    expect(kit.actor.getSnapshot().output?.abandonedMessages).toBe(3);
    for (const text of shown(kit)) expect(text).not.toContain('body');
  });

  it('has no message behind it either, however deep one looks', async () => {
    const kit = await working();
    const found = [...reachable(kit.actor.getSnapshot())];
    expect(found.length).toBeGreaterThan(1000);
    expect(found.filter(value => value instanceof Uint8Array)).toEqual([]);
    expect(found.filter(value => typeof value === 'string' && /body 2|id-2/.test(value))).toEqual([]);
    kit.actor.stop();
  });

  it('can be read as JSON in every state', async () => {
    const kit = new ConsumerKit();
    const sizes: number[] = [];
    kit.actor.subscribe(snapshot => void sizes.push(JSON.stringify(snapshot).length));
    await kit.start();
    kit.clock.jump(11_000);
    await kit.pass(2000);
    void shutdown(kit.actor);
    await kit.until(() => kit.state === 'stopped');
    expect(sizes.every(size => size > 100 && size < 5000)).toBe(true);
  });
});
