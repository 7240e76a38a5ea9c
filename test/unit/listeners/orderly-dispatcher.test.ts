// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { OrderlyContext, OrderlyReturn } from '../../../src/listeners/listener.ts';
import { OutlivedCalls } from '../../../src/listeners/outlived-calls.ts';
import { ConsumeResult, OrderlyResult } from '../../../src/model/consume-result.ts';
import { at, offsetsOf, turn } from '../../support/builders.ts';
import { handHeld, openSlots, orderlyWorld } from './orderly-world.ts';

const { SUCCESS, COMMIT, ROLLBACK, SUSPEND_CURRENT_QUEUE_A_MOMENT: SUSPEND } = OrderlyResult;

const rejecting = Symbol('rejecting');

/** Answers one after the other, then nothing; an error is thrown. */
function answering(answers: unknown[], prepare: (context: OrderlyContext) => void = () => {}) {
  return (_: unknown, context: OrderlyContext): OrderlyReturn => {
    prepare(context);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer === rejecting) return Promise.reject(new Error('no'));
    return answer as OrderlyReturn; // whatever a listener without types may answer
  };
}

const manually = (context: OrderlyContext): void => {
  context.autoCommit = false;
};

describe('the messages of a queue', () => {
  it('are given one batch after the other, each after the one before has ended', async () => {
    const { hands, listen } = handHeld();
    const { bring, delivered, slots, commits } = orderlyWorld({ batchSize: 2, listen });
    bring('.....');
    expect([delivered(), slots.running]).toEqual([[[0, 1]], 1]);
    hands[0]?.resolve(SUCCESS);
    await turn();
    expect([delivered(), slots.running, commits.point]).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
      1,
      2,
    ]);
    hands[1]?.resolve(undefined);
    await turn();
    hands[2]?.resolve(ConsumeResult.SUCCESS);
    await turn();
    expect([delivered(), slots.running, commits.point]).toEqual([[[0, 1], [2, 3], [4]], 0, 5]);
  });

  it('come with the queue, the attempt and room for notes', () => {
    const { bring, calls, owned } = orderlyWorld();
    bring('.', { reconsumeTimes: 4 });
    const { queue, attempt, attributes, suspendTimeMillis, autoCommit } = calls[0]?.context ?? {};
    attributes?.set('a', 1);
    expect({ queue, attempt, attributes: calls[0]?.context.attributes }).toEqual({
      queue: owned.queue,
      attempt: 5,
      attributes: new Map([['a', 1]]),
    });
    expect({ suspendTimeMillis, autoCommit }).toEqual({ suspendTimeMillis: -1, autoCommit: true });
  });

  it('may be many for a listener that answers at once, without a deeper stack', () => {
    const { bring, delivered, commits } = orderlyWorld();
    bring('.'.repeat(10_000));
    expect([delivered().length, commits.point]).toEqual([10_000, 10_000]);
  });
});

