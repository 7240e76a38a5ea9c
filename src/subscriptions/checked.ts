// SPDX-License-Identifier: Apache-2.0
/** What is thrown for a topic or selector that brokers would refuse? */
import { SubscriptionError, type SubscriptionProblem } from '../errors/errors.ts';
import { topicProblem } from '../model/names.ts';
import type { Selector } from '../model/subscription.ts';
import { asSelector, checkSelector } from './check-selector.ts';

/** Callers in JavaScript may pass anything. */
export function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string') throw invalid(`a topic is a string, not ${typeof topic}`, {}, 'topic');
  const problem = topicProblem(topic);
  if (problem !== undefined) throw invalid(`topic '${topic}': ${problem}`, { topic }, 'topic');
}

/** A copy of the selector, checked. */
export function checkedSelector(topic: string, value: unknown): Selector {
  const selector = asSelector(value);
  if (selector === undefined)
    throw invalid(`selector of ${topic}: write tag('…') or sql('…')`, { topic }, 'selector');
  const remark = checkSelector(selector);
  if (remark?.severity !== 'problem') return selector;
  throw invalid(`selector of ${topic}: ${remark.text}. ${remark.hint}`, { topic, selector }, 'selector');
}

export function invalid(
  message: string,
  context: Readonly<Record<string, unknown>>,
  problem: SubscriptionProblem,
): SubscriptionError {
  return new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', message, { context, problem });
}
