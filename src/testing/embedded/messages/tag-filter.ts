// SPDX-License-Identifier: Apache-2.0
/** Which messages does a subscription want, judged as a broker does: by the hash of the tag? protocol.md section 9. */
import { javaHashCode } from '../../../model/java-hash.ts';
import type { SubscriptionData } from '../../../model/subscription.ts';

/** Is a message with this hash of its tag wanted? Hashes collide, so clients look again. */
export type TagFilter = (tagsCode: number) => boolean;

const everything: TagFilter = () => true;

/** What a queue files a message under: the hash of the whole TAGS value, 0 without one. Source: tagsString2tagsCode. */
export function tagsCodeOf(tags: string | undefined): number {
  return tags === undefined || tags === '' ? 0 : javaHashCode(tags);
}

/** The filter of a subscription told by heartbeat. Source: ExpressionMessageFilter.isMatchedByConsumeQueue. */
export function subscriptionFilter(subscription: Pick<SubscriptionData, 'subString' | 'codeSet'>): TagFilter {
  if (subscription.subString === '*') return everything;
  const codes = new Set(subscription.codeSet);
  return tagsCode => codes.has(tagsCode);
}

/**
 * The filter of a tag expression that came with a pull; undefined when it holds nothing but bars.
 * Unlike `*`, blanks between bars want nothing at all. Source: FilterAPI.buildSubscriptionData.
 */
export function expressionFilter(expression: string | undefined): TagFilter | undefined {
  if (expression === undefined || expression === '' || expression === '*') return everything;
  if (/^(?:\|\|)+$/.test(expression)) return undefined;
  const tags = expression.split('||').map(part => part.trim());
  return subscriptionFilter({
    subString: expression,
    codeSet: tags.filter(tag => tag !== '').map(javaHashCode),
  });
}
