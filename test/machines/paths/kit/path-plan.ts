// SPDX-License-Identifier: Apache-2.0
/** What does a machine say of itself to be walked along all its paths? Which order its effects keep, and little else. */

/**
 * A sentence on the order of what a chart does, whatever guards answer. It is judged on the names of what happened: an
 * action by its name, an event as `on queue.revoke`, a state as `enter draining` (its path below the root).
 */
export interface PathRule {
  readonly sentence: string;
  /** What the rule is about: none of these may happen … */
  readonly never: readonly string[];
  /** … before one of these has happened, … */
  readonly before?: readonly string[];
  /** … or after one of these. */
  readonly after?: readonly string[];
  /** When one of these happens, what happened before counts no more. */
  readonly until?: readonly string[];
}

/**
 * How one machine is walked. All else is read from the chart: its events, those of timers, invoked actors and children
 * included, and every guard, which is answered both ways.
 * See follow-paths.ts.
 */
export interface PathPlan {
  /** At least one: a path that is only walked proves nothing. */
  readonly rules: readonly PathRule[];
  /** How many guards say yes at one event, at most. Default 2; fewer where parallel states multiply what can be. */
  readonly atOnce?: number;
  /** What an event carries, where a made-up value would not do. By event type. */
  readonly carries?: Readonly<Record<string, object>>;
}
