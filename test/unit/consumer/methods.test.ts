// SPDX-License-Identifier: Apache-2.0
/** What do the methods of a consumer do, and what do its figures say? */
import { describe, expect, it } from 'vitest';
import { simple } from '../../../src/listeners/listener.ts';
import { ConsumeResult } from '../../../src/model/consume-result.ts';
import { tag } from '../../../src/model/subscription.ts';
import { RequestCode, ResponseCode } from '../../../src/protocol/codes.ts';
import { aQueue, deferred, offsetsOf, queueNumber } from '../../support/builders.ts';
import { nothingLeft } from '../../support/consumer-kit.ts';
import { addressOf, nameServer } from '../../support/scripted-cluster.ts';
import { type FaceKit, faceKit, loopOver, readingKit } from './face-kit.ts';

const broker = addressOf('broker-a');
const refusedAsConfig = expect.objectContaining({ code: 'RMQ_CONFIG_INVALID' });

/** What a promise came to, once time has passed for it. */
async function outcome<T>(kit: FaceKit, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  await kit.until(() => settled);
  return promise;
}

async function running(options: Parameters<typeof faceKit>[0] = {}): Promise<FaceKit> {
  const kit = faceKit(options);
  await kit.start();
  return kit;
}

describe('start and shutdown', () => {
  it('resolve when it runs, and with the report', async () => {
    const kit = faceKit();
    expect(kit.consumer.isRunning()).toBe(false);
    await outcome(kit, kit.consumer.start());
    expect(kit.consumer.isRunning()).toBe(true);
    await kit.consumer.start();
    const reports = await Promise.all([
      outcome(kit, kit.consumer.shutdown()),
      outcome(kit, kit.consumer.shutdown({ timeout: 5 })),
    ]);
    expect(reports[0]).toMatchObject({ clean: true, reason: 'requested' });
    expect(reports[1]).toBe(reports[0]);
    expect(kit.consumer.isRunning()).toBe(false);
    expect(kit.leftovers).toEqual(nothingLeft);
    await expect(kit.consumer.start()).rejects.toMatchObject({ code: 'RMQ_CONSUMER_STOPPED' });
  });

  it('at the end of a block that says await using', async () => {
    const kit = faceKit();
    await outcome(kit, kit.consumer.start());
    const leaving = (async () => {
      await using _ = kit.consumer;
    })();
    await outcome(kit, leaving);
    expect(kit.state).toBe('stopped');
  });
});

describe('suspend, pause and their resume', () => {
  it('take effect before they resolve, and do not undo each other', async () => {
    const kit = await running();
    await kit.consumer.suspend();
    expect(kit.state).toBe('running.suspended');
    await outcome(kit, kit.consumer.pause({ queue: aQueue }));
    await kit.consumer.resume();
    expect(kit.state).toBe('running.active');
    for (const id of [0, 1]) kit.cluster.store(queueNumber(id), 1);
    await kit.pass(500);
    expect(kit.delivered).toEqual(['orders-1:0']);
    expect(kit.consumer.getAssignedQueues().map(({ paused }) => paused)).toEqual(
      [true, false, false].slice(0, kit.consumer.getAssignedQueues().length),
    );
    await outcome(kit, kit.consumer.resume({ queue: aQueue }));
    await kit.pass(500);
    expect(kit.delivered).toEqual(['orders-1:0', 'orders-0:0']);
    await outcome(kit, kit.consumer.shutdown());
  });

  it('of a queue takes what nobody has seen away from the loop over messages()', async () => {
    const kit = readingKit({ config: { consumeConcurrency: 8 } });
    await kit.start();
    for (const id of [0, 1]) kit.cluster.store(queueNumber(id), 3);
    const gate = deferred<void>();
    const loop = loopOver(kit.consumer.messages(), async message => {
      await gate.promise;
      message.ack();
    });
    await kit.pass(200);
    const paused = loop.seen[0]?.queueId === 0 ? 1 : 0;
    await outcome(kit, kit.consumer.pause({ queue: queueNumber(paused) }));
    gate.resolve();
    await kit.pass(300);
    expect(new Set(loop.seen.map(({ queueId }) => queueId))).toEqual(new Set([1 - paused]));
    await outcome(kit, kit.consumer.resume({ topic: 'orders' }));
    await outcome(kit, kit.consumer.resume({ queue: queueNumber(paused) }));
    await kit.pass(300);
    const late = loop.seen.filter(({ queueId }) => queueId === paused);
    expect(offsetsOf(late)).toEqual([0, 1, 2]);
    expect(kit.cluster.askedFor(RequestCode.CONSUMER_SEND_MSG_BACK)).toEqual([]);
    await outcome(kit, kit.consumer.shutdown());
  });
});

