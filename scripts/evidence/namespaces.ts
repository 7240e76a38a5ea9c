// SPDX-License-Identifier: Apache-2.0
/** Do ours and official Java clients in the same namespace mean the same topics, groups, retries and dead letters? */
import {
  type Consumer,
  concurrently,
  createConsumer,
  createProducer,
  type MessageExt,
  silentLogger,
} from '../../src/index.ts';
import {
  type ConsumedMessage,
  produceByJava,
  readConsumed,
  startJavaConsumer,
} from '../../test/support/cluster/java-programs.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** Unit: ms. */
const patience = 60_000;
const queues = 4;
/** Each of these fails once, whoever gets it. */
const failEvery = 10;
const unit = 'eu';

export const namespaces: Evidence = {
  name: 'namespaces',
  shareOn: '5.5.0',
  about:
    'ours and official Java clients in one namespace, versions 1 and 2: messages both ways, one group, retries and dead letters under the same names',
  async run(stage, report) {
    const versions = stage.cluster.version.startsWith('4.') ? ([1] as const) : ([1, 2] as const);
    await Promise.all(
      versions.map(version => inNamespace(stage, report.part(`version ${version}`), version)),
    );
  },
};

interface Names {
  readonly version: 1 | 2;
  readonly namespace: string;
  readonly topic: string;
  readonly group: string;
  /** As brokers know a name. Written apart from the client's: `tenant%name`, nothing in version 2. */
  readonly wire: (name: string) => string;
}

async function inNamespace(stage: Stage, report: Report, version: 1 | 2): Promise<void> {
  const namespace = stage.fresh('tenant');
  const names: Names = {
    ...{ version, namespace, topic: stage.fresh('shared'), group: stage.fresh('shared-group') },
    wire: name => (version === 1 ? `${namespace}%${name}` : name),
  };
  await stage.cluster.createTopic(names.wire(names.topic), { queues });
  await using ours = new Ours(stage, names);
  await ours.consumer.start();
  await shared(stage, report, names, ours);
  await deadLetters(stage, report.part('dead letters'), names, ours);
  report.check('stopped clean', (await ours.consumer.shutdown()).clean, { is: true });
  report.check('faults beside those of the handler', ours.faults.join(), { is: '' });
}

class Ours implements AsyncDisposable {
  readonly seen: { readonly sequence: number; readonly message: MessageExt; readonly isDone: boolean }[] = [];
  readonly faults: string[] = [];
  /** Never done. */
  poison = Number.NaN;
  readonly consumer: Consumer;

