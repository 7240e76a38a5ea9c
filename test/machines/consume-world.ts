// SPDX-License-Identifier: Apache-2.0
/** What does a test of the consume chart begin with? The actor of one queue, its listener in the hand of the test. */
import { expect } from 'vitest';
import { createActor, type StateValue } from 'xstate';
import { SharedFlow } from '../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../src/flow/owned-queue.ts';
import { AwakeTime } from '../../src/listeners/awake-time.ts';
import type { FailedMessage } from '../../src/listeners/dispatcher.ts';
import { HandlerSlots } from '../../src/listeners/handler-slots.ts';
import {
  type ConsumeContext,
  type ConsumeReturn,
  concurrently,
  type MessageBatch,
  type OrderlyContext,
  type OrderlyReturn,
  orderly,
} from '../../src/listeners/listener.ts';
import { OutlivedCalls } from '../../src/listeners/outlived-calls.ts';
import { consumeMachine } from '../../src/machines/consume/consume.machine.ts';
import type { ConsumeOrder, ConsumeReport } from '../../src/machines/consume/consume.types.ts';
import type { MessageExt } from '../../src/model/message.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import {
  aQueue,
  at,
  type Deferred,
  deferred,
  type MessageFields,
  messageAt,
  messagesBetween,
  offsetsOf,
} from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const roomy = {
  countOfQueue: 1e6,
  bytesOfQueue: 1e9,
  spanOfQueue: 1e6,
  countOfAll: 1e6,
  bytesOfAll: 1e9,
};

/** States and arrows that only an orderly queue takes: those of consume-orderly.test.ts. */
const orderlyOnly = /awaitingLock|byListener|lane\.rested|rest\.over|lock\.missed/;
/** Of calls that take long and batches that fill slowly: those of consume-timing.test.ts. */
const timing = /\.calls|gathering/;

/** One for each test file; together they see the whole chart. */
export class ConsumeWorlds {
  readonly #coverage = new ChartCoverage(consumeMachine);
  readonly #running: { readonly actor: { stop(): unknown }; readonly clock: TestClock }[] = [];

