// SPDX-License-Identifier: Apache-2.0
/** Who is asked where topics live, and who whether one is still there? */
import { zeroOffset } from '../../model/queue-offset.ts';
import type { FormerOffsets } from '../../stores/former-offsets.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import type { NameServerCalls } from '../../transport/name-server-calls.ts';
import type { Switchboard } from '../../transport/switchboard.ts';
import type { RouteCache } from '../routes/route-cache.ts';
import type { RoutesPort } from '../routes/routes.types.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { ConsumerOffsetStore, QueryOffset } from './offset-place.ts';
import type { QueueOrigins } from './queue-origins.ts';

export interface RoutesWiring {
  readonly nameServers: Pick<NameServerCalls, 'route' | 'routeElsewhere'>;
  readonly calls: Pick<BrokerCalls, 'hasTopic'>;
  readonly switchboard: Pick<Switchboard, 'isOpen'>;
  readonly cache: RouteCache;
  readonly origins: QueueOrigins;
  readonly former: FormerOffsets;
  readonly store: Pick<ConsumerOffsetStore, 'readOffset'>;
  readonly storedOffset: QueryOffset;
  /** Says what is usual about a retry topic without a route. */
  readonly noteYoung: (fetch: RoutesPort['fetchRoute']) => RoutesPort['fetchRoute'];
  /** Unit: ms. */
  readonly timeoutMs: number;
}

export function routesPort(wiring: RoutesWiring): RoutesPort {
  const { nameServers, calls, switchboard, cache, origins, former, store, storedOffset, timeoutMs } = wiring;
  return {
    fetchRoute: wiring.noteYoung((topic, signal) => nameServers.route(topic, { timeoutMs, signal })),
    fetchElsewhere: (topic, signal) => nameServers.routeElsewhere(topic, { timeoutMs, signal }),
    askBroker: async (topic, brokerName, signal) => {
      const open = [...cache.addressesOf(brokerName)].sort(([a], [b]) => a - b); // the master first
      const address = open.map(([, each]) => each).find(each => switchboard.isOpen(each));
      if (address === undefined) return 'silent'; // its connection is being dialled already, if it can be reached at all
      const has = await calls.hasTopic(address, topic, { timeoutMs, signal });
      return has === undefined ? 'untold' : has ? 'has' : 'gone';
    },
    noteDeleted: async (queues, signal) => {
      origins.forgetQueues(queues);
      const shared = sharedSignal(signal);
      await Promise.allSettled(
        queues.map(async queue => {
          former.note(queue, (await store.readOffset(queue, 'READ_FROM_MEMORY')) ?? zeroOffset); // our own commits may still arrive
          const stored = await storedOffset(queue, { signal: shared });
          if (stored !== undefined) former.note(queue, stored);
        }),
      );
    },
  };
}