describe('a listener that fails', () => {
  it.each([
    ['SUSPEND_CURRENT_QUEUE_A_MOMENT', SUSPEND, []],
    [
      'an error thrown',
      new Error('no'),
      ['RMQ_LISTENER_FAILED: the listener of orders threw on message id-0 at orders@broker-a#0:0: no'],
    ],
    [
      'a rejection',
      rejecting,
      ['RMQ_LISTENER_FAILED: the listener of orders threw on message id-0 at orders@broker-a#0:0: no'],
    ],
    ['null', null, ['RMQ_LISTENER_RESULT: the listener of orders answered null, which is no orderly result']],
    [
      "the concurrent listener's word",
      'RECONSUME_LATER',
      ["RMQ_LISTENER_RESULT: the listener of orders answered 'RECONSUME_LATER', which is no orderly result"],
    ],
    [
      'ROLLBACK while it commits by itself',
      ROLLBACK,
      [
        "RMQ_LISTENER_RESULT: the listener of orders answered 'ROLLBACK', which needs context.autoCommit = false",
      ],
    ],
  ])(
    'by %s gets the same messages again after the pause, and nothing behind them before',
    async (_, answer, expected) => {
      const { bring, calls, delivered, rests, told, wake, commits, slots } = orderlyWorld({
        batchSize: 2,
        suspendMs: 700,
        listen: answering([answer]),
      });
      bring('....');
      await turn();
      expect([delivered(), rests, commits.point, slots.running]).toEqual([
        [[0, 1]],
        [{ rest: 1, ms: 700 }],
        0,
        0,
      ]);
      bring('.');
      expect(delivered()).toEqual([[0, 1]]);
      wake();
      await turn();
      expect([delivered(), commits.point, told]).toEqual([[[0, 1], [0, 1], [2, 3], [4]], 5, expected]);
      expect(calls.map(({ context }) => context.attempt)).toEqual([1, 2, 1, 1]);
    },
  );

  it('sees how often each message failed, here and before', () => {
    const { bring, calls, wake } = orderlyWorld({ listen: answering([SUSPEND, SUSPEND]) });
    bring('.', { reconsumeTimes: 2 });
    wake();
    wake();
    expect(calls.map(({ messages: [message] }) => message.reconsumeTimes)).toEqual([2, 3, 4]);
    const again = calls[2]?.messages[0];
    expect([again?.body.toString(), again?.msgId, again?.queueOffset]).toEqual(['body 0', 'id-0', 0]);
  });

  it.each([
    [-1, 1000],
    [10, 10],
    [9, 10],
    [0, 10],
    [-5, 10],
    [30_000, 30_000],
    [30_001, 30_000],
    [Number.NaN, 1000],
  ])('and asks for a pause of %d ms gets one of %d', (asked, given) => {
    const { bring, rests } = orderlyWorld({
      listen: answering([SUSPEND], context => {
        context.suspendTimeMillis = asked;
      }),
    });
    bring('.');
    expect(rests).toEqual([{ rest: 1, ms: given }]);
  });

  it('is told of once when it answers nonsense, however often', () => {
    const { bring, told, wake } = orderlyWorld({ listen: answering([null, 7, 'x']) });
    bring('.');
    wake();
    wake();
    expect(told).toHaveLength(1);
  });
});

describe('the dead letters', () => {
  it('get a message with the failure after maxReconsumeTimes; the others wait until they have it', () => {
    const { bring, delivered, failed, wake, rests, commits, dispatcher, told } = orderlyWorld({
      maxReconsumeTimes: 2,
      listen: answering([SUSPEND, SUSPEND, new Error('still no')]),
    });
    bring('..');
    wake();
    wake();
    expect(
      failed.map(({ message, delayLevel, error }) => [
        message.queueOffset,
        message.reconsumeTimes,
        delayLevel,
        error?.code,
      ]),
    ).toEqual([[0, 2, -1, 'RMQ_LISTENER_FAILED']]);
    expect([delivered(), rests, commits.point, dispatcher.pending, told]).toEqual([
      [[0], [0], [0]],
      [],
      0,
      1,
      [],
    ]);
    for (const one of failed) dispatcher.settle(one);
    expect([delivered(), commits.point, dispatcher.pending]).toEqual([[[0], [0], [0], [1]], 2, 0]);
  });

  it('get what failed often enough elsewhere with its first failure here', () => {
    const { bring, failed } = orderlyWorld({ maxReconsumeTimes: 3, listen: answering([SUSPEND]) });
    bring('.', { reconsumeTimes: 3 });
    expect(failed.map(({ delayLevel }) => delayLevel)).toEqual([-1]);
  });

  it('that nobody took are delivered again after the pause, and may fail once more', () => {
    const { bring, delivered, failed, wake, rests, dispatcher, commits } = orderlyWorld({
      maxReconsumeTimes: 0,
      listen: answering([SUSPEND, SUSPEND]),
    });
    bring('..');
    for (const one of failed.splice(0)) dispatcher.redeliver(one);
    expect([delivered(), rests]).toEqual([[[0]], [{ rest: 1, ms: 1000 }]]);
    wake();
    expect([delivered(), failed.length]).toEqual([[[0], [0]], 1]);
    for (const one of failed.splice(0)) dispatcher.redeliver(one);
    wake();
    expect([delivered(), commits.point]).toEqual([[[0], [0], [0], [1]], 2]);
  });

  it('get of a batch only the messages that failed too often; the others come again when those are away', () => {
    const { bring, owned, delivered, failed, rests, wake, dispatcher, commits } = orderlyWorld({
      batchSize: 3,
      maxReconsumeTimes: 1,
      listen: answering([SUSPEND]),
    });
    dispatcher.close();
    bring('.');
    bring('.', { reconsumeTimes: 1 });
    bring('..');
    dispatcher.open();
    expect([delivered(), failed.map(({ message }) => message.queueOffset), rests]).toEqual([
      [[0, 1, 2]],
      [1],
      [],
    ]);
    for (const one of failed) dispatcher.settle(one);
    expect(rests).toEqual([{ rest: 1, ms: 1000 }]);
    wake();
    expect([delivered(), commits.point, owned.count]).toEqual([[[0, 1, 2], [0, 2], [3]], 4, 0]);
  });

  it('get nothing as long as maxReconsumeTimes is -1', () => {
    const { bring, failed, wake, calls } = orderlyWorld({ listen: answering(Array(100).fill(SUSPEND)) });
    bring('.');
    for (let i = 0; i < 100; i++) wake();
    expect([failed, calls.at(-1)?.context.attempt]).toEqual([[], 101]);
  });
});

