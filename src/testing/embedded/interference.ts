// SPDX-License-Identifier: Apache-2.0
/** Which rule, if any, decides what happens to a request? The newest that matches and is not used up. */
import type { Interference, ReceivedRequest, RequestMatch, Rule } from './cluster.types.ts';
import { matcherOf } from './request-log.ts';

class ActiveRule implements Rule {
  readonly matches: (request: ReceivedRequest) => boolean;
  readonly what: Interference;
  readonly #times: number;
  readonly #rules: Set<ActiveRule>;
  #applied = 0;

  constructor(match: RequestMatch, what: Interference, times: number, rules: Set<ActiveRule>) {
    this.matches = matcherOf(match);
    this.what = what;
    this.#times = times;
    this.#rules = rules;
  }

  get applied(): number {
    return this.#applied;
  }

  apply(): Interference {
    this.#applied += 1;
    if (this.#applied >= this.#times) this.remove();
    return this.what;
  }

  remove(): void {
    this.#rules.delete(this);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

/** The rules of a cluster. */
export class Interferences {
  readonly #rules = new Set<ActiveRule>();

  /** @throws RocketmqError `RMQ_COMMAND_REFUSED` for a name that no request has */
  add(
    match: RequestMatch,
    what: Interference,
    { times = Number.POSITIVE_INFINITY }: { readonly times?: number } = {},
  ): Rule {
    const rule = new ActiveRule(match, what, times, this.#rules);
    if (times > 0) this.#rules.add(rule);
    return rule;
  }

  /** What is to happen to this request; counts as applied. Undefined: nothing but the usual. */
  take(request: ReceivedRequest): Interference | undefined {
    return [...this.#rules].findLast(rule => rule.matches(request))?.apply();
  }
}
