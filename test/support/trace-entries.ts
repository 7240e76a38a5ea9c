// SPDX-License-Identifier: Apache-2.0
/** What is written down about a run of a consumer, seen from its ports? One entry a line; the line number is its name. */
import { readFile, writeFile } from 'node:fs/promises';

/** Text fields of a header, as they were on the wire. */
export type Fields = Readonly<Record<string, string>>;

/** `topic`, broker and id of a queue as the listener saw them. */
export interface TracedQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** Where a message stands: in its queue, in the broker's log, and by its id. */
export interface TracedMessage {
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly msgId: string;
}

/** A connection came up, or ended, or carried bytes that are no frames. `us`: our side closed it. */
export type LinkEntry =
  | { readonly kind: 'open'; readonly connection: number; readonly address: string }
  | {
      readonly kind: 'close';
      readonly connection: number;
      readonly address: string;
      readonly by: 'us' | 'peer';
    }
  | {
      readonly kind: 'unreadable';
      readonly direction: 'out' | 'in';
      readonly connection: number;
      readonly address: string;
      readonly why: string;
    };

/** A frame; `out` is what our side sent. */
export interface FrameEntry {
  readonly kind: 'request' | 'oneway' | 'response';
  readonly direction: 'out' | 'in';
  readonly connection: number;
  readonly address: string;
  readonly code: number;
  readonly opaque: number;
  readonly fields: Fields;
  /** The JSON body of 34, 41 and 42, and of the answers to 38 and 41. */
  readonly body?: unknown;
  /** Queue offsets of the messages in the body of a pull answer. */
  readonly offsets?: readonly number[];
  /** Broker names by address, of a route answer. */
  readonly brokers?: Fields;
}

/**
 * The listener was called, or answered: the first `done` messages are done, the others are to come again. Without
 * autoCommit those of a `kept` one are done with the later one whose `commits` names it, or come again.
 */
export type DeliveryEntry =
  | {
      readonly kind: 'begin';
      readonly delivery: number;
      readonly queue: TracedQueue;
      readonly messages: readonly TracedMessage[];
    }
  | {
      readonly kind: 'end';
      readonly delivery: number;
      readonly outcome: string;
      readonly done: number;
      readonly kept?: true;
      readonly commits?: readonly number[];
    };

/**
 * What the test did or saw. `stopped`: the consumer said so; `hardStop`: it was told to stop without ceremony;
 * `killed`: the peer at `address` was killed; `moved`: a reset or seek of `topic`, all topics if none is named;
 * `slept`: for `ms` the process did not run.
 */
export type MarkEntry = { readonly kind: 'mark' } & (
  | {
      readonly mark: 'stopped' | 'hardStop' | 'killed' | 'moved';
      readonly address?: string;
      readonly topic?: string;
    }
  | { readonly mark: 'slept'; readonly ms: number }
  | ToldEntry
);

/**
 * What the consumer decided, was told, and told, as `followConsumer` writes it down. `decided`: from now on it is to hold
 * exactly these queues; `revoked`: one that it no longer holds; `sought`: a seek or reset was asked for; `corrected`: a queue goes
 * on from another place; `stopping`: it stops, and has `ms` for it; `ended`: it is over.
 */
export type ToldEntry =
  | { readonly mark: 'decided'; readonly queues: readonly TracedQueue[] }
  | { readonly mark: 'revoked'; readonly queue: TracedQueue; readonly reason: string }
  | { readonly mark: 'sought' | 'ended' }
  | { readonly mark: 'corrected'; readonly queue: TracedQueue; readonly to: number }
  | { readonly mark: 'stopping'; readonly ms: number };

/** What happened, and when. Unit of `at`: ms since the trace began. */
export type TraceEntry = { readonly at: number } & (LinkEntry | FrameEntry | DeliveryEntry | MarkEntry);

/** Writes a trace as .jsonl: entry number n is line n. */
export async function writeTrace(file: string, entries: readonly TraceEntry[]): Promise<void> {
  await writeFile(file, entries.map(entry => `${JSON.stringify(entry)}\n`).join(''));
}

/** Reads what {@link writeTrace} wrote. */
export async function readTrace(file: string): Promise<readonly TraceEntry[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(line => line !== '');
  return lines.map(line => JSON.parse(line) as TraceEntry); // written by writeTrace
}
