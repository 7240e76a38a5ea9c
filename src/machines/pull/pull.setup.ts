// SPDX-License-Identifier: Apache-2.0
/** What can the pull chart do and ask? Its actors, actions, guards and delays by name; when, says pull.machine.ts. */
import { assign, fromPromise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Correction } from '../../transport/pull-calls.ts';
import { safe } from '../shared/safe.ts';
import {
  admit,
  askPolicy,
  followCommitted,
  moveTo,
  passOver,
  refuseSought,
  restartAt,
  tellVerdict,
} from './pull.actors.ts';
import {
  answerLimit,
  damageOf,
  type Failure,
  goesOn,
  isNews,
  pullBackoff,
  rereadsOf,
  standsAt,
  standsStill,
} from './pull.logic.ts';
import type {
  Damage,
  DamagedBatch,
  PullContext,
  PullEvent,
  PullInput,
  PullPort,
  Seek,
  StartPlace,
} from './pull.types.ts';

export const pullSetup = setup({
  types: {} as {
    context: PullContext;
    events: PullEvent;
    input: PullInput;
    tags: 'mayPull' | 'throttled';
  },
  actors: {
    resolveStart: fromPromise<StartPlace, PullPort>(({ input, signal }) => input.resolveStart(signal)),
    readCommitted: fromPromise<QueueOffset | undefined, PullPort>(({ input, signal }) =>
      input.readCommitted(signal),
    ),
    correctOffset: fromPromise<void, { port: PullPort; correctTo: QueueOffset }>(({ input, signal }) =>
      input.port.correct(input.correctTo, signal),
    ),
  },
  actions: {
    requestPermit: safe(({ context, self }) =>
      context.port.permit?.request(() => self.send({ type: 'start.permitted' })),
    ),
    dismissPermit: safe(({ context }) => context.port.permit?.dismiss()),
    requestNextBatch: safe(({ context }) => context.puller.requestNextBatch()),
    pullOn: safe(({ context }) => context.puller.pullOn(batch => goesOn(context, batch))),
    pullNoFurther: safe(({ context }) => context.puller.pullNoFurther()),
    renewPull: safe(({ context }) => context.puller.renew()),
    abandonPull: safe(({ context }) => context.puller.abandon()),
    admitBatch: safe(({ context, event }) => {
      if ('nextOffset' in event) admit(context, event);
    }),
    placeAt: safe(({ context }, params: StartPlace) => {
      context.owned.restart(params.offset, params.stored);
      context.parent.send({ type: 'pull.placed', offset: params.offset });
    }),
    awaitRoom: safe(({ context, self }) =>
      context.owned.gate.whenOpen(() => self.send({ type: 'flow.opened' })),
    ),
    stopAwaitingRoom: safe(({ context }) => context.owned.gate.forget()),
    noteThrottle: assign(({ context }) => ({
      throttleCause: context.owned.gate.cause() ?? context.throttleCause,
    })),
    forgetThrottle: assign({ throttleCause: undefined }),
    tellThrottled: safe(({ context }) => {
      const cause = context.throttleCause;
      if (cause !== undefined) context.parent.send({ type: 'pull.throttled', cause });
    }),
    tellUnthrottled: safe(({ context }) => context.parent.send({ type: 'pull.unthrottled' })),
    countFailure: assign(({ context }, { error }: Failure) => ({
      failures: context.failures + 1,
      failingSince: context.failures === 0 ? context.settings.now() : context.failingSince,
      lastError: error === undefined ? undefined : toRocketmqError(error),
    })),
    /** Before it is counted. */
    tellTrouble: safe(({ context }, failure: Failure) => {
      const error = toRocketmqError(failure.error);
      if (isNews(context, error)) context.parent.send({ type: 'pull.troubled', error });
    }),
    /** Before the batch is admitted: each unreadable message has rereads of its own. */
    countReread: assign(({ context }, params: { readonly nextOffset: QueueOffset }) => ({
      rereads: rereadsOf(context, params) + 1,
    })),
    forgetFailures: assign({ failures: 0, rereads: 0, lastError: undefined }),
    noteDamage: assign(({ context }, params: DamagedBatch) => ({
      damage: damageOf(context, params),
      verdict: undefined,
    })),
    askPolicy: safe(({ context, self }) =>
      askPolicy(context, answer => {
        // The queue may have ended meanwhile.
        if (self.getSnapshot().status === 'active') self.send({ type: 'damage.judged', ...answer });
      }),
    ),
    tellVerdict: safe(({ context, event }) => {
      if (event.type === 'damage.judged') tellVerdict(context, event);
    }),
    noteHalt: assign({ verdict: 'halt' }),
    passOver: safe(({ context }) => passOver(context)),
    forgetDamage: assign({ damage: undefined, verdict: undefined }),
    moveTo: safe(({ context }, params: Seek) => moveTo(context, params)),
    moveToSought: safe(({ context }) => {
      if (context.sought !== undefined) moveTo(context, context.sought);
    }),
    /** Where the queue may not be moved yet. */
    noteSeek: assign(({ event }) => (event.type === 'queue.seek' ? { sought: event } : {})),
    forgetSeek: assign({ sought: undefined }),
    refuseReplaced: safe(({ context }) => refuseSought(context, 'replaced')),
    refuseGivenUp: safe(({ context }) => refuseSought(context, 'givenUp')),
    restartAtCorrection: safe(({ context }, params: Correction) => restartAt(context, params)),
    followCommitted: safe(({ context }, params: { readonly committed: QueueOffset | undefined }) =>
      followCommitted(context, params.committed),
    ),
    withholdCommits: safe(({ context }) => context.port.withholdCommits(true)),
    allowCommits: safe(({ context }) => context.port.withholdCommits(false)),
    tellVerified: safe(({ context }) => context.parent.send({ type: 'pull.verified' })),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    isSuspended: ({ context }) => context.suspended,
    isPlaced: ({ context }) => context.owned.isPlaced,
    needsLock: ({ context }) => context.port.permit?.kind === 'lock',
    waitsForNobody: ({ context }) =>
      context.port.permit === undefined && context.settings.handoverPause === 0,
    hasNoPermit: ({ context }) => context.port.permit === undefined,
    isPaced: ({ context }) => context.settings.pullInterval > 0,
    hasFailed: ({ context }) => context.failures > 0,
    hasRoom: ({ context }) => context.owned.gate.cause() === undefined,
    standsStill: ({ context }, params: { readonly nextOffset: QueueOffset }) => standsStill(context, params),
    mayRepeat: (_, params: { readonly mayRepeat: boolean }) => params.mayRepeat,
    isHalted: ({ context }) => standsAt(context, context.damage) && context.verdict === 'halt',
    isJudged: ({ context }) => standsAt(context, context.damage),
    /** What was asked about is still what the queue stands in front of. */
    isOurs: ({ context }, params: { readonly damage: Damage }) =>
      params.damage === context.damage && standsAt(context, params.damage),
    isSkipOfOurs: ({ context }, params: { readonly damage: Damage; readonly verdict: string }) =>
      params.verdict === 'skip' && params.damage === context.damage && standsAt(context, params.damage),
    isSought: ({ context }) => context.sought !== undefined,
    isSoughtAndPlaced: ({ context }) => context.sought !== undefined && context.owned.isPlaced,
    mayReread: ({ context }, params: { readonly nextOffset: QueueOffset }) =>
      rereadsOf(context, params) < context.settings.maxRereads,
  },
  delays: {
    handoverPause: ({ context }) => context.settings.handoverPause,
    pullInterval: ({ context }) => context.settings.pullInterval,
    flowSafetyCheck: ({ context }) => context.settings.flowControlInterval,
    rereadPause: 500,
    answerLimit: ({ context }) => answerLimit(context),
    backoff: ({ context }) =>
      pullBackoff({
        failures: context.failures,
        elapsedMs: context.settings.now() - context.failingSince,
        error: context.lastError,
        random: context.settings.random,
      }),
  },
});
