// SPDX-License-Identifier: Apache-2.0
/** A consumer in this process that signs, and everything it said: deliveries, faults, log lines, dials. */
import {
  type Consumer,
  type ConsumerConfig,
  type Credentials,
  type CredentialsProvider,
  concurrently,
  createConsumer,
  createProducer,
  type Listener,
  type RocketmqError,
} from '../../../src/index.ts';
import { systemClock } from '../../../src/model/clock.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import type { Stage } from '../kit/stage.ts';
import { canary, cast } from './cast.ts';

export interface SignedMemberOptions {
  readonly group: string;
  readonly topic: string;
  readonly credentials: Credentials | CredentialsProvider;
  readonly more?: Partial<ConsumerConfig>;
  /** Default: every message is done. */
  readonly listener?: Listener;
}

const started: SignedMember[] = [];

export class SignedMember implements AsyncDisposable {
  /** How often each body came. */
  readonly got = new Map<string, number>();
  readonly faults: RocketmqError[] = [];
  dials = 0;
  readonly #consumer: Consumer;
  readonly #said: string[] = [];

  constructor(stage: Stage, { group, topic, credentials, more, listener }: SignedMemberOptions) {
    const { namesrvAddr } = stage.cluster;
    const dialer = tcpDialer({ clock: systemClock });
    const logger = createLogger({
      level: 'trace',
      destination: { write: line => this.#said.push(line) },
    });
    this.#consumer = createConsumer(
      {
        ...{ consumerGroup: group, namesrvAddr, credentials, instanceName: stage.fresh(group) },
        subscriptions: [{ topic }],
        listener: listener ?? concurrently(([message]) => this.note(message.body.toString())),
        logLevel: 'trace',
        ...more,
      },
      undefined,
      {
        logger,
        inspect: event => this.#said.push(text(event)),
        dialer: {
          dial: (...given) => {
            this.dials += 1;
            return dialer.dial(...given);
          },
        },
      },
    );
    this.#consumer.on('fault', ({ error }) => {
      this.faults.push(error);
      this.#said.push(text(error), error.stack ?? '');
    });
    started.push(this);
  }

  note(body: string): void {
    this.got.set(body, (this.got.get(body) ?? 0) + 1);
  }

  get repeated(): number {
    return [...this.got.values()].reduce((sum, times) => sum + times - 1, 0);
  }

  on: Consumer['on'] = (...given) => this.#consumer.on(...given);

  async start(): Promise<this> {
    await this.#consumer.start();
    return this;
  }

  /** Why it could not be started. */
  async refusal(): Promise<RocketmqError | undefined> {
    try {
      await this.#consumer.start();
      return undefined;
    } catch (error) {
      this.#said.push(text(error));
      return error as RocketmqError; // start() throws no other
    }
  }

  async stop(): Promise<void> {
    await this.#consumer.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Lines, errors and inspection events that hold a secret. */
  get leaks(): number {
    return this.#said.filter(line => line.includes(canary)).length;
  }
}

/** Of all members there were. */
export function allLeaks(): number {
  return started.splice(0).reduce((sum, member) => sum + member.leaks, 0);
}

export async function send(stage: Stage, topic: string, bodies: readonly string[]): Promise<void> {
  const { namesrvAddr } = stage.cluster;
  await using producer = createProducer({ namesrvAddr, credentials: cast.admin });
  await producer.start();
  for (let from = 0; from < bodies.length; from += 50)
    await producer.sendBatch(bodies.slice(from, from + 50).map(body => ({ topic, body })));
}

export function bodiesOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}/${number}`);
}

/** As JSON, cycles cut. */
function text(value: unknown): string {
  const seen = new Set<unknown>();
  try {
    return JSON.stringify(value, (_, each: unknown) => {
      if (typeof each !== 'object' || each === null) return each;
      if (seen.has(each)) return undefined;
      seen.add(each);
      return each instanceof Error ? { ...each, message: each.message, cause: each.cause } : each;
    });
  } catch {
    return '';
  }
}
