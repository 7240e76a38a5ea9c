// SPDX-License-Identifier: Apache-2.0
/** The whole producer over connection actors; name server and brokers are scripts, time is in the test's hand. */
import { afterEach, describe, expect, it } from 'vitest';
import { createProducer } from '../../../src/create-producer.ts';
import type { Address, TopicRoute } from '../../../src/model/route.ts';
import type { Producer } from '../../../src/producer/producer.ts';
import { type ProducerOptions, resolveProducerOptions } from '../../../src/producer/producer-options.ts';
import { parseHeartbeat } from '../../../src/protocol/bodies/heartbeat.ts';
import { encodeRoute } from '../../../src/protocol/bodies/route.ts';
import { decodeClientBatch } from '../../../src/protocol/client-batch.ts';
import type { Frame, OutgoingFrame } from '../../../src/protocol/frame.ts';
import { parseProperties } from '../../../src/protocol/properties.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { connectFailed } from '../../../src/transport/dial-wait.ts';
import type { Dialer } from '../../../src/transport/ports.ts';
import { FakeSocket } from '../../support/fake-dialer.ts';

const nameServer = 'ns:9876';
const route105 = 105;
const heartbeat34 = 34;
const unregister35 = 35;
const send310 = 310;
const batch320 = 320;

type Answer = Partial<OutgoingFrame> | undefined;

/** A route with a broker for each name, at `<name>:10911`. */
function routeOf(brokers: Readonly<Record<string, number>>, perm = 6): TopicRoute {
  const names = Object.keys(brokers);
  return {
    brokers: names.map(brokerName => ({
      brokerName,
      cluster: 'c',
      addresses: new Map([[0, `${brokerName}:10911`]]),
    })),
    queues: names.map(brokerName => {
      const queues = brokers[brokerName] ?? 0;
      return { brokerName, readQueueNums: queues, writeQueueNums: queues, perm };
    }),
  };
}

/** Stores every message at the offset 100. */
function stored(frame: Frame, code = 0): Answer {
  return { code, fields: { msgId: 'OFFSETID', queueId: frame.fields['e'] ?? '0', queueOffset: '100' } };
}

class Cluster {
  readonly clock = new TestClock();
  readonly asked: { readonly address: Address; readonly frame: Frame }[] = [];
  readonly sockets: { readonly address: Address; readonly socket: FakeSocket }[] = [];
  readonly routes = new Map<string, TopicRoute>();
  readonly down = new Set<Address>();
  /** What a broker answers to a send; undefined: nothing. */
  onSend: (address: Address, frame: Frame) => Answer = (_, frame) => stored(frame);

  readonly dialer: Dialer = {
    dial: (address, handlers) => {
      if (this.down.has(address)) return Promise.reject(connectFailed(address, 'ECONNREFUSED', undefined));
      const socket = new FakeSocket(handlers);
      socket.onFrame = frame => {
        this.asked.push({ address, frame });
        const answer = this.#answer(address, frame);
        if (answer !== undefined) socket.answer(frame, answer);
      };
      this.sockets.push({ address, socket });
      return Promise.resolve(socket);
    },
  };

