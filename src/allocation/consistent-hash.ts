// SPDX-License-Identifier: Apache-2.0
/** CONSISTENT_HASH: every member has some points on a ring, and a queue goes to the next point after its own. */
import { hash } from 'node:crypto';
import { ConfigError, ConsumerError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { AllocateContext, NamedAllocateStrategy } from './allocate-strategy.ts';

/** RocketMQ's own words. Source: the constructors of AllocateMessageQueueConsistentHash. */
export interface ConsistentHashOptions {
  /** How many places each member has on the ring. More of them make shares more alike. Unit: points, 1 to 10000. Default: 10. */
  readonly virtualNodeCnt?: number | undefined;
  /** Where a text lies on the ring. All members must use the same. Default: the first four bytes of its MD5. */
  readonly hashFunction?: ((text: string) => number) | undefined;
}

const defaultPoints = 10;
const mostPoints = 10_000;

/**
 * The same shares as Java members with the same options. A member that joins takes queues from its neighbours on the
 * ring only, but shares differ widely: with ten points it is usual that one member has three times another's queues.
 * Source: AllocateMessageQueueConsistentHash, ConsistentHashRouter, protocol.md section 10.
 * @throws ConfigError when an option cannot work
 * @example
 * createConsumerActor({ …, allocateStrategy: consistentHash({ virtualNodeCnt: 100 }) }); // 'CONSISTENT_HASH' means 10
 */
export function consistentHash(options: ConsistentHashOptions = {}): NamedAllocateStrategy {
  const { virtualNodeCnt = defaultPoints, hashFunction = md5Prefix } = options;
  checkOptions(virtualNodeCnt, hashFunction);
  return {
    name: 'CONSISTENT_HASH',
    allocate({ clientId, queues, clientIds }: AllocateContext): readonly MessageQueue[] {
      if (!clientIds.includes(clientId)) return [];
      const ring = new Ring(clientIds, virtualNodeCnt, hashFunction);
      return queues.filter(queue => ring.ownerOf(javaText(queue)) === clientId);
    },
  };
}

class Ring {
  private readonly points: Float64Array;
  private readonly owners: ReadonlyMap<number, string>;
  private readonly pointOf: (text: string) => number;

  constructor(clientIds: readonly string[], virtualNodeCnt: number, hashFunction: (text: string) => number) {
    this.pointOf = text => checked(hashFunction(text), text);
    const owners = new Map<number, string>();
    for (const id of clientIds) {
      for (let node = 0; node < virtualNodeCnt; node++) owners.set(this.pointOf(`${id}-${node}`), id); // as in Java, who comes later takes a point that is taken
    }
    this.owners = owners;
    this.points = Float64Array.from(owners.keys()).sort();
  }

  ownerOf(text: string): string | undefined {
    const wanted = this.pointOf(text);
    let below = 0;
    let above = this.points.length;
    while (below < above) {
      const middle = (below + above) >>> 1;
      if ((this.points[middle] ?? 0) < wanted) below = middle + 1;
      else above = middle;
    }
    return this.owners.get(this.points[below] ?? this.points[0] ?? 0); // past the last point comes the first
  }
}

/** MessageQueue.toString, which Java puts on the ring. */
function javaText({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}

/** An unsigned number of 32 bits, big-endian. Source: ConsistentHashRouter.MD5Hash. */
function md5Prefix(text: string): number {
  return Number.parseInt(hash('md5', text).slice(0, 8), 16);
}

function checked(point: number, text: string): number {
  if (Number.isFinite(point)) return point + 0; // -0 and 0 are one point
  throw new ConsumerError('RMQ_ALLOCATION_FAILED', `hashFunction answered ${String(point)} for '${text}'`);
}

function checkOptions(virtualNodeCnt: unknown, hashFunction: unknown): void {
  const isCount = typeof virtualNodeCnt === 'number' && Number.isInteger(virtualNodeCnt);
  if (!isCount || virtualNodeCnt < 1 || virtualNodeCnt > mostPoints) {
    const problem = `virtualNodeCnt of consistentHash is ${String(virtualNodeCnt)}`;
    const hint = `It is a whole number from 1 to ${mostPoints}; Java's default is ${defaultPoints}.`;
    throw new ConfigError([{ option: 'allocateStrategy', problem, hint }]);
  }
  if (typeof hashFunction !== 'function') {
    const problem = 'hashFunction of consistentHash is no function';
    const hint = 'It takes a text and answers a number; leave it out for MD5, as Java does.';
    throw new ConfigError([{ option: 'allocateStrategy', problem, hint }]);
  }
}
