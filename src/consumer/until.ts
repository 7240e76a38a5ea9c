// SPDX-License-Identifier: Apache-2.0
/** Waits for a state of a consumer; used by everything that answers with a promise. */
import { ConsumerError } from '../errors/errors.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';

/** Resolves with the first snapshot that fits, the present one included; rejects when it was stopped hard, or on abort. */
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
    if (fits(present)) {
      resolve(present);
      return;
    }
    const onAbort = (): void => {
      subscription.unsubscribe();
      reject(signal?.reason as Error); // as above
    };
    const settle = (act: () => void): void => {
      signal?.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
      act();
    };
    const ended = (): void => {
      const last = actor.getSnapshot();
      settle(() => (fits(last) ? resolve(last) : reject(stoppedHard(last))));
    };
    const subscription = actor.subscribe({
      next: snapshot => {
        if (fits(snapshot)) settle(() => resolve(snapshot));
      },
      error: ended,
      complete: ended,
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function stoppedHard({ context: { consumerGroup } }: ConsumerSnapshot): ConsumerError {
  return new ConsumerError('RMQ_CONSUMER_STOPPED', `the consumer of ${consumerGroup} was stopped`, {
    context: { consumerGroup },
  });
}
