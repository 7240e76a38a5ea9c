// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { ConnectionError } from '../../src/errors/errors.ts';
import { offsetsMachine } from '../../src/machines/offsets/offsets.machine.ts';
import type { OffsetsReport } from '../../src/machines/offsets/offsets.types.ts';
import { queueOffset } from '../../src/model/queue-offset.ts';
import type {
  PersistOptions,
  PersistReport,
  QueuePosition,
  UncommittedPosition,
} from '../../src/stores/offset-store.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

function position(queueId: number, offset: number): QueuePosition {
  return { queue: { topic: 'orders', brokerName: 'a', queueId }, offset: queueOffset(offset) };
}

function lost(at: QueuePosition): UncommittedPosition {
  return { ...at, error: new ConnectionError('RMQ_CONNECTION_LOST', 'gone') };
}

const one = position(0, 7);
const two = position(1, 9);
const allDone: PersistReport = { committed: [one], uncommitted: [] };

/** A store that answers as told, in turn; without an answer it keeps its caller waiting. */
class FakeStore {
  readonly calls: { readonly answered: boolean; readonly timeoutMs: number | undefined }[] = [];
  readonly aborted: number[] = [];
  readonly answers: (PersistReport | Error | Promise<PersistReport>)[] = [];
  news: readonly QueuePosition[] = [one];

  persistAll(_: unknown, options: PersistOptions = {}): Promise<PersistReport> {
    const call = this.calls.push({ answered: options.answered === true, timeoutMs: options.timeoutMs });
    options.signal?.addEventListener('abort', () => this.aborted.push(call));
    const answer = this.answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    return answer === undefined ? new Promise(() => {}) : Promise.resolve(answer);
  }

  uncommitted(): readonly QueuePosition[] {
    return this.news;
  }
}

