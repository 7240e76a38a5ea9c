// SPDX-License-Identifier: Apache-2.0
/** What does a consumer tell of its work? Each public event with its whole payload. */
import { describe, expect, it } from 'vitest';
import type { ConsumerEvent } from '../../../src/machines/consumer/consumer.types.ts';
import { queueKey } from '../../../src/model/message-queue.ts';
import { RequestCode, ResponseCode } from '../../../src/protocol/codes.ts';
import { aQueue, type Deferred, deferred } from '../../support/builders.ts';
import { ConsumerKit } from '../../support/consumer-kit.ts';
import { addressOf, nameServer } from '../../support/scripted-cluster.ts';

const broker = addressOf('broker-a');
const oneQueue = { topics: { orders: 1 } } as const;

/** What was told since then, without the changes of state. */
function told(kit: ConsumerKit, since = 0): readonly ConsumerEvent[] {
  return kit.events.slice(since).filter(({ type }) => type !== 'consumer.stateChanged');
}

describe('the events of a consumer', () => {
  it('of a start: the peers it reached, and the queues it reads from where', async () => {
    const kit = new ConsumerKit({ cluster: oneQueue });
    kit.cluster.queue(queueKey(aQueue)).committed = 7;
    kit.cluster.store(aQueue, 7);
    await kit.start();
    await kit.pass(100);
    expect(told(kit)).toEqual([
      { type: 'connection.restored', address: nameServer, role: 'nameServer' },
      { type: 'connection.restored', address: broker, role: 'broker' },
      { type: 'queue.assigned', queue: aQueue, offset: 7 },
    ]);
    kit.actor.stop();
  });

  it('of a connection: that it was lost and why, and that it is back', async () => {
    const kit = await new ConsumerKit({ cluster: oneQueue }).start();
    await kit.pass(100);
    const since = kit.events.length;
    kit.cluster.cut(broker);
    await kit.pass(2000);
    expect(told(kit, since)).toEqual([
      {
        type: 'connection.lost',
        address: broker,
        role: 'broker',
        error: expect.objectContaining({ code: 'RMQ_CONNECTION_LOST' }),
      },
      {
        type: 'fault',
        actor: queueKey(aQueue),
        error: expect.objectContaining({ code: 'RMQ_CONNECTION_LOST' }),
      },
      { type: 'connection.restored', address: broker, role: 'broker' },
    ]);
    kit.actor.stop();
  });

  it('of a periodic persist: every offset that was handed over', async () => {
    const kit = await new ConsumerKit({ cluster: oneQueue }).start();
    await kit.pass(100);
    const since = kit.events.length;
    kit.cluster.store(aQueue, 3);
    await kit.pass(11_000);
    expect(told(kit, since)).toEqual([{ type: 'offset.committed', queue: aQueue, offset: 3 }]);
    kit.actor.stop();
  });

  it('of flow control: closed with its cause, and opened again', async () => {
    const hands: Deferred<undefined>[] = [];
    const kit = await new ConsumerKit({
      cluster: oneQueue,
      config: { pullThresholdForQueue: 4, pullBatchSize: 4 },
      listener: () => {
        const hand = deferred<undefined>();
        hands.push(hand);
        return hand.promise;
      },
    }).start();
    await kit.pass(100);
    const since = kit.events.length;
    kit.cluster.store(aQueue, 8);
    await kit.pass(500);
    expect(told(kit, since)).toEqual([
      { type: 'flow.closed', scope: 'queue', cause: 'countOfQueue', queue: aQueue },
    ]);
    for (const hand of hands) hand.resolve(undefined);
    await kit.pass(500);
    expect(told(kit, since)[1]).toEqual({ type: 'flow.opened', queue: aQueue });
    kit.actor.stop();
  });

  it("of a correction: from where to where, and the broker's reason", async () => {
    const kit = await new ConsumerKit({ cluster: oneQueue }).start();
    await kit.pass(100);
    const since = kit.events.length;
    const moved = { suggestWhichBrokerId: '0', nextBeginOffset: '100', minOffset: '100', maxOffset: '200' };
    kit.cluster.on(RequestCode.PULL_MESSAGE, ({ fields }) =>
      fields['queueOffset'] === '0'
        ? { code: ResponseCode.PULL_OFFSET_MOVED, remark: 'OFFSET_TOO_SMALL', fields: moved }
        : undefined,
    );
    kit.cluster.cut(broker); // the pull that waits is asked anew
    await kit.pass(2000);
    expect(told(kit, since)).toContainEqual({
      type: 'offset.corrected',
      queue: aQueue,
      from: 0,
      to: 100,
      reason: 'OFFSET_TOO_SMALL',
    });
    expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(100);
    kit.actor.stop();
  });
});
