// SPDX-License-Identifier: Apache-2.0
/** Of what is the message side of an embedded broker made, and what can be seen and done from outside? */
import { RocketmqError } from '../../../errors/errors.ts';
import { uniqueIds } from '../../../protocol/message-id.ts';
import type { StoredMessage } from '../../../protocol/stored-message.ts';
import type { Handlers } from '../broker.types.ts';
import type { EmbeddedMessage, MessageDamage, NewMessage, Rule } from '../cluster.types.ts';
import { parseDelayLevels } from './delay-levels.ts';
import { embeddedMessage, invalid, produce } from './embedded-message.ts';
import { offsetHandlers } from './handlers/offsets.ts';
import type { MessageParts } from './handlers/parts.types.ts';
import { pullHandlers } from './handlers/pull.ts';
import { sendHandlers } from './handlers/send.ts';
import { sendBackHandlers } from './handlers/send-back.ts';
import { storedProperties } from './handlers/stored-properties.ts';
import { viewHandlers } from './handlers/view-message.ts';
import { KnownGroups } from './known-groups.ts';
import { LongPolls } from './long-polls.ts';
import type { MessageBrokerOptions } from './message-broker.types.ts';
import { MessageStore } from './message-store.ts';
import { MessageWriter } from './message-writer.ts';
import { OffsetTable } from './offset-table.ts';
import { templateTopic } from './topic-rules.ts';
import { type TopicConfig, TopicTable } from './topic-table.ts';

export type { MessageBrokerOptions } from './message-broker.types.ts';

/** Topics, messages, offsets and delays of one broker, in memory; the handlers are its face to the wire. */
export class MessageBroker {
  readonly handlers: Handlers;
  readonly topics: TopicTable;
  readonly #parts: MessageParts;
  /** Of each topic, the next queue of `append`. */
  readonly #turns = new Map<string, number>();

