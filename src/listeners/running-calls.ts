// SPDX-License-Identifier: Apache-2.0
/** Which listener calls of an orderly queue run, and which of them are stuck? */
import { notSeen } from './listener-call.ts';

export class RunningCalls<Call> {
  /** With the time at which a sweep saw it first. Unit: ms of AwakeTime. */
  readonly #running = new Map<Call, number>();
  readonly #stuck = new Set<Call>();

  /** Those that are not stuck. */
  get running(): number {
    return this.#running.size;
  }

  get stuck(): number {
    return this.#stuck.size;
  }

  get all(): number {
    return this.#running.size + this.#stuck.size;
  }

  begin(call: Call): void {
    this.#running.set(call, notSeen);
  }

  /** What it was until now. */
  end(call: Call): 'running' | 'stuck' {
    if (this.#running.delete(call)) return 'running';
    this.#stuck.delete(call);
    return 'stuck';
  }

  /** Tells once of each call that is older than so many ms. */
  sweep(awakeMs: number, timeoutMs: number, onStuck: (call: Call, runningMs: number) => void): void {
    for (const [call, since] of this.#running) {
      if (since === notSeen) this.#running.set(call, awakeMs);
      else if (awakeMs - since >= timeoutMs) {
        this.#running.delete(call);
        this.#stuck.add(call);
        onStuck(call, Math.round(awakeMs - since));
      }
    }
  }
}
