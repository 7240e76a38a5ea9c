// SPDX-License-Identifier: Apache-2.0

/** Why a queue is given up. */
export type RevokeReason =
  /** The group shared its queues anew. */
  | 'rebalance'
  /** The consumer stops. */
  | 'shutdown'
  /** Somebody else owns it now, as after a time without us: nothing may be committed. */
  | 'lost';
