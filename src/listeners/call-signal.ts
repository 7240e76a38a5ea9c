// SPDX-License-Identifier: Apache-2.0
/** Which signal do the listener calls of one assignment get? One for all, made when the first of them asks for it. */
import { setMaxListeners } from 'node:events';

export class CallSignal {
  readonly #stopSignal: AbortSignal;
  #abort: AbortController | undefined;
  #signal: AbortSignal | undefined;

  /** `stopSignal`: aborted when the whole consumer is over. */
  constructor(stopSignal: AbortSignal) {
    this.#stopSignal = stopSignal;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#signal = AbortSignal.any([this.#aborting().signal, this.#stopSignal]);
      setMaxListeners(0, this.#signal); // every running call may listen: no leak, no warning
    }
    return this.#signal;
  }

  /** For good: who asks later gets an aborted one. */
  abort(reason: Error): void {
    this.#aborting().abort(reason);
  }

  #aborting(): AbortController {
    this.#abort ??= new AbortController();
    return this.#abort;
  }
}
