// SPDX-License-Identifier: Apache-2.0
/** Do pause, seek, reset and commit by hand do to a running consumer, and to the broker's offsets, what they say? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Consumer,
  createConsumer,
  createProducer,
  type MessageQueue,
  RocketmqError,
  silentLogger,
  simple,
} from '../../src/index.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 2;
/** Longer than a pull needs that was on the wire when a queue was paused. Unit: ms. */
const stillness = 1500;

export const control: Evidence = {
  name: 'control',
  about:
    'pause, resume, seek, reset and commit by hand: what is delivered, and what the broker has, is what they say',
  async run(stage, report) {
    const names = { topic: stage.fresh('control'), group: stage.fresh('control-group') };
    await stage.cluster.createTopic(names.topic, { queues });
    const each = stage.pick({ full: 1000, share: 50 });
    await send(stage, names.topic, each);
    await pause(1000); // 4.9 takes the message that is nearest to a time, be it before or after it
    const between = Date.now();
    await send(stage, names.topic, each);
    const trial = new Trial(stage, names, each);
    await using consumer = trial.consumer;
    await consumer.start();
    await stage.until('the backlog', 60_000, () => trial.seen.length === 2 * queues * each);
    await commitsByHand(trial, report.part('commit'));
    await seeks(trial, report.part('seek'));
    await pauses(trial, report.part('pause'));
    await resets(trial, report.part('reset'), between);
    report.check('faults', trial.faults.join('; '), { is: '' });
    report.check('stopped clean', (await consumer.shutdown()).clean, { is: true });
  },
};

class Trial {
  readonly stage: Stage;
  readonly each: number;
  readonly consumer: Consumer;
  readonly faults: string[] = [];
  readonly moves: string[] = [];
  readonly names: { readonly topic: string; readonly group: string };
  seen: { readonly queueId: number; readonly queueOffset: number }[] = [];

  constructor(stage: Stage, names: { readonly topic: string; readonly group: string }, each: number) {
    this.stage = stage;
    this.names = names;
    this.each = each;
    this.consumer = createConsumer(
      {
        ...{ consumerGroup: names.group, namesrvAddr: stage.cluster.namesrvAddr, enableAutoCommit: false },
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptions: [{ topic: names.topic }],
      },
      simple(({ queueId, queueOffset }) => {
        this.seen.push({ queueId, queueOffset });
      }),
      { logger: silentLogger },
    );
    this.consumer.on('fault', ({ error }) => this.faults.push(error.message));
    this.consumer.on('offset.corrected', ({ queue, to, reason }) =>
      this.moves.push(`${queue.queueId} to ${to} by ${reason}`),
    );
  }

  queue(queueId: number): MessageQueue {
    return { topic: this.names.topic, brokerName: 'broker-a', queueId };
  }

  /** What the broker has as committed, queue by queue; 0 also where it has nothing, as 4.9 for a queue that starts at 0. */
  async committed(): Promise<string> {
    const offsets = await this.stage.cluster.admin.queueOffsets(this.names.topic, this.names.group);
    return offsets.map(({ committed }) => committed ?? 0).join(' ');
  }

  async delivered(count: number): Promise<number> {
    await this.stage.until(`${count} deliveries`, 30_000, () => this.seen.length >= count);
    await pause(stillness);
    return this.seen.length;
  }
}

async function commitsByHand(trial: Trial, report: Report): Promise<void> {
  const { consumer, each } = trial;
  await pause(stillness);
  report.check('committed before anybody asked', await trial.committed(), { is: '0 0' });
  await consumer.commit(trial.queue(0), 3);
  report.check('up to an offset', await trial.committed(), { is: '3 0' });
  report.check('past what is done', await refusal(consumer.commit(trial.queue(0), 2 * each + 1)), {
    is: 'RMQ_OFFSET_OUT_OF_RANGE',
  });
  await consumer.commit();
  report.check('of all', await trial.committed(), { is: `${2 * each} ${2 * each}` });
}

async function seeks(trial: Trial, report: Report): Promise<void> {
  const { consumer, each } = trial;
  const end = 2 * each;
  trial.seen = [];
  await consumer.seek(trial.queue(0), end - 10);
  report.check('the broker has the new place', await trial.committed(), { is: `${end - 10} ${end}` });
  report.check('delivered from there', await trial.delivered(10), { is: 10 });
  report.check('of another queue', trial.seen.filter(({ queueId }) => queueId !== 0).length, { is: 0 });
  report.check('past the end', await refusal(consumer.seek(trial.queue(0), end + 1)), {
    is: 'RMQ_OFFSET_OUT_OF_RANGE',
  });
  report.check('a queue that nobody has', await refusal(consumer.seek(trial.queue(7), 'begin')), {
    is: 'RMQ_QUEUE_NOT_OWNED',
  });
  trial.seen = [];
  await consumer.seek(trial.queue(1), 'begin');
  report.check('all again', await trial.delivered(end), { is: end });
  report.check('told', trial.moves.join(', '), { is: `0 to ${end - 10} by seek, 1 to 0 by seek` });
  await consumer.commit();
}

async function pauses(trial: Trial, report: Report): Promise<void> {
  const { consumer, names, each } = trial;
  await consumer.pause({ queue: trial.queue(0) });
  trial.seen = [];
  await send(trial.stage, names.topic, 10);
  report.check('delivered: those of the other queue', await trial.delivered(10), { is: 10 });
  report.check('of the paused one', trial.seen.filter(({ queueId }) => queueId === 0).length, { is: 0 });
  const shown = consumer.getAssignedQueues().filter(({ paused }) => paused);
  report.check('shown as paused', shown.map(({ queue }) => queue.queueId).join(' '), { is: '0' });
  await consumer.suspend();
  await consumer.resume();
  await pause(stillness);
  report.check('a resume of the consumer leaves it paused', trial.seen.length, { is: 10 });
  await consumer.seek(trial.queue(0), 'end');
  await consumer.resume({ queue: trial.queue(0) });
  report.check('sought to the end meanwhile', await trial.delivered(10), { is: 10 });
  await consumer.commit();
  report.check('committed', await trial.committed(), { is: `${2 * each + 10} ${2 * each + 10}` });
}

async function resets(trial: Trial, report: Report, between: number): Promise<void> {
  const { consumer, names, each } = trial;
  trial.seen = [];
  await consumer.resetOffset(between, names.topic);
  report.check('the broker has the first of that time', await trial.committed(), { is: `${each} ${each}` });
  const rest = queues * (each + 10);
  report.check('delivered from there', await trial.delivered(rest), { is: rest });
  const early = trial.seen.filter(({ queueOffset }) => queueOffset < each).length;
  report.check('from before that time', early, { is: 0 });
  await consumer.commit();
  report.check('committed', await trial.committed(), { is: `${2 * each + 10} ${2 * each + 10}` });
}

async function refusal(command: Promise<void>): Promise<string> {
  const error: unknown = await command.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof RocketmqError ? error.code : 'no refusal';
}

/** `each` messages to each queue. */
async function send(stage: Stage, topic: string, each: number): Promise<void> {
  const producer = createProducer({ namesrvAddr: stage.cluster.namesrvAddr, producerGroup: 'control' });
  await producer.start();
  for (let number = 0; number < each; number++) {
    for (let queueId = 0; queueId < queues; queueId++) {
      await producer.sendOrderly({ topic, body: String(number) }, String(queueId));
    }
  }
  await producer.shutdown();
}
