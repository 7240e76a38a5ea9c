// SPDX-License-Identifier: Apache-2.0
/** Does the official Java client take the embedded cluster for a real one: producer, two consumers beside one of ours, admin tool? */
import type { EmbeddedCluster } from '../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../src/testing/embedded/embedded-cluster.ts';
import { rocketmqJars } from '../../test/support/cluster/jars.ts';
import {
  type JavaRun,
  mqadmin,
  produceByJava,
  startJavaConsumer,
} from '../../test/support/cluster/java-programs.ts';
import { checkHistory } from '../../test/support/history/checker.ts';
import { type Delivery, readJavaDeliveries } from '../../test/support/history/deliveries.ts';
import { judgeStop, untilDone } from './kit/judge.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** Java persists its offsets every 5 s. Unit: ms. */
const commitPatienceMs = 30_000;
const handlerMs = 2;

export const embeddedJava: Evidence = {
  name: 'embedded-java',
  about:
    'the official Java producer sends 10,000 messages to the embedded cluster; two Java consumers and one of ours share them: 0 lost; mqadmin 5.4.0 answers',
  needsCluster: false,
  async run(stage, report) {
    const count = stage.pick({ full: 10_000, share: 600 });
    const topic = stage.fresh('embedded');
    const group = stage.fresh('embedded-group');
    await using cluster = await startEmbeddedCluster({ brokers: 2 });
    cluster.createTopic(topic, { queues: 4 });
    const java = { namesrvAddr: cluster.namesrvAddr, jars: await rocketmqJars('5.5.0') };
    const joinByJava = (instance: string): JavaMember => {
      const out = stage.file(`${group}-${instance}.out`);
      const run = startJavaConsumer(java, { topic, group, out, instance, sleepMs: handlerMs });
      return { run, deliveries: () => readJavaDeliveries(out) };
    };

    await using ours = stage.member({
      ...{ name: 'ours', topic, group, handlerMs, namesrv: cluster.namesrvAddr },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    });
    const members = [joinByJava('anna'), joinByJava('boris')] as const;
    await using _anna = members[0].run;
    await using _boris = members[1].run;
    await stage.until('three members are known to both brokers', 60_000, () =>
      cluster.brokers.every(broker => broker.members(group).length === 3),
    );
    await stage.until('each of the Java consumers has its share', 60_000, () =>
      members.every(({ run }) => lastShare(run) === 2 || lastShare(run) === 3),
    );
    await ours.event('assigned');
    stage.say('two Java consumers and one of ours share 8 queues on two brokers');

    const sent = await produceByJava(java, { topic, count, rate: 1000, retry: true });
    report.check('sent, says the Java producer', sent.summary['sent'] ?? 0, { is: count });
    await untilDone(stage, [ours, ...members], count, 60_000);
    await stage.until('all is committed', commitPatienceMs, () => uncommitted(cluster, topic, group) === 0);
    await judgeTools(stage, report, { cluster, topic, group, count });

    const stopped = await ours.stop();
    const ended = await Promise.all(members.map(({ run }) => run.stop()));
    report.check('Java consumers ended well', ended.filter(({ code }) => code === 0).length, { is: 2 });
    judgeStop(report, 'our member', stopped);
    judgeDeliveries(report, { cluster, topic, count }, [
      ours.deliveries(),
      ...members.map(each => each.deliveries()),
    ]);
    report.check('committed short of the end, messages', uncommitted(cluster, topic, group), { is: 0 });
    const left = cluster.brokers.flatMap(broker => broker.members(group));
    report.check('members left', left.length, { is: 0 });
  },
};

interface JavaMember {
  readonly run: JavaRun;
  deliveries(): readonly Delivery[];
}

/** How many queues it says it has. */
function lastShare({ lines }: JavaRun): number {
  return Number(lines.findLast(line => line.startsWith('ASSIGNED '))?.slice('ASSIGNED '.length));
}

function uncommitted(cluster: EmbeddedCluster, topic: string, group: string): number {
  return cluster.brokers
    .flatMap(broker =>
      broker
        .queues(topic)
        .map(
          ({ queueId, minOffset, maxOffset }) =>
            maxOffset - (broker.committed(group, topic, queueId) ?? minOffset),
        ),
    )
    .reduce((sum, each) => sum + each, 0);
}

/** From the files that the consumers wrote, against what was sent and what the brokers hold. */
function judgeDeliveries(
  report: Report,
  {
    cluster,
    topic,
    count,
  }: { readonly cluster: EmbeddedCluster; readonly topic: string; readonly count: number },
  deliveries: readonly (readonly Delivery[])[],
): void {
  const queues = cluster.brokers.flatMap(broker => broker.queues(topic));
  const verdict = checkHistory({
    sent: { from: 0, to: count },
    deliveries,
    stored: queues.map(({ brokerName, queueId, minOffset, maxOffset }) => ({
      ...{ queue: `${topic}@${brokerName}#${queueId}`, min: minOffset, max: maxOffset },
    })),
  });
  const names = ['ours', 'Java 1', 'Java 2'];
  for (const [index, each] of deliveries.entries()) {
    report.check(`delivered to ${names[index]}`, each.length, { atLeast: 1 });
  }
  report.note('delivered', verdict.done);
  report.check('lost', verdict.lost.length, { is: 0 });
  report.check('lost by offset', verdict.lostOffsets.length, { is: 0 });
  report.check('never sent', verdict.neverSent.length, { is: 0 });
  report.note('repeated by offset', verdict.repeatedByOffset);
}

interface Asked {
  readonly cluster: EmbeddedCluster;
  readonly topic: string;
  readonly group: string;
  readonly count: number;
}

/** What an operator asks: how far is the group, and who is in it? */
async function judgeTools(
  stage: Stage,
  report: Report,
  { cluster, topic, group, count }: Asked,
): Promise<void> {
  const tools = { namesrvAddr: cluster.namesrvAddr, jars: await rocketmqJars('5.4.0') };
  const progress = await mqadmin(tools, ['consumerProgress', '-g', group]);
  stage.say(`mqadmin consumerProgress:\n${progress.stdout}${progress.stderr}`);
  const rows = progress.stdout
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([first]) => first === topic);
  const total = (column: number): number => rows.reduce((sum, row) => sum + Number(row[column]), 0);
  report.check('consumerProgress: exit code', progress.code ?? -1, { is: 0 });
  report.check('consumerProgress: queues of the topic', rows.length, { is: 8 });
  report.check('consumerProgress: messages in them', total(3), { is: count });
  report.check('consumerProgress: consumed', total(4), { is: count });
  report.check('consumerProgress: total lag', /Consume Diff Total: (\d+)/.exec(progress.stdout)?.[1] ?? '', {
    is: '0',
  });

  const connection = await mqadmin(tools, ['consumerConnection', '-g', group]);
  stage.say(`mqadmin consumerConnection:\n${connection.stdout}${connection.stderr}`);
  const known = cluster
    .broker()
    .members(group)
    .map(({ clientId }) => clientId);
  const named = known.filter(clientId => connection.stdout.includes(clientId));
  report.check('consumerConnection: exit code', connection.code ?? -1, { is: 0 });
  report.check('consumerConnection: members', `${named.length} of ${known.length}`, { is: '3 of 3' });
  const lines = connection.stdout.split('\n').map(line => line.trim().replace(/\s+/, ' '));
  report.check('consumerConnection: names the subscription', lines.includes(`${topic} *`), { is: true });
}