  #answer(address: Address, frame: Frame): Answer {
    if (frame.code === send310 || frame.code === batch320) return this.onSend(address, frame);
    if (frame.code !== route105) return { code: 0 };
    const route = this.routes.get(frame.fields['topic'] ?? '');
    return route === undefined ? { code: 17, remark: 'no route' } : { code: 0, body: encodeRoute(route) };
  }

  /** `address code` of everything asked, without heartbeats and routes unless asked for. */
  log(...codes: readonly number[]): readonly string[] {
    const wanted = codes.length === 0 ? [send310, batch320] : codes;
    return this.asked
      .filter(({ frame }) => wanted.includes(frame.code))
      .map(
        ({ address, frame }) =>
          `${address} ${frame.code} ${frame.fields['b'] ?? ''}-${frame.fields['e'] ?? ''}`,
      );
  }

  openTo(address: Address): number {
    return this.sockets.filter(each => each.address === address && !each.socket.destroyed).length;
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const seen = promise.finally(() => {
      settled = true;
    });
    seen.catch(() => {});
    for (let steps = 0; !settled && steps < 5000; steps++) await this.clock.advance(10);
    return promise;
  }

  async producer(options: ProducerOptions = {}): Promise<Producer> {
    const producer = this.create(options);
    await this.until(producer.start());
    return producer;
  }

  create(options: ProducerOptions = {}): Producer {
    const producer = createProducer(
      { namesrvAddr: nameServer, producerGroup: 'shop', ...options },
      { dialer: this.dialer, clock: this.clock, random: () => 0 },
    );
    running.push({ cluster: this, producer });
    return producer;
  }
}

const running: { readonly cluster: Cluster; readonly producer: Producer }[] = [];
afterEach(async () => {
  for (const { cluster, producer } of running.splice(0)) {
    await cluster.until(producer.shutdown());
    expect(cluster.clock.pending, 'timers left behind').toBe(0);
    expect(
      cluster.sockets.filter(({ socket }) => !socket.destroyed),
      'sockets left behind',
    ).toEqual([]);
  }
});

function orders(brokers: Readonly<Record<string, number>>): Cluster {
  const cluster = new Cluster();
  cluster.routes.set('orders', routeOf(brokers));
  return cluster;
}

const order = { topic: 'orders', body: 'hello' };

describe('start', () => {
  it('resolves when a name server answers, whatever that is', async () => {
    const cluster = new Cluster();
    await cluster.producer();
    expect(cluster.log(route105)).toHaveLength(1);
  });

  it('is the same for all callers', async () => {
    const cluster = new Cluster();
    const producer = cluster.create();
    expect(producer.start()).toBe(producer.start());
    await cluster.until(producer.start());
  });

  it('rejects naming the name servers when none answers in time, and leaves nothing open', async () => {
    const cluster = new Cluster();
    cluster.down.add(nameServer);
    const producer = cluster.create({ startTimeout: 2000 });
    await expect(cluster.until(producer.start())).rejects.toMatchObject({
      code: 'RMQ_NAME_SERVER_UNAVAILABLE',
      message: expect.stringContaining(nameServer),
    });
    expect([cluster.clock.pending, cluster.clock.now() < 4000]).toEqual([0, true]);
    await expect(producer.start()).rejects.toMatchObject({ code: 'RMQ_PRODUCER_STOPPED' });
  });

  it('rejects when the producer is shut down meanwhile', async () => {
    const cluster = new Cluster();
    cluster.down.add(nameServer);
    const producer = cluster.create();
    const started = expect(producer.start()).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
    await cluster.until(producer.shutdown());
    await started;
  });

  it('is refused by options that are wrong, all named at once', () => {
    const wrong = { namesrvAddr: 'ns', producerGroup: 'a b', retryTimesWhenSendFailed: -1 };
    expect(() => createProducer(wrong)).toThrow(
      expect.objectContaining({
        code: 'RMQ_CONFIG_INVALID',
        message:
          'the producer config is wrong: producerGroup: only letters, digits, and % | _ - are allowed; ' +
          'namesrvAddr: "ns" is not host:port; retryTimesWhenSendFailed: -1 is not a whole number from 0 to 100',
      }),
    );
    expect(() => createProducer({ namesrvAddr: ' ; ' })).toThrow(/it names no address/);
  });
});

