// SPDX-License-Identifier: Apache-2.0
/** Does a member notice that another one of its group subscribes otherwise, once, and that it no longer does? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Consumer,
  type ConsumerEvent,
  concurrently,
  createConsumer,
  type Selector,
  silentLogger,
  tag,
} from '../../src/index.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

type Conflict = Extract<ConsumerEvent, { readonly type: 'subscription.conflict' }>;

/** Unit: ms. Looks are taken as often as heartbeats. */
const beat = 1000;

export const conflicts: Evidence = {
  name: 'conflicts',
  about:
    'a member whose group subscribes to a topic otherwise, or to another topic, hears of it once with both selectors, and once when it is over',
  async run(stage, report) {
    await otherSelector(stage, report.part('selector'));
    await otherTopic(stage, report.part('topic'));
  },
};

interface Place {
  readonly stage: Stage;
  readonly group: string;
}

class Watched {
  readonly conflicts: Conflict[] = [];
  readonly consumer: Consumer;

  constructor({ stage, group }: Place, name: string, topic: string, selector: Selector) {
    this.consumer = createConsumer(
      {
        ...{ consumerGroup: group, namesrvAddr: stage.cluster.namesrvAddr, instanceName: name },
        heartbeatBrokerInterval: beat,
        subscriptions: [{ topic, selector }],
        listener: concurrently(() => {}),
      },
      undefined,
      { logger: silentLogger },
    );
    this.consumer.on('subscription.conflict', event => this.conflicts.push(event));
    this.consumer.on('fault', () => {}); // refused pulls, as there should be
  }

  get told(): readonly string[] {
    return this.conflicts.map(({ state, details: { topic, ours, theirs } }) => {
      const name = topic.replace(/-\d+-\d+$/, '');
      return `${state} ${name}: ${ours?.expression ?? 'none'} here, ${theirs?.expression ?? 'none'} there`;
    });
  }
}

async function otherSelector(stage: Stage, report: Report): Promise<void> {
  const topic = stage.fresh('conflicts');
  await stage.cluster.createTopic(topic, { queues: 4 });
  const place = { stage, group: stage.fresh('conflicts-group') };
  const first = new Watched(place, 'first', topic, tag('paid'));
  const second = new Watched(place, 'second', topic, tag('shipped'));
  await first.consumer.start();
  await pause(2 * beat);
  report.check('told while alone', first.told.length, { is: 0 });
  const from = Date.now();
  await second.consumer.start();
  await stage.until('the first has noticed', 60_000, () => first.told.length > 0);
  report.note('noticed after, ms', Date.now() - from);
  await pause(4 * beat);
  report.check('the first was told', first.told.join('; '), {
    is: 'found conflicts: paid here, shipped there',
  });
  const members = first.conflicts[0]?.details.members.map(id => id.split('@')[1]).join(' ');
  report.check('and who', members ?? '', { is: 'second' });
  await second.consumer.updateSelector(topic, tag('paid'));
  await stage.until('it is over', 60_000, () => first.told.length > 1);
  report.check('then', first.told.at(-1) ?? '', { is: 'over conflicts: paid here, shipped there' });
  await Promise.all([first.consumer.shutdown(), second.consumer.shutdown()]);
  report.check('the second, whose selector is the newest, was told', second.told.length, { is: 0 });
}

async function otherTopic(stage: Stage, report: Report): Promise<void> {
  const [here, there] = [stage.fresh('here'), stage.fresh('there')];
  for (const topic of [here, there]) await stage.cluster.createTopic(topic, { queues: 2 });
  const place = { stage, group: stage.fresh('conflicts-group') };
  const one = new Watched(place, 'one', here, tag('*'));
  const other = new Watched(place, 'other', there, tag('*'));
  await one.consumer.start();
  await other.consumer.start();
  const found = (): readonly string[] =>
    [...one.told, ...other.told].filter(told => told.startsWith('found'));
  await stage.until('one of them has noticed', 60_000, () => found().length > 0);
  const known = new Set([
    'found here: * here, none there',
    'found there: none here, * there',
    'found here: none here, * there',
    'found there: * here, none there',
  ]);
  report.check('told of another topic than these two', found().filter(each => !known.has(each)).length, {
    is: 0,
  });
  report.note('told', found().join('; '));
  await Promise.all([one.consumer.shutdown(), other.consumer.shutdown()]);
}
