// SPDX-License-Identifier: Apache-2.0
/** What did the consumers of a run write down, each for itself? One line a delivery; the file is the witness, not our counters. */
import { existsSync, readFileSync } from 'node:fs';
import { readConsumed } from '../cluster/java-programs.ts';

/** One message that a listener was given. */
export interface Delivery {
  /** `topic@broker#id` of the queue it came from; a retried message comes from `%RETRY%group`. */
  readonly queue: string;
  /** The topic that the listener saw. */
  readonly topic: string;
  readonly queueId: number;
  /** Its place in that queue. */
  readonly offset: number;
  /** The number its body begins with. */
  readonly sequence: number;
  /** When the listener was called: CLOCK_MONOTONIC, the same for all processes of a machine. Unit: ms. */
  readonly at: number;
  readonly reconsumeTimes: number;
  /** The listener ended well. What failed is to come again. */
  readonly isDone: boolean;
}

/**
 * Reads what `scripts/workers/member.mjs` wrote with `out=`:
 * `queueId offset sequence monotonicMs topic@broker reconsumeTimes ok|failed topic`. A last line without its end is left out.
 */
export function readDeliveries(file: string): readonly Delivery[] {
  return linesOf(file).map(line => {
    const [id, offset, sequence, at, place = '', reconsumeTimes, outcome, topic = ''] = line.split(' ');
    return {
      queue: `${place}#${id}`,
      topic,
      queueId: Number(id),
      offset: Number(offset),
      sequence: Number(sequence),
      at: Number(at),
      reconsumeTimes: Number(reconsumeTimes),
      isDone: outcome === 'ok',
    };
  });
}

/** Reads what the Java consumer wrote with `out`. Its times are of the wall clock. */
export function readJavaDeliveries(file: string, topic: string): readonly Delivery[] {
  if (!existsSync(file)) return [];
  const wallBehind = Date.now() - monotonicMs();
  return readConsumed(file).map(each => ({
    queue: `${topic}@${each.brokerName}#${each.queueId}`,
    topic,
    queueId: each.queueId,
    offset: each.queueOffset,
    sequence: each.sequence,
    at: each.timestamp - wallBehind,
    reconsumeTimes: each.reconsumeTimes,
    isDone: true,
  }));
}

/** A request that a member sent, seen where it leaves the process. */
export interface WireRequest {
  readonly code: number;
  readonly at: number;
  /** `topic#queueId`, where the request names one. */
  readonly queue: string;
}

/** Reads what `scripts/workers/member.mjs` wrote with `wire=`: `code monotonicMs topic#queueId`. */
export function readWire(file: string): readonly WireRequest[] {
  return linesOf(file).map(line => {
    const [code, at, queue = ''] = line.split(' ');
    return { code: Number(code), at: Number(at), queue };
  });
}

/** CLOCK_MONOTONIC, the same for all processes of a machine. Unit: ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Whole lines only: a writer may be in the middle of the last. */
function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
}