describe('seek, resetOffset and commit', () => {
  it('move and commit a queue by the time they resolve', async () => {
    const kit = await running({ cluster: { topics: { orders: 1 } } });
    kit.cluster.store(aQueue, 10);
    await kit.pass(200);
    await outcome(kit, kit.consumer.commit());
    expect(kit.cluster.queue('orders@broker-a#0').committed).toBe(10);
    await outcome(kit, kit.consumer.seek(aQueue, 7));
    expect(kit.all('offset.corrected')).toMatchObject([{ queue: aQueue, from: 10, to: 7 }]);
    await kit.pass(200);
    expect(kit.delivered.slice(10)).toEqual(['orders-0:7', 'orders-0:8', 'orders-0:9']);
    kit.cluster.on(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, () => ({ fields: { offset: '9' } }));
    await outcome(kit, kit.consumer.resetOffset(new Date(0), 'orders'));
    await kit.pass(200);
    expect(kit.delivered.slice(13)).toEqual(['orders-0:9']);
    await outcome(kit, kit.consumer.shutdown());
  });

  it('reject with what was wrong', async () => {
    const kit = faceKit();
    await expect(kit.consumer.seek(aQueue, 0)).rejects.toMatchObject({ code: 'RMQ_CONSUMER_NOT_RUNNING' });
    await outcome(kit, kit.consumer.start());
    const beyond = kit.consumer.seek(aQueue, 99);
    await expect(outcome(kit, beyond)).rejects.toMatchObject({ code: 'RMQ_OFFSET_OUT_OF_RANGE' });
    const foreign = kit.consumer.pause({ queue: { ...aQueue, topic: 'refunds' } });
    await expect(outcome(kit, foreign)).rejects.toMatchObject({ code: 'RMQ_QUEUE_NOT_OWNED' });
    await outcome(kit, kit.consumer.shutdown());
    await expect(kit.consumer.commit()).rejects.toMatchObject({ code: 'RMQ_COMMAND_REFUSED' });
  });
});

