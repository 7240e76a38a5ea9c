// SPDX-License-Identifier: Apache-2.0
/** Does a shutdown end from every state, in order, in time, and with a true report? */
import { describe, expect, it } from 'vitest';
import { shutdown } from '../../src/consumer/shutdown.ts';
import type { ShutdownReport } from '../../src/machines/consumer/consumer.types.ts';
import { queueKey } from '../../src/model/message-queue.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { aQueue, deferred, queueNumber } from '../support/builders.ts';
import { ConsumerKit, group, nothingLeft } from '../support/consumer-kit.ts';
import { addressOf, nameServer } from '../support/scripted-cluster.ts';
import { checkTrace } from '../support/trace-checker.ts';

const { HEART_BEAT, PULL_MESSAGE, QUERY_CONSUMER_OFFSET, UNREGISTER_CLIENT, UPDATE_CONSUMER_OFFSET } =
  RequestCode;

const startingStates = [
  'starting.connecting',
  'starting.loading',
  'starting.coordinating',
  'starting.registering',
  'starting.assigning',
  'starting.dispatching',
];
const stoppingStates = [
  'stopping.closingIntake',
  'stopping.draining',
  'stopping.persisting',
  'stopping.releasing',
  'stopping.disconnecting',
];
const steps = ['closingIntake', 'draining', 'persisting', 'releasing', 'disconnecting'];
const broker = addressOf('broker-a');

/** Shuts down and lets time pass until it is over. */
async function stopped(
  kit: ConsumerKit,
  options: { readonly timeout?: number } = {},
): Promise<ShutdownReport> {
  const reporting = shutdown(kit.actor, options);
  await kit.until(() => kit.actor.getSnapshot().status !== 'active');
  kit.trace.mark({ mark: 'stopped' });
  return reporting;
}

function outcomes({ steps: reports }: ShutdownReport): readonly string[] {
  return reports.map(({ step, outcome }) => `${step} ${outcome}`);
}

const allDone = steps.map(step => `${step} done`);

