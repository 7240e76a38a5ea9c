// SPDX-License-Identifier: Apache-2.0
/** What becomes of a consumer one of whose actors dies of a defect? It stops in order and says why; it never dies itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnyActor, createActor, fromPromise, type Snapshot } from 'xstate';
import { parseConfig } from '../../src/config/parse-config.ts';
import { systemSources } from '../../src/config/sources.ts';
import { type ConsumeMessages, concurrently } from '../../src/listeners/listener.ts';
import { commandsMachine } from '../../src/machines/commands/commands.machine.ts';
import type { Ticketed, WorkCommand } from '../../src/machines/commands/work-command.ts';
import { connectionMachine } from '../../src/machines/connection/connection.machine.ts';
import { buildParts } from '../../src/machines/consumer/build-parts.ts';
import { pathOf } from '../../src/machines/consumer/consumer.logic.ts';
import { type ConsumerMachine, consumerMachine } from '../../src/machines/consumer/consumer.machine.ts';
import type { ConsumerEvent, ShutdownReport } from '../../src/machines/consumer/consumer.types.ts';
import { heartbeatMachine } from '../../src/machines/heartbeat/heartbeat.machine.ts';
import { offsetsMachine } from '../../src/machines/offsets/offsets.machine.ts';
import { queuesMachine } from '../../src/machines/queues/queues.machine.ts';
import { rebalanceMachine } from '../../src/machines/rebalance/rebalance.machine.ts';
import { routesMachine } from '../../src/machines/routes/routes.machine.ts';
import { sendBackMachine } from '../../src/machines/send-back/send-back.machine.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { aQueue, turn } from '../support/builders.ts';
import { nameServer, ScriptedCluster } from '../support/scripted-cluster.ts';

const escaped: unknown[] = [];
const onEscape = (reason: unknown): void => void escaped.push(reason);

beforeEach(() => {
  escaped.length = 0;
  process.on('uncaughtException', onEscape).on('unhandledRejection', onEscape);
});

afterEach(async () => {
  await new Promise(resolve => setTimeout(resolve)); // XState rethrows in a timer what nobody caught
  process.off('uncaughtException', onEscape).off('unhandledRejection', onEscape);
  expect(escaped).toEqual([]);
});

class Crashing {
  readonly clock = new TestClock();
  readonly cluster = new ScriptedCluster({ clock: this.clock });
  readonly events: ConsumerEvent[] = [];
  readonly states: string[] = [];
  readonly delivered: number[] = [];
  readonly actor: AnyActor;

  constructor(machine: ConsumerMachine, listener: ConsumeMessages = () => undefined) {
    const config = parseConfig(
      {
        consumerGroup: 'billing',
        namesrvAddr: nameServer,
        clientIp: '10.0.0.9',
        instanceName: 'me',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptions: [{ topic: 'orders' }],
        listener: concurrently((messages, context) => {
          this.delivered.push(messages[0].queueOffset);
          return listener(messages, context);
        }),
      },
      systemSources({ env: {} }),
    );
    const parts = buildParts(config, {
      clock: this.clock,
      dialer: this.cluster.dialer,
      random: () => 0.5,
      logger: silentLogger,
    });
    const actor = createActor(machine, { input: parts, clock: this.clock });
    actor.on('*', event => void this.events.push(event));
    actor.subscribe({
      next: ({ value }) => void (this.states.at(-1) === pathOf(value) || this.states.push(pathOf(value))),
      error: error => expect.fail(`the root died: ${String(error)}`),
    });
    this.actor = actor;
  }

  get snapshot(): Snapshot<ShutdownReport> & {
    readonly context: { readonly assignedQueues: readonly unknown[] };
  } {
    return this.actor.getSnapshot();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 12; i++) await turn();
  }

  async pass(ms: number, step = 50): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      await this.clock.advance(step);
      for (let i = 0; i < 4; i++) await turn();
    }
  }

  async start(): Promise<this> {
    this.actor.start().send({ type: 'consumer.start' });
    await this.settle();
    await this.pass(200);
    return this;
  }

  child(id: string): AnyActor {
    return this.actor.getSnapshot().children[id];
  }
}

const poison = (): never => {
  throw new TypeError('a defect');
};
const asFault = {
  type: 'fault',
  error: expect.objectContaining({ message: expect.stringContaining('a defect') }),
};

/** An actor that dies when it hands on a fault: `fault` is the one event that all of them take in every state. */
const crashing: Readonly<Record<string, ConsumerMachine>> = {
  routes: consumerMachine.provide({
    actors: { routes: routesMachine.provide({ actions: { passFault: poison } }) },
  }),
  heartbeat: consumerMachine.provide({
    actors: { heartbeat: heartbeatMachine.provide({ actions: { passFault: poison } }) },
  }),
  rebalance: consumerMachine.provide({
    actors: { rebalance: rebalanceMachine.provide({ actions: { passFault: poison } }) },
  }),
  offsets: consumerMachine.provide({
    actors: { offsets: offsetsMachine.provide({ actions: { passFault: poison } }) },
  }),
  sendBack: consumerMachine.provide({
    actors: { sendBack: sendBackMachine.provide({ actions: { passFault: poison } }) },
  }),
  commands: consumerMachine.provide({
    actors: { commands: commandsMachine.provide({ actions: { passFault: poison } }) },
  }),
  'queues 0': consumerMachine.provide({
    actors: { queues: queuesMachine.provide({ actions: { passUp: poison } }) },
  }),
  'connection broker-a:10911': consumerMachine.provide({
    actors: { connection: connectionMachine.provide({ actions: { passFault: poison } }) },
  }),
};