describe('subscribe', () => {
  it('before the start adds a topic and its listener', async () => {
    const kit = readingKit({ config: { subscriptions: [] }, cluster: { topics: { refunds: 1 } } });
    const seen: number[] = [];
    await kit.consumer.subscribe(
      'refunds',
      tag('*'),
      simple(({ queueOffset }) => void seen.push(queueOffset)),
    );
    await outcome(kit, kit.consumer.start());
    kit.cluster.store({ ...aQueue, topic: 'refunds' }, 2);
    await kit.pass(500);
    expect(kit.state).toBe('running.active');
    expect(seen).toEqual([0, 1]);
    expect(() => kit.consumer.messages()).toThrow(refusedAsConfig);
    await expect(kit.consumer.subscribe('orders')).rejects.toEqual(refusedAsConfig);
    await outcome(kit, kit.consumer.shutdown());
  });

  it('before the start without a listener is for messages()', async () => {
    const kit = readingKit({ config: { subscriptions: [] }, cluster: { topics: { refunds: 1 } } });
    await kit.consumer.subscribe('refunds');
    await outcome(kit, kit.consumer.start());
    kit.cluster.store({ ...aQueue, topic: 'refunds' }, 2);
    const loop = loopOver(kit.consumer.messages());
    await kit.pass(500);
    expect(offsetsOf(loop.seen)).toEqual([0, 1]);
    await expect(
      kit.consumer.subscribe(
        'orders',
        tag('*'),
        simple(() => {}),
      ),
    ).rejects.toEqual(refusedAsConfig);
    await outcome(kit, kit.consumer.shutdown());
  });

  it('and unsubscribe while running change what is consumed', async () => {
    const kit = await running({ cluster: { topics: { orders: 1, refunds: 1 } } });
    await outcome(kit, kit.consumer.subscribe('refunds'));
    kit.cluster.store({ ...aQueue, topic: 'refunds' }, 1);
    await kit.pass(1000);
    expect(kit.delivered).toEqual(['refunds-0:0']);
    await outcome(kit, kit.consumer.updateSelector('refunds', tag('paid')));
    await outcome(kit, kit.consumer.unsubscribe('refunds'));
    expect(kit.cluster.queue('refunds@broker-a#0').committed).toBe(1);
    expect(kit.consumer.getAssignedQueues().map(({ queue }) => queue.topic)).not.toContain('refunds');
    await outcome(kit, kit.consumer.shutdown());
  });
});

describe('getStats', () => {
  it('counts pulls, messages and time', async () => {
    const kit = faceKit({
      cluster: { topics: { orders: 1 } },
      listener: ([{ queueOffset }]) => (queueOffset === 3 ? ConsumeResult.RECONSUME_LATER : undefined),
    });
    const nothing = {
      ...{ pullSuccesses: 0, pullFailures: 0, messagesConsumed: 0, messagesFailed: 0 },
      ...{ assignedQueuesCount: 0, heldMessages: 0, heldBytes: 0, uptimeSeconds: 0 },
    };
    const { topics, ...counted } = kit.consumer.getStats();
    expect(counted).toEqual(nothing);
    expect(topics).toMatchObject({ orders: { pullTPS: 0, consumeRT: 0, consumeOKTPS: 0 } });
    kit.cluster.store(aQueue, 40);
    await kit.start();
    await kit.pass(2000);
    const stats = kit.consumer.getStats();
    expect(stats).toMatchObject({
      pullSuccesses: 2,
      pullFailures: 0,
      messagesConsumed: 39,
      messagesFailed: 1,
    });
    expect(stats).toMatchObject({ assignedQueuesCount: 1, heldMessages: 0, heldBytes: 0 });
    expect(stats.uptimeSeconds).toBeCloseTo(2, 1);
    await outcome(kit, kit.consumer.shutdown());
    const { topics: rates, ...after } = kit.consumer.getStats();
    expect(rates['orders']).toMatchObject({ consumeFailedMsgs: 1 });
    expect(rates['orders']?.consumeOKTPS).toBeGreaterThan(0);
    await kit.pass(1000);
    expect(kit.consumer.getStats()).toMatchObject(after);
    expect(after).toMatchObject({ messagesConsumed: 39, assignedQueuesCount: 0 });
  });

  it('counts pulls that fail, and what is held', async () => {
    const kit = faceKit({ cluster: { topics: { orders: 1 } }, listener: () => new Promise(() => {}) });
    kit.cluster.store(aQueue, 5);
    await kit.start();
    await kit.pass(100);
    const { heldMessages, heldBytes } = kit.consumer.getStats();
    expect(heldMessages).toBe(5);
    expect(heldBytes).toBeGreaterThan(400);
    kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({ code: ResponseCode.SYSTEM_BUSY, remark: 'busy' }));
    kit.cluster.cut(broker);
    await kit.pass(2000);
    expect(kit.consumer.getStats().pullFailures).toBeGreaterThan(0);
    kit.actor.stop();
    const { uptimeSeconds } = kit.consumer.getStats();
    kit.clock.jump(5000);
    expect(kit.consumer.getStats().uptimeSeconds).toBe(uptimeSeconds);
  });
});

