// SPDX-License-Identifier: Apache-2.0
/**
 * When do message traces go out?
 *
 *   idle ──(interval, trace.flush)──► looking ──(something waits)──► sending ──(stored)──► looking
 *   looking ──(nothing waits)──► idle            sending ──(failed)──► resting ──(pause, trace.flush)──► looking
 *
 * Invariants (checked by test/machines/trace.test.ts): 1. one send at a time; 2. listeners never wait for it: what waits is
 * bounded (trace-book.ts); 3. what was lost is told, at most once a minute; 4. a flush that cannot be carried out keeps nobody
 * waiting.
 */
import { assign, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { sendNext } from './trace.actors.ts';
import { intervalOf, pauseOf, sendLimit, sendTookTooLong, tracesLost } from './trace.logic.ts';
import type { TraceContext, TraceEvent, TraceInput } from './trace.types.ts';

const built = setup({
  types: {} as { context: TraceContext; events: TraceEvent; input: TraceInput },
  actors: { sendNext },
  actions: {
    forgetFailures: assign({ failures: 0, lastError: undefined }),
    countFailure: assign(({ context }, params: { readonly error: unknown }) => ({
      failures: context.failures + 1,
      failingSince: context.failures === 0 ? context.now() : context.failingSince,
      lastError: toRocketmqError(params.error),
    })),
    tellLost: safe(({ context, self }) => {
      const lost = context.port.takeLost();
      if (lost > 0) context.parent.send({ type: 'fault', error: tracesLost(context, lost), actor: self.id });
    }),
    noteEnd: safe(({ context }) => context.port.noteEnd()),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: { isEmpty: ({ context }) => context.port.isEmpty },
  delays: {
    traceInterval: ({ context }) => intervalOf(context),
    pause: ({ context }) => pauseOf(context),
    sendLimit,
  },
}).createMachine({
  id: 'trace',
  description: 'Sends what was noted of listener calls to the trace topic.',
  context: ({ input }) => ({ ...input, failures: 0, failingSince: 0, lastError: undefined }),
  initial: 'idle',
  on: { fault: { actions: { type: 'passFault', params: ({ event }) => event } } },
  states: {
    idle: {
      description: 'Traces gather for a moment.',
      entry: 'noteEnd',
      after: { traceInterval: 'looking' },
      on: { 'trace.flush': 'looking' },
    },
    looking: {
      always: [{ guard: 'isEmpty', target: 'idle' }, { target: 'sending' }],
    },
    sending: {
      description: 'One message; what comes meanwhile waits.',
      invoke: {
        src: 'sendNext',
        input: ({ context }) => context.port,
        onDone: { target: 'looking', actions: ['forgetFailures', 'tellLost'] },
        onError: {
          target: 'resting',
          actions: [{ type: 'countFailure', params: ({ event }) => event }, 'tellLost'],
        },
      },
      after: {
        sendLimit: {
          target: 'resting',
          actions: [{ type: 'countFailure', params: () => ({ error: sendTookTooLong() }) }, 'tellLost'],
        },
      },
    },
    resting: {
      description: 'It failed: again after a while, longer each time.',
      entry: 'noteEnd',
      after: { pause: 'looking' },
      on: { 'trace.flush': 'looking' },
    },
  },
});

type Built = typeof built;
/** Source: client.trace.AsyncTraceDispatcher. */
export interface TraceMachine extends Built {}
/** Writes what consumers did with messages to the trace topic; the file's head draws it. */
export const traceMachine: TraceMachine = built;
