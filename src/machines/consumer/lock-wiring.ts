// SPDX-License-Identifier: Apache-2.0
/** Which locks does this consumer take, and how are they asked for? design.md G3 and G4. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { Clock } from '../../model/clock.ts';
import { retryTopicOf } from '../../model/names.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import type { Caller } from '../../transport/call.ts';
import { lockQueues } from '../../transport/lock-calls.ts';
import { LockBook } from '../locks/lock-book.ts';
import { type LockKind, type LocksInput, type LocksPort, lockCallLimit } from '../locks/locks.types.ts';
import type { RouteCache } from '../routes/route-cache.ts';
import type { BrokerLocator } from './broker-locator.ts';
import type { ConsumerReceiver } from './consumer-parts.ts';

export interface LockSurroundings {
  readonly config: ResolvedConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly calls: BrokerCalls;
  readonly cache: RouteCache;
  readonly locator: BrokerLocator;
  /** The topics consumed now, retry topic included. */
  readonly topics: () => readonly string[];
}

/** The locks of one consumer and how they reach the wire. */
export interface LockWiring {
  readonly book: LockBook;
  input(parent: ConsumerReceiver): LocksInput;
  /** A new connection's second word, after the heartbeat. */
  reclaim(caller: Caller, signal: AbortSignal): Promise<void>;
}

/** Orderly queues are locked under the group's own name, as Java's; fences under the retry topic's, which no Java client uses. */
export function lockWiring(around: LockSurroundings, kind: LockKind): LockWiring {
  const { config, clock, random, cache } = around;
  const { clientId, handoverTimeout } = config;
  const lockGroup = kind === 'orderly' ? config.consumerGroup : retryTopicOf(config.consumerGroup);
  const port = locksPort(around, lockGroup);
  const book = new LockBook({ kind, clientId, port, clock });
  return {
    book,
    input: parent => ({ book, port, kind, clientId, handoverTimeout, clock, random, parent }),
    reclaim: async (caller, signal) => {
      for (const brokerName of cache.mastersAt(caller.address)) {
        await book.reclaim(brokerName, (queues, onGranted) =>
          lockQueues(
            caller,
            { clientId, consumerGroup: lockGroup, queues },
            { timeoutMs: lockCallLimit, signal, onGranted },
          ),
        );
      }
    },
  };
}

function locksPort(
  { config, calls, cache, locator, topics }: LockSurroundings,
  lockGroup: string,
): LocksPort {
  const { clientId, consumerGroup } = config;
  const timeoutMs = lockCallLimit;
  return {
    lock: async (brokerName, queues, { signal, onGranted }) =>
      calls.lock(
        locator.master(brokerName),
        { clientId, consumerGroup: lockGroup, queues },
        { timeoutMs, signal, onGranted },
      ),
    unlock: async (brokerName, queues, { clientId: holder, ...options }) =>
      calls.unlock(
        locator.master(brokerName),
        { clientId: holder, consumerGroup: lockGroup, queues },
        options,
      ),
    memberIds: async (brokerName, signal) =>
      calls.consumerIds(locator.master(brokerName), consumerGroup, { timeoutMs, signal }),
    queuesOf: brokerName =>
      topics().flatMap(topic => (cache.queuesOf(topic) ?? []).filter(each => each.brokerName === brokerName)),
  };
}
