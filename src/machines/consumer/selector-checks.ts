// SPDX-License-Identifier: Apache-2.0
/** Would brokers take our SQL92 selectors (46)? With one they cannot read, the whole group would get nothing, or everything. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { SubscriptionError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import { type Selector, subscriptionData } from '../../model/subscription.ts';
import type { ClientConfig } from '../../protocol/bodies/check-client-config.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import { checkSelector } from '../../transport/broker-calls.ts';
import type { Caller } from '../../transport/call.ts';

export interface SelectorChecksOptions {
  readonly config: ResolvedConfig;
  readonly subscriptions: SubscriptionManager;
  readonly calls: Pick<BrokerCalls, 'checkSelector'>;
}

export class SelectorChecks {
  readonly #options: SelectorChecksOptions;
  /** By topic the expression a broker has had its say about. */
  readonly #judged = new Map<string, string>();

  constructor(options: SelectorChecksOptions) {
    this.#options = options;
  }

  /**
   * Before the heartbeat of a new connection: the selectors no broker has judged yet. The first word about one counts.
   * @throws SubscriptionError `RMQ_SELECTOR_REFUSED`
   */
  async greet(caller: Caller, signal: AbortSignal): Promise<void> {
    const { config, subscriptions } = this.#options;
    const options = { timeoutMs: config.consumerTimeoutMillisOfRequest, signal };
    for (const topic of subscriptions.getTopics()) {
      const selector = subscriptions.get(topic)?.selector;
      if (selector?.type === 'SQL92' && this.#judged.get(topic) !== selector.expression)
        await this.#judge(topic, selector, question => checkSelector(caller, question, options));
    }
  }

  /**
   * Asks the brokers in turn until one answers; without any the next one that is greeted is asked.
   * @throws SubscriptionError `RMQ_SELECTOR_REFUSED`; the last failure when none answered
   */
  async ask(
    topic: string,
    selector: Selector,
    { addresses, signal }: { readonly addresses: readonly Address[]; readonly signal: AbortSignal },
  ): Promise<void> {
    const { config, calls } = this.#options;
    const options = { timeoutMs: config.consumerTimeoutMillisOfRequest, signal };
    let failure: { readonly thrown: unknown } | undefined;
    for (const address of addresses) {
      try {
        await this.#judge(topic, selector, question => calls.checkSelector(address, question, options));
        return;
      } catch (thrown) {
        if (isRefusal(thrown)) throw thrown;
        failure = { thrown };
      }
    }
    if (failure !== undefined) throw failure.thrown;
  }

  async #judge(
    topic: string,
    selector: Selector,
    ask: (question: ClientConfig) => Promise<void>,
  ): Promise<void> {
    try {
      await ask(this.#question(topic, selector));
      this.#judged.set(topic, selector.expression);
    } catch (thrown) {
      if (isRefusal(thrown)) this.#judged.set(topic, selector.expression);
      throw thrown;
    }
  }

  #question(topic: string, selector: Selector): ClientConfig {
    const { config, subscriptions } = this.#options;
    return {
      clientId: config.clientId,
      group: config.consumerGroup,
      subscriptionData: subscriptionData(topic, selector, subscriptions.version),
    };
  }
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof SubscriptionError;
}
