// SPDX-License-Identifier: Apache-2.0
/** What does the orderly listener of a member do? It suspends what is to fail; without autoCommit it commits or rolls back in between. */
import type { MessageBatch, OrderlyAnswer, OrderlyContext } from '../../../src/index.ts';
import {
  failure,
  type Handled,
  handlerOf,
  type ListenerOwner,
  type ScenarioDelivery,
  shardingKeyOf,
} from './listener.ts';

/** What is committed together. */
export interface OrderlyOwner extends ListenerOwner {
  readonly orderBy: 'queue' | 'shardingKey';
}

const suspend = 'SUSPEND_CURRENT_QUEUE_A_MOMENT';

/** The listener of a member, as `orderly` takes it. What is kept uncommitted is told with its COMMIT or ROLLBACK. */
export function scenarioOrderlyListener(
  owner: OrderlyOwner,
): (messages: MessageBatch, context: OrderlyContext) => Promise<OrderlyAnswer> {
  const handle = handlerOf(owner);
  const transactions = new Transactions(owner);
  return async (messages, context) => {
    const handled = await handle(messages, context);
    const { fails, commits } = handled.behaviour;
    if (handled.firstBad >= 0) {
      owner.note(handled.told(() => false, true));
      if (fails?.suspendMs !== undefined) context.suspendTimeMillis = fails.suspendMs;
      if (fails?.by === 'answer') return suspend;
      throw failure(messages, handled.firstBad);
    }
    if (commits === undefined) {
      owner.note(handled.told(() => true));
      return undefined;
    }
    context.autoCommit = false;
    return transactions.answer(handled, commits, transactions.laneOf(messages, context));
  };
}

/** Deliveries that ended well and are not committed, by what is committed together. */
class Transactions {
  readonly #owner: OrderlyOwner;
  readonly #kept = new Map<string, readonly Handled[]>();
  #rolledBack = false;
  #calls = 0;

  constructor(owner: OrderlyOwner) {
    this.#owner = owner;
  }

  laneOf([first]: MessageBatch, { queue }: OrderlyContext): string {
    const place = `${queue.topic}@${queue.brokerName}#${queue.queueId}`;
    return this.#owner.orderBy === 'queue' ? place : `${place} ${shardingKeyOf(first)}`;
  }

  answer(
    handled: Handled,
    { every, rollsBackFirst = false }: { readonly every: number; readonly rollsBackFirst?: boolean },
    lane: string,
  ): OrderlyAnswer {
    this.#calls += 1;
    const kept = [...(this.#kept.get(lane) ?? []), handled];
    if (this.#calls % every !== 0) {
      this.#kept.set(lane, kept);
      return 'SUCCESS';
    }
    const isCommitted = this.#rolledBack || !rollsBackFirst;
    this.#rolledBack = true;
    this.#kept.delete(lane);
    this.#owner.note(kept.flatMap((each): readonly ScenarioDelivery[] => each.told(() => isCommitted)));
    return isCommitted ? 'COMMIT' : 'ROLLBACK';
  }
}
