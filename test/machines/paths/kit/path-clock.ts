// SPDX-License-Identifier: Apache-2.0
/** How does a path decide which of several timers is over first? Each is known by its length; time itself stands still. */
import { TestClock } from '../../../../src/testing/test-clock.ts';

/** A test clock whose timers also fire by name, as it were: whichever was armed for so long. */
export class PathClock extends TestClock {
  private readonly armed = new Map<unknown, { readonly ms: number; readonly fire: () => void }>();

  override setTimeout(fn: (...args: never[]) => void, ms: number): unknown {
    const fire = fn as () => void; // timers are called without arguments
    const id = super.setTimeout(fire, ms);
    this.armed.set(id, { ms, fire });
    return id;
  }

  override clearTimeout(id: unknown): void {
    super.clearTimeout(id);
    this.armed.delete(id);
  }

  /** The timer that was armed last for so long is over. Answers whether there is one. Unit: ms. */
  end(ms: number): boolean {
    const found = [...this.armed].findLast(([, timer]) => timer.ms === ms);
    if (found === undefined) return false;
    this.clearTimeout(found[0]);
    found[1].fire();
    return true;
  }
}