describe('a listener that commits by hand', () => {
  it('keeps with SUCCESS, and finishes all it kept with COMMIT', () => {
    const { bring, delivered, commits, owned } = orderlyWorld({
      listen: answering([SUCCESS, undefined, COMMIT], manually),
    });
    bring('..');
    expect([delivered(), commits.point, owned.count]).toEqual([[[0], [1]], 0, 2]);
    bring('..');
    expect([delivered(), commits.point, owned.count]).toEqual([[[0], [1], [2], [3]], 3, 1]);
  });

  it('gets all it kept again after ROLLBACK and the pause, in order, and not as a failure', () => {
    const { bring, delivered, calls, commits, wake, rests, told } = orderlyWorld({
      batchSize: 2,
      listen: answering([SUCCESS, ROLLBACK, SUCCESS, COMMIT], manually),
    });
    bring('....');
    expect([delivered(), rests]).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
      [{ rest: 1, ms: 1000 }],
    ]);
    wake();
    expect([delivered(), commits.point, told]).toEqual([
      [
        [0, 1],
        [2, 3],
        [0, 1],
        [2, 3],
      ],
      4,
      [],
    ]);
    expect(calls.map(({ context }) => context.attempt)).toEqual([1, 1, 1, 1]);
  });

  it('gets only the failed messages again after SUSPEND, and what it kept stays kept', () => {
    const { bring, delivered, commits, wake } = orderlyWorld({
      listen: answering([SUCCESS, SUSPEND, SUCCESS, COMMIT], manually),
    });
    bring('...');
    wake();
    expect([delivered(), commits.point]).toEqual([[[0], [1], [1], [2]], 3]);
  });

  it('may go over to committing by itself: the next SUCCESS finishes what was kept', () => {
    const { bring, commits } = orderlyWorld({
      listen: ([message], context) => {
        context.autoCommit = message.queueOffset > 1;
      },
    });
    bring('..');
    expect(commits.point).toBe(0);
    bring('.');
    expect(commits.point).toBe(3);
  });
});

