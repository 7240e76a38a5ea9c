// SPDX-License-Identifier: Apache-2.0
/**
 * Who carries out what the user asks of a running consumer, and in which order?
 *
 *   keeping ──(the consumer runs)──► working ──(it is in doubt what is ours)──► keeping
 *   any ──(the consumer stops)──► closed (final)
 *
 * What takes more than a turn has an actor of its own: `seek <id>`, `commit <id>`, `subscribing`.
 *
 * Invariants (test/machines/commands.test.ts): 1. every ticket hears exactly one end; 2. commands about the same topic or
 * queue are carried out in the order they came, and one change of subscriptions at a time (claims.ts); 3. a pause waits for
 * nothing but a change of its topic; 4. nothing is begun while keeping, and what has begun goes on; 5. after closed nothing is
 * left open; 6. of a job's actor that died the ticket hears why; 7. what waits for an answer or a lock holds up others for 5 s
 * at most, and a change of subscriptions that lasts gives way to the next one of its topic.
 */
import { assign, enqueueActions, setup, stopChild } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import { type MessageQueue, sameQueue } from '../../model/message-queue.ts';
import type { Receiver } from '../shared/refs.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { subscribingMachine } from '../subscribing/subscribing.machine.ts';
import type { SubscribingEvent, SubscribingInput } from '../subscribing/subscribing.types.ts';
import { alsoTelling, commitNow, openJobs, refuseAll } from './commands.actors.ts';
import {
  isAnyDue,
  type JobOf,
  problemOf,
  replacedOf,
  type Step,
  takeDue,
  withLasting,
  workOf,
} from './commands.logic.ts';
import type { CommandsContext, CommandsEvent, CommandsInput, Job } from './commands.types.ts';
import { commandRefused, mostWaiting, tooMany } from './refusals.ts';
import { seekMachine } from './seek.machine.ts';
import type { SeekEvent } from './seek.types.ts';
import type { SubscriptionCommand, WorkCommand } from './work-command.ts';

