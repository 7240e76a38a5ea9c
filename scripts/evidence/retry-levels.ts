// SPDX-License-Identifier: Apache-2.0
/** Is a failed message delivered again when its level says, and a dead letter when it should be one? Each case has a group of its own. */
import { ConsumeResult } from '../../src/index.ts';
import { startCluster } from '../../test/support/cluster/cluster.ts';
import type { Report } from './kit/report.ts';
import { clusterOptions, type Evidence, type Stage } from './kit/stage.ts';
import { embeddedPlace, type Place, realPlace } from './retry/place.ts';
import {
  produce,
  readDeadLetters,
  type Seen,
  WatchedConsumer,
  type WatchedOptions,
} from './retry/watched-consumer.ts';

/** Delays of the levels, first to last. Unit: s. */
type Delays = readonly number[];

const shortDelays: Delays = [1, 1, 1, 1, 2];
const defaultDelays: Delays = [1, 5, 10, 30, 60];
/** Beside the delay: how late a delivery may be. */
const lateMs = 3000;
/** Brokers look at a level's messages in steps; a delay begins when the copy is stored. */
const earlyMs = 100;

export const retryLevels: Evidence = {
  name: 'retry-levels',
  about:
    'maxReconsumeTimes 3: again at levels 3, 4, 5, then in %DLQ%; levels by message and batch, ackIndex, -1, policy drop and deadLetter',
  async run(stage, report) {
    await using embedded = await embeddedPlace(shortDelays.map(seconds => `${seconds}s`).join(' '));
    await Promise.all([onReal(stage, report), all(stage, report.part('embedded'), embedded, shortDelays)]);
  },
};

/** At full size with the broker's own table of delays. */
async function onReal(stage: Stage, report: Report): Promise<void> {
  if (stage.size === 'share') return all(stage, report, realPlace(stage.cluster), shortDelays);
  const options = clusterOptions(stage.cluster.version, stage.size);
  stage.say('starting a broker with the default table of delays');
  await using cluster = await startCluster({ ...options, brokerProperties: {} });
  await all(stage, report, realPlace(cluster), defaultDelays);
}

async function all(stage: Stage, report: Report, place: Place, delays: Delays): Promise<void> {
  const scene = (name: string): Scene => new Scene(stage, report.part(name), place, delays);
  await Promise.all([
    failsFourTimes(scene('fails 4 times')),
    levelOfTheMessage(scene('level of a message')),
    levelOfTheBatch(scene('level of a batch, ackIndex 3')),
    deadAtOnce(scene('level -1')),
    byPolicy(scene('retryPolicy')),
  ]);
}

/** One topic and one group somewhere. */
class Scene {
  readonly report: Report;
  readonly place: Place;
  readonly topic: string;
  readonly group: string;
  readonly stage: Stage;
  readonly #delays: Delays;

  constructor(stage: Stage, report: Report, place: Place, delays: Delays) {
    this.stage = stage;
    this.report = report;
    this.place = place;
    this.#delays = delays;
    this.topic = stage.fresh('levels');
    this.group = stage.fresh('levels-group');
  }

  async start(
    bodies: readonly string[],
    config: WatchedOptions['config'],
    handler: Parameters<typeof WatchedConsumer.start>[2],
  ): Promise<WatchedConsumer> {
    await this.place.createTopic(this.topic, 1);
    await produce(this.place, this.topic, bodies);
    const { topic, group } = this;
    return WatchedConsumer.start(this.place, { topic, group, ...(config && { config }) }, handler);
  }

  until(what: string, isTrue: () => boolean): Promise<void> {
    return this.stage.until(`${this.group} on ${this.place.name}: ${what}`, 150_000, isTrue);
  }

