// SPDX-License-Identifier: Apache-2.0
/** What did the broker have as committed, all the time? Asked every 100 ms, apart from the code under test. */
import { setTimeout as pause } from 'node:timers/promises';
import { type CommitSample, type StepBack, stepsBack } from '../../../test/support/history/commits.ts';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Stage } from './stage.ts';

const periodMs = 100;
const queryConsumerOffset = 14;
const success = 0;

export class CommitWatch implements AsyncDisposable {
  readonly samples: CommitSample[] = [];
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  /** Watches the group in a topic with that many queues on broker-a. */
  constructor(
    stage: Stage,
    given: { readonly topic: string; readonly group: string; readonly queues: number },
  ) {
    this.#running = this.#run(stage, given);
  }

  /** Every fall of a committed offset that was seen. */
  stepsBack(): readonly StepBack[] {
    return stepsBack(this.samples);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(stage: Stage, given: ConstructorParameters<typeof CommitWatch>[1]): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const ids = Array.from({ length: given.queues }, (_, queueId) => queueId);
      this.samples.push(...(await Promise.all(ids.map(id => sample(stage, given, id)))).flat());
      await pause(periodMs);
    }
  }
}

/** Empty while the broker does not answer. A 4.9 says 0 where it has nothing. */
async function sample(
  { cluster }: Stage,
  { topic, group }: { readonly topic: string; readonly group: string },
  queueId: number,
): Promise<CommitSample[]> {
  const fields = { consumerGroup: group, topic, queueId, setZeroIfNotFound: false };
  try {
    const { address } = cluster.broker('broker-a');
    const { code, fields: answer } = await cluster.admin.request(address, {
      code: queryConsumerOffset,
      fields,
    });
    const committed = code === success ? Number(answer['offset']) : undefined;
    return [{ queue: `${topic}#${queueId}`, committed, at: monotonicMs() }];
  } catch {
    return [];
  }
}
