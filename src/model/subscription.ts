// SPDX-License-Identifier: Apache-2.0
/** What does a consumer want of a topic, in the user's form (selector) and in the wire's (subscription data)? */
import { javaHashCode } from './java-hash.ts';

/** What a selector is written in. Source: ExpressionType. */
export type ExpressionType = 'TAG' | 'SQL92';

/** Which messages of a topic are wanted. Made by {@link tag} or {@link sql}. Source: MessageSelector. */
export interface Selector {
  readonly type: ExpressionType;
  readonly expression: string;
}

/**
 * Messages with one of the tags: `tag('paid || shipped')`; `tag('*')` takes all.
 * @example createConsumer({ subscriptions: [{ topic: 'orders', selector: tag('paid || shipped') }] }, listener);
 */
export function tag(expression: string): Selector {
  return { type: 'TAG', expression };
}

/**
 * Messages whose properties match: `sql("price > 10 AND region = 'eu'")`. The broker needs enablePropertyFilter=true.
 * @example createConsumer({ subscriptions: [{ topic: 'orders', selector: sql('price > 10') }] }, listener);
 */
export function sql(expression: string): Selector {
  return { type: 'SQL92', expression };
}

export const everything: Selector = tag('*');

/** One topic's subscription as heartbeats carry it. Source: SubscriptionData, protocol.md sections 5.3 and 9. */
export interface SubscriptionData {
  readonly topic: string;
  readonly subString: string;
  readonly tagsSet: readonly string[];
  /** Java String.hashCode of each tag: what the broker filters by. */
  readonly codeSet: readonly number[];
  /** When it last changed. Unit: ms since 1970. A broker that knows an older one answers code 25. */
  readonly subVersion: number;
  readonly expressionType: ExpressionType;
}

/** Source: FilterAPI.buildSubscriptionData. An expression of bars only is refused before (config). */
export function subscriptionData(topic: string, selector: Selector, subVersion: number): SubscriptionData {
  const tagsSet = selector.type === 'TAG' ? tagsOf(selector.expression) : [];
  return {
    topic,
    subString: selector.expression === '' ? '*' : selector.expression,
    tagsSet,
    codeSet: tagsSet.map(javaHashCode),
    subVersion,
    expressionType: selector.type,
  };
}

/** The tags of an expression; none means all messages. */
export function tagsOf(expression: string): readonly string[] {
  if (expression === '*' || expression === '') return [];
  const tags = expression.split('||').map(part => part.trim());
  return [...new Set(tags.filter(part => part !== ''))];
}
