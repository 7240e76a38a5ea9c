// SPDX-License-Identifier: Apache-2.0
/** What goes into the heartbeat machine, and what does it tell its parent? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** What the machine needs of the brokers. Every call has its own time limit. */
export interface HeartbeatPort {
  /** Every broker address that must know us, masters and slaves. Asked anew for every round; must not throw. */
  addresses(): readonly Address[];
  /** Sends one heartbeat and resolves when the broker has accepted it. */
  beat(address: Address, signal: AbortSignal): Promise<void>;
}

export interface HeartbeatInput {
  readonly port: HeartbeatPort;
  /** From the end of a round to the next. Unit: ms. */
  readonly interval: number;
  /** Monotonic. Unit: ms. */
  readonly now: () => number;
  /** Longest a round may last; give more than the port's own limit. Unit: ms. Default 60000. */
  readonly roundLimit?: number;
  readonly parent: Receiver<HeartbeatReport>;
}

export interface HeartbeatContext extends HeartbeatInput {
  /** The round under way, or the last one. */
  readonly round: BeatRound;
  readonly hurry: Hurry;
}

/** How often brokers that did not know our subscription made us beat lately. */
export interface Hurry {
  readonly beats: number;
  /** When the last such beat was asked for. Monotonic ms. */
  readonly at: number;
}

/** How far a round has come. */
export interface BeatRound {
  readonly waitingFor: readonly Address[];
  readonly answered: readonly Address[];
  readonly failed: readonly FailedBeat[];
}

export interface FailedBeat {
  readonly address: Address;
  readonly error: RocketmqError;
}

/** Beat at once; while a round is under way: once more right after it. The first beat, too, comes only when asked for or after one interval. */
export interface BeatNow {
  readonly type: 'heartbeat.now';
}

/**
 * A broker refused a pull because it does not know our subscription (24, 25, 27, 28): it needs a beat. The first one at once;
 * while that goes on, each waits longer than the one before, from 1 s to the interval, for members that subscribe to
 * different topics make each other's pulls fail with every beat. One that comes during a round causes none: pulls go on
 * asking, and each refusal is told.
 */
export interface SubscriptionStale {
  readonly type: 'subscription.stale';
  readonly error: RocketmqError;
}

export type BeatOutcome =
  | { readonly type: 'beat.answered'; readonly address: Address }
  | { readonly type: 'beat.failed'; readonly address: Address; readonly error: RocketmqError };

export type HeartbeatEvent = BeatNow | SubscriptionStale | BeatOutcome | FaultEvent;

export type HeartbeatReport =
  | {
      /** Every address has answered or failed. Both lists are empty when there was nobody to tell. */
      readonly type: 'heartbeat.done';
      readonly answered: readonly Address[];
      readonly failed: readonly FailedBeat[];
    }
  /** Also: brokers do not know our subscription. Once for every beat that is hurried by it. */
  | FaultEvent;
