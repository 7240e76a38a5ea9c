// SPDX-License-Identifier: Apache-2.0
/** What does a loop over messages() see of a whole consumer, and what does the consumer do while nobody reads? */
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors/errors.ts';
import { simple } from '../../../src/listeners/listener.ts';
import { RequestCode } from '../../../src/protocol/codes.ts';
import { aQueue, deferred, offsetsOf, queueNumber } from '../../support/builders.ts';
import { nothingLeft } from '../../support/consumer-kit.ts';
import { nameServer } from '../../support/scripted-cluster.ts';
import { type FaceKit, faceKit, loopOver, readingKit } from './face-kit.ts';

const oneQueue = { cluster: { topics: { orders: 1 } } } as const;

/** Running, with so many messages in its only queue. */
async function reading(count: number, config: Parameters<typeof readingKit>[0] = {}): Promise<FaceKit> {
  const kit = readingKit({ ...oneQueue, ...config });
  kit.cluster.store(aQueue, count);
  await kit.start();
  return kit;
}

function sentBack(kit: FaceKit): readonly number[] {
  return kit.cluster
    .askedFor(RequestCode.CONSUMER_SEND_MSG_BACK)
    .map(({ fields }) => Number(fields['offset']) / 1000);
}

async function stop(kit: FaceKit) {
  const reporting = kit.consumer.shutdown();
  await kit.until(() => kit.state === 'stopped');
  return reporting;
}

