// SPDX-License-Identifier: Apache-2.0
/** Does a consumer start and stop in the designed order? From its snapshots, and from what crossed its ports on a real broker. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConsumerConfig,
  concurrently,
  createConsumerActor,
  type MessageExt,
  type ShutdownReport,
  shutdown,
  whenRunning,
} from '../../src/index.ts';
import { tcpDialer } from '../../src/transport/tcp-dialer.ts';
import { produceByJava } from '../../test/support/cluster/java-programs.ts';
import { PortTrace } from '../../test/support/port-trace.ts';
import { checkTrace } from '../../test/support/trace-checker.ts';
import type { TraceEntry } from '../../test/support/trace-entries.ts';
import { followConsumer } from '../../test/support/trace-follow.ts';
import { judgeCommitted } from './kit/judge.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** design.md section 3. */
const designedOrder = [
  'idle',
  'starting.connecting',
  'starting.loading',
  'starting.coordinating',
  'starting.registering',
  'starting.assigning',
  'starting.dispatching',
  'running.active',
  'stopping.closingIntake',
  'stopping.draining',
  'stopping.persisting',
  'stopping.releasing',
  'stopping.disconnecting',
  'stopped',
];

const codes = { pull: 11, updateOffset: 15, heartbeat: 34, unregister: 35 } as const;

export const order: Evidence = {
  name: 'order',
  about:
    'the states of start and stop in order; heartbeat before pull, one pull a queue, offsets before unregister before close',
  async run(stage, report) {
    const count = stage.pick({ full: 20_000, share: 2000 });
    const topic = stage.fresh('order');
    await stage.cluster.createTopic(topic, { queues: 8 });
    await produceByJava(stage.cluster, { topic, count, retry: true });

    const group = stage.fresh('order-group');
    const atRest = await recordedRun(stage, { topic, group, stopAfter: count, handlerMs: 0 });
    judgeRun(stage, report.part('stopped at rest'), atRest);
    await judgeCommitted(stage, report.part('stopped at rest'), { topic, group });

    const half = { topic, group: stage.fresh('order-half'), stopAfter: Math.round(count / 2), handlerMs: 3 };
    judgeRun(stage, report.part('stopped at work'), await recordedRun(stage, half));
  },
};

interface RecordedRun {
  readonly path: readonly string[];
  readonly entries: readonly TraceEntry[];
  readonly faults: readonly string[];
  readonly shutdown: ShutdownReport;
}

/** One life of a consumer in this process, recorded at its ports. */
async function recordedRun(
  stage: Stage,
  given: {
    readonly topic: string;
    readonly group: string;
    /** Messages done. */
    readonly stopAfter: number;
    readonly handlerMs: number;
  },
): Promise<RecordedRun> {
  const trace = new PortTrace();
  const done = new Set<number>();
  const listener = trace.listener(async ([message]: readonly MessageExt[]) => {
    if (given.handlerMs > 0) await pause(given.handlerMs);
    done.add(Number(message?.keys[0]));
  });
  const config: ConsumerConfig = {
    consumerGroup: given.group,
    namesrvAddr: stage.cluster.namesrvAddr,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    subscriptions: [{ topic: given.topic }],
    listener: concurrently(listener),
  };
  const actor = createConsumerActor(config, { dialer: trace.dialer(tcpDialer()) });
  followConsumer(trace, actor);
  const path: string[] = [];
  actor.subscribe(({ value }) => {
    const state = pathOf(value);
    if (state !== path.at(-1)) path.push(state);
  });
  const faults: string[] = [];
  actor.on('fault', ({ error }) => faults.push(error.message));

  actor.start();
  await whenRunning(actor);
  await stage.until(`${given.stopAfter} messages done`, 60_000, () => done.size >= given.stopAfter);
  const report = await shutdown(actor);
  trace.mark({ mark: 'stopped' });
  // The sockets are destroyed by now; Node tells so a turn later.
  await stage.until('every connection closed', 10_000, () => openConnections(trace.entries) === 0);
  await trace.save(stage.file(`${given.group}.jsonl`));
  return { path, entries: trace.entries, faults, shutdown: report };
}

function judgeRun(
  stage: Stage,
  report: Report,
  { path, entries, faults, shutdown: ended }: RecordedRun,
): void {
  stage.say(path.join(' → '));
  const inOrder = path.filter((state, index) => state === designedOrder[index]).length;
  report.check('states seen in their order', inOrder, { is: designedOrder.length });
  report.check('other states', path.length - inOrder, { is: 0 });
  const violations = checkTrace(entries, { everyMessageIsDelivered: true });
  for (const { line, rule, problem } of violations.slice(0, 10))
    stage.say(`${rule}, line ${line}: ${problem}`);
  report.note('entries in the trace', entries.length);
  report.check('breaches of the order', violations.length, { is: 0 });
  judgeWitness(report, entries);
  report.check('shutdown clean', ended.clean, { is: true });
  report.check('faults', faults.length, { is: 0 });
}

function openConnections(entries: readonly TraceEntry[]): number {
  return (
    entries.filter(each => each.kind === 'open').length - entries.filter(each => each.kind === 'close').length
  );
}

/** The checker finds nothing in an empty trace either: what it judges must be there, and in this order. */
function judgeWitness(report: Report, entries: readonly TraceEntry[]): void {
  const firstOf = (code: number): number => entries.findIndex(each => isRequest(each, code));
  const lastOf = (code: number): number => entries.findLastIndex(each => isRequest(each, code));
  const line = [
    firstOf(codes.heartbeat),
    answerOf(entries, codes.heartbeat),
    firstOf(codes.pull),
    lastOf(codes.updateOffset),
    firstOf(codes.unregister),
    answerOf(entries, codes.unregister),
    entries.findLastIndex(each => each.kind === 'close'),
  ];
  const inOrder = line.every((at, index) => at >= 0 && at > (line[index - 1] ?? -1));
  report.check('heartbeat, answer, pull, last commit, unregister, answer, close', inOrder, {
    is: true,
  });
  report.check('pulls', entries.filter(each => isRequest(each, codes.pull)).length, { atLeast: 8 });
}

function isRequest(entry: TraceEntry, code: number): boolean {
  return (
    (entry.kind === 'request' || entry.kind === 'oneway') && entry.direction === 'out' && entry.code === code
  );
}

/** The line of the first answer to the first request with that code. */
function answerOf(entries: readonly TraceEntry[], code: number): number {
  const request = entries.find(each => isRequest(each, code));
  if (request === undefined || request.kind !== 'request') return -1;
  return entries.findIndex(
    each =>
      each.kind === 'response' &&
      each.direction === 'in' &&
      each.connection === request.connection &&
      each.opaque === request.opaque,
  );
}

/** `{ starting: 'connecting' }` as `starting.connecting`. */
function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[parent, child] = ['', '']] = Object.entries(value ?? {});
  return `${parent}.${pathOf(child)}`;
}
