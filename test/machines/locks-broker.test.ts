// SPDX-License-Identifier: Apache-2.0
/** When is a broker asked for locks, and what follows from each of its answers? */
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerError, ConnectionError, RocketmqError } from '../../src/errors/errors.ts';
import { brokerLocksMachine } from '../../src/machines/locks/broker-locks.machine.ts';
import { queueNumber } from '../support/builders.ts';
import { ChartCoverage } from '../support/chart-coverage.ts';
import { LocksKit, type LocksKitOptions, me, watch } from '../support/locks-kit.ts';

const silent = new ConnectionError('RMQ_REQUEST_TIMEOUT', 'lock timed out');
const forbidden = refusal(16, 'RMQ_NO_PERMISSION');
const busy = refusal(2, 'RMQ_BROKER_BUSY');
const coverage = new ChartCoverage(brokerLocksMachine);
const running: LocksKit[] = [];

function start(options: LocksKitOptions = {}): LocksKit {
  const kit = new LocksKit({ inspect: coverage.inspect, ...options });
  running.push(kit);
  return kit;
}

function refusal(responseCode: number, code: 'RMQ_NO_PERMISSION' | 'RMQ_BROKER_BUSY' | 'RMQ_BROKER_ERROR') {
  return new BrokerError(code, `refused with ${responseCode}`, { responseCode, remark: undefined });
}

/** Queue 0 is held since time 0. */
async function holding(options: LocksKitOptions = {}) {
  const kit = start(options);
  const held = kit.want(0);
  await kit.settle();
  await kit.grantAll();
  kit.asked();
  kit.looks.splice(0);
  return { kit, ...held };
}

/** Another member has everything, and the broker says so at once. */
/** Refused, with nobody else in the group: somebody died. */
async function unfenced() {
  const kit = start();
  kit.members = [me];
  const watched = kit.want(0);
  await kit.settle();
  await kit.grant();
  await kit.settle();
  return { kit, ...watched };
}

async function refuseUntil(kit: LocksKit, time: number): Promise<void> {
  for (; kit.clock.now() < time; await kit.clock.advance(50)) {
    await kit.settle();
    if (kit.openSignals().length > 0) await kit.grant();
  }
}

afterEach(() => {
  for (const { actor, clock } of running.splice(0)) {
    actor.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  }
});

describe('a lock that is wanted', () => {
  it('is asked for at once, with all others that are wanted in the same turn, never inside the call', async () => {
    const kit = start();
    kit.want(0);
    kit.want(1);
    kit.want(2);
    expect(kit.asks).toEqual([]);
    await kit.settle();
    expect([kit.asked(), kit.locking()]).toEqual([['0: 0 1 2'], 'asking']);
  });

  it('is told as granted once, and its offsets may be handed over from then on', async () => {
    const kit = start();
    const { lock, heard } = kit.want(0);
    await kit.settle();
    expect([lock.mayCommit(), heard]).toEqual([false, []]);
    await kit.grantAll();
    expect([lock.mayCommit(), lock.mayDeliver(), heard, kit.locking()]).toEqual([
      true,
      true,
      ['lock.granted'],
      'holding',
    ]);
    await kit.clock.advance(20_000);
    await kit.grantAll();
    expect([heard, kit.told()]).toEqual([['lock.granted'], []]);
  });

  it('that another member has is asked for after 50, 100, 200, 400, 800 ms and then every second', async () => {
    const kit = start();
    const { heard } = kit.want(0);
    await refuseUntil(kit, 3600);
    expect(kit.asked()).toEqual([0, 50, 150, 350, 750, 1550, 2550, 3550].map(at => `${at}: 0`));
    expect([heard, kit.locking()]).toEqual([[], 'waiting']);
  });

  it('is asked for together with what is held, which is thereby renewed', async () => {
    const { kit, lock } = await holding();
    await kit.clock.advance(15_000);
    kit.want(1);
    await kit.settle();
    expect(kit.asked()).toEqual(['15000: 0 1']);
    await kit.grant(0);
    expect(kit.locking()).toBe('waiting');
    await kit.clock.advance(50);
    await kit.grantAll();
    expect([kit.asked(), kit.locking(), lock.mayCommit()]).toEqual([['15050: 0 1'], 'holding', true]);
    await kit.clock.advance(19_999);
    expect(kit.asked()).toEqual([]);
    await kit.clock.advance(1);
    expect(kit.asked()).toEqual(['35050: 0 1']);
  });

  it('while another question is under way is asked for right after it', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    kit.want(1);
    await kit.clock.advance(300);
    expect(kit.asked()).toEqual(['0: 0']);
    await kit.grant();
    expect(kit.asked()).toEqual(['300: 0 1']);
  });

  it('while others wait is asked for at once, and their pauses begin anew', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    for (const pause of [50, 100, 200]) {
      await kit.grant();
      await kit.clock.advance(pause);
    }
    await kit.grant();
    kit.asked();
    kit.want(1);
    await kit.settle();
    expect(kit.asked()).toEqual(['350: 0 1']);
    await kit.grant();
    await kit.clock.advance(50);
    expect(kit.asked()).toEqual(['400: 0 1']);
  });

  it('and given up again leaves nobody to ask for', async () => {
    const kit = start();
    const { lock } = kit.want(0);
    const other = kit.want(1);
    await kit.settle();
    await kit.grant(1);
    expect(kit.locking()).toBe('waiting');
    lock.forget({ mayRun: false });
    await kit.settle();
    expect(kit.locking()).toBe('holding');
    other.lock.forget({ mayRun: false });
    await kit.settle();
    expect(kit.locking()).toBe('idle');
    kit.asked();
    await kit.clock.advance(100_000);
    expect(kit.asked()).toEqual([]);
  });

  it('and given up while waiting or backing off is not asked for again', async () => {
    const kit = start();
    const first = kit.want(0);
    await kit.settle();
    await kit.grant();
    first.lock.forget({ mayRun: false });
    await kit.settle();
    expect(kit.locking()).toBe('idle');
    const second = kit.want(0);
    await kit.settle();
    await kit.fail(silent);
    expect(kit.locking()).toBe('backingOff');
    second.lock.forget({ mayRun: false });
    await kit.settle();
    expect(kit.locking()).toBe('idle');
  });

  it('and given up before it was asked for leaves the broker alone', async () => {
    const kit = start();
    kit.want(0).lock.forget({ mayRun: false });
    await kit.settle();
    expect([kit.asked(), kit.unlocks]).toEqual([[], []]);
  });
});

