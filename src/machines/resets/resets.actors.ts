// SPDX-License-Identifier: Apache-2.0
/**
 * How are the chosen queues looked at? Side by side; one that is not answered is left for another look, as is one in which
 * something happened meanwhile: then a commit of our own may have come before the question (a broker that was frozen).
 */
import { fromPromise } from 'xstate';
import { queueKey } from '../../model/message-queue.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { chosen } from './resets.logic.ts';
import type { Look, ResetsContext } from './resets.types.ts';

export const lookAtIdle = fromPromise<readonly Look[], Pick<ResetsContext, 'port' | 'round'>>(
  async ({ input: { port, round }, signal }) => {
    const shared = sharedSignal(signal);
    const looks = chosen(port.idleQueues(), round).map(async (idle): Promise<Look> => {
      const stored = await port.storedOffset(idle.queue, shared).catch(() => undefined);
      return { idle, stored };
    });
    const all = await Promise.all(looks);
    const still = new Map(port.idleQueues().map(({ queue, committed }) => [queueKey(queue), committed]));
    return all.filter(({ idle }) => still.get(queueKey(idle.queue)) === idle.committed);
  },
);
