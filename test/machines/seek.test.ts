// SPDX-License-Identifier: Apache-2.0
/** Does one seek resolve its place, move the queue, and count only once it is committed? */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor } from 'xstate';
import { BrokerError, ConnectionError, RocketmqError } from '../../src/errors/errors.ts';
import { seekMachine } from '../../src/machines/commands/seek.machine.ts';
import type { SeekDecided, SeekLasts } from '../../src/machines/commands/seek.types.ts';
import type { SeekTarget } from '../../src/machines/commands/work-command.ts';
import type { QueueOffset } from '../../src/model/queue-offset.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { aQueue, at, type Deferred, deferred, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const coverage = new ChartCoverage(seekMachine);
const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

interface Bounds {
  readonly min?: number | Error;
  readonly max?: number | Error;
}

/** A seek of a queue that stores 10 to 20 unless said otherwise. */
function start(to: SeekTarget, { min = 10, max = 20 }: Bounds = {}) {
  const clock = new TestClock();
  const heard: unknown[] = [];
  const decided: SeekDecided[] = [];
  const commits: Deferred<void>[] = [];
  const asked: string[] = [];
  const lasting: SeekLasts[] = [];
  const answer = (what: string, value: number | Error): Promise<QueueOffset> => {
    asked.push(what);
    return typeof value === 'number' ? Promise.resolve(at(value)) : Promise.reject(value);
  };
  const actor = createActor(seekMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      work: { type: 'queue.seek', queue: aQueue, to, reason: 'seek' },
      ticket: { done: () => heard.push('done'), refused: error => heard.push(error) },
      port: {
        minOffset: () => answer('min', min),
        maxOffset: () => answer('max', max),
        offsetAt: (_, timestamp) => answer(`at ${timestamp}`, 15),
        confirmPlace: () => {
          const hand = deferred<void>();
          commits.push(hand);
          return hand.promise;
        },
      },
      random: () => 0.5,
      parent: { send: event => decided.push(event) },
      keeper: { send: event => lasting.push(event) },
    },
  });
  actor.start();
  running.push({ actor, clock });
  return {
    ...{ actor, clock, heard, decided, commits, asked, lasting },
    state: () => actor.getSnapshot().value,
    async moved() {
      await turn();
      decided[0]?.ticket.done();
      await turn();
    },
  };
}

