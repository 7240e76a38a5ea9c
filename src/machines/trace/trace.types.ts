// SPDX-License-Identifier: Apache-2.0
/** What does the trace actor take, know and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** Traces that go out together. */
export interface TraceBatch {
  readonly text: string;
  /** By which they are found: message ids and the messages' own keys, with spaces between. */
  readonly keys: string;
  readonly count: number;
}

/** What the machine needs of the traces that wait, and of the brokers. */
export interface TracePort {
  readonly isEmpty: boolean;
  /** The oldest that wait, as many as one message may hold, are taken out and stored. On failure they are lost. Has its own time limit. */
  sendNext(signal: AbortSignal): Promise<void>;
  /** Nothing more is worth waiting for: all are out, or they cannot be sent. */
  noteEnd(): void;
  /** How many were lost since this was asked last, if it is time to tell. */
  takeLost(): number;
}

export interface TraceInput {
  readonly port: TracePort;
  /** How long a trace may wait for others. Unit: ms. Default 500. */
  readonly interval?: number;
  /** A number from 0 to 1, 1 excluded; for the jitter of pauses. */
  readonly random: () => number;
  /** Monotonic. Unit: ms. */
  readonly now: () => number;
  readonly parent: Receiver<FaultEvent>;
}

export interface TraceContext extends TraceInput {
  readonly failures: number;
  /** When the present outage began. Monotonic ms. */
  readonly failingSince: number;
  readonly lastError: RocketmqError | undefined;
}

export type TraceEvent =
  /** No listener is called any more: what waits goes out now. */
  { readonly type: 'trace.flush' } | FaultEvent;
