// SPDX-License-Identifier: Apache-2.0
/** What can a scenario say of a member: its options, what its listener does, and what it is expected to tell? */
import type { ConsumerConfig, ConsumerEvent } from '../../../src/index.ts';

export type EventType = ConsumerEvent['type'];

/** Part of an event: what is named must be equal. Topics and groups by the scenario's names, errors by their fields. */
export type Facts = { readonly [name: string]: string | number | boolean | Facts };

/** Options of a member that are data. */
export type MemberOptions = Omit<
  ConsumerConfig,
  | 'consumerGroup'
  | 'namesrvAddr'
  | 'instanceName'
  | 'subscriptions'
  | 'listener'
  | 'allocateStrategy'
  | 'onQueuesRevoked'
  | 'logLevel'
>;

/** What a listener does with a message. `{}`: it is done at once. */
export interface ListenerBehaviour {
  /** How long it takes. Unit: ms. */
  readonly takesMs?: number;
  readonly fails?: {
    /** Each n-th message: numbers n - 1, 2n - 1, … */
    readonly every: number;
    /** In how many of its deliveries. */
    readonly times: number | 'always';
    /** `ackIndex`: what lies before the failing one in the batch is done. `answer`: an orderly listener suspends its queue. */
    readonly by: 'throw' | 'answer' | 'ackIndex';
    /** RocketMQ's level of the next delivery; -1: straight to the dead letters. Default: the broker decides. */
    readonly delayLevel?: number;
    /** An orderly listener says how long the pause is. Unit: ms. Default: the option. */
    readonly suspendMs?: number;
  };
  /** An orderly listener without autoCommit: SUCCESS, and with each n-th message of all COMMIT. */
  readonly commits?: {
    readonly every: number;
    /** Instead of its first COMMIT it answers ROLLBACK. */
    readonly rollsBackFirst?: boolean;
  };
}
