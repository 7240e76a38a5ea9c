// SPDX-License-Identifier: Apache-2.0
/** Does a consumer walk through its states in order when it starts, and leave nothing behind when it cannot? */
import { describe, expect, it } from 'vitest';
import { execute } from '../../src/consumer/execute.ts';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { whenRunning } from '../../src/consumer/when-running.ts';
import type { RocketmqError } from '../../src/errors/errors.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { queueNumber } from '../support/builders.ts';
import { ConsumerKit, type KitOptions, nothingLeft } from '../support/consumer-kit.ts';
import { addressOf, nameServer } from '../support/scripted-cluster.ts';
import { checkTrace } from '../support/trace-checker.ts';

const startStates = [
  'idle',
  'starting.connecting',
  'starting.loading',
  'starting.coordinating',
  'starting.registering',
  'starting.assigning',
  'starting.dispatching',
];
const stopStates = [
  'stopping.closingIntake',
  'stopping.draining',
  'stopping.persisting',
  'stopping.releasing',
  'stopping.disconnecting',
  'stopped',
];
const { GET_ROUTEINFO_BY_TOPIC, HEART_BEAT, GET_CONSUMER_LIST_BY_GROUP, PULL_MESSAGE } = RequestCode;

/** Starts, and answers with what whenRunning rejects with. */
async function failsToStart(kit: ConsumerKit): Promise<RocketmqError> {
  const outcome = whenRunning(kit.actor).then(
    () => new Error('it runs'),
    (error: unknown) => error,
  );
  kit.actor.start();
  await kit.until(() => kit.state === 'stopped');
  return (await outcome) as RocketmqError; // the tests look at its code
}

