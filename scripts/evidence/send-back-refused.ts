// SPDX-License-Identifier: Apache-2.0
/** What becomes of failed messages while no broker takes them back, and does any offset pass one before somebody has it? */
import { setTimeout as pause } from 'node:timers/promises';
import { type ConsumeMessages, ConsumeResult } from '../../src/index.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { deadLettersOf, embeddedPlace, type Place, type Refusing, realPlace } from './retry/place.ts';
import type { Refusal } from './retry/refusing-dialer.ts';
import { produce, readDeadLetters, type Seen, WatchedConsumer } from './retry/watched-consumer.ts';

const refusals: readonly Refusal[] = ['error', 'silence', 'cut'];
/** How long a send-back waits for its answer: the usual time where a connection is made anew meanwhile. Unit: ms. */
const sendTimeouts: Readonly<Record<Refusal, number>> = { error: 700, silence: 700, cut: 8000 };
/** A message nobody took is delivered again from here after 5 s, less the grain of timers. Unit: ms. */
const localPause = 4980;
const pollMs = 50;

export const sendBackRefused: Evidence = {
  name: 'send-back-refused',
  about:
    '36 answered with an error, not answered, or the connection cut: a copy goes instead; that refused too: again from here after 5 s; no offset passes',
  shareOn: '4.9.7', // what it shows is ours, not the broker's
  async run(stage, report) {
    await using embedded = await embeddedPlace('1s 1s 1s 1s 2s');
    const places = [
      { place: realPlace(stage.cluster), report },
      { place: embedded, report: report.part('embedded') },
    ];
    await Promise.all(
      places.flatMap(({ place, report: own }) =>
        refusals.flatMap(how => [
          copied(new Trial(stage, own.part(`36, ${how}`), place), how),
          kept(new Trial(stage, own.part(`36 and copies, ${how}`), place), how),
        ]),
      ),
    );
  },
};

/** One topic with one queue, and one group, somewhere. */
class Trial {
  readonly stage: Stage;
  readonly report: Report;
  readonly place: Place;
  readonly topic: string;
  readonly group: string;
  /** Committed offsets of the topic, with the time at which the broker's answer was here. */
  readonly #samples: { readonly committed: number; readonly at: number }[] = [];

  constructor(stage: Stage, report: Report, place: Place) {
    this.stage = stage;
    this.report = report;
    this.place = place;
    this.topic = stage.fresh('refused');
    this.group = stage.fresh('refused-group');
  }

  async start(
    refusing: Refusing,
    bodies: readonly string[],
    handler: ConsumeMessages,
  ): Promise<WatchedConsumer> {
    const { topic, group, place } = this;
    await place.createTopic(topic, 1);
    await produce(place, topic, bodies);
    const config = { maxReconsumeTimes: 1, consumerTimeoutMillisSendMessage: sendTimeouts[refusing.how] };
    const { environment } = refusing;
    return WatchedConsumer.start(place, { topic, group, config, environment }, handler);
  }

  until(what: string, isTrue: () => boolean): Promise<void> {
    return this.stage.until(`${this.group} on ${this.place.name}: ${what}`, 90_000, isTrue);
  }

  /** Asks all the time what is committed, until the signal. */
  async poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const committed = await this.place.committed(this.group, this.topic, 0).catch(() => undefined);
      if (committed !== undefined) this.#samples.push({ committed, at: performance.now() });
      await pause(pollMs);
    }
  }

  /** No sample lies behind one of these messages before somebody had it. */
  judgeOffsets(held: readonly { readonly queueOffset: number; readonly takenAt: number }[]): void {
    const passed = held.flatMap(({ queueOffset, takenAt }) =>
      this.#samples.filter(({ committed, at }) => committed > queueOffset && at < takenAt),
    );
    this.report.note('samples of the committed offset', this.#samples.length);
    this.report.check('of these past a message nobody had', passed.length, { is: 0 });
  }

  async end(consumer: WatchedConsumer): Promise<void> {
    const { clean } = await consumer.stop();
    const max = await this.place.maxOffset(this.topic, 0);
    this.report.check('committed at the end', (await this.place.committed(this.group, this.topic, 0)) ?? 0, {
      is: max,
    });
    this.report.check('stopped clean', clean, { is: true });
  }
}

type Fate = 'fine' | 'once' | 'dies' | 'always';

function fateOf(body: string): Fate {
  const place = Number(body) % 20;
  if (place === 5) return 'once';
  if (place === 10) return 'dies';
  return place === 15 ? 'always' : 'fine';
}

/** What the handler is to do with each message, and what should become of it. */
class Fates {
  readonly bodies: readonly string[];

  constructor(count: number) {
    this.bodies = Array.from({ length: count }, (_, i) => String(i));
  }

  those(...fates: readonly Fate[]): readonly string[] {
    return this.bodies.filter(body => fates.includes(fateOf(body)));
  }

  /** Those of them that end as dead letters. */
  get dead(): readonly string[] {
    return this.those('dies', 'always');
  }

  get deliveries(): number {
    return this.bodies.length + this.those('once', 'always').length;
  }
}

/** The attempts before each delivery. */
const wanted: Readonly<Record<Fate, string>> = { fine: '0', once: '0,1', dies: '0', always: '0,1' };

