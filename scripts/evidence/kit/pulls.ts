// SPDX-License-Identifier: Apache-2.0
/** Who pulled which queue of which broker, and since when did a broker no longer list a member? Seen apart from the code under test. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from '../../../test/support/cluster/cluster.ts';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Touch } from '../../../test/support/history/owners.ts';
import type { Member } from './member.ts';
import type { Stage } from './stage.ts';

const pullCode = 11;
const periodMs = 50;

/** Every pull of the topic that the members sent; queues as `topic@broker#id`. */
export function pullsOf(cluster: Cluster, topic: string, members: readonly Member[]): readonly Touch[] {
  const brokers = new Map(cluster.brokers.map(each => [Number(each.address.split(':')[1]), each.brokerName]));
  return members.flatMap(member =>
    member.wire().flatMap(({ code, queue, at, port }) => {
      if (code !== pullCode || !queue.startsWith(`${topic}#`)) return [];
      const id = queue.slice(topic.length);
      return [{ member: member.name, queue: `${topic}@${brokers.get(port)}${id}`, at }];
    }),
  );
}

/** Every queue of the topic, named alike. */
export async function queuesIn(cluster: Cluster, topic: string): Promise<readonly string[]> {
  const queues = await cluster.admin.queues(topic);
  return queues.map(({ brokerName, queueId }) => `${topic}@${brokerName}#${queueId}`);
}

interface Sample {
  /** When it was asked. */
  readonly at: number;
  readonly ids: readonly string[];
}

/** Asks one broker for the members of a group (38) all the time. */
export class MemberWatch implements AsyncDisposable {
  readonly #samples: Sample[] = [];
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(stage: Stage, group: string, brokerName = 'broker-a') {
    this.#running = this.#run(stage.cluster, group, brokerName);
  }

  /** The members as they were answered last. */
  get now(): readonly string[] {
    return this.#samples.at(-1)?.ids ?? [];
  }

  /**
   * When the broker last named this instance: the one after was answered without it. undefined: it names it still.
   * @param after looks only at what was asked after that time
   */
  lastNamed(instance: string, after: number): number | undefined {
    const isNamed = ({ ids }: Sample): boolean => ids.some(id => id.split('@')[1] === instance);
    const since = this.#samples.filter(({ at }) => at > after);
    const missing = since.findIndex(sample => !isNamed(sample));
    if (missing === -1) return undefined;
    return since[missing - 1]?.at ?? after;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run({ admin }: Cluster, group: string, brokerName: string): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const at = monotonicMs();
      try {
        this.#samples.push({ at, ids: await admin.consumerList(group, brokerName) });
      } catch {
        // it does not answer: nothing is known
      }
      await pause(periodMs);
    }
  }
}
