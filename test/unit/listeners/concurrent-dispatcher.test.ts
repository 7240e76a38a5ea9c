// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { SharedFlow } from '../../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../../src/flow/owned-queue.ts';
import { ConcurrentDispatcher } from '../../../src/listeners/concurrent-dispatcher.ts';
import type { FailedMessage } from '../../../src/listeners/dispatcher.ts';
import { HandlerSlots } from '../../../src/listeners/handler-slots.ts';
import {
  type ConsumeContext,
  type ConsumeReturn,
  concurrently,
  type MessageBatch,
} from '../../../src/listeners/listener.ts';
import type { MessageExt } from '../../../src/model/message.ts';
import {
  at,
  type Deferred,
  deferred,
  type MessageFields,
  messageAt,
  messagesBetween,
  offsetsOf,
  queueNumber,
  turn,
  withThen,
} from '../../support/builders.ts';

const roomy = {
  countOfQueue: 1e6,
  bytesOfQueue: 1e9,
  spanOfQueue: 1e6,
  countOfAll: 1e6,
  bytesOfAll: 1e9,
};

/** One queue with its dispatcher, open; everything the dispatcher tells is written down. */
function world(
  options: {
    readonly slots?: HandlerSlots;
    readonly concurrency?: number;
    readonly batchSize?: number;
    readonly batchMaxWaitMs?: number;
    readonly consumeTimeoutMs?: number;
    readonly queueId?: number;
    readonly listen?: (messages: MessageBatch, context: ConsumeContext) => ConsumeReturn;
  } = {},
) {
  const { batchMaxWaitMs = 0, consumeTimeoutMs = 900_000 } = options;
  const clock = { now: 0 };
  const gathers: number[] = [];
  const { queueId = 0, batchSize = 1, concurrency = 64, slots = openSlots(concurrency) } = options;
  const shared = new SharedFlow(roomy);
  const commits = { point: 0, advance: (point: number) => (commits.point = point), reset: () => {} };
  const owned = new OwnedQueue<MessageExt>(queueNumber(queueId), commits, shared);
  const calls: { readonly offsets: readonly number[]; readonly context: ConsumeContext }[] = [];
  const failed: FailedMessage[] = [];
  const told: string[] = [];
  const allows = { delivery: true };
  const stop = new AbortController();
  const listener = concurrently((messages, context) => {
    calls.push({ offsets: offsetsOf(messages), context });
    return options.listen?.(messages, context);
  });
  const settings = { batchSize, batchMaxWaitMs, consumeTimeoutMs };
  const dispatcher = new ConcurrentDispatcher(owned, slots, settings, {
    listenerOf: () => listener,
    mayDeliver: () => allows.delivery,
    stopSignal: stop.signal,
    now: () => clock.now,
    onGather: ms => gathers.push(ms),
    onStuck: ({ queueOffset }, runningMs) => told.push(`${queueOffset} stuck for ${runningMs} ms`),
    onFailed: messages => void failed.push(...messages),
    onMisuse: error => told.push(`${error.code}: ${error.message}`),
  });
  const awaitDrained = () => dispatcher.whenDrained(() => told.push('drained'));
  owned.whenWorkArrives(() => {
    dispatcher.noteArrival();
    dispatcher.pump();
  });
  owned.restart(at(0), true);
  dispatcher.open();
  const bring = (from: number, to: number, fields: MessageFields = {}): void =>
    owned.admit(messagesBetween(from, to, fields), at(to), 0);
  const delivered = () => calls.map(({ offsets }) => offsets);
  return {
    slots,
    shared,
    commits,
    owned,
    calls,
    failed,
    told,
    allows,
    dispatcher,
    bring,
    delivered,
    awaitDrained,
  };
}

function openSlots(limit: number): HandlerSlots {
  const slots = new HandlerSlots(limit);
  slots.open();
  return slots;
}

/** A listener whose calls end when the test says so. */
function handHeld() {
  const hands: Deferred<undefined>[] = [];
  const listen = (): Promise<undefined> => {
    const hand = deferred<undefined>();
    hands.push(hand);
    return hand.promise;
  };
  return { hands, listen };
}

