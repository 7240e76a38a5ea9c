// SPDX-License-Identifier: Apache-2.0
/** How does a decision about queues become queues that are pulled, given up, and taken again? */
import { describe, expect, it } from 'vitest';
import { shutdown } from '../../src/consumer/shutdown.ts';
import type { ConsumerContext } from '../../src/machines/consumer/consumer.context.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { type Deferred, deferred, queueNumber } from '../support/builders.ts';
import { ConsumerKit, group, type KitOptions, nothingLeft } from '../support/consumer-kit.ts';
import { checkTrace } from '../support/trace-checker.ts';

const {
  GET_CONSUMER_LIST_BY_GROUP,
  HEART_BEAT,
  PULL_MESSAGE,
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} = RequestCode;
/** Sorts before us: gets the first of two queues. We are 10.0.0.9@me. */
const first = '10.0.0.1@first';
/** Sorts behind us: gets the second. */
const last = '10.0.0.9@you';

function join(kit: ConsumerKit, ...members: readonly string[]): void {
  kit.cluster.otherMembers.clear();
  for (const member of members) kit.cluster.otherMembers.add(member);
  kit.cluster.tellMembersChanged(group);
}

function contextOf(kit: ConsumerKit): ConsumerContext {
  return kit.actor.getSnapshot().context as ConsumerContext; // what is not public
}

function owned(kit: ConsumerKit): readonly number[] {
  return contextOf(kit).assignedQueues.map(({ queue }) => queue.queueId);
}

/** Comings and goings as `+0` and `-0 rebalance`. */
function moves(kit: ConsumerKit): readonly string[] {
  return kit.events.flatMap(event => {
    if (event.type === 'queue.assigned') return [`+${event.queue.queueId} at ${event.offset}`];
    return event.type === 'queue.revoked' ? [`-${event.queue.queueId} ${event.reason}`] : [];
  });
}

async function handHeld(
  options: KitOptions = {},
): Promise<{ kit: ConsumerKit; hands: Deferred<undefined>[] }> {
  const hands: Deferred<undefined>[] = [];
  const kit = new ConsumerKit({
    ...options,
    listener: () => {
      const hand = deferred<undefined>();
      hands.push(hand);
      return hand.promise;
    },
  });
  return { kit: await kit.start(), hands };
}

async function endsClean(kit: ConsumerKit): Promise<void> {
  const reporting = shutdown(kit.actor);
  await kit.until(() => kit.state === 'stopped');
  expect(await reporting).toMatchObject({ clean: true });
  kit.trace.mark({ mark: 'stopped' });
  expect(checkTrace(kit.trace.entries)).toEqual([]);
  expect(kit.leftovers).toEqual(nothingLeft);
}

