// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from 'vitest';
import { createActor, type StateValue } from 'xstate';
import { RocketmqError } from '../../src/errors/errors.ts';
import { SharedFlow } from '../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../src/flow/owned-queue.ts';
import { HandlerSlots } from '../../src/listeners/handler-slots.ts';
import { concurrently } from '../../src/listeners/listener.ts';
import { OutlivedCalls } from '../../src/listeners/outlived-calls.ts';
import { noPauses, withPause } from '../../src/machines/commands/pauses.ts';
import { queueMachine } from '../../src/machines/queue/queue.machine.ts';
import type { QueueReport, QueueWork } from '../../src/machines/queue/queue.types.ts';
import { afterAssign, afterEnd, afterRevoke, afterSuspend } from '../../src/machines/queues/queues.logic.ts';
import { queuesMachine } from '../../src/machines/queues/queues.machine.ts';
import type { Assignment, QueuesInput, Residence } from '../../src/machines/queues/queues.types.ts';
import type { MessageExt } from '../../src/model/message.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../src/model/message-queue.ts';
import type { RevokeReason } from '../../src/model/revoke-reason.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { PullAnswer } from '../../src/transport/pull-calls.ts';
import { at, type Deferred, deferred, found, queueNumber, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const roomy = {
  countOfQueue: 1e6,
  bytesOfQueue: 1e9,
  spanOfQueue: 1e6,
  countOfAll: 1e6,
  bytesOfAll: 1e9,
};
const coverage = new ChartCoverage(queuesMachine);
const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

const [zero, one, two] = [0, 1, 2].map(queueNumber) as [MessageQueue, MessageQueue, MessageQueue]; // three numbers, three queues

/** What was opened for a queue, as the test holds it. */
interface Opened {
  readonly key: QueueKey;
  readonly owned: OwnedQueue<MessageExt>;
  readonly pulls: ((answer: PullAnswer) => void)[];
  readonly hands: Deferred<undefined>[];
  released: number;
}

/** A shard whose queues start at 0 at once and commit at once; their pulls and listener calls are in the hand of the test. */
interface StartOptions {
  readonly machine?: typeof queuesMachine;
  readonly input?: Partial<Pick<QueuesInput, 'pauses' | 'suspended'>>;
}

function start(options: StartOptions = {}) {
  const clock = new TestClock();
  const told: QueueReport[] = [];
  const opened: Opened[] = [];
  const full = { error: undefined as Error | undefined };
  const openQueue = (queue: MessageQueue, { alone }: { readonly alone: boolean }): QueueWork => {
    if (full.error !== undefined) throw full.error;
    const owned = new OwnedQueue<MessageExt>(
      queue,
      { advance: () => {}, reset: () => {} },
      new SharedFlow(roomy),
    );
    const entry: Opened = { key: queueKey(queue), owned, pulls: [], hands: [], released: 0 };
    opened.push(entry);
    return workOf(entry, clock, alone ? 0 : 400);
  };
  const actor = createActor(options.machine ?? queuesMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      openQueue,
      pauses: noPauses,
      suspended: false,
      ...options.input,
      parent: { send: event => told.push(event) },
    },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  running.push({ actor, clock });
  const last = (queue: MessageQueue): Opened => {
    const entry = opened.findLast(({ key }) => key === queueKey(queue));
    if (entry === undefined) throw new Error(`${queueKey(queue)} was not opened`);
    return entry;
  };
  const assign = (queue: MessageQueue, more: Partial<Assignment> = {}): void =>
    actor.send({ type: 'queues.assign', assignment: { queue, alone: true, suspended: false, ...more } });
  return {
    actor,
    clock,
    opened,
    last,
    assign,
    full,
    told: () => told.splice(0),
    send: actor.send.bind(actor),
    revoke: (queue: MessageQueue, reason: RevokeReason = 'rebalance', grace = 10_000) =>
      actor.send({ type: 'queues.revoke', queue, reason, grace }),
    /** One listener call under way. */
    occupy: async (queue: MessageQueue) => {
      await turn();
      last(queue).pulls.at(-1)?.(found(0, 1));
    },
    /** Its listener calls end, and what follows from that. */
    finish: async (queue: MessageQueue) => {
      for (const hand of last(queue).hands) hand.resolve(undefined);
      await turn();
    },
    residents: () =>
      [...actor.getSnapshot().context.residents].map(([key, { kind }]) => `${key.slice(-1)} ${kind}`),
    children: () =>
      Object.entries(actor.getSnapshot().children).map(([id, child]) => [
        id.slice(-1),
        child?.getSnapshot().value,
      ]),
    childOf: (queue: MessageQueue, name: 'pull' | 'consume') =>
      stateOf(
        actor.getSnapshot().children[queueKey(queue)]?.getSnapshot().children[name]?.getSnapshot().value,
      ),
  };
}

/** Of the consume actor: what it does with deliveries. */
function stateOf(value: StateValue | undefined): unknown {
  const regions = typeof value === 'object' ? value['working'] : undefined;
  return typeof regions === 'object' ? regions['delivery'] : value;
}

function workOf(entry: Opened, clock: TestClock, handoverPause: number): QueueWork {
  const slots = new HandlerSlots(8);
  slots.open();
  const listener = concurrently(() => {
    const hand = deferred<undefined>();
    entry.hands.push(hand);
    return hand.promise;
  });
  return {
    owned: entry.owned,
    slots,
    delivery: {
      order: 'concurrent',
      batchSize: 1,
      suspendMs: 1000,
      maxReconsumeTimes: -1,
      batchMaxWaitMs: 0,
      consumeTimeoutMs: 900_000,
    },
    lock: undefined,
    onRevoked: undefined,
    pull: {
      permit: undefined,
      resolveStart: async () => ({ offset: at(0), stored: true }),
      pull: (_, __, answer) => void entry.pulls.push(answer),
      readCommitted: async () => undefined,
      withdraw: () => {},
      judge: () => 'halt',
      correct: async () => {},
      takeCommit: () => undefined,
      settleCommit: () => {},
      withholdCommits: () => {},
    },
    consume: {
      listenerOf: () => listener,
      mayDeliver: () => true,
      lockIsLive: () => true,
      now: () => clock.now(),
      awakeMs: () => clock.now(),
      outlived: new OutlivedCalls(),
      stopSignal: new AbortController().signal,
      sendBack: () => {},
    },
    settings: {
      handoverPause,
      pullInterval: 0,
      flowControlInterval: 50,
      maxRereads: 3,
      random: () => 0.5,
      now: () => clock.now(),
      revokeTimeout: 10_000,
      commitTimeout: 3000,
    },
    withholdCommits: () => {},
    commitFinal: async () => {},
    isCommitting: () => false,
    release: () => void entry.released++,
  };
}

function ended(queue: MessageQueue, reason: RevokeReason, returns = false) {
  return { type: 'queue.ended', queue, reason, abandoned: 0, commitError: undefined, returns };
}
function placed(queue: MessageQueue) {
  return { type: 'queue.placed', queue, offset: 0 };
}

const owned = { working: { owned: 'steady' } };
const draining = { working: 'draining' };

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('a shard', () => {
  it('starts an actor for each queue, and tells what they tell', async () => {
    const { assign, children, residents, told, opened } = start();
    assign(zero);
    assign(one, { suspended: true });
    await turn();
    expect([children(), residents(), told()]).toEqual([
      [
        ['0', owned],
        ['1', owned],
      ],
      ['0 here', '1 here'],
      [placed(zero)],
    ]);
    expect(opened.map(({ key }) => key)).toEqual([queueKey(zero), queueKey(one)]);
  });

  it('does not start a second actor for a queue it has', async () => {
    const { assign, opened, children } = start();
    assign(zero);
    assign(zero);
    await turn();
    expect([opened.length, children()]).toEqual([1, [['0', owned]]]);
  });

  it('hands the pause and the suspension of an assignment on', async () => {
    const { assign, childOf } = start();
    assign(zero, { alone: false });
    assign(one, { suspended: true });
    await turn();
    expect([childOf(zero, 'pull'), childOf(one, 'pull'), childOf(one, 'consume')]).toEqual([
      'waitingForHandover',
      'paused',
      { suspended: 'byConsumer' },
    ]);
  });

  it('stops and forgets a queue that has ended', async () => {
    const { assign, revoke, told, children, residents, last } = start();
    assign(zero);
    assign(one);
    await turn();
    told();
    revoke(zero);
    await turn();
    expect([told(), children(), residents()]).toEqual([
      [ended(zero, 'rebalance')],
      [['1', owned]],
      ['1 here'],
    ]);
    expect(last(zero).released).toBe(1);
  });

  it('revokes all with the reason and the grace it was given', async () => {
    const { assign, send, told, residents, occupy, clock } = start();
    for (const queue of [zero, one, two]) assign(queue);
    await occupy(one);
    told();
    send({ type: 'queues.revokeAll', reason: 'shutdown', grace: 700 });
    await turn();
    expect([told(), residents()]).toEqual([[ended(zero, 'shutdown'), ended(two, 'shutdown')], ['1 leaving']]);
    await clock.advance(700);
    expect([told(), residents()]).toEqual([[{ ...ended(one, 'shutdown'), abandoned: 1 }], []]);
  });

  it('suspends, resumes and verifies all its queues', async () => {
    const { assign, send, childOf, told } = start();
    assign(zero);
    assign(one);
    await turn();
    told();
    const pulls = () => [childOf(zero, 'pull'), childOf(one, 'pull')];
    send({ type: 'queues.suspend' });
    expect(pulls()).toEqual(['paused', 'paused']);
    send({ type: 'queues.resume' });
    expect(pulls()).toEqual(['pulling', 'pulling']);
    send({ type: 'queues.verify' });
    await turn();
    expect([pulls(), told()]).toEqual([
      ['paused', 'paused'],
      [
        { type: 'queue.verified', queue: zero },
        { type: 'queue.verified', queue: one },
      ],
    ]);
  });

  it('renews the queues of the topics and brokers that are named, and no others', async () => {
    const { assign, send, last } = start();
    for (const queue of [zero, one]) assign(queue);
    await turn();
    send({ type: 'queues.renew', suspects: [{ topic: zero.topic, brokerName: 'broker-b' }] });
    expect([last(zero).pulls.length, last(one).pulls.length]).toEqual([1, 1]);
    send({ type: 'queues.renew', suspects: [{ topic: zero.topic, brokerName: zero.brokerName }] });
    expect([last(zero).pulls.length, last(one).pulls.length]).toEqual([2, 2]);
  });

  it('knows nothing of a queue it never had', async () => {
    const { revoke, told, residents } = start();
    revoke(two);
    await turn();
    expect([told(), residents()]).toEqual([[], []]);
  });

  it('hands a fault on', () => {
    const { send, told } = start();
    const fault = { type: 'fault', error: new RocketmqError('RMQ_INTERNAL', 'x'), actor: 'queues' } as const;
    send(fault);
    expect(told()).toEqual([fault]);
  });
});

describe('queues the user pauses', () => {
  const zeroPaused = withPause(noPauses, { queue: zero }, true);
  const topicPaused = withPause(noPauses, { topic: zero.topic }, true);

  async function two() {
    const world = start();
    world.assign(zero);
    world.assign(one);
    await turn();
    return { ...world, pulls: () => [world.childOf(zero, 'pull'), world.childOf(one, 'pull')] };
  }

  it('stand still until they are resumed, the others go on', async () => {
    const { send, pulls } = await two();
    send({ type: 'queues.pause', pauses: zeroPaused });
    expect(pulls()).toEqual(['paused', 'pulling']);
    send({ type: 'queues.pause', pauses: noPauses });
    expect(pulls()).toEqual(['pulling', 'pulling']);
  });

  it('stand still together when it is their topic, but for one that was resumed by itself', async () => {
    const { send, pulls } = await two();
    send({ type: 'queues.pause', pauses: topicPaused });
    expect(pulls()).toEqual(['paused', 'paused']);
    send({ type: 'queues.pause', pauses: withPause(topicPaused, { queue: one }, false) });
    expect(pulls()).toEqual(['paused', 'pulling']);
  });

  it('stay paused when the consumer is suspended and resumed', async () => {
    const { send, pulls } = await two();
    send({ type: 'queues.pause', pauses: zeroPaused });
    send({ type: 'queues.suspend' });
    expect(pulls()).toEqual(['paused', 'paused']);
    send({ type: 'queues.resume' });
    expect(pulls()).toEqual(['paused', 'pulling']);
  });

  it('and resumes while it is suspended go on with the consumer only', async () => {
    const { send, pulls } = await two();
    send({ type: 'queues.pause', pauses: zeroPaused });
    send({ type: 'queues.suspend' });
    send({ type: 'queues.pause', pauses: noPauses });
    expect(pulls()).toEqual(['paused', 'paused']);
    send({ type: 'queues.resume' });
    expect(pulls()).toEqual(['pulling', 'pulling']);
  });

  it('are verified after a time gap like all others, and stay paused', async () => {
    const { send, pulls, told } = await two();
    send({ type: 'queues.pause', pauses: zeroPaused });
    told();
    send({ type: 'queues.verify' });
    await turn();
    send({ type: 'queues.resume' });
    expect([pulls(), told()]).toEqual([
      ['paused', 'pulling'],
      [
        { type: 'queue.verified', queue: zero },
        { type: 'queue.verified', queue: one },
      ],
    ]);
  });

  it('begin paused when they come later, or come back', async () => {
    const { assign, send, childOf, occupy, revoke, finish } = start({ input: { pauses: topicPaused } });
    assign(zero);
    await turn();
    expect(childOf(zero, 'pull')).toBe('paused');
    send({ type: 'queues.pause', pauses: noPauses });
    await occupy(zero);
    revoke(zero);
    assign(zero);
    send({ type: 'queues.pause', pauses: topicPaused });
    await finish(zero);
    expect(childOf(zero, 'pull')).toBe('paused');
  });

  it('are not started by a resume in a shard that came while the consumer was suspended', async () => {
    const { assign, send, childOf } = start({ input: { pauses: zeroPaused, suspended: true } });
    assign(zero, { suspended: true });
    await turn();
    send({ type: 'queues.pause', pauses: noPauses });
    expect(childOf(zero, 'pull')).toBe('paused');
  });
});

describe('a seek', () => {
  function ticket() {
    const heard: string[] = [];
    return {
      heard,
      done: () => heard.push('done'),
      refused: (error: RocketmqError) => heard.push(error.code),
    };
  }

  it('moves the queue it names, whose actor tells the ticket', async () => {
    const { assign, send, last, told } = start();
    assign(zero);
    await turn();
    told();
    const seek = ticket();
    send({ type: 'queues.seek', queue: zero, offset: at(70), reason: 'seek', ticket: seek });
    expect([seek.heard, last(zero).owned.pulledTo]).toEqual([['done'], 70]);
    expect(told()).toEqual([{ type: 'queue.corrected', queue: zero, from: 0, to: 70, reason: 'seek' }]);
  });

  it('of a queue that is not here, or is being left, is refused', async () => {
    const { assign, send, occupy, revoke } = start();
    const [unknown, leaving] = [ticket(), ticket()];
    send({ type: 'queues.seek', queue: two, offset: at(70), reason: 'seek', ticket: unknown });
    assign(zero);
    await occupy(zero);
    revoke(zero);
    send({ type: 'queues.seek', queue: zero, offset: at(70), reason: 'seek', ticket: leaving });
    expect([unknown.heard, leaving.heard]).toEqual([['RMQ_QUEUE_NOT_OWNED'], ['RMQ_QUEUE_NOT_OWNED']]);
  });
});

describe('a queue that is assigned again while it drains', () => {
  async function leaving() {
    const world = start();
    world.assign(zero);
    await world.occupy(zero);
    world.told();
    world.revoke(zero);
    return world;
  }

  it('starts after its former actor has left, in one actor, with what the new assignment says', async () => {
    const { assign, children, residents, finish, told, opened, childOf, last } = await leaving();
    assign(zero, { alone: false });
    await turn();
    expect([children(), residents(), opened.length]).toEqual([[['0', draining]], ['0 returning'], 1]);
    await finish(zero);
    expect([told(), children(), residents(), opened.length]).toEqual([
      [ended(zero, 'rebalance', true)],
      [['0', owned]],
      ['0 here'],
      2,
    ]);
    expect([childOf(zero, 'pull'), opened[0]?.released, last(zero).released]).toEqual([
      'waitingForHandover',
      1,
      0,
    ]);
  });

  it('and works like any other from then on', async () => {
    const { assign, finish, told, last, revoke, residents } = await leaving();
    assign(zero);
    await finish(zero);
    last(zero).pulls.at(-1)?.(found(0, 2));
    expect(last(zero).hands).toHaveLength(2);
    told();
    revoke(zero);
    await finish(zero);
    expect([told(), residents()]).toEqual([[ended(zero, 'rebalance')], []]);
  });

  it('and revoked once more does not return', async () => {
    const { assign, revoke, finish, told, residents, opened } = await leaving();
    assign(zero);
    revoke(zero);
    expect(residents()).toEqual(['0 leaving']);
    await finish(zero);
    expect([told(), residents(), opened.length]).toEqual([[ended(zero, 'rebalance')], [], 1]);
  });

  it('and assigned twice starts once, as the newer assignment says', async () => {
    const { assign, finish, opened, childOf } = await leaving();
    assign(zero);
    assign(zero, { suspended: true });
    await finish(zero);
    expect([opened.length, childOf(zero, 'pull')]).toEqual([2, 'paused']);
  });

  it.each([
    ['suspended', false, ['queues.suspend'], 'paused'],
    ['resumed', true, ['queues.resume'], 'pulling'],
    ['verified', false, ['queues.verify'], 'paused'],
    ['suspended and resumed', false, ['queues.suspend', 'queues.resume'], 'pulling'],
  ] as const)('starts %s when all others were meanwhile', async (_, suspended, events, pull) => {
    const { assign, send, finish, childOf } = await leaving();
    assign(zero, { suspended });
    for (const type of events) send({ type });
    await finish(zero);
    await turn();
    expect(childOf(zero, 'pull')).toBe(pull);
  });

  it('may be disowned: it leaves without a commit, those that stay are not touched, and it still returns', async () => {
    const { assign, send, finish, told, residents, children, last } = await leaving();
    assign(one);
    assign(zero);
    await turn();
    told();
    send({ type: 'queues.disownLeaving', grace: 10_000 });
    expect([residents(), last(zero).released]).toEqual([['0 returning', '1 here'], 1]);
    await finish(zero);
    expect([told(), children()]).toEqual([
      [ended(zero, 'lost', true), placed(zero)],
      [
        ['1', owned],
        ['0', owned],
      ],
    ]);
  });

  it('does not return when everything is revoked', async () => {
    const { assign, send, finish, residents, opened } = await leaving();
    assign(zero);
    send({ type: 'queues.revokeAll', reason: 'shutdown', grace: 1000 });
    await finish(zero);
    expect([residents(), opened.length]).toEqual([[], 1]);
  });
});

describe('a queue that cannot be opened', () => {
  const error = new RocketmqError('RMQ_STORE_FULL', 'the offset table holds 10 entries already');

  it('is told as a fault and as ended, and is forgotten', async () => {
    const { assign, full, told, residents, children } = start();
    full.error = error;
    assign(zero);
    await turn();
    expect([told(), residents(), children()]).toEqual([
      [{ type: 'fault', error, actor: queueKey(zero) }, ended(zero, 'lost')],
      [],
      [],
    ]);
    full.error = undefined;
    assign(zero);
    expect(residents()).toEqual(['0 here']);
  });

  it('is told so too when it was to return', async () => {
    const { assign, occupy, revoke, finish, full, told, residents } = start();
    assign(zero);
    await occupy(zero);
    revoke(zero);
    assign(zero);
    full.error = error;
    told();
    await finish(zero);
    expect([told(), residents()]).toEqual([
      [ended(zero, 'rebalance', true), { type: 'fault', error, actor: queueKey(zero) }, ended(zero, 'lost')],
      [],
    ]);
  });
});

describe('a queue actor that dies', () => {
  const broken = queueMachine.provide({
    actions: {
      noteRevoke: () => {
        throw new Error('broken');
      },
    },
  });
  const machine = queuesMachine.provide({ actors: { queue: broken } });

  it('is told as a fault and as ended, and is forgotten', async () => {
    const { assign, revoke, told, residents, children } = start({ machine });
    assign(zero);
    await turn();
    told();
    revoke(zero);
    await turn();
    expect(told()).toMatchObject([
      { type: 'fault', actor: queueKey(zero), error: { code: 'RMQ_INTERNAL', message: 'broken' } },
      ended(zero, 'lost'),
    ]);
    expect([residents(), children()]).toEqual([[], []]);
  });

  it('leaves nobody behind that pulls, delivers, or commits', async () => {
    const { assign, revoke, occupy, last, clock } = start({ machine });
    assign(zero);
    await occupy(zero);
    const { pulls, hands, owned: queue } = last(zero);
    expect([pulls.length, hands.length]).toEqual([2, 1]);
    revoke(zero);
    pulls[1]?.(found(1, 4));
    await clock.advance(60_000);
    expect([pulls.length, hands.length, queue.count, queue.isPlaced, last(zero).released]).toEqual([
      2,
      1,
      0,
      false,
      1,
    ]);
    expect(clock.pending).toBe(0);
  });
});

describe('who lives in a shard', () => {
  const assignment: Assignment = { queue: zero, alone: true, suspended: false };
  const key = queueKey(zero);
  const residents = (kind?: Residence['kind']): ReadonlyMap<QueueKey, Residence> => {
    if (kind === undefined) return new Map();
    return new Map([[key, kind === 'returning' ? { kind, queue: zero, assignment } : { kind, queue: zero }]]);
  };

  it.each([
    [undefined, 'here', true],
    ['here', 'here', false],
    ['leaving', 'returning', false],
    ['returning', 'returning', false],
  ] as const)('after an assignment: %s becomes %s', (before, after, starts) => {
    const change = afterAssign(residents(before), assignment);
    expect(change).toEqual({ residents: residents(after), start: starts ? assignment : undefined });
  });

  it.each([
    [undefined, undefined],
    ['here', 'leaving'],
    ['leaving', 'leaving'],
    ['returning', 'leaving'],
  ] as const)('after a revoke, of one or of all: %s becomes %s', (before, after) => {
    expect(afterRevoke(residents(before), key)).toEqual(residents(after));
    expect(afterRevoke(residents(before), undefined)).toEqual(residents(after));
  });

  it.each([
    [undefined, undefined, false],
    ['here', undefined, false],
    ['leaving', undefined, false],
    ['returning', 'here', true],
  ] as const)('after an end: %s becomes %s', (before, after, starts) => {
    const change = afterEnd(residents(before), key);
    expect(change).toEqual({ residents: residents(after), start: starts ? assignment : undefined });
  });

  it('after a suspension: only what is to return is changed', () => {
    for (const kind of ['here', 'leaving'] as const)
      expect(afterSuspend(residents(kind), true)).toEqual(residents(kind));
    expect(afterSuspend(residents('returning'), true).get(key)).toEqual({
      kind: 'returning',
      queue: zero,
      assignment: { ...assignment, suspended: true },
    });
  });
});

describe('stopped by force', () => {
  it('leaves no timer of any queue, and tells nothing', async () => {
    const { actor, assign, occupy, revoke, clock, told } = start();
    for (const queue of [zero, one, two]) assign(queue, { alone: queue !== two });
    await occupy(zero);
    revoke(zero);
    told();
    actor.stop();
    expect([clock.pending, told()]).toEqual([0, []]);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
