// SPDX-License-Identifier: Apache-2.0
/** What is a case of Apache's end-to-end suite here? A class and a method of theirs, a sentence of ours, and what is done. */
import type { ClusterUnderTest } from '../../support/scenario/cluster-under-test.ts';
import { E2eStage } from './stage.ts';

export interface E2eCase {
  /** The method of the Java class, spelt as there. */
  readonly name: string;
  /** What must happen. */
  readonly about: string;
  /** It needs what the embedded cluster has not: a broker that evaluates SQL92. */
  readonly realOnly?: true;
  /** Rejects when it does not happen. */
  run(stage: E2eStage): Promise<void>;
}

/** One Java class of https://github.com/apache/rocketmq-e2e, java/e2e-v4. */
export interface E2eClass {
  readonly name: string;
  readonly cases: readonly E2eCase[];
}

/** Runs one case with names of its own, and puts away what it made. */
export async function runCase({ run }: E2eCase, cluster: ClusterUnderTest, delays: string): Promise<void> {
  await using stage = new E2eStage(cluster, delays);
  await run(stage);
}
