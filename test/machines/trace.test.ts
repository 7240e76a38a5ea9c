// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { ConnectionError } from '../../src/errors/errors.ts';
import type { ConsumeCall, ConsumeEnd } from '../../src/listeners/consume-hook.ts';
import type { FaultEvent } from '../../src/machines/shared/safe.ts';
import { traceMachine } from '../../src/machines/trace/trace.machine.ts';
import { TraceBook } from '../../src/machines/trace/trace-book.ts';
import type { MessageExt } from '../../src/model/message.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { aQueue, messageAt, turn } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';

const coverage = new ChartCoverage(traceMachine);
const interval = 500;
const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to broker-a lost');
const done: ConsumeEnd = { outcome: 'SUCCESS', success: true, error: undefined, durationMs: 8 };

function callOf(...messages: readonly [MessageExt, ...MessageExt[]]): ConsumeCall {
  const context = {
    ...{ queue: aQueue, attempt: 1, attributes: new Map(), signal: new AbortController().signal },
    ...{ commit: () => {}, offsetStore: { committed: undefined, commitOffset: () => {} } },
  };
  return { consumerGroup: 'billing', queue: aQueue, messages, context };
}

function aBook(clock: TestClock) {
  let ids = 0;
  return new TraceBook({
    ...{ nextId: () => `R${ids++}`, wallNow: () => 1000 + clock.now(), now: () => clock.now() },
  });
}

/** The machine with a book of traces and a broker that stores what it is given when the test lets it. */
function start() {
  const clock = new TestClock();
  const book = aBook(clock);
  const world = { fails: undefined as Error | undefined, answers: true };
  const sent: number[] = [];
  const heard: FaultEvent[] = [];
  const actor = createActor(traceMachine, {
    clock,
    inspect: coverage.inspect,
    input: {
      port: {
        get isEmpty() {
          return book.isEmpty;
        },
        noteEnd: () => book.noteEnd(),
        takeLost: () => book.takeLost(),
        sendNext: async () => {
          const batch = book.take();
          if (batch === undefined) return;
          sent.push(batch.count);
          if (!world.answers) return new Promise(() => {});
          if (world.fails === undefined) return;
          book.noteLost(batch.count);
          throw world.fails;
        },
      },
      ...{ random: () => 0.5, now: () => clock.now(), parent: { send: event => heard.push(event) } },
    },
  }).start();
  const consume = (count = 1): void => {
    for (let i = 0; i < count; i++) {
      const call = callOf(messageAt(i));
      book.before(call);
      book.after(call, done);
    }
  };
  return { actor, clock, book, world, sent, heard, consume };
}