const deadly = { type: 'fault', error: new TypeError('x'), actor: 'test' };

describe.each(Object.entries(crashing))('when %s dies', (id, machine) => {
  // A shard hands on everything its queues tell, so this one dies by itself as soon as a queue is placed.
  const kill = (kit: Crashing): void => {
    if (id !== 'queues 0') kit.child(id).send(deadly);
  };

  it('the consumer tells a fault, walks through stopping and reports it', async () => {
    const kit = await new Crashing(machine).start();
    kill(kit);
    await kit.pass(11_000);
    expect(kit.events).toContainEqual(expect.objectContaining(asFault));
    expect(kit.states.slice(-6)).toEqual([
      'stopping.closingIntake',
      'stopping.draining',
      'stopping.persisting',
      'stopping.releasing',
      'stopping.disconnecting',
      'stopped',
    ]);
    expect(kit.snapshot).toMatchObject({
      status: 'done',
      output: { clean: false, reason: 'fault', error: { message: expect.stringContaining('a defect') } },
      context: { assignedQueues: [] },
    });
  });

  it('nothing is left: no socket, no timer, and nobody who goes on', async () => {
    const kit = await new Crashing(machine).start();
    kill(kit);
    await kit.pass(11_000);
    const asked = kit.cluster.asked.length;
    kit.cluster.store(aQueue, 3);
    await kit.pass(1000);
    expect(kit.cluster.asked.slice(asked).map(({ code }) => code)).toEqual([]);
    expect(kit.delivered).toEqual([]);
    expect({ timers: kit.clock.pending, sockets: kit.cluster.openSockets }).toEqual({
      timers: 0,
      sockets: 0,
    });
  });
});

describe('the commands under way when their actor dies', () => {
  it('are refused, and nothing of them goes on', async () => {
    const machine = crashing['commands'] ?? expect.fail('no such machine');
    const kit = await new Crashing(machine).start();
    kit.cluster.on(RequestCode.GET_MAX_OFFSET, () => undefined);
    const heard: unknown[] = [];
    const ticket = { done: () => heard.push('done'), refused: (error: Error) => heard.push(error) };
    const given: readonly Ticketed<WorkCommand>[] = [
      { type: 'queue.seek', queue: aQueue, to: 'end', ticket },
      { type: 'consumer.commit', ticket },
    ];
    for (const command of given) kit.actor.send(command);
    await turn();
    expect(heard).toEqual([]);
    kit.child('commands').send(deadly);
    const refused = expect.objectContaining({ code: 'RMQ_COMMAND_REFUSED' });
    expect(heard).toEqual([refused, refused]);
    await kit.pass(11_000);
    expect({ timers: kit.clock.pending, heard: heard.length }).toEqual({ timers: 0, heard: 2 });
  });
});

