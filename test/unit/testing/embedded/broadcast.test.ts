// SPDX-License-Identifier: Apache-2.0
/** Does every member of a broadcasting group get everything once, and keep its place by itself? */
import { describe, expect, it } from 'vitest';
import {
  type ConsumerActor,
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type Listener,
  type MessageBatch,
  orderly,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../../src/index.ts';
import { offsetPaths } from '../../../../src/stores/offset-paths.ts';
import type { EmbeddedCluster } from '../../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../src/testing/test-clock.ts';
import { MemoryFileSystem, systemError } from '../../../support/memory-file-system.ts';

const storePath = '/data/offsets';

/** A process and its disk. */
class Member {
  readonly bodies: string[] = [];
  readonly events: ConsumerEvent[] = [];
  readonly actor: ConsumerActor;
  readonly cluster: EmbeddedCluster;

  constructor(
    cluster: EmbeddedCluster,
    disk: MemoryFileSystem,
    config: Partial<ConsumerConfig> = {},
    answer: (body: string) => void = () => {},
  ) {
    this.cluster = cluster;
    const note = ([message]: MessageBatch): undefined => {
      this.bodies.push(message.body.toString());
      answer(message.body.toString());
    };
    this.actor = createConsumerActor(
      {
        consumerGroup: 'prices',
        namesrvAddr: cluster.namesrvAddr,
        messageModel: 'BROADCASTING',
        subscriptions: [{ topic: 'orders' }],
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        listener: concurrently(note),
        instanceName: 'anna',
        ...{ storePath, clientIp: '10.0.0.7' },
        ...config,
        ...(config.listener && { listener: wrapped(config.listener, note) }),
      },
      { clock: cluster.clock, fileSystem: disk, logger: silentLogger },
    );
    this.actor.on('*', event => this.events.push(event));
  }

  async start(): Promise<this> {
    this.actor.start();
    await this.cluster.passUntil(whenRunning(this.actor));
    return this;
  }

  stop() {
    return this.cluster.passUntil(shutdown(this.actor));
  }

  /** Resolves when it has got so many; then a while passes, for what comes too often. */
  async got(count: number): Promise<readonly string[]> {
    await this.cluster.passUntil(() => this.bodies.length >= count);
    await this.cluster.pass(20_000);
    return this.bodies.toSorted((a, b) => Number(a) - Number(b));
  }

  eventsOf(type: ConsumerEvent['type']): readonly ConsumerEvent[] {
    return this.events.filter(event => event.type === type);
  }
}

function wrapped(listener: Listener, note: (messages: MessageBatch) => undefined): Listener {
  return listener.kind === 'orderly' ? orderly(note) : concurrently(note);
}

function numbers(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, at) => String(from + at));
}

async function cluster(queues = 4): Promise<EmbeddedCluster> {
  const started = await startEmbeddedCluster({ clock: new TestClock() });
  started.createTopic('orders', { queues });
  return started;
}

function send(to: EmbeddedCluster, bodies: readonly string[]): void {
  to.send(...bodies.map(body => ({ topic: 'orders', body })));
}

const { main, backup } = offsetPaths(storePath, { clientId: '10.0.0.7@anna', consumerGroup: 'prices' });