  constructor(stage: Stage, { version, namespace, topic, group }: Names) {
    this.consumer = createConsumer(
      {
        ...{ consumerGroup: group, namesrvAddr: stage.cluster.namesrvAddr, subscriptions: [{ topic }] },
        ...{ namespace: { name: namespace, version }, unitName: unit, maxReconsumeTimes: 1 },
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      },
      concurrently(([message]) => {
        const sequence = Number(message.body.toString().slice(0, 10));
        const isDone = sequence !== this.poison && (sequence % failEvery > 0 || message.reconsumeTimes > 0);
        this.seen.push({ sequence, message, isDone });
        if (!isDone) throw new Error('not yet');
      }),
      { logger: silentLogger },
    );
    this.consumer.on('fault', ({ error }) => {
      if (error.code !== 'RMQ_LISTENER_FAILED') this.faults.push(error.message);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer.shutdown();
  }
}

/** How the official clients are told the namespace. */
function toJava({ version, namespace }: Names): object {
  return version === 1 ? { namespace, unit } : { namespaceV2: namespace, unit };
}

/** Both send, both consume, each hands some back. */
async function shared(stage: Stage, report: Report, names: Names, ours: Ours): Promise<void> {
  const { topic, group, wire } = names;
  const { admin } = stage.cluster;
  const count = stage.pick({ full: 4000, share: 200 });
  const out = stage.file(`${group}.out`);
  await using java = startJavaConsumer(stage.cluster, { topic, group, out, failEvery, ...toJava(names) });
  await java.line(/^ASSIGNED 2$/, patience);
  stage.say(`version ${names.version}: the Java member has its share`);
  const members = await admin.consumerList(wire(group), 'broker-a');
  report.check('members the broker knows in the group', members.length, { is: 2 });
  report.check(
    'client ids end in the unit',
    members.every(id => id.endsWith(`@${unit}`)),
    { is: true },
  );
  // One by one: Java's own batches to a queue fail in a namespace ("message's topic not equal mq's topic").
  await produceByJava(stage.cluster, { topic, count, batch: 1, ...toJava(names) });
  await send(stage, names, count, count);
  const done = (): ReadonlySet<number> =>
    new Set([...ours.seen, ...readConsumed(out)].flatMap(each => (each.isDone ? [each.sequence] : [])));
  await stage.until('all are done', patience, () => done().size >= 2 * count).catch(() => {}); // judged below
  report.check('done, of both producers', done().size, { is: 2 * count });
  stage.say(`version ${names.version}: all are done`);
  const inJava = readConsumed(out);
  await java.stop();
  judge(report, { names, ours, inJava, count });
  if (names.version === 1) {
    const bare = [topic, `%RETRY%${group}`].map(name => admin.topicRoute(name));
    report.check('topics without the namespace', (await Promise.all(bare)).filter(Boolean).length, { is: 0 });
  }
  const retries = await admin.messageCount(`%RETRY%${wire(group)}`);
  const wireName = names.version === 1 ? '%RETRY%tenant%group' : '%RETRY%group';
  report.check(`handed back to ${wireName}`, retries, { atLeast: (2 * count) / failEvery });
}

function judge(
  report: Report,
  run: {
    readonly names: Names;
    readonly ours: Ours;
    readonly inJava: readonly ConsumedMessage[];
    readonly count: number;
  },
): void {
  const { ours, inJava, count, names } = run;
  const isOfJava = ({ sequence }: { readonly sequence: number }): boolean => sequence < count;
  report.check("ours had of Java's", ours.seen.filter(isOfJava).length, { atLeast: 1 });
  report.check('Java had of ours', inJava.filter(each => !isOfJava(each)).length, { atLeast: 1 });
  const failedIn = (all: readonly { readonly sequence: number; readonly isDone: boolean }[]) =>
    new Set(all.flatMap(({ sequence, isDone }) => (isDone ? [] : [sequence])));
  const [failedInOurs, failedInJava] = [failedIn(ours.seen), failedIn(inJava)];
  report.check('failed once', new Set([...failedInOurs, ...failedInJava]).size, {
    is: (2 * count) / failEvery,
  });
  const crossed =
    ours.seen.filter(({ sequence, isDone }) => isDone && failedInJava.has(sequence)).length +
    inJava.filter(({ sequence, isDone }) => isDone && failedInOurs.has(sequence)).length;
  report.check('failed in one client, done in the other', crossed, { atLeast: 1 });
  const topics = new Set([
    ...ours.seen.map(({ message }) => message.topic),
    ...inJava.map(each => each.topic),
  ]);
  report.check('topic, as both listeners see it, is the one given', [...topics].join(), { is: names.topic });
}

/** Ours gives one up; Java finds it under the name that Java gives to the dead letters of the group. */
async function deadLetters(stage: Stage, report: Report, names: Names, ours: Ours): Promise<void> {
  const { group, wire } = names;
  ours.poison = 1_000_000_001;
  await send(stage, names, ours.poison, 1);
  const wireTopic = `%DLQ%${wire(group)}`;
  await stage.until('it is given up', patience, async () => {
    const route = await stage.cluster.admin.topicRoute(wireTopic);
    return route !== undefined && (await stage.cluster.admin.messageCount(wireTopic)) > 0;
  });
  report.check('at the broker', await stage.cluster.admin.messageCount(wireTopic), { is: 1 });
  const out = stage.file(`${group}-dead.out`);
  await using java = startJavaConsumer(stage.cluster, {
    ...{ topic: `%DLQ%${group}`, group: `${group}-dead`, out, exitAfter: 1 },
    ...toJava(names),
  });
  const { code } = await java.finished;
  report.check('Java reads them and ends', code ?? -1, { is: 0 });
  const [letter] = readConsumed(out);
  report.check('Java finds ours', letter?.sequence ?? -1, { is: ours.poison });
}

async function send(stage: Stage, names: Names, from: number, count: number): Promise<void> {
  const { version, namespace, topic } = names;
  await using producer = createProducer({
    namesrvAddr: stage.cluster.namesrvAddr,
    namespace: { name: namespace, version },
  });
  await producer.start();
  for (let sequence = from; sequence < from + count; sequence++)
    await producer.send({ topic, body: `${String(sequence).padStart(10, '0')}|ours` });
}
