// SPDX-License-Identifier: Apache-2.0
/** What does a loop over `messages()` get? A message, and the two words of which one ends it. */
import { type InspectOptions, inspect } from 'node:util';
import type { ConsumeContext } from '../listeners/listener.ts';
import { ConsumeResult } from '../model/consume-result.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';

/**
 * A message with everything a listener sees of it. It counts as being worked on until one of {@link ReceivedMessage.ack}
 * and {@link ReceivedMessage.retry} is called, in the loop or later; the first call counts.
 * @example for await (const message of consumer.messages()) { await book(message.body); message.ack(); }
 */
export interface ReceivedMessage extends MessageExt {
  readonly queue: MessageQueue;
  /** Which delivery this is: 1 for the first. */
  readonly attempt: number;
  /** Aborted after consumeTimeout, when the grace of a revoked queue has passed, and at a forced stop: the message comes again, what is said of it here no longer counts. */
  readonly signal: AbortSignal;
  /** It is done: its offset may be committed. */
  ack(): void;
  /**
   * It failed: the broker delivers it again later.
   * @param delayLevel 1 to 18: after the delay of that level; -1: straight to the dead letters; 0 (default), or what is no whole number: retryPolicy, else the broker, decides
   */
  retry(delayLevel?: number): void;
}

/** Only the first call counts. `delayLevel`: of a retry. */
type Settle = (answer: ConsumeResult, delayLevel: number) => void;

/** The class behind {@link ReceivedMessage}: nothing is read of the message before it is asked for. */
export class DeliveredMessage implements ReceivedMessage {
  readonly #message: MessageExt;
  readonly #context: ConsumeContext;
  readonly #settle: Settle;

  constructor(message: MessageExt, context: ConsumeContext, settle: Settle) {
    this.#message = message;
    this.#context = context;
    this.#settle = settle;
  }

  ack(): void {
    this.#settle(ConsumeResult.SUCCESS, 0);
  }

  retry(delayLevel = 0): void {
    this.#settle(ConsumeResult.RECONSUME_LATER, delayLevel);
  }

  get queue(): MessageQueue {
    return this.#context.queue;
  }
  get attempt(): number {
    return this.#context.attempt;
  }
  get signal(): AbortSignal {
    return this.#context.signal;
  }
  get topic(): string {
    return this.#message.topic;
  }
  get body(): Buffer {
    return this.#message.body;
  }
  get tags(): string | undefined {
    return this.#message.tags;
  }
  get keys(): readonly string[] {
    return this.#message.keys;
  }
  get msgId(): string {
    return this.#message.msgId;
  }
  get offsetMsgId(): string {
    return this.#message.offsetMsgId;
  }
  get transactionId(): string | undefined {
    return this.#message.transactionId;
  }
  get queueId(): number {
    return this.#message.queueId;
  }
  get brokerName(): string {
    return this.#message.brokerName;
  }
  get queueOffset(): number {
    return this.#message.queueOffset;
  }
  get commitLogOffset(): number {
    return this.#message.commitLogOffset;
  }
  get reconsumeTimes(): number {
    return this.#message.reconsumeTimes;
  }
  get bornTimestamp(): number {
    return this.#message.bornTimestamp;
  }
  get storeTimestamp(): number {
    return this.#message.storeTimestamp;
  }
  get bornHost(): string {
    return this.#message.bornHost;
  }
  get storeHost(): string {
    return this.#message.storeHost;
  }
  get sysFlag(): number {
    return this.#message.sysFlag;
  }
  get flag(): number {
    return this.#message.flag;
  }
  get storeSize(): number {
    return this.#message.storeSize;
  }
  get properties(): ReadonlyMap<string, string> {
    return this.#message.properties;
  }

  getProperty(name: string): string | undefined {
    return this.#message.getProperty(name);
  }

  detach(): Buffer {
    return this.#message.detach();
  }

  /** For logs: what it is and where it lies, not its body. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { topic, brokerName, queueId, queueOffset, msgId, tags, keys, attempt, bornTimestamp } = this;
    const properties = Object.fromEntries(this.properties);
    return { topic, brokerName, queueId, queueOffset, msgId, tags, keys, attempt, bornTimestamp, properties };
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `ReceivedMessage ${inspect(this.toJSON(), options)}`;
  }
}
