// SPDX-License-Identifier: Apache-2.0
/** Does the Stately inspector see what a consumer does on a real broker, and does it cost nothing when nobody looks? */
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import {
  type ConsumerActor,
  concurrently,
  createConsumerActor,
  createProducer,
  execute,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../src/index.ts';
import { statelyBridge } from '../../src/inspect/index.ts';
import { bodyOf } from './kit/load.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { costOfAbsence } from './stately/absence.ts';

const queues = 4;
const canary = 'canary-of-the-body';

export const stately: Evidence = {
  name: 'stately',
  shareOn: '4.9.7',
  about:
    "@statelyai/inspect's adapter gets actors, events and states of a consumer, no bodies; without a page nothing is slower",
  async run(stage, report) {
    await watched(stage, report.part('with a page'));
    await costOfAbsence(stage, report.part('without'));
  },
};

/** What must be seen: the actor's chart, and a state of it. */
const wanted: readonly (readonly [chart: string, state: string])[] = [
  ['consumer', 'registering'],
  ['consumer', 'active'],
  ['consumer', 'suspended'],
  ['consumer', 'draining'],
  ['consumer', 'persisting'],
  ['consumer', 'stopped'],
  ['pull', 'waitingForHandover'],
  ['pull', 'pulling'],
  ['pull', 'throttled'],
  ['consume', 'dispatching'],
  ['consume', 'suspended'],
  ['brokerReturns', 'sending'],
];

async function watched(stage: Stage, report: Report): Promise<void> {
  const names = { topic: stage.fresh('stately'), group: stage.fresh('stately-group') };
  const count = stage.pick({ full: 5000, share: 400 });
  await stage.cluster.createTopic(names.topic, { queues });
  await produce(stage, names.topic, count);

  const page: StatelyInspectionEvent[] = [];
  const { adapter } = createInspector({ send: event => page.push(event) });
  const bridge = statelyBridge({ adapter });
  const done = new Set<string>();

  const boris = consumerOf(stage, { ...names, name: 'boris', done, handlerMs: 40 });
  await whenRunning(boris.start());
  await stage.until('boris works', 30_000, () => done.size > 20);
  const anna = consumerOf(stage, { ...names, name: 'anna', done, handlerMs: 5, inspect: bridge.inspect });
  await whenRunning(anna.start());
  await stage.until('anna was throttled', 60_000, () => hasSeen(page, 'pull', 'throttled'));
  await execute(anna, { type: 'consumer.suspend' });
  await stage.until('her queues are suspended', 30_000, () => hasSeen(page, 'consume', 'suspended'));
  await execute(anna, { type: 'consumer.resume' });
  await stage.until('all is consumed', 240_000, () => done.size === count);
  await shutdown(anna);
  await shutdown(boris);
  bridge.close();

  const { sent, dropped, failed, actors } = bridge.figures();
  for (const [chart, state] of wanted) {
    report.check(`seen: ${chart} ${state}`, hasSeen(page, chart, state), { is: true });
  }
  const known = new Set<string>();
  let strangers = 0;
  for (const event of page) {
    if (event.type === '@xstate.actor') known.add(event.sessionId);
    else if (!known.has(event.sessionId)) strangers += 1;
  }
  report.check('news of actors not introduced', strangers, { is: 0 });
  report.check('bodies and secrets in it', JSON.stringify(page).includes(canary), { is: false });
  report.check('that could not be shown', failed, { is: 0 });
  report.check('actors kept after the end', actors, { is: 0 });
  report.check('consumed', done.size, { is: count });
  report.note('shown', sent);
  report.note('events left out', dropped);
  report.note('most bytes of one', Math.max(...page.map(event => JSON.stringify(event).length)));
}

function hasSeen(page: readonly StatelyInspectionEvent[], chart: string, state: string): boolean {
  const ofChart = new Set<string>();
  for (const event of page) {
    if (event.type === '@xstate.actor') {
      if (chartOf(event.definition) === chart) ofChart.add(event.sessionId);
    }
    if (event.type === '@xstate.event' || !ofChart.has(event.sessionId)) continue;
    if ('value' in event.snapshot && JSON.stringify(event.snapshot.value).includes(`"${state}"`)) return true;
  }
  return false;
}

function chartOf(definition: string | undefined): unknown {
  const config: unknown = JSON.parse(definition ?? '{}');
  return typeof config === 'object' && config !== null && 'id' in config ? config.id : undefined;
}

interface Given {
  readonly topic: string;
  readonly group: string;
  readonly name: string;
  readonly handlerMs: number;
  readonly done: Set<string>;
  readonly inspect?: ReturnType<typeof statelyBridge>['inspect'];
}

function consumerOf(stage: Stage, { topic, group, name, handlerMs, done, inspect }: Given): ConsumerActor {
  return createConsumerActor(
    {
      ...{ consumerGroup: group, namesrvAddr: stage.cluster.namesrvAddr, instanceName: name },
      ...{ subscriptions: [{ topic }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
      ...{ pullBatchSize: 8, pullThresholdForQueue: 8, consumeConcurrency: 4 },
      listener: concurrently(async ([message]) => {
        await new Promise(resolve => setTimeout(resolve, handlerMs));
        const sequence = message.body.toString('latin1', 0, 10);
        if (Number(sequence) % 50 === 0 && message.reconsumeTimes === 0) throw new Error('once');
        done.add(sequence);
      }),
    },
    { logger: silentLogger, inspect },
  );
}

async function produce(stage: Stage, topic: string, count: number): Promise<void> {
  await using producer = createProducer({
    namesrvAddr: stage.cluster.namesrvAddr,
    producerGroup: 'stately-producer',
  });
  await producer.start();
  for (let sent = 0; sent < count; sent += 50) {
    const size = Math.min(50, count - sent);
    await producer.sendBatch(
      Array.from({ length: size }, (_, i) => ({
        topic,
        body: `${bodyOf(sent + i)}${canary}`,
      })),
    );
  }
}
