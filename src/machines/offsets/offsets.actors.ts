// SPDX-License-Identifier: Apache-2.0
/** How are offsets written? Periodically one-way; at the end, and when asked to, by answered calls. */
import { fromPromise } from 'xstate';
import type { PersistReport } from '../../stores/offset-store.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { timeLeft } from './offsets.logic.ts';
import type { OffsetsContext, PersistPort } from './offsets.types.ts';

export const persistPeriodically = fromPromise<PersistReport, PersistPort>(({ input, signal }) =>
  input.persistAll(undefined, { signal: sharedSignal(signal) }),
);

export const persistAnswered = fromPromise<PersistReport, OffsetsContext>(({ input, signal }) =>
  input.port.persistAll(undefined, {
    answered: true,
    onlyAhead: true,
    timeoutMs: timeLeft(input),
    signal: sharedSignal(signal),
  }),
);
