// SPDX-License-Identifier: Apache-2.0
/** How much may wait, and how long, on the way to one peer? Nothing in the transport grows or waits without one of these. */

export interface TransportLimits {
  /** Largest frame accepted, with its length prefix. Unit: bytes. Default 16 MiB, the Java decoder's. */
  readonly maxFrameSize: number;
  /** Calls waiting for a connection, per address. Default 4096: several for each of 1024 queues. */
  readonly maxWaitingCalls: number;
  /** Bytes of those calls. Unit: bytes. Default 16 MiB. */
  readonly maxWaitingBytes: number;
  /** Calls written and not yet answered, per connection. Default 65536. */
  readonly maxPendingCalls: number;
  /** Bytes a slow peer has not taken yet, before further calls are refused. Unit: bytes. Default 16 MiB. */
  readonly maxQueuedBytes: number;
  /** A peer that owes answers and sent nothing for so long is hung up on when a call times out. Unit: ms. Default 10000. */
  readonly deafAfterMs: number;
  /** Unit: ms. Default 3000, as the Java client. */
  readonly dialTimeoutMs: number;
  /** Longest greeting (a heartbeat at brokers) of a new connection. Unit: ms. Default 5000. */
  readonly greetTimeoutMs: number;
  /** How long a closing connection waits for its pending calls. Unit: ms. Default 1000. */
  readonly drainTimeoutMs: number;
  /** A connection that stayed ready for so long ends the outage before it: back-off starts anew. Unit: ms. Default 10000. */
  readonly stableAfterMs: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: TransportLimits = {
  maxFrameSize: 16 * mebibyte,
  maxWaitingCalls: 4096,
  maxWaitingBytes: 16 * mebibyte,
  maxPendingCalls: 65_536,
  maxQueuedBytes: 16 * mebibyte,
  deafAfterMs: 10_000,
  dialTimeoutMs: 3000,
  greetTimeoutMs: 5000,
  drainTimeoutMs: 1000,
  stableAfterMs: 10_000,
};
