// SPDX-License-Identifier: Apache-2.0
/** What becomes of the locks of a whole consumer at its end, and of two members when one of two brokers restarts? design.md G3, G4. */
import { describe, expect, it } from 'vitest';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { orderly } from '../../src/listeners/listener.ts';
import { leaveOf, listenerGrace } from '../../src/machines/consumer/consumer.logic.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { parseLock } from '../../src/protocol/bodies/lock.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { aQueue, queueNumber } from '../support/builders.ts';
import { ConsumerKit, type KitOptions } from '../support/consumer-kit.ts';

const hangs = (): Promise<never> => new Promise(() => {});

/** A consumer whose listener hangs at this offset of queue 0 and which is told to stop then. */
async function stoppedWhileHanging(offset: number, config: KitOptions['config'] = {}) {
  const running: number[] = [];
  const listener = orderly(async ([{ queueOffset }]) => {
    running.push(queueOffset);
    if (queueOffset === offset) await hangs();
  });
  const kit = new ConsumerKit({ config: { shutdownTimeout: 8000, listener, ...config } });
  await kit.start();
  kit.cluster.store(aQueue, offset + 1);
  await kit.until(() => running.includes(offset));
  const reporting = shutdown(kit.actor);
  await kit.until(() => kit.actor.getSnapshot().status !== 'active');
  return { kit, report: await reporting, unlocked: unlockedBy(kit) };
}

/** Queues whose locks were given back, with the time. */
function unlockedBy(kit: ConsumerKit): readonly { readonly key: string; readonly at: number }[] {
  return kit.cluster
    .askedFor(RequestCode.UNLOCK_BATCH_MQ)
    .flatMap(({ at, body }) => parseLock(body).mqSet.map(queue => ({ key: queueKey(queue), at })));
}

describe('a shutdown while an orderly listener hangs', () => {
  it.each([0, 3])(
    'commits what is done before offset %i, and keeps the lock of that queue only',
    async offset => {
      const { kit, report, unlocked } = await stoppedWhileHanging(offset);
      expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(offset);
      expect(unlocked.map(({ key }) => key)).toEqual([queueKey(queueNumber(1))]);
      expect(report).toMatchObject({ clean: false, abandonedMessages: 1, uncommitted: [] });
    },
  );

  it('gives onQueuesRevoked its time before the last commit and the goodbye', async () => {
    const ended: number[] = [];
    const hook = { run: (): Promise<void> => Promise.resolve() };
    const kit: ConsumerKit = new ConsumerKit({
      config: { shutdownTimeout: 8000, onQueuesRevoked: () => hook.run() },
      listener: hangs,
    });
    hook.run = async () => {
      await new Promise<void>(resolve => {
        kit.clock.setTimeout(resolve, 900);
      });
      ended.push(kit.clock.now());
    };
    await kit.start();
    kit.cluster.store(aQueue, 1);
    await kit.until(() => kit.delivered.length === 1);
    const reporting = shutdown(kit.actor);
    await kit.until(() => kit.actor.getSnapshot().status !== 'active');
    const { steps } = await reporting;
    expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toContain('draining done');
    expect(ended).toHaveLength(2); // the idle queue at once, the other when its grace was over
    expect(Math.min(...unlockedBy(kit).map(({ at }) => at))).toBeGreaterThanOrEqual(Math.max(...ended));
  });
});

describe('the last words to the brokers', () => {
  it('keep back the locks of queues that were not committed, and of those whose actors have not ended', async () => {
    const kit = await new ConsumerKit().start();
    const { context } = kit.actor.getSnapshot() as unknown as { context: Parameters<typeof leaveOf>[0] }; // not public
    expect([...leaveOf(context).unconfirmed].sort()).toEqual([0, 1].map(id => queueKey(queueNumber(id))));
    kit.actor.stop();
  });

  it('leave room for onQueuesRevoked where there is one', () => {
    const stop = { startedAt: 0, stepStartedAt: 0, deadline: 10_000, steps: [], abandoned: 0 };
    const progress = {
      ...stop,
      reason: 'requested',
      error: undefined,
      committed: [],
      uncommitted: [],
    } as const;
    expect([listenerGrace(progress, 0, false), listenerGrace(progress, 0, true)]).toEqual([7000, 6000]);
  });
});
