// SPDX-License-Identifier: Apache-2.0
// Starts a real Apache RocketMQ in the foreground, for trying things out; Ctrl-C ends it and removes its files.
//   npx tsx scripts/rocketmq.ts [--version 5.5.0] [--brokers 2] [--name-servers 1] [--slaves] [--topic orders:8]

import { parseArgs } from 'node:util';
import { startCluster } from '../test/support/cluster/cluster.ts';
import { rocketmqVersions } from '../test/support/cluster/jars.ts';

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '5.5.0' },
    brokers: { type: 'string', default: '1' },
    'name-servers': { type: 'string', default: '1' },
    slaves: { type: 'boolean', default: false },
    topic: { type: 'string', multiple: true, default: [] },
  },
});

const version = rocketmqVersions.find(each => each === values.version);
if (version === undefined) {
  throw new RangeError(`--version must be one of ${rocketmqVersions.join(', ')}, not ${values.version}`);
}
const brokers = Array.from({ length: countOf('brokers') }, (_, index) => ({
  name: `broker-${String.fromCharCode('a'.charCodeAt(0) + index)}`,
  slave: values.slaves,
}));

console.log(`Starting RocketMQ ${version}; the first time its jars are fetched.`);
const cluster = await startCluster({
  version,
  nameServers: countOf('name-servers'),
  brokers,
  purpose: 'measuring',
});
for (const topic of values.topic) {
  const [name = topic, queues = '8'] = topic.split(':');
  await cluster.createTopic(name, { queues: Number(queues) });
}
for (const broker of cluster.brokers) {
  console.log(`${broker.name}  ${broker.address}  pid ${broker.pid}`);
}
console.log(`logs and stores: ${cluster.folder}`);
console.log(`ROCKETMQ_NAMESRV_ADDR='${cluster.namesrvAddr}'`);
console.log('Ctrl-C ends it.');

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!stopping) {
      stopping = true;
      void cluster.stop().then(() => console.log('Stopped.'));
    }
  });
}

function countOf(option: 'brokers' | 'name-servers'): number {
  const count = Number(values[option]);
  if (!Number.isInteger(count) || count < 1 || count > 26) {
    throw new RangeError(`--${option} must be a number from 1 to 26, not ${values[option]}`);
  }
  return count;
}