describe('a shutdown', () => {
  it('of a consumer that was never started is clean at once, and final', async () => {
    const kit = new ConsumerKit();
    const report = await shutdown(kit.actor);
    expect(report).toEqual({
      clean: true,
      reason: 'requested',
      durationMs: 0,
      steps: [],
      abandonedMessages: 0,
      committed: [],
      uncommitted: [],
    });
    expect(kit.actor.getSnapshot()).toMatchObject({ status: 'done', value: 'stopped', output: report });
    expect(() => kit.actor.start()).toThrowError(expect.objectContaining({ code: 'RMQ_CONSUMER_STOPPED' }));
    expect(await shutdown(kit.actor)).toBe(await shutdown(kit.actor));
    expect(kit.cluster.dials).toEqual([]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it.each([...startingStates, 'running.active'])(
    'asked for in %s ends clean, with nothing left',
    async state => {
      const kit = new ConsumerKit();
      kit.cluster.store(aQueue, 3);
      const reports: Promise<ShutdownReport>[] = [];
      kit.actor.on('consumer.stateChanged', ({ to }) => {
        if (to === state) reports.push(shutdown(kit.actor));
      });
      kit.actor.start();
      await kit.until(() => kit.state === 'stopped');
      const report = await reports[0];
      expect(report).toMatchObject({
        clean: true,
        reason: 'requested',
        uncommitted: [],
        abandonedMessages: 0,
      });
      expect(report?.steps.map(({ step }) => step)).toEqual(steps);
      expect(kit.states.slice(-6)).toEqual([...stoppingStates, 'stopped']);
      kit.trace.mark({ mark: 'stopped' });
      expect(checkTrace(kit.trace.entries)).toEqual([]);
      expect(kit.actor.getSnapshot().context.assignedQueues).toEqual([]);
      expect(kit.leftovers).toEqual(nothingLeft);
    },
  );

  it('asked for while suspended ends clean', async () => {
    const kit = await new ConsumerKit().start();
    kit.actor.send({ type: 'consumer.suspend' });
    expect(await stopped(kit)).toMatchObject({ clean: true });
    expect(kit.states.slice(-7)).toEqual(['running.suspended', ...stoppingStates, 'stopped']);
  });

  it.each(stoppingStates)('asked for again in %s gives every caller the same report', async state => {
    const kit = await new ConsumerKit().start();
    const reports: Promise<ShutdownReport>[] = [];
    kit.actor.on('consumer.stateChanged', ({ to }) => {
      if (to === state) reports.push(shutdown(kit.actor, { timeout: 1 }));
    });
    const first = await stopped(kit);
    expect(reports).toHaveLength(1);
    expect(await reports[0]).toBe(first);
    expect(await shutdown(kit.actor)).toBe(first);
    expect(outcomes(first)).toEqual(allDone);
    expect(kit.states.filter(each => each.startsWith('stopping'))).toEqual(stoppingStates);
  });

  it('commits what was handled before it leaves the group, and leaves before it hangs up', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(queueNumber(0), 40);
    kit.cluster.store(queueNumber(1), 7);
    await kit.pass(100);
    const report = await stopped(kit);
    expect(report).toMatchObject({ clean: true, abandonedMessages: 0, uncommitted: [] });
    const committed = report.committed.map(({ queue, offset }) => `${queueKey(queue)}: ${offset}`);
    expect(committed.sort()).toEqual(['orders@broker-a#0: 40', 'orders@broker-a#1: 7']);
    expect(kit.cluster.queue(queueKey(queueNumber(0))).committed).toBe(40);
    expect(kit.cluster.queue(queueKey(queueNumber(1))).committed).toBe(7);
    expect(kit.cluster.codes().at(-1)).toBe(UNREGISTER_CLIENT);
    expect(kit.cluster.members.size).toBe(0);
    expect(checkTrace(kit.trace.entries, { everyMessageIsDelivered: true })).toEqual([]);
    expect(kit.all('queue.revoked').map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown']);
    expect(
      kit
        .all('offset.committed')
        .map(({ offset }) => offset)
        .sort(),
    ).toEqual([40, 7]);
  });

  it('waits for listeners that end, and commits what they did', async () => {
    const ending = deferred<undefined>();
    const kit = await new ConsumerKit({ listener: () => ending.promise }).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    const reporting = shutdown(kit.actor);
    await kit.pass(2000);
    expect(kit.state).toBe('stopping.draining');
    ending.resolve(undefined);
    await kit.until(() => kit.state === 'stopped');
    const report = await reporting;
    expect(report).toMatchObject({ clean: true, abandonedMessages: 0 });
    expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(3);
    kit.trace.mark({ mark: 'stopped' });
    expect(checkTrace(kit.trace.entries)).toEqual([]);
  });

  it('gives up listeners that hang: counts them, aborts their signals, commits nothing of theirs', async () => {
    const signals: AbortSignal[] = [];
    const kit = await new ConsumerKit({
      listener: (_, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    }).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    const from = kit.clock.now();
    const report = await stopped(kit);
    expect(report).toMatchObject({ clean: false, reason: 'requested', abandonedMessages: 3 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    expect(kit.clock.now() - from).toBeLessThanOrEqual(10_000);
    expect(kit.clock.now() - from).toBeGreaterThanOrEqual(7000);
    expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(0);
    expect(report.durationMs).toBe(report.steps.reduce((sum, { ms }) => sum + ms, 0));
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('delivers nothing any more once it has begun', async () => {
    const endings: (() => void)[] = [];
    const kit = await new ConsumerKit({
      config: { consumeConcurrency: 1 },
      listener: () => new Promise<undefined>(resolve => endings.push(() => resolve(undefined))),
    }).start();
    kit.cluster.store(aQueue, 5);
    await kit.pass(100);
    expect(kit.delivered).toEqual(['orders-0:0']);
    const reporting = stopped(kit);
    await kit.settle();
    endings[0]?.();
    expect(await reporting).toMatchObject({
      clean: true,
      committed: expect.arrayContaining([{ queue: aQueue, offset: 1 }]),
    });
    expect(kit.delivered).toEqual(['orders-0:0']);
  });

  it.each([[10_000], [5000], [1000], [300], [100], [0]])(
    'of %i ms ends within its time while every broker is hung, and says what was not committed',
    async timeout => {
      const kit = await new ConsumerKit().start();
      kit.cluster.store(aQueue, 3);
      await kit.pass(100);
      kit.cluster.manner(broker, 'mute');
      kit.cluster.manner(nameServer, 'mute');
      const from = kit.clock.now();
      const report = await stopped(kit, { timeout });
      expect(kit.clock.now() - from).toBeLessThanOrEqual(Math.max(timeout, 350));
      expect(report).toMatchObject({ clean: false, uncommitted: [{ queue: aQueue, offset: 3 }] });
      expect(report.steps.map(({ step }) => step)).toEqual(steps);
      expect(report.steps.find(({ step }) => step === 'persisting')?.outcome).toMatch(/timedOut|failed/);
      expect(report.steps.find(({ step }) => step === 'releasing')?.outcome).toMatch(/timedOut|failed/);
      expect(kit.leftovers).toEqual(nothingLeft);
    },
  );

  it('ends within its time when every broker is dead', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.cluster.manner(broker, 'refusing');
    kit.cluster.cut(broker);
    const from = kit.clock.now();
    const report = await stopped(kit);
    expect(kit.clock.now() - from).toBeLessThanOrEqual(10_000);
    expect(report).toMatchObject({ clean: false, uncommitted: [{ queue: aQueue, offset: 3 }] });
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('with hung brokers and a hanging listener still ends within its time', async () => {
    const kit = await new ConsumerKit({ listener: () => new Promise(() => {}) }).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.cluster.manner(broker, 'mute');
    const from = kit.clock.now();
    const report = await stopped(kit, { timeout: 6000 });
    expect(kit.clock.now() - from).toBeLessThanOrEqual(6000);
    expect(report).toMatchObject({ clean: false, abandonedMessages: 3 });
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('does not wait for the last commit of a queue that was given up before', async () => {
    const kit = await new ConsumerKit({ config: { consumerTimeoutMillisOfRequest: 20_000 } }).start();
    kit.cluster.store(queueNumber(1), 3);
    await kit.pass(100);
    kit.cluster.on(QUERY_CONSUMER_OFFSET, () => undefined);
    kit.cluster.otherMembers.add('10.0.0.9@after-us');
    kit.cluster.tellMembersChanged(group);
    await kit.pass(500);
    const from = kit.clock.now();
    const report = await stopped(kit, { timeout: 2000 });
    expect([kit.clock.now() - from <= 2000, outcomes(report)]).toEqual([
      true,
      [
        'closingIntake done',
        'draining timedOut',
        'persisting failed',
        'releasing done',
        'disconnecting done',
      ],
    ]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('reports a final offset that the broker refused', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.cluster.on(UPDATE_CONSUMER_OFFSET, () => ({ code: 16, remark: 'no' }));
    const report = await stopped(kit);
    expect(report).toMatchObject({ clean: false, uncommitted: [{ queue: aQueue, offset: 3 }] });
    expect(outcomes(report)).toContain('persisting failed');
    expect(report.steps[2]?.error).toMatchObject({ code: 'RMQ_NO_PERMISSION' });
  });

  it('reports an unregister that was refused, and is not clean', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.on(UNREGISTER_CLIENT, () => ({ code: 1, remark: 'oops' }));
    const report = await stopped(kit);
    expect(report.clean).toBe(false);
    expect(report.steps[3]).toMatchObject({
      step: 'releasing',
      outcome: 'failed',
      error: { code: 'RMQ_BROKER_ERROR' },
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40])(
    'takes a timeout of %d for what it can be: it ends, and drains',
    async timeout => {
      const ending = deferred<undefined>();
      const kit = await new ConsumerKit({ listener: () => ending.promise }).start();
      kit.cluster.store(aQueue, 1);
      await kit.pass(100);
      const reporting = shutdown(kit.actor, { timeout });
      await kit.pass(1000);
      ending.resolve(undefined);
      await kit.until(() => kit.state === 'stopped');
      expect(await reporting).toMatchObject({ clean: true });
    },
  );

  it('while revalidating commits nothing, for it may not be ours any more, and ends', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.cluster.on(HEART_BEAT, () => undefined);
    kit.clock.jump(11_000);
    await kit.pass(1000);
    expect(kit.state).toBe('running.revalidating.registering');
    const report = await stopped(kit);
    expect(report).toMatchObject({ clean: false, uncommitted: [{ queue: aQueue, offset: 3 }] });
    expect(kit.cluster.queue(queueKey(aQueue)).committed).toBe(0);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('that meets a time gap ends, and commits nothing after it', async () => {
    const kit = await new ConsumerKit({ listener: () => new Promise(() => {}) }).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    const reporting = stopped(kit);
    await kit.pass(500);
    kit.clock.jump(60_000);
    const report = await reporting;
    expect(report).toMatchObject({ clean: false, abandonedMessages: 3 });
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('of many queues on many brokers causes no warning about listeners', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const brokers = Array.from({ length: 13 }, (_, i) => `broker-${i}`);
    const kit = await new ConsumerKit({ cluster: { brokers, topics: { orders: 6 } } }).start();
    for (const brokerName of brokers)
      for (let i = 0; i < 6; i++) kit.cluster.store({ ...queueNumber(i), brokerName }, 2);
    await kit.pass(1000);
    kit.cluster.on(UPDATE_CONSUMER_OFFSET, () => undefined);
    await kit.pass(6000);
    await stopped(kit);
    await kit.settle();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('right after a pull was sent with a commit waits for its answer before the last commit', async () => {
    const kit = await new ConsumerKit({ cluster: { topics: { orders: 1 } } }).start();
    kit.cluster.store(aQueue, 3);
    await kit.pass(100);
    kit.cluster.store(aQueue, 1);
    await kit.settle();
    const report = await stopped(kit);
    expect(report).toMatchObject({ clean: true, committed: [{ queue: aQueue, offset: 4 }] });
    expect(checkTrace(kit.trace.entries)).toEqual([]);
    expect(kit.cluster.codes(PULL_MESSAGE, QUERY_CONSUMER_OFFSET)).not.toEqual([]);
  });
});
