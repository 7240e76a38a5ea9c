// SPDX-License-Identifier: Apache-2.0
/** STICKY: equal shares of which few queues move when a member joins or leaves, without anybody remembering anything. */
import { ConsumerError } from '../errors/errors.ts';
import { compareQueues, compareText, type MessageQueue } from '../model/message-queue.ts';
import type { AllocateContext, NamedAllocateStrategy } from './allocate-strategy.ts';
import { mostQueues, Preferences } from './preferences.ts';
import { pairHash, queueHashes, textHash } from './rendezvous-hash.ts';

/**
 * Rendezvous hashing with bounded shares: every member has an order of preference among the queues, made of hashes of
 * its id and theirs. All choose in turns, each turn in the opposite order of the last; a queue stays with the first who
 * chooses it, and who has his share chooses no more. Shares differ by at most one queue, as with AVG.
 *
 * The share follows from the two lists alone, in whatever order they come. While 2 to 8 members join and leave at
 * random, from 16 queues up less than 1.5 times as many queues move as equal shares make necessary; so they do while there
 * are up to √queues members, 16 at most. In larger groups more move: docs/allocation.md has the figures, and says why.
 * Only members of this library know it: with Java members in the group use another.
 * Source: none, RocketMQ has nothing like it (asked for in apache/rocketmq#2149).
 * @throws ConsumerError `RMQ_ALLOCATION_FAILED` for a topic of more than 2,097,152 queues
 * @example
 * createConsumerActor({ …, allocateStrategy: 'STICKY' });
 */
export const sticky: NamedAllocateStrategy = {
  name: 'STICKY',
  allocate({ clientId, queues, clientIds }: AllocateContext): readonly MessageQueue[] {
    if (queues.length === 0 || !clientIds.includes(clientId)) return [];
    if (queues.length > mostQueues) throw tooMany(queues.length);
    const inOrder = sorted(queues);
    const owners = chooseInTurns(inOrder, [...new Set(clientIds)]);
    return inOrder.filter((_, position) => owners[position] === clientId);
  },
};

interface Chooser {
  readonly id: string;
  /** Who has the lower one chooses first in the first turn. */
  readonly turn: number;
  readonly preferences: Preferences;
  /** How many queues it has so far. */
  held: number;
}

/** Most members have their share after looking at so many times as many queues; it decides the time, not the result. */
const lookAhead = 6;

/** The owner of the queue at each position. */
function chooseInTurns(queues: readonly MessageQueue[], clientIds: readonly string[]): readonly string[] {
  const smaller = Math.floor(queues.length / clientIds.length);
  let larger = queues.length % clientIds.length; // so many members may still have one more than that
  const isDone = ({ held }: Chooser): boolean => held > smaller || (held === smaller && larger === 0);

  const owners = new Array<string>(queues.length).fill('');
  let choosing = choosers(queues, clientIds);
  for (let free = queues.length, turn = 0; free > 0; turn++) {
    let done = 0;
    for (let index = 0; index < choosing.length; index++) {
      const chooser = choosing[turn % 2 === 0 ? index : choosing.length - 1 - index];
      if (chooser === undefined || isDone(chooser)) {
        done += 1;
        continue;
      }
      const position = chooser.preferences.next();
      if (owners[position] !== '') continue;
      if (chooser.held === smaller) larger -= 1;
      owners[position] = chooser.id;
      chooser.held += 1;
      free -= 1;
    }
    if (done > 0) choosing = choosing.filter(each => !isDone(each));
  }
  return owners;
}

/** In another order for each topic: of many topics with one queue each, every member gets his part. */
function choosers(queues: readonly MessageQueue[], clientIds: readonly string[]): readonly Chooser[] {
  const hashes = queueHashes(queues);
  const scratch = new Float64Array(hashes.length);
  const offer = { hashes, scratch, ahead: lookAhead * (1 + queues.length / clientIds.length) };
  const topicHash = textHash(queues[0]?.topic ?? '');
  return clientIds
    .map(id => {
      const memberHash = textHash(id);
      const turn = pairHash(topicHash, memberHash);
      return { id, turn, preferences: new Preferences(offer, memberHash), held: 0 };
    })
    .sort((a, b) => a.turn - b.turn || compareText(a.id, b.id));
}

/** Position decides between queues of equal hash, so it must not depend on how the list came. */
function sorted(queues: readonly MessageQueue[]): readonly MessageQueue[] {
  const isSorted = queues.every(
    (queue, index) => index === 0 || compareQueues(queues[index - 1] ?? queue, queue) <= 0,
  );
  return isSorted ? queues : queues.toSorted(compareQueues);
}

function tooMany(count: number): ConsumerError {
  return new ConsumerError(
    'RMQ_ALLOCATION_FAILED',
    `STICKY shares at most ${mostQueues} queues, not ${count}`,
  );
}
