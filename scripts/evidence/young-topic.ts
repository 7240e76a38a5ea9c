// SPDX-License-Identifier: Apache-2.0
/** With the default CONSUME_FROM_LAST_OFFSET: is anything lost that was sent to a topic or queue younger than what the consumer knows? */
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer } from '../../src/index.ts';
import { startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import { bodyOf } from './kit/load.ts';
import type { Evidence } from './kit/stage.ts';

export const youngTopic: Evidence = {
  name: 'young-topic',
  about:
    'a consumer with the default LAST, started before its topic exists; the first send makes the topic: 0 lost',
  async run(stage, report) {
    const count = stage.pick({ full: 10_000, share: 500 });
    const topic = stage.fresh('young');
    const group = stage.fresh('young-group');
    await using member = stage.member({ name: 'solo', topic, group });
    await member.event('running');
    const fault = await member.event('fault');
    // The route of an unknown topic is asked more and more seldom, up to every 30 s: the first messages wait for that.
    await pause(stage.pick({ full: 20_000, share: 2000 }));

    await using producer = createProducer({
      namesrvAddr: stage.cluster.namesrvAddr,
      producerGroup: stage.fresh('young-producers'),
    });
    await producer.start();
    const startedAt = Date.now();
    for (let sequence = 0; sequence < count; sequence += 1) {
      await producer.send({ topic, body: bodyOf(sequence) });
    }
    stage.say(`sent ${count} in ${Date.now() - startedAt} ms`);
    await untilDone(stage, [member], count);
    const stopped = await member.stop();

    report.check('before it exists', String(Object(fault['error']).code), { is: 'RMQ_TOPIC_NOT_FOUND' });
    await judgeHistory(stage, report, {
      ...{ topic, sent: { from: 0, to: count }, deliveries: [member.deliveries()], repeats: 'none' as const },
    });
    await judgeCommitted(stage, report, { topic, group });
    judgeStop(report, 'consumer', stopped);
  },
};

export const grownTopic: Evidence = {
  name: 'grown-topic',
  about: 'a topic grown from 4 to 8 queues under 500 msg/s, default LAST: 0 lost',
  async run(stage, report) {
    const half = stage.pick({ full: 10_000, share: 1500 });
    const config = stage.pick({ full: {}, share: { pollNameServerInterval: 2000 } });
    const topic = stage.fresh('grown');
    const group = stage.fresh('grown-group');
    await stage.cluster.createTopic(topic, { queues: 4 });
    await using member = stage.member({ name: 'solo', topic, group, config });
    await member.event('running');
    for (let queueId = 0; queueId < 4; queueId += 1) {
      await member.event('assigned', ({ queue }) => Object(queue).queueId === queueId); // LAST of the old queues is known
    }

    await using before = startJavaProducer(stage.cluster, { topic, count: half, rate: 500, retry: true });
    await before.line(/^PROGRESS sent=[1-9]/);
    await pause(stage.pick({ full: 8000, share: 500 }));
    await stage.cluster.updateQueues(topic, 8);
    stage.say('the topic has 8 queues');
    await using after = startJavaProducer(stage.cluster, {
      topic,
      start: half,
      count: half,
      rate: 500,
      retry: true,
    });
    await Promise.all([before.finished, after.finished]);
    await untilDone(stage, [member], 2 * half);
    const stopped = await member.stop();

    const offsets = await stage.cluster.admin.queueOffsets(topic);
    const inNewQueues = offsets.filter(({ queueId }) => queueId >= 4).reduce((sum, { max }) => sum + max, 0);
    report.check('sent to the new queues', inNewQueues, { atLeast: 4 });
    await judgeHistory(stage, report, {
      ...{
        topic,
        sent: { from: 0, to: 2 * half },
        deliveries: [member.deliveries()],
        repeats: 'none' as const,
      },
    });
    await judgeCommitted(stage, report, { topic, group });
    judgeStop(report, 'consumer', stopped);
  },
};
