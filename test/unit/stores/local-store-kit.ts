// SPDX-License-Identifier: Apache-2.0
/** How does a test open a local offset store? */
import type { RocketmqError } from '../../../src/errors/errors.ts';
import type { MessageQueue } from '../../../src/model/message-queue.ts';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { LocalOffsetStore, type LocalOffsetStoreOptions } from '../../../src/stores/local-offset-store.ts';
import { offsetPaths } from '../../../src/stores/offset-paths.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { FakeProcesses, MemoryFileSystem } from '../../support/memory-file-system.ts';

export const owner = { clientId: '10.0.0.7@host-1', consumerGroup: 'billing' };
const storePath = '/home/anna/.rocketmq_offsets';
export const paths = offsetPaths(storePath, owner);

export function queue(queueId: number, topic = 'orders'): MessageQueue {
  return { topic, brokerName: 'broker-a', queueId };
}

export function open(options: Partial<LocalOffsetStoreOptions> = {}) {
  const faults: RocketmqError[] = [];
  const fileSystem = options.fileSystem ?? new MemoryFileSystem();
  const clock = new TestClock();
  const store = new LocalOffsetStore({
    ...{ owner, storePath, fileSystem, clock, processes: new FakeProcesses().start(1) },
    onFault: error => faults.push(error),
    ...options,
  });
  return { store, faults, fileSystem, clock };
}

/** What is in the file, as a new start sees it. */
export async function stored(fileSystem: MemoryFileSystem, queueId = 0) {
  const { store, faults, clock } = open({ fileSystem });
  try {
    await inTime(store.load(), clock);
    return { offset: await store.readOffset(queue(queueId)), faults: faults.map(({ code }) => code) };
  } finally {
    store.close();
  }
}

export async function persistAt(store: LocalOffsetStore, offset: number, queueId = 0): Promise<void> {
  store.updateOffset(queue(queueId), queueOffset(offset));
  await store.persist(queue(queueId));
}

/** Time passes whenever somebody waits for it. */
async function inTime(work: Promise<void>, clock: TestClock): Promise<void> {
  const waiting = new Set([work]);
  const done = (): boolean => waiting.delete(work);
  work.then(done, done);
  while (waiting.size > 0) {
    await new Promise(resolve => setImmediate(resolve));
    if (clock.pending > 0) await clock.advance(200);
  }
  return work;
}
