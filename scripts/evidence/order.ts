// SPDX-License-Identifier: Apache-2.0
/** Does a consumer start and stop in the designed order? From its snapshots, and from what crossed its ports on a real broker. */
import { concurrently, createConsumerActor, shutdown, whenRunning } from '../../src/index.ts';
import { tcpDialer } from '../../src/transport/tcp-dialer.ts';
import { produceByJava } from '../../test/support/cluster/java-programs.ts';
import { PortTrace } from '../../test/support/port-trace.ts';
import { checkTrace } from '../../test/support/trace-checker.ts';
import type { TraceEntry } from '../../test/support/trace-entries.ts';
import { judgeCommitted } from './kit/judge.ts';
import type { Report } from './kit/report.ts';
import type { Evidence } from './kit/stage.ts';

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

const codes = { pull: 11, queryOffset: 14, updateOffset: 15, heartbeat: 34, unregister: 35 } as const;

export const order: Evidence = {
  name: 'order',
  about:
    'the states of start and stop in order; heartbeat before pull, one pull a queue, offsets before unregister before close',
  async run(stage, report) {
    const count = stage.pick({ full: 20_000, share: 2000 });
    const topic = stage.fresh('order');
    const group = stage.fresh('order-group');
    await stage.cluster.createTopic(topic, { queues: 8 });
    await produceByJava(stage.cluster, { topic, count, retry: true });

    const trace = new PortTrace();
    const seen = new Set<number>();
    const actor = createConsumerActor(
      {
        consumerGroup: group,
        namesrvAddr: stage.cluster.namesrvAddr,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptions: [{ topic }],
        listener: concurrently(
          trace.listener(async ([message]) => {
            seen.add(Number(message?.keys[0]));
          }),
        ),
      },
      { dialer: trace.dialer(tcpDialer()) },
    );
    const states = new StateWatch();
    actor.subscribe({ next: snapshot => states.see(snapshot.value), complete: () => {} });
    const faults: string[] = [];
    actor.on('fault', ({ error }) => faults.push(error.message));

    actor.start();
    await whenRunning(actor);
    await stage.until('every message delivered', 60_000, () => seen.size === count);
    const shuttingDown = await shutdown(actor);
    trace.mark({ mark: 'stopped' });
    // The sockets are destroyed by now; Node tells so a turn later.
    await stage.until('every connection closed', 10_000, () => openConnections(trace.entries) === 0);

    stage.say(states.path.join(' → '));
    const inOrder = states.path.filter((state, index) => state === designedOrder[index]).length;
    const strays = states.path.length - inOrder;
    report.check('states seen in their order', inOrder, { is: designedOrder.length });
    report.check('other states', strays, { is: 0 });
    const violations = checkTrace(trace.entries, { everyMessageIsDelivered: true });
    for (const { line, rule, problem } of violations.slice(0, 10))
      stage.say(`${rule}, line ${line}: ${problem}`);
    report.note('entries in the trace', trace.entries.length);
    report.check('breaches of the order', violations.length, { is: 0 });
    judgeWitness(report, trace.entries);
    report.check('shutdown clean', shuttingDown.clean, { is: true });
    report.check('faults', faults.length, { is: 0 });
    await judgeCommitted(stage, report, { topic, group });
    await trace.save(stage.file('order.jsonl'));
  },
};

function openConnections(entries: readonly TraceEntry[]): number {
  return (
    entries.filter(each => each.kind === 'open').length - entries.filter(each => each.kind === 'close').length
  );
}

/** The checker finds nothing in an empty trace either: what it judges must be there, and in this order. */
function judgeWitness(report: Report, entries: readonly TraceEntry[]): void {
  const firstOf = (code: number, kind: 'request' | 'response'): number =>
    kind === 'request' ? entries.findIndex(each => isRequest(each, code)) : answerOf(entries, code);
  const lastOf = (code: number): number => entries.findLastIndex(each => isRequest(each, code));
  const lastClose = entries.findLastIndex(each => each.kind === 'close');
  const line = [
    firstOf(codes.heartbeat, 'request'),
    answerOf(entries, codes.heartbeat),
    firstOf(codes.pull, 'request'),
    lastOf(codes.updateOffset),
    firstOf(codes.unregister, 'request'),
    answerOf(entries, codes.unregister),
    lastClose,
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

/** The states of the snapshots, each once in a row. */
class StateWatch {
  readonly path: string[] = [];

  see(value: unknown): void {
    const state = pathOf(value);
    if (state !== this.path.at(-1)) this.path.push(state);
  }
}

/** `{ starting: 'connecting' }` as `starting.connecting`. */
function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[parent, child] = ['', '']] = Object.entries(value ?? {});
  return `${parent}.${pathOf(child)}`;
}
