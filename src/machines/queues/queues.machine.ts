// SPDX-License-Identifier: Apache-2.0
/**
 * Who keeps the queue actors? A shard of at most 64: it starts them, hands events down, and takes them out when they end.
 *
 *   delivering ──(suspend, verify)──► suspended ──(resume)──► delivering
 *
 * Invariants (test/machines/queues.test.ts): 1. one actor a queue: one that is assigned again while it still drains
 * starts after it has left, suspended or not as all are by then; 2. every ended actor is stopped and forgotten;
 * 3. a queue that cannot be opened is told as ended; 4. of an actor that died nothing goes on; 5. a queue runs only when
 * neither the consumer is suspended nor the user has paused it, whenever it came; 6. the ticket of a seek for a queue that is
 * not here is refused.
 */
import { assign, setup, stopChild } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';
import { isPaused, type Pauses } from '../commands/pauses.ts';
import { notOwned } from '../commands/refusals.ts';
import type { Seek } from '../pull/pull.types.ts';
import { type DeadQueue, layToRest } from '../queue/queue.actors.ts';
import { queueMachine } from '../queue/queue.machine.ts';
import type { QueueEvent, QueueInput, QueueReport } from '../queue/queue.types.ts';
import type { Suspect } from '../resets/resets.types.ts';
import type { Receiver } from '../shared/refs.ts';
import { safe } from '../shared/safe.ts';
import {
  afterAssign,
  afterEnd,
  afterRevoke,
  afterSuspend,
  changedBy,
  type ResidentsChange,
} from './queues.logic.ts';
import type { QueuesContext, QueuesEvent, QueuesInput } from './queues.types.ts';

const built = setup({
  types: {} as { context: QueuesContext; events: QueuesEvent; input: QueuesInput },
  actors: { queue: queueMachine },
  actions: {
    handDown: safe(({ self }, params: { readonly event: QueueEvent }) => {
      for (const child of Object.values(childrenOf(self))) child?.send(params.event);
    }),
    handDownTo: safe(({ self }, params: { readonly key: QueueKey; readonly event: QueueEvent }) =>
      childrenOf(self)[params.key]?.send(params.event),
    ),
    resumeUnpaused: safe(({ context, self }) => {
      const children = childrenOf(self);
      for (const [key, { queue }] of context.residents)
        if (!isPaused(context.pauses, queue)) children[key]?.send({ type: 'queue.resume' });
    }),
    /** Before the wish is noted. */
    pauseOthers: safe(({ context, self }, params: { readonly pauses: Pauses }) => {
      for (const key of changedBy(context.residents, context.pauses, params.pauses, true))
        childrenOf(self)[key]?.send({ type: 'queue.suspend' });
    }),
    /** Before the wish is noted. */
    resumeOthers: safe(({ context, self }, params: { readonly pauses: Pauses }) => {
      for (const key of changedBy(context.residents, context.pauses, params.pauses, false))
        childrenOf(self)[key]?.send({ type: 'queue.resume' });
    }),
    notePauses: assign((_, params: { readonly pauses: Pauses }) => ({ pauses: params.pauses })),
    seek: safe(({ context, self }, { queue, offset, reason, ticket }: SeekOf) => {
      const key = queueKey(queue);
      const child = context.residents.get(key)?.kind === 'here' ? childrenOf(self)[key] : undefined;
      if (child === undefined) ticket?.refused(notOwned(queue));
      else child.send({ type: 'queue.seek', offset, reason, ticket });
    }),
    renew: safe(({ context, self }, { suspects }: { readonly suspects: readonly Suspect[] }) => {
      for (const [key, { kind, queue }] of context.residents)
        if (kind === 'here' && suspects.some(each => isIn(each, queue)))
          childrenOf(self)[key]?.send({ type: 'queue.renew' });
    }),
    disownLeaving: safe(({ context, self }, params: { readonly grace: number }) => {
      for (const [key, { kind }] of context.residents) {
        if (kind === 'here') continue;
        childrenOf(self)[key]?.send({ type: 'queue.revoke', reason: 'lost', grace: params.grace });
      }
    }),
    noteLeaving: assign(({ context }, params: { readonly key?: QueueKey }) => ({
      residents: afterRevoke(context.residents, params.key),
    })),
    passUp: safe(({ context }, params: { readonly report: QueueReport }) =>
      context.parent.send(params.report),
    ),
    noteSuspended: assign(({ context }, params: { readonly suspended: boolean }) => ({
      residents: afterSuspend(context.residents, params.suspended),
    })),
    /** A queue actor that died is told as a fault and as ended; what it had not committed is delivered again. */
    bury: safe(({ context, self }, params: { readonly actorId: string; readonly error: unknown }) => {
      self.send({ type: 'fault', error: toRocketmqError(params.error), actor: params.actorId });
      const dead = childrenOf(self)[params.actorId];
      if (dead !== undefined) layToRest(dead);
      const resident = [...context.residents.values()].find(
        ({ queue }) => queueKey(queue) === params.actorId,
      );
      if (resident !== undefined) self.send(endedEarly(resident.queue));
    }),
    stopEnded: stopChild((_, params: { readonly key: QueueKey }) => params.key),
  },
  guards: { isSuspended: ({ context }) => context.suspended },
}).createMachine({
  id: 'queues',
  description: 'A shard of queue actors.',
  context: ({ input }) => ({ ...input, residents: new Map() }),
  initial: 'deciding',
  on: {
    'queues.assign': {
      actions: assign(({ context, event, spawn, self }) =>
        settle(context, afterAssign(context.residents, event.assignment), self, spawn),
      ),
    },
    'queues.revoke': {
      actions: [
        { type: 'noteLeaving', params: ({ event }) => ({ key: queueKey(event.queue) }) },
        {
          type: 'handDownTo',
          params: ({ event }) => ({
            key: queueKey(event.queue),
            event: { type: 'queue.revoke', reason: event.reason, grace: event.grace },
          }),
        },
      ],
    },
    'queues.revokeAll': {
      actions: [
        { type: 'noteLeaving', params: {} },
        {
          type: 'handDown',
          params: ({ event }) => ({
            event: { type: 'queue.revoke', reason: event.reason, grace: event.grace },
          }),
        },
      ],
    },
    'queues.disownLeaving': { actions: { type: 'disownLeaving', params: ({ event }) => event } },
    'queues.suspend': {
      target: '.suspended',
      actions: [
        { type: 'noteSuspended', params: { suspended: true } },
        { type: 'handDown', params: { event: { type: 'queue.suspend' } } },
      ],
    },
    'queues.resume': {
      target: '.delivering',
      actions: [{ type: 'noteSuspended', params: { suspended: false } }, 'resumeUnpaused'],
    },
    'queues.verify': {
      target: '.suspended',
      actions: [
        { type: 'noteSuspended', params: { suspended: true } },
        { type: 'handDown', params: { event: { type: 'queue.verify' } } },
      ],
    },
    'queues.renew': { actions: { type: 'renew', params: ({ event }) => event } },
    'queues.seek': { actions: { type: 'seek', params: ({ event }) => event } },
    'queue.ended': {
      actions: [
        { type: 'stopEnded', params: ({ event }) => ({ key: queueKey(event.queue) }) },
        {
          type: 'passUp',
          params: ({ context, event }) => ({
            report: { ...event, returns: isReturning(context, event.queue) },
          }),
        },
        assign(({ context, event, spawn, self }) =>
          settle(context, afterEnd(context.residents, queueKey(event.queue)), self, spawn),
        ),
      ],
    },
    'queue.*': { actions: { type: 'passUp', params: ({ event }) => ({ report: event }) } },
    fault: { actions: { type: 'passUp', params: ({ event }) => ({ report: event }) } },
    'xstate.error.actor.*': { actions: { type: 'bury', params: ({ event }) => event } },
  },
  states: {
    deciding: {
      always: [{ guard: 'isSuspended', target: 'suspended' }, { target: 'delivering' }],
    },
    delivering: {
      description: 'Queue actors come and go; those that are paused stand still.',
      on: {
        'queues.pause': {
          actions: [
            { type: 'pauseOthers', params: ({ event }) => event },
            { type: 'resumeOthers', params: ({ event }) => event },
            { type: 'notePauses', params: ({ event }) => event },
          ],
        },
      },
    },
    suspended: {
      description: 'All stand still, those that come as well.',
      on: { 'queues.pause': { actions: { type: 'notePauses', params: ({ event }) => event } } },
    },
  },
});

