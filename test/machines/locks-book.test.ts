// SPDX-License-Identifier: Apache-2.0
/** How is a lock given back, and what of it may reach the broker when? */
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerError } from '../../src/errors/errors.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { aQueue, deferred, queueNumber } from '../support/builders.ts';
import { LocksKit, type LocksKitOptions, me, watch } from '../support/locks-kit.ts';

const busy = new BrokerError('RMQ_BROKER_BUSY', 'busy', { responseCode: 2, remark: undefined });
const forbidden = new BrokerError('RMQ_NO_PERMISSION', 'no right', { responseCode: 16, remark: undefined });
const running: LocksKit[] = [];

/** These queues are held since time 0. */
async function holding(count: number, options: LocksKitOptions = {}) {
  const kit = new LocksKit(options);
  running.push(kit);
  const held = Array.from({ length: count }, (_, queueId) => kit.want(queueId));
  await kit.settle();
  await kit.grantAll();
  kit.asked();
  const lockOf = (queueId: number) => held[queueId]?.lock ?? expect.fail(`queue ${queueId} is not held`);
  return { kit, lockOf };
}

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('a lock that is released', () => {
  it('goes back with all others of the turn in one 42 for each broker, and is answered', async () => {
    const { kit, lockOf } = await holding(3);
    const elsewhere = kit.wantOf({ ...aQueue, brokerName: 'broker-b', queueId: 7 });
    await kit.settle();
    await kit.grantAll();
    const releases = [lockOf(0), lockOf(1), elsewhere.lock, lockOf(2)].map(lock =>
      watch(lock.release({ timeoutMs: 3000 })),
    );
    expect([lockOf(0).mayCommit(), kit.unlocks]).toEqual([false, []]);
    await kit.settle();
    expect(kit.unlocks).toEqual([
      { at: 0, brokerName: 'broker-a', clientId: me, timeoutMs: 3000, queueIds: [0, 1, 2] },
      { at: 0, brokerName: 'broker-b', clientId: me, timeoutMs: 3000, queueIds: [7] },
    ]);
    expect(releases.map(({ how }) => how())).toEqual(Array(4).fill('resolved'));
    kit.asked();
    await kit.clock.advance(100_000);
    expect(kit.asked()).toEqual([]);
  });

  it('rejects when the broker refuses or does not answer in time, and is forgotten all the same', async () => {
    const { kit, lockOf } = await holding(3);
    kit.unlocking = busy;
    await expect(lockOf(0).release({ timeoutMs: 3000 })).rejects.toBe(busy);
    kit.unlocking = 'silent';
    const silent = lockOf(1).release({ timeoutMs: 3000 });
    const outcome = expect(silent).rejects.toMatchObject({
      code: 'RMQ_REQUEST_TIMEOUT',
      message: 'unlock of orders@broker-a#1 was not answered within 3000 ms',
    });
    await kit.clock.advance(3000);
    await outcome;
    const giveUp = new AbortController();
    const aborted = watch(lockOf(2).release({ timeoutMs: 3000, signal: giveUp.signal }));
    giveUp.abort();
    await kit.settle();
    expect([aborted.how(), lockOf(2).mayCommit()]).toEqual(['RMQ_ABORTED', false]);
    kit.asked();
    await kit.clock.advance(100_000);
    expect([kit.asked(), kit.locking()]).toEqual([[], 'idle']);
  });

  it('waits for a 41 under way, which could lock it anew for nobody', async () => {
    const { kit, lockOf } = await holding(1);
    await kit.clock.advance(20_000);
    const release = watch(lockOf(0).release({ timeoutMs: 3000 }));
    await kit.clock.advance(500);
    expect([kit.unlocks, release.how()]).toEqual([[], 'open']);
    await kit.grantAll();
    expect(kit.unlocks).toMatchObject([{ at: 20_500, timeoutMs: 2500, queueIds: [0] }]);
    expect(release.how()).toBe('resolved');
  });

  it('goes back also when the 41 under way is never answered: it may have arrived', async () => {
    const { kit, lockOf } = await holding(1);
    await kit.clock.advance(20_000);
    const release = watch(lockOf(0).release({ timeoutMs: 3000 }));
    await kit.clock.advance(1500);
    await kit.settle();
    expect([kit.unlocks.length, release.how()]).toEqual([1, 'resolved']);
  });

  it('ends in time even when a 41 under way takes longer', async () => {
    const { kit, lockOf } = await holding(1);
    await kit.clock.advance(20_000);
    const release = watch(lockOf(0).release({ timeoutMs: 300 }));
    await kit.clock.advance(300);
    expect(release.how()).toBe('RMQ_REQUEST_TIMEOUT');
  });

  it.each(['was never wanted', 'is lost', 'was refused so far', 'is off'])(
    'sends nothing when it %s',
    async name => {
      const { kit, lockOf } = await holding(1);
      let lock = lockOf(0);
      await kit.clock.advance(20_000);
      if (name === 'was never wanted') lock = kit.book.lockOf(queueNumber(4));
      if (name === 'is lost') await kit.grant();
      if (name === 'is off') await kit.fail(forbidden);
      if (name === 'was refused so far') {
        await kit.grantAll();
        lock = kit.want(1).lock;
        await kit.settle();
        await kit.grant(0);
      }
      await lock.release({ timeoutMs: 3000 });
      expect([kit.unlocks, lock.mayCommit()]).toEqual([[], false]);
    },
  );

  it('is not asked for by its next owner before the 42 is answered, and at once then', async () => {
    const answer = deferred<void>();
    const { kit, lockOf } = await holding(1, { port: { unlock: () => answer.promise } });
    const release = watch(lockOf(0).release({ timeoutMs: 3000 }));
    const { heard } = kit.want(0);
    await kit.clock.advance(700);
    expect(kit.asked()).toEqual([]);
    answer.resolve();
    await kit.settle();
    expect([release.how(), kit.asked()]).toEqual(['resolved', ['700: 0']]);
    await kit.grantAll();
    expect(heard).toEqual(['lock.granted']);
  });

  it('works without the actor that asks: at shutdown it may be gone already', async () => {
    const { kit, lockOf } = await holding(1);
    kit.actor.stop();
    await lockOf(0).release({ timeoutMs: 3000 });
    expect(kit.unlocks).toHaveLength(1);
  });
});