describe('a lock that is held', () => {
  it('is renewed every 20 s', async () => {
    const { kit } = await holding();
    await kit.clock.advance(20_000);
    await kit.grantAll();
    await kit.clock.advance(20_000);
    expect(kit.asked()).toEqual(['20000: 0', '40000: 0']);
  });

  it('and refused at a renewal is lost: nothing is committed or delivered, it is told once and not asked for again', async () => {
    const { kit, lock, heard } = await holding();
    await kit.clock.advance(20_000);
    await kit.grant();
    expect([heard, lock.mayCommit(), lock.mayDeliver()]).toEqual([
      ['lock.granted', 'lock.lost'],
      false,
      false,
    ]);
    expect(kit.locking()).toBe('idle');
    kit.asked();
    await kit.clock.advance(60_000);
    expect([kit.asked(), heard.length]).toEqual([[], 2]);
  });

  it('allows no commit 60 s after it was last asked for with success, and is not lost by that', async () => {
    const { kit, lock, heard } = await holding();
    await kit.clock.advance(20_000);
    await kit.fail(silent);
    await kit.clock.advance(39_999);
    expect([lock.mayCommit(), heard]).toEqual([true, ['lock.granted']]);
    await kit.clock.advance(1);
    expect([lock.mayCommit(), heard]).toEqual([false, ['lock.granted']]);
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    await kit.grantAll();
    expect(lock.mayCommit()).toBe(true);
  });

  it('counts from the moment before it was asked for, not from the answer', async () => {
    const kit = start();
    const { lock } = kit.want(0);
    await kit.settle();
    await kit.clock.advance(1000);
    await kit.grantAll();
    kit.clock.jump(58_999);
    expect(lock.mayCommit()).toBe(true);
    kit.clock.jump(1);
    expect(lock.mayCommit()).toBe(false);
  });

  it('is not granted by an answer that lay in the socket while time passed without us', async () => {
    const kit = start({ handoverTimeout: 1e6 });
    const { heard } = kit.want(0);
    await kit.settle();
    kit.clock.jump(150_000);
    await kit.grantLate();
    expect([heard, kit.locking()]).toEqual([[], 'backingOff']);
  });
});

