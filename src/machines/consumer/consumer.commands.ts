// SPDX-License-Identifier: Apache-2.0
/** What does the consumer itself do with commands: hand them on, carry them out before the start, or refuse them? The actions of its chart. */
import { assign } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { type CommandTicket, onceOnly } from '../../model/command-ticket.ts';
import { type MessageQueue, sameQueue } from '../../model/message-queue.ts';
import { problemOf } from '../commands/commands.logic.ts';
import type { CommandsReport } from '../commands/commands.types.ts';
import { isPaused, withoutTopic, withPause } from '../commands/pauses.ts';
import { commandRefused, notOwned, notRunning, notSubscribed } from '../commands/refusals.ts';
import type { SeekDecided } from '../commands/seek.types.ts';
import type { PauseCommand, SubscriptionCommand, Ticketed, WorkCommand } from '../commands/work-command.ts';
import type { Receiver } from '../shared/refs.ts';
import { safe } from '../shared/safe.ts';
import {
  type Children,
  childrenOf,
  refuseOrphans,
  shardOf,
  tellCommands,
  tellShards,
} from './consumer.actors.ts';
import { withChildren } from './consumer.children.ts';
import type { ConsumerContext } from './consumer.context.ts';

type Given = Ticketed<WorkCommand>;
type Self = Receiver<Extract<CommandsReport, { readonly type: 'command.refused' }>>;
type PauseDecided = Extract<CommandsReport, { readonly type: 'pause.decided' }>;

/** Whoever waits for the command; when nobody does, a refusal is at least told. */
function ticketOf({ ticket }: Given, self: Self): CommandTicket {
  return onceOnly(
    ticket ?? { done: () => {}, refused: error => self.send({ type: 'command.refused', error }) },
  );
}

function passCommand(command: Given, { commands }: Children, self: Self, group: string): void {
  const ticket = ticketOf(command, self);
  if (commands === undefined)
    ticket.refused(commandRefused(group, command.type, 'stopping')); // it has just died
  else commands.send({ type: 'command.given', command, ticket });
}

/** Before the start there is nobody to tell. */
function subscribeNow(
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

function refuseNotRunning(group: string, command: Given, self: Self): void {
  ticketOf(command, self).refused(problemOf(command) ?? notRunning(group, command.type));
}

/** Nobody could say later why a queue he named is not paused; but what comes and goes may be named once it was here. */
function pauseProblem(
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
function viewsOf(
  { assignedQueues, parts }: Pick<ConsumerContext, 'assignedQueues' | 'parts'>,
  pauses: ConsumerContext['pauses'],
): ConsumerContext['assignedQueues'] {
  return assignedQueues.map(({ queue }) => parts.get().viewOf(queue, isPaused(pauses, queue)));
}

export const withCommands = withChildren.extend({
  actions: {
    openCommands: safe(({ self }) => tellCommands(self, { type: 'commands.open' })),
    holdCommands: safe(({ self }) => tellCommands(self, { type: 'commands.hold' })),
    closeCommands: safe(({ self }) => tellCommands(self, { type: 'commands.close' })),
    passCommand: safe(({ context, self }, params: Ticketed<WorkCommand>) =>
      passCommand(params, childrenOf(self), self, context.consumerGroup),
    ),
    subscribeNow: safe(({ context, self }, params: Ticketed<SubscriptionCommand>) =>
      subscribeNow(context, params, self),
    ),
    refuseNotRunning: safe(({ context, self }, params: Ticketed<WorkCommand>) =>
      refuseNotRunning(context.consumerGroup, params, self),
    ),
    refuseCommand: safe(({ context, self }, params: Ticketed<WorkCommand>) =>
      ticketOf(params, self).refused(commandRefused(context.consumerGroup, params.type, 'stopping')),
    ),
    tellAccepted: safe(({ self }, params: Ticketed<PauseCommand>) => ticketOf(params, self).done()),
    notePause: assign(({ context }, { choice, paused }: Omit<PauseDecided, 'type' | 'ticket'>) => {
      const pauses = withPause(context.pauses, choice, paused);
      return { pauses, assignedQueues: viewsOf(context, pauses) };
    }),
    forgetPauses: assign(({ context }, params: { readonly topic: string }) => ({
      pauses: withoutTopic(context.pauses, params.topic),
    })),
    tellPauses: safe(({ context }) => tellShards(context, { type: 'queues.pause', pauses: context.pauses })),
    tellPauseDone: safe((_, params: PauseDecided) => params.ticket.done()),
    refusePause: safe(({ context }, params: PauseDecided) => {
      const error = pauseProblem(context, params);
      if (error !== undefined) params.ticket.refused(error);
    }),
    passSeek: safe(({ context }, { queue, offset, reason, ticket }: SeekDecided) => {
      const shard = shardOf(context, queue);
      if (shard === undefined) ticket.refused(notOwned(queue));
      else shard.send({ type: 'queues.seek', queue, offset, reason, ticket });
    }),
    tellLeft: safe(({ self }, params: { readonly queue: MessageQueue }) =>
      tellCommands(self, { type: 'queues.left', queues: [params.queue] }),
    ),
    refuseOrphans: safe(({ self }, params: { readonly actorId: string }) =>
      refuseOrphans(self, params.actorId),
    ),
  },
  guards: {
    isInvalid: (_, params: WorkCommand) => problemOf(params) !== undefined,
    mayPause: ({ context }, params: PauseDecided) => pauseProblem(context, params) === undefined,
  },
});
