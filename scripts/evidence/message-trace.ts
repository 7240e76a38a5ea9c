// SPDX-License-Identifier: Apache-2.0
/** Does mqadmin 5.4.0 show what a consumer of ours did with a message, and is every consumption of all messages in the trace topic? */
import {
  type ConsumerConfig,
  concurrently,
  createConsumer,
  createProducer,
  type SendResult,
  silentLogger,
} from '../../src/index.ts';
import { rocketmqJars } from '../../test/support/cluster/jars.ts';
import { mqadmin } from '../../test/support/cluster/java-programs.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** Of the topic whose first sends make it. */
const usualTopic = 'RMQ_SYS_TRACE_TOPIC';
const slowMs = 20;

export const messageTrace: Evidence = {
  name: 'message-trace',
  shareOn: '5.5.0',
  about:
    'with enableMessageTrace mqadmin queryMsgTraceById shows each consumption of a message, failed and done; every consumption is in the trace topic',
  async run(stage, report) {
    const count = stage.pick({ full: 20_000, share: 200 });
    const traced = new Traced(stage, {});
    const [first] = await traced.consume(10);
    const rows = await traced.ask(first, usualTopic, 2);
    report.check('usual topic: consumptions of a message that failed once', rows.map(statusOf).join(), {
      is: 'failed,success',
    });
    report.check(
      'by our group',
      rows.every(row => row.includes(traced.group)),
      { is: true },
    );
    const cost = Number(/(\d+)ms/.exec(rows.find(row => statusOf(row) === 'success') ?? '')?.[1] ?? -1);
    report.check('ms it took, at least', cost, { atLeast: slowMs - 2 });

    const own = new Traced(stage, { traceTopic: stage.fresh('traces'), consumeMessageBatchMaxSize: 4 });
    const [one] = await own.consume(count);
    const records = await own.records(2 * own.deliveries);
    report.check('own topic: messages traced', new Set(records.map(record => record.msgId)).size, {
      is: count,
    });
    for (const type of ['SubBefore', 'SubAfter']) {
      const ofType = records.filter(record => record.type === type).length;
      report.check(`records ${type}`, ofType, { is: own.deliveries });
    }
    const pairs = new Map<string, number>();
    for (const { request, msgId } of records)
      pairs.set(`${request} ${msgId}`, (pairs.get(`${request} ${msgId}`) ?? 0) + 1);
    report.check('before without after', [...pairs.values()].filter(times => times !== 2).length, { is: 0 });
    const ownRows = await own.ask(one, own.topic, 2);
    report.check('mqadmin in that topic', ownRows.map(statusOf).join(), { is: 'failed,success' });
    report.check('faults', [...traced.faults, ...own.faults].join('; '), { is: '' });
  },
};

interface Record {
  readonly type: string;
  readonly request: string;
  readonly msgId: string;
}

/** One group that traces what it does with a topic of its own; the first message of all fails once. */
class Traced {
  readonly group: string;
  readonly topic: string;
  readonly faults: string[] = [];
  /** Messages given to the listener, repetitions included. */
  deliveries = 0;
  readonly #stage: Stage;
  readonly #config: Partial<ConsumerConfig>;

  constructor(stage: Stage, config: Partial<ConsumerConfig>) {
    this.#stage = stage;
    this.#config = config;
    this.group = stage.fresh('traced-group');
    this.topic = config.traceTopic ?? usualTopic;
  }

