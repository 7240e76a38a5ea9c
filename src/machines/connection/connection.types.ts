// SPDX-License-Identifier: Apache-2.0
/** What does a connection actor need, know and say? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';
import type { Caller } from '../../transport/call.ts';
import type { TransportLimits } from '../../transport/limits.ts';
import type { Line } from '../../transport/line.ts';
import type { Dialer } from '../../transport/ports.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

export type ConnectionRole = 'nameServer' | 'broker';

/** The first words on a new connection, before anybody else may call: at brokers the heartbeat, at name servers nothing. Rejects to hang up and try again. */
export type Greet = (caller: Caller, signal: AbortSignal) => Promise<void>;

export interface About {
  readonly address: Address;
  readonly role: ConnectionRole;
}

/** What a connection tells its parent. */
export type ConnectionReport =
  /** Greeted and attached: calls go through. */
  | ({ readonly type: 'connection.ready' } & About)
  /** Calls wait from now on. Once for each outage: a ready connection broke, or the very first try failed. */
  | ({ readonly type: 'connection.lost'; readonly error: RocketmqError } & About)
  /** A dial or greeting failed; tried again after the back-off. `attempt` counts the failures of this outage. */
  | ({ readonly type: 'connection.failed'; readonly attempt: number; readonly error: RocketmqError } & About)
  | FaultEvent;

export interface ConnectionInput extends About {
  readonly line: Line;
  readonly dialer: Dialer;
  readonly greet: Greet;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded: jitter of the back-off. */
  readonly random: () => number;
  readonly parent: Receiver<ConnectionReport>;
  readonly limits: TransportLimits;
  /** Hangs up and closes the line when aborted, also after a crash of the actor, when XState runs nothing any more. */
  readonly scope?: AbortSignal;
}

export interface ConnectionContext extends ConnectionInput {
  /** Failures since the connection was last stable. */
  readonly attempt: number;
  /** First of them, monotonic ms. */
  readonly failingSince: number;
  /** The newest of them. */
  readonly lastError: RocketmqError | undefined;
}

/** What a connection may be asked. */
export interface CloseConnection {
  /** Refuse new calls, let pending ones end within `limits.drainTimeoutMs`, hang up, end. */
  readonly type: 'connection.close';
}

export type ConnectionEvent =
  | CloseConnection
  | { readonly type: 'link.dialed' }
  | { readonly type: 'link.greeted' }
  /** The peer refuses calls from now on (GO_AWAY); those it has taken may still end. `link.lost` follows. */
  | { readonly type: 'link.leaving'; readonly error: RocketmqError }
  | { readonly type: 'link.lost'; readonly error: RocketmqError }
  | { readonly type: 'line.idle' }
  | FaultEvent;

export type ConnectionTag = 'ready' | 'backingOff' | 'draining';
