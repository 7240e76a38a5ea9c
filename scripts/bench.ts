// SPDX-License-Identifier: Apache-2.0
/**
 * How fast is it, on this machine, now? In interleaved rounds on one real cluster with a backlog: the bare pull loop (the
 * wire's limit), this consumer with an async handler per message and with a batch handler, the official Java consumer.
 * Prints every round and the medians of per-round ratios. A measurement, never a test: run it on a quiet machine.
 *   npm run bench -- --version 5.5.0 --count 1000000 --rounds 5
 */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cluster, startCluster } from '../test/support/cluster/cluster.ts';
import { rocketmqVersions } from '../test/support/cluster/jars.ts';
import { produceByJava, startJavaConsumer } from '../test/support/cluster/java-programs.ts';
import { median, table } from './bench/figures.ts';

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '5.5.0' },
    count: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    'no-java': { type: 'boolean', default: false },
  },
});
const version = rocketmqVersions.find(each => each === values.version);
if (version === undefined) throw new RangeError(`--version must be one of ${rocketmqVersions.join(', ')}`);
const count = wholeNumber('count');
const rounds = wholeNumber('rounds');
const topic = 'bench';
const queues = 8;
const size = 256;
const folder = join(import.meta.dirname, 'bench');

interface Run {
  readonly rate: number;
  readonly cpuMicrosPerMessage?: number;
  readonly peakMemoryMb?: number;
}

type Contender = 'raw' | 'message' | 'batch' | 'java';

await runToEnd('npm', ['run', '--silent', 'build']);
console.log(
  `Starting Apache RocketMQ ${version}, then ${count} messages of ${size} bytes to ${queues} queues …`,
);
await using cluster = await startCluster({ version, purpose: 'measuring' });
await cluster.createTopic(topic, { queues });
await produceByJava(cluster, { topic, count, size });

const contenders: readonly Contender[] = values['no-java']
  ? ['raw', 'message', 'batch']
  : ['raw', 'message', 'batch', 'java'];
await measure('raw', cluster, 'warm-up'); // not counted: the broker's own code is compiled while it answers this one
const results = new Map<Contender, Run[]>(contenders.map(name => [name, []]));
for (let round = 1; round <= rounds; round++) {
  for (const name of contenders) results.get(name)?.push(await measure(name, cluster, `${name}-${round}`));
  console.log(
    `round ${round}: ${contenders.map(name => `${name} ${rateText(results.get(name)?.at(-1)?.rate)}`).join('   ')}   load ${loadavg()[0]?.toFixed(1)}`,
  );
}
console.log(`\n${report()}`);

async function measure(name: Contender, target: Cluster, group: string): Promise<Run> {
  switch (name) {
    case 'raw':
      return node('raw-loop.mjs', [`broker=${target.broker('broker-a').address}`, `queues=${queues}`]);
    case 'message':
    case 'batch':
      return node('consume.mjs', [`namesrv=${target.namesrvAddr}`, `group=${group}`, `handler=${name}`]);
    case 'java': {
      const options = { topic, group, mode: 'bench', exitAfter: count, jvm: ['-Xmx1g'] } as const;
      const { summary } = await startJavaConsumer(target, options).finished;
      return { rate: summary['rate'] ?? 0 };
    }
  }
}

async function node(program: string, args: readonly string[]): Promise<Run> {
  const output = await runToEnd(process.execPath, [
    join(folder, program),
    `topic=${topic}`,
    `count=${count}`,
    ...args,
  ]);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as Run; // the programs beside this file print this
}

function report(): string {
  const rows = contenders.map(name => {
    const runs = results.get(name) ?? [];
    const ratio = (other: Contender): string => {
      const others = results.get(other) ?? [];
      const ratios = runs.map((run, round) => run.rate / (others[round]?.rate ?? Number.NaN));
      return others.length === 0 ? '' : `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)})`;
    };
    const cpu = runs.map(run => run.cpuMicrosPerMessage).filter(value => value !== undefined);
    const memory = runs.map(run => run.peakMemoryMb).filter(value => value !== undefined);
    return [
      name,
      rateText(median(runs.map(run => run.rate))),
      rateText(Math.min(...runs.map(run => run.rate))),
      ratio('raw'),
      ratio('java'),
      cpu.length === 0 ? '' : median(cpu).toFixed(2),
      memory.length === 0 ? '' : String(Math.max(...memory)),
    ];
  });
  return table(
    ['', 'median/s', 'lowest/s', 'of raw (lowest)', 'of java (lowest)', 'cpu µs/msg', 'VmHWM MB'],
    rows,
  );
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? '' : `${Math.round(rate / 1000)} k`;
}

function wholeNumber(option: 'count' | 'rounds'): number {
  const value = Number(values[option]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`--${option} must be a whole number above 0, not ${values[option]}`);
}

/** Standard output of a command; throws when it fails. */
function runToEnd(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', code => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with code ${code}`));
    });
  });
}
