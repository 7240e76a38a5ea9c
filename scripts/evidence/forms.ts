// SPDX-License-Identifier: Apache-2.0
/** Does every form of message that the official Java client can send arrive as the official Java consumer shows it? The others: by bytes that Java wrote. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { concurrently, createConsumer, silentLogger } from '../../src/index.ts';
import { type JavaRun, startJavaConsumer, startJavaForms } from '../../test/support/cluster/java-programs.ts';
import { goldenForms, sharedId } from './forms/golden.ts';
import { differences, meantDifferences, type Shown, shownByUs } from './forms/shown.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 2;
const brokerName = 'broker-a';

export const forms: Evidence = {
  name: 'forms',
  about:
    'every form of message the official Java producer can make arrives as the official Java consumer shows it, field by field; the rest by golden samples',
  async run(stage, report) {
    for (const why of meantDifferences) stage.say(`not a difference: ${why}`);
    await goldenForms(stage, report.part('golden'));
    await sharedId(stage, report.part('the same id'));
    await fromJava(stage, report);
  },
};

/** What the producer says of one message. */
interface Sent {
  readonly form: string;
  readonly topic: string;
  readonly msgId: string;
  /** Null: the broker does not tell. */
  readonly offsetMsgId: string | null;
  readonly transactionId: string | null;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly flag: number;
  readonly bodyLength: number;
  readonly bodySha256: string;
}

async function fromJava(stage: Stage, report: Report): Promise<void> {
  const { cluster } = stage;
  const isVersion5 = !cluster.version.startsWith('4.');
  const topic = stage.fresh('forms');
  const batchTopic = stage.fresh('inner-batches');
  await cluster.createTopic(topic, { queues });
  if (isVersion5) await cluster.createTopic(batchTopic, { queues: 1, attributes: '+queue.type=BatchCQ' });
  const topics = isVersion5 ? [topic, batchTopic] : [topic];

  const fields = stage.file(`${topic}.fields`);
  await using reader = startJavaConsumer(cluster, {
    ...{ topic: topics.join(','), group: stage.fresh('forms-java'), fields },
  });
  const ours: Shown[] = [];
  await using consumer = createConsumer(
    {
      ...{ consumerGroup: stage.fresh('forms-ours'), namesrvAddr: cluster.namesrvAddr },
      ...{
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptions: topics.map(name => ({ topic: name })),
      },
    },
    concurrently(messages => {
      ours.push(...messages.map(shownByUs));
    }),
    { logger: silentLogger },
  );
  const faults: string[] = [];
  consumer.on('fault', ({ error }) => faults.push(error.message));
  await consumer.start();
  await using producer = startJavaForms(cluster, {
    ...{ topic, group: stage.fresh('forms-producer') },
    ...(isVersion5 ? { batchTopic, timer: true } : {}),
  });

  await producer.line(/^SENT /);
  const sent = sentBy(producer);
  const visible = sent.filter(({ form }) => !form.startsWith('rolledBack'));
  const java = (): readonly Shown[] => linesOf(fields);
  await stage
    .until('both consumers have them all', 40_000, () => {
      return ours.length >= visible.length && java().length >= visible.length;
    })
    .catch((error: unknown) => stage.say(String(error))); // what is missing is judged below
  await Promise.all(
    ['committedLater', 'rolledBackLater'].map(form => producer.line(new RegExp(`^CHECKED ${form}$`))),
  );
  await pause(1500); // whatever should not come
  await Promise.all([producer.stop(), reader.stop()]);
  const stopped = await consumer.shutdown();

  judge(stage, report, { sent, visible, ours, java: java() });
  for (const fault of faults.slice(0, 3)) stage.say(fault);
  report.check('faults', faults.length, { is: 0 });
  report.check('stopped clean', stopped.clean, { is: true });
}

interface Outcome {
  readonly sent: readonly Sent[];
  /** Without those that were rolled back. */
  readonly visible: readonly Sent[];
  readonly ours: readonly Shown[];
  readonly java: readonly Shown[];
}

function judge(stage: Stage, report: Report, { sent, visible, ours, java }: Outcome): void {
  const javaAt = new Map(java.map(each => [placeOf(each), each]));
  report.check('messages shown by Java', java.length, { is: visible.length });
  report.check('messages shown by us', ours.length, { is: visible.length });
  report.check('places shown twice', ours.length - new Set(ours.map(placeOf)).size, { is: 0 });
  for (const form of new Set(sent.map(each => each.form))) {
    const part = report.part(form);
    const seen = ours.filter(({ properties }) => properties['form'] === form);
    const said = visible.filter(each => each.form === form);
    const problems = seen.flatMap(one => {
      const twin = javaAt.get(placeOf(one));
      return twin === undefined ? ['not shown by Java'] : differences(one, twin);
    });
    const untrue = said.flatMap(one => problemsOf(one, seen));
    for (const problem of [...problems, ...untrue]) stage.say(`${form}: ${problem.slice(0, 500)}`);
    part.check('arrived', seen.length, { is: said.length });
    part.check('fields other than in Java', problems.length, { is: 0 });
    part.check('fields other than sent', untrue.length, { is: 0 });
    if (seen.length > 1) part.note('different msgIds', new Set(seen.map(({ msgId }) => msgId)).size);
  }
}

/** Where the broker says at once where a message lies. */
const isMoved = /^(delayed|timer|committed)/;

/** What the producer was told, against what arrived: ids, place, body. */
function problemsOf(sent: Sent, seen: readonly Shown[]): readonly string[] {
  const isPlaced = !isMoved.test(sent.form);
  const found = seen.filter(one =>
    isPlaced
      ? one.queueId === sent.queueId && one.queueOffset === sent.queueOffset
      : one.msgId === sent.msgId,
  );
  const [one] = found;
  if (one === undefined || found.length > 1) return [`${sent.msgId} was found ${found.length} times`];
  const isInTransaction = sent.form.startsWith('committed');
  const isInBatch = /batch$/i.test(sent.form); // its messages may share an id, and the broker tells the first one's place
  const wanted: Partial<Shown> = {
    ...{ topic: sent.topic, bodyLength: sent.bodyLength, bodySha256: sent.bodySha256, flag: sent.flag },
    ...{ brokerName, tags: sent.tags },
    ...(isInBatch ? {} : { msgId: sent.msgId }),
    ...(isPlaced && sent.offsetMsgId !== null ? { offsetMsgId: sent.offsetMsgId } : {}),
    transactionId: isInTransaction ? (sent.transactionId ?? sent.msgId) : null, // 4.9 does not tell it
  };
  return Object.entries(wanted).flatMap(([name, value]) => {
    const is: unknown = Reflect.get(one, name);
    return is === value ? [] : [`${name}: ${JSON.stringify(is)}, sent ${JSON.stringify(value)}`];
  });
}

function placeOf({ topic, queueId, queueOffset }: Shown): string {
  return `${topic}#${queueId}:${queueOffset}`;
}

function sentBy(producer: JavaRun): readonly Sent[] {
  const mark = 'FORM ';
  return producer.lines
    .filter(line => line.startsWith(mark))
    .map(line => JSON.parse(line.slice(mark.length)) as Sent); // our own program's line
}

/** The file of the Java consumer so far; its last line may be half written. */
function linesOf(file: string): readonly Shown[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map(line => JSON.parse(line) as Shown); // our own program's line
}
