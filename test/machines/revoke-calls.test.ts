// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RevokeCalls } from '../../src/machines/consumer/revoke-calls.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { queueNumber } from '../support/builders.ts';

const signal = new AbortController().signal;
const [zero, one, two] = [queueNumber(0), queueNumber(1), queueNumber(2)];

describe('onQueuesRevoked', () => {
  it('is called once for the queues of one turn, and apart for each reason', async () => {
    const calls: (readonly [string, readonly MessageQueue[]])[] = [];
    const revokes = new RevokeCalls((queues, { reason }) => void calls.push([reason, [...queues]]));
    await Promise.all([
      revokes.tell(zero, { reason: 'rebalance', signal }),
      revokes.tell(one, { reason: 'shutdown', signal }),
      revokes.tell(two, { reason: 'rebalance', signal }),
    ]);
    await revokes.tell(one, { reason: 'rebalance', signal });
    expect(calls).toEqual([
      ['rebalance', [zero, two]],
      ['shutdown', [one]],
      ['rebalance', [one]],
    ]);
  });

  it('fails for each queue it was called with, also when it throws at once', async () => {
    const revokes = new RevokeCalls(() => {
      throw new Error('no disk');
    });
    const outcomes = await Promise.allSettled([
      revokes.tell(zero, { reason: 'rebalance', signal }),
      revokes.tell(one, { reason: 'rebalance', signal }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('gets a signal that is aborted as soon as that of one of its queues is', async () => {
    const controller = new AbortController();
    const seen: AbortSignal[] = [];
    const revokes = new RevokeCalls((_, context) => void seen.push(context.signal));
    await Promise.all([
      revokes.tell(zero, { reason: 'rebalance', signal }),
      revokes.tell(one, { reason: 'rebalance', signal: controller.signal }),
    ]);
    expect(seen[0]?.aborted).toBe(false);
    controller.abort();
    expect(seen[0]?.aborted).toBe(true);
  });
});
