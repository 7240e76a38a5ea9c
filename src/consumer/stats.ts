// SPDX-License-Identifier: Apache-2.0
/** How much has a consumer done, and how much does it hold? */
import type { ConsumerParts } from '../machines/consumer/consumer-parts.ts';
import type { ConsumeRates } from '../machines/consumer/server-requests/figures.ts';
import type { Clock } from '../model/clock.ts';
import type { ConsumerActor } from './consumer-actor.ts';

/** Counters since the consumer was made, and what it holds now. */
export interface ConsumerStats {
  /** Pulls that were answered: with messages, without, or with another offset. */
  readonly pullSuccesses: number;
  readonly pullFailures: number;
  /** Messages a listener, or the loop over messages(), is done with. */
  readonly messagesConsumed: number;
  /** Failed deliveries: a message that fails twice counts twice. */
  readonly messagesFailed: number;
  readonly assignedQueuesCount: number;
  /** Messages pulled and not done, of the queues it owns now. */
  readonly heldMessages: number;
  /** Memory held by them. Unit: bytes. */
  readonly heldBytes: number;
  /** Of each subscribed topic: messages a second and ms, over the last minute. */
  readonly topics: Readonly<Record<string, ConsumeRates>>;
  /** Since it first ran, until it stopped; 0 before. */
  readonly uptimeSeconds: number;
}

/** From when to when a consumer ran. Monotonic ms. */
export class Uptime {
  readonly #clock: Clock;
  #began: number | undefined;
  #ended: number | undefined;

  constructor(actor: ConsumerActor, clock: Clock) {
    this.#clock = clock;
    actor.on('consumer.stateChanged', ({ to }) => {
      if (to.startsWith('running')) this.#began ??= clock.now();
      else if (to === 'stopped') this.#end();
    });
    actor.subscribe({ complete: () => this.#end() }); // by actor.stop(), which tells no state
  }

  get seconds(): number {
    if (this.#began === undefined) return 0;
    return ((this.#ended ?? this.#clock.now()) - this.#began) / 1000;
  }

  #end(): void {
    this.#ended ??= this.#clock.now();
  }
}

export function statsOf(
  actor: ConsumerActor,
  { pulls, slots, rates }: Pick<ConsumerParts, 'pulls' | 'slots' | 'rates'>,
  uptime: Uptime,
): ConsumerStats {
  const { assignedQueues } = actor.getSnapshot().context;
  return {
    pullSuccesses: pulls.succeeded,
    pullFailures: pulls.failed,
    messagesConsumed: slots.doneMessages,
    messagesFailed: slots.failedMessages,
    assignedQueuesCount: assignedQueues.length,
    heldMessages: assignedQueues.reduce((sum, { held }) => sum + held, 0),
    heldBytes: assignedQueues.reduce((sum, { heldBytes }) => sum + heldBytes, 0),
    topics: rates(),
    uptimeSeconds: uptime.seconds,
  };
}