function what(failed: readonly FailedMessage[]) {
  return failed.map(({ message, delayLevel, error }) => [message.queueOffset, delayLevel, error?.code]);
}

describe('delivery', () => {
  it('gives each listener call at most a batch, oldest first, with the queue and the attempt', () => {
    const { bring, calls, owned } = world({ batchSize: 3 });
    bring(0, 7, { reconsumeTimes: 2 });
    expect(calls.map(({ offsets, context }) => [...offsets, context.attempt, context.queue])).toEqual([
      [0, 1, 2, 3, owned.queue],
      [3, 4, 5, 3, owned.queue],
      [6, 3, owned.queue],
    ]);
  });

  it('runs as many calls as there are slots, and starts the next as each ends', async () => {
    const { hands, listen } = handHeld();
    const { bring, delivered, slots } = world({ concurrency: 2, listen });
    bring(0, 4);
    expect([delivered(), slots.running]).toEqual([[[0], [1]], 2]);
    hands[1]?.resolve(undefined);
    await turn();
    expect([delivered(), slots.running]).toEqual([[[0], [1], [2]], 2]);
  });

  it('never runs more calls than the limit, over three queues, and lets none of them starve', async () => {
    const slots = openSlots(4);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const worlds = [0, 1, 2].map(queueId =>
      world({
        slots,
        queueId,
        listen: async (_, { queue }) => {
          order.push(queue.queueId);
          most = Math.max(most, ++running);
          await turn();
          running--;
        },
      }),
    );
    for (const { bring } of worlds) bring(0, 200);
    for (let i = 0; i < 200 && running > 0; i++) await turn();
    expect([most, slots.running, order.length]).toEqual([4, 0, 600]);
    const shares = (from: number, to: number) =>
      [0, 1, 2].map(id => order.slice(from, to).filter(each => each === id).length);
    for (let from = 0; from + 60 <= 600; from += 60) {
      expect(Math.min(...shares(from, from + 60)), `calls ${from} to ${from + 60}`).toBeGreaterThanOrEqual(
        15,
      );
    }
    expect(worlds.map(({ commits }) => commits.point)).toEqual([200, 200, 200]);
  });

  it('takes 10,000 messages of three queues through a synchronous listener without a deep stack', () => {
    const slots = new HandlerSlots(2);
    const depths: number[] = [];
    const listen = (messages: MessageBatch): undefined => {
      if (messages[0].queueOffset % 1111 === 0) depths.push(stackDepth());
    };
    const worlds = [0, 1, 2].map(queueId => world({ slots, queueId, listen }));
    const message = messageAt(0);
    for (const { owned } of worlds) {
      const many = Array.from({ length: 3334 }, (_, i) =>
        Object.create(message, { queueOffset: { value: i } }),
      );
      owned.admit(many, at(3334), 0);
    }
    slots.open();
    expect(worlds.map(({ commits }) => commits.point)).toEqual([3334, 3334, 3334]);
    expect(Math.max(...depths) - Math.min(...depths)).toBeLessThan(10);
    expect(depths).toHaveLength(12);
  });

  it('starts nothing while closed; what runs ends, and opening goes on', async () => {
    const { hands, listen } = handHeld();
    const { bring, delivered, dispatcher, commits } = world({ concurrency: 1, listen });
    bring(0, 2);
    dispatcher.close();
    hands[0]?.resolve(undefined);
    await turn();
    expect([delivered(), commits.point]).toEqual([[[0]], 1]);
    dispatcher.open();
    expect(delivered()).toEqual([[0], [1]]);
  });

  it('starts nothing while membership is in doubt, and goes on with the next pump', () => {
    const { bring, delivered, allows, dispatcher } = world();
    allows.delivery = false;
    bring(0, 2);
    expect(delivered()).toEqual([]);
    allows.delivery = true;
    dispatcher.pump();
    expect(delivered()).toEqual([[0], [1]]);
  });

  it('leaves its turn to others when it may not deliver any more', async () => {
    const slots = openSlots(1);
    const { hands, listen } = handHeld();
    const first = world({ slots, queueId: 0, listen });
    const second = world({ slots, queueId: 1, listen });
    const third = world({ slots, queueId: 2, listen });
    for (const { bring } of [first, second, third]) bring(0, 1);
    second.allows.delivery = false;
    hands[0]?.resolve(undefined);
    await turn();
    expect([second.delivered(), third.delivered(), slots.running]).toEqual([[], [[0]], 1]);
    second.allows.delivery = true;
    second.dispatcher.open();
    hands[1]?.resolve(undefined);
    await turn();
    expect(second.delivered()).toEqual([[0]]);
  });
});

