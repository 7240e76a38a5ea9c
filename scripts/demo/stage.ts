// SPDX-License-Identifier: Apache-2.0
/** On which cluster does the demo play, and what does that cluster itself say of its queues? */
import type { MessageQueue } from '../../src/index.ts';

export interface QueueOffsets {
  readonly label: string;
  /** One past the last message. */
  readonly max: number;
  /** What the group has committed; undefined: nothing yet. */
  readonly committed: number | undefined;
}

export interface Stage extends AsyncDisposable {
  /** `embedded cluster at 127.0.0.1:40123`. */
  readonly where: string;
  readonly namesrvAddr: string;
  readonly topic: string;
  readonly group: string;
  /** What a failing listener asks for: 0 the broker decides, 1 its shortest pause. */
  readonly delayLevel: number;
  /** How often the offsets may be asked for. Unit: ms. */
  readonly offsetsEvery: number;
  labelOf(queue: Omit<MessageQueue, 'topic'>): string;
  /** Of the topic, in the order of the labels. */
  offsets(): Promise<readonly QueueOffsets[]>;
  /** Messages in the group's retry topic that are not committed. */
  waitingRetries(): Promise<number>;
}

/** Of the topic on a cluster that has only just been made for it. */
export const queueCount = 8;

export function retryTopicOf(group: string): string {
  return `%RETRY%${group}`;
}
