// SPDX-License-Identifier: Apache-2.0
/** Which broker's actor is there, and what does it hear? */
import { afterEach, describe, expect, it } from 'vitest';
import { type EventObject, fromCallback } from 'xstate';
import { BrokerError, ConnectionError, RocketmqError } from '../../src/errors/errors.ts';
import { brokerLocksMachine } from '../../src/machines/locks/broker-locks.machine.ts';
import { locksMachine } from '../../src/machines/locks/locks.machine.ts';
import type { LocksOfBrokers } from '../../src/machines/locks/locks.types.ts';
import { aQueue, queueNumber } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';
import { LocksKit, type LocksKitOptions } from '../support/locks-kit.ts';

const elsewhere = { ...aQueue, brokerName: 'broker-b' };
const coverage = new ChartCoverage(locksMachine);
const running: LocksKit[] = [];

function start(options: LocksKitOptions = {}): LocksKit {
  const kit = new LocksKit({ inspect: coverage.inspect, ...options });
  running.push(kit);
  return kit;
}

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('the locks of several brokers', () => {
  it('are asked for at each of them, by an actor that is made with the first want', async () => {
    const kit = start();
    expect([kit.state('broker-a'), kit.state('broker-b')]).toEqual([undefined, undefined]);
    kit.want(0);
    kit.wantOf(elsewhere);
    await kit.settle();
    expect([kit.locking('broker-a'), kit.locking('broker-b')]).toEqual(['asking', 'asking']);
    expect(kit.asks.map(({ brokerName }) => brokerName)).toEqual(['broker-a', 'broker-b']);
  });

  it('wait for their own broker only', async () => {
    const kit = start();
    const here = kit.want(0);
    const there = kit.wantOf(elsewhere);
    await kit.settle();
    await kit.fail(new ConnectionError('RMQ_REQUEST_TIMEOUT', 'timed out'));
    await kit.grantAll();
    expect([here.heard, there.heard]).toEqual([[], ['lock.granted']]);
    expect([kit.locking('broker-a'), kit.locking('broker-b')]).toEqual(['backingOff', 'holding']);
  });

  it('are in doubt when the connection to their own broker is lost, and only then', async () => {
    const kit = start();
    const here = kit.want(0);
    const there = kit.wantOf(elsewhere);
    await kit.settle();
    await kit.grantAll();
    await kit.grantAll();
    kit.actor.send({ type: 'broker.lost', brokerName: 'broker-b' });
    kit.actor.send({ type: 'broker.lost', brokerName: 'broker-c' });
    expect([here.lock.mayCommit(), there.lock.mayCommit()]).toEqual([true, false]);
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-b' });
    await kit.settle();
    await kit.grantAll();
    expect(there.lock.mayCommit()).toBe(true);
  });

  it('that were wanted before this actor began are asked for when it begins', async () => {
    const kit = start();
    kit.actor.stop();
    const { heard } = kit.want(0);
    await kit.settle();
    expect(kit.asks).toEqual([]);
    const later = start({ book: kit.book });
    await later.settle();
    await later.grantAll();
    expect(heard).toEqual(['lock.granted']);
  });

  it('that come later go to the actor that is there, and so does what its broker refused while it was greeted', async () => {
    const kit = start();
    kit.want(0);
    kit.wantOf(elsewhere);
    await kit.settle();
    await kit.grantAll();
    await kit.grantAll();
    const { heard } = kit.want(1);
    await kit.settle();
    await kit.grantAll();
    expect(heard).toEqual(['lock.granted']);
    const forbidden = new BrokerError('RMQ_NO_PERMISSION', 'no', { responseCode: 16, remark: undefined });
    await kit.book.reclaim('broker-b', () => Promise.reject(forbidden));
    expect([kit.locking('broker-a'), kit.locking('broker-b')]).toEqual(['holding', 'off']);
  });

  it('lead to a look at the members of each broker when the consumer has looked', async () => {
    const kit = start();
    kit.want(0);
    kit.wantOf(elsewhere);
    await kit.settle();
    kit.looks.splice(0);
    kit.actor.send({ type: 'members.looked' });
    await kit.settle();
    expect(kit.looks).toHaveLength(2);
  });
});

describe("a broker's actor that died", () => {
  it('is told, and replaced at the next look while something is wanted', async () => {
    const deadly = brokerLocksMachine.provide({
      guards: {
        isUrgent: ({ context }) => {
          if (context.clock.now() < 1000) throw new Error('broken');
          return context.page.isAnyUrgent;
        },
      },
    });
    const kit = start({ machine: locksMachine.provide({ actors: { brokerLocks: deadly } }) });
    const { heard } = kit.want(0);
    await kit.settle();
    expect(kit.state()).toBeUndefined();
    expect(kit.told()).toHaveLength(1);
    await kit.clock.advance(1000);
    kit.actor.send({ type: 'members.looked' });
    await kit.settle();
    await kit.grantAll();
    expect([heard, kit.actor.getSnapshot().status]).toEqual([['lock.granted'], 'active']);
  });
});

describe('this actor', () => {
  it('hands a fault to the consumer and lives on', () => {
    const kit = start();
    kit.actor.send({ type: 'fault', error: new RocketmqError('RMQ_INTERNAL', 'seen'), actor: 'x' });
    expect(kit.told()).toEqual(['RMQ_INTERNAL: seen']);
  });

  it('tells when the book cannot be read', async () => {
    const broken = fromCallback<EventObject, { readonly book: LocksOfBrokers }>(() => {
      throw new Error('torn');
    });
    const kit = start({ machine: locksMachine.provide({ actors: { bookReader: broken } }) });
    await kit.settle();
    expect([kit.told(), kit.actor.getSnapshot().status]).toEqual([['RMQ_INTERNAL: torn'], 'active']);
  });

  it('stopped by force hears nothing of the book any more', async () => {
    const kit = start();
    kit.want(0);
    kit.actor.stop();
    await kit.clock.advance(60_000);
    kit.book.lockOf(queueNumber(1)).want(() => {});
    await kit.clock.advance(60_000);
    expect([kit.asks, kit.looks, kit.told()]).toEqual([[], [], []]);
  });

  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
