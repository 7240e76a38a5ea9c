// SPDX-License-Identifier: Apache-2.0
/** Who holds the locks of a topic? Asked by hand, so that a stranger can take them, give them back, and see whether they are free. */
import type { RawQueue } from '../cluster/raw-admin.ts';
import type { World } from './world.ts';

/** Locks of all queues of a topic, under one name, in the name of a client. Names as the cluster has them. */
export interface LocksAsked {
  readonly name: string;
  readonly topic: string;
  readonly clientId: string;
  /** Default: all queues of the topic. */
  readonly queues?: readonly RawQueue[];
}

/** The client id of a stranger who takes locks. */
export const stranger = '192.0.2.1@stranger';

/** The group whose locks are meant, as the cluster has it: its own name, or that of its fence. */
export function lockNameOf({ names }: World, group: string, kind: 'fence' | 'orderly'): string {
  return names.fresh(kind === 'fence' ? `%RETRY%${group}` : group);
}

const lockCode = 41;
const unlockCode = 42;

/** Asks every broker for its queues; `topic@broker#id` of those that were refused. */
export async function takeLocks(world: World, asked: LocksAsked): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const { answer, wanted } of await ask(world, lockCode, asked)) {
    const granted: unknown = Object(JSON.parse(answer.toString())).lockOKMQSet;
    const held = new Set(Array.isArray(granted) ? granted.map(textOf) : []);
    refused.push(...wanted.map(textOf).filter(queue => !held.has(queue)));
  }
  return refused;
}

export async function returnLocks(world: World, asked: LocksAsked): Promise<void> {
  await ask(world, unlockCode, asked);
}

interface Answered {
  readonly answer: Buffer;
  readonly wanted: readonly object[];
}

async function ask(
  { cluster }: World,
  code: number,
  { name, topic, clientId, queues: given }: LocksAsked,
): Promise<readonly Answered[]> {
  const queues = given ?? (await cluster.admin.queues(topic));
  const owners = cluster.brokers.filter(broker => queues.some(queue => queue.brokerName === broker.name));
  return Promise.all(
    owners.map(async ({ name: brokerName, address }) => {
      const wanted = queues
        .filter(queue => queue.brokerName === brokerName)
        .map(({ queueId }) => ({ topic, brokerName, queueId }));
      const body = Buffer.from(JSON.stringify({ clientId, consumerGroup: name, mqSet: wanted }));
      const { code: answered, remark, body: answer } = await cluster.admin.request(address, { code, body });
      if (answered !== 0) throw new Error(`${brokerName} answered ${code} with ${answered}: ${remark}`);
      return { answer, wanted };
    }),
  );
}

function textOf(queue: unknown): string {
  const { topic, brokerName, queueId } = Object(queue);
  return `${topic}@${brokerName}#${queueId}`;
}
