// SPDX-License-Identifier: Apache-2.0
// May a user's own offset store throw, hang or answer nonsense without harm?
import { describe, expect, it } from 'vitest';
import type { CustomOffsetStore, StoredOffset } from '../../../src/config/custom-offset-store.ts';
import type { RocketmqError } from '../../../src/errors/errors.ts';
import type { MessageQueue } from '../../../src/model/message-queue.ts';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { CustomOffsetPort } from '../../../src/stores/custom-offset-port.ts';
import { RemoteOffsetStore } from '../../../src/stores/remote-offset-store.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

const queue = (queueId: number): MessageQueue => ({ topic: 'orders', brokerName: 'a', queueId });
const never = (): Promise<never> => new Promise(() => {});

function make(given: Partial<CustomOffsetStore>) {
  const clock = new TestClock();
  const faults: RocketmqError[] = [];
  const written: (readonly StoredOffset[])[] = [];
  const store: CustomOffsetStore = {
    read: () => undefined,
    write: positions => void written.push([...positions]),
    ...given,
  };
  const port = new CustomOffsetPort({
    ...{ store, clock, timeoutMs: 3000, consumerGroup: 'billing', clientId: 'me' },
    onFault: error => faults.push(error),
  });
  return { clock, port, faults, written, store: new RemoteOffsetStore({ port, clock, timeoutMs: 3000 }) };
}

describe('reading', () => {
  it.each([
    ['an offset', 7, 7],
    ['nothing', undefined, undefined],
    ['null, as databases have it', null as unknown as undefined, undefined],
  ])('takes %s as it is', async (_, answer, expected) => {
    const { port } = make({ read: async () => answer });
    expect(await port.query(queue(0), {})).toBe(expected);
  });

  it.each([
    ['a text', '7'],
    ['a fraction', 7.5],
    ['less than nothing', -1],
    ['more than can be counted', 2 ** 60],
  ])('refuses %s, naming the queue', async (_, answer) => {
    const { port } = make({ read: () => answer as number });
    await expect(port.query(queue(0), {})).rejects.toMatchObject({
      code: 'RMQ_OFFSET_STORE_FAILED',
      message: expect.stringContaining('reading the offset of orders@a#0'),
    });
  });

  it('keeps what was thrown as the cause', async () => {
    const cause = new Error('no database');
    const { port } = make({
      read: () => {
        throw cause;
      },
    });
    await expect(port.query(queue(0), {})).rejects.toMatchObject({
      code: 'RMQ_OFFSET_STORE_FAILED',
      cause,
      message: expect.stringContaining('no database'),
    });
  });

  it('gives up after its time, and tells the store by its signal', async () => {
    let signal: AbortSignal | undefined;
    const { clock, port } = make({
      read: (_, context) => {
        signal = context.signal;
        return never();
      },
    });
    const read = port.query(queue(0), {}).catch((error: unknown) => error);
    await clock.advance(2899);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await read).toMatchObject({ message: expect.stringContaining('no answer within 3000 ms') });
    expect(signal?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('writing', () => {
  it('hands over the queues of one turn together, and only those that are new', async () => {
    const { store, written } = make({});
    for (const id of [0, 1, 2]) store.line(queue(id)).reset(queueOffset(id + 10));
    const report = await store.persistAll();
    expect(report.committed.map(({ offset }) => offset)).toEqual([10, 11, 12]);
    expect(written).toEqual([[0, 1, 2].map(id => ({ queue: queue(id), offset: id + 10 }))]);
    expect((await store.persistAll()).committed).toEqual([]);
    store.line(queue(1)).advance(queueOffset(20));
    await store.persistAll();
    expect(written[1]).toEqual([{ queue: queue(1), offset: 20 }]);
  });

  it('that fails is reported and handed over again', async () => {
    let broken = true;
    const { clock, store, written } = make({
      write: positions => {
        if (broken) throw new Error('disk full');
        written.push([...positions]);
      },
    });
    store.line(queue(0)).reset(queueOffset(10));
    const report = await store.persistAll();
    expect(report.uncommitted).toMatchObject([{ offset: 10, error: { code: 'RMQ_OFFSET_STORE_FAILED' } }]);
    expect(store.uncommitted()).toHaveLength(1);
    broken = false;
    await clock.advance(1000);
    await store.persistAll();
    expect(written).toEqual([[{ queue: queue(0), offset: 10 }]]);
    expect(store.uncommitted()).toEqual([]);
  });

  it('that hangs ends in time; when it lands late, the newer offset is handed over once more', async () => {
    const waiting: (() => void)[] = [];
    const stored: number[] = [];
    const { clock, store } = make({
      write: ([position]) =>
        new Promise<void>(resolve => {
          waiting.push(() => {
            stored.push(position?.offset ?? -1);
            resolve();
          });
        }),
    });
    const line = store.line(queue(0));
    line.reset(queueOffset(10));
    const first = store.persistAll();
    await clock.advance(3000);
    expect((await first).uncommitted).toMatchObject([{ error: { code: 'RMQ_OFFSET_STORE_FAILED' } }]);
    line.advance(queueOffset(20));
    const second = store.persistAll();
    await clock.flush();
    waiting[1]?.();
    await second;
    expect(stored).toEqual([20]);
    expect(clock.pending).toBe(0);
  });
});

describe('loading and closing', () => {
  it('loads with group and client id, and fails with the store', async () => {
    const seen: string[] = [];
    const good = make({ load: ({ consumerGroup, clientId }) => void seen.push(consumerGroup, clientId) });
    await good.store.load();
    expect(seen).toEqual(['billing', 'me']);
    const bad = make({ load: () => Promise.reject(new Error('no table')) });
    await expect(bad.store.load()).rejects.toMatchObject({ code: 'RMQ_OFFSET_STORE_FAILED' });
    await make({}).store.load(); // it need not be there
  });

  it('tells what close throws, and does not throw itself', async () => {
    const { port, faults, clock } = make({
      close: () => {
        throw new Error('still busy');
      },
    });
    port.close();
    await clock.flush();
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('still busy')]);
  });
});