const byFate: ConsumeMessages = ([{ body, reconsumeTimes }], context) => {
  const fate = fateOf(body.toString());
  if (fate === 'fine' || (fate === 'once' && reconsumeTimes > 0)) return undefined;
  if (fate === 'dies') context.delayLevelWhenNextConsume = -1;
  return ConsumeResult.RECONSUME_LATER;
};

/** maxReconsumeTimes is 1: what failed once is to come again, though 4.9 takes a copy with as many attempts for dead. */
async function copied(trial: Trial, how: Refusal): Promise<void> {
  const { stage, place, group } = trial;
  const fates = new Fates(stage.pick({ full: 400, share: 60 }));
  const refusing = place.refuse(group, how, 'sendBacks');
  const polling = new AbortController();
  await using consumer = await trial.start(refusing, fates.bodies, byFate);
  const polled = trial.poll(polling.signal);
  await trial.until('all ends', () => {
    const { length } = consumer.told('message.deadLettered');
    return consumer.seen.length >= fates.deliveries && length >= fates.dead.length;
  });
  await pause(1500); // whatever comes once too often
  polling.abort();
  await polled;
  judgeCopies(trial, consumer, fates, refusing);
  await judgeDead(trial, consumer, fates.dead);
  await trial.end(consumer);
}

function judgeCopies(
  trial: Trial,
  consumer: WatchedConsumer,
  fates: Fates,
  { sendBacks, copies }: Refusing,
): void {
  const { report, topic } = trial;
  const asWanted = fates.bodies.filter(body => attemptsOf(consumer.of(body)) === wanted[fateOf(body)]);
  report.check('delivered as often as they should be', asWanted.length, { is: fates.bodies.length });
  report.check('36 tried', sendBacks(), { atLeast: 1 });
  const failures = fates.those('once', 'dies', 'always').length + fates.those('always').length;
  report.check('copies sent', copies(), { is: failures });
  report.check('told as not taken', consumer.faults().includes('RMQ_SEND_BACK_FAILED'), { is: false });
  const takenAt = new Map(
    [...consumer.told('message.retried'), ...consumer.told('message.deadLettered')]
      .filter(({ queue }) => queue.topic === topic)
      .map(({ msgId, at }) => [msgId, at]),
  );
  const failed = fates.those('once', 'dies', 'always').flatMap(body => consumer.of(body).slice(0, 1));
  trial.judgeOffsets(
    failed.map(({ message: { queueOffset, msgId } }) => ({
      queueOffset,
      takenAt: takenAt.get(msgId) ?? Number.POSITIVE_INFINITY,
    })),
  );
}

function attemptsOf(seen: readonly Seen[]): string {
  return seen.map(({ attempts }) => attempts).join();
}

async function judgeDead(
  { stage, report, place, group, topic }: Trial,
  consumer: WatchedConsumer,
  dead: readonly string[],
): Promise<void> {
  const given = { group, reader: stage.fresh('undertakers'), count: dead.length };
  const letters = await readDeadLetters(place, given, stage.until.bind(stage));
  report.check('dead letters', await place.maxOffset(deadLettersOf(group), 0), { is: dead.length });
  const ids = new Map(letters.map(letter => [letter.body.toString(), letter]));
  const right = dead.filter(body => {
    const letter = ids.get(body);
    const original = consumer.of(body)[0]?.message;
    return letter?.getProperty('RETRY_TOPIC') === topic && letter.msgId === original?.msgId;
  });
  report.check('of these with their topic and id', right.length, { is: dead.length });
}

/** Nobody takes it: it fails twice more from here, the last time when the broker is itself again. */
async function kept(trial: Trial, how: Refusal): Promise<void> {
  const { report, place, group, topic } = trial;
  const bodies = Array.from({ length: 20 }, (_, i) => String(i));
  const refusing = place.refuse(group, how, 'sendBacksAndCopies');
  const polling = new AbortController();
  let deliveries = 0;
  await using consumer = await trial.start(refusing, bodies, ([{ body, reconsumeTimes }]) => {
    if (body.toString() !== '7' || reconsumeTimes > 0) return undefined;
    deliveries += 1;
    if (deliveries === 3) refusing.stop();
    return ConsumeResult.RECONSUME_LATER;
  });
  const polled = trial.poll(polling.signal);
  await trial.until('it is done', () => consumer.of('7').length >= 4);
  await pause(1500); // whatever comes once too often
  polling.abort();
  await polled;

  const seen = consumer.of('7');
  const pauses = seen.slice(1, 3).map(({ at }, i) => at - (seen[i]?.at ?? Number.NaN));
  const taken = consumer.told('message.retried').filter(({ queue }) => queue.topic === topic);
  report.check('attempts before each delivery', attemptsOf(seen), { is: '0,0,0,1' });
  report.check('shortest pause before it came again from here, ms', Math.round(Math.min(...pauses)), {
    atLeast: localPause,
  });
  report.check('told as not taken', consumer.faults().includes('RMQ_SEND_BACK_FAILED'), { is: true });
  report.note('faults', consumer.faults().join());
  report.check('taken once', taken.length, { is: 1 });
  report.check('deliveries of the others', consumer.seen.length - seen.length, { is: bodies.length - 1 });
  trial.judgeOffsets([
    {
      queueOffset: seen[0]?.message.queueOffset ?? Number.NaN,
      takenAt: taken[0]?.at ?? Number.POSITIVE_INFINITY,
    },
  ]);
  await trial.end(consumer);
}
