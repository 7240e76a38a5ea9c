// SPDX-License-Identifier: Apache-2.0
/** Which queues has the user paused? The last word about a queue counts, be it about the queue itself or its topic. Pure. */
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';
import type { QueueChoice } from './work-command.ts';

/** A wish: it also holds for queues that come later, or come back. */
export interface Pauses {
  readonly topics: ReadonlySet<string>;
  /** Queues that were named by themselves after their topic was. */
  readonly queues: ReadonlyMap<QueueKey, QueuePause>;
}

interface QueuePause {
  readonly topic: string;
  readonly paused: boolean;
}

export const noPauses: Pauses = { topics: new Set(), queues: new Map() };

export function isPaused({ topics, queues }: Pauses, queue: MessageQueue): boolean {
  return queues.get(queueKey(queue))?.paused ?? topics.has(queue.topic);
}

/** Paused, or resumed. */
export function withPause(pauses: Pauses, { queue, topic }: QueueChoice, paused: boolean): Pauses {
  if (queue === undefined) {
    const { topics, queues } = withoutTopic(pauses, topic);
    return { topics: paused ? new Set(topics).add(topic) : topics, queues };
  }
  const queues = new Map(pauses.queues);
  if (pauses.topics.has(queue.topic) === paused) queues.delete(queueKey(queue));
  else queues.set(queueKey(queue), { topic: queue.topic, paused });
  return { ...pauses, queues };
}

/** As if nothing of it had ever been paused. */
export function withoutTopic(pauses: Pauses, topic: string): Pauses {
  const topics = new Set(pauses.topics);
  topics.delete(topic);
  return { topics, queues: new Map([...pauses.queues].filter(([, each]) => each.topic !== topic)) };
}
