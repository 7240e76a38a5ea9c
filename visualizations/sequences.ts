// SPDX-License-Identifier: Apache-2.0
/** Which stories do the recordings tell, and where does each begin and end? */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestCode } from '../src/protocol/codes.ts';
import { readTrace, type TraceEntry } from '../test/support/trace-entries.ts';
import { queuesIn, type Recording, sequenceDiagram } from './sequence.ts';

/** File name → Mermaid text, from the recordings in `traces`. */
export async function sequences(traces: string): Promise<ReadonlyMap<string, string>> {
  const alone = await recordings(traces, 'alone');
  const handover = await recordings(traces, 'handover');
  const [anna] = alone;
  const boris = handover.find(({ member }) => member === 'boris');
  if (anna === undefined || boris === undefined) return new Map();
  const firstWork = first(anna.entries, entry => entry.kind === 'begin');
  const failed = anna.entries.find(entry => entry.kind === 'end' && entry.done === 0);
  const failedAt = failed?.kind === 'end' ? beginOf(anna.entries, failed.delivery) : 0;
  const retried = last(anna.entries, entry => entry.kind === 'end');
  const borisWorks = first(boris.entries, entry => entry.kind === 'begin');
  const joins = first(boris.entries, isRequest(RequestCode.HEART_BEAT));
  const moved = granted(boris.entries);
  const changing = handover.map(each => ({ ...each, queues: moved }));
  return new Map([
    ['sequence-start.mmd', draw('A start', alone, 0, firstWork)],
    ['sequence-retry.mmd', draw('A message fails once', alone, failedAt, retried)],
    ['sequence-shutdown.mmd', draw('A shutdown', alone, retried, Number.POSITIVE_INFINITY)],
    ['sequence-handover.mmd', draw('boris joins: queues change their owner', changing, joins, borisWorks)],
  ]);
}

async function recordings(folder: string, group: string): Promise<readonly Recording[]> {
  const files = (await readdir(folder)).filter(name => name.startsWith(`${group}.`)).sort();
  return Promise.all(
    files.map(async file => ({
      member: file.split('.')[1] ?? file,
      entries: await readTrace(join(folder, file)),
    })),
  );
}

function draw(title: string, all: readonly Recording[], from: number, to: number): string {
  const cut = all.map(each => ({ ...each, from, to }));
  return sequenceDiagram(cut, { title });
}

/** Queues whose lock somebody was given, as `topic/id`. */
function granted(entries: readonly TraceEntry[]): ReadonlySet<string> {
  const answers = entries.filter(entry => entry.kind === 'response' && entry.direction === 'in');
  return new Set(answers.flatMap(entry => ('body' in entry ? queuesIn(entry.body, 'lockOKMQSet') : [])));
}

const isRequest =
  (code: number) =>
  (entry: TraceEntry): boolean =>
    entry.kind === 'request' && entry.direction === 'out' && entry.code === code;

function first(entries: readonly TraceEntry[], is: (entry: TraceEntry) => boolean): number {
  return entries.find(is)?.at ?? Number.POSITIVE_INFINITY;
}

function last(entries: readonly TraceEntry[], is: (entry: TraceEntry) => boolean): number {
  return entries.findLast(is)?.at ?? 0;
}

function beginOf(entries: readonly TraceEntry[], delivery: number): number {
  return first(entries, entry => entry.kind === 'begin' && entry.delivery === delivery);
}
