// SPDX-License-Identifier: Apache-2.0
/** Does actor.stop() leave nothing behind, whatever the consumer was doing? */
import { describe, expect, it } from 'vitest';
import { execute } from '../../src/consumer/execute.ts';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { whenRunning } from '../../src/consumer/when-running.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { aQueue } from '../support/builders.ts';
import { ConsumerKit, nothingLeft } from '../support/consumer-kit.ts';
import { nameServer } from '../support/scripted-cluster.ts';

const states = [
  'starting.connecting',
  'starting.loading',
  'starting.coordinating',
  'starting.registering',
  'starting.assigning',
  'starting.dispatching',
  'running.active',
  'running.suspended',
  'running.revalidating.registering',
  'running.revalidating.sharing',
  'running.revalidating.verifying',
  'stopping.closingIntake',
  'stopping.draining',
  'stopping.persisting',
  'stopping.releasing',
  'stopping.disconnecting',
];

/** What it takes to get to a state from running. */
const ways: Readonly<Record<string, (kit: ConsumerKit) => void>> = {
  'running.suspended': ({ actor }) => actor.send({ type: 'consumer.suspend' }),
  'running.revalidating': ({ clock }) => clock.jump(11_000),
  stopping: ({ actor }) => void shutdown(actor),
};

function warningsInto(lines: string[]): Logger {
  const logger: Logger = {
    ...silentLogger,
    warn: (_, text) => void lines.push(text),
    child: () => logger,
  };
  return logger;
}

const stoppedError = expect.objectContaining({ code: 'RMQ_CONSUMER_STOPPED' });

describe('actor.stop()', () => {
  it.each(states)('in %s leaves no socket, no timer and no request, and warns once', async state => {
    const lines: string[] = [];
    const kit = new ConsumerKit({ environment: { logger: warningsInto(lines) } });
    kit.cluster.store(aQueue, 50);
    let askedAtStop = -1;
    let deliveredAtStop = -1;
    kit.actor.on('consumer.stateChanged', ({ to }) => {
      if (to !== state || deliveredAtStop >= 0) return;
      kit.actor.stop();
      deliveredAtStop = kit.delivered.length;
      setImmediate(() => {
        askedAtStop = kit.cluster.asked.length; // what was written before arrives in this turn
      });
    });
    kit.actor.start();
    await kit.pass(1500);
    for (const [prefix, go] of Object.entries(ways)) if (state.startsWith(prefix)) go(kit);
    await kit.until(() => askedAtStop >= 0);
    await kit.pass(40_000, 500);
    expect(kit.cluster.asked.slice(askedAtStop).map(({ code }) => code)).toEqual([]);
    expect(kit.delivered).toHaveLength(deliveredAtStop);
    expect(kit.leftovers).toEqual(nothingLeft);
    expect(lines).toEqual([expect.stringContaining('shutdown(actor)')]);
    expect(kit.actor.getSnapshot().status).toBe('stopped');
    expect(() => kit.actor.start()).toThrow(stoppedError);
  });

  it('while nobody answers leaves nothing either', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.manner('broker-a:10911', 'mute');
    kit.cluster.manner(nameServer, 'mute');
    kit.cluster.store(aQueue, 1);
    await kit.pass(6000);
    kit.actor.stop();
    await kit.pass(1000);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('while a dial hangs gives it up', async () => {
    const kit = new ConsumerKit();
    kit.cluster.manner(nameServer, 'hanging');
    kit.actor.start();
    await kit.pass(500);
    kit.actor.stop();
    await kit.pass(500);
    expect(kit.cluster.dials).toEqual([nameServer]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('aborts the signals of running listeners, and calls none any more when they end', async () => {
    const calls: { readonly signal: AbortSignal; readonly end: () => void }[] = [];
    const kit = await new ConsumerKit({
      config: { consumeConcurrency: 2 },
      listener: (_, { signal }) =>
        new Promise<undefined>(resolve => calls.push({ signal, end: () => resolve(undefined) })),
    }).start();
    kit.cluster.store(aQueue, 10);
    await kit.pass(100);
    expect(kit.delivered).toHaveLength(2);
    kit.actor.stop();
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    for (const { end } of calls) end();
    await kit.pass(1000);
    expect(kit.delivered).toHaveLength(2);
    expect(kit.cluster.codes(RequestCode.UPDATE_CONSUMER_OFFSET)).toHaveLength(2); // the start positions
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('before start is final and silent', async () => {
    const lines: string[] = [];
    const kit = new ConsumerKit({ environment: { logger: warningsInto(lines) } });
    const waiting = whenRunning(kit.actor);
    const outcome = expect(waiting).rejects.toEqual(stoppedError);
    kit.actor.stop();
    await outcome;
    expect(() => kit.actor.start()).toThrow(stoppedError);
    expect(lines).toEqual([]);
    expect(kit.leftovers).toEqual(nothingLeft);
  });

  it('twice is the same as once', async () => {
    const lines: string[] = [];
    const kit = await new ConsumerKit({ environment: { logger: warningsInto(lines) } }).start();
    kit.actor.stop().stop();
    expect(lines).toHaveLength(1);
  });

  it('after a proper shutdown says nothing', async () => {
    const lines: string[] = [];
    const kit = await new ConsumerKit({ environment: { logger: warningsInto(lines) } }).start();
    void shutdown(kit.actor);
    await kit.until(() => kit.state === 'stopped');
    kit.actor.stop();
    expect(lines).toEqual([]);
  });

  it('settles everybody who waits, and whoever asks later', async () => {
    const kit = new ConsumerKit();
    kit.cluster.manner(nameServer, 'mute');
    const running = expect(whenRunning(kit.actor)).rejects.toEqual(stoppedError);
    kit.actor.start();
    await kit.pass(100);
    const stopping = shutdown(new ConsumerKit().actor);
    kit.actor.stop();
    await running;
    await stopping;
    await expect(whenRunning(kit.actor)).rejects.toEqual(stoppedError);
    await expect(execute(kit.actor, { type: 'consumer.suspend' })).rejects.toMatchObject({
      code: 'RMQ_COMMAND_REFUSED',
    });
    await expect(execute(kit.actor, { type: 'consumer.shutdown' })).rejects.toEqual(stoppedError);
    expect(await shutdown(kit.actor)).toMatchObject({ clean: false, steps: [] });
  });

  it('in the middle of a shutdown answers all its callers alike: not clean', async () => {
    const kit = await new ConsumerKit({ listener: () => new Promise(() => {}) }).start();
    kit.cluster.store(aQueue, 1);
    await kit.pass(100);
    const reports = [shutdown(kit.actor), shutdown(kit.actor)];
    await kit.pass(100);
    kit.actor.stop();
    const [first, second] = await Promise.all(reports);
    expect(first).toMatchObject({ clean: false });
    expect(second).toBe(first);
    expect(await shutdown(kit.actor)).toBe(first);
  });

  it('of a running one is no longer running: whenRunning rejects', async () => {
    const kit = await new ConsumerKit().start();
    kit.actor.stop();
    expect(kit.actor.getSnapshot().matches('running')).toBe(true); // what it was doing
    await expect(whenRunning(kit.actor)).rejects.toEqual(stoppedError);
  });
});