describe('send', () => {
  it('gives the message to a broker and tells where it went', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer();
    const result = await cluster.until(
      producer.send({
        topic: 'orders',
        body: 'hello',
        tags: 'paid',
        keys: 'k1',
        properties: { region: 'eu' },
      }),
    );
    expect(result).toEqual({
      status: 'SEND_OK',
      msgId: expect.stringMatching(/^[0-9A-F]{32}$/),
      offsetMsgIds: ['OFFSETID'],
      queue: { topic: 'orders', brokerName: 'a', queueId: 0 },
      queueOffset: 100,
    });
    const sent = cluster.asked.find(({ frame }) => frame.code === send310)?.frame;
    expect(sent?.body.toString()).toBe('hello');
    expect(sent?.fields).toMatchObject({ a: 'shop', b: 'orders', c: 'TBW102', d: '4', e: '0', n: 'a' });
    expect(Object.fromEntries(parseProperties(sent?.fields['i'] ?? ''))).toEqual({
      region: 'eu',
      UNIQ_KEY: result.msgId,
      WAIT: 'true',
      TAGS: 'paid',
      KEYS: 'k1',
    });
  });

  it('takes the queues of all brokers in turn', async () => {
    const cluster = orders({ a: 2, b: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order)); // after it, both brokers are connected
    await cluster.clock.advance(100);
    cluster.asked.length = 0;
    for (let i = 0; i < 4; i++) await cluster.until(producer.send(order));
    expect(cluster.log()).toEqual([
      'a:10911 310 orders-1',
      'b:10911 310 orders-0',
      'a:10911 310 orders-0',
      'a:10911 310 orders-1',
    ]);
  });

  it('asks for the route once, also when many send at the same time', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer();
    await cluster.until(Promise.all(Array.from({ length: 20 }, () => producer.send(order))));
    expect(cluster.asked.filter(({ frame }) => frame.fields['topic'] === 'orders')).toHaveLength(1);
    expect(cluster.log()).toHaveLength(20);
  });

  it('gives each message an id of its own', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer();
    const results = await cluster.until(Promise.all(Array.from({ length: 50 }, () => producer.send(order))));
    expect(new Set(results.map(({ msgId }) => msgId)).size).toBe(50);
  });

  it.each([
    [10, 'FLUSH_DISK_TIMEOUT'],
    [11, 'SLAVE_NOT_AVAILABLE'],
    [12, 'FLUSH_SLAVE_TIMEOUT'],
  ])('counts an answer %i as stored, and says %s', async (code, status) => {
    const cluster = orders({ a: 1 });
    cluster.onSend = (_, frame) => stored(frame, code);
    const producer = await cluster.producer();
    expect(await cluster.until(producer.send(order))).toMatchObject({ status });
    expect(cluster.log()).toHaveLength(1);
  });

  it('makes an unknown topic at brokers that do so, with at most four queues', async () => {
    const cluster = new Cluster();
    cluster.routes.set('TBW102', routeOf({ a: 8 }, 7));
    const producer = await cluster.producer();
    for (let i = 0; i < 5; i++) await cluster.until(producer.send({ topic: 'young', body: 'x' }));
    expect(cluster.log()).toEqual([0, 1, 2, 3, 0].map(queueId => `a:10911 310 young-${queueId}`));
  });

  it('rejects for an unknown topic when no broker makes topics', async () => {
    const cluster = new Cluster();
    const producer = await cluster.producer();
    await expect(cluster.until(producer.send(order))).rejects.toMatchObject({
      code: 'RMQ_TOPIC_NOT_FOUND',
      message: expect.stringContaining('topic orders'),
    });
  });

  it('rejects for a topic that may only be read', async () => {
    const cluster = new Cluster();
    cluster.routes.set('orders', routeOf({ a: 4 }, 4));
    const producer = await cluster.producer();
    await expect(cluster.until(producer.send(order))).rejects.toMatchObject({ code: 'RMQ_TOPIC_NOT_FOUND' });
  });

  it('goes only to brokers at addresses that are allowed', async () => {
    const cluster = orders({ a: 1, elsewhere: 1 });
    const producer = await cluster.producer({ allowedBrokerAddresses: ['a'] });
    for (let i = 0; i < 4; i++) await cluster.until(producer.send(order));
    expect(new Set(cluster.log())).toEqual(new Set(['a:10911 310 orders-0']));
    expect(cluster.openTo('elsewhere:10911')).toBe(0);
  });

  it.each<[string, ProducerOptions, string]>([
    ['allowedBrokerAddresses', { allowedBrokerAddresses: '10.0.0.0/8;b' }, 'does not name a'],
    ['mapBrokerAddress', { mapBrokerAddress: () => null }, 'refuses it'],
  ])(
    'rejects naming address and rule when %s lets in no broker of the topic, and dials none',
    async (rule, options, says) => {
      const cluster = orders({ a: 1 });
      const producer = await cluster.producer(options);
      for (let i = 0; i < 2; i++) {
        await expect(cluster.until(producer.send(order))).rejects.toMatchObject({
          code: 'RMQ_BROKER_ADDRESS_REFUSED',
          message: expect.stringMatching(`no broker of topic orders .*a:10911.*${says}`),
          context: { topic: 'orders', address: 'a:10911', brokerName: 'a', rule },
        });
      }
      expect(new Set(cluster.sockets.map(({ address }) => address))).toEqual(new Set([nameServer]));
    },
  );

  it('takes the allowed addresses from the environment when the options give none', async () => {
    const env = { ROCKETMQ_ALLOWED_BROKER_ADDRESSES: 'b;10.0.0.0/8' };
    const allowed = resolveProducerOptions({ namesrvAddr: nameServer }, env).allowedBrokerAddresses;
    expect(['b', '10.1.2.3', 'a'].map(host => allowed?.has(host))).toEqual([true, true, false]);
  });

  it('is refused by a rule that cannot be read', () => {
    const cases = [[], ' ; ', ['10.0.0.0/33', 'a:1'], 7] as const;
    const problems = cases.map(allowedBrokerAddresses => {
      try {
        // As from JavaScript, where types do not stand in the way.
        createProducer({ namesrvAddr: 'ns:1', allowedBrokerAddresses } as ProducerOptions); // the 7
        return 'taken';
      } catch (error) {
        return String(error);
      }
    });
    expect(problems).toEqual([
      expect.stringContaining('allowedBrokerAddresses: it allows no address'),
      expect.stringContaining('allowedBrokerAddresses: it allows no address'),
      expect.stringMatching(/allowedBrokerAddresses\[0\]: it is no network.*\[1\]: it is no host/),
      expect.stringContaining('allowedBrokerAddresses: it is neither'),
    ]);
  });

  it('refuses a message that is wrong before anything is asked', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer({ maxMessageSize: 4 });
    await expect(producer.send(order)).rejects.toMatchObject({ code: 'RMQ_MESSAGE_INVALID' });
    await expect(producer.sendOrderly({ ...order, body: 'x' }, '')).rejects.toMatchObject({
      code: 'RMQ_MESSAGE_INVALID',
      message: expect.stringContaining('shardingKey'),
    });
    expect(cluster.log()).toEqual([]);
  });

  it('is refused before the start and after the shutdown', async () => {
    const cluster = orders({ a: 1 });
    const producer = cluster.create();
    await expect(producer.send(order)).rejects.toMatchObject({
      code: 'RMQ_PRODUCER_STOPPED',
      message: 'the producer shop is not started',
    });
    await cluster.until(producer.start());
    await cluster.until(producer.shutdown());
    await expect(producer.send(order)).rejects.toMatchObject({ message: 'the producer shop was shut down' });
    await expect(cluster.create().sendBatch([order])).rejects.toMatchObject({ code: 'RMQ_PRODUCER_STOPPED' });
  });
});

