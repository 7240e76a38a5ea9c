// SPDX-License-Identifier: Apache-2.0
/** Which signal does a listener call get, and when is it aborted? Its own, made only when its listener asks for one. */
import { setMaxListeners } from 'node:events';

/** Of the calls of one assignment. */
export class CallSignals {
  readonly #stopSignal: AbortSignal;
  /** Of running calls. The consumer's signal is listened to only while there are some: it outlives every assignment. */
  readonly #live = new Set<AbortController>();
  readonly #onStop = (): void => this.#abortAll(this.#stopSignal.reason);
  #givenUp: Error | undefined;

  /** `stopSignal`: aborted when the whole consumer is over. */
  constructor(stopSignal: AbortSignal) {
    this.#stopSignal = stopSignal;
    setMaxListeners(0, stopSignal); // one for each queue with running calls: no leak, no warning
  }

  /** For a call that runs. */
  open(): AbortController {
    const controller = this.ofEndedCall();
    if (controller.signal.aborted) return controller;
    if (this.#live.size === 0) this.#stopSignal.addEventListener('abort', this.#onStop, { once: true });
    this.#live.add(controller);
    return controller;
  }

  /** Aborted if it would have been by now; nothing is left that could be stopped later. */
  ofEndedCall(): AbortController {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal); // a listener may hand it to many requests of one batch
    if (this.#stopSignal.aborted) controller.abort(this.#stopSignal.reason);
    else if (this.#givenUp !== undefined) controller.abort(this.#givenUp);
    return controller;
  }

  /** The call has ended: nothing aborts its signal any more. */
  close(controller: AbortController): void {
    if (this.#live.delete(controller) && this.#live.size === 0)
      this.#stopSignal.removeEventListener('abort', this.#onStop);
  }

  /** The queue is no longer ours: aborts those of all running calls, for good. */
  abort(reason: Error): void {
    this.#givenUp = reason;
    this.#abortAll(reason);
  }

  #abortAll(reason: unknown): void {
    const live = [...this.#live];
    this.#live.clear();
    this.#stopSignal.removeEventListener('abort', this.#onStop);
    for (const controller of live) controller.abort(reason);
  }
}