describe('a broker that fails', () => {
  it('is asked again after 200 ms, doubling, up to 3 s, and after a minute up to 10 s', async () => {
    const kit = start({ kind: 'orderly' });
    kit.want(0);
    await kit.settle();
    const pauses: number[] = [];
    for (let i = 0; i < 30; i++) {
      const before = kit.clock.now();
      await kit.fail(busy);
      expect(kit.locking()).toBe('backingOff');
      while (kit.openSignals().length === 0) await kit.clock.advance(50);
      pauses.push(kit.clock.now() - before);
    }
    expect(pauses.slice(0, 6)).toEqual([200, 400, 800, 1600, 3000, 3000]);
    expect(pauses.at(-1)).toBe(10_000);
  });

  it('is not asked earlier because something new is wanted, but then for all', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    await kit.fail(silent);
    kit.want(1);
    await kit.clock.advance(199);
    expect(kit.asked()).toEqual(['0: 0']);
    await kit.clock.advance(1);
    expect(kit.asked()).toEqual(['200: 0 1']);
  });

  it('by silence is given up after 1.5 s, its late answer counts for nothing', async () => {
    const kit = start();
    const { heard } = kit.want(0);
    await kit.settle();
    const [signal] = kit.openSignals();
    await kit.clock.advance(1499);
    expect([kit.locking(), signal?.aborted]).toEqual(['asking', false]);
    await kit.clock.advance(1);
    expect([kit.locking(), heard]).toEqual(['backingOff', []]);
    await kit.grantLate();
    expect([kit.locking(), heard]).toEqual(['backingOff', []]);
  });

  it('is asked at once when it is connected again', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    await kit.fail(silent);
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    expect(kit.asked()).toEqual(['0: 0', '0: 0']);
  });

  it('begins with short pauses again once it has answered', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    await kit.fail(silent);
    await kit.clock.advance(200);
    await kit.fail(silent);
    await kit.clock.advance(400);
    await kit.grantAll();
    await kit.clock.advance(20_000);
    await kit.fail(silent);
    kit.asked();
    await kit.clock.advance(200);
    expect(kit.asked()).toEqual(['20800: 0']);
  });
});

describe('a fence', () => {
  it('that is refused is waited for no longer when a list read after it names only us: no fault, and granted silently', async () => {
    const { kit, lock, heard } = await unfenced();
    expect([heard, lock.mayCommit(), kit.told(), kit.locking()]).toEqual([
      ['lock.unfenced'],
      true,
      [],
      'waiting',
    ]);
    await kit.clock.advance(50);
    await kit.grantAll();
    expect([heard, lock.mayCommit(), kit.locking()]).toEqual([['lock.unfenced'], true, 'holding']);
    await kit.clock.advance(20_000);
    await kit.grant();
    expect([heard, lock.mayCommit()]).toEqual([['lock.unfenced', 'lock.lost'], false]);
  });

  it('that is refused although the last list named only us is waited for when the next one names somebody', async () => {
    const kit = start();
    kit.members = [me];
    const { heard } = kit.want(0);
    await kit.settle();
    kit.members = [me, 'newcomer@3'];
    await kit.grant();
    expect([heard, kit.looks.length]).toEqual([[], 2]);
  });

  it('is waited for while the list that names only us was read right after our own reconnect', async () => {
    const kit = start();
    kit.members = undefined;
    const { heard } = kit.want(0);
    await kit.settle();
    await kit.grant();
    kit.members = [me];
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    expect([heard, kit.state()]).toMatchObject([[], { members: 'pausing' }]);
    await refuseUntil(kit, 5500);
    expect(heard).toEqual([]);
    await refuseUntil(kit, 6500);
    expect(heard).toEqual(['lock.unfenced']);
  });

  it('granted to a member that is alone is one like any other', async () => {
    const kit = start();
    kit.members = [me];
    const { heard } = kit.want(0);
    await kit.settle();
    await kit.grantAll();
    expect(heard).toEqual(['lock.granted']);
  });

  it('of a broker that fails waits for its answer, also when nobody else is there', async () => {
    const kit = start();
    kit.members = [me];
    const { lock, heard } = kit.want(0);
    await kit.settle();
    await kit.fail(silent);
    expect([heard, lock.mayCommit()]).toEqual([[], false]);
  });

  it('is waited for no longer than handoverTimeout; then one fault names the queues, and asking goes on', async () => {
    const kit = start({ handoverTimeout: 5000 });
    const first = kit.want(0);
    const second = kit.want(1);
    await refuseUntil(kit, 2000);
    const third = kit.want(2);
    await refuseUntil(kit, 4950);
    expect([first.heard, kit.told()]).toEqual([[], []]);
    await refuseUntil(kit, 5000);
    expect([first.heard, second.heard, third.heard]).toEqual([['lock.unfenced'], ['lock.unfenced'], []]);
    expect(first.lock.mayCommit()).toBe(true);
    expect(kit.told()).toEqual([
      'RMQ_HANDOVER_UNFENCED: 2 queues of broker-a not given back within 5000 ms, consumed without a fence: orders@broker-a#0, orders@broker-a#1',
    ]);
    await refuseUntil(kit, 7000);
    expect([third.heard, kit.told()]).toEqual([
      ['lock.unfenced'],
      [
        'RMQ_HANDOVER_UNFENCED: 1 queue of broker-a not given back within 5000 ms, consumed without a fence: orders@broker-a#2',
      ],
    ]);
    kit.asked();
    await kit.clock.advance(1000);
    expect(kit.asks.map(({ queueIds }) => queueIds)).toEqual([[0, 1, 2]]);
    await kit.grantAll();
    expect([first.heard, first.lock.mayCommit(), kit.told()]).toEqual([['lock.unfenced'], true, []]);
  });

  it('granted in time leaves nobody to be waited for', async () => {
    const { kit, heard } = await holding({ handoverTimeout: 5000 });
    expect(kit.state()).toMatchObject({ patience: 'calm' });
    await kit.clock.advance(6000);
    expect([heard, kit.told()]).toEqual([['lock.granted'], []]);
  });

  it('is waited for no longer than handoverTimeout also when the broker never answers', async () => {
    const kit = start({ handoverTimeout: 5000 });
    const { heard } = kit.want(0);
    await kit.clock.advance(5000);
    expect(heard).toEqual(['lock.unfenced']);
  });

  it.each([
    [1, 'RMQ_BROKER_ERROR'],
    [3, 'RMQ_BROKER_ERROR'],
    [16, 'RMQ_NO_PERMISSION'],
  ] as const)(
    'refused with %i is off for this broker for 10 minutes, with one fault',
    async (responseCode, code) => {
      const { kit, lock, heard } = await holding();
      const waiting = kit.want(1);
      await kit.settle();
      await kit.fail(refusal(responseCode, code));
      expect(kit.locking()).toBe('off');
      expect([heard, waiting.heard]).toEqual([['lock.granted'], ['lock.unfenced']]);
      expect([lock.mayCommit(), waiting.lock.mayCommit()]).toEqual([true, true]);
      expect(kit.told()).toEqual([
        `RMQ_HANDOVER_UNFENCED: broker-a takes no locks, its queues are consumed without a fence for 600000 ms: refused with ${responseCode}`,
      ]);
      kit.asked();
      const later = kit.want(2);
      await kit.clock.advance(599_999);
      expect([later.heard, kit.asked(), kit.told()]).toEqual([['lock.unfenced'], [], []]);
      await kit.clock.advance(1);
      expect(kit.asked()).toEqual(['600000: 0 1 2']);
      await kit.grantAll();
      expect([heard, later.heard, kit.locking()]).toEqual([['lock.granted'], ['lock.unfenced'], 'holding']);
    },
  );

  it('that is off and not wanted any more is not asked for after the 10 minutes', async () => {
    const kit = start();
    const { lock } = kit.want(0);
    await kit.settle();
    await kit.fail(forbidden);
    lock.forget({ mayRun: false });
    kit.asked();
    await kit.clock.advance(600_000);
    expect([kit.asked(), kit.locking(), kit.unlocks]).toEqual([[], 'idle', []]);
  });

  it('refused with another code is asked for again', async () => {
    const kit = start();
    const { heard } = kit.want(0);
    await kit.settle();
    await kit.fail(busy);
    expect([kit.locking(), heard, kit.told()]).toEqual(['backingOff', [], []]);
  });
});

