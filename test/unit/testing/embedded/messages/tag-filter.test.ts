// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { subscriptionData, tag } from '../../../../../src/model/subscription.ts';
import {
  expressionFilter,
  subscriptionFilter,
  tagsCodeOf,
} from '../../../../../src/testing/embedded/messages/tag-filter.ts';

function wanted(expression: string | undefined, ...tags: readonly (string | undefined)[]) {
  const filter = expressionFilter(expression);
  return tags.filter(each => filter?.(tagsCodeOf(each)));
}

describe('a tag filter', () => {
  it('lets everything through for *, for nothing and for the empty text', () => {
    for (const all of ['*', undefined, ''])
      expect(wanted(all, 'paid', undefined)).toEqual(['paid', undefined]);
  });

  it('lets through the tags of its expression, and no message without a tag', () => {
    expect(wanted(' paid || shipped ', 'paid', 'shipped', 'open', undefined)).toEqual(['paid', 'shipped']);
  });

  it('judges by hash: a tag with the same hash passes, as it does in a real broker', () => {
    expect(wanted('Aa', 'Aa', 'BB', 'Bb')).toEqual(['Aa', 'BB']);
  });

  it('is none when the expression holds nothing but bars', () => {
    expect(expressionFilter('||')).toBeUndefined();
    expect(expressionFilter('||||')).toBeUndefined();
  });

  it('wants nothing when there are only blanks between the bars', () => {
    expect(wanted(' || ', 'paid', undefined)).toEqual([]);
  });

  it('of a heartbeat goes by the hashes told, not by the text', () => {
    const told = { ...subscriptionData('orders', tag('paid'), 1), codeSet: [tagsCodeOf('open')] };
    const filter = subscriptionFilter(told);
    expect([filter(tagsCodeOf('paid')), filter(tagsCodeOf('open'))]).toEqual([false, true]);
  });
});