describe('a lock that is forgotten', () => {
  it('sends no 42 and is not renewed: it expires', async () => {
    const { kit, lockOf } = await holding(2);
    lockOf(0).forget({ mayRun: false });
    await kit.clock.advance(20_000);
    expect([kit.asked(), kit.unlocks, lockOf(0).mayCommit()]).toEqual([['20000: 1'], [], false]);
  });

  it('before it was granted is given back when the answer makes it ours', async () => {
    const { kit } = await holding(1);
    const { lock, heard } = kit.want(1);
    await kit.settle();
    lock.forget({ mayRun: false });
    await kit.settle();
    expect(kit.unlocks).toEqual([]);
    await kit.grantAll();
    expect([kit.unlocks.map(({ queueIds }) => queueIds), heard]).toEqual([[[1]], []]);
  });

  it('before it was granted sends nothing when the answer is no', async () => {
    const { kit } = await holding(1);
    const { lock } = kit.want(1);
    await kit.settle();
    lock.forget({ mayRun: false });
    await kit.grant(0);
    expect([kit.unlocks, kit.locking()]).toEqual([[], 'holding']);
  });

  it('while it is asked for anew at a broker that was away is given back when that makes it ours: the broker may have forgotten it', async () => {
    for (const answer of ['granted', 'refused', 'failed'] as const) {
      const { kit, lockOf } = await holding(2);
      const asking = deferred<readonly MessageQueue[]>();
      const reclaimed = kit.book.reclaim('broker-a', () => asking.promise).catch(() => {});
      lockOf(0).forget({ mayRun: false });
      await kit.settle();
      expect(kit.unlocks).toEqual([]);
      if (answer === 'failed') asking.reject(busy);
      else asking.resolve(answer === 'granted' ? [queueNumber(0), queueNumber(1)] : [queueNumber(1)]);
      await reclaimed;
      await kit.settle();
      const given = answer === 'refused' ? [] : [[0]];
      expect([answer, kit.unlocks.map(({ queueIds }) => queueIds)]).toEqual([answer, given]);
    }
  });

  it('expires in any case while a listener may still run, and when it is renewed without a doubt', async () => {
    const { kit, lockOf } = await holding(3);
    await kit.clock.advance(20_000);
    lockOf(0).forget({ mayRun: false }); // the renewal is under way
    await kit.grantAll();
    const asking = deferred<readonly MessageQueue[]>();
    const reclaimed = kit.book.reclaim('broker-a', () => asking.promise);
    lockOf(1).forget({ mayRun: true });
    asking.resolve([queueNumber(1), queueNumber(2)]);
    await reclaimed;
    await kit.settle();
    expect(kit.unlocks).toEqual([]);
  });

  it('tells its owner nothing more, not even when the owner of another one forgets it on hearing of its own', async () => {
    const { kit } = await holding(1);
    const first = kit.book.lockOf(queueNumber(1));
    const second = kit.book.lockOf(queueNumber(2));
    const heard: string[] = [];
    first.want(({ type }) => {
      heard.push(`first ${type}`);
      second.forget({ mayRun: false });
    });
    second.want(({ type }) => heard.push(`second ${type}`));
    await kit.settle();
    await kit.grantAll();
    expect([heard, kit.told()]).toEqual([['first lock.granted'], []]);
  });
});

