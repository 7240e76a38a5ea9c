// SPDX-License-Identifier: Apache-2.0
/** How do commands that cannot be carried out read for the user? Pure. */
import { ConsumerError } from '../../errors/errors.ts';
import { type MessageQueue, queueKey } from '../../model/message-queue.ts';
import type { SubscriptionCommand } from './work-command.ts';

/** `state`: the path of the state that refuses it. */
export function commandRefused(consumerGroup: string, command: string, state: string): ConsumerError {
  return new ConsumerError('RMQ_COMMAND_REFUSED', `${consumerGroup} refused ${command} in state ${state}`, {
    context: { command, state },
  });
}

export function notRunning(consumerGroup: string, command: string): ConsumerError {
  const message = `${consumerGroup} has not been started, and cannot carry out ${command}`;
  return new ConsumerError('RMQ_CONSUMER_NOT_RUNNING', message, { context: { command } });
}

export function invalid(command: string, field: string, problem: string): ConsumerError {
  return new ConsumerError('RMQ_COMMAND_INVALID', `${command}: ${field} ${problem}`, {
    context: { command, field },
  });
}

export function notOwned(queue: MessageQueue): ConsumerError {
  const key = queueKey(queue);
  return new ConsumerError('RMQ_QUEUE_NOT_OWNED', `${key} is not among the queues of this consumer`, {
    context: { queue: key },
  });
}

export function notSubscribed(command: string, topic: string): ConsumerError {
  const message = `${command}: topic ${topic} is not subscribed`;
  return new ConsumerError('RMQ_COMMAND_INVALID', message, { context: { command, topic } });
}

export function outOfRange(
  queue: MessageQueue,
  offset: number,
  { min, max }: { readonly min: number; readonly max: number },
): ConsumerError {
  const key = queueKey(queue);
  const message = `offset ${offset} of ${key} is not between ${min}, the first one stored, and ${max}, behind the last`;
  return new ConsumerError('RMQ_OFFSET_OUT_OF_RANGE', message, { context: { queue: key, offset, min, max } });
}

/** The message at `unfinished` is not done. */
export function pastUnfinished(queue: MessageQueue, offset: number, unfinished: number): ConsumerError {
  const key = queueKey(queue);
  const message = `offset ${offset} of ${key} cannot be committed: ${unfinished} is not done`;
  return new ConsumerError('RMQ_OFFSET_OUT_OF_RANGE', message, {
    context: { queue: key, offset, max: unfinished },
  });
}

/** Nobody had answered it, and the next change of the topic goes on from there. */
export function replaced({ type, topic }: SubscriptionCommand): ConsumerError {
  const message = `${type} of ${topic} had not taken effect when a later command took its place`;
  return new ConsumerError('RMQ_COMMAND_REFUSED', message, { context: { command: type, topic } });
}

/** More than these waiting at once are a mistake of the program, and would only grow. */
export const mostWaiting = 10_000;

export function tooMany(consumerGroup: string, command: string): ConsumerError {
  const message = `${consumerGroup} refused ${command}: ${mostWaiting} commands are waiting`;
  return new ConsumerError('RMQ_COMMAND_REFUSED', message, { context: { command, waiting: mostWaiting } });
}
