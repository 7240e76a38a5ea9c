// SPDX-License-Identifier: Apache-2.0
/** Did a committed offset ever go back? Judges samples of what the broker said. */

/** What the broker had for one queue at one time; undefined: nothing yet. */
export interface CommitSample {
  readonly queue: string;
  readonly committed: number | undefined;
  readonly at: number;
}

export interface StepBack {
  readonly queue: string;
  readonly from: number;
  /** undefined: the broker had forgotten it. */
  readonly to: number | undefined;
  readonly at: number;
}

/** Every fall below the sample before, in the order of the samples. */
export function stepsBack(samples: Iterable<CommitSample>): readonly StepBack[] {
  const last = new Map<string, number>();
  const steps: StepBack[] = [];
  for (const { queue, committed, at } of samples) {
    const before = last.get(queue);
    if (before !== undefined && (committed === undefined || committed < before)) {
      steps.push({ queue, from: before, to: committed, at });
    }
    if (committed !== undefined) last.set(queue, committed);
  }
  return steps;
}