describe('an orderly lock', () => {
  it('is waited for as long as it takes, also by a member that is alone', async () => {
    const kit = start({ kind: 'orderly', handoverTimeout: 100 });
    const { lock, heard } = kit.want(0);
    await kit.settle();
    await refuseUntil(kit, 70_000);
    expect([heard, lock.mayCommit(), lock.mayDeliver(), kit.told()]).toEqual([[], false, false, []]);
    await kit.clock.advance(1000);
    await kit.grantAll();
    expect([heard, lock.mayDeliver()]).toEqual([['lock.granted'], true]);
  });

  it('allows deliveries for 30 s, and commits for 60 s, after it was last asked for with success', async () => {
    const { kit, lock } = await holding({ kind: 'orderly' });
    kit.clock.jump(29_999);
    expect([lock.mayDeliver(), lock.mayCommit()]).toEqual([true, true]);
    kit.clock.jump(1);
    expect([lock.mayDeliver(), lock.mayCommit()]).toEqual([false, true]);
    kit.clock.jump(30_000);
    expect([lock.mayDeliver(), lock.mayCommit()]).toEqual([false, false]);
  });

  it('refused with 16 is asked for on and on, and told once until the broker has answered', async () => {
    const kit = start({ kind: 'orderly' });
    const { heard } = kit.want(0);
    await kit.settle();
    await kit.fail(forbidden);
    expect([kit.locking(), heard]).toEqual(['backingOff', []]);
    await kit.clock.advance(200);
    await kit.fail(forbidden);
    expect(kit.told()).toEqual(['RMQ_NO_PERMISSION: refused with 16']);
    await kit.clock.advance(400);
    await kit.grantAll();
    await kit.clock.advance(20_000);
    await kit.fail(forbidden);
    expect(kit.told()).toEqual(['RMQ_NO_PERMISSION: refused with 16']);
  });

  it('of a member that cannot be heard is left alone: it may deliver still', async () => {
    const { kit } = await holding({ kind: 'orderly' });
    kit.members = [me, 'peer@2'];
    kit.actor.send({ type: 'members.looked' });
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    expect([kit.looks, kit.unlocks]).toEqual([[], []]);
  });
});

