// SPDX-License-Identifier: Apache-2.0
/** Why is a queue given up? */
export type RevokeReason =
  /** The group shared its queues anew. */
  | 'rebalance'
  /** The consumer stops. */
  | 'shutdown'
  /** Somebody else owns it now, as after a time without us: nothing may be committed. */
  | 'lost'
  /** No route names it as readable any more: fewer queues, other permissions, its broker removed. What is done is committed if the broker answers. */
  | 'unrouted'
  /** Its topic was deleted, its broker says so itself: there is nothing left to commit. */
  | 'deleted';
