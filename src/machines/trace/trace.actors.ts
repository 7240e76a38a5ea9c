// SPDX-License-Identifier: Apache-2.0
/** Who sends the traces that wait? */
import { fromPromise } from 'xstate';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { TracePort } from './trace.types.ts';

export const sendNext = fromPromise<void, TracePort>(({ input, signal }) =>
  input.sendNext(sharedSignal(signal)),
);
