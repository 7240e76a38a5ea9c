// SPDX-License-Identifier: Apache-2.0
/** Does a loop over messages() that is left half-way lose nothing, repeat only what was not acked, and hold no more than it may? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Consumer,
  createConsumer,
  createProducer,
  type ReceivedMessage,
  silentLogger,
} from '../../src/index.ts';
import { startEmbeddedCluster } from '../../src/testing/index.ts';
import { judgeCommitted } from './kit/judge.ts';
import { bodyOf } from './kit/load.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 4;
const readerMs = 5;
const notAcked = 10;
const concurrency = 32;
const threshold = 200;
const pullBatchSize = 32;
/** What was asked for while there was still room for one: a pull of each queue, the one of the retry topic included. */
const heldLimit = threshold + (queues + 1) * pullBatchSize;

export const messagesEvidence: Evidence = {
  name: 'messages',
  about:
    'a slow loop over messages(), left half-way with 10 unacked: those come again, acked ones do not, nothing is lost',
  async run(stage, report) {
    const names = { topic: stage.fresh('messages'), group: stage.fresh('messages-group') };
    await stage.cluster.createTopic(names.topic, { queues });
    await readTwice(stage, report, { ...names, namesrvAddr: stage.cluster.namesrvAddr });
    await judgeCommitted(stage, report, names);
    await judgeCommitted(stage, report.part('retry topic'), { ...names, topic: `%RETRY%${names.group}` });

    await using embedded = await startEmbeddedCluster({ messageDelayLevel: '1s 1s 1s 1s 2s 2s' });
    embedded.createTopic('orders', { queues });
    const part = report.part('embedded');
    await readTwice(stage, part, { topic: 'orders', group: 'reader', namesrvAddr: embedded.namesrvAddr });
    const broker = embedded.broker();
    const behind = broker
      .queues('orders')
      .filter(({ queueId, maxOffset }) => broker.committed('reader', 'orders', queueId) !== maxOffset);
    part.check('queues not committed to their max', behind.length, { is: 0 });
  },
};

interface Place {
  readonly topic: string;
  readonly group: string;
  readonly namesrvAddr: string;
}

/** One message as the loop saw it. */
interface Seen {
  readonly body: string;
  readonly attempt: number;
}

async function readTwice(stage: Stage, report: Report, place: Place): Promise<void> {
  const count = stage.pick({ full: 5000, share: 400 });
  await produce(place, count);
  await using consumer = createConsumer(
    {
      ...{ consumerGroup: place.group, namesrvAddr: place.namesrvAddr, pullBatchSize },
      ...{ consumeConcurrency: concurrency, pullThresholdForAll: threshold },
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic: place.topic }],
    },
    undefined,
    { logger: silentLogger },
  );
  const retried: string[] = [];
  const faults: string[] = [];
  consumer.on('message.retried', ({ msgId }) => retried.push(msgId));
  consumer.on('fault', ({ error }) => faults.push(error.message));
  await consumer.start();

  const first = await readHalf(consumer, count / 2);
  await stage.until('the unacked are back', 20_000, () => retried.length >= notAcked);
  await pause(stage.pick({ full: 5000, share: 2000 })); // whatever would be delivered without a reader
  const heldWhileNobodyReads = consumer.getStats().heldMessages;
  const consumedWhileNobodyReads = consumer.getStats().messagesConsumed;
  const second = await readRest(consumer, count - first.acked.length);
  await pause(1500); // whatever comes once too often
  const stopped = await consumer.shutdown();
  for (const fault of faults.slice(0, 3)) stage.say(fault);

  judgeReading(report, { count, first, second, retried });
  report.check('acked while nobody reads', consumedWhileNobodyReads - first.acked.length, { is: 0 });
  report.note('held while nobody reads', heldWhileNobodyReads);
  report.check('most messages held', Math.max(first.mostHeld, second.mostHeld), { atMost: heldLimit });
  report.check('most messages out at once', Math.max(first.mostOut, second.mostOut), { atMost: concurrency });
  report.check('faults', faults.length, { is: 0 });
  report.check('stopped clean', stopped.clean, { is: true });
  const { messagesConsumed, messagesFailed } = consumer.getStats();
  report.check('counted as consumed and failed', `${messagesConsumed} ${messagesFailed}`, {
    is: `${count} ${notAcked}`,
  });
}