describe('a consumer without a listener', () => {
  it('is suspended and pulls nothing until somebody reads', async () => {
    const kit = await reading(5);
    await kit.pass(1000);
    expect(kit.state).toBe('running.suspended');
    expect(kit.cluster.askedFor(RequestCode.PULL_MESSAGE)).toEqual([]);
    expect((await stop(kit)).clean).toBe(true);
  });

  it('is read in the order of the queue; what is acked is committed', async () => {
    const kit = await reading(40);
    const loop = loopOver(kit.consumer.messages());
    await kit.pass(100);
    expect(offsetsOf(loop.seen)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(loop.seen[3]?.attempt).toBe(1);
    const report = await stop(kit);
    expect([report.clean, loop.outcome]).toEqual([true, 'over']);
    expect(kit.cluster.queue('orders@broker-a#0').committed).toBe(40);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('may be read before it is started', async () => {
    const kit = readingKit(oneQueue);
    kit.cluster.store(aQueue, 2);
    const loop = loopOver(kit.consumer.messages());
    await kit.start();
    await kit.pass(100);
    expect(offsetsOf(loop.seen)).toEqual([0, 1]);
    await stop(kit);
  });

  it('hands out no more than consumeConcurrency at once, and pulls no more than its thresholds allow', async () => {
    const kit = await reading(500, {
      ...oneQueue,
      config: { consumeConcurrency: 4, pullThresholdForQueue: 50 },
    });
    const held: number[] = [];
    const loop = loopOver(kit.consumer.messages(), async message => {
      held.push(kit.consumer.getStats().heldMessages);
      expect(kit.consumer.getAssignedQueues()[0]?.running).toBeLessThanOrEqual(4);
      await Promise.resolve();
      message.ack();
    });
    await kit.until(() => loop.seen.length === 500);
    expect(Math.max(...held)).toBeLessThanOrEqual(50 + 32 + 4); // a batch that was asked for with room for one
    await stop(kit);
  });

  it('lets several messages be worked on at once, as many as consumeConcurrency', async () => {
    const kit = await reading(10, { ...oneQueue, config: { consumeConcurrency: 3 } });
    const loop = loopOver(kit.consumer.messages(), () => {});
    await kit.pass(200);
    expect(offsetsOf(loop.seen)).toEqual([0, 1, 2]);
    loop.seen[1]?.ack();
    await kit.pass(100);
    expect(offsetsOf(loop.seen)).toEqual([0, 1, 2, 3]);
    for (const message of loop.seen) message.ack();
    kit.actor.stop();
    await loop.ended;
  });

  it('sends back what retry is called on, with its level', async () => {
    const kit = await reading(2);
    loopOver(kit.consumer.messages(), message => {
      if (message.queueOffset === 0) message.retry(7);
      else message.ack();
    });
    await kit.pass(200);
    const [request, ...others] = kit.cluster.askedFor(RequestCode.CONSUMER_SEND_MSG_BACK);
    expect(request?.fields).toMatchObject({ offset: '0', delayLevel: '7' });
    expect(others).toEqual([]);
    await stop(kit);
  });
});

describe('a loop that is left', () => {
  it('suspends the consumer, sends back what it saw and did not ack, and nothing else', async () => {
    const kit = await reading(20, { ...oneQueue, config: { consumeConcurrency: 8 } });
    const loop = loopOver(kit.consumer.messages(), message => {
      if (message.queueOffset !== 1) message.ack();
      return message.queueOffset === 3 ? 'enough' : undefined;
    });
    await loop.ended;
    await kit.pass(200);
    expect(kit.state).toBe('running.suspended');
    expect(sentBack(kit)).toEqual([1]);
    expect(kit.all('message.retried').map(({ attempt }) => attempt)).toEqual([1]);
    expect(kit.consumer.getStats()).toMatchObject({ messagesConsumed: 3, messagesFailed: 1 });
    await stop(kit);
  });

  it('is followed by another one, which gets what the first has not seen, as a first attempt', async () => {
    const kit = await reading(20, { ...oneQueue, config: { consumeConcurrency: 8 } });
    await loopOver(kit.consumer.messages(), message => {
      message.ack();
      return message.queueOffset === 3 ? 'enough' : undefined;
    }).ended;
    await kit.pass(500);
    const second = loopOver(kit.consumer.messages());
    await kit.pass(200);
    expect(offsetsOf(second.seen).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, i) => i + 4),
    );
    expect(new Set(second.seen.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    expect(sentBack(kit)).toEqual([]);
    expect((await stop(kit)).clean).toBe(true);
    expect(kit.cluster.queue('orders@broker-a#0').committed).toBe(20);
  });

  it('keeps nothing waiting at a shutdown: what nobody saw is neither committed nor abandoned', async () => {
    const kit = await reading(20, { ...oneQueue, config: { consumeConcurrency: 8 } });
    await loopOver(kit.consumer.messages(), message => {
      message.ack();
      return 'enough';
    }).ended;
    const report = await stop(kit);
    expect(report).toMatchObject({ clean: true, abandonedMessages: 0 });
    expect(report.durationMs).toBeLessThan(1000);
    expect(kit.cluster.queue('orders@broker-a#0').committed).toBe(1);
  });

  it('stays left: an ack after it counts for nothing', async () => {
    const kit = await reading(1);
    const loop = loopOver(kit.consumer.messages(), () => 'enough');
    await kit.until(() => loop.outcome === 'over');
    loop.seen[0]?.ack();
    await kit.pass(100);
    expect(sentBack(kit)).toEqual([0]);
    expect(kit.consumer.getStats()).toMatchObject({ messagesConsumed: 0, messagesFailed: 1 });
    await stop(kit);
  });
});

describe('the end of a consumer that is read', () => {
  it('by a shutdown waits for what is not acked yet', async () => {
    const kit = await reading(10, { ...oneQueue, config: { consumeConcurrency: 4 } });
    const loop = loopOver(kit.consumer.messages(), () => {});
    await kit.pass(100);
    const reporting = kit.consumer.shutdown();
    await kit.until(() => loop.outcome === 'over');
    expect(kit.state).toBe('stopping.draining');
    for (const message of loop.seen) message.ack();
    await kit.until(() => kit.state === 'stopped');
    expect(await reporting).toMatchObject({ clean: true, abandonedMessages: 0 });
    expect(kit.cluster.queue('orders@broker-a#0').committed).toBe(4);
  });

  it('by a shutdown abandons what is never acked when the grace is over', async () => {
    const kit = await reading(10, { ...oneQueue, config: { consumeConcurrency: 4 } });
    const loop = loopOver(kit.consumer.messages(), () => {});
    await kit.pass(100);
    const report = await stop(kit);
    expect(report).toMatchObject({ clean: false, abandonedMessages: 4 });
    expect(loop.seen[0]?.signal.aborted).toBe(true);
    loop.seen[0]?.ack();
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('by a failed start ends the loop with its error', async () => {
    const kit = readingKit({ ...oneQueue, config: { startTimeout: 1000 } });
    kit.cluster.manner(nameServer, 'refusing');
    const loop = loopOver(kit.consumer.messages());
    const starting = expect(kit.consumer.start()).rejects.toMatchObject({ code: 'RMQ_START_TIMEOUT' });
    await kit.until(() => kit.state === 'stopped');
    await starting;
    await kit.settle();
    expect(loop.outcome).toMatchObject({ code: 'RMQ_START_TIMEOUT' });
  });

  it('by a hard stop ends the loop, and a later one has nothing', async () => {
    const kit = await reading(0);
    const loop = loopOver(kit.consumer.messages());
    await kit.settle();
    kit.actor.stop();
    await loop.ended;
    expect(loop.outcome).toBe('over');
    const late = loopOver(kit.consumer.messages());
    await late.ended;
    expect([late.outcome, late.seen]).toEqual(['over', []]);
  });
});

describe('suspend and resume of a consumer that is read', () => {
  it('stop the loop from getting anything, and let it go on', async () => {
    const gate = deferred<void>();
    const kit = await reading(8, { ...oneQueue, config: { consumeConcurrency: 4 } });
    const loop = loopOver(kit.consumer.messages(), async message => {
      if (message.queueOffset === 1) await gate.promise;
      message.ack();
    });
    await kit.pass(100);
    await kit.consumer.suspend();
    gate.resolve();
    await kit.pass(500);
    expect(offsetsOf(loop.seen)).toEqual([0, 1]);
    await kit.consumer.resume();
    await kit.pass(200);
    expect(offsetsOf(loop.seen).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(sentBack(kit)).toEqual([]);
    await stop(kit);
  });

  it('are remembered while nobody reads', async () => {
    const kit = await reading(3);
    await kit.consumer.resume();
    expect(kit.state).toBe('running.suspended');
    await kit.consumer.suspend();
    const loop = loopOver(kit.consumer.messages());
    await kit.pass(200);
    expect(loop.seen).toEqual([]);
    await kit.consumer.resume();
    await kit.pass(200);
    expect(offsetsOf(loop.seen)).toEqual([0, 1, 2]);
    await stop(kit);
    await expect(kit.consumer.resume()).rejects.toMatchObject({ code: 'RMQ_COMMAND_REFUSED' });
  });
});

describe('a message that is read for longer than consumeTimeout', () => {
  it('is sent back once, its signal is aborted, and a late ack counts for nothing', async () => {
    const kit = await reading(1, { ...oneQueue, config: { consumeTimeout: 1000 } });
    const loop = loopOver(kit.consumer.messages(), () => {});
    await kit.until(() => loop.seen.length === 1);
    expect(loop.seen[0]?.signal.aborted).toBe(false);
    await kit.until(() => kit.all('message.stuck').length > 0);
    await kit.pass(5000);
    expect(loop.seen[0]?.signal.reason).toMatchObject({ code: 'RMQ_CONSUME_TIMEOUT' });
    loop.seen[0]?.ack();
    await kit.pass(1000);
    expect(sentBack(kit)).toEqual([0]);
    expect(kit.consumer.getStats()).toMatchObject({ messagesConsumed: 0, messagesFailed: 1 });
    expect((await stop(kit)).clean).toBe(true);
  });

  it('takes along those behind it that nobody has seen: the reader never gets them twice', async () => {
    const kit = await reading(4, { ...oneQueue, config: { consumeTimeout: 1000 } });
    const gate = deferred<void>();
    const loop = loopOver(kit.consumer.messages(), async message => {
      await gate.promise;
      message.ack();
    });
    await kit.until(() => kit.all('message.stuck').length === 4);
    gate.resolve();
    await kit.pass(1000);
    expect(offsetsOf(loop.seen)).toEqual([0]);
    expect(sentBack(kit).toSorted()).toEqual([0, 1, 2, 3]);
    kit.cluster.store(aQueue, 1);
    await kit.pass(100);
    expect(offsetsOf(loop.seen)).toEqual([0, 4]);
    await stop(kit);
  });
});

describe('a queue that goes', () => {
  /** Two queues with four messages each; the reader holds on to the first message, whichever that is. */
  async function holding() {
    const kit = readingKit({ config: { consumeConcurrency: 8, handover: 'none', revokeTimeout: 5000 } });
    for (const id of [0, 1]) kit.cluster.store(queueNumber(id), 4);
    await kit.start();
    const gate = deferred<void>();
    const loop = loopOver(kit.consumer.messages(), async message => {
      await gate.promise;
      message.ack();
    });
    await kit.until(() => loop.seen.length === 1);
    await kit.pass(200);
    return { kit, gate, loop, held: loop.seen[0]?.queueId };
  }

  /** Member ids are sorted: the first one gets queue 0. */
  function joins(kit: FaceKit, before: boolean): void {
    kit.cluster.otherMembers.add(before ? '10.0.0.1@other' : '10.9.9.9@other');
    kit.cluster.tellMembersChanged('billing');
  }

  it('takes along at once what nobody has seen, and the reader never gets it', async () => {
    const { kit, gate, loop, held } = await holding();
    const joined = kit.clock.now();
    joins(kit, held === 1);
    await kit.until(() => kit.all('queue.revoked').length === 1);
    expect(kit.clock.now() - joined).toBeLessThan(1000);
    expect(kit.all('queue.revoked')[0]?.queue.queueId).toBe(held === 0 ? 1 : 0);
    gate.resolve();
    await kit.pass(500);
    expect(loop.seen.map(({ queueId, queueOffset }) => [queueId, queueOffset])).toEqual(
      [0, 1, 2, 3].map(offset => [held, offset]),
    );
    await stop(kit);
  });

  it('waits for what the reader has, as for a running listener', async () => {
    const { kit, gate, loop, held } = await holding();
    joins(kit, held === 0);
    await kit.pass(2000);
    expect(kit.all('queue.revoked')).toEqual([]);
    gate.resolve();
    await kit.until(() => kit.all('queue.revoked').length === 1);
    await kit.pass(500);
    expect(loop.seen.filter(({ queueId }) => queueId === held)).toHaveLength(1);
    expect(kit.cluster.queue(`orders@broker-a#${held}`).committed).toBe(1);
    await stop(kit);
  });
});

describe('messages() is refused', () => {
  it('while another loop runs', async () => {
    const kit = await reading(0);
    const early = kit.consumer.messages();
    const loop = loopOver(kit.consumer.messages());
    await kit.settle();
    const taken = expect.objectContaining({ code: 'RMQ_ALREADY_READING' });
    expect(() => kit.consumer.messages()).toThrow(taken);
    await expect(early.next()).rejects.toEqual(taken);
    expect(loop.outcome).toBe('running');
    await stop(kit);
    expect(loop.outcome).toBe('over');
  });

  it.each([
    ['for all topics', { listener: simple(() => {}) }],
    [
      'for one topic',
      { listener: undefined, subscriptions: [{ topic: 'orders', listener: simple(() => {}) }] },
    ],
  ])('where there is a listener %s', (_, config) => {
    const { consumer } = faceKit({ config });
    expect(() => consumer.messages()).toThrow(ConfigError);
    expect(() => consumer.messages()).toThrow(/listener: messages\(\) reads what a listener would be given/);
  });
});
