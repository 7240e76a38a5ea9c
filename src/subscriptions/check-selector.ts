// SPDX-License-Identifier: Apache-2.0
/** Is a selector one that a broker accepts, and does it look like something else than it means? */
import { type Selector, tagsOf } from '../model/subscription.ts';

export interface SelectorRemark {
  /** A problem is refused by brokers; a warning is legal, but probably not what was meant. */
  readonly severity: 'problem' | 'warning';
  readonly text: string;
  readonly hint: string;
}

/** A copy of the selector a value is, so that it cannot change later; undefined when it is none. */
export function asSelector(value: unknown): Selector | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, expression }: Readonly<Record<string, unknown>> = { ...value };
  if ((type !== 'TAG' && type !== 'SQL92') || typeof expression !== 'string') return undefined;
  return Object.freeze({ type, expression });
}

/** What is to be said about a selector; undefined when nothing is. Source: FilterAPI.buildSubscriptionData, protocol.md section 9. */
export function checkSelector({ type, expression }: Selector): SelectorRemark | undefined {
  if (type === 'SQL92') {
    return expression.trim() === ''
      ? {
          severity: 'problem',
          text: 'the SQL expression is empty',
          hint: "Write sql('price > 10'), or leave the selector out.",
        }
      : undefined;
  }
  if (expression === '' || expression === '*') return undefined;
  const tags = tagsOf(expression);
  if (tags.length === 0) {
    return {
      severity: 'problem',
      text: `the tag expression '${expression}' names no tag`,
      hint: "Write tag('paid || shipped'), or tag('*') for all messages.",
    };
  }
  return oddTag(tags);
}

function oddTag(tags: readonly string[]): SelectorRemark | undefined {
  const glob = tags.find(each => /[*?]/.test(each));
  if (glob !== undefined) {
    return {
      severity: 'warning',
      text: `the tag '${glob}' is compared as it stands; * and ? match nothing else`,
      hint: "Name each tag: tag('paid || shipped'); tag('*') alone takes all messages.",
    };
  }
  const joined = tags.find(each => /[|,;&]/.test(each));
  if (joined === undefined) return undefined;
  return {
    severity: 'warning',
    text: `'${joined}' is read as one tag`,
    hint: "Tags are separated by two bars: tag('paid || shipped').",
  };
}
