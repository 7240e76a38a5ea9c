// SPDX-License-Identifier: Apache-2.0
/** Does each of three broadcasting members get each message exactly once, one of them stopped and started again in the middle? And whose are the files when two processes want them? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Consumer,
  concurrently,
  createConsumer,
  createProducer,
  silentLogger,
} from '../../src/index.ts';
import { startEmbeddedCluster } from '../../src/testing/index.ts';
import { Crew } from './kit/crew.ts';
import { bodyOf } from './kit/load.ts';
import type { Member } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 8;
const perBatch = 50;
/** So that sending lasts long enough for a stop and a start in the middle. Unit: ms. */
const batchPause = 15;
const names = ['anna', 'boris', 'clara'] as const;

export const broadcast: Evidence = {
  name: 'broadcast',
  about:
    'three broadcasting members, one stopped and started again in the middle: each gets each message exactly once',
  shareOn: '4.9.7', // what it shows is ours, not the broker's
  async run(stage, report) {
    const { cluster } = stage;
    const place = { topic: stage.fresh('broadcast'), group: stage.fresh('broadcast-group') };
    await cluster.createTopic(place.topic, { queues });
    const model = async (): Promise<string> =>
      (await cluster.admin.consumerConnection(place.group, 'broker-a'))?.messageModel ?? 'nothing';
    await consumeAll(stage, report, {
      ...place,
      namesrvAddr: cluster.namesrvAddr,
      look: async () => report.check('the broker says', await model(), { is: 'BROADCASTING' }),
    });
    await shareFiles(stage, report.part('two processes'));
    const offsets = await cluster.admin.queueOffsets(place.topic, place.group);
    report.check('queues with an offset at the broker', offsets.filter(hasOffset).length, { is: 0 });

    await using embedded = await startEmbeddedCluster();
    embedded.createTopic('orders', { queues });
    const part = report.part('embedded');
    const here = { topic: 'orders', group: 'prices', namesrvAddr: embedded.namesrvAddr };
    await consumeAll(stage, part, { ...here, look: async () => {} });
    const asked = embedded.requests().filter(({ code }) => [14, 15, 36, 38, 41].includes(code));
    part.check('requests for offsets, members, locks, send-backs', asked.length, { is: 0 });
  },
};

interface Place {
  readonly topic: string;
  readonly group: string;
  readonly namesrvAddr: string;
  /** While all members run. */
  readonly look: () => Promise<void>;
}

/** 4.9 answers 0 for a queue without one. */
function hasOffset({ committed = 0 }: { readonly committed: number | undefined }): boolean {
  return committed > 0;
}

/** A member over its restarts; its files stay. */
class BroadcastMember {
  readonly name: string;
  /** How often each message came. */
  readonly got = new Map<string, number>();
  readonly faults: string[] = [];
  readonly #make: () => Consumer;
  #consumer: Consumer | undefined;