describe('the members of the group', () => {
  const look = async (kit: LocksKit, members: LocksKit['members']): Promise<void> => {
    kit.members = members;
    kit.actor.send({ type: 'members.looked' });
    await kit.settle();
  };
  /** Queue 0 is wanted and another member has it; `peer@2` was seen here. */
  const waitingForPeer = async (): Promise<LocksKit> => {
    const kit = start();
    kit.members = [me, 'peer@2'];
    kit.want(0);
    await kit.settle();
    await kit.grant();
    kit.asked();
    return kit;
  };

  it('are asked for with the first want, and whenever the consumer has looked at them', async () => {
    const kit = await waitingForPeer();
    await kit.clock.advance(10);
    await look(kit, [me, 'peer@2']);
    expect([kit.looks, kit.unlocks]).toEqual([[0, 10], []]);
    expect(kit.state()).toMatchObject({ members: 'resting' });
  });

  it('that were seen and are missing give nothing back: we do in their name, and ask at once', async () => {
    const kit = await waitingForPeer();
    await kit.clock.advance(10);
    await look(kit, [me]);
    expect(kit.unlocks).toEqual([
      { at: 10, brokerName: 'broker-a', clientId: 'peer@2', timeoutMs: 1000, queueIds: [0, 1, 2] },
    ]);
    expect(kit.asked()).toEqual(['10: 0']);
    await look(kit, [me]);
    expect(kit.unlocks).toHaveLength(1);
  });

  it('that died while a 41 was under way are asked for with short pauses afterwards', async () => {
    const kit = await waitingForPeer();
    for (const pause of [50, 100, 200, 400, 800]) {
      await kit.clock.advance(pause);
      if (pause < 800) await kit.grant();
    }
    await look(kit, [me]);
    kit.asked();
    await kit.grant();
    await kit.clock.advance(50);
    expect(kit.asked()).toEqual(['1600: 0']);
  });

  it('that were never seen here, and we ourselves, are never taken for dead', async () => {
    const kit = await waitingForPeer();
    await look(kit, [me, 'peer@2', 'new@3']);
    await look(kit, ['peer@2', 'new@3']);
    await look(kit, [me, 'peer@2', 'new@3']);
    expect(kit.unlocks).toEqual([]);
  });

  it('are not judged by a list that we ourselves are not in', async () => {
    const kit = await waitingForPeer();
    await look(kit, []);
    expect(kit.unlocks).toEqual([]);
    await look(kit, [me]);
    expect(kit.unlocks.map(({ clientId }) => clientId)).toEqual(['peer@2']);
  });

  it('missing within 5 s of our reconnect count as gone only when they are missing 3 s later too', async () => {
    const kit = await waitingForPeer();
    kit.members = [me];
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    expect([kit.unlocks, kit.state()]).toMatchObject([[], { members: 'pausing' }]);
    await look(kit, [me]);
    await kit.clock.advance(2999);
    expect(kit.unlocks).toEqual([]);
    await kit.clock.advance(1);
    await kit.settle();
    expect(kit.unlocks.map(({ clientId, at }) => [clientId, at])).toEqual([['peer@2', 3000]]);
  });

  it('that is dead is not freed again and again where 42 is refused', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    kit.members = [me, 'newcomer@3'];
    kit.unlocking = forbidden;
    kit.actor.send({ type: 'members.looked' });
    await kit.settle();
    expect(kit.unlocks.map(({ clientId }) => clientId)).toEqual(['somebody@2']);
    await refuseUntil(kit, 30_000);
    expect(kit.unlocks).toHaveLength(1);
  });

  it('missing right after our reconnect and back 3 s later live on', async () => {
    const kit = await waitingForPeer();
    kit.members = [me];
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    kit.members = [me, 'peer@2'];
    await kit.clock.advance(3000);
    await kit.settle();
    expect([kit.unlocks, kit.state()]).toMatchObject([[], { members: 'resting' }]);
  });

  it('are looked at anew when the connection comes back once more', async () => {
    const kit = await waitingForPeer();
    kit.members = [me];
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    await kit.clock.advance(2900);
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.clock.advance(2999);
    await kit.settle();
    expect(kit.unlocks).toEqual([]);
    await kit.clock.advance(1);
    await kit.settle();
    expect(kit.unlocks).toHaveLength(1);
  });

  it('of which one is gone for sure and another perhaps are treated so', async () => {
    const kit = await waitingForPeer();
    await look(kit, [me, 'peer@2', 'late@3']);
    kit.members = [me, 'late@3'];
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    kit.members = [me];
    await kit.clock.advance(3000);
    await kit.settle();
    expect(kit.unlocks.map(({ clientId }) => clientId)).toEqual(['peer@2']);
    expect(kit.state()).toMatchObject({ members: 'pausing' });
    await kit.clock.advance(3000);
    await kit.settle();
    expect(kit.unlocks.map(({ clientId }) => clientId)).toEqual(['peer@2', 'late@3']);
  });

  it('that cannot be read are asked for again after 3 s while somebody waits, else at the next look', async () => {
    const kit = await waitingForPeer();
    await look(kit, silent);
    expect(kit.state()).toMatchObject({ members: 'pausing' });
    kit.members = [me];
    await kit.clock.advance(3000);
    await kit.settle();
    expect(kit.unlocks).toHaveLength(1);
    while (kit.openSignals().length === 0) await kit.clock.advance(50);
    await kit.grantAll();
    expect(kit.locking()).toBe('holding');
    await look(kit, silent);
    expect(kit.state()).toMatchObject({ members: 'resting' });
  });

  it('that are not told within 1.5 s cannot be read', async () => {
    const kit = await waitingForPeer();
    await look(kit, undefined);
    expect(kit.state()).toMatchObject({ members: 'looking' });
    await kit.clock.advance(1500);
    expect(kit.state()).toMatchObject({ members: 'pausing' });
  });

  it('whose locks the broker would not free are freed after another look', async () => {
    const kit = await waitingForPeer();
    kit.unlocking = busy;
    await look(kit, [me]);
    expect([kit.unlocks.length, kit.state()]).toMatchObject([1, { members: 'pausing' }]);
    kit.unlocking = 'answered';
    await kit.clock.advance(3000);
    await kit.settle();
    expect([kit.unlocks.length, kit.state()]).toMatchObject([2, { members: 'resting' }]);
  });

  it.each(['members.looked', 'broker.back'] as const)(
    'are judged by the newest list: %s while one is read, or while locks are freed, begins anew',
    async type => {
      const kit = await waitingForPeer();
      await look(kit, undefined);
      kit.members = [me, 'peer@2'];
      kit.actor.send({ type, brokerName: 'broker-a' });
      await kit.settle();
      expect([kit.unlocks, kit.state()]).toMatchObject([[], { members: 'resting' }]);
      await kit.clock.advance(5000);
      kit.unlocking = 'silent';
      await look(kit, [me]);
      expect(kit.state()).toMatchObject({ members: 'freeing' });
      kit.members = [me, 'peer@2'];
      kit.actor.send({ type, brokerName: 'broker-a' });
      await kit.settle();
      expect(kit.state()).toMatchObject({ members: 'resting' });
    },
  );
});

