// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run demo:rocketmq`: the demo on a real Apache RocketMQ, which is started for it and ended with it.
 *   npm run demo:rocketmq -- --version 4.9.7
 */
import { parseArgs } from 'node:util';
import { startCluster } from '../test/support/cluster/cluster.ts';
import { rocketmqVersions } from '../test/support/cluster/jars.ts';
import { run } from './demo/run.ts';
import type { Stage } from './demo/stage.ts';
import { wireStage } from './demo/wire-stage.ts';

const { values } = parseArgs({
  options: { version: { type: 'string', default: '5.5.0' }, plain: { type: 'boolean', default: false } },
});
const version = rocketmqVersions.find(each => each === values.version);
if (version === undefined) throw new RangeError(`--version must be one of ${rocketmqVersions.join(', ')}`);

async function raise(): Promise<Stage> {
  console.log(`Starting Apache RocketMQ ${version} (the first time its jars are fetched) …`);
  const brokerProperties = { messageDelayLevel: '1s 1s 1s 2s 3s 5s 8s' }; // the first retries after 1 s and 2 s, not 10 s and 30 s
  const cluster = await startCluster({ ...(version && { version }), brokerProperties });
  try {
    const { namesrvAddr } = cluster;
    const stage = await wireStage({ namesrvAddr, called: `Apache RocketMQ ${version}`, delayLevel: 0 });
    const dispose = async (): Promise<void> => {
      await stage[Symbol.asyncDispose]();
      await cluster.stop();
    };
    return { ...stage, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

process.exitCode = await run(raise, { plain: values.plain });