describe('a start', () => {
  it('shows every state once and in order, and so does the stop', async () => {
    const kit = await new ConsumerKit().start();
    void shutdown(kit.actor);
    await kit.until(() => kit.state === 'stopped');
    expect(kit.states).toEqual([...startStates, 'running.active', ...stopStates]);
    const changes = kit.all('consumer.stateChanged');
    expect(['idle', ...changes.map(({ to }) => to)]).toEqual(kit.states);
    expect(changes.map(({ from }) => from)).toEqual(kit.states.slice(0, -1));
    kit.trace.mark({ mark: 'stopped' });
    expect(checkTrace(kit.trace.entries)).toEqual([]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('asks in the designed order: routes, heartbeat, members, locks, offsets, pulls', async () => {
    const kit = await new ConsumerKit({ cluster: { topics: { orders: 1 } } }).start();
    await kit.pass(100);
    const first = [...new Set(kit.cluster.codes())];
    expect(first).toEqual([
      GET_ROUTEINFO_BY_TOPIC,
      HEART_BEAT,
      GET_CONSUMER_LIST_BY_GROUP,
      RequestCode.LOCK_BATCH_MQ,
      RequestCode.QUERY_CONSUMER_OFFSET,
      RequestCode.GET_MIN_OFFSET,
      RequestCode.UPDATE_CONSUMER_OFFSET,
      PULL_MESSAGE,
    ]);
  });

  it.each<[string, KitOptions, (kit: ConsumerKit) => void]>([
    [
      'with other members that get all queues',
      { cluster: { topics: { orders: 1 } } },
      kit => kit.cluster.otherMembers.add('10.0.0.1@other'),
    ],
    ['with a topic no name server knows', { cluster: { topics: {} } }, () => {}],
    ['with no subscription at all', { config: { subscriptions: [] } }, () => {}],
  ])('reaches running %s, through the same states', async (_, options, prepare) => {
    const kit = new ConsumerKit(options);
    prepare(kit);
    await kit.start();
    await kit.pass(1000);
    expect(kit.states).toEqual([...startStates, 'running.active']);
    expect(kit.actor.getSnapshot().context.assignedQueues).toEqual([]);
    expect(kit.cluster.askedFor(PULL_MESSAGE)).toEqual([]);
  });

  it('tells an unknown topic as a fault once, and takes it up when it appears', async () => {
    const kit = await new ConsumerKit({ cluster: { topics: {} } }).start();
    await kit.pass(5000);
    expect(kit.faults.map(({ error }) => error.code)).toEqual(['RMQ_TOPIC_NOT_FOUND']);
    kit.cluster.topics.set('orders', 1);
    kit.cluster.store(queueNumber(0), 2);
    await kit.until(() => kit.delivered.length === 2);
    expect(kit.delivered).toEqual(['orders-0:0', 'orders-0:1']);
  });

  it('goes on with one of two brokers dead', async () => {
    const kit = new ConsumerKit({ cluster: { brokers: ['broker-a', 'broker-b'] } });
    kit.cluster.manner(addressOf('broker-a'), 'refusing');
    const onB = { ...queueNumber(0), brokerName: 'broker-b' };
    kit.cluster.queue(queueKey(onB)).committed = 0;
    kit.cluster.store(onB, 3);
    await kit.start();
    await kit.until(() => kit.delivered.length === 3);
    expect(kit.clock.now()).toBeLessThan(5000);
    expect(kit.all('connection.lost').map(({ address }) => address)).toContain(addressOf('broker-a'));
  });

  it('is the same whether start is called once or again and again', async () => {
    const kit = new ConsumerKit();
    kit.actor.on('consumer.stateChanged', () => kit.actor.start());
    kit.actor.start().start();
    await kit.start();
    expect(kit.states).toEqual([...startStates, 'running.active']);
    expect(kit.cluster.codes(HEART_BEAT)).toHaveLength(2); // the greeting, and the first round
  });
});

describe('suspend and resume during a start', () => {
  it.each(startStates)('suspend in %s is applied on entering running: nothing is pulled', async state => {
    const kit = new ConsumerKit();
    kit.cluster.store(queueNumber(0), 3);
    if (state === 'idle') kit.actor.send({ type: 'consumer.suspend' });
    kit.actor.on('consumer.stateChanged', ({ to }) => {
      if (to === state) kit.actor.send({ type: 'consumer.suspend' });
    });
    await kit.start();
    await kit.pass(25_000);
    expect(kit.states.at(-1)).toBe('running.suspended');
    expect(kit.cluster.askedFor(PULL_MESSAGE)).toEqual([]);
    expect(kit.delivered).toEqual([]);
    await resumed(kit);
    expect(kit.delivered).toEqual(['orders-0:0', 'orders-0:1', 'orders-0:2']);
  });

  it.each(startStates.slice(1))('a resume in %s takes an earlier suspend back', async state => {
    const kit = new ConsumerKit();
    kit.cluster.store(queueNumber(0), 3);
    kit.actor.send({ type: 'consumer.suspend' });
    kit.actor.on('consumer.stateChanged', ({ to }) => {
      if (to === state) kit.actor.send({ type: 'consumer.resume' });
    });
    await kit.start();
    await kit.pass(1000);
    expect(kit.states.at(-1)).toBe('running.active');
    expect(kit.delivered).toHaveLength(3);
  });

  it('execute answers at once, for the command is remembered', async () => {
    const kit = new ConsumerKit();
    await execute(kit.actor, { type: 'consumer.suspend' });
    kit.actor.start();
    await execute(kit.actor, { type: 'consumer.suspend' });
    await kit.until(() => kit.state === 'running.suspended');
    expect(kit.states).not.toContain('running.active');
  });
});

async function resumed(kit: ConsumerKit): Promise<void> {
  const resuming = execute(kit.actor, { type: 'consumer.resume' });
  await kit.pass(1000);
  await resuming;
}

describe('a start that fails', () => {
  it.each(['refusing', 'hanging', 'mute'] as const)(
    'with a name server that is %s ends after startTimeout, by way of stopping',
    async manner => {
      const kit = new ConsumerKit();
      kit.cluster.manner(nameServer, manner);
      const error = await failsToStart(kit);
      expect(error.code).toBe('RMQ_START_TIMEOUT');
      expect(error.message).toContain(nameServer);
      expect(error.cause).toMatchObject({ kind: 'network', message: expect.stringContaining(nameServer) });
      expect(kit.clock.now()).toBeGreaterThanOrEqual(15_000);
      expect(kit.clock.now()).toBeLessThan(15_500);
      expect(kit.states).toEqual(['idle', 'starting.connecting', ...stopStates]);
      expect(kit.actor.getSnapshot()).toMatchObject({
        status: 'done',
        output: { clean: false, reason: 'startFailed', error, abandonedMessages: 0 },
      });
      expect(kit.leftovers).toEqual(nothingLeft);
    },
  );

  it('with a topic but no broker that can be reached names the broker', async () => {
    const kit = new ConsumerKit({ config: { startTimeout: 4000 } });
    kit.cluster.manner(addressOf('broker-a'), 'refusing');
    const error = await failsToStart(kit);
    expect(error.code).toBe('RMQ_START_TIMEOUT');
    expect(error.message).toContain(addressOf('broker-a'));
    expect(kit.states.slice(0, 5)).toEqual(startStates.slice(0, 5));
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it.each([
    [ResponseCode.NO_PERMISSION, 'RMQ_NO_PERMISSION'],
    [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'RMQ_GROUP_NOT_FOUND'],
  ])('because the heartbeat is refused with %i is over at once', async (code, expected) => {
    const kit = new ConsumerKit();
    kit.cluster.on(HEART_BEAT, () => ({ code, remark: 'no' }));
    const error = await failsToStart(kit);
    expect(error.code).toBe(expected);
    expect(kit.clock.now()).toBeLessThan(1000);
    expect(kit.actor.getSnapshot().output).toMatchObject({ reason: 'startFailed', error });
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('because the member list is refused with 16 is over at once', async () => {
    const kit = new ConsumerKit();
    kit.cluster.on(GET_CONSUMER_LIST_BY_GROUP, () => ({ code: ResponseCode.NO_PERMISSION, remark: 'no' }));
    const error = await failsToStart(kit);
    expect(error.code).toBe('RMQ_NO_PERMISSION');
    expect(kit.clock.now()).toBeLessThan(1000);
  });

  it('because the member list never comes says so', async () => {
    const kit = new ConsumerKit({ config: { startTimeout: 4000 } });
    kit.cluster.on(GET_CONSUMER_LIST_BY_GROUP, () => undefined);
    const error = await failsToStart(kit);
    expect(error.message).toContain('members of billing');
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('because the allocation strategy throws says so, and tells a fault', async () => {
    const kit = new ConsumerKit({
      config: {
        startTimeout: 2500,
        allocateStrategy: () => {
          throw new TypeError('no idea');
        },
      },
    });
    const error = await failsToStart(kit);
    expect(error.message).toContain('no idea');
    expect(kit.faults[0]).toMatchObject({ actor: 'rebalance', error: { cause: { message: 'no idea' } } });
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('leaves a second start no chance', async () => {
    const kit = new ConsumerKit({ config: { startTimeout: 1000 } });
    kit.cluster.manner(nameServer, 'refusing');
    await failsToStart(kit);
    expect(() => kit.actor.start()).toThrowError(expect.objectContaining({ code: 'RMQ_CONSUMER_STOPPED' }));
  });
});
