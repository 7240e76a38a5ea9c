// SPDX-License-Identifier: Apache-2.0
/**
 * A broker is away while a member joins: does it matter when it comes back? At any moment of the hand-over that its loss
 * begins, also in the middle of a question for locks (41) that waits for an answer.
 */
import { describe, expect, test } from 'vitest';
import { restartDuringJoin } from '../../scenarios/takeover.ts';
import { sizeOf } from '../../support/scenario/cluster-under-test.ts';
import { startEmbedded } from '../../support/scenario/embedded-cluster.ts';
import type { Operation } from '../../support/scenario/operation.types.ts';
import { runScenario } from '../../support/scenario/runner.ts';

/** The old owner gives the queues up without a broker about 1.5 s after it lost them. Unit: ms. */
const awayFor = Array.from({ length: 36 }, (_, index) => 1500 + index * 30);
/** Nobody waits for a lock that nobody wants: far less than handoverTimeout (30 s). Unit: ms. */
const soon = 20_000;

describe('a broker that is away while a member joins', () => {
  test.each(awayFor)('is back after %d ms, and its queues are read again without waiting', async ms => {
    await using cluster = await startEmbedded(sizeOf(restartDuringJoin));
    const steps = restartDuringJoin.steps.flatMap(step => [...pauseBefore(step, ms), step]);
    const result = await runScenario({ ...restartDuringJoin, steps }, cluster);
    expect(result.problems).toEqual([]);
    expect(result.ms).toBeLessThan(soon);
  });
});

function pauseBefore({ do: verb }: Operation, ms: number): readonly Operation[] {
  return verb === 'startBroker' ? [{ do: 'letTimePass', ms }] : [];
}
