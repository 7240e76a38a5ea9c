// SPDX-License-Identifier: Apache-2.0
/** What does the death of a master cost when it has a slave: is reading gone on with there, and is anything lost, moved back or out of order? */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer } from '../../src/index.ts';
import { type BrokerRole, type Cluster, startCluster } from '../../test/support/cluster/cluster.ts';
import { type CommitSample, stepsBack } from '../../test/support/history/commits.ts';
import { monotonicMs } from '../../test/support/history/deliveries.ts';
import { toMonotonic } from './kit/clock.ts';
import { CommitWatch } from './kit/commit-watch.ts';
import { judgeCommitted, judgeHistory } from './kit/judge.ts';
import { bodyOf, Load } from './kit/load.ts';
import type { Report } from './kit/report.ts';
import { clusterOptions, type Evidence, type Stage } from './kit/stage.ts';
import { ReplicaReader } from './replicas/reader.ts';

const queues = 4;
const perBatch = 100;
const pullMessage = 11;
/** What was begun when the master was killed, or in the moment before that was seen. Unit: ms. */
const seenWithin = 2000;

export const replicas: Evidence = {
  name: 'replicas',
  shareOn: '5.5.0',
  about:
    'the master killed (-9) under load: a slave is read meanwhile, orderly waits; back again, 0 lost, commits return to it, none lower',
  async run(shared, report) {
    const options = clusterOptions(shared.cluster.version, shared.size);
    shared.say('starting a master with a slave');
    await using cluster = await startCluster({
      ...options,
      nameServers: 1,
      brokers: [{ name: 'broker-a', slave: true }],
      brokerProperties: {
        ...options.brokerProperties,
        slaveReadEnable: 'true', // a slave of 5.x refuses every pull without it
        flushConsumerOffsetInterval: '100', // what a killed broker itself forgets is not what is judged
      },
    });
    await outage(shared.over(cluster), report);
  },
};

async function outage(stage: Stage, report: Report): Promise<void> {
  const { cluster } = stage;
  const backlog = stage.pick({ full: 40_000, share: 8000 });
  const topic = stage.fresh('replicas');
  await cluster.createTopic(topic, { queues });
  await teachSlave(cluster);
  stage.say('the slave has its topics');
  await fill(stage, topic, backlog);
  await using concurrent = new ReplicaReader(stage, { topic, kind: 'concurrent', handlerMs: 20 });
  await using orderly = new ReplicaReader(stage, { topic, kind: 'orderly', handlerMs: 2 });
  const readers = [concurrent, orderly];
  await untilSlaveKnows(stage, topic, concurrent.group, backlog);
  await using load = new Load(stage, { topic, from: backlog, rate: 200 });
  await stage.until('the load is on', 60_000, () => load.sent > backlog);
  await using watches = new Watches(stage, topic, readers);
  for (const reader of readers) await reader.start();
  await stage.until('both are at work', 120_000, () => readers.every(({ done }) => done > 0));

  const master = cluster.broker('broker-a');
  await master.kill();
  const killedAt = monotonicMs();
  const before = concurrent.done;
  stage.say(`the master is killed; ${before} and ${orderly.done} of ${backlog} are done`);
  await stage
    .until('a quarter is read from the slave', 60_000, () => concurrent.done >= before + backlog / 4)
    .catch(error => stage.say(String(error))); // judged below
  await pause(stage.pick({ full: 15_000, share: 1000 }));
  report.check('read from the slave', concurrent.done - before, { atLeast: backlog / 4 });
  report.check('queues read from the slave', concurrent.readFrom(1), { is: queues });
  report.check('orderly queues read from the slave', orderly.readFrom(1), { is: 0 });
  const meanwhile = orderly.begunBetween(killedAt + seenWithin, monotonicMs());
  report.check('orderly calls meanwhile', meanwhile, { is: 0 });

  await master.restart();
  stage.say(`the master is back; ${concurrent.done} and ${orderly.done} are done`);
  const isBack = (): boolean => concurrent.readFrom(0) === queues && watches.rising(concurrent, killedAt);
  await stage
    .until('the master is read and committed to', 120_000, isBack)
    .catch(error => stage.say(String(error))); // judged below
  report.check('queues read from the master again', concurrent.readFrom(0), { is: queues });
  const backAfter = (concurrent.backAt ?? Infinity) - toMonotonic(master.portOpenedAt);
  report.speed('read from the master after its port opened, ms', backAfter, { atMost: 15_000 });
  const count = await load.stop();
  await stage
    .until('all is done', 180_000, () => readers.every(({ done }) => done >= count))
    .catch(error => stage.say(String(error))); // what is missing is judged as lost
  for (const reader of readers) {
    report.check(`${reader.kind}: stopped clean`, await reader.stop(), { is: true });
    judgeFalls(stage, report.part(reader.kind), watches.samples(reader), killedAt);
    await judge(stage, report.part(reader.kind), { topic, count, reader });
  }
  report.check('orderly: out of order', orderly.outOfOrder(), { is: 0 });
}