describe('when the members change', () => {
  it('the push of a broker starts a round at once', async () => {
    const kit = await new ConsumerKit().start();
    await kit.pass(1000);
    const rounds = kit.cluster.askedFor(GET_CONSUMER_LIST_BY_GROUP).length;
    const now = kit.clock.now();
    join(kit, last);
    await kit.settle();
    expect(kit.clock.now()).toBe(now);
    expect(kit.cluster.askedFor(GET_CONSUMER_LIST_BY_GROUP)).toHaveLength(rounds + 2); // who keeps the locks looks too
    expect(owned(kit)).toEqual([0]);
    await endsClean(kit);
  });

  it('the push of another group is none of our business', async () => {
    const kit = await new ConsumerKit().start();
    const asked = kit.cluster.asked.length;
    kit.cluster.tellMembersChanged('others');
    await kit.settle();
    expect(kit.cluster.asked).toHaveLength(asked);
    kit.actor.stop();
  });

  it('the last offset of a queue is answered before its revoke is told, and the next owner begins there', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(queueNumber(1), 4);
    await kit.pass(1000);
    join(kit, last);
    await kit.pass(1000);
    join(kit, first);
    await kit.pass(1000);
    const movesOf = (queueId: number) => moves(kit).filter(move => move[1] === String(queueId));
    expect(movesOf(0)).toEqual(['+0 at 0', '-0 rebalance']);
    expect(movesOf(1)).toEqual(['+1 at 0', '-1 rebalance', '+1 at 4']);
    expect(kit.cluster.queue(queueKey(queueNumber(1))).committed).toBe(4);
    expect(kit.delivered).toHaveLength(4);
    await endsClean(kit);
  });

  it('the offset committed at a revoke is told like any other', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(queueNumber(1), 4);
    await kit.pass(1000);
    join(kit, last);
    await kit.pass(1000);
    expect(kit.all('offset.committed').map(({ queue, offset }) => `${queue.queueId}:${offset}`)).toEqual([
      '1:4',
    ]);
    kit.actor.stop();
  });

  it('a last offset that the broker refuses is told as a fault, and the queue is given up all the same', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(queueNumber(1), 4);
    await kit.pass(1000);
    kit.cluster.on(UPDATE_CONSUMER_OFFSET, () => ({ code: 16, remark: 'no' }));
    join(kit, last);
    await kit.pass(1000);
    expect(moves(kit).at(-1)).toBe('-1 rebalance');
    expect(kit.faults.map(({ error }) => error.code)).toEqual(['RMQ_NO_PERMISSION']);
    expect(kit.faults[0]?.error.message).toContain('orders-1@broker-a');
    kit.actor.stop();
  });

  it('nothing of a queue that was given up stays behind', async () => {
    const kit = await new ConsumerKit({ cluster: { topics: { orders: 70 } } }).start();
    await kit.pass(1000);
    expect(contextOf(kit).residence.size).toBe(70);
    expect(Object.keys(childIds(kit)).filter(id => id.startsWith('queues'))).toEqual([
      'queues 0',
      'queues 1',
    ]);
    expect(kit.all('queue.assigned')).toHaveLength(70);
    join(kit, ...Array.from({ length: 100 }, (_, i) => `0${i}`));
    await kit.pass(1000);
    expect(contextOf(kit).residence.size).toBe(0);
    expect(owned(kit)).toEqual([]);
    join(kit);
    await kit.pass(1000);
    expect(contextOf(kit).residence.size).toBe(70);
    await endsClean(kit);
    expect(contextOf(kit).residence.size).toBe(0);
  });

  it('a list without us is answered with a heartbeat, and the queues are kept', async () => {
    const kit = await new ConsumerKit().start();
    await kit.pass(1000);
    const beats = kit.cluster.askedFor(HEART_BEAT).length;
    kit.cluster.members.clear();
    join(kit, last);
    await kit.settle();
    expect(kit.cluster.askedFor(HEART_BEAT)).toHaveLength(beats + 1);
    await kit.pass(2000);
    expect(owned(kit)).toEqual([0]);
    expect(moves(kit)).toEqual(['+0 at 0', '+1 at 0', '-1 rebalance']);
    await endsClean(kit);
  });

  it('a list that cannot be had keeps the queues, and is told as a fault', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.on(GET_CONSUMER_LIST_BY_GROUP, () => ({ code: 1, remark: 'oops' }));
    join(kit, last);
    await kit.pass(1500);
    expect(owned(kit)).toEqual([0, 1]);
    expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_BROKER_ERROR');
    kit.cluster.on(GET_CONSUMER_LIST_BY_GROUP, () => 'as usual');
    await kit.pass(2000);
    expect(owned(kit)).toEqual([0]);
    kit.actor.stop();
  });
});

describe('an allocation strategy of the user', () => {
  it('that throws later is told as a fault; the queues are kept', async () => {
    let isBroken = false;
    const kit = await new ConsumerKit({
      config: {
        allocateStrategy: ({ queues }) => {
          if (isBroken) throw new TypeError('no idea');
          return queues;
        },
      },
    }).start();
    await kit.pass(1000);
    isBroken = true;
    join(kit, last);
    await kit.pass(1000);
    expect(kit.faults.map(({ error }) => error.message)).toContainEqual(expect.stringContaining('no idea'));
    expect(owned(kit)).toEqual([0, 1]);
    isBroken = false;
    await endsClean(kit);
  });
});

