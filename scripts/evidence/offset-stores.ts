// SPDX-License-Identifier: Apache-2.0
/** Do offset stores by themselves, and a user's own store behind a consumer, do at a real broker what they say? */
import {
  ConsumeFromWhereManager,
  type Consumer,
  type CustomOffsetStore,
  createConsumer,
  createOffsetStore,
  createProducer,
  type MessageQueue,
  OffsetStoreManager,
  type StandaloneOffsetStore,
  silentLogger,
  simple,
} from '../../src/index.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { JsonFile, keyOf } from './offset-stores/json-file.ts';

const queues = 4;
/** Unit: ms. */
const writesWhenTold = { persistConsumerOffsetInterval: 3_600_000 } as const;

export const offsetStores: Evidence = {
  name: 'offset-stores',
  about:
    'offset stores without a consumer read and write what the broker has; a consumer with an offset store of its own begins where that says',
  shareOn: '5.5.0',
  async run(stage, report) {
    const trial = new Trial(stage);
    await stage.cluster.createTopic(trial.topic, { queues });
    await trial.send();
    await remoteStore(trial, report.part('remote'));
    await positions(trial, report.part('positions'));
    await ownStore(trial, report.part('own store'));
    report.check('faults', trial.faults.join('; '), { is: '' });
  },
};

class Trial {
  readonly stage: Stage;
  readonly topic: string;
  /** How many messages each queue has. */
  ends: readonly number[] = [];
  readonly faults: string[] = [];
  seen: { readonly queueId: number; readonly queueOffset: number }[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
    this.topic = stage.fresh('offset-stores');
  }

  get queues(): readonly MessageQueue[] {
    const { topic } = this;
    return Array.from({ length: queues }, (_, queueId) => ({ topic, brokerName: 'broker-a', queueId }));
  }

