// SPDX-License-Identifier: Apache-2.0
/** What does a consumer do when time has passed without it? Nothing that others could suffer from, until it has asked (design.md G2). */
import { describe, expect, it } from 'vitest';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { aQueue, deferred, queueNumber } from '../support/builders.ts';
import { ConsumerKit, group, type KitOptions } from '../support/consumer-kit.ts';

const {
  GET_CONSUMER_LIST_BY_GROUP,
  HEART_BEAT,
  LOCK_BATCH_MQ,
  PULL_MESSAGE,
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} = RequestCode;
const asking = new Set<number>([
  HEART_BEAT,
  GET_CONSUMER_LIST_BY_GROUP,
  LOCK_BATCH_MQ,
  QUERY_CONSUMER_OFFSET,
]);
const commitFlag = 1;
/** Longer than what counts as a gap. Unit: ms. */
const gap = 11_000;

/** Offsets that were committed from request number `from` on, by a 15 or with a pull, as `0:3`. */
function commits(kit: ConsumerKit, from: number): readonly string[] {
  return kit.cluster.asked.slice(from).flatMap(({ code, fields }) => {
    const isCommit =
      code === UPDATE_CONSUMER_OFFSET ||
      (code === PULL_MESSAGE && (Number(fields['sysFlag']) & commitFlag) !== 0);
    return isCommit ? [`${fields['queueId']}:${fields['commitOffset']}`] : [];
  });
}

interface Gapped {
  readonly kit: ConsumerKit;
  /** How many requests and deliveries there were before the gap. */
  readonly asked: number;
  readonly delivered: number;
}

/** Runs, has handled three messages that are not committed yet, and slept; more messages have come meanwhile. */
async function gapped(
  options: KitOptions = {},
  meanwhile: (kit: ConsumerKit) => void = () => {},
): Promise<Gapped> {
  const kit = await new ConsumerKit(options).start();
  await kit.pass(1000);
  kit.cluster.store(aQueue, 3);
  await kit.settle();
  expect(kit.delivered).toHaveLength(3);
  const asked = kit.cluster.asked.length;
  kit.clock.jump(gap);
  meanwhile(kit);
  kit.cluster.store(aQueue, 2);
  return { kit, asked, delivered: kit.delivered.length };
}

const pathOfRevalidating = [
  'running.active',
  'running.revalidating.registering',
  'running.revalidating.sharing',
  'running.revalidating.verifying',
  'running.active',
];

