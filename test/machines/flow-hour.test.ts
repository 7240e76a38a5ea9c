// SPDX-License-Identifier: Apache-2.0
/** Is a queue that stands still for an hour, because it must, taken for one that hangs? (rocketmq#459: a watchdog of 120 s did) */
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { type FlowLimits, SharedFlow, type ThrottleCause } from '../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../src/flow/owned-queue.ts';
import { RateLimit } from '../../src/flow/rate-limit.ts';
import { pullMachine } from '../../src/machines/pull/pull.machine.ts';
import type { PullPort, PullReport } from '../../src/machines/pull/pull.types.ts';
import type { MessageExt } from '../../src/model/message.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { PullAnswer } from '../../src/transport/pull-calls.ts';
import { aQueue, at, messagesBetween } from '../support/builders.ts';
import { takeFrom } from '../support/taken.ts';

const hour = 3_600_000;
const limits: FlowLimits = {
  countOfQueue: 1000,
  bytesOfQueue: 1e6,
  spanOfQueue: 1000,
  uncommittedOfQueue: 1000,
  countOfTopic: 1000,
  bytesOfTopic: 1e6,
  countOfAll: 1000,
  bytesOfAll: 1e6,
};

/** A queue that starts at 100; each pull is answered when a test says so. */
async function pulling(set: Partial<FlowLimits> = {}, perSecond?: number) {
  const clock = new TestClock();
  const rate = perSecond === undefined ? undefined : new RateLimit(perSecond, clock);
  const commits = { handed: at(100), reach: at(100), advance: () => {}, reset: () => {} };
  const owned = new OwnedQueue<MessageExt>(aQueue, commits, new SharedFlow({ ...limits, ...set }, rate));
  const pulls: { readonly offset: number; readonly answer: (outcome: PullAnswer) => void }[] = [];
  const told: PullReport[] = [];
  const port: PullPort = {
    permit: undefined,
    resolveStart: () => Promise.resolve({ offset: at(100), stored: true }),
    pull: (offset, _, answer) => pulls.push({ offset, answer }),
    withdraw: () => {},
    readCommitted: () => Promise.resolve(at(100)),
    judge: () => 'halt',
    correct: () => Promise.resolve(),
    takeCommit: () => undefined,
    settleCommit: () => {},
    withholdCommits: () => {},
  };
  const actor = createActor(pullMachine, {
    clock,
    input: {
      ...{ owned, port, suspended: false, parent: { send: (event: PullReport) => told.push(event) } },
      settings: {
        ...{ handoverPause: 0, pullInterval: 0, flowControlInterval: 1000, maxRereads: 3 },
        ...{ random: () => 0.5, now: () => clock.now() },
      },
    },
  }).start();
  await clock.flush();
  return {
    ...{ clock, owned, rate, commits, actor, pulls },
    told: () => told.splice(0),
    pulled: () => pulls.map(({ offset }) => offset),
    /** The pull on the wire is answered with the messages before `end`. */
    bring: (end: number) => {
      const { offset = 0, answer } = pulls.at(-1) ?? {};
      const messages = messagesBetween(offset, end);
      answer?.({ kind: 'found', messages, bytes: 100 * messages.length, nextOffset: at(end) });
    },
    consumeAll: () => {
      const { first, messages } = takeFrom(owned, 1000);
      for (const i of messages.keys()) owned.finish(owned.epoch, first + i);
    },
  };
}

const causes: readonly (readonly [ThrottleCause, Partial<FlowLimits>])[] = [
  ['countOfQueue', { countOfQueue: 10 }],
  ['sizeOfQueue', { bytesOfQueue: 1000 }],
  ['spanOfQueue', { spanOfQueue: 9 }],
  ['countOfTopic', { countOfTopic: 10 }],
  ['sizeOfTopic', { bytesOfTopic: 1000 }],
  ['countOfAll', { countOfAll: 10 }],
  ['sizeOfAll', { bytesOfAll: 1000 }],
];

describe('a queue that stands still for an hour', () => {
  it.each(causes)('throttled by %s, is told as such once and pulls on with the room', async (cause, set) => {
    const { clock, actor, bring, consumeAll, pulled, told } = await pulling(set);
    bring(111);
    if (cause === 'spanOfQueue') bring(112); // the span of a batch is seen with the next one
    const before = pulled();
    await clock.advance(hour);
    expect([actor.getSnapshot().value, pulled()]).toEqual([{ throttled: 'armed' }, before]);
    expect(told().slice(1)).toEqual([{ type: 'pull.throttled', cause }]);
    consumeAll();
    await clock.flush();
    expect([actor.getSnapshot().value, pulled().length, told()]).toEqual([
      'pulling',
      before.length + 1,
      [{ type: 'pull.unthrottled' }],
    ]);
    actor.stop();
  });

  it('throttled because nothing is committed, pulls on when it is', async () => {
    const { clock, actor, bring, commits, pulled, told } = await pulling({ uncommittedOfQueue: 10 });
    bring(111);
    bring(112);
    await clock.advance(hour);
    expect([actor.getSnapshot().value, told().slice(1)]).toEqual([
      { throttled: 'armed' },
      [{ type: 'pull.throttled', cause: 'uncommittedOfQueue' }],
    ]);
    commits.reach = at(105);
    await clock.advance(1000); // it looks itself
    expect([actor.getSnapshot().value, pulled()]).toEqual(['pulling', [100, 111, 112]]);
    actor.stop();
  });

  it('throttled because its messages wait for a slow rate, pulls on when they have started', async () => {
    const { clock, actor, rate, bring, owned, pulled, told } = await pulling({}, 1);
    rate?.spend(4000);
    rate?.whenDue(() => {});
    bring(102);
    await clock.advance(hour);
    expect([actor.getSnapshot().value, told().slice(1)]).toEqual([
      { throttled: 'armed' },
      [{ type: 'pull.throttled', cause: 'rate' }],
    ]);
    owned.take(2);
    expect([actor.getSnapshot().value, pulled()]).toEqual(['pulling', [100, 102]]);
    actor.stop();
  });

  it('paused, keeps what it has, takes in what was on the wire, and pulls on when it is resumed', async () => {
    const { clock, actor, bring, owned, pulled, told } = await pulling();
    bring(110);
    actor.send({ type: 'queue.suspend' });
    bring(120);
    told();
    await clock.advance(hour);
    expect([actor.getSnapshot().value, pulled(), owned.count, told()]).toEqual([
      'paused',
      [100, 110],
      20,
      [],
    ]);
    actor.send({ type: 'queue.resume' });
    expect([actor.getSnapshot().value, pulled()]).toEqual(['pulling', [100, 110, 120]]);
    actor.stop();
  });

  it('with a listener that takes its time, and room for more, waits for its poll and nothing else', async () => {
    const { clock, actor, bring, consumeAll, pulled, told } = await pulling();
    bring(110);
    told();
    await clock.advance(hour);
    expect([actor.getSnapshot().value, pulled(), told()]).toEqual(['pulling', [100, 110], []]);
    consumeAll();
    bring(120);
    expect(pulled()).toEqual([100, 110, 120]);
    actor.stop();
  });
});
