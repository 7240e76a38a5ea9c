// SPDX-License-Identifier: Apache-2.0
/** When do whenRunning, execute and shutdown settle, and with what? */
import { describe, expect, it } from 'vitest';
import { execute } from '../../../src/consumer/execute.ts';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import { whenRunning } from '../../../src/consumer/when-running.ts';
import { RequestCode } from '../../../src/protocol/codes.ts';
import { aQueue } from '../../support/builders.ts';
import { ConsumerKit } from '../../support/consumer-kit.ts';
import { nameServer } from '../../support/scripted-cluster.ts';

const stopped = expect.objectContaining({ code: 'RMQ_CONSUMER_STOPPED' });
const refused = expect.objectContaining({ code: 'RMQ_COMMAND_REFUSED' });
const suspend = { type: 'consumer.suspend' } as const;
const resume = { type: 'consumer.resume' } as const;

/** How a promise stands after everything that needs no time has happened. */
async function standing(kit: ConsumerKit, promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = 'pending';
  promise.then(
    () => {
      outcome = 'resolved';
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  await kit.settle();
  return outcome;
}

async function withHangingListener(): Promise<ConsumerKit> {
  const kit = await new ConsumerKit({ listener: () => new Promise(() => {}) }).start();
  kit.cluster.store(aQueue, 1);
  await kit.pass(100);
  return kit;
}

describe('whenRunning', () => {
  it('called before the start resolves when it runs, for everybody who waits', async () => {
    const kit = new ConsumerKit();
    const waiting = Promise.all([whenRunning(kit.actor), whenRunning(kit.actor)]);
    expect(await standing(kit, waiting)).toBe('pending');
    await kit.start();
    await waiting;
  });

  it('resolves at once while it runs, suspended or not', async () => {
    const kit = await new ConsumerKit().start();
    await whenRunning(kit.actor);
    kit.actor.send(suspend);
    await whenRunning(kit.actor);
    kit.actor.stop();
  });

  it('rejects with the error of a failed start, also for those who ask after it', async () => {
    const kit = new ConsumerKit({ config: { startTimeout: 1000 } });
    kit.cluster.manner(nameServer, 'refusing');
    const waiting = expect(whenRunning(kit.actor)).rejects.toMatchObject({ code: 'RMQ_START_TIMEOUT' });
    kit.actor.start();
    await kit.until(() => kit.state === 'stopped');
    await waiting;
    await expect(whenRunning(kit.actor)).rejects.toMatchObject({ code: 'RMQ_START_TIMEOUT' });
  });

  it('rejects as soon as it is stopping, and when it is stopped', async () => {
    const kit = await withHangingListener();
    void shutdown(kit.actor);
    expect(kit.state).toBe('stopping.draining');
    expect(await standing(kit, whenRunning(kit.actor))).toEqual(stopped);
    await kit.until(() => kit.state === 'stopped');
    await expect(whenRunning(kit.actor)).rejects.toEqual(stopped);
  });

  it('rejects when a shutdown comes during the start', async () => {
    const kit = new ConsumerKit();
    const waiting = expect(whenRunning(kit.actor)).rejects.toEqual(stopped);
    kit.actor.start();
    void shutdown(kit.actor);
    await kit.until(() => kit.state === 'stopped');
    await waiting;
  });

  it('rejects when it is shut down before it was started', async () => {
    const kit = new ConsumerKit();
    const waiting = expect(whenRunning(kit.actor)).rejects.toEqual(stopped);
    await shutdown(kit.actor);
    await waiting;
  });

  it('given up by its signal rejects with the reason, and the start goes on', async () => {
    const kit = new ConsumerKit();
    const controller = new AbortController();
    const waiting = whenRunning(kit.actor, { signal: controller.signal });
    kit.actor.start();
    controller.abort('enough');
    expect(await standing(kit, waiting)).toBe('enough');
    await kit.until(() => kit.state === 'running.active');
    await expect(whenRunning(kit.actor, { signal: controller.signal })).rejects.toBe('enough');
    kit.actor.stop();
  });

  it('leaves no listener on its signal', async () => {
    const kit = new ConsumerKit();
    const { signal } = new AbortController();
    const added: string[] = [];
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      added.push('added');
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      added.push('removed');
      removeEventListener.apply(signal, args);
    };
    const waiting = whenRunning(kit.actor, { signal });
    await kit.start();
    await waiting;
    expect(added).toEqual(['added', 'removed']);
    kit.actor.stop();
  });
});

describe('execute', () => {
  it('resolves when the command took effect', async () => {
    const kit = await new ConsumerKit().start();
    await execute(kit.actor, suspend);
    expect(kit.state).toBe('running.suspended');
    await execute(kit.actor, suspend);
    await execute(kit.actor, resume);
    expect(kit.state).toBe('running.active');
    await execute(kit.actor, resume);
    kit.actor.stop();
  });

  it.each([[{ type: 'consumer.pause' }], [{ type: 'toString' }], [{}], [null], ['consumer.resume']])(
    'refuses %j, which is no command',
    async command => {
      const kit = await new ConsumerKit().start();
      const executing = execute(kit.actor, command as never); // as from JavaScript
      await expect(executing).rejects.toMatchObject({
        code: 'RMQ_COMMAND_INVALID',
        context: { field: 'type' },
        message: expect.stringContaining('queue.pause'),
      });
      kit.actor.stop();
    },
  );

  it('of a shutdown resolves when it is over, not when it begins', async () => {
    const kit = await withHangingListener();
    const executing = execute(kit.actor, { type: 'consumer.shutdown', timeout: 5000 });
    expect(await standing(kit, executing)).toBe('pending');
    await kit.until(() => kit.state === 'stopped');
    await executing;
    await execute(kit.actor, { type: 'consumer.shutdown' });
  });

  it('of a shutdown before the start resolves at once', async () => {
    const kit = new ConsumerKit();
    await execute(kit.actor, { type: 'consumer.shutdown' });
    expect(kit.state).toBe('stopped');
  });

  it.each([suspend, resume])(
    'of $type is refused while it is stopping and when it is stopped',
    async command => {
      const kit = await withHangingListener();
      void shutdown(kit.actor);
      await expect(execute(kit.actor, command)).rejects.toEqual(refused);
      await kit.until(() => kit.state === 'stopped');
      await expect(execute(kit.actor, command)).rejects.toEqual(refused);
      expect(kit.faults).toEqual([]);
    },
  );

  it('of a resume while revalidating waits until it is over', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.on(RequestCode.HEART_BEAT, () => undefined);
    kit.clock.jump(11_000);
    await kit.pass(1100);
    const executing = execute(kit.actor, resume);
    expect(await standing(kit, executing)).toBe('pending');
    kit.cluster.on(RequestCode.HEART_BEAT, () => 'as usual');
    await kit.until(() => kit.state === 'running.active');
    await executing;
    kit.actor.stop();
  });

  it('is refused when the consumer stops before it took effect', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.on(RequestCode.HEART_BEAT, () => undefined);
    kit.clock.jump(11_000);
    await kit.pass(1100);
    const executing = expect(execute(kit.actor, suspend)).rejects.toEqual(refused);
    void shutdown(kit.actor);
    await executing;
    await kit.until(() => kit.state === 'stopped');
  });

  it('with a signal that is aborted already sends nothing', async () => {
    const kit = await new ConsumerKit().start();
    const signal = AbortSignal.abort('no');
    await expect(execute(kit.actor, suspend, { signal })).rejects.toBe('no');
    expect(kit.state).toBe('running.active');
    kit.actor.stop();
  });

  it('given up by its signal has still sent the command', async () => {
    const kit = await withHangingListener();
    const controller = new AbortController();
    const executing = execute(kit.actor, { type: 'consumer.shutdown' }, { signal: controller.signal });
    controller.abort('enough');
    await expect(executing).rejects.toBe('enough');
    expect(kit.actor.getSnapshot().hasTag('stopping')).toBe(true);
    kit.actor.stop();
  });
});

