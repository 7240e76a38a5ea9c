// SPDX-License-Identifier: Apache-2.0
/** What does something leave behind in this process once it is over: sockets, timers, memory? */
import { createHook } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, systemClock } from '../../src/model/clock.ts';

const socketTypes = new Set(['TCPWRAP', 'TCPSERVERWRAP', 'PIPEWRAP']);

/** Counts sockets and listeners that are made and not closed, whether or not they keep the process alive. */
export class SocketCount implements Disposable {
  readonly #open = new Map<number, string>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (socketTypes.has(type)) this.#open.set(id, type);
    },
    destroy: id => {
      this.#open.delete(id);
    },
  }).enable();

  get open(): number {
    return this.#open.size;
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
  }
}

/** The system's clock, which knows how many of its timers are armed. */
export class CountingClock implements Clock {
  readonly #armed = new Set<unknown>();

  get armed(): number {
    return this.#armed.size;
  }

  now(): number {
    return systemClock.now();
  }

  wallNow(): number {
    return systemClock.wallNow();
  }

  setTimeout(fn: (...args: never[]) => void, timeout: number): unknown {
    const fire = fn as () => void; // timers are called without arguments
    const id = systemClock.setTimeout(() => {
      this.#armed.delete(id);
      fire();
    }, timeout);
    this.#armed.add(id);
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#armed.delete(id);
    systemClock.clearTimeout(id);
  }
}

/** What keeps this process alive, by kind, as Node tells it. */
export function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Kinds of which there are more than before: `Timeout +1`. */
export function moreResources(before: ReadonlyMap<string, number>): readonly string[] {
  return [...activeResources()].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0);
    return more > 0 ? [`${kind} +${more}`] : [];
  });
}

/** Turns of the event loop until it holds: handles close a turn after they are told to. False after a second. */
export async function soon(isTrue: () => boolean): Promise<boolean> {
  const deadline = performance.now() + 1000;
  while (!isTrue()) {
    if (performance.now() > deadline) return false;
    await turn();
  }
  return true;
}

/** Memory in use after a full collection: heap, and buffers outside of it. Unit: MB. */
export async function memoryMb(): Promise<number> {
  const collect = collector();
  for (let round = 0; round < 3; round += 1) {
    await turn(); // what was closed lets go in a turn of its own
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void; // the flag puts it into every context made afterwards
}
