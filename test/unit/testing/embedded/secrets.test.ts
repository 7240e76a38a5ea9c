// SPDX-License-Identifier: Apache-2.0
/** Is a planted secret found anywhere that a program, a page or a broker gets to see? */
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import {
  type Consumer,
  type ConsumerConfig,
  type Credentials,
  concurrently,
  createConsumer,
  createProducer,
  explain,
  parseConfig,
} from '../../../../src/index.ts';
import { statelyBridge } from '../../../../src/inspect/stately-bridge.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { RequestCode, ResponseCode } from '../../../../src/protocol/codes.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { createAuthority, selfSigned } from '../../../support/certificates.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { startTlsFront } from '../../../support/tls-front.ts';
import { WireClient } from './server/wire-client.ts';

const authority = createAuthority();
const passphrase = 'canary-passphrase-7f3a';
const own = authority.issue({ names: ['client'], passphrase });
const first: Credentials = {
  ...{ accessKey: 'canary-user-of-billing', secretKey: 'canary-secret-before-3b1c' },
  securityToken: 'canary-token-before-77e0',
};
const second: Credentials = {
  ...{ accessKey: 'canary-user-of-billing', secretKey: 'canary-secret-after-90d2' },
  securityToken: 'canary-token-after-1f5a',
};
/** A line of the key, which stands for all of it. */
const keyLine = own.key.split('\n')[3] ?? '';
const planted: ReadonlySet<string> = new Set([
  ...[first, second].flatMap(each => [each.accessKey, each.secretKey, each.securityToken ?? '']),
  ...[passphrase, keyLine],
]);
const body = 'canary-of-a-body-5d21';

/** Everything that was said, shown or written. */
class Record {
  readonly texts: string[] = [];

  /** As a program would log it, as a debugger would show it, and everything that can be reached from it. */
  note(...values: readonly unknown[]): void {
    for (const value of values) {
      this.texts.push(json(value), inspect(value, { depth: 3, showHidden: true }));
      if (value instanceof Error) this.texts.push(String(value), value.stack ?? '', json(value.cause));
      everyText(value, text => void this.texts.push(text));
    }
  }

  hits(secret: string): readonly string[] {
    return this.texts.filter(text => text.includes(secret)).map(text => around(text, secret));
  }
}

/**
 * All names, texts and bytes that `util.inspect` would show with `showHidden` and without a limit of depth (which takes minutes where
 * much is shared): own properties, also those that are not enumerable or named by a symbol, and what maps and sets hold.
 */
function everyText(from: unknown, found: (text: string) => void): void {
  const seen = new Set<unknown>();
  const texts = new Set<string>();
  const todo: unknown[] = [from];
  while (todo.length > 0) {
    const value = todo.pop();
    if (typeof value === 'string') texts.add(value);
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value))
      continue;
    seen.add(value);
    if (value instanceof Uint8Array) texts.add(Buffer.from(value).toString('latin1'));
    else if (value !== globalThis && value !== process) todo.push(...contentOf(value));
  }
  for (const text of texts) found(text);
}

function contentOf(value: object): readonly unknown[] {
  const held = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : [];
  const own = Reflect.ownKeys(value).flatMap(key => [
    typeof key === 'string' ? key : undefined,
    Object.getOwnPropertyDescriptor(value, key)?.value as unknown, // an accessor is not called, as by inspect
  ]);
  return [...held, ...own];
}

/** Enough of a text to say where the secret was found. */
function around(text: string, secret: string): string {
  const at = text.indexOf(secret);
  return text.slice(Math.max(0, at - 200), at + secret.length);
}

/** Cycles cut, errors with their causes. */
function json(value: unknown): string {
  const seen = new Set<unknown>();
  return (
    JSON.stringify(value, (_key, each: unknown) => {
      if (typeof each === 'bigint') return String(each);
      if (typeof each === 'object' && each !== null) {
        if (seen.has(each)) return undefined;
        seen.add(each);
      }
      return each instanceof Map || each instanceof Set
        ? [...each]
        : each instanceof Error
          ? { ...each, message: each.message, stack: each.stack, cause: each.cause }
          : each;
    }) ?? ''
  );
}

