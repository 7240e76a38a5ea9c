// SPDX-License-Identifier: Apache-2.0
/** How do internal facts read for the user: as public events and as errors? Pure. */
import { ConsumerError, RocketmqError } from '../../errors/errors.ts';
import type { ThrottleCause } from '../../flow/flow-gate.ts';
import { assertNever } from '../../model/assert-never.ts';
import { commandRefused as refusedIn } from '../commands/refusals.ts';
import type { QueueReport } from '../queue/queue.types.ts';
import type { RouteLoss } from '../routes/routes.types.ts';
import type { SendBackReport } from '../send-back/send-back.types.ts';
import type { ConsumerContext } from './consumer.context.ts';
import { pathOf } from './consumer.logic.ts';
import type { ConsumerCommand, ConsumerEvent, StepReport } from './consumer.types.ts';

type Throttled = Extract<QueueReport, { type: 'queue.throttled' }>;
type Returned = Extract<SendBackReport, { type: 'message.returned' }>;

type FlowScope = Extract<ConsumerEvent, { type: 'flow.closed' }>['scope'];

/** Whose limit it is. */
const scopes: Readonly<Record<ThrottleCause, FlowScope>> = {
  countOfQueue: 'queue',
  sizeOfQueue: 'queue',
  spanOfQueue: 'queue',
  uncommittedOfQueue: 'queue',
  countOfTopic: 'topic',
  sizeOfTopic: 'topic',
  countOfAll: 'all',
  sizeOfAll: 'all',
  rate: 'all',
};

export function flowClosed({ queue, cause }: Throttled): ConsumerEvent {
  return { type: 'flow.closed', scope: scopes[cause], cause, queue };
}

/** What a failed message has become. */
export function returned({ queue, msgId, attempt, way }: Returned): ConsumerEvent {
  switch (way.kind) {
    case 'retry':
      return { type: 'message.retried', queue, msgId, attempt, delayLevel: way.delayLevel };
    case 'deadLetter':
      return { type: 'message.deadLettered', queue, msgId, reason: way.reason };
    case 'drop':
      return { type: 'message.dropped', queue, msgId, attempt };
    default:
      return assertNever(way);
  }
}

export function topicNotFound(topic: string): ConsumerError {
  return new ConsumerError('RMQ_TOPIC_NOT_FOUND', `no name server knows topic ${topic}; it is asked again`, {
    context: { topic },
  });
}

/** The queues of a topic on some brokers are given up for good. */
export function routeLost({ topic, brokerNames, why }: RouteLoss): ConsumerError {
  const brokers = brokerNames.join(', ');
  const context = { topic, brokerNames };
  if (why === 'deleted') {
    const message = `topic ${topic} was deleted: ${brokers} has it no more; its queues there are given up, and it is asked for again`;
    return new ConsumerError('RMQ_TOPIC_DELETED', message, { context });
  }
  const message = `no route of ${topic} names ${brokers} any more, and nothing is heard of it; its queues there are given up`;
  return new ConsumerError('RMQ_BROKER_REMOVED', message, { context });
}

/** A command that came when the consumer was stopping or stopped. `state`: as XState writes it. */
export function commandRefused(
  consumerGroup: string,
  command: ConsumerCommand['type'],
  state: unknown,
): ConsumerError {
  return refusedIn(consumerGroup, command, pathOf(state));
}

/** The first of several failures, each kept in the context. */
export function firstError(failures: readonly { readonly error: RocketmqError }[]): RocketmqError {
  return failures[0]?.error ?? new RocketmqError('RMQ_INTERNAL', 'a failure was reported without an error');
}

/** The last thing that went wrong names host and port; it is the cause, and part of the message. */
export function startTimedOut({ parts, lastStartError }: ConsumerContext): ConsumerError {
  const { startTimeout, namesrvAddr, consumerGroup } = parts.get().config;
  const why = lastStartError === undefined ? 'nothing answered' : lastStartError.message;
  const message = `${consumerGroup} was not running after ${startTimeout} ms (name servers ${namesrvAddr.join(', ')}): ${why}`;
  return new ConsumerError('RMQ_START_TIMEOUT', message, {
    cause: lastStartError,
    context: { startTimeout, namesrvAddr },
  });
}

interface Flushed {
  readonly uncommitted: readonly { readonly error: RocketmqError }[];
}

export function flushOutcome({ uncommitted }: Flushed): {
  readonly step: 'persisting';
  readonly outcome: StepReport['outcome'];
  readonly error?: RocketmqError;
} {
  const [first] = uncommitted;
  if (first === undefined) return { step: 'persisting', outcome: 'done' };
  return { step: 'persisting', outcome: 'failed', error: first.error };
}
