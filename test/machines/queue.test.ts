// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from 'vitest';
import { createActor, type StateValue } from 'xstate';
import { ConnectionError, RocketmqError } from '../../src/errors/errors.ts';
import { SharedFlow } from '../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../src/flow/owned-queue.ts';
import { HandlerSlots } from '../../src/listeners/handler-slots.ts';
import { type ConsumeReturn, concurrently, orderly } from '../../src/listeners/listener.ts';
import { OutlivedCalls } from '../../src/listeners/outlived-calls.ts';
import { consumeMachine } from '../../src/machines/consume/consume.machine.ts';
import { pullMachine } from '../../src/machines/pull/pull.machine.ts';
import { queueMachine } from '../../src/machines/queue/queue.machine.ts';
import type { HeldLock, QueueReport, QueueWork } from '../../src/machines/queue/queue.types.ts';
import type { MessageExt } from '../../src/model/message.ts';
import type { RevokeReason } from '../../src/model/revoke-reason.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { PullAnswer } from '../../src/transport/pull-calls.ts';
import { aQueue, at, type Deferred, deferred, found, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to broker-a lost');
const limits = {
  countOfQueue: 10,
  bytesOfQueue: 1e9,
  spanOfQueue: 1e6,
  countOfAll: 1e6,
  bytesOfAll: 1e9,
};
const coverage = new ChartCoverage(queueMachine);
const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

interface Options {
  readonly machine?: typeof queueMachine;
  readonly suspended?: boolean;
  readonly handoverPause?: number;
  readonly delivery?: Partial<QueueWork['delivery']>;
  readonly lock?: QueueWork['lock'];
  readonly onRevoked?: QueueWork['onRevoked'];
  readonly isCommitting?: boolean;
  readonly listen?: () => ConsumeReturn;
}

/** A queue whose start is 100, with pulls, listener calls and commits in the hand of the test. `log` keeps their order. */
async function start(options: Options = {}) {
  const clock = new TestClock();
  const log: string[] = [];
  const told: QueueReport[] = [];
  const hands: Deferred<undefined>[] = [];
  const commits: (Deferred<void> & { readonly signal: AbortSignal; readonly timeoutMs: number })[] = [];
  const pulls: ((answer: PullAnswer) => void)[] = [];
  const failed: { readonly settle: () => void; readonly redeliver: () => void }[] = [];
  const reads: Deferred<undefined>[] = [];
  const owned = new OwnedQueue<MessageExt>(
    aQueue,
    { advance: point => log.push(`point ${point}`), reset: () => {} },
    new SharedFlow(limits),
  );
  const slots = new HandlerSlots(8);
  slots.open();
  const listen = (): Promise<undefined> => {
    const hand = deferred<undefined>();
    hands.push(hand);
    return hand.promise;
  };
  const isOrderly = (options.delivery?.order ?? 'concurrent') !== 'concurrent';
  const listener = isOrderly ? orderly(listen) : concurrently(options.listen ?? listen);
  const work: QueueWork = {
    owned,
    slots,
    delivery: {
      order: 'concurrent',
      batchSize: 1,
      suspendMs: 1000,
      maxReconsumeTimes: -1,
      batchMaxWaitMs: 0,
      consumeTimeoutMs: 900_000,
      ...options.delivery,
    },
    lock: options.lock,
    onRevoked: options.onRevoked,
    pull: {
      permit: undefined,
      resolveStart: async () => ({ offset: at(100), stored: true }),
      pull: (offset, _, answer) => {
        log.push(`pull ${offset}`);
        pulls.push(answer);
      },
      readCommitted: () => {
        const hand = deferred<undefined>();
        reads.push(hand);
        return hand.promise;
      },
      withdraw: () => {},
      judge: () => 'halt',
      correct: async () => {},
      takeCommit: () => undefined,
      settleCommit: () => {},
      withholdCommits: withheld => log.push(withheld ? 'withhold' : 'allow'),
    },
    consume: {
      listenerOf: () => listener,
      mayDeliver: () => true,
      lockIsLive: () => true,
      now: () => clock.now(),
      awakeMs: () => clock.now(),
      outlived: new OutlivedCalls(),
      stopSignal: new AbortController().signal,
      sendBack: (messages, settle, redeliver) => {
        for (const one of messages)
          failed.push({ settle: () => settle(one), redeliver: () => redeliver(one) });
      },
    },
    settings: {
      handoverPause: options.handoverPause ?? 0,
      pullInterval: 0,
      flowControlInterval: 50,
      maxRereads: 3,
      random: () => 0.5,
      now: () => clock.now(),
      revokeTimeout: 10_000,
      commitTimeout: 3000,
    },
    withholdCommits: () => log.push('withhold'),
    commitFinal: ({ timeoutMs, signal }) => {
      log.push('commit');
      const hand = { ...deferred<void>(), timeoutMs, signal };
      commits.push(hand);
      return hand.promise;
    },
    isCommitting: () => options.isCommitting === true,
    release: () => log.push('release'),
  };
  const actor = createActor(options.machine ?? queueMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      work,
      suspended: options.suspended ?? false,
      parent: { send: event => told.push(event) },
    },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  running.push({ actor, clock });
  await turn();
  return {
    actor,
    clock,
    owned,
    slots,
    hands,
    commits,
    failed,
    reads,
    log: () => log.splice(0),
    told: () => told.splice(0),
    send: actor.send.bind(actor),
    revoke: (reason: RevokeReason = 'rebalance', grace = 10_000) =>
      actor.send({ type: 'queue.revoke', reason, grace }),
    answer: (outcome: PullAnswer) => pulls.at(-1)?.(outcome),
    pullCount: () => pulls.length,
    state: () => actor.getSnapshot().value,
    child: (name: 'pull' | 'consume') => stateOf(actor.getSnapshot().children[name]?.getSnapshot().value),
  };
}

/** Of the consume actor: what it does with deliveries. */
function stateOf(value: StateValue | undefined): unknown {
  const regions = typeof value === 'object' ? value['working'] : undefined;
  return typeof regions === 'object' ? regions['delivery'] : value;
}

/** With two messages in their listener calls, nothing told or logged so far. */
async function delivering(options: Options = {}) {
  const world = await start(options);
  world.answer(found(100, 102));
  world.told();
  world.log();
  return world;
}

function ended(
  reason: RevokeReason,
  more: { readonly abandoned?: number; readonly commitError?: unknown } = {},
) {
  const { abandoned = 0, commitError = undefined } = more;
  return { type: 'queue.ended', queue: aQueue, reason, abandoned, commitError, returns: false };
}

const steady = { working: { owned: 'steady' } };
const draining = { working: 'draining' };
const asleep = { suspended: 'byConsumer' };

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('an owned queue', () => {
  it('pulls and delivers, and tells where it was placed', async () => {
    const { state, told, child, answer, hands, pullCount } = await start();
    expect([state(), told()]).toEqual([steady, [{ type: 'queue.placed', queue: aQueue, offset: 100 }]]);
    answer(found(100, 102));
    expect([hands.length, pullCount(), child('consume')]).toEqual([2, 2, { dispatching: 'watching' }]);
  });

  it('waits for its former owner when told to', async () => {
    const { clock, pullCount, child } = await start({ handoverPause: 400 });
    expect(child('pull')).toBe('waitingForHandover');
    await clock.advance(400);
    expect(pullCount()).toBe(1);
  });

  it('begins suspended when told to, and suspends and resumes both sides', async () => {
    const { send, child } = await start({ suspended: true });
    const sides = () => [child('pull'), child('consume')];
    expect(sides()).toEqual(['paused', asleep]);
    send({ type: 'queue.resume' });
    expect(sides()).toEqual(['resolvingOffset', 'idle']);
    send({ type: 'queue.suspend' });
    expect(sides()).toEqual(['paused', asleep]);
  });

  describe('that is to be verified', () => {
    const verifying = (substate: string) => ({ working: { owned: { verifying: substate } } });
    const running = [{ dispatching: 'watching' }, 'pulling'];

    async function asking() {
      const world = await delivering();
      world.send({ type: 'queue.verify' });
      return { ...world, sides: () => [world.child('consume'), world.child('pull')] };
    }

    it('stops delivering before it asks, withholds commits meanwhile, and says when that is done', async () => {
      const { sides, state, told, reads, log } = await asking();
      expect([state(), sides(), log()]).toEqual([
        verifying('held'),
        [asleep, { verifying: 'asking' }],
        ['withhold'],
      ]);
      reads[0]?.resolve(undefined);
      await turn();
      expect([state(), sides(), told(), log()]).toEqual([
        steady,
        [asleep, 'paused'],
        [{ type: 'queue.verified', queue: aQueue }],
        ['allow'],
      ]);
    });

    it('and goes on by itself when the others were resumed before its broker answered', async () => {
      const { sides, state, send, reads } = await asking();
      send({ type: 'queue.resume' });
      expect([state(), sides()]).toEqual([verifying('resumeAsked'), [asleep, { verifying: 'asking' }]]);
      reads[0]?.resolve(undefined);
      await turn();
      expect([state(), sides()]).toEqual([steady, running]);
    });

    it('stays where it is when the others were resumed and suspended again', async () => {
      const { sides, state, send, reads } = await asking();
      send({ type: 'queue.resume' });
      send({ type: 'queue.suspend' });
      reads[0]?.resolve(undefined);
      await turn();
      expect([state(), sides()]).toEqual([steady, [asleep, 'paused']]);
    });

    it.each(['held', 'resumeAsked'])(
      'once more while it is %s asks again, and believes no older answer',
      async before => {
        const { sides, state, send, reads, told } = await asking();
        if (before === 'resumeAsked') send({ type: 'queue.resume' });
        send({ type: 'queue.verify' });
        reads[0]?.resolve(undefined);
        await turn();
        expect([state(), sides(), reads.length, told()]).toEqual([
          verifying('held'),
          [asleep, { verifying: 'asking' }],
          2,
          [],
        ]);
        reads[1]?.resolve(undefined);
        await turn();
        expect([state(), sides(), told()]).toEqual([
          steady,
          [asleep, 'paused'],
          [{ type: 'queue.verified', queue: aQueue }],
        ]);
      },
    );

    it('and revoked meanwhile is given up like any other, its commits withheld', async () => {
      const { state, revoke, log } = await asking();
      revoke();
      expect([state(), log()]).toEqual([draining, ['withhold', 'withhold']]);
    });
  });

  it('tells what its children tell, with its name', async () => {
    const { answer, told, hands, log } = await start({ listen: () => 'nonsense' as unknown as undefined });
    told();
    log();
    answer({ kind: 'moved', correctTo: at(500), reason: 'OFFSET_TOO_SMALL' });
    await turn();
    answer(found(500, 520));
    answer({ kind: 'failed', error: lost });
    expect(told()).toMatchObject([
      { type: 'queue.corrected', queue: aQueue, from: 100, to: 500, reason: 'OFFSET_TOO_SMALL' },
      { type: 'fault', actor: 'orders@broker-a#0', error: { code: 'RMQ_LISTENER_RESULT' } },
      { type: 'queue.throttled', queue: aQueue, cause: 'countOfQueue' },
    ]);
    expect(hands).toEqual([]);
  });

  it('asks its broker anew when told to, beside the pull that is held', async () => {
    const { send, pullCount } = await start();
    send({ type: 'queue.renew' });
    expect(pullCount()).toBe(2);
  });

  it('tells of trouble and of room', async () => {
    const { clock, answer, told, hands } = await start();
    told();
    answer({ kind: 'failed', error: lost });
    await clock.advance(100);
    answer(found(100, 111));
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect(told()).toEqual([
      { type: 'queue.troubled', queue: aQueue, error: lost },
      { type: 'queue.throttled', queue: aQueue, cause: 'countOfQueue' },
      { type: 'queue.unthrottled', queue: aQueue },
    ]);
  });

  it('hands a fault of its own to the parent and lives on', async () => {
    const { send, told, state } = await delivering();
    const fault = { type: 'fault', error: lost, actor: 'queue' } as const;
    send(fault);
    expect([state(), told()]).toEqual([steady, [fault]]);
  });
});

describe('a seek of an owned queue', () => {
  function ticket() {
    const heard: string[] = [];
    return {
      heard,
      done: () => heard.push('done'),
      refused: (error: RocketmqError) => heard.push(error.code),
    };
  }
  const seekTo = (offset: number, told: ReturnType<typeof ticket>) =>
    ({ type: 'queue.seek', offset: at(offset), reason: 'seek', ticket: told }) as const;

  it('moves its pull, and is told as a correction', async () => {
    const { send, owned, told, log } = await delivering();
    const seek = ticket();
    send(seekTo(40, seek));
    expect([seek.heard, owned.pulledTo, told(), log()]).toEqual([
      ['done'],
      40,
      [{ type: 'queue.corrected', queue: aQueue, from: 102, to: 40, reason: 'seek' }],
      ['pull 40'],
    ]);
  });

  it('is refused when it is being given up, or its pull has failed', async () => {
    const { send, revoke, hands } = await delivering();
    const [late, later] = [ticket(), ticket()];
    revoke();
    send(seekTo(40, late));
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    send(seekTo(40, later));
    expect([late.heard, later.heard]).toEqual([['RMQ_QUEUE_NOT_OWNED'], ['RMQ_QUEUE_NOT_OWNED']]);
  });
});

describe('a revoked queue', () => {
  it('stops pulling, lets its listeners end, commits, and is told as ended once', async () => {
    const { revoke, state, child, hands, log, told, commits, actor, answer } = await delivering();
    revoke();
    expect([state(), child('pull'), child('consume')]).toEqual([draining, 'revoked', 'draining']);
    answer(found(102, 105)); // the pull on the wire
    hands[1]?.resolve(undefined);
    hands[0]?.resolve(undefined);
    await turn();
    expect([state(), log(), told()]).toEqual(['committing', ['withhold', 'point 102', 'commit'], []]);
    expect(commits.map(({ timeoutMs }) => timeoutMs)).toEqual([3000]);
    commits[0]?.resolve();
    await turn();
    expect([state(), log(), told()]).toEqual(['revoked', ['release'], [ended('rebalance')]]);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('that never found its place is over at once', async () => {
    const { revoke, commits, told, log } = await start({ suspended: true });
    revoke();
    commits[0]?.resolve();
    await turn();
    expect([log(), told()]).toEqual([['withhold', 'commit', 'release'], [ended('rebalance')]]);
  });

  it('commits what is done when the grace is over, and late results count for nothing', async () => {
    const { clock, revoke, hands, log, told, commits, owned: queue } = await delivering();
    revoke('rebalance', 5000);
    hands[0]?.resolve(undefined);
    await clock.advance(5000);
    expect([log(), queue.count]).toEqual([['withhold', 'point 101', 'commit'], 0]);
    hands[1]?.resolve(undefined);
    await turn();
    commits[0]?.resolve();
    await turn();
    expect([log(), told()]).toEqual([['release'], [ended('rebalance', { abandoned: 1 })]]);
  });

  it('whose last commit failed says so', async () => {
    const { revoke, hands, told, commits, log } = await delivering();
    revoke();
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    commits[0]?.reject(lost);
    await turn();
    expect([log().slice(-1), told()]).toEqual([['release'], [ended('rebalance', { commitError: lost })]]);
  });

  it('whose last commit is never answered gives up a little after the time limits of its two requests', async () => {
    const { clock, revoke, hands, told, commits, state } = await delivering();
    revoke();
    for (const hand of hands) hand.resolve(undefined);
    await clock.advance(6499);
    expect([state(), commits[0]?.signal.aborted]).toEqual(['committing', false]);
    await clock.advance(1);
    expect([state(), commits[0]?.signal.aborted]).toEqual(['revoked', true]);
    expect(told()).toMatchObject([
      {
        type: 'queue.ended',
        commitError: {
          code: 'RMQ_REQUEST_TIMEOUT',
          message: 'the last commit of orders@broker-a#0 was not answered within 6500 ms',
        },
      },
    ]);
  });

  it('revoked again with less time ends by that, and with more time no later than before', async () => {
    const { clock, revoke, state } = await delivering();
    revoke('rebalance', 10_000);
    await clock.advance(1000);
    revoke('rebalance', 60_000);
    await clock.advance(1000);
    revoke('rebalance', 3000);
    await clock.advance(2000);
    revoke('rebalance', 10_000);
    await clock.advance(999);
    expect(state()).toEqual(draining);
    await clock.advance(1);
    expect(state()).toBe('committing');
  });

  it('waits for a send-back under way, and for one that nobody took no longer', async () => {
    const { revoke, hands, failed, state, log } = await delivering();
    hands[0]?.reject(new Error('no'));
    hands[1]?.resolve(undefined);
    await turn();
    revoke();
    expect(state()).toEqual(draining);
    failed[0]?.redeliver();
    expect([state(), log()]).toEqual(['committing', ['withhold', 'commit']]);
  });

  it('still tells what its children tell', async () => {
    const { revoke, answer, told, hands } = await start();
    answer(found(100, 120));
    told();
    revoke();
    expect(told()).toEqual([{ type: 'queue.unthrottled', queue: aQueue }]);
    hands[0]?.resolve('nonsense' as unknown as undefined);
    await turn();
    expect(told()).toMatchObject([{ type: 'fault', error: { code: 'RMQ_LISTENER_RESULT' } }]);
  });

  it('ignores suspend, resume and verify', async () => {
    const { revoke, send, state, told } = await delivering();
    revoke();
    for (const type of ['queue.suspend', 'queue.resume', 'queue.verify'] as const) send({ type });
    expect([state(), told()]).toEqual([draining, []]);
  });
});

describe('at shutdown', () => {
  it('the queue leaves the commit, and the offsets, to the persister', async () => {
    const { revoke, hands, log, told, state } = await delivering();
    revoke('shutdown');
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([state(), log(), told()]).toEqual(['revoked', ['point 101', 'point 102'], [ended('shutdown')]]);
  });

  it('a queue that drains for the next owner already commits by itself, within the time that is left', async () => {
    const { clock, revoke, log, told, commits } = await delivering();
    revoke();
    revoke('shutdown', 50);
    await clock.advance(50);
    commits[0]?.resolve();
    await turn();
    expect([log(), told()]).toEqual([
      ['withhold', 'commit', 'release'],
      [ended('rebalance', { abandoned: 2 })],
    ]);
  });

  it('a queue that commits already ends with its answer', async () => {
    const { revoke, hands, commits, told, log } = await delivering();
    revoke();
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    revoke('shutdown', 50);
    commits[0]?.resolve();
    await turn();
    expect([log().slice(-1), told()]).toEqual([['release'], [ended('rebalance')]]);
  });
});

describe('a queue that is not verified yet', () => {
  it('is not committed by the persister at shutdown: somebody else may be ahead', async () => {
    const { send, revoke, log } = await delivering();
    send({ type: 'queue.verify' });
    revoke('shutdown', 50);
    expect(log()).toEqual(['withhold']);
  });
});

describe('a lost queue', () => {
  it('is forgotten by the offset store at once, so that nobody commits what still ends, and commits nothing', async () => {
    const { revoke, hands, log, told, commits, state } = await delivering();
    revoke('lost');
    expect([state(), log()]).toEqual([draining, ['release']]);
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([state(), commits, told()]).toEqual(['revoked', [], [ended('lost')]]);
  });

  it('stays lost, whatever it is revoked for later', async () => {
    const { revoke, hands, told, commits } = await delivering();
    revoke('lost');
    revoke('rebalance');
    revoke('shutdown', 1000);
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([commits, told()]).toEqual([[], [ended('lost')]]);
  });

  it('commits nothing when it is lost while it drains', async () => {
    const { revoke, hands, log, told, commits } = await delivering();
    revoke('rebalance');
    revoke('lost');
    expect(log()).toEqual(['withhold', 'release']);
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([commits, told()]).toEqual([[], [ended('lost')]]);
  });

  it('breaks off its commit when it is lost meanwhile', async () => {
    const { revoke, hands, log, told, commits, state } = await delivering();
    revoke('rebalance');
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    log();
    revoke('lost');
    expect([state(), commits[0]?.signal.aborted, log(), told()]).toEqual([
      'revoked',
      true,
      ['release'],
      [ended('lost')],
    ]);
  });
});

describe('a child that dies', () => {
  const broken = new Error('broken');
  const dying = () => {
    throw broken;
  };

  it('of the pull side is told; the queue drains, commits and ends', async () => {
    const machine = queueMachine.provide({
      actors: { pull: pullMachine.provide({ guards: { mayRepeat: dying } }) },
    });
    const { answer, told, state, commits, hands, log } = await start({ machine });
    told();
    answer({ kind: 'none', nextOffset: at(101), mayRepeat: true });
    expect(hands).toEqual([]);
    await turn();
    expect(state()).toBe('committing');
    commits[0]?.resolve();
    await turn();
    expect([log().slice(-2), told()]).toEqual([
      ['commit', 'release'],
      [expect.objectContaining({ type: 'fault' }), ended('rebalance')],
    ]);
  });

  it('of the pull side is told as a fault with its name', async () => {
    const machine = queueMachine.provide({
      actors: { pull: pullMachine.provide({ guards: { mayRepeat: dying } }) },
    });
    const { answer, told } = await start({ machine });
    told();
    answer({ kind: 'none', nextOffset: at(101), mayRepeat: true });
    await turn();
    expect(told()).toMatchObject([
      {
        type: 'fault',
        actor: 'pull orders@broker-a#0',
        error: { code: 'RMQ_INTERNAL', message: expect.stringContaining('broken') },
      },
    ]);
  });

  it('of the pull side lets running listeners end within the grace', async () => {
    const machine = queueMachine.provide({
      actors: { pull: pullMachine.provide({ guards: { mayRepeat: dying } }) },
    });
    const { clock, answer, told, state, hands } = await start({ machine });
    answer(found(100, 101));
    told();
    answer({ kind: 'none', nextOffset: at(101), mayRepeat: true });
    expect([state(), hands.length]).toEqual([draining, 1]);
    await clock.advance(10_000);
    expect(state()).toBe('committing');
  });

  it('of the consume side ends the queue without a commit, and nothing is pulled any more', async () => {
    const machine = queueMachine.provide({
      actors: { consume: consumeMachine.provide({ guards: { nothingRuns: dying } }) },
    });
    const { clock, answer, told, log, state, pullCount, commits, owned: queue } = await start({ machine });
    answer(found(100, 120)); // throttled: it waits for room
    told();
    await clock.advance(200);
    expect(told()).toMatchObject([
      {
        type: 'fault',
        actor: 'consume orders@broker-a#0',
        error: { message: expect.stringContaining('broken') },
      },
      ended('rebalance'),
    ]);
    expect([state(), commits, log().slice(-1), queue.count]).toEqual(['revoked', [], ['release'], 0]);
    await clock.advance(1000);
    expect(pullCount()).toBe(1);
  });
});

/** A lock in the hand of the test. */
function aLock() {
  const releases: (Deferred<void> & { readonly signal: AbortSignal })[] = [];
  const hand = { releases, forgotten: 0, keptBack: 0, isLost: false, lose: () => {} };
  const lock: HeldLock = {
    get mayBeOurs() {
      return !hand.isLost;
    },
    whenLost: onLost => {
      hand.lose = () => {
        hand.isLost = true;
        onLost();
      };
    },
    release: ({ signal }) => {
      const release = { ...deferred<void>(), signal };
      releases.push(release);
      return release.promise;
    },
    keepBack: () => void hand.keptBack++,
    forget: () => void hand.forgotten++,
  };
  return { ...hand, hand, lock };
}

describe('a queue with a lock', () => {
  async function committing(options: Options = {}) {
    const { hand, lock } = aLock();
    const world = await delivering({ lock, ...options });
    world.revoke();
    for (const each of world.hands) each.resolve(undefined);
    await turn();
    return { ...world, lock: hand };
  }
  async function unlocking() {
    const world = await committing();
    world.commits[0]?.resolve();
    await turn();
    world.told();
    return world;
  }

  it('gives it back when its last commit was answered, and is over when that was', async () => {
    const { state, commits, lock, told } = await committing();
    expect([state(), lock.releases.length]).toEqual(['committing', 0]);
    commits[0]?.resolve();
    await turn();
    expect([state(), lock.releases.length, told()]).toEqual(['unlocking', 1, []]);
    lock.releases[0]?.resolve();
    await turn();
    expect([state(), told()]).toEqual(['revoked', [ended('rebalance')]]);
  });

  it('lets it expire when its last commit failed: the next owner must not begin before it', async () => {
    const { commits, lock, state } = await committing();
    commits[0]?.reject(lost);
    await turn();
    expect([state(), lock.releases.length, lock.forgotten]).toEqual(['revoked', 0, 1]);
  });

  it('says so when it could not be given back', async () => {
    const { lock, told } = await unlocking();
    lock.releases[0]?.reject(lost);
    await turn();
    expect(told()).toEqual([{ type: 'fault', error: lost, actor: 'orders@broker-a#0' }, ended('rebalance')]);
  });

  it('does not wait for ever for the answer', async () => {
    const { clock, lock, state } = await unlocking();
    await clock.advance(6500);
    expect([state(), lock.releases[0]?.signal.aborted]).toEqual(['revoked', true]);
  });

  it('is lost when somebody else has it: nothing is committed, what runs may end', async () => {
    const { hand, lock } = aLock();
    const { state, log, hands, told, child, revoke } = await delivering({ lock });
    hand.lose();
    expect([state(), child('pull'), log()]).toEqual([draining, 'revoked', ['release']]);
    revoke();
    for (const each of hands) each.resolve(undefined);
    await turn();
    expect([state(), log(), told(), hand.releases.length, hand.forgotten]).toEqual([
      'revoked',
      ['release', 'point 101', 'point 102', 'release'],
      [ended('lost')],
      0,
      1,
    ]);
  });

  it('is lost also while its listeners end', async () => {
    const { hand, lock } = aLock();
    const { state, hands, told, revoke, commits } = await delivering({ lock });
    revoke();
    hand.lose();
    for (const each of hands) each.resolve(undefined);
    await turn();
    expect([state(), told(), commits]).toEqual(['revoked', [ended('lost')], []]);
  });

  it('is lost also while it commits', async () => {
    const { lock, state, told, commits } = await committing();
    lock.lose();
    expect([state(), told(), commits[0]?.signal.aborted]).toEqual(['revoked', [ended('lost')], true]);
  });

  it('gives it back uncommitted when time passed without us and the queue is not ours any more', async () => {
    const { hand, lock } = aLock();
    const { revoke, hands, state, commits, told } = await delivering({ lock });
    revoke('lost');
    for (const each of hands) each.resolve(undefined);
    await turn();
    expect([state(), commits, hand.releases.length]).toEqual(['unlocking', [], 1]);
    hand.releases[0]?.resolve();
    await turn();
    expect([state(), told()]).toEqual(['revoked', [ended('lost')]]);
  });

  it('but lets it expire while a commit of ours may still land behind the next owner', async () => {
    const { hand, lock } = aLock();
    const { revoke, hands, state } = await delivering({ lock, isCommitting: true });
    revoke('lost');
    for (const each of hands) each.resolve(undefined);
    await turn();
    expect([state(), hand.releases.length, hand.forgotten]).toEqual(['revoked', 0, 1]);
  });

  it('that is orderly keeps it while a listener call may still run', async () => {
    const { hand, lock } = aLock();
    const { clock, revoke, commits, state, told } = await delivering({ lock, delivery: { order: 'queue' } });
    revoke('rebalance', 5000);
    await clock.advance(5000);
    expect(state()).toBe('committing');
    commits[0]?.resolve();
    await turn();
    expect([state(), told(), hand.releases.length, hand.forgotten]).toEqual([
      'revoked',
      [ended('rebalance', { abandoned: 1 })],
      0,
      1,
    ]);
  });

  it('that is orderly keeps it back at shutdown while a listener call may still run: what is done is committed', async () => {
    const { hand, lock } = aLock();
    const { clock, revoke, state } = await delivering({ lock, delivery: { order: 'queue' } });
    revoke('shutdown', 5000);
    await clock.advance(5000);
    expect([state(), hand.releases.length, hand.forgotten, hand.keptBack]).toEqual(['revoked', 0, 0, 1]);
  });

  it('leaves it to the consumer at shutdown', async () => {
    const { hand, lock } = aLock();
    const { revoke, hands, state } = await delivering({ lock });
    revoke('shutdown');
    for (const each of hands) each.resolve(undefined);
    await turn();
    expect([state(), hand.releases.length, hand.forgotten]).toEqual(['revoked', 0, 0]);
  });
});

describe("the user's onQueuesRevoked", () => {
  /** With the hook in the hand of the test. */
  async function telling(options: Options = {}, reason: RevokeReason = 'rebalance', grace = 10_000) {
    const calls: (Deferred<void> & { readonly reason: RevokeReason; readonly signal: AbortSignal })[] = [];
    const world = await delivering({
      ...options,
      onRevoked: call => {
        const hand = { ...deferred<void>(), ...call };
        calls.push(hand);
        return hand.promise;
      },
    });
    world.revoke(reason, grace);
    expect(calls).toEqual([]);
    for (const hand of world.hands) hand.resolve(undefined);
    await turn();
    return { ...world, calls };
  }

  it('is called when the last listener has ended, and awaited before the last commit', async () => {
    const { calls, state, commits } = await telling();
    expect([state(), calls.map(({ reason }) => reason), commits.length]).toEqual([
      'telling',
      ['rebalance'],
      0,
    ]);
    calls[0]?.resolve();
    await turn();
    expect(state()).toBe('committing');
  });

  it('may fail: that is told, and the queue goes on its way', async () => {
    const { calls, state, told } = await telling();
    calls[0]?.reject(new Error('no disk'));
    await turn();
    expect([state(), told()]).toMatchObject([
      'committing',
      [
        {
          type: 'fault',
          error: {
            code: 'RMQ_HOOK_FAILED',
            message: 'onQueuesRevoked threw for orders@broker-a#0: no disk',
          },
        },
      ],
    ]);
  });

  it.each([
    ['what is left of the grace', 10_000, 10_000],
    ['one second at least', 0, 1000],
  ])('gets %s, then its signal is aborted', async (_, grace, ms) => {
    const { clock, calls, state, told } = await telling({}, 'rebalance', grace);
    await clock.advance(ms - 1);
    expect(state()).toBe('telling');
    await clock.advance(1);
    expect([state(), calls[0]?.signal.aborted]).toEqual(['committing', true]);
    expect(told()).toMatchObject([{ type: 'fault', error: { code: 'RMQ_HOOK_FAILED' } }]);
  });

  it('is called at shutdown too', async () => {
    const { calls, state, told } = await telling({}, 'shutdown');
    calls[0]?.resolve();
    await turn();
    expect([state(), told()]).toEqual(['revoked', [ended('shutdown')]]);
  });

  it('does not make a queue ours again that is lost meanwhile', async () => {
    const { hand, lock } = aLock();
    const { calls, told, revoke, commits } = await telling({ lock });
    revoke('rebalance');
    hand.lose();
    calls[0]?.resolve();
    await turn();
    expect([told(), commits]).toEqual([[ended('lost')], []]);
  });

  it('nor one whose consumer was frozen meanwhile', async () => {
    const { calls, told, revoke, commits } = await telling();
    revoke('lost');
    calls[0]?.resolve();
    await turn();
    expect([told(), commits]).toEqual([[ended('lost')], []]);
  });
});

describe('stopped by force', () => {
  const ways: Readonly<Record<string, (world: Awaited<ReturnType<typeof delivering>>) => void>> = {
    owned: () => {},
    draining: ({ revoke }) => revoke(),
    committing: ({ revoke, hands }) => {
      for (const hand of hands) hand.resolve(undefined);
      revoke();
    },
  };
  it.each(Object.entries(ways))('while %s it leaves no timer and tells nothing', async (name, way) => {
    const world = await delivering();
    way(world);
    await turn();
    expect(JSON.stringify(world.state())).toContain(name);
    world.actor.stop();
    expect([world.clock.pending, world.told()]).toEqual([0, []]);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });

  it('uses typed errors where a commit fails', () => {
    expect(lost).toBeInstanceOf(RocketmqError);
  });
});
