// SPDX-License-Identifier: Apache-2.0
/** Is a failed message delivered again, and when, or is it a dead letter, or let go of? Pure. protocol.md section 7.3. */
import type { RetryPolicy } from '../../config/retry-policy.ts';
import { ConsumerError, type RocketmqError, toError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import type { DeadLetterReason, SendBackJob, Way } from './send-back-job.ts';

export interface RetryRules {
  /** What an orderly listener hands back has failed for the last time. */
  readonly isOrderly: boolean;
  /** Dead when it was stored with that many attempts. Never negative. */
  readonly maxReconsumeTimes: number;
  readonly retryPolicy: RetryPolicy | undefined;
}

export interface Decision {
  readonly way: Way;
  /** What is wrong with the retryPolicy; the broker decides in its place. */
  readonly error?: RocketmqError;
}

/** The broker's first retry has delay level 3 (10 s), each further one the next. */
const firstRetryLevel = 3;
/** Brokers take a higher one for this. */
const highestLevel = 18;

const leftToBroker: Way = { kind: 'retry', delayLevel: 0 };

/** The level a handler set counts, then the retryPolicy. */
export function decide(job: SendBackJob, rules: RetryRules): Decision {
  const { message, delayLevel } = job.failed;
  if (rules.isOrderly) return { way: dead('maxReconsumeTimes') };
  const decision = delayLevel !== 0 ? { way: wayOfLevel(delayLevel) } : askPolicy(job, rules.retryPolicy);
  const isLast = message.reconsumeTimes >= rules.maxReconsumeTimes;
  return isLast && decision.way.kind === 'retry' ? { ...decision, way: dead('maxReconsumeTimes') } : decision;
}

/** The level a broker uses for a message that was stored with so many attempts; `asked` 0: its choice. */
export function levelAtBroker(asked: number, attempts: number): number {
  return Math.min(asked > 0 ? asked : firstRetryLevel + attempts, highestLevel);
}

/** What is done when deciding itself failed: as the handler said. */
export function undecided({ failed }: SendBackJob): Way {
  return wayOfLevel(failed.delayLevel);
}

function wayOfLevel(delayLevel: number): Way {
  return delayLevel < 0 ? dead('listener') : { kind: 'retry', delayLevel };
}

function dead(reason: DeadLetterReason): Way {
  return { kind: 'deadLetter', reason };
}

function askPolicy(job: SendBackJob, policy: RetryPolicy | undefined): Decision {
  if (policy === undefined) return { way: leftToBroker };
  const { message, error } = job.failed;
  let answer: unknown;
  try {
    answer = policy(error?.cause ?? error, message.reconsumeTimes + 1, message);
  } catch (thrown) {
    return { way: leftToBroker, error: policyFailed(job, `threw: ${toError(thrown).message}`, thrown) };
  }
  const way = wayOfAnswer(answer);
  if (way !== undefined) return { way };
  if (answer instanceof Promise) answer.catch(() => {}); // told below; its rejection must not end the process
  return { way: leftToBroker, error: policyFailed(job, `answered ${shown(answer)}`) };
}

function wayOfAnswer(answer: unknown): Way | undefined {
  if (answer === undefined) return leftToBroker;
  if (answer === 'deadLetter') return dead('retryPolicy');
  if (answer === 'drop') return { kind: 'drop' };
  const isLevel = Number.isInteger(answer) && Number(answer) >= 0 && Number(answer) <= highestLevel;
  return isLevel ? { kind: 'retry', delayLevel: Number(answer) } : undefined;
}

function policyFailed({ queue, failed }: SendBackJob, what: string, cause?: unknown): ConsumerError {
  const { msgId, queueOffset } = failed.message;
  const where = `message ${msgId} at ${queueKey(queue)}:${queueOffset}`;
  return new ConsumerError(
    'RMQ_HOOK_FAILED',
    `retryPolicy ${what} for ${where}; levels are whole numbers from 0 to ${highestLevel}, the broker decides instead`,
    { context: { queue: queueKey(queue), queueOffset, msgId }, ...(cause !== undefined && { cause }) },
  );
}

function shown(answer: unknown): string {
  if (answer instanceof Promise) return 'a promise';
  if (answer === null || typeof answer === 'number') return String(answer);
  return typeof answer === 'string' ? `'${answer.slice(0, 40)}'` : `a ${typeof answer}`;
}