describe('a broadcasting group', () => {
  it('gives every message to every member once; one that was away goes on where it was', async () => {
    await using brokers = await cluster();
    const disk = new MemoryFileSystem();
    const boris = await new Member(brokers, new MemoryFileSystem(), { instanceName: 'boris' }).start();
    const anna = await new Member(brokers, disk).start();
    send(brokers, numbers(0, 100));
    expect(await anna.got(100)).toEqual(numbers(0, 100));
    expect(await anna.stop()).toMatchObject({ clean: true, uncommitted: [] });
    send(brokers, numbers(100, 200));
    const again = await new Member(brokers, disk).start();
    expect(await again.got(100)).toEqual(numbers(100, 200));
    expect(await boris.got(200)).toEqual(numbers(0, 200));
    expect(again.eventsOf('fault')).toEqual([]);
    for (const member of [boris, again]) await member.stop();
  });

  it('asks no broker for members, locks or offsets, hands none over, and has no retry topic', async () => {
    await using brokers = await cluster();
    const anna = await new Member(brokers, new MemoryFileSystem()).start();
    send(brokers, numbers(0, 20));
    await anna.got(20);
    expect(brokers.broker().members('prices')).toMatchObject([
      { clientId: '10.0.0.7@anna', subscriptions: new Map([['orders', '*']]) },
    ]);
    await anna.stop();
    const codes = new Set(brokers.requests().map(({ code }) => code));
    for (const code of [14, 15, 36, 38, 41, 42]) expect(codes).not.toContain(code);
    const commits = brokers.requests({ request: 11 }).filter(({ fields }) => Number(fields['sysFlag']) & 1);
    expect(commits).toEqual([]);
    expect([0, 1, 2, 3].map(id => brokers.broker().committed('prices', 'orders', id))).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    const pulled = new Set(brokers.requests({ request: 11 }).map(({ topic }) => topic));
    expect(pulled).toEqual(new Set(['orders']));
  });

  it('tells of a message that failed as dropped, and goes on', async () => {
    await using brokers = await cluster(1);
    const disk = new MemoryFileSystem();
    const anna = await new Member(brokers, disk, {}, body => {
      if (body === '3') throw new Error('not this one');
    }).start();
    send(brokers, numbers(0, 10));
    expect(await anna.got(10)).toEqual(numbers(0, 10));
    expect(anna.eventsOf('message.dropped')).toHaveLength(1);
    expect(anna.eventsOf('message.retried')).toEqual([]);
    await anna.stop();
    expect(disk.bytes(main)?.toString()).toContain('"offset":10}');
  });

  it('begins at the end with CONSUME_FROM_LAST_OFFSET, but reads a queue that comes later from its beginning', async () => {
    await using brokers = await cluster(2);
    send(brokers, numbers(0, 10));
    const last = { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET', pollNameServerInterval: 1000 } as const;
    const disk = new MemoryFileSystem();
    const anna = await new Member(brokers, disk, last).start();
    await brokers.passUntil(() => disk.bytes(main)?.toString().includes('"queueId":1') === true);
    brokers.createTopic('orders', { queues: 4 });
    for (const queueId of [2, 3]) brokers.send({ topic: 'orders', body: String(queueId), queueId });
    expect(await anna.got(2)).toEqual(['2', '3']);
    await anna.stop();
    brokers.createTopic('orders', { queues: 5 });
    brokers.send({ topic: 'orders', body: '4', queueId: 4 });
    const again = await new Member(brokers, disk, last).start();
    expect(await again.got(1)).toEqual(['4']);
    await again.stop();
  });

  it('delivers in order without any lock', async () => {
    await using brokers = await cluster(1);
    const anna = await new Member(brokers, new MemoryFileSystem(), {
      listener: orderly(() => undefined),
    }).start();
    send(brokers, numbers(0, 30));
    await anna.got(30);
    expect(anna.bodies).toEqual(numbers(0, 30));
    expect(brokers.requests({ request: 41 })).toEqual([]);
    await anna.stop();
  });

  it('keeps its place while time passes without it, and while its broker is away', async () => {
    await using brokers = await cluster(1);
    const anna = await new Member(brokers, new MemoryFileSystem()).start();
    send(brokers, numbers(0, 5));
    await anna.got(5);
    await brokers.broker().kill();
    await brokers.pass(60_000);
    await brokers.broker().start();
    send(brokers, numbers(5, 10));
    expect(await anna.got(10)).toEqual(numbers(0, 10));
    await anna.stop();
  });

  it('keeps the place of a queue that is gone from the route for a while', async () => {
    await using brokers = await cluster(2);
    const disk = new MemoryFileSystem();
    const anna = await new Member(brokers, disk, { pollNameServerInterval: 1000 }).start();
    const own = (count: number) => () => anna.actor.getSnapshot().context.assignedQueues.length === count;
    send(brokers, numbers(0, 10));
    await anna.got(10);
    brokers.createTopic('orders', { queues: 1 });
    await brokers.passUntil(own(1));
    brokers.createTopic('orders', { queues: 2 });
    await brokers.passUntil(own(2));
    send(brokers, numbers(10, 20));
    expect(await anna.got(20)).toEqual(numbers(0, 20));
    expect(anna.eventsOf('queue.revoked')).toHaveLength(1);
    await anna.stop();
  });

  it('says when the backup of its file was used, and repeats at most what came since the write before', async () => {
    await using brokers = await cluster(1);
    const disk = new MemoryFileSystem();
    const anna = await new Member(brokers, disk).start();
    send(brokers, numbers(0, 5));
    await anna.got(5);
    send(brokers, numbers(5, 10));
    await anna.got(10);
    await anna.stop();
    disk.put(main, Buffer.from(disk.bytes(main)?.subarray(1) ?? ''));
    const again = await new Member(brokers, disk).start();
    expect(again.eventsOf('fault')).toMatchObject([
      { actor: 'offsets', error: { code: 'RMQ_OFFSET_FILE_RESTORED', context: { path: main, backup } } },
    ]);
    expect(await again.got(5)).toEqual(numbers(5, 10));
    await again.stop();
  });

  it('does not start on a damaged file without a good backup, nor on one that is in use', async () => {
    await using brokers = await cluster(1);
    const disk = new MemoryFileSystem();
    disk.put(main, Buffer.from('{'));
    await expect(new Member(brokers, disk).start()).rejects.toMatchObject({
      code: 'RMQ_OFFSET_FILE_DAMAGED',
    });
    disk.remove(main);
    const anna = await new Member(brokers, disk).start();
    await expect(new Member(brokers, disk).start()).rejects.toMatchObject({
      code: 'RMQ_OFFSET_FILE_LOCKED',
      context: { path: main, pid: process.pid },
    });
    await anna.stop();
  });

  it('goes on when the disk is full, says so at the first failure, and writes when there is room again', async () => {
    await using brokers = await cluster(1);
    const disk = new MemoryFileSystem();
    const anna = await new Member(brokers, disk).start();
    send(brokers, numbers(0, 5));
    await anna.got(5);
    disk.fail = operation => {
      if (operation === 'write') throw systemError('ENOSPC');
    };
    send(brokers, numbers(5, 10));
    await anna.got(10);
    const [first, ...others] = anna.eventsOf('fault');
    expect(first).toMatchObject({ error: { code: 'RMQ_OFFSET_FILE_UNWRITABLE', cause: { code: 'ENOSPC' } } });
    expect(others.length).toBeLessThanOrEqual(4); // one a persist interval
    expect(disk.bytes(main)?.toString()).toContain('"offset":5}');
    disk.fail = () => {};
    await brokers.pass(20_000);
    expect(disk.bytes(main)?.toString()).toContain('"offset":10}');
    await anna.stop();
  });
});