describe('a lock', () => {
  it('allows nothing before it is wanted, and is wanted once', async () => {
    const kit = new LocksKit();
    running.push(kit);
    const lock = kit.book.lockOf(aQueue);
    expect([lock.mayCommit(), lock.mayDeliver()]).toEqual([false, true]);
    const heard: string[] = [];
    lock.want(({ type }) => heard.push(`first ${type}`));
    lock.want(({ type }) => heard.push(`second ${type}`));
    await kit.settle();
    await kit.grantAll();
    expect(heard).toEqual(['first lock.granted']);
  });

  it('of a new assignment takes the place of one that was not given up', async () => {
    const { kit, lockOf } = await holding(1);
    const { lock, heard } = kit.want(0);
    expect(lockOf(0).mayCommit()).toBe(false);
    await kit.settle();
    await kit.grantAll();
    expect([heard, lock.mayCommit(), lockOf(0).mayCommit()]).toEqual([['lock.granted'], true, false]);
  });

  it('refused by the same answer that another one is granted by stands so before anybody hears of it', async () => {
    const { kit, lockOf } = await holding(1);
    const seen: boolean[] = [];
    const second = kit.book.lockOf(queueNumber(1));
    second.want(() => seen.push(lockOf(0).mayCommit()));
    await kit.settle();
    await kit.grant(1);
    expect(seen).toEqual([false]);
  });

  it('that the broker refuses is lost while the answer is read: what came with it finds it so', async () => {
    const { kit, lockOf } = await holding(2);
    const answer = deferred<readonly MessageQueue[]>();
    let told = (_: readonly MessageQueue[]): void => {};
    const reclaimed = kit.book.reclaim('broker-a', (_, onGranted) => {
      told = onGranted;
      return answer.promise;
    });
    told([queueNumber(1)]);
    expect([lockOf(0).mayCommit(), lockOf(1).mayCommit()]).toEqual([false, true]);
    answer.resolve([queueNumber(1)]);
    await reclaimed;
    expect([lockOf(0).mayCommit(), lockOf(1).mayCommit()]).toEqual([false, true]);
  });

  it('whose broker answers no 41 keeps nobody else waiting: the second greeting goes through, with a fault', async () => {
    const { kit, lockOf } = await holding(1);
    const ask = () => Promise.reject(busy);
    await expect(kit.book.reclaim('broker-a', ask)).rejects.toMatchObject({ code: 'RMQ_BROKER_BUSY' });
    expect(kit.told()).toEqual([]);
    await kit.book.reclaim('broker-a', ask);
    expect([kit.told(), lockOf(0).mayCommit()]).toEqual([
      [expect.stringContaining('RMQ_BROKER_BUSY')],
      false,
    ]);
    await expect(kit.book.reclaim('broker-a', ask)).rejects.toMatchObject({ code: 'RMQ_BROKER_BUSY' });
  });
});
