// SPDX-License-Identifier: Apache-2.0
/** What does a user's callback do to the consumer when it throws? It becomes a fault that is told, and nothing else. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import type { Logger } from '../../../src/observability/logger.ts';
import { RequestCode } from '../../../src/protocol/codes.ts';
import { aQueue } from '../../support/builders.ts';
import { ConsumerKit, nothingLeft } from '../../support/consumer-kit.ts';

/** What reached the process: nothing may. */
const escaped: unknown[] = [];
const onEscape = (reason: unknown): void => void escaped.push(reason);
const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});

beforeEach(() => {
  escaped.length = 0;
  warn.mockClear();
  process.on('uncaughtException', onEscape).on('unhandledRejection', onEscape);
});

afterEach(async () => {
  await new Promise(resolve => setTimeout(resolve)); // XState rethrows in a timer what nobody caught
  process.off('uncaughtException', onEscape).off('unhandledRejection', onEscape);
  expect(escaped).toEqual([]);
});

const boom = (): never => {
  throw new TypeError('boom');
};
const boomLater = async (): Promise<void> => {
  await Promise.resolve();
  throw new TypeError('boom');
};

async function runAndStop(kit: ConsumerKit): Promise<void> {
  await kit.start();
  kit.cluster.store(aQueue, 2);
  await kit.pass(100);
  const reporting = shutdown(kit.actor);
  await kit.until(() => kit.state === 'stopped');
  expect(await reporting).toMatchObject({ reason: 'requested' });
  await kit.settle();
  expect(kit.leftovers).toEqual(nothingLeft);
}

function faultTexts(kit: ConsumerKit): readonly string[] {
  return [...new Set(kit.faults.map(({ error }) => `${error.code}: ${error.message}`))];
}

/** An async callback where none is expected: what users do, and what the types cannot forbid. */
const callbacks: readonly (readonly [string, () => void])[] = [
  ['throws', boom],
  ['rejects', boomLater as () => void], // on purpose: see above
];

describe.each(callbacks)('a callback that %s', (_, callback) => {
  it('given to on becomes a fault; the consumer goes on', async () => {
    const kit = new ConsumerKit();
    kit.actor.on('queue.assigned', callback);
    await runAndStop(kit);
    expect(faultTexts(kit)).toEqual([expect.stringMatching(/^RMQ_CALLBACK_FAILED: .*queue\.assigned.*boom/)]);
    expect(kit.faults[0]?.error.cause).toBeInstanceOf(TypeError);
    expect(kit.delivered).toHaveLength(2);
  });

  it('given to on for every event becomes a fault for each, and is told of the faults without end of it', async () => {
    const kit = new ConsumerKit();
    let calls = 0;
    kit.actor.on('*', () => {
      calls++;
      return callback();
    });
    await runAndStop(kit);
    expect(faultTexts(kit)).toEqual([expect.stringMatching(/^RMQ_CALLBACK_FAILED: .*boom/)]);
    expect(calls).toBe(kit.events.length);
    expect(kit.faults.length).toBe(kit.events.length / 2); // one for each event that is none itself
  });

  it('given to on for faults does not cause itself: it becomes a process warning', async () => {
    const kit = new ConsumerKit({ cluster: { topics: {} } });
    kit.actor.on('fault', callback);
    await kit.start();
    await kit.settle();
    expect(kit.faults.map(({ error }) => error.code)).toEqual(['RMQ_TOPIC_NOT_FOUND']);
    expect(warn.mock.calls.map(([message]) => message)).toEqual([expect.stringContaining('boom')]);
    kit.actor.stop();
  });

  it('given to subscribe, whichever of the three it is, becomes a fault', async () => {
    const kit = new ConsumerKit();
    kit.actor.subscribe(callback);
    kit.actor.subscribe({ next: callback, error: callback, complete: callback });
    kit.actor.subscribe({ error: callback, complete: callback });
    await runAndStop(kit);
    expect(faultTexts(kit).map(text => /observer given to subscribe/.test(text))).toEqual([true, true]);
    expect(kit.delivered).toHaveLength(2);
  });

  it('that is the inspect observer becomes a fault', async () => {
    const kit = new ConsumerKit({ environment: { inspect: callback } });
    await runAndStop(kit);
    expect(faultTexts(kit)).toEqual([
      expect.stringMatching(/^RMQ_CALLBACK_FAILED: the inspect observer.*boom/),
    ]);
  });

  it('that is the listener hands the messages back, each told as retried and as a fault', async () => {
    const kit = new ConsumerKit({ listener: callback });
    await runAndStop(kit);
    expect(kit.all('message.retried').map(({ msgId, attempt }) => `${msgId} ${attempt}`)).toEqual([
      'id-0 1',
      'id-1 1',
    ]);
    expect(kit.faults.map(({ error }) => error.code)).toEqual(['RMQ_LISTENER_FAILED', 'RMQ_LISTENER_FAILED']);
    expect(kit.cluster.askedFor(RequestCode.CONSUMER_SEND_MSG_BACK)).toHaveLength(2);
  });
});

describe('other things of the user', () => {
  it('a logger that throws is not heard, and nobody is hurt', async () => {
    const logger: Logger = { trace: boom, debug: boom, info: boom, warn: boom, error: boom, child: boom };
    const kit = await new ConsumerKit({ environment: { logger } }).start();
    kit.actor.stop();
    await kit.settle();
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('a handler that was taken back is not called any more', async () => {
    const kit = new ConsumerKit();
    let calls = 0;
    const subscription = kit.actor.on('consumer.stateChanged', () => {
      calls++;
      subscription.unsubscribe();
    });
    await kit.start();
    expect(calls).toBe(1);
    kit.actor.stop();
  });

  it('a handler that stops the consumer in the middle of an event is obeyed', async () => {
    const kit = new ConsumerKit();
    kit.actor.on('queue.assigned', () => void kit.actor.stop());
    kit.actor.start();
    await kit.until(() => kit.actor.getSnapshot().status === 'stopped');
    await kit.pass(100);
    expect(kit.leftovers).toEqual(nothingLeft);
    expect(kit.faults).toEqual([]);
  });

  it('an event that was never meant for it does nothing', async () => {
    const kit = await new ConsumerKit().start();
    kit.actor.send({ type: 'nonsense' } as never);
    kit.actor.send({ type: '' } as never);
    expect(kit.state).toBe('running.active');
    kit.actor.stop();
  });
});
