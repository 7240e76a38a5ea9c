// SPDX-License-Identifier: Apache-2.0
/** Which consumer groups does the broker know? Those that sent a heartbeat, and those it made when first asked for. Source: SubscriptionGroupManager. */
import { isLegalGroup } from './topic-rules.ts';

export class KnownGroups {
  readonly #made = new Set<string>();
  readonly #isMember: (group: string) => boolean;

  /** `isMember`: has the group sent a heartbeat, as the client table knows. */
  constructor(isMember: (group: string) => boolean) {
    this.#isMember = isMember;
  }

  has(group: string): boolean {
    return this.#made.has(group) || this.#isMember(group);
  }

  /** Makes the group if need be, as autoCreateSubscriptionGroup does. @returns false when the name is none for a group */
  admit(group: string): boolean {
    if (this.has(group)) return true;
    if (!isLegalGroup(group)) return false;
    this.#made.add(group);
    return true;
  }
}
