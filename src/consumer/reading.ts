// SPDX-License-Identifier: Apache-2.0
/** Who reads a consumer that was made without a listener, and do messages flow just now? */
import { ConfigError, type ConfigProblem, ConsumerError } from '../errors/errors.ts';
import type { Listener } from '../listeners/listener.ts';
import type { QueueChoice } from '../machines/commands/work-command.ts';
import type { ConsumerContext } from '../machines/consumer/consumer.context.ts';
import { commandRefused } from '../machines/consumer/consumer.reports.ts';
import type { AssignedQueue } from '../machines/consumer/consumer.types.ts';
import type { MessageExt } from '../model/message.ts';
import { type MessageQueue, queueKey, sameQueue } from '../model/message-queue.ts';
import type { ConsumerActor } from './consumer-actor.ts';
import { execute } from './execute.ts';
import type { MessageDesk } from './message-desk.ts';
import { MessageStream, type ReadingPort } from './message-stream.ts';
import type { ReceivedMessage } from './received-message.ts';

/** `undecided`: neither was a listener given with a topic, nor did anybody ask for messages(). */
export type ReadBy = 'undecided' | 'listeners' | 'loop';

/**
 * While nobody reads, the consumer is suspended: it keeps its queues, pulls nothing, and no message waits for a loop that
 * may never come. What the user wants (suspend, resume) is kept beside it.
 */
export class Reading implements ReadingPort {
  readonly #actor: ConsumerActor;
  readonly #desk: MessageDesk;
  #readBy: ReadBy;
  #loop: MessageStream | undefined;
  #wish: 'active' | 'suspended' = 'active';
  #queues: readonly AssignedQueue[] = [];

  /** `readBy`: `loop` when topics are subscribed already, which no listener handles. */
  constructor(actor: ConsumerActor, desk: MessageDesk, readBy: 'undecided' | 'loop') {
    this.#actor = actor;
    this.#desk = desk;
    this.#readBy = readBy;
    actor.send({ type: 'consumer.suspend' });
    actor.on('consumer.stateChanged', ({ to }) => {
      if (to.startsWith('stop')) this.#closeDesk();
    });
    actor.on('queue.revoked', ({ queue }) => desk.letGo(each => sameQueue(each, queue)));
    actor.on('offset.corrected', ({ queue }) => desk.letGo(each => sameQueue(each, queue)));
    actor.on('message.stuck', ({ queue, msgId }) => desk.forgetStuck(queue, msgId));
    actor.subscribe({
      next: ({ context }) => this.#noteQueues(context.assignedQueues),
      complete: () => this.#closeDesk(), // by actor.stop(), which tells no state
    });
  }

  /** @throws ConfigError when listeners handle the messages; ConsumerError `RMQ_ALREADY_READING` when a loop runs */
  messages(signal: AbortSignal | undefined): MessageStream {
    if (this.#readBy === 'listeners') throw listenerReads();
    this.#readBy = 'loop';
    if (this.#loop !== undefined) throw this.#alreadyReading();
    return new MessageStream(this, signal);
  }

  /** A topic is subscribed to. @throws ConfigError when it would have no reader, or another kind than the others have */
  noteSubscription(topic: string, listener: Listener | undefined): void {
    const readBy = listener === undefined ? 'loop' : 'listeners';
    if (this.#readBy === 'undecided') {
      this.#readBy = readBy;
      this.#applyFlow();
    } else if (this.#readBy !== readBy) {
      throw readBy === 'loop' ? nobodyReads(topic) : loopReads(topic);
    }
  }

  async suspend(): Promise<void> {
    this.#wish = 'suspended';
    await execute(this.#actor, { type: 'consumer.suspend' });
    this.#desk.letGo();
  }

  async resume(): Promise<void> {
    this.#wish = 'active';
    if (this.#isFlowing()) return execute(this.#actor, { type: 'consumer.resume' });
    if (this.#isLeaving()) throw this.#refused('consumer.resume');
  }

  async pause(choice: QueueChoice): Promise<void> {
    await execute(this.#actor, { ...choice, type: 'queue.pause' });
    this.#desk.letGo(isOf(choice));
  }

  // --- for the loop ---

  begin(loop: MessageStream): void {
    if (this.#loop !== undefined) throw this.#alreadyReading();
    this.#loop = loop;
    this.#applyFlow();
  }

  get isAwaited(): boolean {
    return this.#desk.isAwaited;
  }

  take(): Promise<ReceivedMessage | undefined> {
    return this.#desk.take();
  }

  /** Suspended first: what is let go must not be delivered again at once. */
  leave(reason?: { readonly of: unknown }): void {
    this.end();
    this.#desk.leave(reason);
  }

  end(): void {
    this.#loop = undefined;
    this.#applyFlow();
  }

  /** What nobody has seen of a queue that is given up must not hold up its next owner. */
  #noteQueues(queues: readonly AssignedQueue[]): void {
    if (queues === this.#queues) return;
    this.#queues = queues;
    const owned = new Set(queues.map(({ queue }) => queueKey(queue)));
    this.#desk.letGo(queue => !owned.has(queueKey(queue)));
  }

  #isFlowing(): boolean {
    return this.#wish === 'active' && (this.#loop !== undefined || this.#readBy === 'listeners');
  }

  #applyFlow(): void {
    if (this.#isLeaving()) return;
    this.#actor.send({ type: this.#isFlowing() ? 'consumer.resume' : 'consumer.suspend' });
  }

  #isLeaving(): boolean {
    const snapshot = this.#actor.getSnapshot();
    return snapshot.status !== 'active' || snapshot.hasTag('stopping');
  }

  /** A loop that ends because the consumer failed must not look as if all had been read. */
  #closeDesk(): void {
    const { stop } = this.#actor.getSnapshot().context as ConsumerContext; // the view leaves out what is there
    this.#desk.close(stop?.error);
  }

  #refused(command: 'consumer.resume'): Error {
    const { context, value } = this.#actor.getSnapshot();
    return commandRefused(context.consumerGroup, command, value);
  }

  #alreadyReading(): ConsumerError {
    const { consumerGroup } = this.#actor.getSnapshot().context;
    return new ConsumerError(
      'RMQ_ALREADY_READING',
      `another loop over messages() of the consumer of ${consumerGroup} has not ended`,
      { context: { consumerGroup } },
    );
  }
}

function isOf(choice: QueueChoice): (queue: MessageQueue, message: MessageExt) => boolean {
  const { queue, topic } = choice;
  return queue === undefined ? each => each.topic === topic : each => sameQueue(each, queue);
}

/** messages() of a consumer whose messages go to listeners. */
export function listenerReads(): ConfigError {
  return refusal({
    option: 'listener',
    problem: 'messages() reads what a listener would be given, and this consumer has one',
    hint: 'Make the consumer without a listener, or leave out messages().',
  });
}

function loopReads(topic: string): ConfigError {
  return refusal({
    option: 'listener',
    problem: `${topic} has a listener, and the other topics of this consumer are read with messages()`,
    hint: 'Leave the listener out, or give it a consumer with a group of its own.',
  });
}

function nobodyReads(topic: string): ConfigError {
  return refusal({
    option: 'listener',
    problem: `nothing handles the messages of ${topic}`,
    hint: 'Give subscribe a listener, as the other topics have one.',
  });
}

function refusal(problem: ConfigProblem): ConfigError {
  return new ConfigError([problem]);
}