describe('a send that fails', () => {
  const busy: Answer = { code: 2, remark: '[PC_SYNCHRONIZED]broker busy' };

  it('goes to another broker at once', async () => {
    const cluster = orders({ a: 1, b: 1 });
    cluster.onSend = (address, frame) => (address.startsWith('a') ? busy : stored(frame));
    const producer = await cluster.producer();
    const result = await cluster.until(producer.send(order));
    expect(result.queue.brokerName).toBe('b');
    expect(cluster.log()).toEqual(['a:10911 310 orders-0', 'b:10911 310 orders-0']);
  });

  it('carries the same id at each try, so that a message stored twice can be told', async () => {
    const cluster = orders({ a: 1, b: 1 });
    cluster.onSend = (address, frame) => (address.startsWith('a') ? busy : stored(frame));
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    const ids = cluster.asked.flatMap(({ frame }) =>
      frame.code === send310 ? [parseProperties(frame.fields['i'] ?? '').get('UNIQ_KEY')] : [],
    );
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });

  it('is repeated at the same broker after a pause when there is no other, then rejected with the reason', async () => {
    const cluster = orders({ a: 1 });
    cluster.onSend = () => busy;
    const producer = await cluster.producer();
    const from = cluster.clock.now();
    await expect(cluster.until(producer.send(order))).rejects.toMatchObject({
      code: 'RMQ_SEND_FAILED',
      message: expect.stringMatching(/^message for orders was not stored after 3 tries: .*broker busy/),
      cause: { code: 'RMQ_BROKER_BUSY' },
      context: { topic: 'orders', attempts: 3 },
    });
    expect(cluster.log()).toHaveLength(3);
    expect(cluster.clock.now() - from).toBeGreaterThanOrEqual(100);
  });

  it('is not repeated for an answer that would be the same everywhere', async () => {
    const cluster = orders({ a: 1, b: 1 });
    cluster.onSend = () => ({ code: 13, remark: 'the message is illegal' });
    const producer = await cluster.producer();
    await expect(cluster.until(producer.send(order))).rejects.toMatchObject({
      code: 'RMQ_SEND_FAILED',
      message: expect.stringContaining('after 1 try'),
    });
    expect(cluster.log()).toHaveLength(1);
  });

  it('goes to another broker when one does not answer in time', async () => {
    const cluster = orders({ a: 1, b: 1 });
    cluster.onSend = (address, frame) => (address.startsWith('a') ? undefined : stored(frame));
    const producer = await cluster.producer({ sendMsgTimeout: 500 });
    expect((await cluster.until(producer.send(order))).queue.brokerName).toBe('b');
  });

  it('goes to another broker when a connection breaks, and later messages go around it', async () => {
    const cluster = orders({ a: 1, b: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    await cluster.clock.advance(100);
    cluster.down.add('a:10911');
    cluster.onSend = (address, frame) => (address.startsWith('a') ? undefined : stored(frame));
    const sending = [producer.send(order), producer.send(order)];
    await cluster.clock.flush();
    for (const { address, socket } of cluster.sockets) if (address === 'a:10911') socket.drop();
    const results = await cluster.until(Promise.all(sending));
    expect(results.map(({ queue }) => queue.brokerName)).toEqual(['b', 'b']);
    const from = cluster.clock.now();
    await cluster.until(producer.send(order));
    expect(cluster.clock.now() - from).toBeLessThan(50);
  });

  it('asks for the route again, so that a new broker is found', async () => {
    const cluster = orders({ a: 1 });
    cluster.onSend = (address, frame) => {
      cluster.routes.set('orders', routeOf({ a: 1, b: 1 }));
      return address.startsWith('a') ? busy : stored(frame);
    };
    const producer = await cluster.producer();
    expect((await cluster.until(producer.send(order))).queue.brokerName).toBe('b');
  });

  it('keeps the last good route when no name server answers', async () => {
    const cluster = orders({ a: 1, b: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    cluster.down.add(nameServer);
    for (const { address, socket } of cluster.sockets) if (address === nameServer) socket.drop();
    cluster.onSend = (address, frame) => (address.startsWith('a') ? busy : stored(frame));
    const results = await cluster.until(Promise.all([producer.send(order), producer.send(order)]));
    expect(results.map(({ queue }) => queue.brokerName)).toEqual(['b', 'b']);
  });
});

describe('sendOrderly', () => {
  it('sends all messages of a key to one queue, and says the key', async () => {
    const cluster = orders({ a: 2, b: 2 });
    const producer = await cluster.producer();
    for (const key of ['b', 'a', 'b', 'a']) await cluster.until(producer.sendOrderly(order, key));
    expect(cluster.log()).toEqual([
      'b:10911 310 orders-0',
      'a:10911 310 orders-1',
      'b:10911 310 orders-0',
      'a:10911 310 orders-1',
    ]);
    const sent = cluster.asked.find(({ frame }) => frame.code === send310)?.frame;
    expect(parseProperties(sent?.fields['i'] ?? '').get('__SHARDINGKEY')).toBe('b');
  });

  it('is repeated at that queue only, with a pause', async () => {
    const cluster = orders({ a: 2, b: 2 });
    let tries = 0;
    cluster.onSend = (_, frame) => (++tries < 3 ? { code: 1, remark: 'oops' } : stored(frame));
    const producer = await cluster.producer();
    const from = cluster.clock.now();
    await cluster.until(producer.sendOrderly(order, 'b'));
    expect(cluster.log()).toEqual(Array(3).fill('b:10911 310 orders-0'));
    expect(cluster.clock.now() - from).toBeGreaterThanOrEqual(100);
  });
});

describe('sendBatch', () => {
  it('sends messages of one topic in one request', async () => {
    const cluster = orders({ a: 1 });
    cluster.onSend = () => ({ code: 0, fields: { msgId: 'ID1,ID2', queueId: '0', queueOffset: '7' } });
    const producer = await cluster.producer();
    const result = await cluster.until(
      producer.sendBatch([
        { ...order, tags: 'x' },
        { ...order, body: 'second' },
      ]),
    );
    expect(result).toMatchObject({ status: 'SEND_OK', offsetMsgIds: ['ID1', 'ID2'], queueOffset: 7 });
    const sent = cluster.asked.find(({ frame }) => frame.code === batch320)?.frame;
    expect(sent?.fields['m']).toBe('true');
    expect(parseProperties(sent?.fields['i'] ?? '').get('UNIQ_KEY')).toBe(result.msgId);
    const messages = decodeClientBatch(sent?.body ?? Buffer.alloc(0));
    expect(messages.map(({ body, properties }) => [body.toString(), properties.get('TAGS')])).toEqual([
      ['hello', 'x'],
      ['second', undefined],
    ]);
  });

  it('is refused when it is larger than one message may be', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer({ maxMessageSize: 100 });
    const half = { topic: 'orders', body: 'x'.repeat(60) };
    await expect(producer.sendBatch([half, half])).rejects.toMatchObject({
      code: 'RMQ_MESSAGE_INVALID',
      message: expect.stringContaining('maxMessageSize is 100'),
    });
    await expect(producer.sendBatch([])).rejects.toMatchObject({ code: 'RMQ_MESSAGE_INVALID' });
    expect(cluster.log()).toEqual([]);
  });
});

describe('a running producer', () => {
  it('tells each broker its group before anything else, and every 30 s', async () => {
    const cluster = orders({ a: 1, b: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    await cluster.clock.advance(100);
    expect(cluster.log(heartbeat34).toSorted()).toEqual(['a:10911 34 -', 'b:10911 34 -']);
    const first = cluster.asked.find(({ address }) => address === 'a:10911')?.frame;
    expect(first?.code).toBe(heartbeat34);
    expect(parseHeartbeat(first?.body ?? Buffer.alloc(0))).toMatchObject({
      clientID: expect.stringMatching(/^[\d.]+@\d+#00000000$/),
      consumerDataSet: [],
      producerDataSet: [{ groupName: 'shop' }],
    });
    for (let i = 0; i < 100; i++) await cluster.clock.advance(1000);
    expect(cluster.log(heartbeat34)).toHaveLength(2 * (1 + 3));
  });

  it('follows the routes: new brokers are connected, those that left are hung up on', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    cluster.routes.set('orders', routeOf({ b: 1 }));
    await cluster.clock.advance(31_000);
    expect([cluster.openTo('a:10911'), cluster.openTo('b:10911')]).toEqual([0, 1]);
    expect((await cluster.until(producer.send(order))).queue.brokerName).toBe('b');
  });

  it('goes on when a refresh fails', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    cluster.routes.clear();
    await cluster.clock.advance(100_000);
    expect((await cluster.until(producer.send(order))).queue.brokerName).toBe('a');
  });
});

describe('shutdown', () => {
  it('waits for sends under way, leaves the group at each broker, and hangs up', async () => {
    const cluster = orders({ a: 1, b: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    await cluster.clock.advance(100);
    let answer = (): void => {};
    cluster.onSend = (address, frame) => {
      answer = () =>
        cluster.sockets.find(each => each.address === address)?.socket.answer(frame, stored(frame));
      return undefined;
    };
    const sending = producer.send(order);
    await cluster.clock.flush();
    const ended = producer.shutdown();
    await cluster.clock.advance(500);
    expect(cluster.log(unregister35)).toEqual([]);
    answer();
    await cluster.until(ended);
    expect(await sending).toMatchObject({ status: 'SEND_OK' });
    expect(cluster.log(unregister35).toSorted()).toEqual(['a:10911 35 -', 'b:10911 35 -']);
    expect(cluster.asked.find(({ frame }) => frame.code === unregister35)?.frame.fields).toMatchObject({
      producerGroup: 'shop',
    });
  });

  it('gives up sends that do not end in time', async () => {
    const cluster = orders({ a: 1 });
    cluster.onSend = () => undefined;
    const producer = await cluster.producer({ shutdownTimeout: 1000, sendMsgTimeout: 60_000 });
    const outcome = expect(producer.send(order)).rejects.toMatchObject({
      code: 'RMQ_SEND_FAILED',
      cause: { code: 'RMQ_ABORTED' },
    });
    await cluster.clock.flush();
    const from = cluster.clock.now();
    await cluster.until(producer.shutdown());
    await outcome;
    expect(cluster.clock.now() - from).toBeLessThan(3000);
  });

  it('also ends a send that pauses before its next try', async () => {
    const cluster = orders({ a: 1 });
    cluster.onSend = () => ({ code: 2 });
    const producer = await cluster.producer({ shutdownTimeout: 10, retryTimesWhenSendFailed: 100 });
    const outcome = expect(producer.send(order)).rejects.toMatchObject({ code: 'RMQ_SEND_FAILED' });
    await cluster.clock.advance(200);
    await cluster.until(producer.shutdown());
    await outcome;
  });

  it('ends with every broker and name server dead', async () => {
    const cluster = orders({ a: 1 });
    const producer = await cluster.producer();
    await cluster.until(producer.send(order));
    for (const { address, socket } of cluster.sockets) {
      cluster.down.add(address);
      socket.drop();
    }
    const from = cluster.clock.now();
    await cluster.until(producer.shutdown());
    expect(cluster.clock.now() - from).toBeLessThan(3000);
  });

  it('is the same for all callers, and needs no start', async () => {
    const cluster = new Cluster();
    const producer = cluster.create();
    expect(producer.shutdown()).toBe(producer.shutdown());
    await producer[Symbol.asyncDispose]();
    await expect(producer.start()).rejects.toMatchObject({ code: 'RMQ_PRODUCER_STOPPED' });
    expect(cluster.sockets).toEqual([]);
  });
});