describe('a subscribe nobody answers when the actor of commands dies', () => {
  it('is refused once, and asks nobody any more', async () => {
    const machine = crashing['commands'] ?? expect.fail('no such machine');
    const kit = await new Crashing(machine).start();
    kit.cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, () => undefined);
    const heard: unknown[] = [];
    const ticket = { done: () => heard.push('done'), refused: (error: Error) => heard.push(error) };
    const given: Ticketed<WorkCommand> = { type: 'consumer.subscribe', topic: 'bills', ticket };
    kit.actor.send(given);
    await kit.pass(12_000); // what it tells of its trouble is the deadly event
    expect(heard).toEqual([expect.objectContaining({ code: 'RMQ_COMMAND_REFUSED' })]);
    await kit.pass(30_000);
    expect({ timers: kit.clock.pending, heard: heard.length }).toEqual({ timers: 0, heard: 1 });
  });
});

describe('an offset store that cannot be read', () => {
  it('refuses the start with its own error, by way of stopping', async () => {
    const unreadable = consumerMachine.provide({
      actors: { loadOffsets: fromPromise(() => Promise.reject(new TypeError('a defect'))) },
    });
    const kit = await new Crashing(unreadable).start();
    expect(kit.states.slice(1, 3)).toEqual(['starting.connecting', 'starting.loading']);
    expect(kit.snapshot).toMatchObject({
      status: 'done',
      output: { clean: false, reason: 'startFailed', error: { cause: { message: 'a defect' } } },
    });
    expect({ timers: kit.clock.pending, sockets: kit.cluster.openSockets }).toEqual({
      timers: 0,
      sockets: 0,
    });
  });

  it('or hangs, ends the start after its time', async () => {
    const hanging = consumerMachine.provide({
      actors: { loadOffsets: fromPromise(() => new Promise(() => {})) },
    });
    const kit = await new Crashing(hanging).start();
    await kit.pass(15_500);
    expect(kit.snapshot.output).toMatchObject({
      reason: 'startFailed',
      error: { code: 'RMQ_START_TIMEOUT' },
    });
    expect({ timers: kit.clock.pending, sockets: kit.cluster.openSockets }).toEqual({
      timers: 0,
      sockets: 0,
    });
  });
});

describe('what was done before the crash', () => {
  it.each(['routes', 'heartbeat', 'rebalance', 'sendBack'])('is committed when %s dies', async id => {
    const kit = await new Crashing(crashing[id] ?? consumerMachine).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.child(id).send(deadly);
    await kit.pass(5000);
    expect(kit.delivered).toEqual([0, 1, 2]);
    expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(3);
    expect(kit.snapshot.output).toMatchObject({
      committed: expect.arrayContaining([{ queue: aQueue, offset: 3 }]),
    });
  });

  it('is named as uncommitted when the persister itself dies', async () => {
    const kit = await new Crashing(crashing['offsets'] ?? consumerMachine).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.child('offsets').send(deadly);
    await kit.pass(11_000);
    expect(kit.snapshot.output).toMatchObject({ uncommitted: [{ queue: aQueue, offset: 3 }] });
  });
});