function started() {
  const clock = new TestClock();
  const store = new FakeStore();
  const told: OffsetsReport[] = [];
  const parent = { send: (event: OffsetsReport) => told.push(event) };
  const actor = createActor(offsetsMachine, {
    clock,
    input: { port: store, interval: 5000, retryTimes: 3, clock, random: () => 0.5, parent },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  running.push({ actor, clock });
  return { clock, store, told, actor, state: () => actor.getSnapshot().value };
}

const running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];
afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('the periodic persist', () => {
  it('writes every interval what is new, and tells the parent', async () => {
    const { clock, store, told, state } = started();
    store.answers.push(allDone, { committed: [two], uncommitted: [] });
    await clock.advance(4999);
    expect([state(), store.calls]).toEqual(['idle', []]);
    await clock.advance(5001);
    expect(state()).toBe('idle');
    expect(store.calls).toEqual([
      { answered: false, timeoutMs: undefined },
      { answered: false, timeoutMs: undefined },
    ]);
    expect(told).toEqual([
      { type: 'offsets.persisted', committed: [one] },
      { type: 'offsets.persisted', committed: [two] },
    ]);
  });

  it('leaves the store alone when it has everything', async () => {
    const { clock, store, told, state } = started();
    store.news = [];
    await clock.advance(20_000);
    expect([state(), store.calls, told]).toEqual(['idle', [], []]);
  });

  it('tells nothing when nothing had to be written', async () => {
    const { clock, store, told } = started();
    store.answers.push({ committed: [], uncommitted: [] });
    await clock.advance(5000);
    expect([store.calls.length, told]).toEqual([1, []]);
  });

  it('is repeated with growing pauses when something was not written, and tells at once what was', async () => {
    const { clock, store, told, state } = started();
    store.answers.push({ committed: [one], uncommitted: [lost(two)] }, { committed: [two], uncommitted: [] });
    await clock.advance(5000);
    expect([state(), store.calls.length]).toEqual(['retrying', 1]);
    await clock.advance(100);
    expect([state(), store.calls.length]).toEqual(['idle', 2]);
    expect(told).toEqual([
      { type: 'offsets.persisted', committed: [one] },
      { type: 'offsets.persisted', committed: [two] },
    ]);
  });

  it('is reported as failed after three repetitions, and tried again with the next interval', async () => {
    const { clock, store, told, state } = started();
    const failed = lost(one);
    for (let i = 0; i < 4; i++) store.answers.push({ committed: [], uncommitted: [failed] });
    store.answers.push(allDone);
    await clock.advance(5000 + 100 + 200 + 400);
    expect([state(), store.calls.length]).toEqual(['idle', 4]);
    expect(told).toEqual([{ type: 'offsets.failed', error: failed.error, uncommitted: [failed] }]);
    await clock.advance(5000);
    expect([store.calls.length, told.at(-1)]).toEqual([5, { type: 'offsets.persisted', committed: [one] }]);
  });

  it('counts repetitions anew for each interval', async () => {
    const { clock, store, told } = started();
    const failed: PersistReport = { committed: [], uncommitted: [lost(one)] };
    for (let i = 0; i < 8; i++) store.answers.push(failed);
    await clock.advance(2 * 5700);
    expect([store.calls.length, told.length]).toEqual([8, 2]);
  });

  it('survives a store that rejects', async () => {
    const { clock, store, told, state } = started();
    store.answers.push(new Error('defect'));
    await clock.advance(5000);
    expect(state()).toBe('idle');
    expect(told).toMatchObject([
      { type: 'offsets.failed', error: { code: 'RMQ_INTERNAL', message: 'defect' } },
    ]);
  });

  it('is given up when the store does not come back', async () => {
    const { clock, store, state } = started();
    await clock.advance(5000);
    expect(state()).toBe('persisting');
    await clock.advance(10_000);
    expect([state(), store.aborted]).toEqual(['idle', [1]]);
  });
});

describe('a hold', () => {
  it('stops the periodic persist until the release, which persists at once', async () => {
    const { clock, store, actor, state } = started();
    actor.send({ type: 'offsets.hold' });
    await clock.advance(60_000);
    expect([state(), store.calls]).toEqual(['held', []]);
    store.answers.push(allDone);
    actor.send({ type: 'offsets.release' });
    await clock.flush();
    expect([state(), store.calls.length]).toEqual(['idle', 1]);
  });

  it('ends a persist under way and the wait for its repetition', async () => {
    const { clock, store, actor, state } = started();
    await clock.advance(5000);
    actor.send({ type: 'offsets.hold' });
    expect([state(), store.aborted]).toEqual(['held', [1]]);
    store.answers.push({ committed: [], uncommitted: [lost(one)] });
    actor.send({ type: 'offsets.release' });
    await clock.flush();
    expect(state()).toBe('retrying');
    actor.send({ type: 'offsets.hold' });
    await clock.advance(60_000);
    expect([state(), store.calls.length]).toEqual(['held', 2]);
  });

  it('is nothing to be released from otherwise', () => {
    const { actor, state } = started();
    actor.send({ type: 'offsets.release' });
    expect(state()).toBe('idle');
  });
});

describe('a flush', () => {
  it('commits by answered calls within its timeout and answers the parent', async () => {
    const { clock, store, told, actor, state } = started();
    store.answers.push({ committed: [one, two], uncommitted: [] });
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.flush();
    expect(store.calls).toEqual([{ answered: true, timeoutMs: 3000 }]);
    expect(told).toEqual([{ type: 'offsets.flushed', committed: [one, two], uncommitted: [] }]);
    expect(state()).toBe('idle');
  });

  it('asks the store even when it seems to have everything: the report names all queues', async () => {
    const { clock, store, told, actor } = started();
    store.news = [];
    store.answers.push(allDone);
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.flush();
    expect(told).toEqual([{ type: 'offsets.flushed', ...allDone }]);
  });

  it('repeats what a second try may mend, with the time that is left', async () => {
    const { clock, store, told, actor } = started();
    store.answers.push(
      { committed: [one], uncommitted: [lost(two)] },
      { committed: [one, two], uncommitted: [] },
    );
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.advance(100);
    expect(store.calls).toEqual([
      { answered: true, timeoutMs: 3000 },
      { answered: true, timeoutMs: 2900 },
    ]);
    expect(told).toEqual([{ type: 'offsets.flushed', committed: [one, two], uncommitted: [] }]);
  });

  it('reports as uncommitted what was not answered, after three repetitions', async () => {
    const { clock, store, told, actor, state } = started();
    const failed = lost(one);
    for (let i = 0; i < 9; i++) store.answers.push({ committed: [two], uncommitted: [failed] });
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.advance(700);
    expect(store.calls.length).toBe(4);
    expect(told).toEqual([{ type: 'offsets.flushed', committed: [two], uncommitted: [failed] }]);
    expect(state()).toBe('idle');
  });

  it('does not repeat what another try cannot mend', async () => {
    const { clock, store, told, actor } = started();
    const withheld = { ...one, error: new ConnectionError('RMQ_COMMIT_WITHHELD', 'held') };
    store.answers.push({ committed: [], uncommitted: [withheld] });
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.flush();
    expect(told).toEqual([{ type: 'offsets.flushed', committed: [], uncommitted: [withheld] }]);
  });

  it('does not repeat without time for it', async () => {
    const { clock, store, told, actor } = started();
    const failed = lost(one);
    store.answers.push({ committed: [], uncommitted: [failed] });
    actor.send({ type: 'offsets.flush', timeout: 40 });
    await clock.flush();
    expect([store.calls.length, told.length]).toEqual([1, 1]);
  });

  it('is answered in time by a store that never comes back, with everything not confirmed as uncommitted', async () => {
    const { clock, store, told, actor, state } = started();
    store.news = [one, two];
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.advance(3000);
    expect(told).toEqual([]);
    await clock.advance(100);
    expect(told).toMatchObject([
      {
        type: 'offsets.flushed',
        committed: [],
        uncommitted: [
          { ...one, error: { code: 'RMQ_REQUEST_TIMEOUT', message: expect.stringContaining('orders@a#0') } },
          { ...two, error: { code: 'RMQ_REQUEST_TIMEOUT' } },
        ],
      },
    ]);
    expect([state(), store.aborted]).toEqual(['idle', [1]]);
  });

  it('is answered by a store that rejects', async () => {
    const { clock, store, told, actor, state } = started();
    store.answers.push(new Error('defect'));
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.flush();
    expect([told[0]?.type, state()]).toEqual(['offsets.flushed', 'idle']);
  });

  it('takes the place of a periodic persist under way or about to be repeated', async () => {
    const { clock, store, told, actor } = started();
    store.answers.push({ committed: [], uncommitted: [lost(one)] });
    await clock.advance(5000);
    store.answers.push(allDone);
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.advance(4000);
    expect(store.calls.map(call => call.answered)).toEqual([false, true]);
    expect(told).toEqual([{ type: 'offsets.flushed', ...allDone }]);
  });

  it('begins anew when asked again, with its own timeout, and is answered once', async () => {
    const { clock, store, told, actor } = started();
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.advance(2000);
    store.answers.push(allDone);
    actor.send({ type: 'offsets.flush', timeout: 500 });
    await clock.advance(5000);
    expect(store.calls.slice(0, 2)).toEqual([
      { answered: true, timeoutMs: 3000 },
      { answered: true, timeoutMs: 500 },
    ]);
    expect(told.filter(event => event.type === 'offsets.flushed')).toEqual([
      { type: 'offsets.flushed', ...allDone },
    ]);
  });

  it('that was asked for while held is made, and leaves the hold in place', async () => {
    const { clock, store, told, actor, state } = started();
    actor.send({ type: 'offsets.hold' });
    store.answers.push(allDone);
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.flush();
    expect([told.length, state()]).toEqual([1, 'held']);
  });

  it('remembers a hold that comes meanwhile, unless it is released before the end', async () => {
    const { clock, store, actor, state } = started();
    const ends: ((report: PersistReport) => void)[] = [];
    const pending = (): Promise<PersistReport> => new Promise(resolve => ends.push(resolve));
    store.answers.push(pending(), pending());
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    actor.send({ type: 'offsets.hold' });
    actor.send({ type: 'offsets.hold' });
    ends[0]?.(allDone);
    await clock.flush();
    expect(state()).toBe('held');
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    actor.send({ type: 'offsets.release' });
    ends[1]?.(allDone);
    await clock.flush();
    expect(state()).toBe('idle');
  });

  it('asked for again while a hold is remembered keeps the hold', async () => {
    const { clock, store, actor, state } = started();
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    actor.send({ type: 'offsets.hold' });
    store.answers.push(allDone);
    actor.send({ type: 'offsets.flush', timeout: 3000 });
    await clock.flush();
    expect([state(), store.aborted]).toEqual(['held', [1]]);
  });
});

describe('a fault', () => {
  it('inside an action is passed to the parent and changes nothing else', async () => {
    const { clock, store, told, actor, state } = started();
    actor.send({ type: 'fault', error: new ConnectionError('RMQ_INTERNAL', 'defect'), actor: 'offsets' });
    expect([told[0]?.type, state()]).toEqual(['fault', 'idle']);
    store.answers.push(allDone);
    await clock.advance(5000);
    expect(store.calls.length).toBe(1);
  });
});
