// SPDX-License-Identifier: Apache-2.0
/** What does a handler that never ends do to a whole consumer, and what does context.commit move? */
import { describe, expect, it } from 'vitest';
import { shutdown } from '../../src/consumer/shutdown.ts';
import type { ConsumeMessages } from '../../src/listeners/listener.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { queueNumber } from '../support/builders.ts';
import { ConsumerKit, nothingLeft } from '../support/consumer-kit.ts';
import { checkTrace } from '../support/trace-checker.ts';

const [zero, one] = [queueNumber(0), queueNumber(1)];
const { CONSUMER_SEND_MSG_BACK: sendBack } = RequestCode;

/** `exempt`: the rule of the trace that this end is an exception to. */
async function cleanEnd(kit: ConsumerKit, exempt: string): Promise<void> {
  const reporting = shutdown(kit.actor);
  await kit.until(() => kit.actor.getSnapshot().status !== 'active');
  expect(await reporting).toMatchObject({ clean: true, abandonedMessages: 0 });
  kit.trace.mark({ mark: 'stopped' });
  expect(checkTrace(kit.trace.entries).map(({ rule }) => rule)).toEqual([exempt]);
  expect(kit.leftovers).toEqual(nothingLeft);
}

describe('a handler that never ends', () => {
  /** The first message of queue 0 hangs. */
  function hanging(): { readonly listener: ConsumeMessages; readonly signals: AbortSignal[] } {
    const signals: AbortSignal[] = [];
    const listener: ConsumeMessages = ([message], { signal }) => {
      if (message.queueId !== 0 || message.queueOffset !== 0) return undefined;
      signals.push(signal);
      return new Promise(() => {});
    };
    return { listener, signals };
  }

  it('is told after consumeTimeout, its message sent back once, and nothing of it is left to wait for at the end', async () => {
    const { listener, signals } = hanging();
    const kit = await new ConsumerKit({ listener, config: { consumeTimeout: 5000 } }).start();
    kit.cluster.store(zero, 3);
    await kit.pass(4900);
    expect([kit.all('message.stuck'), signals[0]?.aborted]).toEqual([[], false]);
    await kit.pass(2000);
    expect(kit.all('message.stuck')).toMatchObject([{ queue: zero, runningMs: expect.any(Number) }]);
    expect(signals[0]?.reason).toMatchObject({ code: 'RMQ_CONSUME_TIMEOUT' });
    expect(kit.cluster.askedFor(sendBack).length).toBe(1);
    await kit.pass(60_000);
    expect(kit.all('message.stuck').length).toBe(1);
    expect(kit.cluster.askedFor(sendBack).length).toBe(1);
    expect(kit.cluster.queue(queueKey(zero)).committed).toBe(3);
    await cleanEnd(kit, 'nothingLeftAtEnd'); // the handler still runs
  });

  it('holds up another queue of a consumer with one slot no longer than that', async () => {
    const { listener } = hanging();
    const config = { consumeTimeout: 5000, consumeConcurrency: 1 };
    const kit = await new ConsumerKit({ listener, config }).start();
    kit.cluster.store(zero, 1);
    await kit.pass(100);
    kit.cluster.store(one, 2);
    await kit.pass(4000);
    expect(kit.delivered).toEqual(['orders-0:0']);
    await kit.pass(3000);
    expect(kit.delivered).toEqual(['orders-0:0', 'orders-1:0', 'orders-1:1']);
    await cleanEnd(kit, 'nothingLeftAtEnd'); // the handler still runs
  });
});

describe('context.commit without enableAutoCommit', () => {
  it('moves the offset through its own message and no further', async () => {
    const kit = await new ConsumerKit({
      config: { enableAutoCommit: false },
      listener: ([message], context) => {
        if (message.queueOffset === 2) context.commit();
      },
    }).start();
    kit.cluster.store(zero, 5);
    await kit.pass(10_000);
    expect([kit.delivered.length, kit.cluster.queue(queueKey(zero)).committed]).toEqual([5, 3]);
    await cleanEnd(kit, 'finalOffsetBeforeUnlock'); // more is done than committed
    expect(kit.cluster.queue(queueKey(zero)).committed).toBe(3);
  });
});