describe('send', () => {
  it.each([suspend, resume])('of $type to one that is stopping or stopped tells a fault', async command => {
    const kit = await withHangingListener();
    void shutdown(kit.actor);
    kit.actor.send(command);
    await kit.until(() => kit.state === 'stopped');
    kit.actor.send(command);
    expect(kit.faults).toEqual([
      { type: 'fault', error: refused, actor: 'consumer' },
      { type: 'fault', error: refused, actor: 'consumer' },
    ]);
  });

  it('of a shutdown again and again is no fault', async () => {
    const kit = await new ConsumerKit().start();
    for (let i = 0; i < 3; i++) kit.actor.send({ type: 'consumer.shutdown' });
    await kit.until(() => kit.state === 'stopped');
    kit.actor.send({ type: 'consumer.shutdown' });
    expect(kit.faults).toEqual([]);
  });
});

describe('shutdown', () => {
  it('never rejects and gives one report to all, whoever asked first', async () => {
    const kit = await new ConsumerKit().start();
    const reports = [
      shutdown(kit.actor),
      shutdown(kit.actor, { timeout: 3 }),
      execute(kit.actor, { type: 'consumer.shutdown' }),
    ];
    await kit.until(() => kit.state === 'stopped');
    const [first, second] = await Promise.all(reports);
    expect(second).toBe(first);
    expect(kit.actor.getSnapshot().output).toBe(first);
  });
});
