// SPDX-License-Identifier: Apache-2.0
/** What does the consumer itself do with commands: hand them on, carry them out before the start, or refuse them? */
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { type CommandTicket, onceOnly } from '../../model/command-ticket.ts';
import { sameQueue } from '../../model/message-queue.ts';
import { problemOf } from '../commands/commands.logic.ts';
import type { CommandsReport } from '../commands/commands.types.ts';
import { isPaused } from '../commands/pauses.ts';
import { commandRefused, notOwned, notRunning, notSubscribed } from '../commands/refusals.ts';
import type { SubscriptionCommand, Ticketed, WorkCommand } from '../commands/work-command.ts';
import type { Receiver } from '../shared/refs.ts';
import type { Children } from './consumer.actors.ts';
import type { ConsumerContext } from './consumer.context.ts';

type Given = Ticketed<WorkCommand>;
type Self = Receiver<Extract<CommandsReport, { readonly type: 'command.refused' }>>;
type PauseDecided = Extract<CommandsReport, { readonly type: 'pause.decided' }>;

/** Whoever waits for the command; when nobody does, a refusal is at least told. */
export function ticketOf({ ticket }: Given, self: Self): CommandTicket {
  return onceOnly(
    ticket ?? { done: () => {}, refused: error => self.send({ type: 'command.refused', error }) },
  );
}

export function passCommand(command: Given, { commands }: Children, self: Self, group: string): void {
  const ticket = ticketOf(command, self);
  if (commands === undefined)
    ticket.refused(commandRefused(group, command.type, 'stopping')); // it has just died
  else commands.send({ type: 'command.given', command, ticket });
}

/** Before the start there is nobody to tell. */
export function subscribeNow(
  { parts }: Pick<ConsumerContext, 'parts'>,
  command: Ticketed<SubscriptionCommand>,
  self: Self,
): void {
  const ticket = ticketOf(command, self);
  try {
    parts.get().subscribing.applyNow(command);
  } catch (thrown) {
    ticket.refused(toRocketmqError(thrown));
    return;
  }
  ticket.done();
}

export function refuseNotRunning(group: string, command: Given, self: Self): void {
  ticketOf(command, self).refused(problemOf(command) ?? notRunning(group, command.type));
}

/** Nobody could say later why a queue he named is not paused; but what comes and goes may be named once it was here. */
export function pauseProblem(
  context: Pick<ConsumerContext, 'assignedQueues' | 'pauses' | 'parts'>,
  { choice, paused }: PauseDecided,
): RocketmqError | undefined {
  const { queue, topic } = choice;
  if (queue !== undefined) {
    const isKnown =
      context.assignedQueues.some(each => sameQueue(each.queue, queue)) || isPaused(context.pauses, queue);
    return isKnown ? undefined : notOwned(queue);
  }
  if (context.parts.get().isSubscribed(topic) || context.pauses.topics.has(topic)) return undefined;
  return notSubscribed(paused ? 'queue.pause' : 'queue.resume', topic);
}

/** The queues of this consumer, seen with another wish. */
export function viewsOf(
  { assignedQueues, parts }: Pick<ConsumerContext, 'assignedQueues' | 'parts'>,
  pauses: ConsumerContext['pauses'],
): ConsumerContext['assignedQueues'] {
  return assignedQueues.map(({ queue }) => parts.get().viewOf(queue, isPaused(pauses, queue)));
}