describe('a lost connection', () => {
  const lose = async (kit: LocksKit): Promise<void> => {
    kit.actor.send({ type: 'broker.lost', brokerName: 'broker-a' });
    await kit.settle();
  };

  it('puts in doubt what is held, at once, until it is granted again', async () => {
    const { kit, lock, heard } = await holding();
    kit.actor.send({ type: 'broker.lost', brokerName: 'broker-a' });
    expect(lock.mayCommit()).toBe(false);
    await kit.settle();
    await kit.fail(silent);
    expect([lock.mayCommit(), lock.mayDeliver()]).toEqual([false, true]);
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    expect(lock.mayCommit()).toBe(false);
    await kit.grantAll();
    expect([lock.mayCommit(), heard]).toEqual([true, ['lock.granted']]);
  });

  it('stops orderly deliveries until then', async () => {
    const { kit, lock } = await holding({ kind: 'orderly' });
    await lose(kit);
    expect(lock.mayDeliver()).toBe(false);
    await kit.grantAll();
    expect(lock.mayDeliver()).toBe(true);
  });

  it('that somebody used to take the queue means that it is lost', async () => {
    const { kit, lock, heard } = await holding();
    await lose(kit);
    await kit.grant();
    expect([heard, lock.mayCommit()]).toEqual([['lock.granted', 'lock.lost'], false]);
  });

  it('is not mended by an answer to what was asked before it broke', async () => {
    const { kit, lock } = await holding();
    await kit.clock.advance(20_000);
    await lose(kit);
    await kit.grantAll();
    expect(lock.mayCommit()).toBe(false);
    expect(kit.asked()).toEqual(['20000: 0', '20000: 0']);
    await kit.grantAll();
    expect(lock.mayCommit()).toBe(true);
  });

  it('changes nothing for what is unfenced', async () => {
    const { kit, lock } = await unfenced();
    await lose(kit);
    expect(lock.mayCommit()).toBe(true);
  });

  it('while waiting is over when the broker is back: asked at once', async () => {
    const kit = start();
    kit.want(0);
    await kit.settle();
    await kit.grant();
    await kit.clock.advance(20);
    kit.asked();
    kit.actor.send({ type: 'broker.back', brokerName: 'broker-a' });
    await kit.settle();
    expect(kit.asked()).toEqual(['20: 0']);
  });
});