/** What the master has as committed for each reader, all the time it answers. */
class Watches implements AsyncDisposable {
  readonly #ofGroup: ReadonlyMap<string, CommitWatch>;

  constructor(stage: Stage, topic: string, readers: readonly ReplicaReader[]) {
    this.#ofGroup = new Map(
      readers.map(({ group }) => [group, new CommitWatch(stage, { topic, group, queues })]),
    );
  }

  samples({ group }: ReplicaReader): readonly CommitSample[] {
    return this.#ofGroup.get(group)?.samples ?? [];
  }

  /** Has something been committed since that time that was not before? */
  rising(reader: ReplicaReader, since: number): boolean {
    const samples = this.samples(reader);
    const highest = (isLater: boolean): number =>
      samples.reduce(
        (high, each) => (each.at > since === isLater ? Math.max(high, each.committed ?? 0) : high),
        -1,
      );
    return highest(true) > highest(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#ofGroup.values()].map(watch => watch[Symbol.asyncDispose]()));
  }
}

/** Sequence numbers 0 to count, the last not included. */
async function fill({ cluster, fresh }: Stage, topic: string, count: number): Promise<void> {
  await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr, producerGroup: fresh('fill') });
  await producer.start();
  for (let from = 0; from < count; from += perBatch) {
    await producer.sendBatch(
      Array.from({ length: perBatch }, (_, at) => ({ topic, body: bodyOf(from + at) })),
    );
  }
}

/** Before the kill, and after it. A broker that is killed forgets commits it has not written to its disk yet: that is told. */
function judgeFalls(stage: Stage, report: Report, samples: readonly CommitSample[], killedAt: number): void {
  const before = stepsBack(samples.filter(({ at }) => at < killedAt));
  const after = stepsBack(samples.filter(({ at }) => at >= killedAt));
  const falls = [...before, ...after];
  for (const fall of falls.slice(0, 3)) stage.say(`committed fell: ${JSON.stringify({ ...fall, killedAt })}`);
  report.check('times a committed offset fell', falls.length, { is: 0 });
  report.note('samples', samples.length);
  report.note(
    'queues of which the killed broker had forgotten a commit',
    stepsBack(samples).length - falls.length,
  );
}

async function judge(
  stage: Stage,
  report: Report,
  given: {
    readonly topic: string;
    readonly count: number;
    readonly reader: ReplicaReader;
  },
): Promise<void> {
  const { topic, count, reader } = given;
  const { group, deliveries } = reader;
  await judgeHistory(stage, report, {
    ...{ topic, sent: { from: 0, to: count }, deliveries: [deliveries], repeats: 'told' as const },
  });
  await judgeCommitted(stage, report, { topic, group });
  report.check('offsets corrected', reader.corrected, { is: 0 });
  report.note('faults told', reader.faults.join(' ') || 'none');
}

/** A slave learns of topics from its master every 10 s (4.9) or 60 s (5.x): here it is given the master's list. */
async function teachSlave(cluster: Cluster): Promise<void> {
  const topicsOf = (role: BrokerRole): string =>
    join(cluster.folder, `broker-a-${role}`, 'store/config/topics.json');
  const slave = cluster.broker('broker-a', 'slave');
  await slave.terminate();
  mkdirSync(dirname(topicsOf('slave')), { recursive: true });
  copyFileSync(topicsOf('master'), topicsOf('slave'));
  await slave.restart();
}

/** It has every message so far, and takes pulls of the topic and the group. */
async function untilSlaveKnows(stage: Stage, topic: string, group: string, count: number): Promise<void> {
  const { address } = stage.cluster.broker('broker-a', 'slave');
  await stage.until(
    'the slave has all',
    60_000,
    async () => (await stored(stage.cluster, address, topic)) >= count,
  );
  stage.say('the slave has all messages');
  await stage.until('the slave knows the topic', 60_000, async () => {
    const fields = {
      ...{ consumerGroup: group, topic, queueId: 0, queueOffset: 0, maxMsgNums: 1, sysFlag: 4 },
      ...{
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
        expressionType: 'TAG',
      },
    };
    const { code } = await stage.cluster.admin.request(address, { code: pullMessage, fields });
    return code === 0;
  });
}

async function stored({ admin }: Cluster, address: string, topic: string): Promise<number> {
  const ends = Array.from({ length: queues }, async (_, queueId) => {
    const { fields } = await admin.request(address, { code: 30, fields: { topic, queueId } });
    return Number(fields['offset'] ?? 0);
  });
  return (await Promise.all(ends)).reduce((sum, end) => sum + end, 0);
}
