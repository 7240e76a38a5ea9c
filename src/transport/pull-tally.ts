// SPDX-License-Identifier: Apache-2.0
/** How many pulls of a consumer were answered? One for all its queues. */

export class PullTally {
  /** Answered: with messages, without, or with another offset. */
  succeeded = 0;
  failed = 0;
}