describe('the trace actor', () => {
  it('sends what has gathered twice a second, and nothing when there is nothing', async () => {
    const { clock, consume, sent } = start();
    await clock.advance(interval);
    expect(sent).toEqual([]);
    consume(3);
    await clock.advance(interval);
    expect(sent).toEqual([6]);
  });

  it('sends message after message while more waits than one may hold', async () => {
    const { clock, consume, sent } = start();
    consume(2000);
    await clock.advance(interval);
    await turn();
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.reduce((sum, count) => sum + count, 0)).toBe(4000);
  });

  it('sends at once when flushed, and tells whoever waits when all is out', async () => {
    const { actor, book, consume, sent } = start();
    consume(2);
    let ended = 0;
    book.onceEnded(() => ended++);
    actor.send({ type: 'trace.flush' });
    await turn();
    expect([sent, ended]).toEqual([[4], 1]);
  });

  it('keeps nobody waiting for what cannot be sent', async () => {
    const { actor, book, consume, world } = start();
    world.fails = lost;
    consume(2);
    let ended = 0;
    book.onceEnded(() => ended++);
    actor.send({ type: 'trace.flush' });
    await turn();
    expect(ended).toBe(1);
    world.fails = undefined;
    consume();
    actor.send({ type: 'trace.flush' });
    await turn();
    expect(book.isEmpty).toBe(true);
  });

  it('drops what it could not send, says how much and why, at most once a minute, and tries again ever more slowly', async () => {
    const { clock, consume, world, heard, sent } = start();
    world.fails = lost;
    for (let i = 0; i < 80; i++) {
      consume();
      await clock.advance(interval);
    }
    expect(heard.map(({ error }) => [error.code, error.message])).toEqual([
      ['RMQ_TRACE_LOST', '2 message traces were lost: connection to broker-a lost'],
    ]);
    expect(sent.length).toBeLessThan(60);
    world.fails = undefined;
    await clock.advance(60_000);
    consume();
    await clock.advance(interval);
    expect(heard).toHaveLength(2);
  });

  it('gives up a send that is never answered', async () => {
    const { clock, consume, world, sent } = start();
    world.answers = false;
    consume();
    await clock.advance(interval);
    await clock.advance(60_000);
    world.answers = true;
    consume();
    await clock.advance(10_000);
    expect(sent).toEqual([2, 2]);
  });

  it('hands a fault on', () => {
    const { actor, heard } = start();
    actor.send({ type: 'fault', error: lost, actor: 'x' });
    expect(heard).toEqual([{ type: 'fault', error: lost, actor: 'x' }]);
  });
});

describe('the book of traces', () => {
  it('joins the two records of a call, one for each of its messages, with the time divided by them', () => {
    const book = aBook(new TestClock());
    const call = callOf(messageAt(1), messageAt(2));
    book.before(call);
    book.after(call, done);
    expect(book.take()).toEqual({
      count: 4,
      keys: 'id-1 id-2',
      text: [
        'SubBefore\u00011000\u0001\u0001billing\u0001R0\u0001id-1\u00010\u0001null\u0002',
        'SubBefore\u00011000\u0001\u0001billing\u0001R0\u0001id-2\u00010\u0001null\u0002',
        'SubAfter\u0001R0\u0001id-1\u00014\u0001true\u0001null\u00010\u00011000\u0001billing\u0002',
        'SubAfter\u0001R0\u0001id-2\u00014\u0001true\u0001null\u00010\u00011000\u0001billing\u0002',
      ].join(''),
    });
    expect(book.take()).toBeUndefined();
  });

  it('says nothing of a message whose broker has switched traces off', () => {
    const book = aBook(new TestClock());
    const call = callOf(messageAt(1, { properties: [['TRACE_ON', 'false']] }));
    book.before(call);
    book.after(call, done);
    expect(book.isEmpty).toBe(true);
  });

  it('finds a message by its own keys too, unless they are more than fit', () => {
    const book = aBook(new TestClock());
    const keyed = (keys: string) =>
      messageAt(1, {
        properties: [
          ['UNIQ_KEY', 'id-1'],
          ['KEYS', keys],
          ['MSG_REGION', 'here'],
        ],
      });
    book.before(callOf(keyed('a b')));
    expect(book.take()).toMatchObject({ keys: 'id-1 a b' });
    book.before(callOf(keyed('x'.repeat(3000))));
    const batch = book.take();
    expect(batch?.keys).toBe('id-1');
    expect(batch?.text.split('\u0001')[2]).toBe('here');
  });

  it('is bounded: what comes on top is lost and counted, and the oldest stay', () => {
    const book = aBook(new TestClock());
    for (let i = 0; i < 10_500; i++) book.before(callOf(messageAt(i)));
    expect(book.takeLost()).toBe(500);
    let kept = 0;
    for (let batch = book.take(); batch !== undefined; batch = book.take()) {
      expect(batch.text.length).toBeLessThanOrEqual(128_000);
      expect(batch.keys.length).toBeLessThanOrEqual(8000);
      kept += batch.count;
    }
    expect(kept).toBe(10_000);
  });
});

describe('this file', () => {
  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
