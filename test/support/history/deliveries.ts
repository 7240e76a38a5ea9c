// SPDX-License-Identifier: Apache-2.0
/** What did the consumers of a run write down, each for itself? One line a delivery; the file is the witness, not our counters. */
import { existsSync } from 'node:fs';
import { readConsumed } from '../cluster/java-programs.ts';
import { LineTail } from './line-tail.ts';

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
  /** When that call ended; undefined: it never did, or nobody wrote it down. */
  readonly until?: number | undefined;
  /** Which call of its process it was: the messages of a batch share one. */
  readonly call?: string | undefined;
  /** Its sharding key; empty: none. */
  readonly key?: string | undefined;
  readonly reconsumeTimes: number;
  /** The listener ended well. What failed is to come again. */
  readonly isDone: boolean;
}

/**
 * What `scripts/workers/member.mjs` writes with `out=`:
 * `queueId offset sequence monotonicMs topic@broker reconsumeTimes begun|ok|failed topic untilMs call key`. A call that was
 * begun and never ended is a delivery that is not done, without an end. A last line without its end is left out.
 */
export class DeliveryReader {
  readonly #lines: LineTail;
  readonly #known = new Map<string, Delivery>();

  constructor(file: string) {
    this.#lines = new LineTail(file);
  }

  /** All of the file so far, in the order in which the calls began. */
  read(): readonly Delivery[] {
    for (const line of this.#lines.next()) {
      const [id, offset, sequence, at, place = '', times, outcome, topic = '', until, call, key] =
        line.split(' ');
      this.#known.set(`${call} ${place}#${id} ${offset}`, {
        queue: `${place}#${id}`,
        topic,
        queueId: Number(id),
        offset: Number(offset),
        sequence: Number(sequence),
        at: Number(at),
        until: outcome === 'begun' ? undefined : Number(until),
        call,
        key,
        reconsumeTimes: Number(times),
        isDone: outcome === 'ok',
      });
    }
    return [...this.#known.values()];
  }
}

/** Reads what the Java consumer wrote with `out`. */
export function readJavaDeliveries(file: string): readonly Delivery[] {
  if (!existsSync(file)) return [];
  return readConsumed(file).map(each => ({
    queue: `${each.queueTopic}@${each.brokerName}#${each.queueId}`,
    topic: each.topic,
    queueId: each.queueId,
    offset: each.queueOffset,
    sequence: each.sequence,
    at: each.begunAt,
    until: each.endedAt,
    call: `${each.call}`,
    key: each.shardingKey,
    reconsumeTimes: each.reconsumeTimes,
    isDone: each.isDone,
  }));
}

/** A request that a member sent, seen where it leaves the process. */
export interface WireRequest {
  readonly code: number;
  readonly at: number;
  /** `topic#queueId`, where the request names one. */
  readonly queue: string;
  /** Of the peer. */
  readonly port: number;
}

/** What `scripts/workers/member.mjs` writes with `wire=`: `code monotonicMs topic#queueId port`. */
export class WireReader {
  readonly #lines: LineTail;
  readonly #known: WireRequest[] = [];

  constructor(file: string) {
    this.#lines = new LineTail(file);
  }

  /** All of the file so far. */
  read(): readonly WireRequest[] {
    for (const line of this.#lines.next()) {
      const [code, at, queue = '', port] = line.split(' ');
      this.#known.push({ code: Number(code), at: Number(at), queue, port: Number(port) });
    }
    return this.#known;
  }
}

/** CLOCK_MONOTONIC, the same for all processes of a machine. Unit: ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