describe('the answer of a listener', () => {
  it.each([undefined, 'CONSUME_SUCCESS'] as const)('%s is done, given at once or later', async answer => {
    for (const listen of [() => answer, async () => answer]) {
      const { bring, commits, failed, told, slots } = world({ listen });
      bring(0, 2);
      await turn();
      expect([commits.point, failed, told, slots.running]).toEqual([2, [], [], 0]);
    }
  });

  it('RECONSUME_LATER keeps the message and hands it to whoever sends it back, with the delay the listener chose', () => {
    const { bring, commits, failed, told, owned } = world({
      listen: (_, context) => {
        context.delayLevelWhenNextConsume = 5;
        return 'RECONSUME_LATER';
      },
    });
    bring(0, 1);
    expect([what(failed), commits.point, owned.count, told]).toEqual([[[0, 5, undefined]], 0, 1, []]);
  });

  it.each([Number.NaN, 1.5, Number.POSITIVE_INFINITY, '3' as unknown as number])(
    'with the delay level %s leaves the delay to the broker',
    level => {
      const { bring, failed } = world({
        listen: (_, context) => {
          context.delayLevelWhenNextConsume = level;
          return 'RECONSUME_LATER';
        },
      });
      bring(0, 1);
      expect(what(failed)).toEqual([[0, 0, undefined]]);
    },
  );

  it.each([
    ['null', null],
    ["'SUCCESS'", 'SUCCESS'],
    ['a number', 7],
    ['a object', {}],
  ])('%s is no result: the message comes again, and it is told once', async (shown, answer) => {
    for (const wrong of [answer, Promise.resolve(answer)]) {
      const { bring, failed, told, slots } = world({ listen: () => wrong as unknown as undefined });
      bring(0, 2);
      await turn();
      expect([what(failed), slots.running]).toEqual([
        [
          [0, 0, undefined],
          [1, 0, undefined],
        ],
        0,
      ]);
      expect(told).toEqual([
        `RMQ_LISTENER_RESULT: the listener of orders answered ${shown}, which is no consume result`,
      ]);
    }
  });

  it('thrown or rejected keeps the message, and the error says which one it was', async () => {
    const boom = new Error('no such customer');
    for (const listen of [() => Promise.reject(boom), () => fail(boom)]) {
      const { bring, failed, slots, commits } = world({ listen });
      bring(3, 4);
      await turn();
      expect(what(failed)).toEqual([[3, 0, 'RMQ_LISTENER_FAILED']]);
      expect(failed[0]?.error?.message).toBe(
        'the listener of orders threw on message id-3 at orders@broker-a#0:3: no such customer',
      );
      expect([failed[0]?.error?.cause, slots.running, commits.point]).toEqual([boom, 0, 3]);
    }
  });

  it('with an ackIndex is done up to that message; the rest comes again', () => {
    const { bring, failed, commits, owned } = world({
      batchSize: 4,
      listen: (_, context) => {
        context.ackIndex = 1;
      },
    });
    bring(0, 4);
    expect([what(failed), commits.point, owned.count]).toEqual([
      [
        [2, 0, undefined],
        [3, 0, undefined],
      ],
      2,
      2,
    ]);
  });

  it.each([
    [-1, [0, 1]],
    [-7, [0, 1]],
    [Number.NaN, [0, 1]],
    [undefined as unknown as number, [0, 1]],
    [0.5, [1]],
    [99, []],
    [Number.POSITIVE_INFINITY, []],
  ])('with an ackIndex of %s leaves %j to come again', (ackIndex, again) => {
    const { bring, failed, dispatcher, commits } = world({
      batchSize: 2,
      listen: (_, context) => {
        context.ackIndex = ackIndex;
      },
    });
    bring(0, 2);
    expect(failed.map(({ message }) => message.queueOffset)).toEqual(again);
    for (const one of failed) dispatcher.settle(one);
    expect(commits.point).toBe(2);
  });

  it('with an ackIndex and RECONSUME_LATER comes again whole', () => {
    const { bring, failed } = world({
      batchSize: 2,
      listen: (_, context) => {
        context.ackIndex = 0;
        return 'RECONSUME_LATER';
      },
    });
    bring(0, 2);
    expect(failed.map(({ message }) => message.queueOffset)).toEqual([0, 1]);
  });

  it('of a thenable that answers several times counts once, and gives one slot back', async () => {
    const { bring, slots, commits } = world({
      listen: () =>
        withThen((resolve: (value: undefined) => void, reject: (reason: unknown) => void) => {
          resolve(undefined);
          resolve(undefined);
          reject(new Error('and again'));
        }),
    });
    bring(0, 3);
    await turn();
    expect([slots.running, commits.point]).toEqual([0, 3]);
  });

  it('of a thenable that answers again much later does not end somebody else', async () => {
    const answers: ((value: undefined) => void)[] = [];
    const { bring, slots, commits, owned } = world({
      concurrency: 1,
      listen: () => withThen((resolve: (value: undefined) => void) => answers.push(resolve)),
    });
    bring(0, 2);
    await turn();
    answers[0]?.(undefined);
    await turn();
    answers[0]?.(undefined); // the second message is with the listener now
    await turn();
    expect([owned.count, commits.point, slots.running]).toEqual([1, 1, 1]);
    answers[1]?.(undefined);
    await turn();
    expect([owned.count, commits.point, slots.running]).toEqual([0, 2, 0]);
  });

  it('that throws when it is looked at or waited for comes again, and gives its slot back', async () => {
    const throwing = () => fail(new Error('trap'));
    const answers = [Object.defineProperty({}, 'then', { get: throwing }), withThen(throwing)];
    for (const answer of answers) {
      const { bring, slots, failed } = world({ listen: () => answer as unknown as undefined });
      bring(0, 1);
      await turn();
      expect([slots.running, what(failed)]).toEqual([0, [[0, 0, 'RMQ_LISTENER_FAILED']]]);
    }
  });

  it('is asked of the listener of the message; where there is none the message comes again', () => {
    const { owned, slots } = world();
    const failed: FailedMessage[] = [];
    const settings = { batchSize: 1, batchMaxWaitMs: 0, consumeTimeoutMs: 1000 };
    const dispatcher = new ConcurrentDispatcher(owned, slots, settings, {
      listenerOf: message => fail(new Error(`no listener for topic ${message.topic}`)),
      mayDeliver: () => true,
      stopSignal: new AbortController().signal,
      now: () => 0,
      onGather: () => {},
      onStuck: () => {},
      onFailed: messages => void failed.push(...messages),
      onMisuse: () => {},
    });
    owned.whenWorkArrives(() => dispatcher.open());
    owned.admit([messageAt(0)], at(1), 0);
    expect([what(failed), slots.running]).toEqual([[[0, 0, 'RMQ_LISTENER_FAILED']], 0]);
  });
});

