// SPDX-License-Identifier: Apache-2.0
/** What reached one consumer of this process, what went wrong there, and what was on its wire? */
import {
  type ConsumerConfig,
  concurrently,
  createConsumerActor,
  type RocketmqError,
  shutdown,
  whenRunning,
} from '../../../src/index.ts';
import { type Logger, silentLogger } from '../../../src/observability/logger.ts';
import { WireWatch } from '../kit/wire-watch.ts';

export class Observed implements AsyncDisposable {
  readonly actor: ReturnType<typeof createConsumerActor>;
  readonly wire = new WireWatch();
  readonly faults: RocketmqError[] = [];
  readonly warnings: string[] = [];
  /** How often each message came, by its body. */
  readonly came = new Map<string, number>();

  /** Made, not started. */
  constructor(config: ConsumerConfig) {
    const listener = concurrently(messages => {
      for (const { body } of messages) {
        const id = body.toString();
        this.came.set(id, (this.came.get(id) ?? 0) + 1);
      }
    });
    const logger: Logger = {
      ...silentLogger,
      warn: (_, text) => this.warnings.push(text),
      child: () => logger,
    };
    this.actor = createConsumerActor(
      { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', listener, ...config },
      { dialer: this.wire, logger },
    );
    this.actor.on('fault', ({ error }) => this.faults.push(error));
  }

  async start(): Promise<this> {
    this.actor.start();
    await whenRunning(this.actor);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await shutdown(this.actor);
  }
}
