// SPDX-License-Identifier: Apache-2.0
/** How are the chosen queues looked at? Side by side; one that is not answered is left for another look. */
import { fromPromise } from 'xstate';
import { sharedSignal } from '../shared/shared-signal.ts';
import { chosen } from './resets.logic.ts';
import type { Look, ResetsContext } from './resets.types.ts';

export const lookAtIdle = fromPromise<readonly Look[], Pick<ResetsContext, 'port' | 'round'>>(
  ({ input: { port, round }, signal }) => {
    const shared = sharedSignal(signal);
    const looks = chosen(port.idleQueues(), round).map(async (idle): Promise<Look> => {
      const stored = await port.storedOffset(idle.queue, shared).catch(() => undefined);
      return { idle, stored };
    });
    return Promise.all(looks);
  },
);