describe('a queue that is assigned again while it still drains', () => {
  async function returning(): Promise<{ kit: ConsumerKit; hands: Deferred<undefined>[] }> {
    const { kit, hands } = await handHeld();
    kit.cluster.store(queueNumber(1), 2);
    await kit.pass(1000);
    expect(hands).toHaveLength(2);
    join(kit, last);
    await kit.pass(1000);
    expect(moves(kit)).not.toContain('-1 rebalance');
    join(kit);
    await kit.pass(1000);
    return { kit, hands };
  }

  it('starts anew after it has left, from what it has committed', async () => {
    const { kit, hands } = await returning();
    expect(owned(kit)).toEqual([0, 1]);
    const pulls = kit.cluster.askedFor(PULL_MESSAGE).length;
    await kit.pass(1000);
    expect(kit.cluster.askedFor(PULL_MESSAGE)).toHaveLength(pulls);
    for (const hand of hands) hand.resolve(undefined);
    await kit.pass(1000);
    expect(moves(kit).slice(-2)).toEqual(['-1 rebalance', '+1 at 2']);
    expect(contextOf(kit).residence.size).toBe(2);
    await endsClean(kit);
  });

  it('can be revoked once more, and is', async () => {
    const { kit, hands } = await returning();
    for (const hand of hands) hand.resolve(undefined);
    await kit.pass(1000);
    join(kit, last);
    await kit.pass(1000);
    expect(moves(kit).slice(-1)).toEqual(['-1 rebalance']);
    expect(owned(kit)).toEqual([0]);
    const pulls = pullsOf(kit, 1);
    kit.cluster.store(queueNumber(1), 2);
    await kit.pass(40_000, 200);
    expect(pullsOf(kit, 1)).toBe(pulls);
    await endsClean(kit);
  });

  it('is drained by a shutdown like every other', async () => {
    const { kit, hands } = await returning();
    const reporting = shutdown(kit.actor);
    await kit.pass(1000);
    expect(kit.state).toBe('stopping.draining');
    for (const hand of hands) hand.resolve(undefined);
    await kit.until(() => kit.state === 'stopped');
    expect(await reporting).toMatchObject({
      clean: true,
      committed: expect.arrayContaining([{ queue: queueNumber(1), offset: 2 }]),
    });
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('whose last offset is refused during a shutdown is named in its report', async () => {
    const { kit, hands } = await returning();
    kit.cluster.on(UPDATE_CONSUMER_OFFSET, () => ({ code: 16, remark: 'no' }));
    const reporting = shutdown(kit.actor);
    await kit.pass(500);
    for (const hand of hands) hand.resolve(undefined);
    await kit.until(() => kit.state === 'stopped');
    expect(await reporting).toMatchObject({
      clean: false,
      uncommitted: [{ queue: queueNumber(1), offset: 2 }],
    });
    expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_NO_PERMISSION');
  });

  it('comes back suspended when the consumer was suspended meanwhile', async () => {
    const { kit, hands } = await returning();
    kit.actor.send({ type: 'consumer.suspend' });
    for (const hand of hands) hand.resolve(undefined);
    await kit.pass(1000);
    const pulls = pullsOf(kit, 1);
    await kit.pass(20_000, 200);
    expect(pullsOf(kit, 1)).toBe(pulls);
    kit.actor.send({ type: 'consumer.resume' });
    await kit.pass(1000);
    expect(pullsOf(kit, 1)).toBe(pulls + 1);
    kit.actor.stop();
  });

  it('comes back at work when the consumer was resumed meanwhile', async () => {
    const { kit, hands } = await handHeld();
    kit.cluster.store(queueNumber(1), 2);
    await kit.pass(1000);
    join(kit, last);
    await kit.pass(100);
    kit.actor.send({ type: 'consumer.suspend' });
    join(kit);
    await kit.pass(1000);
    kit.actor.send({ type: 'consumer.resume' });
    for (const hand of hands) hand.resolve(undefined);
    await kit.pass(1000);
    kit.cluster.store(queueNumber(1), 1);
    await kit.pass(1000);
    expect(kit.delivered).toEqual(['orders-1:0', 'orders-1:1', 'orders-1:2']);
    kit.actor.stop();
  });

  it('comes back unpulled when a gap was found meanwhile', async () => {
    const { kit, hands } = await returning();
    kit.cluster.on(QUERY_CONSUMER_OFFSET, () => undefined);
    kit.clock.jump(11_000);
    await kit.pass(1200);
    expect(kit.state).toContain('revalidating');
    const asked = kit.cluster.asked.length;
    for (const hand of hands) hand.resolve(undefined);
    await kit.pass(2000);
    const later = kit.cluster.asked.slice(asked).filter(({ fields }) => fields['queueId'] === '1');
    expect(later.map(({ code }) => code)).not.toContain(PULL_MESSAGE);
    expect(later.map(({ code }) => code)).not.toContain(UPDATE_CONSUMER_OFFSET);
    kit.cluster.on(QUERY_CONSUMER_OFFSET, () => 'as usual');
    await kit.until(() => kit.state === 'running.active');
    kit.cluster.store(queueNumber(1), 1);
    await kit.pass(5000);
    expect(kit.delivered.at(-1)).toBe('orders-1:2');
    kit.actor.stop();
  });
});

function childIds(kit: ConsumerKit): object {
  return (kit.actor.getSnapshot() as unknown as { readonly children: object }).children; // not public
}

function pullsOf(kit: ConsumerKit, queueId: number): number {
  return kit.cluster.askedFor(PULL_MESSAGE).filter(({ fields }) => fields['queueId'] === String(queueId))
    .length;
}
