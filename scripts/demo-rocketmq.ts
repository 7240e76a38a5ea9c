// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run demo:rocketmq`: a real Apache RocketMQ is started, orders are produced, two members share them, one message
 * fails once and comes back, one member leaves, everything stops in order. Ends by itself with exit code 0 or 1.
 *   npm run demo:rocketmq -- --version 4.9.7
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type ConsumerActor,
  concurrently,
  createConsumerActor,
  createProducer,
  type MessageExt,
  shutdown,
  whenRunning,
} from '../src/index.ts';
import { startCluster } from '../test/support/cluster/cluster.ts';
import { rocketmqVersions } from '../test/support/cluster/jars.ts';
import { DemoView, type MemberFigures } from './demo/view.ts';

const { values } = parseArgs({ options: { version: { type: 'string', default: '5.5.0' } } });
const version = rocketmqVersions.find(each => each === values.version);
if (version === undefined) throw new RangeError(`--version must be one of ${rocketmqVersions.join(', ')}`);

const topic = 'orders';
const orderCount = 400;
const ordersPerSecond = 50;
const queues = 8;

class Member implements MemberFigures {
  readonly name: string;
  readonly actor: ConsumerActor;
  consumed = 0;
  retried = 0;
  lastEvent = '';

  constructor(name: string, namesrvAddr: string, handle: (message: MessageExt) => void) {
    this.name = name;
    this.actor = createConsumerActor({
      consumerGroup: 'demo',
      namesrvAddr,
      instanceName: name,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic }],
      listener: concurrently(async ([message]) => {
        await pause(5);
        handle(message);
        this.consumed++;
      }),
    });
    this.actor.on('message.retried', () => {
      this.retried++;
    });
    this.actor.on('*', event => {
      this.lastEvent = event.type;
    });
  }

  get state(): string {
    return JSON.stringify(this.actor.getSnapshot().value).replace(/[{}"]/g, '').replaceAll(':', '.');
  }

  get queueIds(): readonly number[] {
    const { assignedQueues } = this.actor.getSnapshot().context;
    return assignedQueues.filter(({ queue }) => queue.topic === topic).map(({ queue }) => queue.queueId);
  }
}

const view = new DemoView(process.stdout);
view.say(`Starting Apache RocketMQ ${version} (the first time its jars are fetched) …`);
await using cluster = await startCluster({
  version,
  brokerProperties: { messageDelayLevel: '1s 1s 1s 2s 3s 5s 8s' }, // the first retry after 1 s, not 10 s
});
await cluster.createTopic(topic, { queues });
view.say(`Running at ${cluster.namesrvAddr}: topic ${topic} with ${queues} queues.`);

const seen = new Map<string, number>();
let failed = 0;
const handle = ({ keys: [key = ''] }: MessageExt): void => {
  if (key === 'order-100' && failed++ === 0) throw new Error('the payment service did not answer');
  seen.set(key, (seen.get(key) ?? 0) + 1);
};

const producer = createProducer({ namesrvAddr: cluster.namesrvAddr, producerGroup: 'shop' });
await producer.start();
const anna = new Member('anna', cluster.namesrvAddr, handle);
const boris = new Member('boris', cluster.namesrvAddr, handle);
const members = [anna, boris];
let sent = 0;
const drawing = setInterval(() => view.draw({ sent, total: orderCount, consumed: seen.size, members }), 500);

async function produce(): Promise<void> {
  for (; sent < orderCount; sent++) {
    const key = `order-${sent}`;
    await producer.send({ topic, body: JSON.stringify({ key, total: sent * 3 }), tags: 'paid', keys: key });
    await pause(1000 / ordersPerSecond);
  }
}

anna.actor.start();
await whenRunning(anna.actor);
view.say('anna runs and owns every queue.');
const producing = produce();
await pause(2500);
boris.actor.start();
await whenRunning(boris.actor);
view.say('boris joined: the queues are shared.');
await pause(3500);
const borisReport = await shutdown(boris.actor);
view.say(
  `boris left in ${borisReport.durationMs} ms, ${borisReport.clean ? 'clean' : 'not clean'}: anna takes over.`,
);
await producing;
for (let waited = 0; seen.size < orderCount && waited < 15_000; waited += 100) await pause(100);
const annaReport = await shutdown(anna.actor);
clearInterval(drawing);
view.draw({ sent, total: orderCount, consumed: seen.size, members });
await producer.shutdown();

const repeated = [...seen.values()].filter(times => times > 1).length;
const lost = orderCount - seen.size;
const committed = annaReport.committed.filter(({ queue }) => queue.topic === topic);
view.summary([
  `produced          ${sent}`,
  `consumed          ${seen.size} (anna ${anna.consumed}, boris ${boris.consumed})`,
  `lost              ${lost}`,
  `repeated          ${repeated}`,
  `failed, retried   ${failed > 0 ? 'order-100 failed once and came back' : 'none'}`,
  `offsets confirmed ${committed.length} of ${queues} queues, ${committed.reduce((sum, { offset }) => sum + offset, 0)} messages`,
  `anna stopped      ${annaReport.steps.map(({ step, ms }) => `${step} ${ms} ms`).join(', ')}`,
]);
process.exitCode = lost === 0 && annaReport.clean && borisReport.clean && failed > 1 ? 0 : 1;
