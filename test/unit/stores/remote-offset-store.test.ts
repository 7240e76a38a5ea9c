// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerError, ConnectionError } from '../../../src/errors/errors.ts';
import { type MessageQueue, queueKey } from '../../../src/model/message-queue.ts';
import { type QueueOffset, queueOffset } from '../../../src/model/queue-offset.ts';
import type { CommitCarrier } from '../../../src/stores/commit-line.ts';
import type { CallOptions } from '../../../src/stores/offset-store.ts';
import {
  type RemoteOffsetPort,
  RemoteOffsetStore,
  type RemoteOffsetStoreOptions,
} from '../../../src/stores/remote-offset-store.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { deferred, turn } from '../../support/builders.ts';

function queue(queueId: number, brokerName = 'a'): MessageQueue {
  return { topic: 'orders', brokerName, queueId };
}

/** Brokers that do what the test says; by default they answer at once. */
class FakeBrokers implements RemoteOffsetPort {
  readonly log: string[] = [];
  readonly stored = new Map<string, QueueOffset>();
  readonly options: CallOptions[] = [];
  update: RemoteOffsetPort['update'] = async (at, offset) => this.keep(at, offset);
  updateOneway: NonNullable<RemoteOffsetPort['updateOneway']> = (at, offset) => {
    this.log.push(`oneway ${queueKey(at)} ${offset}`);
    return true;
  };

  keep(at: MessageQueue, offset: QueueOffset): void {
    this.log.push(`update ${queueKey(at)} ${offset}`);
    this.stored.set(queueKey(at), offset);
  }

  async query(at: MessageQueue, options: CallOptions): Promise<QueueOffset | undefined> {
    this.log.push(`query ${queueKey(at)}`);
    this.options.push(options);
    return this.stored.get(queueKey(at));
  }
}

const clocks: TestClock[] = [];
afterEach(() => {
  for (const clock of clocks.splice(0)) expect(clock.pending, 'timers left behind').toBe(0);
});

function make(options: Partial<RemoteOffsetStoreOptions> = {}) {
  const clock = new TestClock();
  clocks.push(clock);
  const port = new FakeBrokers();
  const store = new RemoteOffsetStore({ port, clock, ...options });
  const at = (queueId: number, offset: number, brokerName = 'a') => {
    const line = store.line(queue(queueId, brokerName));
    line.reset(queueOffset(offset));
    return line;
  };
  return { clock, port, store, at };
}

const never = (): Promise<void> => new Promise(() => {});

describe('the memory table', () => {
  it('keeps one line a queue', () => {
    const { store } = make();
    expect(store.line(queue(0))).toBe(store.line(queue(0)));
    expect(store.line(queue(0))).not.toBe(store.line(queue(1)));
  });

  it('refuses a queue past maxOffsetStoreSize and says which', () => {
    const { store } = make({ maxOffsetStoreSize: 2 });
    store.line(queue(0));
    store.line(queue(1));
    store.line(queue(1));
    expect(() => store.line(queue(2))).toThrow(
      expect.objectContaining({
        code: 'RMQ_STORE_FULL',
        message: 'no room for orders@a#2: the offset store holds 2 queues',
      }),
    );
    store.removeOffset(queue(0));
    expect(store.line(queue(2)).point).toBeUndefined();
  });

  it('raises an offset, and sets it back only when told to', () => {
    const { store } = make();
    store.updateOffset(queue(0), queueOffset(10));
    store.updateOffset(queue(0), queueOffset(5));
    expect(store.line(queue(0)).point).toBe(10);
    store.updateOffset(queue(0), queueOffset(5), false);
    expect(store.line(queue(0)).point).toBe(5);
  });

  it('can be copied, whole or for a topic', () => {
    const { store, at } = make();
    at(0, 10);
    store.line(queue(1));
    store.updateOffset({ topic: 'other', brokerName: 'a', queueId: 0 }, queueOffset(3));
    const copy = store.cloneOffsetTable();
    store.updateOffset(queue(0), queueOffset(11));
    expect([...copy]).toEqual([
      ['orders@a#0', 10],
      ['other@a#0', 3],
    ]);
    expect([...store.cloneOffsetTable('other')]).toEqual([['other@a#0', 3]]);
  });

  it('forgets a queue whose late results then commit nothing', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    store.removeOffset(queue(0));
    store.removeOffset(queue(0));
    expect(line.take(clock.now())).toBeUndefined();
    expect(await store.persistAll(undefined, { answered: true })).toEqual({ committed: [], uncommitted: [] });
    expect([port.log, store.metrics().entries]).toEqual([[], 0]);
  });

  it('has nothing to load', async () => {
    await expect(make().store.load()).resolves.toBeUndefined();
  });
});

