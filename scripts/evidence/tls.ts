// SPDX-License-Identifier: Apache-2.0
/** Is what is sent encrypted, is the broker who it says it is, and does a consumer come back when certificates change? */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Consumer,
  type ConsumerConfig,
  createConsumer,
  createProducer,
  RocketmqError,
  silentLogger,
  simple,
} from '../../src/index.ts';
import { type Authority, createAuthority } from '../../test/support/certificates.ts';
import { type Cluster, startCluster } from '../../test/support/cluster/cluster.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** Longest for a message to come or an error to be told, on the slowest machine. Unit: ms. */
const patience = 60_000;

export const tlsEvidence: Evidence = {
  name: 'tls',
  shareOn: '5.5.0',
  about:
    'TLS to real brokers: verified by default, refused with a reason in words, certificates changed while running',
  async run(stage, report) {
    const place = stage.file('tls.properties');
    const authority = createAuthority();
    useFiles(stage, place, authority);
    stage.say('starting a cluster whose broker takes encrypted connections only');
    await using cluster = await startCluster({
      version: stage.cluster.version,
      jvmOptions: [`-Dtls.config.file=${place}`, '-Dtls.server.mode=permissive'],
      brokerJvmOptions: ['-Dtls.server.mode=enforcing'],
    });
    const trial = new Trial(stage, cluster);
    await trial.verifies(report, authority);
    await trial.rotates(report, place, authority);
    await trial.plain(report);
  },
};

/** What the JVMs read at their start. Without an authority: a certificate the broker signs for itself. */
function useFiles(stage: Stage, place: string, server: Authority | undefined): void {
  const lines = [`tls.test.mode.enable=${server === undefined}`];
  if (server !== undefined) {
    const { cert, key } = server.issue();
    const write = (name: string, text: string): string => {
      const path = join(stage.file(name));
      writeFileSync(path, text);
      return path;
    };
    lines.push(
      `tls.server.certPath=${write('server.pem', cert)}`,
      `tls.server.keyPath=${write('server.key', key)}`,
    );
  }
  writeFileSync(place, `${lines.join('\n')}\n`);
}

class Trial {
  readonly stage: Stage;
  readonly cluster: Cluster;
  readonly topic: string;
  readonly bodies: string[] = [];
  /** What connections were lost by. */
  readonly losses: unknown[] = [];
  #sent = 0;

  constructor(stage: Stage, cluster: Cluster) {
    this.stage = stage;
    this.cluster = cluster;
    this.topic = stage.fresh('tls');
  }

  consumer(config: ConsumerConfig): Consumer {
    const consumer = createConsumer(
      {
        ...{ consumerGroup: this.stage.fresh('tls-group'), namesrvAddr: this.cluster.namesrvAddr },
        ...{ subscriptions: [{ topic: this.topic }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
        startTimeout: patience,
        ...config,
      },
      simple(message => void this.bodies.push(message.body.toString())),
      { logger: silentLogger },
    );
    consumer.on('connection.lost', ({ error }) => this.losses.push(error));
    return consumer;
  }

  async send(count: number, tls: NonNullable<ConsumerConfig['tls']>): Promise<void> {
    await using producer = createProducer({
      namesrvAddr: this.cluster.namesrvAddr,
      tls,
      sendMsgTimeout: 20_000,
    });
    await producer.start();
    for (let i = 0; i < count; i++) await producer.send({ topic: this.topic, body: `${this.#sent++}` });
  }

  async gotAll(): Promise<boolean> {
    await this.stage.until('all messages', patience, () => this.bodies.length >= this.#sent);
    return new Set(this.bodies).size === this.#sent;
  }

  /** The code of the first connection to a broker that is lost, or of the start's end. The consumer is stopped. */
  async refusalOf(
    config: ConsumerConfig,
  ): Promise<{ readonly code: string; readonly ms: number; readonly message: string }> {
    this.losses.length = 0;
    const consumer = this.consumer(config);
    const began = performance.now();
    let ended: unknown;
    const start = consumer.start().then(
      () => undefined,
      (thrown: unknown) => {
        ended = thrown;
      },
    );
    const found = (): RocketmqError | undefined =>
      [ended, ...this.losses].find(
        each => each instanceof RocketmqError && each.code.startsWith('RMQ_TLS_'),
      ) as RocketmqError | undefined; // as was just looked for
    await this.stage.until('a refusal', patience, () => found() !== undefined);
    const ms = Math.round(performance.now() - began);
    await consumer.shutdown();
    await start;
    const { code = '', message = '' } = found() ?? {};
    this.stage.say(`${code} after ${ms} ms: ${message}`);
    return { code, ms, message };
  }

  async verifies(report: Report, { ca }: Authority): Promise<void> {
    const count = this.stage.pick({ full: 1000, share: 20 });
    await this.send(count, { ca });
    const consumer = this.consumer({ tls: { ca } });
    await consumer.start();
    report.check('verified by its authority: every message once', await this.gotAll(), { is: true });
    report.check('stopped clean', (await consumer.shutdown()).clean, { is: true });
    const refused = async (what: string, code: string, config: ConsumerConfig): Promise<void> => {
      const seen = await this.refusalOf(config);
      report.check(`${what}: code`, seen.code, { is: code });
      report.speed(`${what}: ms until it is told`, seen.ms, { atMost: 4000 });
    };
    await refused('authority not known', 'RMQ_TLS_UNTRUSTED', { tls: true });
    const elsewhere = { ca, servername: 'elsewhere.example' };
    await refused('certificate for another name', 'RMQ_TLS_NAME_MISMATCH', { tls: elsewhere });
    await refused('tls not set', 'RMQ_TLS_EXPECTED', {});
  }

  /** One consumer runs through the broker's lives: the next authority, then one that cannot be verified. */
  async rotates(report: Report, place: string, first: Authority): Promise<void> {
    const { stage, cluster } = this;
    const count = stage.pick({ full: 1000, share: 20 });
    let next = first;
    // Name servers keep the first certificate: they are not restarted.
    const tls = () => ({ ca: [first.ca, next.ca] });
    const consumer = this.consumer({ tls });
    await consumer.start();
    await this.gotAll();
    this.bodies.length = 0;
    this.#sent = 0;
    const life = async (what: string): Promise<void> => {
      stage.say(`the broker restarts: ${what}`);
      await cluster.broker('broker-a').restart();
      await this.send(count, tls);
      report.check(`${what}: every message once`, await this.gotAll(), { is: true });
    };
    next = createAuthority();
    useFiles(stage, place, next);
    await life('certificate of another authority, while running');
    report.check('stopped clean after it', (await consumer.shutdown()).clean, { is: true });
    useFiles(stage, place, undefined);
    await cluster.broker('broker-a').restart();
    const selfSigned = await this.refusalOf({ tls: { ca: first.ca } });
    report.check('broker that signs for itself: code', selfSigned.code, { is: 'RMQ_TLS_UNTRUSTED' });
  }

  /** The cluster of the other evidence speaks no TLS. */
  async plain(report: Report): Promise<void> {
    const { code, ms } = await this.refusalOf({ tls: true, namesrvAddr: this.stage.cluster.namesrvAddr });
    report.check('plain-text cluster, tls set: code', code, { is: 'RMQ_TLS_PLAIN_PEER' });
    report.speed('plain-text cluster, tls set: ms until it is told', ms, { atMost: 4000 });
  }
}
