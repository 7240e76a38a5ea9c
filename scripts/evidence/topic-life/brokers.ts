// SPDX-License-Identifier: Apache-2.0
/** A broker is added to a topic and taken away for good; name servers forget all brokers, as when they were just started. */
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import { judgeStops } from '../kit/crew.ts';
import { judgeCommitted, judgeHistory, untilDone } from '../kit/judge.ts';
import { Load } from '../kit/load.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { named, TopicTrial } from './trial.ts';

const quietMs = 20_000;

/** Added under load, stopped in order, and there again at the end, so that what it has can be counted. */
export async function comesAndGoes(stage: Stage, report: Report): Promise<void> {
  await using trial = new TopicTrial(stage, 'moved');
  const { crew, topic } = trial;
  const removed = stage.cluster.broker('broker-b');
  await trial.setQueues(4);
  for (const name of ['m0', 'm1']) await crew.join(name).event('running');
  await trial.settled(report, 'at first', { shows: named({ 'broker-a': 4 }), split: '2/2' });
  await using load = new Load(stage, { topic, rate: 500 });
  await stage.until('the load is there', 60_000, () => load.sent >= 500);
  await trial.setQueues(4, 'broker-b');
  const both = named({ 'broker-a': 4, 'broker-b': 4 });
  await trial.settled(report, 'added', { shows: both, split: '4/4' });
  await pause(5000);
  await removed.terminate();
  stage.say('broker-b has stopped');
  await trial.settled(report, 'removed', { shows: named({ 'broker-a': 4 }), split: '2/2' });
  report.check('revoked, for no route', trial.revoked('unrouted'), { atLeast: 4 });
  report.check('told by each member once', trial.faults('RMQ_BROKER_REMOVED'), { is: 2 });
  const from = monotonicMs();
  await pause(quietMs);
  const port = Number(removed.address.split(':')[1]);
  const sent = crew.all.flatMap(each => each.wire().filter(one => one.at >= from && one.port === port));
  report.check(`requests to the removed broker in ${quietMs} ms`, sent.length, { is: 0 });
  await removed.restart();
  await trial.settled(report, 'there again', { shows: both, split: '4/4' });
  const count = await load.stop();
  await untilDone(stage, crew.all, count);
  await crew.stop();
  const history = { topic, sent: { from: 0, to: count }, deliveries: crew.deliveries() };
  await judgeHistory(stage, report, { ...history, repeats: 'told' });
  await judgeCommitted(stage, report, { topic, group: crew.group });
  judgeStops(report, crew);
}

/** Until brokers register again, which at full size they do by themselves within 30 s, no name server knows the topic. */
export async function forgotten(stage: Stage, report: Report): Promise<void> {
  await using trial = new TopicTrial(stage, 'forgotten');
  const { crew, topic } = trial;
  const { admin, nameServers, brokers } = stage.cluster;
  await trial.setQueues(8);
  await crew.join('m0', { config: { pollNameServerInterval: 1000 } }).event('running');
  await trial.settled(report, 'at first', { shows: named({ 'broker-a': 8 }), split: '8' });
  const { namesrvAddr } = stage.cluster;
  await using load = new Load(stage, { topic, rate: stage.pick({ full: 500, share: 200 }) });
  await stage.until('the load is there', 60_000, () => load.sent >= 100);
  stage.say(`${namesrvAddr} forget ${brokers.length} brokers`);
  const from = monotonicMs();
  for (const { address } of nameServers) {
    for (const broker of await admin.clusterBrokers(address)) await admin.unregisterBroker(address, broker);
  }
  const isUnknown = async (): Promise<boolean> => (await admin.topicRoute(topic)) === undefined;
  await stage.until('the topic is unknown', 30_000, isUnknown);
  await pause(stage.pick({ full: 3000, share: 3000 }));
  if (stage.size === 'share') for (const { address } of brokers) await admin.registerNow(address);
  await stage.until('the topic is known again', 90_000, async () => !(await isUnknown()));
  report.note('unknown for, ms', Math.round(monotonicMs() - from));
  await pause(2000);
  const delivered = crew
    .deliveries()
    .flat()
    .filter(({ at }) => at > from).length;
  report.check('delivered meanwhile', delivered, { atLeast: 100 });
  const count = await load.stop();
  await untilDone(stage, crew.all, count);
  report.check('revoked', crew.events('revoked').length, { is: 0 });
  await crew.stop();
  const history = { topic, sent: { from: 0, to: count }, deliveries: crew.deliveries() };
  await judgeHistory(stage, report, { ...history, repeats: 'none' });
  await judgeCommitted(stage, report, { topic, group: crew.group });
  judgeStops(report, crew);
}
