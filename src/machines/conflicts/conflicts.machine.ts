// SPDX-License-Identifier: Apache-2.0
/**
 * Do all members of the group subscribe alike? (design.md G13)
 *
 *   settling ──(half an interval)──► looking
 *   resting ──(interval)──► looking        resting ──(subscription.stale)──► hurrying ──(floor)──► looking
 *   looking ──(answered: told what is new and what is over)──► resting      looking ──(failed)──► resting
 *   looking ──(may not be asked)──► listening: only refused pulls speak; a day later it is tried again
 *
 * Invariants (checked by test/machines/conflicts.test.ts):
 *   1. one question at a time, and no two within 5 s of each other unless the interval is shorter;
 *   2. a conflict is told once as found and once as over; one that changes is found anew;
 *   3. over means two looks in a row without it; where brokers may not be asked: no refused pull for two intervals;
 *   4. where brokers may not be asked, that is told, and nobody is asked for a day;
 *   5. a question that fails says nothing about the group.
 */
import { assign, setup } from 'xstate';
import { RocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { lookAtGroup } from './conflicts.actors.ts';
import {
  afterLook,
  afterRefusals,
  askAgain,
  isCalm,
  lookFloor,
  lookLimit,
  nextAddress,
  noChange,
  withRefusal,
} from './conflicts.logic.ts';
import type {
  ConflictsContext,
  ConflictsEvent,
  ConflictsInput,
  GroupLook,
  PullRefused,
} from './conflicts.types.ts';

const built = setup({
  types: {} as { context: ConflictsContext; events: ConflictsEvent; input: ConflictsInput },
  actors: { lookAtGroup },
  actions: {
    countLook: assign({
      looks: ({ context }) => context.looks + 1,
      lookedAt: ({ context }) => context.clock.now(),
    }),
    noteLook: assign(({ context }, { look }: { readonly look: GroupLook | undefined }) =>
      look === undefined ? { change: noChange } : afterLook(context, look),
    ),
    noteRefusal: assign({
      refusals: ({ context }, params: PullRefused) => withRefusal(context, params, context.clock.now()),
    }),
    judgeRefusals: assign(({ context }) => afterRefusals(context, context.clock.now())),
    tellChange: safe(({ context: { change, parent } }) => {
      for (const details of change.found)
        parent.send({ type: 'subscription.conflict', state: 'found', details });
      for (const details of change.over)
        parent.send({ type: 'subscription.conflict', state: 'over', details });
    }),
    noteUnasked: safe(({ context }, params: { readonly error: unknown }) => {
      const { message } = params.error instanceof Error ? params.error : { message: '' };
      const address = nextAddress({ ...context, looks: context.looks - 1 }, context.port.addresses());
      context.port.noteUnasked(address ?? '', message);
    }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isCalm: ({ context }) => isCalm(context),
    mayNotAsk: (_, params: { readonly error: unknown }) =>
      params.error instanceof RocketmqError &&
      (params.error.code === 'RMQ_NO_PERMISSION' || params.error.code === 'RMQ_REQUEST_NOT_SUPPORTED'),
  },
  delays: {
    lookInterval: ({ context }) => context.interval,
    firstLook: ({ context }) => context.interval / 2,
    lookFloor: ({ context }) =>
      Math.max(0, Math.min(lookFloor, context.interval) - (context.clock.now() - context.lookedAt)),
    lookLimit,
    askAgain,
  },
}).createMachine({
  id: 'conflicts',
  description: 'Notices members of the group that subscribe otherwise.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    looks: 0,
    lookedAt: input.clock.now(),
    known: new Map(),
    change: noChange,
    refusals: new Map(),
  }),
  initial: 'settling',
  on: { fault: { actions: { type: 'passFault', params: ({ event }) => event } } },
  states: {
    settling: {
      description: 'Everybody has beaten once before it counts.',
      after: { firstLook: 'looking' },
      on: { 'subscription.stale': 'hurrying' },
    },
    resting: {
      description: 'Until the interval has passed, or a pull is refused.',
      after: { lookInterval: 'looking' },
      on: { 'subscription.stale': 'hurrying' },
    },
    hurrying: {
      description: 'A pull was refused; the last look may be too near.',
      after: { lookFloor: 'looking' },
    },
    looking: {
      description: 'One broker tells what it keeps of the group.',
      entry: 'countLook',
      invoke: {
        src: 'lookAtGroup',
        input: ({ context }) => ({
          port: context.port,
          address: nextAddress({ ...context, looks: context.looks - 1 }, context.port.addresses()),
        }),
        onDone: {
          target: 'resting',
          actions: [{ type: 'noteLook', params: ({ event }) => ({ look: event.output }) }, 'tellChange'],
        },
        onError: [
          {
            guard: { type: 'mayNotAsk', params: ({ event }) => event },
            target: 'listening',
            actions: { type: 'noteUnasked', params: ({ event }) => event },
          },
          { target: 'resting' },
        ],
      },
      after: { lookLimit: 'resting' },
    },
    listening: {
      description: 'Brokers may not be asked: refused pulls (24, 25) are all there is.',
      on: {
        'subscription.stale': {
          target: '.alert',
          actions: [{ type: 'noteRefusal', params: ({ event }) => event }, 'judgeRefusals', 'tellChange'],
        },
      },
      after: { askAgain: 'looking' },
      initial: 'calm',
      states: {
        calm: { description: 'No pull was refused lately.' },
        alert: {
          description: 'A pull was refused, once or again and again.',
          after: { lookInterval: 'calming' },
        },
        calming: {
          description: 'Nothing for an interval: is it over?',
          entry: ['judgeRefusals', 'tellChange'],
          always: [{ guard: 'isCalm', target: 'calm' }, { target: 'alert' }],
        },
      },
    },
  },
});

type Built = typeof built;
/** Source of what is compared: ConsumerGroupInfo.updateSubscription, protocol.md section 4 (203). */
export interface ConflictsMachine extends Built {}
/** Notices that other members of the group subscribe differently; the file's head draws it. */
export const conflictsMachine: ConflictsMachine = built;