describe('a failed message', () => {
  function failing() {
    const answers: ConsumeReturn[] = ['RECONSUME_LATER'];
    const made = world({ listen: () => answers.shift() });
    made.bring(0, 1);
    const [failed] = made.failed.splice(0);
    if (failed === undefined) throw new Error('nothing failed');
    return { ...made, one: failed, answers };
  }

  it('that was handed back is done, and the offset passes it', () => {
    const { dispatcher, one, commits, owned } = failing();
    dispatcher.settle(one);
    expect([commits.point, owned.count]).toEqual([1, 0]);
  });

  it('that nobody took is delivered once more, alone, and ends as that delivery does', () => {
    const { dispatcher, one, delivered, commits } = failing();
    dispatcher.redeliver(one);
    expect([delivered(), commits.point]).toEqual([[[0], [0]], 1]);
  });

  it('may fail again and again', () => {
    const { dispatcher, one, answers, failed, commits, owned } = failing();
    answers.push('RECONSUME_LATER', 'RECONSUME_LATER');
    dispatcher.redeliver(one);
    for (const again of failed.splice(0)) dispatcher.redeliver(again);
    expect([what(failed), commits.point, owned.count]).toEqual([[[0, 0, undefined]], 0, 1]);
  });

  it('waits for a slot and its turn like any other', async () => {
    const { hands, listen } = handHeld();
    const { bring, delivered, dispatcher, failed } = world({ concurrency: 1, listen });
    bring(0, 2);
    hands[0]?.reject(new Error('no'));
    await turn();
    const [one] = failed;
    if (one !== undefined) dispatcher.redeliver(one);
    expect(delivered()).toEqual([[0], [1]]);
    hands[1]?.resolve(undefined);
    await turn();
    expect(delivered()).toEqual([[0], [1], [0]]);
  });

  it('that comes back while calls may not start waits until they may', () => {
    const { dispatcher, one, owned, delivered } = failing();
    dispatcher.close();
    dispatcher.redeliver(one);
    expect([owned.count, delivered()]).toEqual([1, [[0]]]);
    dispatcher.open();
    expect([owned.count, delivered()]).toEqual([0, [[0], [0]]]);
  });

  it('of an older epoch is neither settled nor delivered again', () => {
    const { dispatcher, one, owned, bring, delivered, commits } = failing();
    owned.restart(at(50), true);
    commits.point = 50;
    dispatcher.close();
    bring(50, 52);
    dispatcher.settle(one);
    dispatcher.redeliver(one);
    expect([owned.count, commits.point, delivered()]).toEqual([2, 50, [[0]]]);
    dispatcher.open();
    expect(delivered()).toEqual([[0], [50], [51]]);
  });

  it('that waited for its turn when its epoch ended is not delivered, and blocks nobody', () => {
    const { dispatcher, one, owned, slots, bring, delivered } = failing();
    dispatcher.close();
    dispatcher.redeliver(one);
    owned.restart(at(50), true);
    dispatcher.open();
    bring(50, 51);
    expect([delivered(), slots.running]).toEqual([[[0], [50]], 0]);
  });
});

