// SPDX-License-Identifier: Apache-2.0
/** Waits for a state of a consumer; used by everything that answers with a promise. */
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { stoppedError } from './refusals.ts';

/**
 * Resolves with the first snapshot that fits, the present one included.
 * @throws ConsumerError `RMQ_CONSUMER_STOPPED` when it ended without one, as by `actor.stop()`; `signal.reason` on abort
 */
export function until(
  actor: ConsumerActor,
  fits: (snapshot: ConsumerSnapshot) => boolean,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ConsumerSnapshot> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error); // whatever the caller aborted with is what the caller gets
      return;
    }
    const present = actor.getSnapshot();
    if (isOver(present) || fits(present)) {
      conclude(present);
      return;
    }
    const subscription = actor.subscribe({
      next: snapshot => {
        if (fits(snapshot)) settle(() => resolve(snapshot));
      },
      error: () => settle(() => conclude(actor.getSnapshot())),
      complete: () => settle(() => conclude(actor.getSnapshot())),
    });
    signal?.addEventListener('abort', onAbort, { once: true });

    function conclude(last: ConsumerSnapshot): void {
      if (last.status !== 'stopped' && fits(last)) resolve(last);
      else reject(stoppedError(last.context.consumerGroup));
    }
    function settle(act: () => void): void {
      signal?.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
      act();
    }
    function onAbort(): void {
      settle(() => reject(signal?.reason as Error)); // as above
    }
  });
}

/** No further snapshot will come. After `actor.stop()` the value still says what it was doing then. */
function isOver({ status }: ConsumerSnapshot): boolean {
  return status !== 'active';
}
