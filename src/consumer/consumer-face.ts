// SPDX-License-Identifier: Apache-2.0
/** How does each method of a consumer become a command or a question to its actor? */
import type { Listener } from '../listeners/listener.ts';
import type { QueueChoice, SeekTarget } from '../machines/commands/work-command.ts';
import type { AssignedQueue, ConsumerEvent, ShutdownReport } from '../machines/consumer/consumer.types.ts';
import type { ConsumerParts } from '../machines/consumer/consumer-parts.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { Selector } from '../model/subscription.ts';
import type { Consumer, EventHandler } from './consumer.ts';
import type { ConsumerActor } from './consumer-actor.ts';
import { execute } from './execute.ts';
import { type ConsumerHealth, healthOf } from './health.ts';
import type { MessageStream } from './message-stream.ts';
import { listenerReads, type Reading } from './reading.ts';
import { shutdown } from './shutdown.ts';
import { type ConsumerStats, statsOf, Uptime } from './stats.ts';
import { whenRunning } from './when-running.ts';

export interface ConsumerFaceOptions {
  readonly actor: ConsumerActor;
  readonly parts: Pick<ConsumerParts, 'clock' | 'config' | 'pulls' | 'rates' | 'slots'>;
  /** undefined: it has a listener. */
  readonly reading: Reading | undefined;
}

/** The class behind {@link Consumer}. */
export class ConsumerFace implements Consumer {
  readonly actor: ConsumerActor;
  readonly #parts: ConsumerFaceOptions['parts'];
  readonly #reading: Reading | undefined;
  readonly #uptime: Uptime;

  constructor({ actor, parts, reading }: ConsumerFaceOptions) {
    this.actor = actor;
    this.#parts = parts;
    this.#reading = reading;
    this.#uptime = new Uptime(actor, parts.clock);
  }

  async start(): Promise<void> {
    this.actor.start();
    await whenRunning(this.actor);
  }

  shutdown(options: { readonly timeout?: number | undefined } = {}): Promise<ShutdownReport> {
    return shutdown(this.actor, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async subscribe(topic: string, selector?: Selector, listener?: Listener): Promise<void> {
    this.#reading?.noteSubscription(topic, listener);
    await execute(this.actor, { type: 'consumer.subscribe', topic, selector, listener });
  }

  updateSelector(topic: string, selector: Selector): Promise<void> {
    return execute(this.actor, { type: 'consumer.updateSelector', topic, selector });
  }

  unsubscribe(topic: string): Promise<void> {
    return execute(this.actor, { type: 'consumer.unsubscribe', topic });
  }

  suspend(): Promise<void> {
    return this.#reading?.suspend() ?? execute(this.actor, { type: 'consumer.suspend' });
  }

  resume(choice?: QueueChoice): Promise<void> {
    if (choice !== undefined) return execute(this.actor, { ...choice, type: 'queue.resume' });
    return this.#reading?.resume() ?? execute(this.actor, { type: 'consumer.resume' });
  }

  pause(choice: QueueChoice): Promise<void> {
    return this.#reading?.pause(choice) ?? execute(this.actor, { ...choice, type: 'queue.pause' });
  }

  seek(queue: MessageQueue, to: SeekTarget): Promise<void> {
    return execute(this.actor, { type: 'queue.seek', queue, to });
  }

  resetOffset(timestamp: number | Date, topic?: string): Promise<void> {
    return execute(this.actor, { type: 'consumer.resetOffset', timestamp, topic });
  }

  commit(queue?: MessageQueue, offset?: number): Promise<void> {
    return execute(this.actor, { type: 'consumer.commit', queue, offset });
  }

  messages(options: { readonly signal?: AbortSignal | undefined } = {}): MessageStream {
    if (this.#reading === undefined) throw listenerReads();
    return this.#reading.messages(options.signal);
  }

  isRunning(): boolean {
    const snapshot = this.actor.getSnapshot();
    return snapshot.status === 'active' && snapshot.matches('running');
  }

  getAssignedQueues(): readonly AssignedQueue[] {
    return this.actor.getSnapshot().context.assignedQueues;
  }

  getStats(): ConsumerStats {
    return statsOf(this.actor, this.#parts, this.#uptime);
  }

  health(): ConsumerHealth {
    return healthOf(this.actor, this.#parts.config.namesrvAddr);
  }

  on<Type extends ConsumerEvent['type'] | '*'>(type: Type, handler: EventHandler<Type>): () => void {
    const subscription = this.actor.on(type, handler);
    return () => subscription.unsubscribe();
  }
}