describe('the greeting of a broker', () => {
  it('asks for what is held and nothing else, and confirms what is granted', async () => {
    const { kit, lock } = await holding();
    kit.want(1);
    const asked: number[][] = [];
    await kit.book.reclaim('broker-a', async queues => {
      asked.push(queues.map(({ queueId }) => queueId));
      expect(lock.mayCommit()).toBe(false);
      return queues;
    });
    expect([asked, lock.mayCommit()]).toEqual([[[0]], true]);
  });

  it('tells at once that what is refused is lost', async () => {
    const { kit, lock, heard } = await holding();
    await kit.book.reclaim('broker-a', async () => []);
    expect([heard, lock.mayCommit()]).toEqual([['lock.granted', 'lock.lost'], false]);
  });

  it('asks nothing when nothing is held there', async () => {
    const kit = start();
    kit.want(0);
    let asked = 0;
    await kit.book.reclaim('broker-a', async queues => {
      asked++;
      return queues;
    });
    expect(asked).toBe(0);
  });

  it('fails when the question does, so that the connection is tried again', async () => {
    const { kit, lock } = await holding();
    await expect(kit.book.reclaim('broker-a', () => Promise.reject(busy))).rejects.toBe(busy);
    expect(lock.mayCommit()).toBe(false);
  });

  it('refused with 16 ends the fences of this broker, with one fault', async () => {
    const { kit, lock, heard } = await holding();
    await kit.book.reclaim('broker-a', () => Promise.reject(forbidden));
    expect([kit.locking(), lock.mayCommit(), heard]).toEqual(['off', true, ['lock.granted']]);
    expect(kit.told()).toEqual([
      'RMQ_HANDOVER_UNFENCED: broker-a takes no locks, its queues are consumed without a fence for 600000 ms: refused with 16',
    ]);
  });

  it('that is granted after the fences were switched off changes nothing: what is not renewed must not expire', async () => {
    const { kit, lock } = await holding();
    let grant = (): void => {};
    const greeting = kit.book.reclaim(
      'broker-a',
      queues =>
        new Promise(resolve => {
          grant = () => resolve(queues);
        }),
    );
    kit.want(1);
    await kit.settle();
    await kit.fail(forbidden);
    grant();
    await greeting;
    await kit.clock.advance(61_000);
    expect([kit.locking(), lock.mayCommit()]).toEqual(['off', true]);
  });

  it('refused with 16 leaves an orderly lock in doubt and asked for, with one fault', async () => {
    const { kit, lock } = await holding({ kind: 'orderly' });
    await kit.book.reclaim('broker-a', () => Promise.reject(forbidden));
    await kit.book.reclaim('broker-a', () => Promise.reject(forbidden));
    await kit.settle();
    expect([lock.mayCommit(), lock.mayDeliver(), kit.locking()]).toEqual([false, false, 'asking']);
    expect(kit.told()).toEqual(['RMQ_NO_PERMISSION: refused with 16']);
    await kit.grantAll(); // asked before the second greeting
    expect(lock.mayDeliver()).toBe(false);
    await kit.grantAll();
    expect(lock.mayDeliver()).toBe(true);
  });
});

