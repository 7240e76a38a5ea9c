// SPDX-License-Identifier: Apache-2.0
/** Where do the recordings in `visualizations/traces` come from? Members in processes of their own, on a real RocketMQ. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer } from '../../src/index.ts';
import { startCluster } from '../../test/support/cluster/cluster.ts';
import { checkTrace, type Violation } from '../../test/support/trace-checker.ts';
import { readTrace } from '../../test/support/trace-entries.ts';
import type { Recording } from '../sequence.ts';

export interface Recorded {
  /** One member alone: start, a message that fails once, shutdown. */
  readonly alone: readonly Recording[];
  /** A second member joins and leaves. */
  readonly handover: readonly Recording[];
  readonly violations: readonly Violation[];
}

const topic = 'orders';
const queues = 4;

/** Records both stories. @param folder where the traces are written; exists */
export async function record(folder: string): Promise<Recorded> {
  await using cluster = await startCluster({
    version: '5.5.0',
    brokerProperties: { messageDelayLevel: '1s 1s 1s 1s 2s' },
  });
  const { namesrvAddr } = cluster;
  await cluster.createTopic(topic, { queues });
  await using producer = createProducer({ namesrvAddr, producerGroup: 'recording' });
  await producer.start();
  const send = async (bodies: readonly string[]): Promise<void> => {
    for (const body of bodies) await producer.send({ topic, body });
  };
  const epoch = Date.now();
  const member = (group: string, name: string): Member =>
    new Member(
      { namesrv: namesrvAddr, group, topic, name, epoch: String(epoch) },
      join(folder, `${group}.${name}.jsonl`),
    );

  await send(['paid', 'fails once', 'shipped', 'paid']);
  const anna = member('alone', 'anna');
  await anna.said('retried');
  const alone = [await anna.stop()];

  await send(Array.from({ length: 50 }, () => 'paid'));
  const first = member('handover', 'anna');
  await first.said('working');
  const second = member('handover', 'boris');
  const working = new AbortController();
  const load = sendUntil(working.signal, () => send(['paid']));
  await second.said('working').finally(() => working.abort());
  await load;
  const left = await second.stop();
  const handover = [await first.stop(), left];
  const violations = [...alone, ...handover].flatMap(({ entries }) =>
    checkTrace(entries, { locks: 'fence' }),
  );
  return { alone, handover, violations };
}

/** A message every 20 ms: there is always something to hand over. */
async function sendUntil(signal: AbortSignal, send: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await send();
    await pause(20);
  }
}

class Member {
  readonly #name: string;
  readonly #file: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #heard = (): void => {};

  constructor(
    words: Readonly<Record<'namesrv' | 'group' | 'topic' | 'name' | 'epoch', string>>,
    file: string,
  ) {
    this.#name = words.name;
    this.#file = file;
    const args = Object.entries({ ...words, file }).map(([key, value]) => `${key}=${value}`);
    this.#child = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'member.ts'), ...args],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', line => {
        this.#lines.push(line);
        this.#heard();
      });
    }
    this.#child.once('exit', () => this.#heard());
  }

  async said(line: string): Promise<void> {
    while (!this.#lines.includes(line)) {
      if (this.#child.exitCode !== null) throw new Error(`${this.#name} ended without '${line}'`);
      await new Promise<void>(resolve => {
        this.#heard = resolve;
      });
    }
  }

  async stop(): Promise<Recording> {
    this.#child.stdin?.end();
    await this.said('stopped');
    return { member: this.#name, entries: await readTrace(this.#file) };
  }
}
