// SPDX-License-Identifier: Apache-2.0
/** How does time pass on a TestClock while real sockets are at work? In small steps, each followed by whatever the sockets still have to say. */
import { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { TestClock } from '../test-clock.ts';

/** Shorter than any time a client waits for an answer. Unit: ms. */
const step = 100;
/** Turns of the event loop without anything on the sockets after which nothing will come: a request and its answer take three. */
const quietTurns = 10;
/** As many are enough to see whether anything has begun: what a timer made a client write arrives in the next turn. */
const firstTurns = 3;

/** What moved on the sockets of a cluster's servers, counted. */
export class Activity {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  note(): void {
    this.#count += 1;
  }

  /** Resolves when nothing moves any more. What a peer on this machine has written can be read in the next turn. */
  async settle(turns = quietTurns): Promise<void> {
    let left = turns;
    while (left > 0) {
      const before = this.#count;
      await turn();
      left = this.#count === before ? left - 1 : quietTurns;
    }
  }
}

export async function passTime(clock: Clock, activity: Activity, ms: number): Promise<void> {
  const hand = testClock(clock);
  await activity.settle();
  for (let left = ms; left > 0; left -= step) {
    const before = activity.count;
    await hand.advance(Math.min(step, left));
    await activity.settle(activity.count === before ? firstTurns : quietTurns);
  }
}

export async function passUntil<T>(
  clock: Clock,
  activity: Activity,
  what: (() => boolean) | Promise<T>,
  atMost: number,
): Promise<T | undefined> {
  const isSo = typeof what === 'function' ? what : hasSettled(what);
  const deadline = testClock(clock).now() + atMost;
  await activity.settle();
  while (!isSo()) {
    if (clock.now() >= deadline) {
      throw new RocketmqError('RMQ_REQUEST_TIMEOUT', `what was waited for did not come within ${atMost} ms`);
    }
    await passTime(clock, activity, step);
  }
  return typeof what === 'function' ? undefined : what;
}

function hasSettled(promise: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  return () => isSettled;
}

function testClock(clock: Clock): TestClock {
  if (clock instanceof TestClock) return clock;
  throw new RocketmqError(
    'RMQ_COMMAND_REFUSED',
    'time passes by itself here: give startEmbeddedCluster a TestClock to move it by hand',
  );
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}
