// SPDX-License-Identifier: Apache-2.0
/** Who tells brokers about this consumer, and notes which of its selectors each of them has heard? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { Address } from '../../model/route.ts';
import type { HeartbeatData } from '../../protocol/bodies/heartbeat.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import type { ToldVersions } from '../../subscriptions/told-versions.ts';
import { type BrokerCalls, beat } from '../../transport/broker-calls.ts';
import { heartbeatOf } from './heartbeat-data.ts';

type Caller = Parameters<typeof beat>[0];
type CallOptions = Parameters<typeof beat>[2];

export interface GreetingsOptions {
  readonly config: ResolvedConfig;
  readonly subscriptions: SubscriptionManager;
  readonly told: ToldVersions;
  readonly calls: Pick<BrokerCalls, 'heartbeat'>;
}

export class Greetings {
  readonly #options: GreetingsOptions;

  constructor(options: GreetingsOptions) {
    this.#options = options;
  }

  /** What the next heartbeat says. */
  heartbeat(): HeartbeatData {
    const { config, subscriptions } = this.#options;
    return heartbeatOf(config, subscriptions);
  }

  /** Over a connection that is open. */
  async tell(address: Address, options: CallOptions): Promise<void> {
    const data = this.heartbeat();
    await this.#options.calls.heartbeat(address, data, options);
    this.#note(address, data);
  }

  /** Over one that is being opened, where nothing else may come first. */
  async greet(caller: Caller, options: CallOptions): Promise<void> {
    const data = this.heartbeat();
    await beat(caller, data, options);
    this.#note(caller.address, data);
  }

  #note(address: Address, { consumerDataSet }: HeartbeatData): void {
    for (const { subscriptionDataSet } of consumerDataSet)
      this.#options.told.note(address, subscriptionDataSet);
  }
}
