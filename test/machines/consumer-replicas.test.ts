// SPDX-License-Identifier: Apache-2.0
/** What does a whole consumer do while the master of its broker is away and a slave is there? design.md G1, G2, G9. */
import { describe, expect, it } from 'vitest';
import { orderly } from '../../src/listeners/listener.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { aQueue } from '../support/builders.ts';
import { ConsumerKit, type KitOptions } from '../support/consumer-kit.ts';
import { addressOf, slaveOf } from '../support/scripted-cluster.ts';

const master = addressOf('broker-a');
const slave = slaveOf('broker-a');

async function started(options: KitOptions = {}): Promise<ConsumerKit> {
  const kit = new ConsumerKit({ ...options, cluster: { slaves: ['broker-a'], topics: { orders: 1 } } });
  return kit.start();
}

/** `named`: name servers name it all the same, as for some seconds they may. */
function masterGoes(kit: ConsumerKit, { named }: { readonly named: boolean }): void {
  if (!named) kit.cluster.withoutMaster.add('broker-a');
  kit.cluster.manner(master, 'refusing');
  kit.cluster.cut(master);
}

function masterComesBack(kit: ConsumerKit): void {
  kit.cluster.withoutMaster.delete('broker-a');
  kit.cluster.manner(master, 'answering');
}

function pullsAt(kit: ConsumerKit, address: string) {
  return kit.cluster
    .askedFor(RequestCode.PULL_MESSAGE)
    .filter(asked => asked.address === address && !isRetry(asked));
}

function isRetry({ fields }: { readonly fields: Readonly<Record<string, string>> }): boolean {
  return fields['topic']?.startsWith('%RETRY%') === true;
}

function replicaChanges(kit: ConsumerKit): readonly string[] {
  return kit
    .all('queue.replicaChanged')
    .filter(({ queue }) => queue.topic === 'orders')
    .map(({ from, to, reading }) => `${from} to ${to}, ${reading}`);
}

const stored = (kit: ConsumerKit) => kit.cluster.queue(queueKey(aQueue));

describe.each([{ named: true }, { named: false }])(
  'a master that goes away (in the route: $named)',
  ({ named }) => {
    it('is replaced by its slave for reading, and gets what was done meanwhile committed once it is back', async () => {
      const kit = await started();
      kit.cluster.store(aQueue, 10);
      await kit.until(() => stored(kit).committed === 10);
      masterGoes(kit, { named });
      kit.cluster.store(aQueue, 90);
      await kit.until(() => kit.delivered.length === 100);
      await kit.pass(10_000);
      expect([stored(kit).committed, kit.actor.getSnapshot().context.assignedQueues[0]?.brokerId]).toEqual([
        10, 1,
      ]);
      masterComesBack(kit);
      await kit.until(() => stored(kit).committed === 100);
      kit.cluster.store(aQueue, 5);
      await kit.until(() => stored(kit).committed === 105);
      expect(kit.delivered).toEqual(Array.from({ length: 105 }, (_, offset) => `orders-0:${offset}`));
      expect(replicaChanges(kit)).toEqual(['0 to 1, standIn', '1 to 0, master']);
      expect(pullsAt(kit, slave).map(({ fields }) => fields['sysFlag'])).not.toContain('3');
      expect(
        kit.cluster.askedFor(RequestCode.UPDATE_CONSUMER_OFFSET).map(({ address }) => address),
      ).not.toContain(slave);
      expect(kit.all('queue.revoked')).toEqual([]);
    });

    it('has a slave that knows us: heartbeats go there from the start, before any pull, and go on', async () => {
      const kit = await started();
      masterGoes(kit, { named });
      await kit.until(() => pullsAt(kit, slave).length > 0);
      expect(kit.cluster.asked.filter(({ address }) => address === slave).map(({ code }) => code)[0]).toBe(
        RequestCode.HEART_BEAT,
      );
      await kit.pass(31_000);
      const beats = kit.cluster.askedFor(RequestCode.HEART_BEAT).filter(({ address }) => address === slave);
      expect(beats.length).toBeGreaterThan(1);
    });

    it('is found again within seconds, though the routes are polled every 30 s', async () => {
      const kit = await started();
      masterGoes(kit, { named });
      await kit.pass(40_000);
      masterComesBack(kit);
      const at = kit.clock.now();
      await kit.until(() => kit.actor.getSnapshot().context.assignedQueues[0]?.brokerId === 0);
      expect(kit.clock.now() - at).toBeLessThan(15_000);
    });

    it('is waited for by an orderly queue, which nobody could lock meanwhile', async () => {
      const seen: number[] = [];
      const listener = orderly(([{ queueOffset }]) => {
        seen.push(queueOffset);
      });
      const kit = await started({ config: { listener } });
      kit.cluster.store(aQueue, 3);
      await kit.until(() => seen.length === 3);
      masterGoes(kit, { named });
      kit.cluster.store(aQueue, 4);
      await kit.pass(40_000);
      expect([seen.length, pullsAt(kit, slave)]).toEqual([3, []]);
      masterComesBack(kit);
      await kit.until(() => seen.length === 7);
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
    });
  },
);

