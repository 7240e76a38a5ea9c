// SPDX-License-Identifier: Apache-2.0
/** Is a consumer doing what it is there for, and if not, why? Read from its actors when asked. */
import { connectionPrefix, shardPrefix } from '../machines/consumer/consumer.actors.ts';
import { pathOf } from '../machines/consumer/consumer.logic.ts';
import type { ConsumerActor } from './consumer-actor.ts';

/** `degraded`: it runs, and something keeps it from part of its work. `down`: not started, starting, stopping or stopped. */
export interface ConsumerHealth {
  readonly status: 'up' | 'degraded' | 'down';
  /** Why it is not up, a sentence each; empty when it is. A suspended consumer is up: somebody wants it so. */
  readonly reasons: readonly string[];
}

export function healthOf(actor: ConsumerActor, nameServers: readonly string[]): ConsumerHealth {
  const snapshot = actor.getSnapshot();
  const { consumerGroup } = snapshot.context;
  if (snapshot.status !== 'active' || !snapshot.matches('running')) {
    const state = snapshot.status === 'stopped' ? 'stopped' : pathOf(snapshot.value);
    const why = snapshot.output?.error?.message;
    return {
      status: 'down',
      reasons: [`the consumer of ${consumerGroup} is ${state}`, ...(why === undefined ? [] : [why])],
    };
  }
  const reasons = [
    ...(snapshot.matches({ running: 'unsaved' })
      ? ['too few of the last writes of offsets succeeded: what is done now may come again after a restart']
      : []),
    ...(snapshot.matches({ running: 'revalidating' })
      ? ['time passed without this process: membership and offsets are being confirmed']
      : []),
    ...lostConnections(actor, nameServers),
    ...haltedQueues(actor),
  ];
  return { status: reasons.length === 0 ? 'up' : 'degraded', reasons };
}

/** A snapshot as far as it is looked at here. */
interface Seen {
  readonly value: unknown;
  readonly context: unknown;
  readonly children: Readonly<Record<string, { getSnapshot(): unknown } | undefined>>;
  hasTag(tag: string): boolean;
}

type Named = readonly [id: string, snapshot: Seen];

/** Children that are machines; a promise or callback has no tags. */
function childrenOf(parent: { getSnapshot(): unknown }): readonly Named[] {
  const { children } = parent.getSnapshot() as Seen; // asked of machines only
  return Object.entries(children).flatMap(([id, child]) => {
    const snapshot = child?.getSnapshot() as Partial<Seen> | undefined; // looked at in the next line
    return typeof snapshot?.hasTag === 'function' ? [[id, snapshot as Seen] as const] : []; // only a machine's has tags
  });
}

/** A broker that is away holds up its queues; of the name servers one is enough. */
function lostConnections(actor: ConsumerActor, nameServers: readonly string[]): readonly string[] {
  const connections = childrenOf(actor).filter(([id]) => id.startsWith(connectionPrefix));
  const lost = connections
    .filter(([, snapshot]) => !snapshot.hasTag('ready') && hasFailed(snapshot))
    .map(([id]) => id.slice(connectionPrefix.length));
  const lostNameServers = lost.filter(address => nameServers.includes(address));
  const used = connections.filter(([id]) => nameServers.includes(id.slice(connectionPrefix.length)));
  return [
    ...lost
      .filter(address => !nameServers.includes(address))
      .map(address => `no connection to broker ${address}`),
    ...(lostNameServers.length > 0 && lostNameServers.length === used.length
      ? [`no connection to a name server (${lostNameServers.join(', ')})`]
      : []),
  ];
}

function hasFailed({ context }: Seen): boolean {
  const { attempt } = context as { readonly attempt?: number }; // of the connection machine
  return (attempt ?? 0) > 0;
}

/** In front of a message that cannot be read. */
function haltedQueues(actor: ConsumerActor): readonly string[] {
  return childrenOf(actor)
    .filter(([id]) => id.startsWith(shardPrefix))
    .flatMap(([, shard]) => machinesIn(shard))
    .filter(([, queue]) => machinesIn(queue).some(([id, { value }]) => id === 'pull' && value === 'halted'))
    .map(([key]) => `queue ${key} is halted in front of a message that cannot be read`);
}

function machinesIn(snapshot: Seen): readonly Named[] {
  return childrenOf({ getSnapshot: () => snapshot });
}