describe('a queue that is given up', () => {
  it('is drained at once when nothing is held', () => {
    const { awaitDrained, told } = world();
    awaitDrained();
    expect(told).toEqual(['drained']);
  });

  it('is drained when the last running call has ended, and says so once', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told } = world({ listen });
    bring(0, 2);
    dispatcher.close();
    awaitDrained();
    hands[0]?.resolve(undefined);
    await turn();
    expect(told).toEqual([]);
    hands[1]?.resolve(undefined);
    await turn();
    bring(2, 3);
    expect(told).toEqual(['drained']);
  });

  it('waits for what is on its way back, until that is settled', () => {
    const { bring, dispatcher, awaitDrained, told, failed } = world({ listen: () => 'RECONSUME_LATER' });
    bring(0, 1);
    dispatcher.close();
    awaitDrained();
    expect([told, dispatcher.pending]).toEqual([[], 1]);
    for (const one of failed) dispatcher.settle(one);
    expect([told, dispatcher.pending]).toEqual([['drained'], 0]);
  });

  it('is told to nobody once its calls were aborted', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told } = world({ listen });
    bring(0, 1);
    awaitDrained();
    dispatcher.abort(new Error('revoked'));
    hands[0]?.resolve(undefined);
    await turn();
    expect(told).toEqual([]);
  });

  it('does not wait for a message that nobody took and that it will not deliver again', () => {
    const { bring, dispatcher, awaitDrained, told, failed, owned, commits } = world({
      listen: () => 'RECONSUME_LATER',
    });
    bring(0, 1);
    dispatcher.close();
    awaitDrained();
    for (const one of failed) dispatcher.redeliver(one);
    expect([told, dispatcher.pending, owned.count, commits.point]).toEqual([['drained'], 0, 1, 0]);
  });
});

