// SPDX-License-Identifier: Apache-2.0
/**
 * What number stands for a queue, a topic or a member? Made of names and nothing else. It must never change: members of
 * different releases share one group, and must agree on every queue (pinned by test/unit/allocation/sticky.test.ts).
 */
import type { MessageQueue } from '../model/message-queue.ts';

/** Of a client id, topic or broker name, by its UTF-16 units. Unsigned, 32 bits. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return stirred(hash);
}

/** In the order of the queues. Neighbours mostly have topic and broker in common: each name is hashed once in a row. */
export function queueHashes(queues: readonly MessageQueue[]): Uint32Array {
  const hashes = new Uint32Array(queues.length);
  let names = { topic: '', brokerName: '', hash: namesHash('', '') };
  queues.forEach(({ topic, brokerName, queueId }, position) => {
    if (topic !== names.topic || brokerName !== names.brokerName) {
      names = { topic, brokerName, hash: namesHash(topic, brokerName) };
    }
    hashes[position] = stirred(names.hash + Math.imul(queueId, 0x85ebca6b));
  });
  return hashes;
}

function namesHash(topic: string, brokerName: string): number {
  return stirred(textHash(topic) + Math.imul(textHash(brokerName), 0x9e3779b1));
}

/** As good as random for each pair. Unsigned, 32 bits. */
export function pairHash(one: number, other: number): number {
  return stirred(one ^ other);
}

/** Every bit of the answer depends on every bit of what goes in. Unsigned, 32 bits. */
function stirred(bits: number): number {
  let hash = bits ^ (bits >>> 16);
  hash = Math.imul(hash, 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