it('a secret is found wherever it is held', () => {
  const hidden = Object.defineProperty({}, 'hidden', { value: passphrase });
  const cases = [
    ...[
      new Error('x', { cause: passphrase }),
      { [Symbol('deep')]: [passphrase] },
      new Map([[{}, passphrase]]),
    ],
    ...[
      hidden,
      Buffer.from(passphrase),
      Object.assign(() => {}, { passphrase }),
      { a: { b: { c: { hidden } } } },
    ],
  ];
  for (const each of cases) {
    const record = new Record();
    record.note(each);
    expect(record.hits(passphrase)).not.toEqual([]);
  }
});

interface Place {
  /** All that was said to name servers and brokers, decrypted. */
  readonly wire: () => Buffer;
  readonly cluster: Awaited<ReturnType<typeof startEmbeddedCluster>>;
  readonly names: Awaited<ReturnType<typeof startTlsFront>>;
  readonly broker: Awaited<ReturnType<typeof startTlsFront>>;
}

async function encrypted(): Promise<Place & AsyncDisposable> {
  const server = { ...authority.issue(), ca: authority.ca, requestCert: true };
  const cluster = await startEmbeddedCluster();
  cluster.createTopic('orders', { queues: 2 });
  const chunks: Buffer[] = [];
  const heard = (chunk: Buffer): void => void chunks.push(chunk);
  const names = await startTlsFront(cluster.namesrvAddr, server, heard);
  const broker = await startTlsFront(cluster.broker().address, server, heard);
  return {
    ...{ cluster, names, broker, wire: () => Buffer.concat(chunks) },
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]();
      await names[Symbol.asyncDispose]();
      await cluster.stop();
    },
  };
}

/** What a broker is told when it asks what this consumer is doing (307). */
async function runningInfo({ cluster }: Place, consumer: Consumer): Promise<string> {
  const { clientId } = consumer.actor.getSnapshot().context;
  const tool = await WireClient.connect(cluster.broker().address);
  const fields = { consumerGroup: 'billing', clientId, jstackEnable: 'true' };
  const info = await tool.request(RequestCode.GET_CONSUMER_RUNNING_INFO, { fields });
  tool.close();
  expect(info.code).toBe(0);
  return info.body.toString();
}

