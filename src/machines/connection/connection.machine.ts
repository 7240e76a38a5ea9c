// SPDX-License-Identifier: Apache-2.0
/**
 * When is one address dialled, greeted, used, and given up? One actor for each name server and broker address.
 *
 *   linked.dialing ─dialed→ linked.greeting ─greeted→ linked.ready ─close→ linked.draining ─idle, time out→ closed (final)
 *   linked.{dialing, greeting, ready} ─lost, time out→ backingOff ─pause→ linked.dialing
 *   linked.ready ─the peer says GO_AWAY→ linked.leaving ─lost (once idle), time out→ backingOff
 *   dialing, greeting, leaving, backingOff ─close→ closed
 *
 * Frames, pending calls and deadlines are plain code: Channel (one connection) and Line (what outlives it).
 * Invariants (test/machines/connection*.test.ts):
 *   1. at most one socket, and it lives in `linked` only;  2. no call but the greeting's precedes `ready`;
 *   3. two dials are at least the back-off apart;  4. an outage is reported lost once, every failed try as failed;
 *   5. however the actor ends, no socket, timer or waiting call is left; 6. nothing is written to a peer that goes away: what it
 *   refused fails as by a lost connection, what comes after waits for the next one.
 */
import { assign, raise, setup } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { safe } from '../shared/safe.ts';
import { drain, lineKeeper, link } from './connection.actors.ts';
import {
  closedByUs,
  dialLimit,
  dialTookTooLong,
  greetingTookTooLong,
  noFailures,
  oneMoreFailure,
  pauseOf,
} from './connection.logic.ts';
import type {
  ConnectionContext,
  ConnectionEvent,
  ConnectionInput,
  ConnectionTag,
} from './connection.types.ts';

interface Failure {
  readonly error: RocketmqError;
}

