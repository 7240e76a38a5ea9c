// SPDX-License-Identifier: Apache-2.0
/** Who closes sockets and timers when an actor dies without running its exit actions? The scope it was given. */
import { setMaxListeners } from 'node:events';
import { RocketmqError, toError } from '../../errors/errors.ts';

/**
 * Whatever must not outlive its owner. XState runs no exit action on `actor.stop()` nor after a crash, so everything
 * that holds the process open (sockets, timers, watchers) is deferred here, and the root closes its scope at the end.
 */
export interface Scope {
  /** Aborted when the scope or a scope above it is closed. */
  readonly signal: AbortSignal;
  /** Runs `dispose` once, when the scope closes; at once if it is closed already. The answer takes it back unrun. */
  defer(dispose: () => void): () => void;
  /** A scope that closes with this one, or earlier by itself. */
  child(): Scope;
  /**
   * Aborts the signal, then runs every disposer once, newest first, also when one throws. Never throws itself.
   * @param reason `signal.reason` of the scope and its children. Default: RMQ_ABORTED.
   * @returns what disposers threw, those of children included; empty when closed before
   */
  close(reason?: unknown): readonly Error[];
}

/**
 * A new scope, closed by itself when the parent signal aborts.
 * @example
 * const scope = createScope();
 * const timer = clock.setTimeout(tick, 1000);
 * scope.defer(() => clock.clearTimeout(timer));
 * actor.subscribe({ error: reason => scope.close(reason), complete: () => scope.close() });
 */
export function createScope(parent?: AbortSignal): Scope {
  const scope = new DisposerScope();
  if (parent === undefined) return scope;
  if (parent.aborted) {
    scope.close(parent.reason);
    return scope;
  }
  const onAbort = (): void => {
    scope.close(parent.reason);
  };
  parent.addEventListener('abort', onAbort, { once: true });
  scope.defer(() => parent.removeEventListener('abort', onAbort));
  return scope;
}

/** Children are disposers too: closing walks down the tree, a closed child takes itself out. */
class DisposerScope implements Scope {
  private readonly controller = new AbortController();
  /** In the order of deferring; a box each, so that one function deferred twice runs twice. */
  private readonly disposers = new Set<{ readonly dispose: () => void }>();
  private readonly failures: Error[] = [];

  constructor() {
    setMaxListeners(0, this.signal); // many calls may wait on one scope: no leak, no warning
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  defer(dispose: () => void): () => void {
    if (this.signal.aborted) {
      this.run(dispose);
      return () => {};
    }
    const box = { dispose };
    this.disposers.add(box);
    return () => {
      this.disposers.delete(box);
    };
  }

  child(): Scope {
    const child = new DisposerScope();
    const forget = this.defer(() => this.failures.push(...child.close(this.signal.reason)));
    child.defer(forget);
    return child;
  }

  close(reason: unknown = new RocketmqError('RMQ_ABORTED', 'the scope was closed')): readonly Error[] {
    if (this.signal.aborted) return [];
    this.controller.abort(reason);
    const newestFirst = [...this.disposers].reverse();
    this.disposers.clear();
    for (const { dispose } of newestFirst) this.run(dispose);
    return this.failures;
  }

  private run(dispose: () => void): void {
    try {
      dispose();
    } catch (thrown) {
      this.failures.push(toError(thrown));
    }
  }
}