const codeOf = (error: unknown): unknown => (error instanceof RocketmqError ? error.code : error);

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('a seek', () => {
  it('whose queue may not be moved for 5 s says so, and goes on waiting', async () => {
    const { clock, state, lasting, heard, decided, commits } = start(15);
    await turn();
    await clock.advance(4999);
    expect(lasting).toEqual([]);
    await clock.advance(60_000);
    expect([state(), lasting]).toEqual(['moving', [{ type: 'seek.lasts', queue: aQueue }]]);
    decided[0]?.ticket.done();
    commits[0]?.resolve();
    await turn();
    expect(heard).toEqual(['done']);
  });

  it('that was stopped meanwhile hears nothing of its queue any more', async () => {
    const { actor, decided, heard } = start(15);
    await turn();
    actor.stop();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    decided[0]?.ticket.done();
    decided[0]?.ticket.refused(new RocketmqError('RMQ_INTERNAL', 'x'));
    expect([warn.mock.calls, heard]).toEqual([[], []]);
    warn.mockRestore();
  });

  it('resolves its place, has the queue moved, commits, and is done then', async () => {
    const { state, decided, heard, commits, moved, asked } = start(15);
    expect(state()).toBe('resolving');
    await turn();
    expect([state(), asked]).toEqual(['moving', ['min', 'max']]);
    expect(decided).toMatchObject([{ type: 'seek.decided', queue: aQueue, offset: 15, reason: 'seek' }]);
    await moved();
    expect([state(), commits.length, heard]).toEqual(['committing', 1, []]);
    commits[0]?.resolve();
    await turn();
    expect([state(), heard]).toEqual(['done', ['done']]);
  });

  it.each([
    ['begin', 10, ['min']],
    ['end', 20, ['max']],
    [{ timestamp: 1700 }, 15, ['at 1700']],
    [{ timestamp: new Date(1700) }, 15, ['at 1700']],
    [10, 10, ['min', 'max']],
    [20, 20, ['min', 'max']],
  ] as const)('to %j goes where the broker says that is', async (to, offset, questions) => {
    const { decided, asked } = start(to);
    await turn();
    expect([decided[0]?.offset, asked]).toEqual([offset, questions]);
  });

  it.each([9, 21])('to %i, which is not stored, is refused with the bounds, and moves nothing', async to => {
    const { state, decided, heard } = start(to);
    await turn();
    expect([state(), decided]).toEqual(['refused', []]);
    expect(heard).toMatchObject([
      { code: 'RMQ_OFFSET_OUT_OF_RANGE', context: { offset: to, min: 10, max: 20 } },
    ]);
  });

  it('to a number goes there unchecked when the bounds may not be asked', async () => {
    const forbidden = new BrokerError('RMQ_NO_PERMISSION', 'GET is missing', {
      responseCode: 16,
      remark: undefined,
    });
    const { decided } = start(99, { max: forbidden });
    await turn();
    expect(decided[0]?.offset).toBe(99);
  });

  it('is refused when its broker does not answer', async () => {
    const silent = new ConnectionError('RMQ_REQUEST_TIMEOUT', 'no answer');
    for (const world of [start('begin', { min: silent }), start(15, { min: silent })]) {
      await turn();
      expect([world.state(), world.heard]).toEqual(['refused', [silent]]);
    }
  });

  it('is refused with what the queue says', async () => {
    const { decided, heard, state } = start('end');
    await turn();
    const lost = new RocketmqError('RMQ_QUEUE_NOT_OWNED', 'given up');
    decided[0]?.ticket.refused(lost);
    await turn();
    expect([state(), heard]).toEqual(['refused', [lost]]);
  });

  it('tries its commit again three times, then is refused with the last failure', async () => {
    const { commits, clock, heard, moved, state } = start('end');
    await moved();
    for (let i = 0; i < 4; i++) {
      expect([state(), commits.length]).toEqual(['committing', i + 1]);
      commits[i]?.reject(new ConnectionError('RMQ_REQUEST_TIMEOUT', `no answer ${i}`));
      await turn();
      if (i < 3) expect([state(), heard]).toEqual(['retrying', []]);
      await clock.advance(3000);
      await turn();
    }
    expect(heard).toMatchObject([{ message: 'no answer 3' }]);
  });

  it('is done when a later try of its commit is confirmed', async () => {
    const { commits, clock, heard, moved } = start('end');
    await moved();
    commits[0]?.reject(new ConnectionError('RMQ_REQUEST_TIMEOUT', 'no answer'));
    await turn();
    await clock.advance(200);
    commits[1]?.resolve();
    await turn();
    expect(heard).toEqual(['done']);
  });

  it.each(['resolving', 'moving', 'committing'] as const)(
    'is refused when the queue goes to another member while %s',
    async state => {
      const world = start('end');
      if (state === 'moving') await turn();
      if (state === 'committing') await world.moved();
      expect(world.state()).toBe(state);
      world.actor.send({ type: 'queue.left' });
      expect([world.state(), world.heard.map(codeOf)]).toEqual(['refused', ['RMQ_QUEUE_NOT_OWNED']]);
      world.commits[0]?.resolve();
      await turn();
      expect(world.heard).toHaveLength(1);
    },
  );

  it('is refused when something in it throws', async () => {
    const world = start('end');
    await turn();
    const error = new RocketmqError('RMQ_INTERNAL', 'a defect');
    world.actor.send({ type: 'fault', error, actor: 'seek' });
    expect([world.state(), world.heard]).toEqual(['refused', [error]]);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