describe('reading an offset', () => {
  it('takes memory first, then asks the broker', async () => {
    const { port, store, at } = make();
    at(0, 10);
    port.stored.set('orders@a#0', queueOffset(4));
    port.stored.set('orders@a#1', queueOffset(6));
    expect(await store.readOffset(queue(0))).toBe(10);
    expect(await store.readOffset(queue(1))).toBe(6);
    expect(port.log).toEqual(['query orders@a#1']);
    expect(store.metrics()).toMatchObject({ cacheHits: 1, cacheMisses: 1 });
  });

  it('from memory never asks, from the store always does', async () => {
    const { port, store, at } = make();
    at(0, 10);
    port.stored.set('orders@a#0', queueOffset(4));
    expect(await store.readOffset(queue(0), 'READ_FROM_STORE')).toBe(4);
    expect(await store.readOffset(queue(1), 'READ_FROM_MEMORY')).toBeUndefined();
    expect(port.log).toEqual(['query orders@a#0']);
    expect(store.line(queue(0)).point).toBe(10);
  });

  it('remembers what the broker has for an owned queue, as handed over already', async () => {
    const { clock, port, store } = make();
    const line = store.line(queue(0));
    port.stored.set('orders@a#0', queueOffset(4));
    await store.readOffset(queue(0));
    expect([line.point, line.take(clock.now())]).toEqual([4, undefined]);
  });

  it('rejects when the broker could not be asked, and bounds the call', async () => {
    const { port, store } = make({ timeoutMs: 700 });
    await store.readOffset(queue(0));
    expect(port.options).toEqual([{ timeoutMs: 700 }]);
    port.query = () => Promise.reject(new ConnectionError('RMQ_CONNECTION_LOST', 'gone'));
    await expect(store.readOffset(queue(0))).rejects.toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
  });
});

describe('the periodic persist', () => {
  it('writes every new point one-way, once', async () => {
    const { port, store, at } = make();
    at(0, 10);
    at(1, 20, 'b');
    store.line(queue(2));
    expect(await store.persistAll()).toEqual({
      committed: [
        { queue: queue(0), offset: 10 },
        { queue: queue(1, 'b'), offset: 20 },
      ],
      uncommitted: [],
    });
    expect(await store.persistAll()).toEqual({ committed: [], uncommitted: [] });
    expect(port.log).toEqual(['oneway orders@a#0 10', 'oneway orders@b#1 20']);
    expect(store.metrics()).toMatchObject({ persistSuccesses: 2, persistFailures: 0 });
  });

  it('can be limited to some queues', async () => {
    const { port, store, at } = make();
    at(0, 10);
    at(1, 20);
    await store.persistAll([queue(1), queue(7)]);
    expect(port.log).toEqual(['oneway orders@a#1 20']);
  });

  it('leaves alone what a pull carries at the moment', async () => {
    const { clock, port, store, at } = make();
    at(0, 10).take(clock.now());
    store.updateOffset(queue(0), queueOffset(11));
    await store.persistAll();
    expect(port.log).toEqual([]);
    clock.jump(1000);
    await store.persistAll();
    expect(port.log).toEqual(['oneway orders@a#0 11']);
  });

  it('writes persistBatchSize queues to a broker, then lets others have their turn', async () => {
    const { clock, port, store, at } = make({ persistBatchSize: 2 });
    for (let i = 0; i < 5; i++) at(i, 10);
    at(0, 30, 'b');
    const done = store.persistAll();
    expect(port.log.length).toBe(3);
    store.updateOffset(queue(0), queueOffset(11));
    await clock.flush();
    expect((await done).committed.map(({ queue: q, offset }) => `${queueKey(q)} ${offset}`)).toEqual([
      'orders@a#0 10',
      'orders@a#1 10',
      'orders@b#0 30',
      'orders@a#2 10',
      'orders@a#3 10',
      'orders@a#4 10',
    ]);
  });

  it('stops between two batches when aborted', async () => {
    const { port, store, at } = make({ persistBatchSize: 2 });
    for (let i = 0; i < 5; i++) at(i, 10);
    const abort = new AbortController();
    const done = store.persistAll(undefined, { signal: abort.signal });
    abort.abort();
    expect((await done).committed.length).toBe(2);
    expect(port.log.length).toBe(2);
  });

  it('reports a broker that takes nothing, tries none of its other queues, and writes them next time', async () => {
    const { port, store, at } = make();
    at(0, 10);
    at(1, 11);
    at(0, 30, 'b');
    const write = port.updateOneway;
    port.updateOneway = (q, offset) => q.brokerName !== 'a' && write(q, offset);
    const report = await store.persistAll();
    expect(report.committed).toEqual([{ queue: queue(0, 'b'), offset: 30 }]);
    expect(report.uncommitted).toMatchObject([
      { queue: queue(0), offset: 10, error: { code: 'RMQ_CONNECTION_LOST' } },
    ]);
    expect(report.uncommitted[0]?.error.message).toBe(
      'offset 10 of orders@a#0 could not be written: no open connection to a',
    );
    port.updateOneway = write;
    expect((await store.persistAll()).committed.length).toBe(2);
    expect(store.metrics()).toMatchObject({ persistSuccesses: 3, persistFailures: 1 });
  });

  it('survives a port that throws', async () => {
    const { port, store, at } = make();
    at(0, 10);
    port.updateOneway = () => {
      throw new Error('defect');
    };
    expect((await store.persistAll()).uncommitted).toMatchObject([{ error: { code: 'RMQ_INTERNAL' } }]);
  });

  it('writes nothing while commits are withheld', async () => {
    const { port, store, at } = make({ mayCommit: () => false });
    at(0, 10);
    expect(await store.persistAll()).toEqual({ committed: [], uncommitted: [] });
    expect(port.log).toEqual([]);
  });
});

