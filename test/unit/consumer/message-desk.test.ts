// SPDX-License-Identifier: Apache-2.0
/** What becomes of a message between its listener call and the loop that reads it? */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MessageDesk } from '../../../src/consumer/message-desk.ts';
import { letGo } from '../../../src/listeners/let-go.ts';
import type { ConsumeContext } from '../../../src/listeners/listener.ts';
import { ConsumeResult } from '../../../src/model/consume-result.ts';
import { aQueue, messageAt, queueNumber, turn } from '../../support/builders.ts';

const { SUCCESS, RECONSUME_LATER } = ConsumeResult;

/** One listener call, as the dispatcher makes it. */
function deliver(desk: MessageDesk, offset: number, queue = aQueue) {
  const abort = new AbortController();
  const context: ConsumeContext = {
    ...{ queue, attempt: 1, attributes: new Map(), signal: abort.signal },
    ...{ ackIndex: 0, delayLevelWhenNextConsume: 0 },
    commit: () => {},
    offsetStore: { commitOffset: () => {}, committed: undefined },
  };
  const call = { context, abort, answer: 'none' as unknown };
  void Promise.resolve(desk.listener.consume([messageAt(offset)], context)).then(answer => {
    call.answer = answer;
  });
  return call;
}

async function taken(desk: MessageDesk) {
  const message = await desk.take();
  if (message === undefined) throw new Error('there was no message');
  return message;
}

describe('a message on the desk', () => {
  it('goes to whoever waits, or waits itself, in the order of arrival', async () => {
    const desk = new MessageDesk();
    const first = desk.take();
    expect(desk.isAwaited).toBe(true);
    for (const offset of [0, 1, 2]) deliver(desk, offset);
    expect(desk.isAwaited).toBe(false);
    const offsets = [await first, await desk.take(), await desk.take()].map(each => each?.queueOffset);
    expect(offsets).toEqual([0, 1, 2]);
  });

  it('ends its listener call with ack or retry, whichever is called first', async () => {
    const desk = new MessageDesk();
    const calls = [deliver(desk, 0), deliver(desk, 1)];
    const [done, failed] = [await taken(desk), await taken(desk)];
    await turn();
    expect(calls.map(({ answer }) => answer)).toEqual(['none', 'none']);

    done.ack();
    done.retry(5);
    failed.retry(5);
    failed.ack();

    await turn();
    expect(calls.map(({ answer }) => answer)).toEqual([SUCCESS, RECONSUME_LATER]);
    expect(calls[1]?.context.delayLevelWhenNextConsume).toBe(5);
  });

  it('shows all that a listener would see of it', async () => {
    const desk = new MessageDesk();
    const { abort } = deliver(desk, 7);
    const shown = await taken(desk);
    const plain = messageAt(7);
    const names = [
      ...['topic', 'body', 'tags', 'keys', 'msgId', 'offsetMsgId', 'transactionId', 'queueId', 'brokerName'],
      ...[
        'queueOffset',
        'commitLogOffset',
        'reconsumeTimes',
        'bornTimestamp',
        'storeTimestamp',
        'bornHost',
        'storeHost',
      ],
      ...['sysFlag', 'flag', 'storeSize', 'properties'],
    ] as const;
    for (const name of names) expect(Reflect.get(shown, name), name).toEqual(Reflect.get(plain, name));
    expect(shown.getProperty('UNIQ_KEY')).toBe('id-7');
    expect(shown.detach()).toEqual(plain.body);
    expect(inspect(shown)).toMatch(/^ReceivedMessage \{\s+topic: 'orders'/);
    expect(JSON.parse(JSON.stringify(shown))).toMatchObject({ queueOffset: 7, attempt: 1, msgId: 'id-7' });
    expect(JSON.stringify(shown)).not.toContain('body');
    expect([shown.queue, shown.attempt, shown.signal]).toEqual([aQueue, 1, abort.signal]);
  });

  it('is let go, when nobody has seen it, with its queue and with no other', async () => {
    const desk = new MessageDesk();
    const calls = [deliver(desk, 0), deliver(desk, 0, queueNumber(1)), deliver(desk, 1)];
    desk.letGo(({ queueId }) => queueId === 0);
    await turn();
    expect(calls.map(({ answer }) => answer)).toEqual([letGo, 'none', letGo]);
    expect((await taken(desk)).queue.queueId).toBe(1);
  });

  it('that took too long is not handed out any more; another with the same id is', async () => {
    const desk = new MessageDesk();
    const stuck = deliver(desk, 3);
    const fine = deliver(desk, 3);
    desk.forgetStuck(aQueue, 'id-3');
    stuck.abort.abort();
    await turn();
    expect([stuck.answer, fine.answer]).toEqual([letGo, 'none']);
    (await taken(desk)).ack();
    await turn();
    expect(fine.answer).toBe(SUCCESS);
  });
});

describe('a reader that leaves', () => {
  it('sends back what it has seen and not ended, and lets go of what it has not seen', async () => {
    const desk = new MessageDesk();
    const calls = [0, 1, 2].map(offset => deliver(desk, offset));
    (await taken(desk)).ack();
    const second = await taken(desk);
    desk.leave();
    second.ack();
    await turn();
    expect(calls.map(({ answer }) => answer)).toEqual([SUCCESS, RECONSUME_LATER, letGo]);
  });

  it('that waits gets undefined, or the reason', async () => {
    const desk = new MessageDesk();
    const quiet = desk.take();
    desk.leave();
    expect(await quiet).toBeUndefined();
    const given = desk.take();
    desk.leave({ of: 'enough' });
    await expect(given).rejects.toBe('enough');
  });

  it('makes room for the next one', async () => {
    const desk = new MessageDesk();
    desk.leave();
    deliver(desk, 4);
    expect((await taken(desk)).queueOffset).toBe(4);
  });
});

describe('a desk that is closed', () => {
  it('hands out nothing more, but lets what was seen be ended', async () => {
    const desk = new MessageDesk();
    const calls = [deliver(desk, 0), deliver(desk, 1)];
    const seen = await taken(desk);
    desk.close();
    expect(await desk.take()).toBeUndefined();
    seen.ack();
    await turn();
    expect(calls.map(({ answer }) => answer)).toEqual([SUCCESS, letGo]);
  });

  it('by a failure tells it once, to whoever waits or asks next', async () => {
    const failure = new Error('the broker is gone');
    const awaited = new MessageDesk();
    const waiting = awaited.take();
    awaited.close(failure);
    await expect(waiting).rejects.toBe(failure);
    expect(await awaited.take()).toBeUndefined();

    const quiet = new MessageDesk();
    quiet.close(failure);
    quiet.close();
    await expect(quiet.take()).rejects.toBe(failure);
    expect(await quiet.take()).toBeUndefined();
  });
});

describe('the first word on a message', () => {
  it('counts: a second retry, or one after the loop was left, changes no level', async () => {
    const desk = new MessageDesk();
    const calls = [deliver(desk, 0), deliver(desk, 1)];
    const [first, second] = [await taken(desk), await taken(desk)];
    first.retry(3);
    first.retry(-1);
    desk.leave();
    second.retry(-1);
    await turn();
    expect(calls.map(({ answer, context }) => [answer, context.delayLevelWhenNextConsume])).toEqual([
      [RECONSUME_LATER, 3],
      [RECONSUME_LATER, 0],
    ]);
  });
});