describe('by sharding key', () => {
  it('messages of different keys run side by side, those of one key one after the other', async () => {
    const { hands, listen } = handHeld();
    const { bring, delivered, commits } = orderlyWorld({ byKey: true, listen });
    bring('abab.c.');
    expect(delivered()).toEqual([[0], [1], [4], [5]]);
    hands[1]?.resolve(undefined);
    hands[2]?.resolve(undefined);
    await turn();
    expect([delivered(), commits.point]).toEqual([[[0], [1], [4], [5], [3], [6]], 0]);
    hands[0]?.resolve(undefined);
    await turn();
    expect([delivered(), commits.point]).toEqual([[[0], [1], [4], [5], [3], [6], [2]], 2]);
  });

  it('a batch holds messages of one key only', () => {
    const { bring, delivered } = orderlyWorld({ byKey: true, batchSize: 3 });
    bring('aabaa');
    expect(delivered()).toEqual([[0, 1, 3], [2], [4]]);
  });

  it('a key that rests or hangs holds up no other, and the commit point waits for it', () => {
    const { listen } = handHeld();
    const { bring, delivered, commits, rests, wake } = orderlyWorld({
      byKey: true,
      listen: ([message], context) => {
        if (message.queueOffset === 0 && context.attempt === 1) return SUSPEND;
        return message.queueOffset === 1 ? listen() : SUCCESS;
      },
    });
    bring('abcabc');
    expect([delivered(), commits.point, rests.length]).toEqual([[[0], [1], [2], [5]], 0, 1]);
    wake();
    expect([delivered(), commits.point]).toEqual([[[0], [1], [2], [5], [0], [3]], 1]);
  });

  it('the key with the oldest message is next when slots are short', async () => {
    const { hands, listen } = handHeld();
    const { bring, delivered } = orderlyWorld({ byKey: true, concurrency: 1, listen });
    bring('aaabcb');
    for (let i = 0; i < 6; i++) {
      hands[i]?.resolve(undefined);
      await turn();
    }
    expect(delivered()).toEqual([[0], [1], [2], [3], [4], [5]]);
  });

  it('COMMIT and ROLLBACK reach what their own key kept', () => {
    const answers: Readonly<Record<number, OrderlyResult>> = { 2: COMMIT, 3: ROLLBACK };
    const { bring, delivered, commits, wake } = orderlyWorld({
      byKey: true,
      listen: ([message], context) => {
        context.autoCommit = false;
        return answers[message.queueOffset] ?? SUCCESS;
      },
    });
    bring('abab');
    expect([delivered(), commits.point]).toEqual([[[0], [1], [2], [3]], 1]);
    wake();
    expect(delivered().slice(4)).toEqual([[1], [3]]);
  });
});

describe('a new epoch', () => {
  it('waits for a call of the one before, whose result touches nothing', async () => {
    const { hands, listen } = handHeld();
    const { owned, bring, delivered, commits, dispatcher } = orderlyWorld({ listen });
    bring('..');
    owned.restart(at(500), true);
    bring('..');
    expect([delivered(), dispatcher.pending]).toEqual([[[0]], 1]);
    hands[0]?.resolve(SUSPEND);
    await turn();
    expect([delivered(), commits.point, owned.count]).toEqual([[[0], [500]], 0, 2]);
  });

  it('is delivered beside a call of the one before when that has another key', async () => {
    const { hands, listen } = handHeld();
    const { owned, bring, delivered } = orderlyWorld({ byKey: true, listen });
    bring('a');
    owned.restart(at(500), true);
    bring('ab');
    expect(delivered()).toEqual([[0], [501]]);
    hands[0]?.reject(new Error('no'));
    await turn();
    expect(delivered()).toEqual([[0], [501], [500]]);
  });

  it('begins when the pause of the one before is over, without its messages', () => {
    const { owned, bring, delivered, wake, dispatcher } = orderlyWorld({ listen: answering([SUSPEND]) });
    bring('..');
    owned.restart(at(500), true);
    bring('.');
    expect([delivered(), dispatcher.isResting]).toEqual([[[0]], true]);
    wake();
    expect([delivered(), dispatcher.isResting]).toEqual([[[0], [500]], false]);
  });

  it('forgets what was kept, and what was on its way to the dead letters', () => {
    const { owned, bring, delivered, failed, commits, dispatcher } = orderlyWorld({
      maxReconsumeTimes: 0,
      listen: answering([SUCCESS, SUSPEND, COMMIT], manually),
    });
    bring('..');
    owned.restart(at(500), true);
    bring('.');
    expect([delivered(), commits.point, dispatcher.pending]).toEqual([[[0], [1], [500]], 501, 0]);
    for (const one of failed) {
      dispatcher.settle(one);
      dispatcher.redeliver(one);
    }
    expect([delivered().length, commits.point, dispatcher.pending]).toEqual([3, 501, 0]);
  });
});

