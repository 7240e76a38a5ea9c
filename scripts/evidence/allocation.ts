// SPDX-License-Identifier: Apache-2.0
/** How long does each strategy take for a large group, what does it answer, and what moves when a member joins? */
import { allocate, strategyName } from '../../src/allocation/allocate.ts';
import type { AllocateContext, NamedAllocateStrategy } from '../../src/allocation/allocate-strategy.ts';
import { byConfig } from '../../src/allocation/by-config.ts';
import { machineRoom } from '../../src/allocation/machine-room.ts';
import { machineRoomNearby } from '../../src/allocation/machine-room-nearby.ts';
import { allocateStrategies } from '../../src/allocation/strategies.ts';
import { compareText, type MessageQueue } from '../../src/model/message-queue.ts';
import { historyThrough, movesOver, ownersOf, sharesOf } from '../../test/unit/allocation/histories.ts';
import type { Report } from './kit/report.ts';
import type { Evidence } from './kit/stage.ts';

const limitMs = 50;
const mostMovesPercent = 150;

export const allocationEvidence: Evidence = {
  name: 'allocation',
  about:
    '10,000 queues × 100 members: each strategy ≤ 50 ms, each queue one owner; STICKY: shares within 1, ≤ 1.5 × the fewest moves, 2 to 8 members, from 16 queues up',
  needsCluster: false,
  async run(stage, report) {
    const brokers = stage.pick({ full: 1250, share: 50 });
    const queues = queuesOn(brokers);
    const clientIds = Array.from({ length: stage.pick({ full: 100, share: 20 }) }, (_, i) => memberId(i));
    clientIds.sort(compareText);
    for (const strategy of strategiesFor(queues)) {
      const part = report.part(strategyName(strategy));
      tellTimes(part, strategy, { consumerGroup: 'billing', clientId: '', queues, clientIds });
      tellOwners(part, strategy, queues, clientIds);
    }
    tellMoves(report, stage.pick({ full: 400, share: 100 }));
    tellJoin(report, stage.pick({ full: 50, share: 5 }));
  },
};

function strategiesFor(queues: readonly MessageQueue[]): readonly NamedAllocateStrategy[] {
  const isOfOne = (_: MessageQueue, index: number): boolean => index % 100 === 0;
  return [
    ...Object.values(allocateStrategies),
    byConfig(queues.filter(isOfOne)),
    machineRoom(['room0', 'room1', 'room2', 'room3']),
    machineRoomNearby('AVG', roomOf),
    machineRoomNearby('STICKY', roomOf),
  ];
}

/** Eight queues each, in four rooms. */
function queuesOn(brokers: number): readonly MessageQueue[] {
  return Array.from({ length: brokers * 8 }, (_, index) => {
    const broker = Math.floor(index / 8);
    return { topic: 'orders', brokerName: `room${broker % 4}@broker-${broker}`, queueId: index % 8 };
  });
}

function memberId(index: number): string {
  return `10.0.${index % 4}.${index}@${4711 + index}#${(Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16)}`;
}

/** Of `room1@broker-5` and of `10.0.1.17@4728#…`. */
function roomOf(name: string): string {
  return name.startsWith('room') ? name.slice(0, 'room1'.length) : `room${name.split('.')[2]}`;
}

/** As rebalancing asks, checks of the answer included; each time for another member. */
function tellTimes(report: Report, strategy: NamedAllocateStrategy, context: AllocateContext): void {
  const times = Array.from({ length: 21 }, (_, run) => {
    const clientId = context.clientIds[run % context.clientIds.length] ?? '';
    const before = performance.now();
    allocate(strategy, { ...context, clientId });
    return performance.now() - before;
  });
  const [first = 0, ...others] = times;
  const sorted = others.toSorted((a, b) => a - b);
  report.speed('median, ms', sorted[10] ?? Number.NaN, { atMost: limitMs });
  report.note('first call of the process, ms', first);
  report.note('slowest of the next 20, ms', sorted.at(-1) ?? Number.NaN);
}

function tellOwners(
  report: Report,
  strategy: NamedAllocateStrategy,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
): void {
  if (strategy.name === 'CONFIG') return; // whose lists are those of one member
  const shares = sharesOf(ownersOf(strategy, queues, clientIds), clientIds);
  report.check(
    'queues with exactly one owner',
    shares.reduce((sum, each) => sum + each, 0),
    { is: queues.length },
  );
  const spread = Math.max(...shares) - Math.min(...shares);
  if (['AVG', 'AVG_BY_CIRCLE', 'STICKY'].includes(strategy.name)) {
    report.check('largest share less the smallest', spread, { atMost: 1 });
  } else report.note('largest share less the smallest', spread);
}

/** Long histories of joins and leaves; what is beyond the promise is told and not judged. */
function tellMoves(report: Report, sweeps: number): void {
  const random = randomFrom(20261123);
  const groups: readonly (readonly [queues: number, most: number, isPromised: boolean])[] = [
    ...[[16, 8, true] as const, [24, 8, true] as const, [64, 8, true] as const, [256, 16, true] as const],
    ...[[16, 10, false] as const, [16, 16, false] as const, [64, 32, false] as const],
  ];
  for (const [count, most, isPromised] of groups) {
    const sizes = Array.from(
      { length: Math.ceil((sweeps * 8) / most) },
      () => 2 + Math.floor(random() * (most - 1)),
    );
    const history = historyThrough([2, ...sizes], random);
    const figure = `${count} queues, 2 to ${most} members, ${isPromised ? '' : 'beyond the promise, '}moves, % of the fewest`;
    for (const strategy of [allocateStrategies.STICKY, allocateStrategies.AVG]) {
      const { moved, least } = movesOver(strategy, queuesOn(count / 8), history);
      const percent = Math.round((100 * moved) / least);
      const part = report.part(strategy.name);
      if (isPromised && strategy.name === 'STICKY') part.check(figure, percent, { atMost: mostMovesPercent });
      else part.note(figure, percent);
    }
  }
}

/** What a member more costs, on average over groups. */
function tellJoin(report: Report, groups: number): void {
  const queues = queuesOn(8);
  for (const strategy of Object.values(allocateStrategies)) {
    let moved = 0;
    for (let group = 0; group < groups; group++) {
      const members = Array.from({ length: 9 }, (_, index) => memberId(group * 100 + index));
      moved += movesOver(strategy, queues, [members.slice(0, 8), members]).moved;
    }
    report.part(strategy.name).note('64 queues, a ninth member joins, queues moved (7 must)', moved / groups);
  }
}

/** The same histories each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
