// SPDX-License-Identifier: Apache-2.0
/** Is what is sent encrypted, does each side know the other, and does a consumer come back when certificates change? */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
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
    'TLS to real brokers: both sides verified, refused with a reason in words, certificates of both changed while running',
  async run(stage, report) {
    // Files of their own: both watch them, and would read the whole configuration again when one changes.
    const [names, broker] = [new ServerFiles(stage, 'names'), new ServerFiles(stage, 'broker')];
    const authority = createAuthority();
    for (const files of [names, broker]) files.use({ server: authority });
    stage.say('starting a cluster whose broker takes encrypted connections only');
    await using cluster = await startCluster({
      version: stage.cluster.version,
      jvmOptions: [`-Dtls.config.file=${names.place}`, '-Dtls.server.mode=permissive'],
      brokerJvmOptions: [`-Dtls.config.file=${broker.place}`, '-Dtls.server.mode=enforcing'],
    });
    const trial = new Trial(stage, cluster);
    await trial.verifies(report, authority);
    await trial.rotates(report, broker, authority);
    await trial.plain(report);
  },
};

interface Authorities {
  /** Signs the server's certificate; without one the server signs for itself. */
  readonly server?: Authority;
  /** A client must have a certificate of this one. Default: none is asked for. */
  readonly clients?: Authority;
}

/** What a name server or broker reads at its start. */
class ServerFiles {
  readonly place: string;
  readonly #stage: Stage;
  readonly #name: string;

  constructor(stage: Stage, name: string) {
    this.#stage = stage;
    this.#name = name;
    this.place = stage.file(`${name}.properties`);
  }

  use({ server, clients }: Authorities): void {
    const lines = [`tls.test.mode.enable=${server === undefined}`];
    if (server !== undefined) {
      const { cert, key } = server.issue();
      lines.push(`tls.server.certPath=${this.#write('pem', cert)}`);
      lines.push(`tls.server.keyPath=${this.#write('key', key)}`);
    }
    if (clients !== undefined) {
      lines.push('tls.server.need.client.auth=require', 'tls.server.authClient=true');
      lines.push(`tls.server.trustCertPath=${this.#write('clients.pem', clients.ca)}`);
    }
    writeFileSync(this.place, `${lines.join('\n')}\n`);
  }

  #write(suffix: string, text: string): string {
    const path = this.#stage.file(`${this.#name}.${suffix}`);
    writeFileSync(path, text);
    return path;
  }
}

/** Our own certificate, in files as an administrator exchanges them. */
class ClientFiles {
  readonly #cert: string;
  readonly #key: string;

  constructor(stage: Stage, name: string, authority: Authority) {
    this.#cert = stage.file(`${name}.pem`);
    this.#key = stage.file(`${name}.key`);
    this.exchange(authority);
  }

  exchange(authority: Authority): void {
    const { cert, key } = authority.issue({ names: ['billing'] });
    writeFileSync(this.#cert, cert);
    writeFileSync(this.#key, key);
  }

  read(): { readonly cert: Buffer; readonly key: Buffer } {
    return { cert: readFileSync(this.#cert), key: readFileSync(this.#key) };
  }
}

interface Refusal {
  readonly code: string;
  readonly ms: number;
  /** Of every connection that was lost. */
  readonly codes: readonly string[];
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

  /** Of the first connection that is lost by TLS, or of the start's end. The consumer is stopped, that much later. Unit: ms. */
  async refusalOf(config: ConsumerConfig, stopAfter = 0): Promise<Refusal> {
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
    await pause(stopAfter);
    const codes = this.losses.map(each => (each instanceof RocketmqError ? each.code : String(each)));
    await consumer.shutdown();
    await start;
    const { code = '', message = '' } = found() ?? {};
    this.stage.say(`${code} after ${ms} ms: ${message}`);
    return { code, ms, codes };
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

  /** One consumer runs through the broker's lives; the last one cannot be verified by anybody. */
  async rotates(report: Report, files: ServerFiles, first: Authority): Promise<void> {
    const { stage, cluster } = this;
    const count = stage.pick({ full: 1000, share: 20 });
    const [second, clients, otherClients] = [createAuthority(), createAuthority(), createAuthority()];
    const own = new ClientFiles(stage, 'client', clients);
    // The name server keeps the first certificate.
    const ca = [first.ca, second.ca];
    const tls = () => ({ ca, ...own.read() });
    const consumer = this.consumer({ tls });
    await consumer.start();
    await this.gotAll();
    const life = async (what: string, next: Authorities): Promise<void> => {
      files.use(next);
      this.bodies.length = 0;
      this.#sent = 0;
      stage.say(`the broker restarts: ${what}`);
      await cluster.broker('broker-a').restart();
      await this.send(count, tls);
      report.check(`${what}: every message once`, await this.gotAll(), { is: true });
    };
    await life('another authority, and ours is asked for', { server: second, clients });
    await this.asksForOurs(report, { ca }, otherClients);
    own.exchange(otherClients);
    await life('our certificate exchanged, too', { server: second, clients: otherClients });
    report.check('stopped clean after it', (await consumer.shutdown()).clean, { is: true });
    files.use({});
    await cluster.broker('broker-a').restart();
    const selfSigned = await this.refusalOf({ tls: { ca: first.ca } });
    report.check('broker that signs for itself: code', selfSigned.code, { is: 'RMQ_TLS_UNTRUSTED' });
  }

  /** The broker takes nobody without a certificate of an authority it knows. */
  async asksForOurs(report: Report, known: { readonly ca: string[] }, foreign: Authority): Promise<void> {
    const cases = { 'no certificate of ours': {}, 'ours of another authority': foreign.issue() };
    for (const [what, ours] of Object.entries(cases)) {
      let dials = 0;
      const tls = (address: string) => {
        if (address === this.cluster.broker('broker-a').address) dials++;
        return { ...known, ...ours };
      };
      const seen = await this.refusalOf({ tls }, 2000);
      report.check(`${what}: code`, seen.code, { is: 'RMQ_TLS_CLIENT_CERTIFICATE' });
      report.speed(`${what}: ms until it is told`, seen.ms, { atMost: 3000 });
      report.check(`${what}: reason of each loss`, [...new Set(seen.codes)].join(), { is: seen.code });
      report.check(`${what}: dials in all, 2 s later`, dials, { atMost: 30 });
    }
  }

  /** The cluster of the other evidence speaks no TLS. */
  async plain(report: Report): Promise<void> {
    const { code, ms } = await this.refusalOf({ tls: true, namesrvAddr: this.stage.cluster.namesrvAddr });
    report.check('plain-text cluster, tls set: code', code, { is: 'RMQ_TLS_PLAIN_PEER' });
    report.speed('plain-text cluster, tls set: ms until it is told', ms, { atMost: 4000 });
  }
}