function judgeReading(
  report: Report,
  { count, first, second, retried }: { count: number; first: Reading; second: Reading; retried: string[] },
): void {
  const acked = [...first.acked, ...second.acked].map(({ body }) => body);
  const open = new Set(first.open.map(({ body }) => body));
  const again = second.acked.filter(({ body }) => open.has(body));
  const ackedBefore = new Set(first.acked.map(({ body }) => body));
  report.check('acked in the first loop', first.acked.length, { is: count / 2 });
  report.check('seen and not acked in it', open.size, { is: notAcked });
  report.check('sent back', retried.length, { is: notAcked });
  report.check('unacked that came again', again.length, { is: notAcked });
  report.check('as their second attempt', again.filter(({ attempt }) => attempt === 2).length, {
    is: notAcked,
  });
  report.check('acked that came again', second.acked.filter(({ body }) => ackedBefore.has(body)).length, {
    is: 0,
  });
  report.check(
    'others that count as a second attempt',
    second.acked.filter(({ body, attempt }) => attempt > 1 && !open.has(body)).length,
    { is: 0 },
  );
  report.check('lost', count - new Set(acked).size, { is: 0 });
  report.check('acked twice', acked.length - new Set(acked).size, { is: 0 });
}

interface Reading {
  readonly acked: Seen[];
  /** Seen, and left to themselves. */
  readonly open: Seen[];
  mostHeld: number;
  mostOut: number;
}

/** Slow, and each so many messages one is kept and not acked; left by break. */
async function readHalf(consumer: Consumer, half: number): Promise<Reading> {
  const keepEvery = Math.floor(half / notAcked);
  const reading: Reading = { acked: [], open: [], mostHeld: 0, mostOut: 0 };
  let seen = 0;
  for await (const message of consumer.messages()) {
    await look(consumer, reading);
    seen++;
    if (seen % keepEvery === 0 && reading.open.length < notAcked) reading.open.push(seenOf(message));
    else {
      reading.acked.push(seenOf(message));
      message.ack();
    }
    if (reading.acked.length === half && reading.open.length === notAcked) break;
  }
  return reading;
}

async function readRest(consumer: Consumer, count: number): Promise<Reading> {
  const reading: Reading = { acked: [], open: [], mostHeld: 0, mostOut: 0 };
  const tooLong = AbortSignal.timeout(120_000);
  try {
    for await (const message of consumer.messages({ signal: tooLong })) {
      await look(consumer, reading);
      reading.acked.push(seenOf(message));
      message.ack();
      if (reading.acked.length === count) break;
    }
  } catch (error) {
    if (!tooLong.aborted) throw error; // what is missing is judged as lost
  }
  return reading;
}

async function look(consumer: Consumer, reading: Reading): Promise<void> {
  await pause(readerMs);
  reading.mostHeld = Math.max(reading.mostHeld, consumer.getStats().heldMessages);
  const out = consumer.getAssignedQueues().reduce((sum, { running }) => sum + running, 0);
  reading.mostOut = Math.max(reading.mostOut, out);
}

function seenOf({ body, attempt }: ReceivedMessage): Seen {
  return { body: body.toString('latin1', 0, 10), attempt };
}

async function produce({ topic, namesrvAddr }: Place, count: number): Promise<void> {
  await using producer = createProducer({ namesrvAddr, producerGroup: 'messages-producer' });
  await producer.start();
  for (let sent = 0; sent < count; sent += 50) {
    const batch = Array.from({ length: Math.min(50, count - sent) }, (_, i) => ({
      topic,
      body: bodyOf(sent + i),
    }));
    await producer.sendBatch(batch);
  }
}