describe('the answered commit of one queue', () => {
  it('resolves when the broker has it, and asks nothing when it has it already', async () => {
    const { port, store, at } = make();
    const line = at(0, 10);
    await store.persist(queue(0));
    await store.persist(queue(0));
    await store.persist(queue(5));
    expect([line.handed, line.isSettled, port.log]).toEqual([10, true, ['update orders@a#0 10']]);
  });

  it('confirms what was only written one-way, once that is 100 ms old', async () => {
    const { clock, port, store, at } = make();
    at(0, 10);
    await store.persistAll();
    const done = store.persist(queue(0));
    await clock.advance(99);
    expect(port.log).toEqual(['oneway orders@a#0 10']);
    await clock.advance(1);
    await done;
    expect(port.log).toEqual(['oneway orders@a#0 10', 'update orders@a#0 10']);
  });

  it('waits for a flagged pull until it is answered, and then commits only what that did not carry', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    const flagged = taken(line.take(clock.now()));
    line.advance(queueOffset(12));
    const done = store.persist(queue(0));
    await clock.advance(300);
    expect(port.log).toEqual([]);
    line.settled(flagged, true);
    await done;
    expect(port.log).toEqual(['update orders@a#0 12']);
  });

  it('asks nothing when the flagged pull it waited for carried the point', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    const flagged = taken(line.take(clock.now()));
    const done = store.persist(queue(0));
    await clock.flush();
    line.settled(flagged, true);
    await done;
    expect(port.log).toEqual([]);
  });

  it('waits no longer than until the flagged pull is 1000 ms old', async () => {
    const { clock, port, store, at } = make();
    at(0, 10).take(clock.now());
    clock.jump(200);
    const done = store.persist(queue(0));
    await clock.advance(799);
    expect(port.log).toEqual([]);
    await clock.advance(1);
    await done;
    expect([port.log, clock.now()]).toEqual([['update orders@a#0 10'], 1000]);
  });

  it('rejects with what the broker said, and commits again when asked again', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    port.update = () =>
      Promise.reject(new BrokerError('RMQ_BROKER_BUSY', 'busy', { responseCode: 2, remark: undefined }));
    await expect(store.persist(queue(0))).rejects.toMatchObject({ code: 'RMQ_BROKER_BUSY' });
    expect(line.isSettled).toBe(false);
    port.update = async (q, offset) => port.keep(q, offset);
    await store.persist(queue(0));
    expect([port.log, clock.now()]).toEqual([['update orders@a#0 10'], 0]);
    expect(store.metrics()).toMatchObject({ persistSuccesses: 1, persistFailures: 1 });
  });

  it('whose outcome is unknown is repeated only when it cannot land late', async () => {
    const { clock, port, store, at } = make();
    at(0, 10);
    port.update = () => Promise.reject(new ConnectionError('RMQ_CONNECTION_LOST', 'gone'));
    await expect(store.persist(queue(0))).rejects.toMatchObject({ code: 'RMQ_CONNECTION_LOST' });
    port.update = async (q, offset) => port.keep(q, offset);
    const done = store.persist(queue(0));
    await clock.advance(999);
    expect(port.log).toEqual([]);
    await clock.advance(1);
    await done;
    expect(port.log).toEqual(['update orders@a#0 10']);
  });

  it('rejects when time runs out, also with a port that never answers', async () => {
    const { clock, port, store, at } = make();
    at(0, 10);
    port.update = never;
    const done = store.persist(queue(0), { timeoutMs: 500 });
    const outcome = expect(done).rejects.toMatchObject({
      code: 'RMQ_REQUEST_TIMEOUT',
      message: 'offset 10 of orders@a#0 was not confirmed by a in time',
    });
    await clock.advance(500);
    await outcome;
  });

  it('rejects when time runs out before a pull is answered', async () => {
    const { clock, port, store, at } = make();
    at(0, 10).take(clock.now());
    const outcome = expect(store.persist(queue(0), { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'RMQ_REQUEST_TIMEOUT',
    });
    await clock.advance(500);
    await outcome;
    expect(port.log).toEqual([]);
  });

  it('rejects when it is given up: before, while waiting, while unanswered', async () => {
    const { clock, port, store, at } = make();
    const reason = new Error('stop');
    const given = { code: 'RMQ_ABORTED', cause: reason };
    port.update = never;
    at(0, 10);
    at(1, 10).take(clock.now());
    const abort = new AbortController();
    const unanswered = expect(store.persist(queue(0), { signal: abort.signal })).rejects.toMatchObject(given);
    const waiting = expect(store.persist(queue(1), { signal: abort.signal })).rejects.toMatchObject(given);
    await clock.flush();
    abort.abort(reason);
    await Promise.all([unanswered, waiting]);
    at(2, 10);
    await expect(store.persist(queue(2), { signal: abort.signal })).rejects.toMatchObject(given);
  });

  it('rejects while commits are withheld, for then nothing may be released on its strength', async () => {
    const { port, store, at } = make({ mayCommit: () => false });
    at(0, 10);
    await expect(store.persist(queue(0))).rejects.toMatchObject({
      code: 'RMQ_COMMIT_WITHHELD',
      message: 'offset 10 of orders@a#0 was not committed: commits are withheld',
    });
    expect(port.log).toEqual([]);
  });

  it('rejects when the queue is given up meanwhile', async () => {
    const { clock, store, at } = make();
    at(0, 10).take(clock.now());
    const outcome = expect(store.persist(queue(0))).rejects.toMatchObject({
      code: 'RMQ_COMMIT_WITHHELD',
      message: 'offset 10 of orders@a#0 was not committed: the queue was given up',
    });
    await clock.flush();
    store.removeOffset(queue(0));
    await outcome;
  });

  it('serves two callers with one commit', async () => {
    const { port, store, at } = make();
    at(0, 10);
    await Promise.all([store.persist(queue(0)), store.persist(queue(0))]);
    expect(port.log).toEqual(['update orders@a#0 10']);
  });

  it('believes an answer that comes after the caller gave up', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    let answer = (): void => {};
    port.update = () => new Promise(resolve => (answer = resolve));
    const outcome = expect(store.persist(queue(0), { timeoutMs: 500 })).rejects.toBeDefined();
    await clock.advance(500);
    await outcome;
    answer();
    await clock.flush();
    expect(line.isSettled).toBe(true);
  });
});

