// SPDX-License-Identifier: Apache-2.0
/** What goes into the routes machine, and what does it tell its parent? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { TopicRoute } from '../../model/route.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';
import type { RouteCache } from './route-cache.ts';

/** What the machine needs of the name servers. Has its own time limit and its own choice of server. */
export interface RoutesPort {
  /** The route of a topic, or undefined when no name server knows it (code 17). Rejects when none answered. */
  fetchRoute(topic: string, signal: AbortSignal): Promise<TopicRoute | undefined>;
  /** What another name server than the one that answered last says; undefined also when there is none. */
  fetchElsewhere(topic: string, signal: AbortSignal): Promise<TopicRoute | undefined>;
  /** Whether a broker still has a topic that no route names there any more. To reject is to be silent. */
  askBroker(topic: string, brokerName: string, signal: AbortSignal): Promise<BrokerWord>;
  /** The topic of these queues was deleted: whatever is committed for them does not count for a topic of that name that is made later. */
  noteDeleted(queues: readonly MessageQueue[], signal: AbortSignal): Promise<void>;
}

/** A broker on a topic. */
export type BrokerWord =
  /** It has it still. */
  | 'has'
  /** It does not have it: deleted. */
  | 'gone'
  /** There is no connection to it, or it does not answer. */
  | 'silent'
  /** It answers, but does not tell. */
  | 'untold';

/** A broker that a route has named and does not name any more. Times are those of the clock. Unit: ms. */
export interface Doubt {
  /** From when on nobody has contradicted. */
  readonly since: number;
  readonly word: BrokerWord;
  /** When it was asked last. */
  readonly heardAt: number;
}

/** By broker name. */
export type TopicDoubts = ReadonlyMap<string, Doubt>;

/** What the routes of a round do not name any more. */
export interface Missing {
  readonly topic: string;
  readonly brokerNames: readonly string[];
}

/** What others say about it. */
export interface Testimony {
  readonly topic: string;
  /** Another name server's route. */
  readonly elsewhere: TopicRoute | undefined;
  /** By broker name; of those that were asked. */
  readonly words: ReadonlyMap<string, BrokerWord>;
}

/** It is believed now: the queues of a topic on these brokers are given up. */
export interface RouteLoss {
  readonly topic: string;
  readonly brokerNames: readonly string[];
  /** `deleted`: the brokers do not have the topic any more. `unrouted`: they do not answer, and no route has named them for long. */
  readonly why: 'deleted' | 'unrouted';
}

export interface RoutesInput {
  readonly port: RoutesPort;
  /** Filled by this machine, read by everybody. */
  readonly cache: RouteCache;
  /** The topics wanted now, retry topics included; must not throw. Send `routes.refresh` when the answer has changed. */
  readonly topics: () => readonly string[];
  /** Unit: ms. */
  readonly pollInterval: number;
  /** Longest a round may last; give more than the port's own limit. Unit: ms. Default 60000. */
  readonly roundLimit?: number;
  readonly clock: Clock;
  readonly parent: Receiver<RoutesReport>;
}

export interface RoutesContext extends RoutesInput {
  readonly plan: RoutePlan;
  /** The round under way, or the last one. */
  readonly round: RouteRound;
}

/** What a round asks for, and what came of it. */
export interface RouteRound {
  readonly topics: readonly string[];
  /** Whether these were all topics wanted when it began. */
  readonly all: boolean;
  /** Empty until it has ended, then one for every topic. */
  readonly answers: readonly RouteAnswer[];
  /** What was confirmed as lost in it. */
  readonly losses: readonly RouteLoss[];
  /** What is in doubt after it, by topic. */
  readonly doubts: ReadonlyMap<string, TopicDoubts>;
}

/** Ask again soon: at once for topics never asked, for the others no sooner than 1 s after they were all asked. Never lost. */
export interface RefreshRoutes {
  readonly type: 'routes.refresh';
}

export type RoutesEvent = RefreshRoutes | FaultEvent;

/** What the parent is told. In one round in this order: lost, changed, unknown, answered, failed. */
export type RoutesReport =
  /** Confirmed; told once. The cache does not have it any more. */
  | ({ readonly type: 'route.lost' } & RouteLoss)
  | {
      /** The cache holds something new for these topics. */
      readonly type: 'route.changed';
      readonly topics: readonly string[];
    }
  | {
      /** No name server knows this topic. Once per topic until it appears; never for a retry topic. */
      readonly type: 'route.unknown';
      readonly topic: string;
    }
  | {
      /** A round ended in which a name server answered for at least one topic, be it that it does not know it. */
      readonly type: 'routes.answered';
    }
  | {
      /** A round ended in which at least one topic got no answer; the last known routes stay. The first topic's error. */
      readonly type: 'routes.failed';
      readonly error: RocketmqError;
    }
  | FaultEvent;

/** What became of asking for one topic. */
export type RouteAnswer =
  | { readonly kind: 'found'; readonly topic: string; readonly route: TopicRoute }
  | { readonly kind: 'unknown'; readonly topic: string }
  /** It was known, and nothing is left of it: confirmed. */
  | { readonly kind: 'gone'; readonly topic: string }
  | { readonly kind: 'failed'; readonly topic: string; readonly error: RocketmqError };

/** When is which topic asked next? Times are those of the clock. Unit: ms. */
export interface RoutePlan {
  /** When all topics are asked again. */
  readonly allAt: number;
  /** When a round over all topics last ended; undefined before the first. */
  readonly allEndedAt: number | undefined;
  /** Topics that were asked at least once. */
  readonly asked: ReadonlySet<string>;
  /** Topics to ask again before `allAt`: unknown ones, those in doubt, and those that got no answer. */
  readonly retries: ReadonlyMap<string, RouteRetry>;
  /** What is missing in routes and not yet believed, by topic. */
  readonly doubts: ReadonlyMap<string, TopicDoubts>;
}

export interface RouteRetry {
  /** How often it was asked in vain, as planned, in a row. */
  readonly attempt: number;
  readonly at: number;
  /** Whether the parent was told that no name server knows it. */
  readonly reported: boolean;
}