  /** Sends, has all of it consumed, and stops: the last traces go out with that. */
  async consume(count: number): Promise<readonly SendResult[]> {
    const { cluster } = this.#stage;
    const topic = this.#stage.fresh('traced');
    await cluster.createTopic(topic, { queues: 4 });
    if (this.topic !== usualTopic) await cluster.createTopic(this.topic, { queues: 4 });
    const done = new Set<string>();
    await using consumer = createConsumer(
      {
        ...{ consumerGroup: this.group, namesrvAddr: cluster.namesrvAddr, enableMessageTrace: true },
        ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', subscriptions: [{ topic }], ...this.#config },
        listener: concurrently(async messages => {
          this.deliveries += messages.length;
          const isFirst = messages.some(({ keys }) => keys.includes('key-0'));
          if (isFirst) await new Promise(resolve => setTimeout(resolve, slowMs));
          if (isFirst && messages[0].reconsumeTimes === 0) throw new Error('as told');
          for (const { msgId } of messages) done.add(msgId);
        }),
      },
      undefined,
      { logger: silentLogger },
    );
    consumer.on('fault', ({ error }) => {
      if (error.code !== 'RMQ_LISTENER_FAILED') this.faults.push(error.message);
    });
    await consumer.start();
    const sent = await send(cluster.namesrvAddr, topic, count);
    await this.#stage.until('all are consumed', 120_000, () => done.size >= count);
    await consumer.shutdown();
    return sent;
  }

  /** The rows of the tool, the oldest first; the broker's index is a little behind. */
  async ask(message: SendResult | undefined, traceTopic: string, rows: number): Promise<readonly string[]> {
    if (message === undefined) throw new Error('nothing was sent');
    const tools = { namesrvAddr: this.#stage.cluster.namesrvAddr, jars: await rocketmqJars('5.4.0') };
    for (let tries = 1; ; tries++) {
      const { stdout } = await mqadmin(tools, ['queryMsgTraceById', '-i', message.msgId, '-t', traceTopic]);
      const found = stdout.split('\n').filter(line => line.startsWith('Sub '));
      if (found.length >= rows || tries === 5) {
        this.#stage.say(stdout);
        return found.sort(
          (a, b) => timeOf(a).localeCompare(timeOf(b)) || statusOf(a).localeCompare(statusOf(b)),
        );
      }
    }
  }

  /** What the trace topic has, read by another consumer, once there are so many. */
  async records(count: number): Promise<readonly Record[]> {
    const records: Record[] = [];
    await using reader = createConsumer(
      {
        ...{
          consumerGroup: this.#stage.fresh('trace-readers'),
          namesrvAddr: this.#stage.cluster.namesrvAddr,
        },
        ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', subscriptions: [{ topic: this.topic }] },
        listener: concurrently(([{ body }]) => {
          records.push(...recordsIn(body.toString()));
        }),
      },
      undefined,
      { logger: silentLogger },
    );
    await reader.start();
    await this.#stage.until(`${count} records`, 60_000, () => records.length >= count).catch(() => {}); // judged by what there is
    await reader.shutdown();
    return records;
  }
}

async function send(namesrvAddr: string, topic: string, count: number): Promise<readonly SendResult[]> {
  await using producer = createProducer({ namesrvAddr, producerGroup: 'traced-producer' });
  await producer.start();
  const sent = [await producer.send({ topic, body: 'traced', keys: 'key-0' })];
  for (let from = 1; from < count; from += 100) {
    const size = Math.min(100, count - from);
    const keys = Array.from({ length: size }, (_, at) => `key-${from + at}`);
    sent.push(...(await Promise.all(keys.map(key => producer.send({ topic, body: 'traced', keys: key })))));
  }
  return sent;
}

/** Written here once more, after Java's TraceDataEncoder: the library's own writer is what is judged. */
function recordsIn(text: string): readonly Record[] {
  return text
    .split('\u0002')
    .filter(line => line !== '')
    .map(line => {
      const [type = '', ...fields] = line.split('\u0001');
      return type === 'SubBefore'
        ? { type, request: fields[3] ?? '', msgId: fields[4] ?? '' }
        : { type, request: fields[0] ?? '', msgId: fields[1] ?? '' };
    });
}

function statusOf(row: string): string {
  return row.trim().split(/\s+/).at(-1) ?? '';
}

function timeOf(row: string): string {
  return /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(row)?.[0] ?? '';
}