describe('slots', () => {
  it.each([
    ['at once', () => undefined],
    ['later', async () => undefined],
  ])('go round between queues whose listeners end %s', async (_, listen) => {
    const slots = openSlots(1);
    const order: string[] = [];
    slots.close();
    const queues = [0, 1, 2].map(queueId =>
      orderlyWorld({
        slots,
        queueId,
        listen: messages => {
          order.push(`${queueId}:${offsetsOf(messages).join()}`);
          return listen();
        },
      }),
    );
    for (const { bring } of queues) bring('...');
    slots.open();
    for (let i = 0; i < 10; i++) await turn();
    expect(order).toEqual(['0:0', '1:0', '2:0', '0:1', '1:1', '2:1', '0:2', '1:2', '2:2']);
    expect(slots.running).toBe(0);
  });

  it('are held by running calls only: neither by a pause nor by a way to the dead letters', () => {
    const { bring, slots } = orderlyWorld({
      byKey: true,
      maxReconsumeTimes: 1,
      listen: answering([SUSPEND, SUSPEND]),
    });
    bring('a');
    bring('b', { reconsumeTimes: 1 });
    expect(slots.running).toBe(0);
  });

  it('are asked for in vain only once while the process may not deliver', () => {
    const slots = openSlots(1);
    const { bring, allows, delivered, dispatcher } = orderlyWorld({ slots });
    slots.close();
    bring('..');
    allows.delivery = false;
    slots.open();
    expect(delivered()).toEqual([]);
    allows.delivery = true;
    dispatcher.pump();
    expect(delivered()).toEqual([[0], [1]]);
  });

  it('that are free are counted by messages that are with the listener', async () => {
    const { hands, listen } = handHeld();
    const { bring, owned } = orderlyWorld({ batchSize: 2, byKey: true, listen });
    bring('aabcaa');
    expect([owned.runningCount, owned.count]).toEqual([4, 6]);
    hands[0]?.resolve(undefined);
    await turn();
    expect([owned.runningCount, owned.count]).toEqual([4, 4]);
  });
});

describe('without the lock', () => {
  it('no call starts; that one is due is told once, and it waits to be opened', () => {
    const { bring, allows, delivered, told, dispatcher } = orderlyWorld();
    allows.lock = false;
    bring('.');
    bring('.');
    expect([delivered(), told, dispatcher.isOpen]).toEqual([[], ['lock missed'], false]);
    dispatcher.open();
    expect(told).toEqual(['lock missed', 'lock missed']);
    allows.lock = true;
    dispatcher.open();
    expect(delivered()).toEqual([[0], [1]]);
  });

  it('a running call ends, and none follows', async () => {
    const { hands, listen } = handHeld();
    const { bring, allows, delivered, told, commits } = orderlyWorld({ listen });
    bring('..');
    allows.lock = false;
    hands[0]?.resolve(undefined);
    await turn();
    expect([delivered(), told, commits.point]).toEqual([[[0]], ['lock missed'], 1]);
  });

  it('and with a former assignment whose call still runs it is as without the lock', async () => {
    const outlived = new OutlivedCalls();
    const { hands, listen } = handHeld();
    const former = orderlyWorld({ outlived, listen });
    former.bring('..');
    former.dispatcher.drop(true);
    former.dispatcher.abort(new Error('over'));
    former.owned.letGo();
    const { bring, delivered, dispatcher, told } = orderlyWorld({ outlived });
    bring('.');
    expect([delivered(), dispatcher.lockIsLive(), told]).toEqual([[], false, ['lock missed']]);
    hands[0]?.resolve(undefined);
    await turn();
    expect(dispatcher.lockIsLive()).toBe(true);
    dispatcher.open();
    expect([delivered(), former.delivered()]).toEqual([[[0]], [[0]]]);
  });
});