describe('the last commit of one queue', () => {
  it('asks the broker, and hands over only what it does not have', async () => {
    const { port, store, at } = make();
    at(0, 10).withhold(true);
    expect(await store.confirm(queue(0))).toBe('committed');
    expect(await store.confirm(queue(0))).toBe('stored');
    expect(port.log).toEqual(['query orders@a#0', 'update orders@a#0 10', 'query orders@a#0']);
  });

  it('does not believe an answer whose offset is gone', async () => {
    const { port, store, at } = make();
    at(0, 10);
    await store.persist(queue(0));
    port.stored.clear();
    expect([await store.confirm(queue(0)), port.stored.get(queueKey(queue(0)))]).toEqual(['committed', 10]);
  });

  it('waits for a pull that took an offset along, and no periodic persist slips in meanwhile', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    line.take(clock.now()); // a pull with the commit flag, not answered
    line.advance(queueOffset(12));
    line.withhold(true);
    clock.setTimeout(() => void store.persistAll(), 1000); // due with the last commit's own timer, and before it
    const done = store.confirm(queue(0));
    await clock.advance(1000);
    expect(port.log).toEqual(['query orders@a#0', 'update orders@a#0 12']);
    expect(await done).toBe('committed');
  });

  it('stays away, and goes on withholding, when somebody else is ahead', async () => {
    const { clock, port, store, at } = make();
    const line = at(0, 10);
    line.withhold(true);
    port.stored.set(queueKey(queue(0)), queueOffset(12));
    expect([await store.confirm(queue(0)), line.take(clock.now())]).toEqual(['stored', undefined]);
    expect(port.log).toEqual(['query orders@a#0']);
  });
});