describe('an actor that is only stuck', () => {
  const stuck: Readonly<Record<string, readonly [machine: ConsumerMachine, step: string]>> = {
    'a shard that does not tell that its queues have ended': [
      consumerMachine.provide({
        actors: { queues: queuesMachine.provide({ actions: { passUp: () => {} } }) },
      }),
      'draining timedOut',
    ],
    'a persister that does not answer the flush': [
      consumerMachine.provide({
        actors: {
          offsets: offsetsMachine.provide({ actions: { tellFlushed: () => {}, tellFlushGivenUp: () => {} } }),
        },
      }),
      'persisting timedOut',
    ],
    'an unregister that does not end': [
      consumerMachine.provide({ actors: { leave: fromPromise(() => new Promise(() => {})) } }),
      'releasing timedOut',
    ],
  };

  it.each(Object.entries(stuck))(
    '%s cuts its step, and the whole ends in time',
    async (_, [machine, step]) => {
      const kit = await new Crashing(machine).start();
      kit.cluster.store(aQueue, 3);
      await kit.pass(100);
      kit.cluster.on(RequestCode.UPDATE_CONSUMER_OFFSET, () => undefined);
      const from = kit.clock.now();
      kit.actor.send({ type: 'consumer.shutdown' });
      while (kit.snapshot.status === 'active') await kit.pass(50);
      expect(kit.clock.now() - from).toBeLessThanOrEqual(10_000);
      const { output } = kit.snapshot;
      expect(output?.steps.map(each => `${each.step} ${each.outcome}`)).toContain(step);
      expect(output).toMatchObject({ clean: false, uncommitted: [{ queue: aQueue, offset: 3 }] });
      expect({ timers: kit.clock.pending, sockets: kit.cluster.openSockets }).toEqual({
        timers: 0,
        sockets: 0,
      });
    },
  );
});

describe('a crash while the consumer is stopping already', () => {
  it('is told as a fault, and neither begins the stop anew nor gives it more time', async () => {
    const kit = await new Crashing(
      crashing['offsets'] ?? consumerMachine,
      () => new Promise(() => {}),
    ).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.actor.send({ type: 'consumer.shutdown' });
    await kit.pass(6000);
    expect(kit.states.at(-1)).toBe('stopping.draining');
    kit.child('offsets').send(deadly);
    await kit.pass(4000);
    expect(kit.events).toContainEqual(expect.objectContaining(asFault));
    expect(kit.states.filter(state => state === 'stopping.closingIntake')).toHaveLength(1);
    expect(kit.snapshot).toMatchObject({
      status: 'done',
      output: { clean: false, reason: 'requested', abandonedMessages: 3 },
    });
    expect(kit.snapshot.output?.steps).toHaveLength(5);
    expect(kit.clock.pending).toBe(0);
  });

  it('of the persister in the middle of its work fails its step, and names what is not confirmed', async () => {
    const kit = await new Crashing(crashing['offsets'] ?? consumerMachine).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.cluster.on(RequestCode.UPDATE_CONSUMER_OFFSET, () => undefined);
    kit.actor.send({ type: 'consumer.shutdown' });
    await kit.pass(500);
    expect(kit.states.at(-1)).toBe('stopping.persisting');
    kit.child('offsets').send(deadly);
    await kit.pass(500);
    expect(kit.snapshot.output).toMatchObject({ clean: false, uncommitted: [{ queue: aQueue, offset: 3 }] });
    expect(kit.snapshot.output?.steps[2]).toMatchObject({ step: 'persisting', outcome: 'failed' });
    expect(kit.clock.pending).toBe(0);
  });

  it('of the connection is no more than that', async () => {
    const id = 'connection broker-a:10911';
    const kit = await new Crashing(crashing[id] ?? consumerMachine, () => new Promise(() => {})).start();
    kit.cluster.store(aQueue, 1);
    await kit.pass(100);
    kit.actor.send({ type: 'consumer.shutdown' });
    await kit.pass(100);
    kit.child(id).send(deadly);
    await kit.pass(10_000);
    expect(kit.snapshot.status).toBe('done');
    expect({ timers: kit.clock.pending, sockets: kit.cluster.openSockets }).toEqual({
      timers: 0,
      sockets: 0,
    });
  });
});