  start(options: WorldOptions = {}) {
    const world = startWorld(options, this.#coverage);
    this.#running.push(world);
    return world;
  }

  /** Listener calls end when the test says so. */
  startHandHeld(options: Omit<WorldOptions, 'listen'> = {}) {
    const hands: Deferred<Awaited<Answer>>[] = [];
    const listen = (): Promise<Awaited<Answer>> => {
      const hand = deferred<Awaited<Answer>>();
      hands.push(hand);
      return hand.promise;
    };
    return { ...this.start({ ...options, listen }), hands };
  }

  /** After each test. */
  end(): void {
    const running = this.#running.splice(0);
    for (const { actor } of running) actor.stop();
    for (const { clock } of running) expect(clock.pending, 'timers left behind').toBe(0);
  }

  missed(which: 'concurrent' | 'orderly' | 'timing'): readonly string[] {
    return this.#coverage.missed().filter(each => kindOf(each) === which);
  }
}

function kindOf(missed: string): 'concurrent' | 'orderly' | 'timing' {
  if (timing.test(missed)) return 'timing';
  return orderlyOnly.test(missed) ? 'orderly' : 'concurrent';
}

type Answer = ConsumeReturn & OrderlyReturn;

export interface WorldOptions {
  readonly suspended?: boolean;
  readonly batchSize?: number;
  readonly batchMaxWaitMs?: number;
  readonly consumeTimeoutMs?: number;
  readonly order?: ConsumeOrder;
  /** Whose kind the listener has, if another one. */
  readonly listenerOrder?: ConsumeOrder;
  readonly maxReconsumeTimes?: number;
  /** What two queues of one consumer share. */
  readonly outlived?: OutlivedCalls;
  readonly awake?: AwakeTime;
  readonly slots?: HandlerSlots;
  readonly clock?: TestClock;
  readonly listen?: (messages: MessageBatch, context: ConsumeContext | OrderlyContext) => unknown;
}

function startWorld(options: WorldOptions, coverage: ChartCoverage) {
  const { order = 'concurrent', listenerOrder = order } = options;
  const { clock = new TestClock() } = options;
  const { awake = new AwakeTime(), slots = new HandlerSlots(4) } = options;
  slots.open();
  const commits = { point: 0, advance: (point: number) => (commits.point = point), reset: () => {} };
  const owned = new OwnedQueue<MessageExt>(aQueue, commits, new SharedFlow(roomy));
  owned.restart(at(0), true);
  const calls: { readonly offsets: readonly number[]; readonly context: ConsumeContext | OrderlyContext }[] =
    [];
  const failed: {
    readonly settle: () => void;
    readonly redeliver: () => void;
    readonly one: FailedMessage;
  }[] = [];
  const told: ConsumeReport[] = [];
  const allows = { delivery: true, lock: true };
  const listen = (messages: MessageBatch, context: ConsumeContext | OrderlyContext): Answer => {
    calls.push({ offsets: offsetsOf(messages), context });
    return options.listen?.(messages, context) as Answer; // whatever a listener without types may answer
  };
  const actor = createActor(consumeMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      ...{ owned, slots, order, suspendMs: 1000, batchSize: options.batchSize ?? 1 },
      batchMaxWaitMs: options.batchMaxWaitMs ?? 0,
      consumeTimeoutMs: options.consumeTimeoutMs ?? 900_000,
      maxReconsumeTimes: options.maxReconsumeTimes ?? -1,
      suspended: options.suspended ?? false,
      parent: { send: event => told.push(event) },
      port: {
        listenerOf: () => (listenerOrder === 'concurrent' ? concurrently(listen) : orderly(listen)),
        mayDeliver: () => allows.delivery,
        lockIsLive: () => allows.lock,
        now: () => clock.now(),
        awakeMs: () => awake.read(clock.now()),
        stopSignal: new AbortController().signal,
        outlived: options.outlived ?? new OutlivedCalls(),
        sendBack: (messages, settle, redeliver) => {
          for (const one of messages)
            failed.push({ one, settle: () => settle(one), redeliver: () => redeliver(one) });
        },
      },
    },
  });
  actor.subscribe({ error: error => expect.fail(String(error)) });
  actor.start();
  return {
    ...{ actor, clock, owned, commits, slots, calls, failed, told, allows },
    bring: (from: number, to: number) => owned.admit(messagesBetween(from, to), at(to), 0),
    /** One message for each letter, which is its sharding key. */
    bringKeys: (keys: string) => {
      const from = owned.pulledTo ?? 0;
      const messages = [...keys].map((key, i) => messageAt(from + i, keyed(key)));
      owned.admit(messages, at(from + keys.length), 0);
    },
    delivered: () => calls.map(({ offsets }) => offsets),
    send: actor.send.bind(actor),
    drain: (grace = 10_000) => actor.send({ type: 'queue.drain', grace }),
    /** Of the delivery, or that it is over. */
    state: () => stateOf(actor.getSnapshot().value).delivery,
    /** Of the timing of calls. */
    timing: () => stateOf(actor.getSnapshot().value).calls,
    isStuck: () => actor.getSnapshot().hasTag('stuck'),
    output: () => actor.getSnapshot().output,
  };
}

/** Of both regions. */
function stateOf(value: StateValue): { readonly delivery: unknown; readonly calls: unknown } {
  const regions = typeof value === 'string' ? undefined : value['working'];
  if (regions === undefined || typeof regions === 'string') return { delivery: value, calls: value };
  return { delivery: regions['delivery'], calls: regions['calls'] };
}

function keyed(key: string): MessageFields {
  return { properties: [['__SHARDINGKEY', key]] };
}