describe('health', () => {
  it('is down until it runs and when it has stopped, up in between, suspended or not', async () => {
    const kit = faceKit();
    expect(kit.consumer.health()).toEqual({ status: 'down', reasons: ['the consumer of billing is idle'] });
    await kit.start();
    expect(kit.consumer.health()).toEqual({ status: 'up', reasons: [] });
    await kit.consumer.suspend();
    expect(kit.consumer.health()).toEqual({ status: 'up', reasons: [] });
    await outcome(kit, kit.consumer.shutdown());
    expect(kit.consumer.health()).toEqual({
      status: 'down',
      reasons: ['the consumer of billing is stopped'],
    });
  });

  it('says why a start failed', async () => {
    const kit = faceKit({ config: { startTimeout: 1000 } });
    kit.cluster.manner(nameServer, 'refusing');
    await expect(outcome(kit, kit.consumer.start())).rejects.toMatchObject({ code: 'RMQ_START_TIMEOUT' });
    const { status, reasons } = kit.consumer.health();
    expect([status, reasons[0]]).toEqual(['down', 'the consumer of billing is stopped']);
    expect(reasons[1]).toContain('was not running after 1000 ms');
  });

  it('is degraded while a broker is away, and names it', async () => {
    const kit = await running();
    kit.cluster.manner(broker, 'refusing');
    kit.cluster.cut(broker);
    await kit.pass(500);
    const reasons = [`no connection to broker ${broker}`];
    expect(kit.consumer.health()).toEqual({ status: 'degraded', reasons });
    kit.cluster.manner(broker, 'answering');
    await kit.until(() => kit.consumer.health().status === 'up');
    kit.actor.stop();
    expect(kit.consumer.health().status).toBe('down');
  });

  it('is degraded when no name server answers any more', async () => {
    const kit = await running();
    kit.cluster.manner(nameServer, 'refusing');
    kit.cluster.cut(nameServer);
    await kit.pass(500);
    const reasons = [`no connection to a name server (${nameServer})`];
    expect(kit.consumer.health()).toEqual({ status: 'degraded', reasons });
    kit.actor.stop();
  });

  it('is degraded after a time gap, until all is confirmed', async () => {
    const kit = await running();
    kit.cluster.on(RequestCode.HEART_BEAT, () => undefined);
    kit.clock.jump(11_000);
    await kit.pass(1100);
    expect(kit.consumer.health()).toMatchObject({ status: 'degraded' });
    expect(kit.consumer.health().reasons[0]).toContain('time passed without this process');
    kit.actor.stop();
  });

  it('is degraded while a queue is halted in front of a message that cannot be read', async () => {
    const kit = await running({ cluster: { topics: { orders: 1 } } });
    kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({
      fields: { suggestWhichBrokerId: '0', nextBeginOffset: '1', minOffset: '0', maxOffset: '1' },
      body: Buffer.alloc(100, 7),
    }));
    kit.cluster.cut(broker);
    await kit.until(() =>
      kit.consumer.health().reasons.some(reason => reason.includes('orders@broker-a#0 is halted')),
    );
    expect(kit.consumer.health().status).toBe('degraded');
    kit.actor.stop();
  });
});

describe('on', () => {
  it('tells of events until it is detached', async () => {
    const kit = faceKit();
    const told: string[] = [];
    const detach = kit.consumer.on('consumer.stateChanged', ({ to }) => told.push(to));
    await kit.start();
    expect(told.at(-1)).toBe('running.active');
    detach();
    const count = told.length;
    await outcome(kit, kit.consumer.shutdown());
    expect(told).toHaveLength(count);
  });
});
