// SPDX-License-Identifier: Apache-2.0
/** What does a test of orderly consumption begin with? One queue with its dispatcher; everything it tells is written down. */
import { SharedFlow } from '../../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../../src/flow/owned-queue.ts';
import type { FailedMessage } from '../../../src/listeners/dispatcher.ts';
import { HandlerSlots } from '../../../src/listeners/handler-slots.ts';
import {
  type MessageBatch,
  type OrderlyContext,
  type OrderlyReturn,
  orderly,
} from '../../../src/listeners/listener.ts';
import { OrderlyDispatcher } from '../../../src/listeners/orderly-dispatcher.ts';
import { OutlivedCalls } from '../../../src/listeners/outlived-calls.ts';
import type { MessageExt } from '../../../src/model/message.ts';
import {
  at,
  type Deferred,
  deferred,
  type MessageFields,
  messageAt,
  offsetsOf,
  queueNumber,
} from '../../support/builders.ts';

const roomy = {
  countOfQueue: 1e6,
  bytesOfQueue: 1e9,
  spanOfQueue: 1e6,
  countOfAll: 1e6,
  bytesOfAll: 1e9,
};

export interface WorldOptions {
  readonly slots?: HandlerSlots;
  readonly concurrency?: number;
  readonly batchSize?: number;
  readonly batchMaxWaitMs?: number;
  readonly consumeTimeoutMs?: number;
  readonly suspendMs?: number;
  readonly maxReconsumeTimes?: number;
  readonly queueId?: number;
  readonly byKey?: boolean;
  readonly outlived?: OutlivedCalls;
  readonly listen?: (messages: MessageBatch, context: OrderlyContext) => OrderlyReturn;
}

export interface SeenCall {
  readonly offsets: readonly number[];
  readonly messages: MessageBatch;
  readonly context: OrderlyContext;
}

export function orderlyWorld(options: WorldOptions = {}) {
  const { queueId = 0, concurrency = 64, slots = openSlots(concurrency) } = options;
  const { batchSize = 1, suspendMs = 1000, maxReconsumeTimes = -1 } = options;
  const { batchMaxWaitMs = 0, consumeTimeoutMs = 900_000 } = options;
  const clock = { now: 0 };
  const gathers: number[] = [];
  const commits = { point: 0, advance: (point: number) => (commits.point = point), reset: () => {} };
  const owned = new OwnedQueue<MessageExt>(queueNumber(queueId), commits, new SharedFlow(roomy));
  const calls: SeenCall[] = [];
  const failed: FailedMessage[] = [];
  const rests: { readonly rest: number; readonly ms: number }[] = [];
  const told: string[] = [];
  const allows = { delivery: true, lock: true };
  const stop = new AbortController();
  const listener = orderly((messages, context) => {
    calls.push({ offsets: offsetsOf(messages), messages, context });
    return options.listen?.(messages, context);
  });
  const dispatcher = new OrderlyDispatcher(
    owned,
    slots,
    { batchSize, batchMaxWaitMs, consumeTimeoutMs, suspendMs, maxReconsumeTimes },
    {
      listenerOf: () => listener,
      laneOf: message => (options.byKey === true ? keyOf(message) : ''),
      mayDeliver: () => allows.delivery,
      lockIsLive: () => allows.lock,
      stopSignal: stop.signal,
      now: () => clock.now,
      onGather: ms => gathers.push(ms),
      onStuck: ({ queueOffset }, runningMs) => told.push(`${queueOffset} stuck for ${runningMs} ms`),
      outlived: options.outlived ?? new OutlivedCalls(),
      onLockMissed: () => told.push('lock missed'),
      onRest: (rest, ms) => rests.push({ rest, ms }),
      onFailed: messages => void failed.push(...messages),
      onListenerError: ({ code, message }) => told.push(`${code}: ${message}`),
      onMisuse: ({ code, message }) => told.push(`${code}: ${message}`),
    },
  );
  owned.whenWorkArrives(() => {
    dispatcher.noteArrival();
    dispatcher.pump();
  });
  owned.restart(at(0), true);
  dispatcher.open();
  return {
    slots,
    commits,
    owned,
    calls,
    failed,
    rests,
    told,
    allows,
    dispatcher,
    clock,
    gathers,
    stop,
    /** One message for each letter, which is its sharding key; a dot has none. */
    bring: (keys: string, fields: MessageFields = {}): void => {
      const from = owned.pulledTo ?? 0;
      const messages = [...keys].map((key, i) => messageAt(from + i, { ...keyed(key, from + i), ...fields }));
      owned.admit(messages, at(from + keys.length), 0);
    },
    delivered: () => calls.map(({ offsets }) => offsets),
    /** The oldest pause is over. */
    wake: () => dispatcher.wake(rests.shift()?.rest ?? -1),
    awaitDrained: () => dispatcher.whenDrained(() => told.push('drained')),
  };
}

export function openSlots(limit: number): HandlerSlots {
  const slots = new HandlerSlots(limit);
  slots.open();
  return slots;
}

export function keyed(key: string, offset: number): MessageFields {
  const properties = [['UNIQ_KEY', `id-${offset}`] as const];
  return { properties: key === '.' ? properties : [...properties, ['__SHARDINGKEY', key] as const] };
}

export function keyOf(message: MessageExt): string {
  return message.getProperty('__SHARDINGKEY') ?? '';
}

/** A listener whose calls end when the test says so. */
export function handHeld() {
  const hands: Deferred<Awaited<OrderlyReturn>>[] = [];
  const listen = (): Promise<Awaited<OrderlyReturn>> => {
    const hand = deferred<Awaited<OrderlyReturn>>();
    hands.push(hand);
    return hand.promise;
  };
  return { hands, listen };
}