const built = setup({
  types: {} as { context: CommandsContext; events: CommandsEvent; input: CommandsInput },
  actors: { seek: seekMachine, commit: commitNow, subscribing: subscribingMachine },
  actions: {
    /** What cannot be carried out at all is refused before it waits for anything. */
    take: assign(({ context }, { command, ticket }: Given) => {
      const id = context.lastId + 1;
      return { lastId: id, waiting: [...context.waiting, { id, work: workOf(command), ticket }] };
    }),
    refuseInvalid: safe((_, { command, ticket }: Given) => {
      const error = problemOf(command);
      if (error !== undefined) ticket.refused(error);
    }),
    refuseOneMore: safe(({ context }, { command, ticket }: Given) =>
      ticket.refused(tooMany(context.consumerGroup, command.type)),
    ),
    noteLasting: assign(({ context }, params: Parameters<typeof withLasting>[1]) =>
      withLasting(context, params),
    ),
    /** Somebody who waits for nothing but them would wait for ever. */
    endReplaced: safe(({ context, self }) => {
      const children = childrenOf(self);
      for (const { id } of replacedOf(context))
        children[`subscribe ${id}`]?.send({ type: 'subscribing.replaced' });
    }),
    beginDue: enqueueActions(({ context, enqueue, self }) => {
      const { steps, ...left } = takeDue(context);
      enqueue.assign(left);
      for (const step of steps) {
        if (step.kind === 'seek') {
          const { random, parent, port } = context;
          const { work, ticket } = step.job;
          const input = { work, port, ticket, random, parent, keeper: self };
          enqueue.spawnChild('seek', { id: idOf(step), input });
        } else if (step.kind === 'commit') {
          const { queues, job } = step;
          const input = { port: context.port, queues, upTo: job.work.offset };
          enqueue.spawnChild('commit', { id: idOf(step), input });
        } else if (step.kind === 'subscribe') {
          enqueue.spawnChild('subscribing', {
            id: idOf(step),
            input: subscribingInput(context, step.job, self),
          });
        } else enqueue(safe(() => conclude(context, step)));
      }
    }),
    noteEnded: assign(({ context }, params: Ended) => ({
      running: context.running.filter(job => job !== jobOf(context, params)),
      lasting: context.lasting.filter(job => job !== jobOf(context, params)),
    })),
    stopEnded: stopChild((_, params: Ended) => params.actorId),
    tellDone: safe(({ context }, params: Ended) => jobOf(context, params)?.ticket.done()),
    tellFailed: safe(({ context }, params: Ended & { readonly error: unknown }) =>
      jobOf(context, params)?.ticket.refused(toRocketmqError(params.error)),
    ),
    tellLeft: safe(({ context, self }, params: { readonly queues: readonly MessageQueue[] }) => {
      const children = childrenOf(self);
      for (const { id, work } of [...context.running, ...context.lasting]) {
        if (work.type !== 'queue.seek' || !params.queues.some(queue => sameQueue(queue, work.queue)))
          continue;
        children[`seek ${id}`]?.send({ type: 'queue.left' });
      }
    }),
    refuseAll: safe(({ context }) =>
      refuseAll(openJobs(context), ({ work }) =>
        commandRefused(context.consumerGroup, work.type, 'stopping'),
      ),
    ),
    forgetAll: assign({ waiting: [], running: [], lasting: [] }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isInvalid: (_, { command }: Given) => problemOf(command) !== undefined,
    isAnyDue: ({ context }) => isAnyDue(context),
    isOneTooMany: ({ context }) => context.waiting.length >= mostWaiting,
  },
}).createMachine({
  id: 'commands',
  description: 'Carries out what the user asks of a running consumer.',
  context: ({ input }) => ({ ...input, lastId: 0, waiting: [], running: [], lasting: [] }),
  initial: 'keeping',
  on: {
    'command.given': [
      {
        guard: { type: 'isInvalid', params: ({ event }) => event },
        actions: { type: 'refuseInvalid', params: ({ event }) => event },
      },
      { guard: 'isOneTooMany', actions: { type: 'refuseOneMore', params: ({ event }) => event } },
      { actions: [{ type: 'take', params: ({ event }) => event }, 'endReplaced'] },
    ],
    'commands.close': '.closed',
    'queues.left': { actions: { type: 'tellLeft', params: ({ event }) => event } },
    'xstate.done.actor.*': {
      actions: [
        { type: 'tellDone', params: ({ event }) => event },
        { type: 'noteEnded', params: ({ event }) => event },
        { type: 'stopEnded', params: ({ event }) => event },
      ],
    },
    'xstate.error.actor.*': {
      actions: [
        { type: 'tellFailed', params: ({ event }) => event },
        { type: 'noteEnded', params: ({ event }) => event },
        { type: 'stopEnded', params: ({ event }) => event },
      ],
    },
    'subscribing.lasts': { actions: [{ type: 'noteLasting', params: ({ event }) => event }, 'endReplaced'] },
    'seek.lasts': { actions: { type: 'noteLasting', params: ({ event }) => event } },
    'subscribing.ended': {}, // its end follows
    fault: { actions: { type: 'passFault', params: ({ event }) => event } },
  },
  states: {
    keeping: {
      description: 'The consumer is not running yet, or it is in doubt what is ours: commands are kept.',
      on: { 'commands.open': 'working' },
    },
    working: {
      description: 'Each command begins as soon as those before it allow.',
      always: { guard: 'isAnyDue', actions: 'beginDue' },
      on: { 'commands.hold': 'keeping' },
    },
    closed: { type: 'final', entry: ['refuseAll', 'forgetAll'] },
  },
});

interface Given {
  readonly command: WorkCommand;
  readonly ticket: CommandTicket;
}

/** A child that has ended, one way or the other. */
interface Ended {
  readonly actorId: string;
}

function idOf({ kind, job }: Step): string {
  return `${kind} ${job.id}`;
}

function jobOf({ running, lasting }: CommandsContext, { actorId }: Ended): Job | undefined {
  return [...running, ...lasting].find(({ id }) => actorId.endsWith(` ${id}`));
}

type Instant = Extract<Step, { readonly kind: 'pause' | 'nothing' | 'refuse' }>;

function conclude({ parent }: CommandsContext, step: Instant): void {
  const { ticket } = step.job;
  if (step.kind === 'refuse') ticket.refused(step.error);
  else if (step.kind === 'nothing') ticket.done();
  else
    parent.send({
      type: 'pause.decided',
      choice: step.job.work,
      paused: step.job.work.type === 'queue.pause',
      ticket,
    });
}

/** What was paused of a topic that is left is forgotten: it may be subscribed anew one day. */
function subscribingInput(
  { parent, subscribing }: CommandsContext,
  { work, ticket }: JobOf<SubscriptionCommand>,
  self: SubscribingInput['parent'],
): SubscribingInput {
  const tellLeft = (): void => parent.send({ type: 'topic.left', topic: work.topic });
  return {
    command: work,
    port: subscribing,
    ticket: work.type === 'consumer.unsubscribe' ? alsoTelling(ticket, tellLeft) : ticket,
    parent: self,
  };
}

type Children = Readonly<Record<string, Receiver<SeekEvent | SubscribingEvent> | undefined>>;

function childrenOf(self: { getSnapshot(): { readonly children: object } }): Children {
  return self.getSnapshot().children as Children; // ids and machines are wired above; each is told what its machine knows
}

type Built = typeof built;
/** The sealed type of commandsMachine. */
export interface CommandsMachine extends Built {}
/** Child of the consumer, from its start on. */
export const commandsMachine: CommandsMachine = built;