describe('a slave that is behind', () => {
  it('moves nothing, is asked ever more slowly, and told of once; the master brings the rest', async () => {
    const kit = await started();
    kit.cluster.store(aQueue, 10);
    await kit.until(() => stored(kit).committed === 10);
    kit.cluster.lag = 8;
    masterGoes(kit, { named: true });
    const before = pullsAt(kit, slave).length;
    await kit.pass(60_000);
    const pulls = pullsAt(kit, slave).slice(before);
    expect(pulls.length).toBeGreaterThan(10);
    expect(pulls.length).toBeLessThan(60);
    expect(new Set(pulls.map(({ fields }) => fields['queueOffset']))).toEqual(new Set(['10']));
    expect(kit.faults.filter(({ error }) => error.code === 'RMQ_SLAVE_BEHIND')).toHaveLength(1);
    expect(kit.all('offset.corrected')).toEqual([]);
    kit.cluster.store(aQueue, 5);
    masterComesBack(kit);
    await kit.until(() => stored(kit).committed === 15);
    expect(kit.delivered).toEqual(Array.from({ length: 15 }, (_, offset) => `orders-0:${offset}`));
  });

  it('that is suggested while the master is there is left for 10 s at the first pull it cannot answer', async () => {
    const kit = await started();
    kit.cluster.lag = 1000;
    kit.cluster.on(RequestCode.PULL_MESSAGE, asked => {
      if (asked.address !== master || isRetry(asked) || Number(asked.fields['queueOffset']) > 500)
        return 'as usual';
      return { ...foundAt(asked.fields['queueOffset']), code: 20, remark: 'NO_MATCHED_MESSAGE' };
    });
    kit.cluster.store(aQueue, 600);
    await kit.until(() => stored(kit).committed === 600);
    expect(pullsAt(kit, slave)).toHaveLength(1);
    expect(replicaChanges(kit)).toEqual(['0 to 1, suggested', '1 to 0, master']);
  });
});

/** The master has scanned ten messages that nobody wants, and would rather not go on. */
function foundAt(offset: string | undefined) {
  const nextBeginOffset = String(Number(offset) + 10);
  return { fields: { suggestWhichBrokerId: '1', nextBeginOffset, minOffset: '0', maxOffset: '600' } };
}

it('neither master nor slave: the queue asks nobody hot, and takes whoever is back first', async () => {
  const kit = await started();
  masterGoes(kit, { named: true });
  kit.cluster.manner(slave, 'refusing');
  kit.cluster.cut(slave);
  kit.cluster.store(aQueue, 4);
  await kit.pass(20_000);
  expect(kit.delivered).toEqual([]);
  kit.cluster.manner(slave, 'answering');
  await kit.until(() => kit.delivered.length === 4);
  expect(kit.actor.getSnapshot().context.assignedQueues[0]?.brokerId).toBe(1);
});

it('a broker that goes away and comes again (GO_AWAY): nothing is lost, repeated or committed twice over', async () => {
  const kit = await new ConsumerKit({ cluster: { topics: { orders: 1 } } }).start();
  const times = { refused: 0 };
  kit.cluster.store(aQueue, 40);
  await kit.until(() => stored(kit).committed === 40);
  for (const code of [RequestCode.PULL_MESSAGE, RequestCode.UPDATE_CONSUMER_OFFSET]) {
    kit.cluster.on(code, () => (times.refused++ % 3 === 2 ? { code: ResponseCode.GO_AWAY } : 'as usual'));
  }
  for (let round = 1; round <= 5; round++) {
    kit.cluster.store(aQueue, 40);
    await kit.until(() => stored(kit).committed === 40 + round * 40);
  }
  expect(times.refused).toBeGreaterThan(5);
  expect(kit.delivered).toEqual(Array.from({ length: 240 }, (_, offset) => `orders-0:${offset}`));
  expect([kit.all('offset.corrected'), kit.all('queue.revoked')]).toEqual([[], []]);
  kit.actor.stop();
});