function isIn({ topic, brokerName }: Suspect, queue: MessageQueue): boolean {
  return queue.topic === topic && queue.brokerName === brokerName;
}

type SeekOf = Seek & { readonly queue: MessageQueue };

function isReturning({ residents }: QueuesContext, queue: MessageQueue): boolean {
  return residents.get(queueKey(queue))?.kind === 'returning';
}

function endedEarly(queue: MessageQueue): QueueReport {
  return { type: 'queue.ended', queue, reason: 'lost', abandoned: 0, commitError: undefined, returns: false };
}

type SpawnQueue = (src: 'queue', options: { readonly id: string; readonly input: QueueInput }) => unknown;

/** Starts what is to be started; a queue that cannot be opened (offset table full) is reported instead. */
function settle(
  context: QueuesContext,
  change: ResidentsChange,
  self: Receiver<QueuesEvent>,
  spawn: SpawnQueue,
): { readonly residents: QueuesContext['residents'] } {
  const { start } = change;
  if (start === undefined) return { residents: change.residents };
  const key = queueKey(start.queue);
  try {
    const { queue, alone } = start;
    const suspended = start.suspended || isPaused(context.pauses, queue);
    const work = context.openQueue(queue, { alone });
    spawn('queue', { id: key, input: { work, suspended, parent: self } });
  } catch (thrown) {
    self.send({ type: 'fault', error: toRocketmqError(thrown), actor: key });
    self.send(endedEarly(start.queue));
  }
  return { residents: change.residents };
}

type Children = Readonly<Record<string, (Receiver<QueueEvent> & DeadQueue) | undefined>>;

function childrenOf(self: { getSnapshot(): { readonly children: Children } }): Children {
  return self.getSnapshot().children;
}

type Built = typeof built;
/** The sealed type of queuesMachine. */
export interface QueuesMachine extends Built {}
/** Children of the consumer, one for every 64 queues. */
export const queuesMachine: QueuesMachine = built;
