// SPDX-License-Identifier: Apache-2.0
/** Which offset does a seek mean? What the broker says, and a number only within what it stores. */

import { fromPromise } from 'xstate';
import { isForbidden } from '../../errors/access.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { type QueueOffset, queueOffset } from '../../model/queue-offset.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { millisOf } from './commands.logic.ts';
import { outOfRange } from './refusals.ts';
import type { SeekContext, SeekInput, SeekPort } from './seek.types.ts';

export const resolveTarget = fromPromise<QueueOffset, Pick<SeekInput, 'work' | 'port'>>(
  ({ input: { work, port }, signal }) => {
    const { queue, to } = work;
    if (to === 'begin') return port.minOffset(queue, signal);
    if (to === 'end') return port.maxOffset(queue, signal);
    if (typeof to === 'object') return port.offsetAt(queue, millisOf(to.timestamp), signal);
    return within(queue, queueOffset(to), port, sharedSignal(signal));
  },
);

export const confirmPlace = fromPromise<void, SeekContext>(({ input: { work, port }, signal }) =>
  port.confirmPlace(work.queue, signal),
);

/** With ACL 2.0 a consumer may not be allowed to ask for the bounds: then the broker itself says no to a wrong offset, by code 21. */
async function within(
  queue: MessageQueue,
  offset: QueueOffset,
  port: SeekPort,
  signal: AbortSignal,
): Promise<QueueOffset> {
  const [min, max] = await Promise.all([
    port.minOffset(queue, signal).catch(unlessForbidden),
    port.maxOffset(queue, signal).catch(unlessForbidden),
  ]);
  if (min === undefined || max === undefined || (offset >= min && offset <= max)) return offset;
  throw outOfRange(queue, offset, { min, max });
}

function unlessForbidden(reason: unknown): undefined {
  if (isForbidden(reason)) return undefined;
  throw reason;
}
