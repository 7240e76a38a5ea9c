// SPDX-License-Identifier: Apache-2.0
/** What does a bridge cost whose page is not there? Start, consumption and exit of fresh processes with and without it. */
import { produceByJava } from '../../../test/support/cluster/java-programs.ts';
import { freePortBlock, releasePortBlock } from '../../../test/support/cluster/ports.ts';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';

interface Times {
  /** `start()` to running. Unit: ms. */
  readonly start: number;
  /** First delivery to the last. Unit: ms. */
  readonly consume: number;
  /** The end of the shutdown to the end of the process. Unit: ms. */
  readonly exit: number;
}

export async function costOfAbsence(stage: Stage, report: Report): Promise<void> {
  const rounds = stage.pick({ full: 9, share: 1 });
  const count = stage.pick({ full: 100_000, share: 2000 });
  const topic = stage.fresh('absence');
  await stage.cluster.createTopic(topic, { queues: 8 });
  await produceByJava(stage.cluster, { topic, count, retry: true });
  const port = await freePortBlock(); // nobody listens there
  const absent = `ws://127.0.0.1:${port}`;

  const plain: Times[] = [];
  const bridged: Times[] = [];
  for (let round = 0; round < rounds; round += 1) {
    plain.push(await oneProcess(stage, topic, count, `plain-${round}`));
    bridged.push(await oneProcess(stage, topic, count, `bridged-${round}`, absent));
  }
  for (const what of ['start', 'consume', 'exit'] as const) {
    const [without, withBridge] = [medianOf(plain, what), medianOf(bridged, what)];
    report.note(`${what}, no bridge: median, ms`, Math.round(without));
    report.note(`${what}, bridge and no page: median, ms`, Math.round(withBridge));
  }
  releasePortBlock(port);
  report.check('processes that ended by themselves', plain.length + bridged.length, { is: 2 * rounds });
}

async function oneProcess(
  stage: Stage,
  topic: string,
  count: number,
  name: string,
  inspect?: string,
): Promise<Times> {
  await using member = stage.member({
    ...{ name, topic, group: stage.fresh('absence-group'), wire: false, flush: 'often', exitAfter: count },
    config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    ...(inspect !== undefined && { inspect }),
  });
  const running = await member.event('running');
  const first = await member.event('firstDelivery');
  const stopping = await member.event('stopping');
  const stopped = await member.event('stopped');
  await member.ended;
  return {
    start: Number(running['msSinceStart']),
    consume: stopping.at - first.at,
    exit: (member.endedAt ?? monotonicMs()) - stopped.at,
  };
}

function medianOf(times: readonly Times[], what: keyof Times): number {
  const sorted = times.map(each => each[what]).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