const built = setup({
  types: {} as {
    context: ConnectionContext;
    events: ConnectionEvent;
    input: ConnectionInput;
    tags: ConnectionTag;
  },
  actors: { link, lineKeeper, drain },
  actions: {
    countFailure: assign(({ context }, { error }: Failure) =>
      oneMoreFailure(context, context.clock.now(), error),
    ),
    forgetFailures: assign(noFailures),
    tellLine: safe(({ context }, { error }: Failure) => context.line.detach(error)),
    closeLine: safe(({ context }) => context.line.close(closedByUs(context.address))),
    reportReady: safe(({ context: { parent, address, role } }) =>
      parent.send({ type: 'connection.ready', address, role }),
    ),
    reportLost: safe(({ context: { parent, address, role } }, { error }: Failure) =>
      parent.send({ type: 'connection.lost', address, role, error }),
    ),
    reportFailed: safe(({ context: { parent, address, role, attempt } }, { error }: Failure) =>
      parent.send({ type: 'connection.failed', address, role, attempt, error }),
    ),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
    reportFault: safe(({ context: { parent }, self }, { error }: { readonly error: unknown }) =>
      parent.send({ type: 'fault', error: toRocketmqError(error), actor: self.id }),
    ),
    giveUpDialing: raise(({ context: { address, limits } }) => ({
      type: 'link.lost',
      error: dialTookTooLong(address, limits),
    })),
    giveUpGreeting: raise(({ context: { address, limits } }) => ({
      type: 'link.lost',
      error: greetingTookTooLong(address, limits),
    })),
    loseLink: raise((_, { error }: { readonly error: unknown }) => ({
      type: 'link.lost',
      error: toRocketmqError(error),
    })),
  },
  guards: {
    hasNotFailedYet: ({ context }) => context.attempt === 0,
  },
  delays: {
    dialLimit: ({ context }) => dialLimit(context.limits),
    greetTimeout: ({ context }) => context.limits.greetTimeoutMs,
    stableAfter: ({ context }) => context.limits.stableAfterMs,
    drainTimeout: ({ context }) => context.limits.drainTimeoutMs,
    pause: ({ context }) => pauseOf(context),
  },
}).createMachine({
  id: 'connection',
  description: 'Keeps one address connected, or says that it is not.',
  context: ({ input }) => ({ ...input, ...noFailures }),
  options: { maxIterations: 100 },
  invoke: {
    src: 'lineKeeper',
    id: 'lineKeeper',
    input: ({ context }) => context,
    onError: {
      target: '.closed',
      actions: ['closeLine', { type: 'reportFault', params: ({ event }) => event }],
    },
  },
  on: {
    'connection.close': '.closed',
    fault: { actions: 'passFault' },
  },
  initial: 'linked',
  states: {
    linked: {
      description: 'There is a socket, or one is being opened. Leaving this state destroys it.',
      invoke: {
        src: 'link',
        id: 'link',
        input: ({ context }) => context,
        onError: { actions: { type: 'loseLink', params: ({ event }) => event } },
      },
      on: {
        'link.lost': [
          {
            guard: 'hasNotFailedYet',
            target: 'backingOff',
            actions: [
              { type: 'countFailure', params: ({ event }) => event },
              { type: 'tellLine', params: ({ event }) => event },
              { type: 'reportLost', params: ({ event }) => event },
              { type: 'reportFailed', params: ({ event }) => event },
            ],
          },
          {
            target: 'backingOff',
            actions: [
              { type: 'countFailure', params: ({ event }) => event },
              { type: 'tellLine', params: ({ event }) => event },
              { type: 'reportFailed', params: ({ event }) => event },
            ],
          },
        ],
      },
      initial: 'dialing',
      states: {
        dialing: {
          description: 'The dialer is at work.',
          on: { 'link.dialed': 'greeting' },
          after: {
            dialLimit: { actions: 'giveUpDialing' },
          },
        },
        greeting: {
          description: 'The first words: nobody else can call over this connection yet.',
          on: { 'link.greeted': 'ready' },
          after: {
            greetTimeout: { actions: 'giveUpGreeting' },
          },
        },
        ready: {
          tags: 'ready',
          description: 'Calls go through.',
          entry: 'reportReady',
          on: {
            'link.lost': {
              target: '#connection.backingOff',
              actions: [
                { type: 'countFailure', params: ({ event }) => event },
                { type: 'tellLine', params: ({ event }) => event },
                { type: 'reportLost', params: ({ event }) => event },
              ],
            },
            'link.leaving': {
              target: 'leaving',
              actions: [
                { type: 'countFailure', params: ({ event }) => event },
                { type: 'tellLine', params: ({ event }) => event },
                { type: 'reportLost', params: ({ event }) => event },
              ],
            },
            'connection.close': 'draining',
          },
          after: { stableAfter: { actions: 'forgetFailures' } },
        },
        leaving: {
          description:
            'The peer goes away (GO_AWAY): what it has taken may still be answered, new calls wait for the next connection.',
          on: {
            'link.lost': '#connection.backingOff',
          },
          after: { drainTimeout: '#connection.backingOff' },
        },
        draining: {
          tags: 'draining',
          description: 'New calls are refused, pending ones may end.',
          entry: 'closeLine',
          invoke: {
            src: 'drain',
            id: 'drain',
            input: ({ context }) => context,
            onError: {
              target: '#connection.closed',
              actions: { type: 'reportFault', params: ({ event }) => event },
            },
          },
          on: {
            'line.idle': '#connection.closed',
            'link.lost': '#connection.closed',
            'connection.close': {},
          },
          after: { drainTimeout: '#connection.closed' },
        },
      },
    },
    backingOff: {
      tags: 'backingOff',
      description: 'Waits before the next dial: 200 ms doubling with full jitter, capped (design.md G9).',
      after: { pause: 'linked' },
    },
    closed: { type: 'final', description: 'Nothing is left; a new actor is needed to connect again.' },
  },
});

type Built = typeof built;
/** The sealed type of connectionMachine. */
export interface ConnectionMachine extends Built {}
/** One for each address, spawned by the consumer when its line is wanted. */
export const connectionMachine: ConnectionMachine = built;