  async send(): Promise<void> {
    const { cluster } = this.stage;
    await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr });
    await producer.start();
    const batch = Array.from({ length: 50 }, () => ({ topic: this.topic, body: 'x' }));
    for (let i = 0; i < this.stage.pick({ full: 400, share: 16 }); i++) await producer.sendBatch(batch);
    const all = await cluster.admin.queueOffsets(this.topic);
    this.ends = all.toSorted((a, b) => a.queueId - b.queueId).map(({ max }) => max);
  }

  get count(): number {
    return sum(this.ends);
  }

  /** Consumes until it has seen so many, and stops. Answers what was seen, by queue: first offset and how many. */
  async consume(group: string, count: number, offsetStore?: CustomOffsetStore): Promise<readonly string[]> {
    this.seen = [];
    await using consumer = this.consumer(group, offsetStore);
    await consumer.start();
    await this.stage.until(`${count} messages`, 60_000, () => this.seen.length >= count).catch(() => {}); // judged by the caller
    await this.stage.until('all is done', 60_000, () => consumer.getAssignedQueues().length >= queues);
    await consumer.shutdown();
    return this.queues.map(({ queueId }) => {
      const offsets = this.seen.filter(each => each.queueId === queueId).map(each => each.queueOffset);
      return offsets.length === 0 ? 'none' : `${offsets.length} from ${Math.min(...offsets)}`;
    });
  }

  consumer(group: string, offsetStore?: CustomOffsetStore): Consumer {
    const { topic } = this;
    const consumer = createConsumer(
      {
        ...{ consumerGroup: group, namesrvAddr: this.stage.cluster.namesrvAddr },
        ...{ subscriptions: [{ topic }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', offsetStore },
      },
      simple(message => {
        if (message.topic === topic) this.seen.push(message);
      }),
      { logger: silentLogger },
    );
    consumer.on('fault', ({ error }) => this.faults.push(error.message));
    return consumer;
  }

  /** Asked of the broker itself, not through our own code. */
  async atBroker(group: string): Promise<string> {
    const all = await this.stage.cluster.admin.queueOffsets(this.topic, group);
    const byId = all.toSorted((a, b) => a.queueId - b.queueId);
    return byId.map(({ committed = 0 }) => committed).join(' ');
  }
}

async function offsetsOf(store: StandaloneOffsetStore, trial: Trial): Promise<string> {
  const read = trial.queues.map(queue => store.readOffset(queue));
  return (await Promise.all(read)).join(' ');
}

/** What a group has consumed is read; what is written is what the broker has, and where the group goes on. */
async function remoteStore(trial: Trial, report: Report): Promise<void> {
  const { stage, ends } = trial;
  const group = stage.fresh('stores-group');
  const config = { consumerGroup: group, namesrvAddr: stage.cluster.namesrvAddr, ...writesWhenTold };
  await trial.consume(group, trial.count);
  report.check('consumed', trial.seen.length, { is: trial.count });

  const manager = new OffsetStoreManager();
  const store = await manager.open(config);
  report.check('reads what the group has consumed', await offsetsOf(store, trial), { is: ends.join(' ') });
  report.check('reads that memory could not answer', store.getMetrics().cacheMisses, { is: queues });
  const back = trial.queues.map(({ queueId }) => queueId * 10);
  for (const queue of trial.queues) store.updateOffset(queue, queue.queueId * 10, false);
  await Promise.all(trial.queues.map(queue => store.readOffset(queue)));
  report.check('reads that it could', store.getMetrics().cacheHits, { is: queues });
  report.check('hit rate', store.getMetrics().cacheHitRate, { is: 0.5 });
  report.check('before a persist the broker has', await trial.atBroker(group), { is: ends.join(' ') });
  report.check('persisted', (await store.persistAll()).committed.length, { is: queues });
  report.check('afterwards the broker has', await trial.atBroker(group), { is: back.join(' ') });
  const { persistSuccesses, persistSuccessRate, averagePersistLatencyMs } = store.getMetrics();
  report.check('writes that succeeded', persistSuccesses, { is: queues });
  report.check('persist success rate', persistSuccessRate, { is: 1 });
  report.check('mean time of a write is known', averagePersistLatencyMs > 0, { is: true });
  report.note('mean time of a write, ms', averagePersistLatencyMs.toFixed(2));
  const closed = (await manager.closeAll()).flatMap(({ committed }) => committed);
  report.check('closed with', closed.map(({ offset }) => offset).join(' '), { is: back.join(' ') });

  const rest = back.map((from, i) => `${(ends[i] ?? 0) - from} from ${from}`);
  const left = trial.count - sum(back);
  const again = await trial.consume(group, left);
  report.check('the group goes on from there', again.join(', '), { is: rest.join(', ') });
  await refused(trial, report);
}

/** Brokers of 5.x take no offsets of a group they do not know; 4.9 takes them. */
async function refused({ stage, queues: all }: Trial, report: Report): Promise<void> {
  const isVersion5 = !stage.cluster.version.startsWith('4.');
  const consumerGroup = stage.fresh('nobody');
  await using store = createOffsetStore({
    ...{ consumerGroup, namesrvAddr: stage.cluster.namesrvAddr },
    ...writesWhenTold,
  });
  await store.start();
  for (const queue of all) store.updateOffset(queue, 1);
  const { uncommitted } = await store.persistAll();
  const codes = new Set(uncommitted.map(({ error }) => error.code));
  report.check('an unknown group', [...codes].join(' '), { is: isVersion5 ? 'RMQ_GROUP_NOT_FOUND' : '' });
  report.check('its persist success rate', store.getMetrics().persistSuccessRate, { is: isVersion5 ? 0 : 1 });
}

/** Where a group would begin: as the broker's own figures say, and nothing is committed by asking. */
async function positions(trial: Trial, report: Report): Promise<void> {
  const { stage } = trial;
  const [queue] = trial.queues;
  if (queue === undefined) throw new Error('there are no queues');
  const consumerGroup = stage.fresh('asking');
  const place = { consumerGroup, namesrvAddr: stage.cluster.namesrvAddr };
  await using manager = new ConsumeFromWhereManager({
    ...place,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  report.check('first', await manager.offsetAt(queue, 'first'), { is: 0 });
  report.check('last', await manager.offsetAt(queue, 'last'), { is: trial.ends[0] ?? 'nothing' });
  report.check('an hour ago', await manager.offsetAt(queue, { timestamp: Date.now() - 3_600_000 }), {
    is: 0,
  });
  report.check('a new group would begin at', (await manager.resolve(queue)).offset, { is: 0 });
  report.check('committed by asking', await trial.atBroker(consumerGroup), { is: '0 0 0 0' });
}

/** A JSON file: it is written while and after consuming, and what it says is where the consumer begins. */
async function ownStore(trial: Trial, report: Report): Promise<void> {
  const { stage, topic, ends } = trial;
  const group = stage.fresh('own-store-group');
  const file = new JsonFile(stage.file('own-offsets.json'));
  const shown = (): string => trial.queues.map(queue => file.table()[keyOf(queue)] ?? 'none').join(' ');
  await trial.consume(group, trial.count, file);
  report.check('consumed', trial.seen.length, { is: trial.count });
  report.check('the file says', shown(), { is: ends.join(' ') });
  report.check('it was written', file.writes, { atLeast: 1 });
  const halves = ends.map(end => Math.floor(end / 2));
  const changed = trial.queues.map(queue => [keyOf(queue), halves[queue.queueId] ?? 0] as const);
  file.save({ ...file.table(), ...Object.fromEntries(changed) });
  const again = await trial.consume(group, trial.count - sum(halves), file);
  const rest = halves.map((half, i) => `${(ends[i] ?? 0) - half} from ${half}`).join(', ');
  report.check('started again after the file was changed', again.join(', '), { is: rest });
  report.check('the file says again', shown(), { is: ends.join(' ') });
  report.check('the broker has of the group', await trial.atBroker(group), { is: '0 0 0 0' });
  report.check('topics in the file', keysOf(file).includes(topic), { is: true });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function keysOf(file: JsonFile): readonly string[] {
  return Object.keys(file.table()).map(key => key.split(' ', 1)[0] ?? '');
}