/** A life with trouble in it, everything of it looked at; `known` is what the config holds. */
async function life(record: Record, more: ConsumerConfig): Promise<void> {
  await using place = await encrypted();
  const { cluster, names, broker } = place;
  const logger = createLogger({
    level: 'trace',
    destination: { write: line => void record.texts.push(line) },
  });
  const bridge = statelyBridge({
    adapter: { isOpen: () => true, onOpen() {}, send: sent => record.note(sent) },
  });
  const inspected: unknown[] = [];
  const disk = new MemoryFileSystem();
  const credentials = credentialsOf();
  const config: ConsumerConfig = {
    ...{ consumerGroup: 'billing', namesrvAddr: names.address, subscriptions: [{ topic: 'orders' }] },
    ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', mapBrokerAddress: () => broker.address },
    ...{
      shutdownTimeout: 2000,
      enableMessageTrace: true,
      logLevel: 'trace',
      storePath: '/data',
      credentials: credentials.give,
    },
    tls: { ca: authority.ca, ...own, passphrase },
    ...more,
  };
  let got = 0;
  let failures = 0;
  const listener = concurrently(() => {
    if (failures++ === 0) throw new Error('not yet');
    got++;
  });
  const environment = {
    ...{ logger, fileSystem: disk },
    inspect: (event: Parameters<typeof bridge.inspect>[0]) => {
      bridge.inspect(event);
      if (inspected.length < 400) inspected.push(event);
    },
  };
  const consumer = createConsumer(config, listener, environment);
  logger.info({ config, ...config }, 'what a program should not log');
  consumer.actor.on('*', event => record.note(event));
  await consumer.start();
  cluster.send({ topic: 'orders', body }, { topic: 'orders', body });
  await until(() => got >= 1);
  cluster.interfere(
    { request: 'pullMessage' },
    { kind: 'answer', code: ResponseCode.NO_PERMISSION, remark: `User:${first.accessKey} is not found.` },
    { times: 1 },
  );
  const refused = new Promise(resolve => consumer.on('fault', resolve));
  cluster.send({ topic: 'orders', body }, { topic: 'orders', body });
  await refused;
  record.note(await runningInfo(place, consumer), consumer, consumer.actor, consumer.actor.getSnapshot());
  record.note(consumer.health(), consumer.getStats(), inspected.at(-1)); // its actorRef leads to all actors
  record.note(bridge, bridge.figures(), consumer.getAssignedQueues());
  // Then what is said when it fails: other credentials, and a broker that cannot be verified.
  credentials.rotate();
  broker.use(selfSigned());
  const lost = new Promise(resolve => consumer.on('connection.lost', resolve));
  broker.cut();
  await lost;
  record.note(consumer, consumer.actor.getSnapshot());
  const wrong = {
    ...config,
    tls: { ca: authority.ca, ...own, passphrase: `${passphrase}!` },
    startTimeout: 500,
  };
  record.note(
    await createConsumer(wrong, listener, environment)
      .start()
      .catch((error: unknown) => error),
  );
  record.note(await consumer.shutdown());
  bridge.close();
  const resolved = parseConfig({ ...config, listener });
  record.note(resolved, explain(resolved), inspected.slice(0, 400), [...disk.files]);
  // The user's name and the token are said in every request; what proves them never is.
  for (const secret of [first.secretKey, second.secretKey, passphrase, keyLine])
    expect(place.wire().includes(secret)).toBe(false);
  expect(place.wire().includes(first.accessKey)).toBe(true);
  expect(record.hits('orders@broker-a#0')).not.toEqual([]); // the walk reaches the queues
  expect(json(config)).toContain(passphrase); // it would be found
}

/** A function that answers the first, and then the second. */
function credentialsOf(): { readonly give: () => Credentials; readonly rotate: () => void } {
  let now = first;
  return {
    give: () => now,
    rotate: () => {
      now = second;
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(resolve => setTimeout(resolve, 5));
}

it.each<[string, ConsumerConfig]>([
  ['clustering, credentials of a function', {}],
  ['clustering, credentials of the config', { credentials: first }],
  ['broadcasting, with files of offsets', { messageModel: 'BROADCASTING' }],
])(
  'secrets are in no log line, error, event, snapshot, inspection, page, answer to a broker, file, trace or core object: %s',
  async (_what, more) => {
    const record = new Record();
    await life(record, more);
    expect(record.texts.length).toBeGreaterThan(100);
    for (const secret of planted) {
      expect(secret.length).toBeGreaterThan(15);
      expect(record.hits(secret).slice(0, 3), secret).toEqual([]);
    }
  },
  60_000,
);

it('a producer and its errors show none either', async () => {
  await using place = await encrypted();
  const record = new Record();
  const tls = { ca: authority.ca, ...own, passphrase };
  const options = { namesrvAddr: place.names.address, mapBrokerAddress: () => place.broker.address };
  const producer = createProducer({ ...options, tls, credentials: first, sendMsgTimeout: 500 });
  record.note(producer);
  await producer.start();
  record.note(await producer.send({ topic: 'orders', body: 'x' }), producer);
  place.broker.use(selfSigned());
  place.broker.cut();
  record.note(await producer.send({ topic: 'orders', body: 'x' }).catch((error: unknown) => error));
  await producer.shutdown();
  const failed = createProducer({
    ...options,
    startTimeout: 300,
    tls: { ...tls, passphrase: `${passphrase}!` },
  });
  record.note(await failed.start().catch((error: unknown) => error));
  for (const secret of planted) expect(record.hits(secret), secret).toEqual([]);
}, 60_000);