describe('a confirmation', () => {
  const never = new AbortController().signal;

  it('is asked for at once, for all in one 41, and holds commits back until it is there', async () => {
    const { kit, lock } = await holding();
    const other = kit.want(1);
    await kit.settle();
    await kit.grantAll();
    kit.asked();
    const [first, second] = [watch(lock.confirm(never)), watch(other.lock.confirm(never))];
    expect(lock.mayCommit()).toBe(false);
    await kit.settle();
    expect([kit.asked(), first.how()]).toEqual([['0: 0 1'], 'open']);
    await kit.grantAll();
    expect([first.how(), second.how(), lock.mayCommit()]).toEqual(['resolved', 'resolved', true]);
  });

  it('is not given by an answer to what was asked before', async () => {
    const { kit, lock } = await holding();
    await kit.clock.advance(20_000);
    const confirmation = watch(lock.confirm(never));
    await kit.settle();
    await kit.grantAll();
    expect([confirmation.how(), lock.mayCommit()]).toEqual(['open', false]);
    await kit.grantAll();
    expect([confirmation.how(), lock.mayCommit()]).toEqual(['resolved', true]);
  });

  it('asked of a lock that is still wanted holds commits back in the same way', async () => {
    const kit = start();
    const { lock, heard } = kit.want(0);
    await kit.settle();
    const confirmation = watch(lock.confirm(never));
    await kit.grantAll();
    expect([heard, confirmation.how(), lock.mayCommit()]).toEqual([[], 'open', false]);
    await kit.grantAll();
    expect([heard, confirmation.how(), lock.mayCommit()]).toEqual([['lock.granted'], 'resolved', true]);
  });

  it('refused rejects, tells the loss, and rejects every later one', async () => {
    const { kit, lock, heard } = await holding();
    const confirmation = watch(lock.confirm(never));
    await kit.settle();
    await kit.grant();
    expect([confirmation.how(), heard]).toEqual(['RMQ_LOCK_REFUSED', ['lock.granted', 'lock.lost']]);
    await expect(lock.confirm(never)).rejects.toMatchObject({
      code: 'RMQ_LOCK_REFUSED',
      message: 'the lock of orders@broker-a#0 is held by another member',
    });
  });

  it('waits through failures of the broker until its signal is aborted', async () => {
    const { kit, lock } = await holding();
    const giveUp = new AbortController();
    const confirmation = watch(lock.confirm(giveUp.signal));
    await kit.settle();
    await kit.fail(silent);
    expect(confirmation.how()).toBe('open');
    giveUp.abort();
    await kit.settle();
    expect([confirmation.how(), lock.mayCommit()]).toEqual(['RMQ_ABORTED', false]);
    await expect(lock.confirm(giveUp.signal)).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
  });

  it('of an unfenced queue is there at once, and comes with the end of the fences', async () => {
    const { lock } = await unfenced();
    await expect(lock.confirm(never)).resolves.toBeUndefined();
    const held = await holding();
    const confirmation = watch(held.lock.confirm(never));
    await held.kit.settle();
    await held.kit.fail(forbidden);
    expect(confirmation.how()).toBe('resolved');
  });

  it('ends when the lock is given up, and is refused before it was wanted', async () => {
    const { kit, lock } = await holding();
    const confirmation = watch(lock.confirm(never));
    lock.forget({ mayRun: false });
    await kit.settle();
    expect(confirmation.how()).toBe('RMQ_ABORTED');
    await expect(lock.confirm(never)).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
    await expect(kit.book.lockOf(queueNumber(5)).confirm(never)).rejects.toMatchObject({
      code: 'RMQ_ABORTED',
    });
  });
});

describe('this actor', () => {
  it('hands what an owner throws, and faults of its own, to the consumer and lives on', async () => {
    const kit = start();
    const broken = kit.book.lockOf(queueNumber(1));
    broken.want(() => {
      throw new RangeError('no such state');
    });
    const { heard } = kit.want(2);
    await kit.settle();
    await kit.grantAll();
    expect([kit.told(), heard]).toEqual([['RMQ_INTERNAL: no such state'], ['lock.granted']]);
    const children = kit.actor.getSnapshot().children as Readonly<
      Record<string, { send(event: unknown): void } | undefined>
    >; // found by its id, as an inspector does
    children['locks broker-a']?.send({
      type: 'fault',
      error: new RocketmqError('RMQ_INTERNAL', 'seen'),
      actor: 'x',
    });
    expect(kit.told()).toEqual(['RMQ_INTERNAL: seen']);
  });

  it('survives that the ways to the broker throw instead of rejecting', async () => {
    const broken = (): never => {
      throw new TypeError('no address');
    };
    const kit = start({ port: { lock: broken, memberIds: broken } });
    kit.want(0);
    await kit.settle();
    expect(kit.state()).toMatchObject({ locking: 'backingOff', members: 'pausing' });
    expect(kit.told()).toEqual([]);
  });

  it.each(['asking', 'waiting', 'holding', 'backingOff', 'off'])(
    'stopped by force while %s leaves no timer and asks nothing more',
    async name => {
      const kit = start();
      const { heard } = kit.want(0);
      await kit.settle();
      if (name === 'waiting') await kit.grant();
      if (name === 'holding') await kit.grantAll();
      if (name === 'backingOff') await kit.fail(silent);
      if (name === 'off') await kit.fail(forbidden);
      expect(kit.locking()).toBe(name);
      const before = heard.length;
      const signals = kit.openSignals();
      kit.actor.stop();
      expect([kit.clock.pending, signals.every(({ aborted }) => aborted)]).toEqual([0, true]);
      kit.want(1);
      await kit.clock.advance(700_000);
      expect([kit.asks.length, heard.length]).toEqual([1, before]);
    },
  );

  it('visits every state of the chart and takes every arrow', () => {
    expect(coverage.missed()).toEqual([]);
  });
});
