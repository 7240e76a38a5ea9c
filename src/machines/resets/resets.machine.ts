// SPDX-License-Identifier: Apache-2.0
/**
 * Did an admin move offsets of queues in which nothing happens?
 *
 *   resting ──(interval)──► looking ──(all answered, or given up)──► resting
 *
 * Brokers from 5.2 on tell a reset by code 21 to the next pull that reaches them. A quiet queue's pull is held there already,
 * for up to 20 s, and is told nothing before its end; but the group's offset (14) is the reset's at once.
 *
 * Invariants (checked by test/machines/resets.test.ts): 1. one look at a time; 2. at most 4 questions a broker in each, or one
 * a topic, and none about a queue in which something happens; 3. it moves nothing itself: only the broker's 21 does;
 * 4. a difference that stays is told once in half a minute.
 */
import { assign, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { lookAtIdle } from './resets.actors.ts';
import { intervalOf, lookLimit, movedOf, suspectsOf, toldWith } from './resets.logic.ts';
import type { Look, ResetsContext, ResetsEvent, ResetsInput } from './resets.types.ts';

interface Looked {
  readonly looks: readonly Look[];
}

const built = setup({
  types: {} as { context: ResetsContext; events: ResetsEvent; input: ResetsInput },
  actors: { lookAtIdle },
  actions: {
    /** Before it is noted. */
    tellSuspects: safe(({ context }, { looks }: Looked) => {
      const suspects = suspectsOf(movedOf(context, looks));
      if (suspects.length > 0) context.parent.send({ type: 'reset.suspected', suspects });
    }),
    noteTold: assign({
      told: ({ context }, { looks }: Looked) => toldWith(context, movedOf(context, looks)),
    }),
    countRound: assign({ round: ({ context }) => context.round + 1 }),
    tellFault: safe(({ context, self }, params: { readonly error: unknown }) =>
      context.parent.send({ type: 'fault', error: toRocketmqError(params.error), actor: self.id }),
    ),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  delays: { lookInterval: ({ context }) => intervalOf(context), lookLimit },
}).createMachine({
  id: 'resets',
  description: 'Looks at quiet queues: did an admin move their offsets?',
  context: ({ input }) => ({ ...input, round: 0, told: new Map() }),
  initial: 'resting',
  on: { fault: { actions: { type: 'passFault', params: ({ event }) => event } } },
  states: {
    resting: {
      description: 'Until the interval has passed.',
      after: { lookInterval: 'looking' },
    },
    looking: {
      description: 'A few queues of each broker are asked for; the slowest answer ends the look.',
      exit: 'countRound',
      invoke: {
        src: 'lookAtIdle',
        input: ({ context }) => context,
        onDone: {
          target: 'resting',
          actions: [
            { type: 'tellSuspects', params: ({ event }) => ({ looks: event.output }) },
            { type: 'noteTold', params: ({ event }) => ({ looks: event.output }) },
          ],
        },
        onError: { target: 'resting', actions: { type: 'tellFault', params: ({ event }) => event } },
      },
      after: { lookLimit: 'resting' },
    },
  },
});

type Built = typeof built;
/** Source of what brokers do: AdminBrokerProcessor.resetOffsetInner and PullMessageProcessor 5.5.0, protocol.md section 2.5. */
export interface ResetsMachine extends Built {}
/** Notices that a broker reset offsets of the group; the file's head draws it. */
export const resetsMachine: ResetsMachine = built;
