// SPDX-License-Identifier: Apache-2.0
/** What did the listener mean by its answer? design.md section 1, table of results. */
import { ConsumeResult } from '../model/consume-result.ts';

export type Verdict = 'done' | 'later' | 'notAResult';

export function verdictOf(answer: unknown): Verdict {
  if (answer === undefined || answer === ConsumeResult.SUCCESS) return 'done';
  return answer === ConsumeResult.RECONSUME_LATER ? 'later' : 'notAResult';
}

export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if ((typeof answer !== 'object' && typeof answer !== 'function') || answer === null) return false;
  return 'then' in answer && typeof answer.then === 'function';
}