  constructor(stage: Stage, { topic, group, namesrvAddr }: Place, name: string) {
    this.name = name;
    this.#make = () =>
      createConsumer(
        {
          ...{ consumerGroup: group, namesrvAddr, instanceName: name, messageModel: 'BROADCASTING' },
          ...{ storePath: stage.file('offsets'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
          subscriptions: [{ topic }],
          listener: concurrently(([message]) => {
            const body = message.body.toString('latin1', 0, 10);
            this.got.set(body, (this.got.get(body) ?? 0) + 1);
          }),
        },
        undefined,
        { logger: silentLogger },
      );
  }

  async start(): Promise<void> {
    this.#consumer = this.#make();
    this.#consumer.on('fault', ({ error }) => this.faults.push(error.message));
    await this.#consumer.start();
  }

  /** True when nothing was left over. */
  async stop(): Promise<boolean> {
    return (await this.#consumer?.shutdown())?.clean === true;
  }
}

async function consumeAll(stage: Stage, report: Report, place: Place): Promise<void> {
  const count = stage.pick({ full: 10_000, share: 10_000 });
  const members = names.map(name => new BroadcastMember(stage, place, name));
  for (const member of members) await member.start();
  await place.look();
  const progress = { sent: 0 };
  const sending = produce(place, count, progress);
  const [away] = members;
  if (away === undefined) throw new Error('there are no members');
  await stage.until('a third is sent', 60_000, () => progress.sent >= count / 3);
  report.check('stopped clean in the middle', await away.stop(), { is: true });
  const gotBefore = away.got.size;
  await stage.until('two thirds are sent', 60_000, () => progress.sent >= (2 * count) / 3);
  report.check('got nothing while it was stopped', away.got.size - gotBefore, { is: 0 });
  await away.start();
  await sending;
  await stage
    .until('all of them have everything', 60_000, () => members.every(({ got }) => got.size >= count))
    .catch(() => {}); // what is missing is judged as lost
  await pause(1500); // whatever comes once too often
  report.note('the stopped one had got', gotBefore);
  for (const { name, got, faults } of members) {
    const deliveries = [...got.values()].reduce((sum, times) => sum + times, 0);
    report.check(`${name}: lost`, count - got.size, { is: 0 });
    report.check(`${name}: repeated`, deliveries - got.size, { is: 0 });
    report.check(`${name}: faults`, faults.length, { is: 0 });
    for (const fault of faults.slice(0, 3)) stage.say(fault);
  }
  const stops = await Promise.all(members.map(member => member.stop()));
  report.check('stopped clean', stops.filter(Boolean).length, { is: names.length });
}

/** Processes with one client id, and so with one set of files: the first one's, until it is gone. */
async function shareFiles(stage: Stage, report: Report): Promise<void> {
  const count = 200;
  const config = { messageModel: 'BROADCASTING', storePath: stage.file('shared-offsets') };
  await using crew = new Crew(stage, 'broadcast-files', { instance: 'same', wire: false, config });
  await stage.cluster.createTopic(crew.topic, { queues });
  const first = crew.join('first');
  await first.event('running');
  const error = Object((await crew.join('second').event('rejected'))['error']) as Record<string, unknown>; // Object() gives any
  report.check('the second is refused with', String(error['code']), { is: 'RMQ_OFFSET_FILE_LOCKED' });
  report.check('and told whose the file is', String(error['message']).includes(`process ${first.pid} `), {
    is: true,
  });
  const place = { topic: crew.topic, namesrvAddr: stage.cluster.namesrvAddr };
  await produce(place, count, { sent: 0 });
  const done = (member: Member): number => new Set(member.deliveries().map(({ sequence }) => sequence)).size;
  await stage.until('the first has gone on', 60_000, () => done(first) >= count);
  await pause(6000); // past a persist
  await first.kill();
  const third = crew.join('third');
  await third.event('running');
  await produce(place, 2 * count, { sent: count });
  await stage.until('the third has the rest', 60_000, () => done(third) >= count).catch(() => {}); // told below
  await pause(500);
  const sequences = third.deliveries().map(({ sequence }) => sequence);
  report.check('one that comes after a kill: got', done(third), { is: count });
  report.check('of what the first had done, again', sequences.filter(each => each < count).length, { is: 0 });
  report.check('stopped clean', Object((await third.stop())['report']).clean === true, { is: true });
}

async function produce(
  { topic, namesrvAddr }: Pick<Place, 'topic' | 'namesrvAddr'>,
  count: number,
  progress: { sent: number },
): Promise<void> {
  await using producer = createProducer({ namesrvAddr, producerGroup: 'broadcast-producer' });
  await producer.start();
  while (progress.sent < count) {
    const batch = Array.from({ length: perBatch }, (_, at) => ({ topic, body: bodyOf(progress.sent + at) }));
    await producer.sendBatch(batch);
    progress.sent += perBatch;
    await pause(batchPause);
  }
}
