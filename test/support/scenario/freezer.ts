// SPDX-License-Identifier: Apache-2.0
/**
 * How is one member of several in a process stopped as by SIGSTOP? Its timers and what comes from the network wait; when it
 * goes on, its clocks tell of as much time as the scenario says. A broker drops a member it has not heard of for 120 s:
 * here the connections break at once.
 */
import type { Clock } from '../../../src/index.ts';
import type { Dialer, Socket } from '../../../src/transport/ports.ts';

export class Freezer {
  readonly clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #network: (() => void)[] = [];
  readonly #timers: (() => void)[] = [];
  #isFrozen = false;
  #frozenAt = 0;
  /** By how much its clocks are ahead of the cluster's. Unit: ms. */
  #ahead = 0;
  readonly #inner: Clock;

  constructor(inner: Clock) {
    this.#inner = inner;
    const cleared = new WeakSet<object>();
    this.clock = {
      now: () => inner.now() + this.#ahead,
      wallNow: () => inner.wallNow() + this.#ahead,
      setTimeout: (fire, ms) => {
        const timer: { id?: unknown } = {};
        const run = (): void => {
          if (!cleared.has(timer)) (fire as () => void)(); // timers are called without arguments, as the Clock of src says
        };
        timer.id = inner.setTimeout(() => this.#pass(this.#timers, run), ms);
        return timer;
      },
      clearTimeout: timer => {
        if (typeof timer !== 'object' || timer === null) return;
        cleared.add(timer);
        if ('id' in timer) inner.clearTimeout(timer.id);
      },
    };
  }

  /** A dialer whose connections freeze with the member. */
  dialer(inner: Dialer): Dialer {
    return {
      dial: async (address, handlers, options) => {
        const socket: Socket = await inner.dial(
          address,
          {
            onData: chunk => this.#pass(this.#network, () => handlers.onData(chunk)),
            onClose: error => {
              this.#sockets.delete(socket);
              this.#pass(this.#network, () => handlers.onClose(error));
            },
            onDrain: () => this.#pass(this.#network, () => handlers.onDrain?.()),
          },
          options,
        );
        this.#sockets.add(socket);
        return socket;
      },
    };
  }

  /** Breaks its connections; from now on it notices nothing. */
  freeze(): void {
    this.#isFrozen = true;
    this.#frozenAt = this.#inner.now();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** It goes on after so much time (at least what has really passed): first the network, then overdue timers. Unit: ms. */
  thaw(after: number): void {
    this.#ahead += Math.max(0, after - (this.#inner.now() - this.#frozenAt));
    this.#isFrozen = false;
    for (const happen of [...this.#network.splice(0), ...this.#timers.splice(0)]) happen();
  }

  #pass(waiting: (() => void)[], happen: () => void): void {
    if (this.#isFrozen) waiting.push(happen);
    else happen();
  }
}
