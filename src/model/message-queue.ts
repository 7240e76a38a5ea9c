// SPDX-License-Identifier: Apache-2.0
/** Which queue is meant, how is it named in maps and logs, and in which order do all members list queues? */

/** One queue of a topic on one broker. Source: common.message.MessageQueue. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

declare const queueKeyBrand: unique symbol;

/** The text form `topic@broker#id`: map key, actor id and log name of a queue. */
export type QueueKey = string & { readonly [queueKeyBrand]: true };

export function queueKey(queue: MessageQueue): QueueKey {
  return `${queue.topic}@${queue.brokerName}#${queue.queueId}` as QueueKey; // the one place where the brand is given
}

/** Java's order (MessageQueue.compareTo): topic, broker name, id; strings by UTF-16 unit, so "10" < "9". */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return compareText(a.topic, b.topic) || compareText(a.brokerName, b.brokerName) || a.queueId - b.queueId;
}

/** String.compareTo as every member of a group must sort: by UTF-16 unit, which is what < does in JavaScript. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sameQueue(a: MessageQueue, b: MessageQueue): boolean {
  return a.queueId === b.queueId && a.topic === b.topic && a.brokerName === b.brokerName;
}