  /** @throws RocketmqError `RMQ_CONFIG_INVALID` for a messageDelayLevel that cannot be read */
  constructor(options: MessageBrokerOptions) {
    const pauses = parseDelayLevels(options.messageDelayLevel);
    const store = new MessageStore(options.name);
    const offsets = new OffsetTable();
    const polls = new LongPolls(options.clock, (topic, queueId) => store.queue(topic, queueId));
    this.topics = new TopicTable({
      ...options,
      delayLevels: pauses.length,
      onChanged: options.onTopicsChanged,
      onRemoved: topic => {
        store.forgetTopic(topic);
        offsets.forgetTopic(topic);
      },
    });
    this.#parts = {
      options,
      topics: this.topics,
      offsets,
      groups: new KnownGroups(options.isKnownGroup),
      store,
      writer: new MessageWriter({ options, store, polls, pauses }),
      polls,
      nextId: idsOf(options),
    };
    this.handlers = new Map([
      ...sendHandlers(this.#parts),
      ...pullHandlers(this.#parts),
      ...sendBackHandlers(this.#parts),
      ...offsetHandlers(this.#parts),
      ...viewHandlers(this.#parts),
    ]);
  }

  /** The oldest offset a queue still holds. */
  minOffset(topic: string, queueId: number): number {
    return this.#parts.store.minOffset(topic, queueId);
  }

  /** The next offset to be written. */
  maxOffset(topic: string, queueId: number): number {
    return this.#parts.store.maxOffset(topic, queueId);
  }

  committed(group: string, topic: string, queueId: number): number | undefined {
    return this.#parts.offsets.committed(group, topic, queueId);
  }

  /** Where the group's next pull is to begin, as its last one was told; undefined when it never pulled. */
  pulled(group: string, topic: string, queueId: number): number | undefined {
    return this.#parts.offsets.pulled(group, topic, queueId);
  }

  commit(group: string, topic: string, queueId: number, offset: number): void {
    this.#parts.offsets.commit(group, topic, queueId, offset);
  }

  /** Groups that have offsets. */
  groups(): readonly string[] {
    return this.#parts.offsets.groups();
  }

  /** Topics in which a group has offsets. */
  committedTopics(group: string): readonly string[] {
    return this.#parts.offsets.topics(group);
  }

  /**
   * Moves a group to another offset: its next pull, or the one that is held once its time is over, is answered 21
   * (OFFSET_RESET), and until then commits are ignored. As request 222 does from 5.2 on. Source: assignResetOffset.
   */
  resetOffset(group: string, topic: string, queueId: number, offset: number): void {
    this.#parts.offsets.reset(group, topic, queueId, offset);
  }

  /** Messages of a topic's queue, or of all its queues one after the other; oldest first. */
  messages(topic: string, queueId?: number): readonly EmbeddedMessage[] {
    const { store } = this.#parts;
    const queueIds = queueId === undefined ? store.queueIds(topic) : [queueId];
    return queueIds.flatMap(id => {
      const count = store.maxOffset(topic, id) - store.minOffset(topic, id);
      const stored = Array.from({ length: count }, (_, i) =>
        this.storedAt(topic, id, store.minOffset(topic, id) + i),
      );
      return stored.flatMap(message => (message === undefined ? [] : [embeddedMessage(message)]));
    });
  }

  storedAt(topic: string, queueId: number, queueOffset: number): StoredMessage | undefined {
    const { store } = this.#parts;
    const entry = store.queue(topic, queueId)?.at(queueOffset);
    return entry === undefined ? undefined : store.decode(Buffer.from(store.bytesOf(entry)));
  }

  /** Pulls bring this message changed. @throws RocketmqError `RMQ_MESSAGE_INVALID` when it is not there */
  damage(
    place: Pick<EmbeddedMessage, 'topic' | 'queueId' | 'queueOffset'>,
    what: MessageDamage,
    times: number,
  ): Rule {
    const { topic, queueId, queueOffset } = place;
    const { store, options } = this.#parts;
    const entry = store.queue(topic, queueId)?.at(queueOffset);
    if (entry === undefined)
      throw invalid(topic, `nothing is stored at ${options.name}#${queueId}:${queueOffset}`);
    return store.damage(entry, what, times);
  }

  /** The record that begins at this place in the log; undefined when none does. Unit: bytes. */
  recordAt(position: number): Buffer | undefined {
    return this.#parts.store.recordAt(position);
  }

  /**
   * Stores a message as if a producer had sent it. A delayed one is answered with its place in the schedule topic's
   * queue as `queueOffset`, as producers are.
   * @throws RocketmqError `RMQ_MESSAGE_INVALID`, `RMQ_TOPIC_NOT_FOUND` when topics are not made by sends,
   *   `RMQ_SEND_FAILED` when it does not fit
   */
  append(message: NewMessage & { readonly brokerName?: never }): EmbeddedMessage {
    const { writer, store, options } = this.#parts;
    const { topic } = message;
    const { body, properties: given } = produce(message);
    const queueId = this.#queueFor(message, this.#topicFor(topic));
    const properties = storedProperties(given, this.#parts);
    const bornTimestamp = Math.trunc(options.clock.wallNow());
    const incoming = {
      topic,
      queueId,
      flag: 0,
      sysFlag: 0,
      reconsumeTimes: 0,
      bornTimestamp,
      body,
      properties,
    };
    const problem = writer.refusal(incoming);
    if (problem !== undefined) {
      const text = `message for ${topic} was not stored by ${options.name} (${problem.code}): ${problem.remark}`;
      throw new RocketmqError('RMQ_SEND_FAILED', text, { context: { topic, code: problem.code } });
    }
    const placed = writer.put({ ...incoming, bornHost: options.address() });
    const record = store.recordAt(placed.position);
    const stored = record === undefined ? undefined : store.decode(record);
    if (stored === undefined)
      throw new RocketmqError(
        'RMQ_INTERNAL',
        `message at ${placed.position} of ${options.name} is unreadable`,
      );
    return { ...embeddedMessage(stored), topic, queueId };
  }

  /** Retention: gives up what is older than an offset. A queue never goes back, nor past its end. */
  setMinOffset(topic: string, queueId: number, offset: number): void {
    this.#parts.store.dropBefore(topic, queueId, offset);
  }

  /** Pulls that are held at this moment. */
  get heldPulls(): number {
    return this.#parts.polls.size;
  }

  /** Answers all that is held for a group with what there is: its subscription has changed. */
  wakePulls(group: string): void {
    this.#parts.polls.wake(group);
  }

  /** Held pulls, and how far was pulled, are forgotten and no timer is left; messages, offsets and what is delayed stay. */
  halt(): void {
    this.#parts.polls.halt();
    this.#parts.offsets.forgetPulls();
    this.#parts.writer.delayed.halt();
  }

  /** After a halt: what became due meanwhile is delivered now. */
  resume(): void {
    this.#parts.polls.resume();
    this.#parts.writer.delayed.resume();
  }

  #topicFor(topic: string): TopicConfig {
    const { options } = this.#parts;
    const config = this.topics.ensureBySend(topic, templateTopic, options.defaultTopicQueueNums);
    if (config !== undefined) return config;
    const text = `${options.name} has no topic ${topic}, and autoCreateTopicEnable is false`;
    throw new RocketmqError('RMQ_TOPIC_NOT_FOUND', text, { context: { topic, brokerName: options.name } });
  }

  #queueFor({ topic, queueId }: NewMessage, { writeQueueNums }: TopicConfig): number {
    const chosen = queueId ?? this.#turn(topic) % writeQueueNums; // NaN where there is no queue
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < writeQueueNums) return chosen;
    throw invalid(topic, `queueId ${queueId ?? 'any'} is not one of its ${writeQueueNums} queues`);
  }

  #turn(topic: string): number {
    const turn = this.#turns.get(topic) ?? 0;
    this.#turns.set(topic, turn + 1);
    return turn;
  }
}

/** The broker's port stands where a producer's process id does; so brokers on one machine differ. */
function idsOf({ address, clock, random = Math.random }: MessageBrokerOptions): () => string {
  let next: (() => string) | undefined;
  return () => {
    next ??= makeIds();
    return next();
  };
  function makeIds(): () => string {
    const [ip = '', port = ''] = splitAddress(address());
    return uniqueIds({ wallNow: () => clock.wallNow(), random, ip, pid: Number(port) });
  }
}

function splitAddress(address: string): readonly string[] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), address.slice(colon + 1)];
}
