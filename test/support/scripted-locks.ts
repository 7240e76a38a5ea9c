// SPDX-License-Identifier: Apache-2.0
/** Who holds the locks of a scripted cluster? They live until they are given back: a test that wants them to expire says so. */
import { type MessageQueue, queueKey } from '../../src/model/message-queue.ts';
import { encodeLockAnswer, parseLock } from '../../src/protocol/bodies/lock.ts';

export class ScriptedLocks {
  /** Client ids by name and queue key (`%RETRY%billing orders@broker-a#0`): a test may put strangers here, or take holders out. */
  readonly holders = new Map<string, string>();

  /** The body of an answer to 41. */
  lock(request: Buffer): Buffer {
    const { consumerGroup, clientId, mqSet } = parseLock(request);
    const granted = mqSet.filter(
      queue => (this.holders.get(lockKey(consumerGroup, queue)) ?? clientId) === clientId,
    );
    for (const queue of granted) this.holders.set(lockKey(consumerGroup, queue), clientId);
    return encodeLockAnswer(granted);
  }

  unlock(request: Buffer): void {
    const { consumerGroup, clientId, mqSet } = parseLock(request);
    for (const queue of mqSet) {
      const key = lockKey(consumerGroup, queue);
      if (this.holders.get(key) === clientId) this.holders.delete(key);
    }
  }
}

/** @param group the name the lock is asked for under: `%RETRY%group` for a fence */
function lockKey(group: string, queue: MessageQueue): string {
  return `${group} ${queueKey(queue)}`;
}
