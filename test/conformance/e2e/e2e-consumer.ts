// SPDX-License-Identifier: Apache-2.0
/** What is a consumer of Apache's end-to-end suite? One of this library that notes what its listener was given, and answers as told. */
import {
  type ConsumerActor,
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type Listener,
  type MessageBatch,
  orderly,
  type Selector,
  type ShutdownReport,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../src/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { MemoryFileSystem } from '../../support/memory-file-system.ts';
import type { ClusterUnderTest } from '../../support/scenario/cluster-under-test.ts';

/** One delivery of one message. */
export interface Seen {
  readonly body: string;
  readonly tags: string | undefined;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly reconsumeTimes: number;
  /** Unit: ms since 1970, by the clock of the producer. */
  readonly bornTimestamp: number;
  /** When it was given to the listener. Unit: ms on the cluster's clock. */
  readonly at: number;
  /** The same as `bornTimestamp` is told. */
  readonly wallAt: number;
}

export interface GivenConsumer {
  readonly topic: string;
  readonly group: string;
  /** Default: all messages. */
  readonly selector?: Selector;
  readonly orderly?: true;
  /** What the listener answers to a message; it may throw, and answer what the types forbid. Default: nothing, which is done. */
  readonly answer?: (seen: Seen) => unknown;
  readonly config?: ConsumerConfig;
}

export class E2eConsumer {
  readonly actor: ConsumerActor;
  /** Every delivery, in order. */
  readonly seen: Seen[] = [];
  readonly events: ConsumerEvent[] = [];
  #report: Promise<ShutdownReport> | undefined;

  constructor({ clock, namesrvAddr }: ClusterUnderTest, given: GivenConsumer) {
    const { topic, group, selector, answer = () => undefined } = given;
    const consume = (messages: MessageBatch): unknown => {
      let last: unknown;
      for (const message of messages) {
        const { tags, queueId, queueOffset, msgId, reconsumeTimes, bornTimestamp } = message;
        const seen: Seen = {
          ...{ topic: message.topic, body: message.body.toString(), tags, queueId, queueOffset, msgId },
          ...{ reconsumeTimes, bornTimestamp, at: clock.now(), wallAt: clock.wallNow() },
        };
        this.seen.push(seen);
        last = answer(seen);
      }
      return last;
    };
    this.actor = createConsumerActor(
      {
        consumerGroup: group,
        namesrvAddr,
        subscriptions: [{ topic, ...(selector && { selector }) }],
        listener: listenerOf(consume, given.orderly),
        persistConsumerOffsetInterval: 500, // many cases wait for the offsets that a broker has
        ...given.config,
      },
      { clock, logger: silentLogger, dialer: tcpDialer({ clock }), fileSystem: new MemoryFileSystem() },
    );
    this.actor.on('*', event => this.events.push(event));
  }

  /** Resolves when it runs. */
  start(): Promise<void> {
    this.actor.start();
    return whenRunning(this.actor);
  }

  /** Idempotent. */
  stop(): Promise<ShutdownReport> {
    this.#report ??= shutdown(this.actor);
    return this.#report;
  }

  /** How many queues of a topic it owns whose start is known: a message sent from now on is seen. */
  owned(topic: string): number {
    const { assignedQueues } = this.actor.getSnapshot().context;
    return assignedQueues.filter(({ queue, pulledTo }) => queue.topic === topic && pulledTo !== undefined)
      .length;
  }

  /** What was delivered, in order. */
  bodies(): readonly string[] {
    return this.seen.map(({ body }) => body);
  }

  /** The attempts in which each message was delivered, by its body: `{ '0': [0, 1, 2] }`. */
  attempts(): Readonly<Record<string, readonly number[]>> {
    const attempts: Record<string, number[]> = {};
    for (const { body, reconsumeTimes } of this.seen) {
      attempts[body] = [...(attempts[body] ?? []), reconsumeTimes];
    }
    return attempts;
  }

  /** Forgets what was delivered so far. */
  clear(): void {
    this.seen.length = 0;
  }
}

function listenerOf(consume: (messages: MessageBatch) => unknown, isOrderly: boolean | undefined): Listener {
  const answering = consume as (messages: MessageBatch) => undefined; // cases answer what types forbid, too
  return isOrderly === true ? orderly(answering) : concurrently(answering);
}