describe('the final persist of all queues', () => {
  it('reports every queue whose point the broker has, also from before', async () => {
    const { port, store, at } = make();
    at(0, 10);
    at(1, 20, 'b');
    await store.persist(queue(0));
    const report = await store.persistAll(undefined, { answered: true });
    expect(report).toEqual({
      committed: [
        { queue: queue(0), offset: 10 },
        { queue: queue(1, 'b'), offset: 20 },
      ],
      uncommitted: [],
    });
    expect(port.log).toEqual([
      ...['update orders@a#0 10', 'update orders@b#1 20'],
      ...['query orders@a#0', 'query orders@b#1'], // looked up again when all of it is there
    ]);
    expect(store.uncommitted()).toEqual([]);
  });

  it('hands over once more what a broker answered for and does not have: first commits may overwrite each other', async () => {
    const { port, store, at } = make();
    at(0, 10);
    at(1, 20);
    await store.persist(queue(0));
    const { update } = port;
    port.update = async (queueAt, offset, options) => {
      await update(queueAt, offset, options);
      port.stored.delete(queueKey(queue(0))); // as ConsumerOffsetManager: the map of the one replaces that of the other
      port.update = update;
    };
    const report = await store.persistAll(undefined, { answered: true });
    expect([...port.stored]).toEqual([
      [queueKey(queue(1)), 20],
      [queueKey(queue(0)), 10],
    ]);
    expect([report.committed.length, report.uncommitted]).toEqual([2, []]);
  });

  it('reports as uncommitted what the broker lost and then refuses', async () => {
    const { port, store, at } = make();
    at(0, 10);
    await store.persist(queue(0));
    port.stored.clear();
    const refusal = new BrokerError('RMQ_NO_PERMISSION', 'no', { responseCode: 16, remark: undefined });
    port.update = () => Promise.reject(refusal);
    const report = await store.persistAll(undefined, { answered: true });
    expect(report).toEqual({ committed: [], uncommitted: [{ queue: queue(0), offset: 10, error: refusal }] });
  });

  it('believes the former answer when the broker does not say what it has', async () => {
    const { port, store, at } = make();
    at(0, 10);
    port.query = () =>
      Promise.reject(new BrokerError('RMQ_BROKER_BUSY', 'busy', { responseCode: 2, remark: undefined }));
    const report = await store.persistAll(undefined, { answered: true });
    expect([report.committed, report.uncommitted]).toEqual([[{ queue: queue(0), offset: 10 }], []]);
  });

  it('reports as uncommitted what a dead broker did not answer in time, and the rest as committed', async () => {
    const { clock, port, store, at } = make();
    at(0, 10);
    at(1, 20, 'b');
    port.update = (q, offset) => (q.brokerName === 'a' ? never() : Promise.resolve(port.keep(q, offset)));
    const done = store.persistAll(undefined, { answered: true, timeoutMs: 3000 });
    await clock.advance(3000);
    const report = await done;
    expect(report.committed).toEqual([{ queue: queue(1, 'b'), offset: 20 }]);
    expect(report.uncommitted).toMatchObject([
      { queue: queue(0), offset: 10, error: { code: 'RMQ_REQUEST_TIMEOUT' } },
    ]);
    expect(store.uncommitted()).toEqual([{ queue: queue(0), offset: 10 }]);
  });

  it('reports as uncommitted a queue that began anew elsewhere while its commit was on the way', async () => {
    const { port, store, at } = make();
    const line = at(0, 7);
    const hand = deferred<void>();
    port.update = () => hand.promise;
    const ended = store.persistAll(undefined, { answered: true });
    await turn();
    line.reset(queueOffset(3));
    hand.resolve();
    const { committed, uncommitted } = await ended;
    expect([committed, uncommitted.map(({ offset, error }) => [offset, error.code])]).toEqual([
      [],
      [[3, 'RMQ_REQUEST_TIMEOUT']],
    ]);
  });

  it('ends in time with more queues than go into a batch, all of a dead broker', async () => {
    const { clock, port, store, at } = make({ persistBatchSize: 3 });
    for (let i = 0; i < 10; i++) at(i, 10);
    let asked = 0;
    port.update = () => {
      asked++;
      return never();
    };
    const done = store.persistAll(undefined, { answered: true, timeoutMs: 3000 });
    await clock.advance(3000);
    expect((await done).uncommitted.length).toBe(10);
    expect(asked).toBe(3);
  });

  it('ends at once when aborted', async () => {
    const { port, store, at } = make();
    at(0, 10);
    port.update = never;
    const abort = new AbortController();
    const done = store.persistAll(undefined, { answered: true, signal: abort.signal });
    abort.abort();
    expect((await done).uncommitted).toMatchObject([{ offset: 10, error: { code: 'RMQ_ABORTED' } }]);
  });

  it('names commits that are withheld', async () => {
    const { store, at } = make({ mayCommit: () => false });
    at(0, 10);
    const report = await store.persistAll(undefined, { answered: true });
    expect(report.uncommitted).toMatchObject([{ offset: 10, error: { code: 'RMQ_COMMIT_WITHHELD' } }]);
  });
});

