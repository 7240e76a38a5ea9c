// SPDX-License-Identifier: Apache-2.0
/** Which class does an error have? All share a code of the error table; callers branch on `code` or `retry`. */
import { type ErrorCode, type ErrorKind, errorTable, type RetryAdvice } from './error-table.ts';

/** The things and numbers that the text of an error names. */
export type ErrorContext = Readonly<Record<string, unknown>>;

export interface ErrorDetails {
  readonly context?: ErrorContext;
  readonly cause?: unknown;
}

/**
 * Every error of this library.
 * @example if (error instanceof RocketmqError && error.retry === 'later') scheduleAgain();
 */
export class RocketmqError extends Error {
  override readonly name: string = 'RocketmqError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly retry: RetryAdvice;
  /** What the reader can do about it. */
  readonly hint: string;
  /** The things and numbers the message names, for programs. */
  readonly context: ErrorContext;
  /** Where it is described, inside the package: `docs/errors.md#rmq_topic_not_found`. */
  readonly docs: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    const row = errorTable[code];
    this.code = code;
    this.kind = row.kind;
    this.retry = row.retry;
    this.hint = row.hint;
    this.context = details.context ?? {};
    this.docs = docsOf(code);
  }

  /** What a log or an answer may show: no cause, no context, no stack. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { name, code, message, hint, retry, docs } = this;
    return { name, code, message, hint, retry, docs };
  }
}

/** The heading of a code in docs/errors.md. */
export function docsOf(code: ErrorCode): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}

/** One thing wrong with a config. */
export interface ConfigProblem {
  /** Option name, or a path such as `subscriptions[0].topic`. */
  readonly option: string;
  readonly problem: string;
  readonly hint?: string;
}

/**
 * Thrown before anything is started; lists every problem at once.
 * @example if (error instanceof ConfigError) for (const { option, problem } of error.problems) console.error(option, problem);
 */
export class ConfigError extends RocketmqError {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(each => `  ${problemLine(each)}`);
    const what = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super('RMQ_CONFIG_INVALID', `the consumer config has ${what}:\n${lines.join('\n')}`, {
      context: { problems },
    });
    this.problems = problems;
  }
}

/** A problem as one line: `namesrvAddr: 'a' is not host:port (Add the port, usually ':9876'.)`. */
export function problemLine({ option, problem, hint }: ConfigProblem): string {
  return `${option}: ${problem}${hint === undefined ? '' : ` (${hint})`}`;
}

/**
 * The consumer could not do what was asked of it.
 * @example if (error instanceof ConsumerError) console.error(error.code, error.docs);
 */
export class ConsumerError extends RocketmqError {
  override readonly name: string = 'ConsumerError';
}

/**
 * A peer could not be reached, or did not answer in time.
 * @example if (error instanceof ConnectionError) console.error(error.context['address'], error.hint);
 */
export class ConnectionError extends RocketmqError {
  override readonly name: string = 'ConnectionError';
}

/**
 * A peer sent bytes that could not be understood.
 * @example if (error instanceof ProtocolError) console.error(error.message, error.cause);
 */
export class ProtocolError extends RocketmqError {
  override readonly name: string = 'ProtocolError';
}

/**
 * A peer answered a request with a failure code.
 * @example if (error instanceof BrokerError) console.log(error.responseCode, error.remark);
 */
export class BrokerError extends RocketmqError {
  override readonly name: string = 'BrokerError';
  /** RocketMQ's response code, protocol.md section 2. */
  readonly responseCode: number;
  readonly remark: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    answer: { readonly responseCode: number; readonly remark: string | undefined },
    details: ErrorDetails = {},
  ) {
    super(code, message, { ...details, context: { ...details.context, ...answer } });
    this.responseCode = answer.responseCode;
    this.remark = answer.remark;
  }
}

/**
 * What is wrong about a subscription, by the original's classes: InvalidTopicError, InvalidSelectorError,
 * TopicNotSubscribedError, SubscriptionConflictError, SubscriptionLimitExceededError, SubscriptionDataError.
 */
export type SubscriptionProblem = 'topic' | 'selector' | 'notSubscribed' | 'conflict' | 'limit' | 'data';

const problemOfCode: Readonly<Partial<Record<ErrorCode, SubscriptionProblem>>> = {
  RMQ_SELECTOR_REFUSED: 'selector',
  RMQ_SUBSCRIPTION_CONFLICT: 'conflict',
};

/**
 * A topic or selector is wrong, or members of the group disagree.
 * @example if (error instanceof SubscriptionError && error.problem === 'selector') console.error(error.message);
 */
export class SubscriptionError extends RocketmqError {
  override readonly name: string = 'SubscriptionError';
  readonly problem: SubscriptionProblem;

  /** `problem`: by default what the code says, else `'data'`. */
  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { readonly problem?: SubscriptionProblem } = {},
  ) {
    super(code, message, details);
    this.problem = details.problem ?? problemOfCode[code] ?? 'data';
  }
}

/** Anything thrown, as an Error. Never throws itself, whatever was thrown. */
export function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
  } catch {
    return new Error('something was thrown that cannot be shown', { cause: thrown }); // a revoked proxy, an object without toString
  }
}

/** Anything thrown, as one of ours: what is already typed stays as it is. */
export function toRocketmqError(thrown: unknown, fallback: ErrorCode = 'RMQ_INTERNAL'): RocketmqError {
  if (thrown instanceof RocketmqError) return thrown;
  return new RocketmqError(fallback, toError(thrown).message, { cause: thrown });
}
