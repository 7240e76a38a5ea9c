// SPDX-License-Identifier: Apache-2.0
/** A topic is resized, closed and opened under load; another one is deleted and made again, larger than it was. */
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import { judgeStops } from '../kit/crew.ts';
import { judgeCommitted, judgeHistory, untilDone } from '../kit/judge.ts';
import { Load } from '../kit/load.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { named, TopicTrial } from './trial.ts';

const writeOnly = 2;

/** Two members, 8 → 4 → 8 queues, then closed for reading and opened again: nothing is lost, nothing comes twice. */
export async function resized(stage: Stage, report: Report): Promise<void> {
  await using trial = new TopicTrial(stage, 'resized');
  const { crew, topic } = trial;
  await trial.setQueues(8);
  for (const name of ['m0', 'm1']) await crew.join(name).event('running');
  await trial.settled(report, 'at first', { shows: named({ 'broker-a': 8 }), split: '4/4' });
  await using load = new Load(stage, { topic, rate: stage.pick({ full: 500, share: 200 }) });
  const steps = [
    { what: '8 → 4', queues: 4, perm: 6, split: '2/2' },
    { what: '4 → 8', queues: 8, perm: 6, split: '4/4' },
    { what: 'closed', queues: 8, perm: writeOnly, split: '0/0' },
    { what: 'opened', queues: 8, perm: 6, split: '4/4' },
  ];
  for (const { what, queues, perm, split } of steps) {
    const before = load.sent;
    await stage.until('the load goes on', 60_000, () => load.sent >= before + 100);
    await trial.setQueues(queues, 'broker-a', perm);
    await trial.settled(report, what, { shows: named({ 'broker-a': queues }, perm), split });
  }
  const count = await load.stop();
  await untilDone(stage, crew.all, count);
  await crew.stop();
  report.check('revoked, for no route', trial.revoked('unrouted'), { atLeast: 8 });
  const sent = { from: 0, to: count };
  await judgeHistory(stage, report, { topic, sent, deliveries: crew.deliveries(), repeats: 'none' });
  await judgeCommitted(stage, report, { topic, group: crew.group });
  judgeStops(report, crew);
}

/** Made again, it has more messages than were committed before, when its consumer sees it: it begins at the first all the same. */
export async function deletedAndMadeAgain(stage: Stage, report: Report): Promise<void> {
  await using trial = new TopicTrial(stage, 'deleted');
  const { crew, topic } = trial;
  const each = stage.pick({ full: 5000, share: 300 });
  await trial.setQueues(8);
  await send(stage, topic, each);
  await crew.join('m0').event('running');
  await untilDone(stage, crew.all, each);
  await stage.until(
    'all is committed',
    60_000,
    async () => (await stage.cluster.admin.lag(topic, crew.group)) === 0,
  );
  await trial.delete();
  await trial.settled(report, 'deleted', { shows: route => route === undefined, split: '0' });
  report.check('revoked, as deleted', trial.revoked('deleted'), { is: 8 });
  report.check('told once', trial.faults('RMQ_TOPIC_DELETED'), { is: 1 });
  await trial.quiet(
    report,
    'deleted',
    stage.pick({ full: 30_000, share: 4000 }),
    stage.pick({ full: 3, share: 10 }),
  );

  const again = monotonicMs();
  await trial.setQueues(4);
  const sent = await send(stage, topic, 2 * each);
  await trial.settled(report, 'made again', { shows: named({ 'broker-a': 4 }), split: '4' });
  const second = {
    deliveries: () => crew.all.flatMap(member => member.deliveries().filter(({ at }) => at > again)),
  };
  await untilDone(stage, [second], sent);
  await crew.stop();
  const begins = crew
    .events('assigned')
    .filter(({ at, queue }) => at > again && Object(queue).topic === topic);
  report.check('begins at', begins.map(({ offset }) => String(offset)).join(' '), { is: '0 0 0 0' });
  await judgeHistory(stage, report, {
    ...{ topic, sent: { from: 0, to: sent }, deliveries: [second.deliveries()], repeats: 'none' as const },
  });
  await judgeCommitted(stage, report, { topic, group: crew.group });
  judgeStops(report, crew);
}

/** At least so many, as fast as they are taken. */
async function send(stage: Stage, topic: string, count: number): Promise<number> {
  await using load = new Load(stage, { topic, rate: 2000 });
  await stage.until(`${count} are sent`, 60_000, () => load.sent >= count);
  return load.stop();
}