describe('the metrics', () => {
  it('show the mean time of answered calls', async () => {
    const { clock, port, store, at } = make();
    expect(store.metrics()).toEqual({
      entries: 0,
      persistSuccesses: 0,
      persistFailures: 0,
      cacheHits: 0,
      cacheMisses: 0,
      averageLatencyMs: 0,
      averagePersistLatencyMs: 0,
      persistSuccessRate: 1,
      recentPersistSuccessRate: 1,
      cacheHitRate: 0,
    });
    at(0, 10);
    port.update = async () => clock.jump(30);
    await store.persist(queue(0));
    await store.readOffset(queue(0), 'READ_FROM_STORE');
    expect(store.metrics()).toMatchObject({ entries: 1, persistSuccesses: 1, averageLatencyMs: 15 });
    expect(store.metrics().averagePersistLatencyMs).toBe(30);
  });

  it('show which share of writes succeeded, of all and of the last 100, and of reads that memory answered', async () => {
    const { clock, port, store, at } = make();
    port.update = async () => {
      throw new BrokerError('RMQ_BROKER_ERROR', 'no', { responseCode: 1, remark: undefined });
    };
    at(0, 10);
    for (let i = 0; i < 25; i++) await expect(store.persist(queue(0))).rejects.toThrow('no');
    expect(store.metrics()).toMatchObject({ persistSuccessRate: 0, recentPersistSuccessRate: 0 });
    port.update = async () => {};
    for (let i = 0; i < 75; i++) {
      at(0, 11 + i);
      await store.persist(queue(0));
      await clock.advance(1000);
    }
    expect(store.metrics()).toMatchObject({ persistSuccessRate: 0.75, recentPersistSuccessRate: 0.75 });
    for (let i = 0; i < 25; i++) {
      at(0, 200 + i);
      await store.persist(queue(0));
      await clock.advance(1000);
    }
    expect(store.metrics()).toMatchObject({ persistSuccessRate: 0.8, recentPersistSuccessRate: 1 });
    for (const each of [0, 0, 0, 1]) await store.readOffset(queue(each));
    expect(store.metrics().cacheHitRate).toBe(0.75);
  });
});

function taken(carrier: CommitCarrier | undefined): CommitCarrier {
  if (carrier === undefined) throw new Error('the line handed nothing over');
  return carrier;
}

describe('an answered commit of a queue that goes on', () => {
  it('is done when its point has arrived by a pull, though the next one is on its way with more by then', async () => {
    const { clock, store, at } = make();
    const line = at(0, 10);
    let outcome = 'pending';
    let carrier = line.take(clock.now());
    const report = store.persistAll([queue(0)], { answered: true, timeoutMs: 6000 });
    void report.then(({ committed }) => {
      outcome = `committed ${committed[0]?.offset}`;
    });
    for (let offset = 11; offset < 20 && outcome === 'pending'; offset++) {
      await clock.advance(20);
      line.advance(queueOffset(offset));
      if (carrier !== undefined) line.settled(carrier, true);
      carrier = line.take(clock.now()); // the next pull is written before anybody else has a turn
      for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    }
    expect(outcome).toBe('committed 10');
    if (carrier !== undefined) line.settled(carrier, true);
  });
});