describe('after a gap a consumer', () => {
  it('asks heartbeat, members, locks and offsets, in this order, and only then goes on', async () => {
    const { kit, asked } = await gapped();
    await kit.until(() => kit.delivered.length === 5);
    expect(kit.states.slice(-5)).toEqual(pathOfRevalidating);
    const questions = kit.cluster
      .codes()
      .slice(asked)
      .filter(code => asking.has(code));
    expect(questions).toEqual([
      HEART_BEAT,
      GET_CONSUMER_LIST_BY_GROUP, // for the shares
      GET_CONSUMER_LIST_BY_GROUP, // who keeps the locks looks too
      LOCK_BATCH_MQ,
      QUERY_CONSUMER_OFFSET,
      QUERY_CONSUMER_OFFSET,
    ]);
    expect(kit.delivered).toEqual([0, 1, 2, 3, 4].map(offset => `orders-0:${offset}`));
    expect(kit.actor.getSnapshot().hasTag('degraded')).toBe(false);
  });

  it.each([
    ['heartbeat', HEART_BEAT, 'running.revalidating.registering'],
    ['member list', GET_CONSUMER_LIST_BY_GROUP, 'running.revalidating.sharing'],
    ['committed offset', QUERY_CONSUMER_OFFSET, 'running.revalidating.verifying'],
  ])('commits and delivers nothing while the %s is unanswered', async (_, code, state) => {
    const { kit, asked, delivered } = await gapped({}, ({ cluster }) => cluster.on(code, () => undefined));
    await kit.pass(2500);
    expect(kit.state).toBe(state);
    expect(kit.actor.getSnapshot().hasTag('degraded')).toBe(true);
    expect(commits(kit, asked)).toEqual([]);
    expect(kit.delivered).toHaveLength(delivered);
    kit.cluster.on(code, () => 'as usual');
    await kit.until(() => kit.delivered.length === 5);
    await kit.pass(10_000);
    expect(commits(kit, asked).at(-1)).toBe('0:5');
    kit.actor.stop();
  });

  it('follows the broker when somebody else went on meanwhile', async () => {
    const { kit, asked } = await gapped({}, ({ cluster }) => {
      cluster.queue(queueKey(aQueue)).committed = 4;
    });
    await kit.until(() => kit.state === 'running.active' && kit.delivered.length > 3);
    await kit.pass(10_000);
    expect(kit.delivered).toEqual(['orders-0:0', 'orders-0:1', 'orders-0:2', 'orders-0:4']);
    expect(commits(kit, asked)).toEqual(['0:5']);
  });

  it('commits nothing for a queue that belongs to somebody else now, and tells that it was lost', async () => {
    const { kit, asked } = await gapped({}, ({ cluster }) => cluster.otherMembers.add('10.0.0.1@first'));
    await kit.until(() => kit.state === 'running.active');
    await kit.pass(20_000);
    expect(kit.all('queue.revoked')).toEqual([{ type: 'queue.revoked', queue: aQueue, reason: 'lost' }]);
    expect(commits(kit, asked).filter(commit => commit.startsWith('0:'))).toEqual([]);
    expect(kit.delivered).toHaveLength(3);
    expect(kit.actor.getSnapshot().context.assignedQueues.map(({ queue }) => queue)).toEqual([
      queueNumber(1),
    ]);
    kit.actor.stop();
  });

  it('starts over when it slept again before it had asked everything', async () => {
    const { kit, asked } = await gapped({}, ({ cluster }) =>
      cluster.on(QUERY_CONSUMER_OFFSET, () => undefined),
    );
    await kit.pass(1500);
    expect(kit.state).toBe('running.revalidating.verifying');
    kit.clock.jump(gap);
    kit.cluster.on(QUERY_CONSUMER_OFFSET, () => 'as usual');
    await kit.until(() => kit.delivered.length === 5);
    expect(kit.states.slice(-8)).toEqual([...pathOfRevalidating.slice(0, 4), ...pathOfRevalidating.slice(1)]);
    await kit.pass(10_000);
    expect(commits(kit, asked).at(-1)).toBe('0:5');
  });

  it('does not believe a member list that was asked before the gap, though it comes after the heartbeat', async () => {
    const old = deferred<void>();
    const held = { members: false };
    const kit = await new ConsumerKit({
      cluster: {
        delay: ({ code }) =>
          held.members && code === GET_CONSUMER_LIST_BY_GROUP ? old.promise : Promise.resolve(),
      },
    }).start();
    await kit.pass(1000);
    held.members = true;
    kit.cluster.tellMembersChanged(group);
    await kit.settle();
    kit.clock.jump(gap);
    kit.cluster.otherMembers.add('10.0.0.1@first');
    kit.cluster.store(aQueue, 2);
    await kit.until(() => kit.state === 'running.revalidating.sharing');
    held.members = false;
    old.resolve(); // we own both queues, it says
    await kit.until(() => kit.state === 'running.active');
    await kit.pass(5000);
    expect(kit.delivered).toEqual([]);
    expect(kit.all('queue.revoked')).toEqual([{ type: 'queue.revoked', queue: aQueue, reason: 'lost' }]);
    kit.actor.stop();
  });

  it('starts over when it slept while the last answer was on its way', async () => {
    const { kit, asked } = await gapped();
    let answers = 0;
    kit.cluster.on(QUERY_CONSUMER_OFFSET, () => {
      answers++;
      if (answers === 2) kit.clock.jump(gap);
      return 'as usual';
    });
    await kit.until(() => kit.delivered.length === 5);
    expect(kit.states.filter(state => state === 'running.revalidating.verifying')).toHaveLength(2);
    await kit.pass(10_000);
    expect(commits(kit, asked).at(-1)).toBe('0:5');
    kit.actor.stop();
  });

  it('that was suspended is suspended again, and has pulled nothing', async () => {
    const kit = await new ConsumerKit().start();
    kit.actor.send({ type: 'consumer.suspend' });
    await kit.pass(1000);
    const asked = kit.cluster.asked.length;
    kit.clock.jump(gap);
    await kit.pass(3000);
    expect(kit.states.slice(-4)).toEqual([...pathOfRevalidating.slice(1, 4), 'running.suspended']);
    expect(kit.cluster.codes().slice(asked)).not.toContain(PULL_MESSAGE);
    kit.actor.stop();
  });

  it.each([
    ['suspend', 'running.suspended'],
    ['resume', 'running.active'],
  ] as const)('obeys a %s that came while it asked', async (command, state) => {
    const { kit } = await gapped({}, ({ cluster }) => cluster.on(QUERY_CONSUMER_OFFSET, () => undefined));
    await kit.pass(1500);
    kit.actor.send({ type: `consumer.${command}` });
    kit.cluster.on(QUERY_CONSUMER_OFFSET, () => 'as usual');
    await kit.until(() => !kit.state.includes('revalidating'));
    expect(kit.state).toBe(state);
    kit.actor.stop();
  });

  it('lets a listener that was running end, and commits its result only when it is known to be ours still', async () => {
    const ending = deferred<undefined>();
    const kit = await new ConsumerKit({ listener: () => ending.promise }).start();
    kit.cluster.store(aQueue, 1);
    await kit.pass(1000);
    const asked = kit.cluster.asked.length;
    kit.cluster.on(HEART_BEAT, () => undefined);
    kit.clock.jump(gap);
    ending.resolve(undefined);
    await kit.pass(6000);
    expect(commits(kit, asked)).toEqual([]);
    kit.cluster.on(HEART_BEAT, () => 'as usual');
    await kit.until(() => kit.state === 'running.active');
    await kit.pass(10_000);
    expect(commits(kit, asked)).toContain('0:1');
    kit.actor.stop();
  });

  it('notices a gap of wall time too: the machine itself slept', async () => {
    const kit = await new ConsumerKit().start();
    await kit.pass(1000);
    kit.clock.jumpWall(gap);
    await kit.until(() => kit.states.at(-1) === 'running.active' && kit.states.length > 8);
    expect(kit.states.slice(-5)).toEqual(pathOfRevalidating);
    kit.actor.stop();
  });

  it('is not in doubt after a short pause', async () => {
    const kit = await new ConsumerKit().start();
    await kit.pass(1000);
    kit.clock.jump(9000);
    await kit.pass(1000);
    expect(kit.states.filter(state => state.includes('revalidating'))).toEqual([]);
    kit.actor.stop();
  });

  it.each([
    'starting.connecting',
    'starting.loading',
    'starting.registering',
    'starting.assigning',
    'starting.dispatching',
  ])('in %s starts all the same, and asks again before it delivers or commits', async state => {
    const kit = new ConsumerKit({ config: { startTimeout: 30_000 } });
    kit.cluster.store(aQueue, 3);
    let done = false;
    kit.actor.on('consumer.stateChanged', ({ to }) => {
      if (to !== state || done) return;
      done = true;
      kit.clock.jump(gap);
    });
    kit.actor.start();
    await kit.until(() => kit.delivered.length === 3);
    await kit.pass(10_000);
    expect(kit.state).toBe('running.active');
    expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(3);
    kit.actor.stop();
  });
});
