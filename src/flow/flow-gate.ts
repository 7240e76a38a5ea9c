// SPDX-License-Identifier: Apache-2.0
/**
 * May this queue pull more, and if not, why? Counters are shared by reference and asked on the pull path;
 * a queue that was refused is called back once, when there is room again.
 */

export type ThrottleCause = 'countOfQueue' | 'sizeOfQueue' | 'spanOfQueue' | 'countOfAll' | 'sizeOfAll';

/** Unit: messages, bytes, and offsets for the span. A queue is closed when a figure is above its limit. Source: ProcessQueue, DefaultMQPushConsumerImpl.pullMessage. */
export interface FlowLimits {
  readonly countOfQueue: number;
  readonly bytesOfQueue: number;
  readonly spanOfQueue: number;
  readonly countOfAll: number;
  readonly bytesOfAll: number;
}

/** What one queue holds at the moment. */
export interface FlowFigures {
  readonly count: number;
  readonly bytes: number;
  readonly span: number;
}

/** What all queues of a consumer hold together; queues waiting for room are remembered here. */
export class SharedFlow {
  readonly limits: FlowLimits;
  #count = 0;
  #bytes = 0;
  readonly #waiting = new Set<FlowGate>();

  constructor(limits: FlowLimits) {
    this.limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(count: number, bytes: number): void {
    this.#count += count;
    this.#bytes += bytes;
  }

  /** Gives room back and calls the queues that wait for it. */
  release(count: number, bytes: number): void {
    this.#count -= count;
    this.#bytes -= bytes;
    if (this.#waiting.size > 0) this.#wake();
  }

  wait(gate: FlowGate): void {
    this.#waiting.add(gate);
  }

  forget(gate: FlowGate): void {
    this.#waiting.delete(gate);
  }

  /** Those that wait again from inside their call are not asked twice for the same room. */
  #wake(): void {
    const { countOfAll, bytesOfAll } = this.limits;
    if (this.#count > countOfAll || this.#bytes > bytesOfAll) return; // no gate can be open: asking a thousand for each message done would be costly
    let unasked = this.#waiting.size;
    for (const gate of this.#waiting) {
      if (unasked-- === 0) return;
      if (gate.cause() !== undefined) continue;
      this.#waiting.delete(gate);
      gate.open();
    }
  }
}

/** One queue's view of the limits. */
export class FlowGate {
  readonly #figures: () => FlowFigures;
  readonly #shared: SharedFlow;
  #onOpen: (() => void) | undefined;

  constructor(figures: () => FlowFigures, shared: SharedFlow) {
    this.#figures = figures;
    this.#shared = shared;
  }

  /** Why no further batch may be pulled, or undefined when it may. `arriving` counts what is received but not yet admitted. */
  cause(arriving: { readonly count: number; readonly bytes: number } = nothing): ThrottleCause | undefined {
    const { limits } = this.#shared;
    const queue = this.#figures();
    if (queue.count + arriving.count > limits.countOfQueue) return 'countOfQueue';
    if (queue.bytes + arriving.bytes > limits.bytesOfQueue) return 'sizeOfQueue';
    if (queue.span > limits.spanOfQueue) return 'spanOfQueue';
    if (this.#shared.count + arriving.count > limits.countOfAll) return 'countOfAll';
    if (this.#shared.bytes + arriving.bytes > limits.bytesOfAll) return 'sizeOfAll';
    return undefined;
  }

  /** Asks for one call when there is room again. */
  whenOpen(callback: () => void): void {
    this.#onOpen = callback;
    this.#shared.wait(this);
  }

  /** The call is no longer wanted. */
  forget(): void {
    this.#onOpen = undefined;
    this.#shared.forget(this);
  }

  open(): void {
    const callback = this.#onOpen;
    this.#onOpen = undefined;
    callback?.();
  }
}

const nothing = { count: 0, bytes: 0 } as const;
