// SPDX-License-Identifier: Apache-2.0
/** What does a scenario need of a cluster, be it the embedded one or a real Apache RocketMQ? */
import type { Clock } from '../../../src/index.ts';
import type { RawAdmin } from '../cluster/raw-admin.ts';
import type { Scenario } from './scenario.types.ts';

/** Retries come after 1 s and not after 10: the first is of level 3. For every cluster that scenarios run on. */
export const shortDelays = '1s 1s 1s 1s 2s 2s 3s 3s 5s 5s';

export interface ServerUnderTest {
  /** `broker-a`, `namesrv-0`. */
  readonly name: string;
  readonly address: string;
  readonly isRunning: boolean;
  /** As with `kill -9`. */
  kill(): Promise<void>;
  /** Again on the same port with what it had stored; resolves when it serves and is known to the name servers. */
  start(): Promise<void>;
  /** Connections stay, nothing is answered. */
  suspend(): void;
  resume(): void;
}

export interface ClusterUnderTest extends AsyncDisposable {
  /** `embedded`, `5.5.0`. */
  readonly name: string;
  readonly namesrvAddr: string;
  readonly brokers: readonly ServerUnderTest[];
  readonly nameServers: readonly ServerUnderTest[];
  /** What members and producers of a scenario tell the time by. */
  readonly clock: Clock;
  /** What the brokers say, asked apart from the code under test. */
  readonly admin: RawAdmin;
  /** Creates it on every broker, or changes the number of its queues; resolves when every name server knows. */
  setQueues(topic: string, queues: number): Promise<void>;
  /** Name servers forget all brokers, as if they had just been started. */
  emptyNameServers(): Promise<void>;
  /** Brokers register again. */
  fillNameServers(): Promise<void>;
  /**
   * Lets time pass until the condition holds, and looks at it again and again: each 10 ms, or for a promise, each 50.
   * @throws ClusterError `TIMED_OUT` naming what was waited for, after that time on the cluster's clock. Unit: ms
   */
  until(what: string, limitMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void>;
}

export interface ClusterSize {
  readonly brokers: number;
  readonly nameServers: number;
}

/** Makes a cluster of that size. */
export type StartCluster = (size: ClusterSize) => Promise<ClusterUnderTest>;

export function sizeOf({ cluster }: Scenario): ClusterSize {
  return { brokers: cluster?.brokers ?? 1, nameServers: cluster?.nameServers ?? 1 };
}

/** `broker-a`, `broker-b`, … */
export function brokerNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `broker-${String.fromCharCode(97 + index)}`);
}

/** Lets time pass until the promise is settled, and settles alike. */
export async function settled<Value>(
  cluster: ClusterUnderTest,
  what: string,
  limitMs: number,
  promise: Promise<Value>,
): Promise<Value> {
  let isSettled = false;
  const done = (): void => {
    isSettled = true;
  };
  promise.then(done, done);
  await cluster.until(what, limitMs, () => isSettled);
  return promise;
}

/** A condition that asks the brokers costs something. Unit: ms. */
export function lookAgainAfter(answer: boolean | Promise<boolean>): number {
  return typeof answer === 'boolean' ? 10 : 50;
}
