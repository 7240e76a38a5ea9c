// SPDX-License-Identifier: Apache-2.0
/** May it be asked where a time is in the queues? Who starts by time needs that, and consuming does not (ACL 2.0; design.md G5). */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { isForbidden } from '../../errors/access.ts';
import type { StartPositions } from '../../stores/start-position.ts';
import type { RouteCache } from '../routes/route-cache.ts';

export interface StartByTimeSurroundings {
  readonly config: ResolvedConfig;
  readonly cache: Pick<RouteCache, 'queuesOf' | 'addressOf'>;
  readonly positions: Pick<StartPositions, 'resolve'>;
  readonly topics: () => readonly string[];
  readonly isOpen: (address: string) => boolean;
}

/** Rounds of assignments are numbered from 1: their looks at a topic are not this one. */
const beforeAllRounds = 0;

export class StartByTime {
  readonly #around: StartByTimeSurroundings;

  constructor(around: StartByTimeSurroundings) {
    this.#around = around;
  }

  /** Otherwise the heartbeat has shown every right there must be. */
  get isWanted(): boolean {
    return this.#around.config.consumeFromWhere === 'CONSUME_FROM_TIMESTAMP';
  }

  /**
   * Finds out where one queue of each topic would start, as it will be found out for all: a group that is known to the topic
   * needs no further right. Whatever else than a refusal is met is left to the queues, which ask again.
   * @throws ConsumerError `RMQ_TOPIC_FORBIDDEN` and what else refuses, naming the right that is missing
   */
  async ask(signal: AbortSignal): Promise<void> {
    const outcomes = await Promise.allSettled(
      this.#around.topics().map(topic => this.#askFor(topic, signal)),
    );
    for (const outcome of outcomes)
      if (outcome.status === 'rejected' && isForbidden(outcome.reason)) throw outcome.reason;
  }

  async #askFor(topic: string, signal: AbortSignal): Promise<void> {
    const { config, cache, positions, isOpen } = this.#around;
    const siblings = cache.queuesOf(topic) ?? [];
    const queue = siblings.find(({ brokerName }) => {
      const address = cache.addressOf(brokerName);
      return address !== undefined && isOpen(address);
    });
    if (queue === undefined) return;
    const { consumeFromWhere, consumeTimestamp, consumerTimeoutMillisOfRequest: timeoutMs } = config;
    const asked = { queue, siblings, consumeFromWhere, consumeTimestamp, timeoutMs, signal };
    await positions.resolve({ ...asked, appearedAfterStart: false, round: beforeAllRounds });
  }
}