  /** The pauses between the deliveries of a message are those of these levels. */
  judgePauses(seen: readonly Seen[], levels: readonly number[]): void {
    for (const [i, level] of levels.entries()) {
      const ms = (seen[i + 1]?.at ?? Number.NaN) - (seen[i]?.at ?? Number.NaN);
      const delayMs = (this.#delays[level - 1] ?? Number.NaN) * 1000;
      this.report.check(`pause of level ${level}, ms`, Math.round(ms), { atLeast: delayMs - earlyMs });
      this.report.speed(`pause of level ${level}, ms too long`, Math.round(ms - delayMs), { atMost: lateMs });
    }
  }

  /** They are what the handler saw first, and say where they come from. */
  async judgeDead(originals: readonly (Seen | undefined)[]): Promise<void> {
    const { place, group, topic, report, stage } = this;
    const given = { group, reader: stage.fresh('undertakers'), count: originals.length };
    const letters = await readDeadLetters(place, given, stage.until.bind(stage));
    report.check('dead letters', await place.maxOffset(`%DLQ%${group}`, 0), { is: originals.length });
    const byBody = new Map(letters.map(letter => [letter.body.toString(), letter]));
    const agree = originals.filter(original => {
      const letter = original && byBody.get(original.body);
      return (
        letter?.getProperty('RETRY_TOPIC') === topic &&
        letter.msgId === original?.message.msgId &&
        letter.getProperty('ORIGIN_MESSAGE_ID') === original.message.offsetMsgId
      );
    });
    report.check('with their topic and ids', agree.length, { is: originals.length });
  }

  async end(consumer: WatchedConsumer, faults: readonly string[]): Promise<void> {
    const { report, place, topic, group } = this;
    const { clean } = await consumer.stop();
    const retryTopic = `%RETRY%${group}`;
    for (const each of [topic, retryTopic]) {
      const max = await place.maxOffset(each, 0);
      const committed = (await place.committed(group, each, 0)) ?? 0;
      report.check(`committed of ${each === topic ? 'the topic' : '%RETRY%'}`, committed, { is: max });
    }
    report.check('stopped clean', clean, { is: true });
    report.check('faults', consumer.faults().join(), { is: faults.join() });
  }
}

async function failsFourTimes(scene: Scene): Promise<void> {
  const { report } = scene;
  await using consumer = await scene.start(['a', 'fails', 'c'], { maxReconsumeTimes: 3 }, ([message]) => {
    if (message.body.toString() === 'fails') throw new Error('as told');
  });
  await scene.until('a dead letter', () => consumer.told('message.deadLettered').length > 0);
  const seen = consumer.of('fails');
  report.check('attempts before each delivery', attemptsOf(seen), { is: '0,1,2,3' });
  report.check('told as retried at levels', levelsOf(consumer), { is: '3,4,5' });
  report.check('told as dead for', reasonsOf(consumer), { is: 'maxReconsumeTimes' });
  report.check(
    'its topic restored',
    seen.every(({ message }) => message.topic === scene.topic),
    { is: true },
  );
  scene.judgePauses(seen, [3, 4, 5]);
  await scene.judgeDead([seen[0]]);
  report.check('deliveries of the others', consumer.seen.length - seen.length, { is: 2 });
  await scene.end(consumer, ['RMQ_LISTENER_FAILED']);
}

async function levelOfTheMessage(scene: Scene): Promise<void> {
  const { report } = scene;
  await using consumer = await scene.start(['1', '2', '4'], {}, ([message], context) => {
    if (message.reconsumeTimes > 0) return undefined;
    context.delayLevelWhenNextConsume = Number(message.body.toString());
    return ConsumeResult.RECONSUME_LATER;
  });
  await scene.until('all came twice', () => consumer.seen.length >= 6);
  report.check('told as retried at levels', levelsOf(consumer), { is: '1,2,4' });
  for (const level of [1, 2, 4]) scene.judgePauses(consumer.of(String(level)), [level]);
  await scene.end(consumer, []);
  report.check('deliveries', consumer.seen.length, { is: 6 });
}

async function levelOfTheBatch(scene: Scene): Promise<void> {
  const { report } = scene;
  const bodies = ['0', '1', '2', '3', '4', '5', '6', '7'];
  const config = { consumeMessageBatchMaxSize: bodies.length };
  await using consumer = await scene.start(bodies, config, ([first], context) => {
    if (first.reconsumeTimes > 0) return;
    context.ackIndex = 3;
    context.delayLevelWhenNextConsume = 2;
  });
  await scene.until('half of them came twice', () => consumer.seen.length >= bodies.length * 1.5);
  const calls = new Set(consumer.seen.filter(({ attempts }) => attempts === 0).map(({ call }) => call));
  report.check('calls that got them first', calls.size, { is: 1 });
  report.check('deliveries of each', bodies.map(body => consumer.of(body).length).join(), {
    is: '1,1,1,1,2,2,2,2',
  });
  report.check('told as retried at levels', levelsOf(consumer), { is: '2,2,2,2' });
  scene.judgePauses(consumer.of('4'), [2]);
  await scene.end(consumer, []);
}

async function deadAtOnce(scene: Scene): Promise<void> {
  const { report } = scene;
  await using consumer = await scene.start(['a', 'dies', 'c'], {}, ([message], context) => {
    if (message.body.toString() !== 'dies') return undefined;
    context.delayLevelWhenNextConsume = -1;
    return ConsumeResult.RECONSUME_LATER;
  });
  await scene.until('a dead letter', () => consumer.told('message.deadLettered').length > 0);
  report.check('told as dead for', reasonsOf(consumer), { is: 'listener' });
  await scene.judgeDead(consumer.of('dies'));
  await scene.end(consumer, []);
  report.check('deliveries', consumer.seen.length, { is: 3 });
}

/** What a message's body says is what the policy answers. */
async function byPolicy(scene: Scene): Promise<void> {
  const { report } = scene;
  const asked: string[] = [];
  await using consumer = await scene.start(
    ['deadLetter', 'drop', 'level', 'nothing', 'broken', 'fine'],
    {
      retryPolicy: (error, attempt, { body }) => {
        const text = body.toString();
        asked.push(`${text} ${attempt} ${String(error)}`);
        if (text === 'broken') throw new RangeError('a policy that throws');
        if (text === 'deadLetter' || text === 'drop') return text;
        return text === 'level' ? 5 : undefined;
      },
    },
    ([{ body, reconsumeTimes }]) => {
      const text = body.toString();
      if (reconsumeTimes === 0 && text !== 'fine') throw new Error(`of ${text}`);
    },
  );
  await scene.until('three came again', () => consumer.seen.length >= 9);
  const told = (type: 'message.dropped' | 'message.deadLettered' | 'message.retried'): number =>
    consumer.told(type).length;
  report.check('dropped, and told', told('message.dropped'), { is: 1 });
  report.check('told as dead for', reasonsOf(consumer), { is: 'retryPolicy' });
  report.check('told as retried at levels', levelsOf(consumer), { is: '3,3,5' });
  scene.judgePauses(consumer.of('level'), [5]);
  const wanted = ['broken', 'deadLetter', 'drop', 'level', 'nothing'].map(
    text => `${text} 1 Error: of ${text}`,
  );
  const askedRight = asked.toSorted().join() === wanted.join();
  report.check('the policy was asked once for each, with what was thrown', askedRight, { is: true });
  await scene.judgeDead(consumer.of('deadLetter'));
  await scene.end(consumer, ['RMQ_LISTENER_FAILED', 'RMQ_HOOK_FAILED'].toSorted());
  report.check('deliveries', consumer.seen.length, { is: 9 });
}

function attemptsOf(seen: readonly Seen[]): string {
  return seen.map(({ attempts }) => attempts).join();
}

function levelsOf(consumer: WatchedConsumer): string {
  const levels = consumer.told('message.retried').map(({ delayLevel }) => delayLevel);
  return levels.toSorted((a, b) => a - b).join();
}

function reasonsOf(consumer: WatchedConsumer): string {
  return consumer
    .told('message.deadLettered')
    .map(({ reason }) => reason)
    .join();
}
