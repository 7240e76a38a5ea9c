// SPDX-License-Identifier: Apache-2.0
/** How far has each group come in each queue? Source: ConsumerOffsetManager. */

type ByQueue = Map<number, number>;
type ByTopic = Map<string, ByQueue>;

/** Committed offsets, how far was pulled, and resets the group has not heard of yet. */
export class OffsetTable {
  readonly #committed = new Map<string, ByTopic>();
  readonly #resets = new Map<string, ByTopic>();
  readonly #pulled = new Map<string, ByTopic>();

  committed(group: string, topic: string, queueId: number): number | undefined {
    return this.#committed.get(group)?.get(topic)?.get(queueId);
  }

  /** Any offset is taken, also one below the last: brokers do not look. */
  commit(group: string, topic: string, queueId: number, offset: number): void {
    queuesOf(this.#committed, group, topic).set(queueId, offset);
  }

  /** Groups that have committed something, in the order of their first commit. */
  groups(): readonly string[] {
    return [...this.#committed.keys()];
  }

  /** Topics in which a group has committed something. */
  topics(group: string): readonly string[] {
    return [...(this.#committed.get(group)?.keys() ?? [])];
  }

  /** Committed as well, so that it holds for a group without members. Source: assignResetOffset. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    queuesOf(this.#resets, group, topic).set(queueId, offset);
    this.commit(group, topic, queueId, offset);
  }

  /** The reset a queue waits to be told, if any. */
  pendingReset(group: string, topic: string, queueId: number): number | undefined {
    return this.#resets.get(group)?.get(topic)?.get(queueId);
  }

  /** As {@link pendingReset}, and it is told now. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    const offset = this.pendingReset(group, topic, queueId);
    this.#resets.get(group)?.get(topic)?.delete(queueId);
    return offset;
  }

  /** Where the group's next pull of a queue is to begin, as it was last told; undefined when it never pulled. Source: queryPullOffset. */
  pulled(group: string, topic: string, queueId: number): number | undefined {
    return this.#pulled.get(group)?.get(topic)?.get(queueId);
  }

  /** Notes what {@link pulled} tells. Source: commitPullOffset. */
  notePull(group: string, topic: string, queueId: number, nextBeginOffset: number): void {
    queuesOf(this.#pulled, group, topic).set(queueId, nextBeginOffset);
  }

  /** What a broker keeps in memory only. */
  forgetPulls(): void {
    this.#pulled.clear();
  }

  /** All that is known of a topic that was deleted. */
  forgetTopic(topic: string): void {
    for (const table of [this.#committed, this.#resets, this.#pulled]) {
      for (const [group, topics] of table) {
        topics.delete(topic);
        if (topics.size === 0) table.delete(group);
      }
    }
  }
}

function queuesOf(table: Map<string, ByTopic>, group: string, topic: string): ByQueue {
  const topics = table.get(group) ?? new Map<string, ByQueue>();
  table.set(group, topics);
  const queues = topics.get(topic) ?? new Map<number, number>();
  topics.set(topic, queues);
  return queues;
}