describe('a result that comes after its epoch', () => {
  it.each([
    ['a success', (hand: Deferred<undefined>) => hand.resolve(undefined)],
    ['a failure', (hand: Deferred<undefined>) => hand.reject(new Error('late'))],
  ])('touches nothing, be it %s, but gives its slot back', async (_, end) => {
    const { hands, listen } = handHeld();
    const { bring, owned, commits, failed, told, slots } = world({ concurrency: 1, listen });
    bring(0, 1);
    owned.restart(at(0), true);
    bring(0, 1); // the same ticket as before
    commits.point = 0;
    const [late] = hands;
    if (late !== undefined) end(late);
    await turn();
    expect([owned.count, commits.point, failed, told, slots.running]).toEqual([1, 0, [], [], 1]);
    hands[1]?.resolve(undefined);
    await turn();
    expect([owned.count, commits.point, told, slots.running]).toEqual([0, 1, [], 0]);
  });
});

describe('the signal of a call', () => {
  const reason = new Error('revoked');

  it('is aborted with the reason for every running call, and their results still come', async () => {
    const { hands, listen } = handHeld();
    const { bring, calls, dispatcher, commits } = world({ listen });
    bring(0, 2);
    const signals = calls.map(({ context }) => context.signal);
    dispatcher.abort(reason);
    expect(signals.map(({ aborted, reason: why }) => [aborted, why])).toEqual(Array(2).fill([true, reason]));
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect(commits.point).toBe(2);
  });

  it('is aborted also when the listener asks for it only afterwards', () => {
    const { listen } = handHeld();
    const { bring, calls, dispatcher } = world({ listen });
    bring(0, 1);
    dispatcher.abort(reason);
    expect(calls[0]?.context.signal.aborted).toBe(true);
  });

  it('may be listened to by as many calls as run, without a warning of a leak', async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => warnings.push(warning.message);
    process.on('warning', note);
    const { bring } = world({
      listen: async (_, { signal }) => signal.addEventListener('abort', () => {}),
    });
    bring(0, 64);
    await turn();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});

function stackDepth(): number {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 500;
  const depth = new Error('here').stack?.split('\n').length ?? 0;
  Error.stackTraceLimit = limit;
  return depth;
}

function fail(error: Error): never {
  throw error;
}

describe('a listener without manners', () => {
  it.each([
    ['a bigint', 1n],
    ['a symbol', Symbol('1')],
    ['an object that is no number', Object.create(null)],
    ['a text', '1'],
  ])('has done nothing when its ackIndex is %s, and keeps no slot', async (_, ackIndex) => {
    const { hands, listen } = handHeld();
    const { bring, calls, failed, slots } = world({ batchSize: 3, listen });
    bring(0, 3);
    Object.assign(calls[0]?.context ?? {}, { ackIndex });
    hands[0]?.resolve(undefined);
    await turn();
    expect([what(failed), slots.running]).toEqual([
      [
        [0, 0, undefined],
        [1, 0, undefined],
        [2, 0, undefined],
      ],
      0,
    ]);
  });

  it('ends one call with a promise that tells its end twice, and not the next one', async () => {
    const twice = withThen((done: (value: undefined) => void) => {
      done(undefined);
      setImmediate(() => done(undefined));
    }, Promise.resolve(undefined));
    const answers: PromiseLike<undefined>[] = [twice, deferred<undefined>().promise];
    const { bring, delivered, commits, slots } = world({ concurrency: 1, listen: () => answers.shift() });
    bring(0, 2);
    await turn();
    await turn();
    expect([delivered(), commits.point, slots.running]).toEqual([[[0], [1]], 1, 1]);
  });

  it('fails with a promise whose then throws, and keeps no slot', async () => {
    const { bring, failed, slots } = world({
      listen: () =>
        withThen(() => {
          throw new Error('no');
        }, Promise.resolve(undefined)),
    });
    bring(0, 1);
    await turn();
    expect([what(failed), slots.running]).toEqual([[[0, 0, 'RMQ_LISTENER_FAILED']], 0]);
  });
});