describe('closed', () => {
  it('starts nothing, not even what is to be repeated, until it is opened', () => {
    const { bring, dispatcher, delivered, wake } = orderlyWorld({ listen: answering([SUSPEND]) });
    bring('.');
    dispatcher.close();
    wake();
    bring('.');
    expect(delivered()).toEqual([[0]]);
    dispatcher.open();
    expect(delivered()).toEqual([[0], [0], [1]]);
  });

  it('leaves the line for slots', async () => {
    const slots = openSlots(1);
    const { hands, listen } = handHeld();
    const other = orderlyWorld({ slots, listen });
    const { bring, dispatcher, delivered } = orderlyWorld({ slots });
    other.bring('.');
    bring('.');
    dispatcher.close();
    hands[0]?.resolve(undefined);
    await turn();
    expect([delivered(), slots.running]).toEqual([[], 0]);
  });
});

describe('a queue that is given up', () => {
  it('drops what has not started, and is drained when the running call has ended', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told, delivered, commits } = orderlyWorld({ listen });
    bring('...');
    dispatcher.drop(true);
    awaitDrained();
    expect([told, dispatcher.pending]).toEqual([[], 1]);
    hands[0]?.resolve(undefined);
    await turn();
    expect([told, delivered(), commits.point]).toEqual([['drained'], [[0]], 1]);
  });

  it('is drained at once when nothing runs, also while it rests; what it kept is not committed', () => {
    const { bring, dispatcher, awaitDrained, told, commits, wake, delivered } = orderlyWorld({
      byKey: true,
      listen: answering([SUCCESS, SUSPEND], manually),
    });
    bring('ab');
    dispatcher.drop(true);
    awaitDrained();
    wake();
    expect([told, commits.point, delivered()]).toEqual([['drained'], 0, [[0], [1]]]);
  });

  it('delivers what lies before a started message, so that the next owner gets nothing twice', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told, delivered, commits } = orderlyWorld({
      byKey: true,
      listen,
    });
    bring('aaabaca');
    hands[2]?.resolve(undefined);
    await turn();
    expect(delivered()).toEqual([[0], [3], [5]]);
    dispatcher.drop(true);
    awaitDrained();
    for (let i = 0; i < 7; i++) {
      hands[i]?.resolve(undefined);
      await turn();
    }
    expect([told, delivered(), commits.point]).toEqual([['drained'], [[0], [3], [5], [1], [2], [4]], 6]);
  });

  it('starts nothing more behind a message that failed meanwhile', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told, delivered, commits, rests } = orderlyWorld({
      byKey: true,
      listen,
    });
    bring('aabbc');
    dispatcher.drop(true);
    awaitDrained();
    hands[0]?.resolve(SUSPEND);
    hands[1]?.resolve(undefined);
    await turn();
    hands[2]?.resolve(undefined);
    await turn();
    expect([told, delivered(), commits.point, rests]).toEqual([['drained'], [[0], [2], [4]], 0, []]);
  });

  it('starts nothing behind a message that rests or was kept: it would be delivered twice', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, delivered } = orderlyWorld({
      byKey: true,
      listen: ([message], context) => {
        context.autoCommit = message.queueOffset !== 0;
        return message.queueOffset === 0 ? SUCCESS : listen();
      },
    });
    bring('abbc');
    dispatcher.drop(true);
    hands[0]?.resolve(undefined);
    await turn();
    expect(delivered()).toEqual([[0], [1], [3]]);
  });

  it('takes of a lane only what lies before a started message', async () => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, delivered, commits } = orderlyWorld({
      byKey: true,
      batchSize: 2,
      concurrency: 2,
      listen,
    });
    bring('aaabcaa');
    dispatcher.drop(true);
    for (let i = 0; i < 4; i++) {
      hands[i]?.resolve(undefined);
      await turn();
    }
    expect([delivered(), commits.point]).toEqual([[[0, 1], [3], [2]], 4]);
  });

  it('waits for a slot that it needs to close a gap', async () => {
    const slots = openSlots(2);
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told, delivered } = orderlyWorld({ slots, byKey: true, listen });
    bring('aab');
    const others = [1, 2].map(queueId => orderlyWorld({ slots, queueId, listen }));
    for (const other of others) other.bring('.');
    dispatcher.drop(true);
    awaitDrained();
    hands[1]?.resolve(undefined);
    await turn();
    hands[0]?.resolve(undefined);
    await turn();
    expect([others.map(other => other.delivered()), delivered(), told]).toEqual([
      [[[0]], [[0]]],
      [[0], [2]],
      [],
    ]);
    hands[2]?.resolve(undefined);
    await turn();
    hands[4]?.resolve(undefined);
    await turn();
    expect([delivered(), told]).toEqual([[[0], [2], [1]], ['drained']]);
  });

  it.each(['lock', 'delivery'] as const)('starts nothing more without the %s', async what => {
    const { hands, listen } = handHeld();
    const { bring, dispatcher, awaitDrained, told, delivered, allows } = orderlyWorld({
      byKey: true,
      listen,
    });
    bring('aab');
    allows[what] = false;
    dispatcher.drop(true);
    awaitDrained();
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([told, delivered()]).toEqual([['drained'], [[0], [2]]]);
  });

  it('starts nothing more when it is told so, or was aborted', async () => {
    const { hands, listen } = handHeld();
    const told = orderlyWorld({ byKey: true, listen });
    const aborted = orderlyWorld({ byKey: true, listen });
    for (const { bring } of [told, aborted]) bring('aab');
    told.dispatcher.drop(false);
    aborted.dispatcher.drop(true);
    aborted.dispatcher.abort(new Error('over'));
    for (const hand of hands) hand.resolve(undefined);
    await turn();
    expect([told.delivered(), aborted.delivered()]).toEqual([
      [[0], [2]],
      [[0], [2]],
    ]);
    expect([told.calls[0]?.context.signal.aborted, aborted.calls[0]?.context.signal.aborted]).toEqual([
      false,
      true,
    ]);
  });

  it('waits for what is on its way to the dead letters', () => {
    const { bring, dispatcher, awaitDrained, told, failed, commits } = orderlyWorld({
      maxReconsumeTimes: 0,
      listen: answering([SUSPEND]),
    });
    bring('..');
    dispatcher.drop(true);
    awaitDrained();
    expect([told, dispatcher.pending]).toEqual([[], 1]);
    for (const one of failed) dispatcher.settle(one);
    expect([told, commits.point]).toEqual([['drained'], 1]);
  });

  it('does not wait for a dead letter that nobody took', () => {
    const { bring, dispatcher, awaitDrained, told, failed, commits, rests } = orderlyWorld({
      maxReconsumeTimes: 0,
      listen: answering([SUSPEND]),
    });
    bring('..');
    dispatcher.drop(true);
    awaitDrained();
    for (const one of failed) dispatcher.redeliver(one);
    expect([told, commits.point, rests]).toEqual([['drained'], 0, []]);
  });

  it('is not drained as long as a call of a former epoch runs', async () => {
    const { hands, listen } = handHeld();
    const { owned, bring, dispatcher, awaitDrained, told } = orderlyWorld({ listen });
    bring('.');
    owned.restart(at(500), true);
    dispatcher.drop(true);
    awaitDrained();
    expect([told, dispatcher.pending]).toEqual([[], 1]);
    hands[0]?.resolve(undefined);
    await turn();
    expect(told).toEqual(['drained']);
  });
});
