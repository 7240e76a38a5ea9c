// SPDX-License-Identifier: Apache-2.0
/** How are all brokers told at once that we are here? */
import { type EventObject, fromCallback } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { BeatOutcome, HeartbeatPort } from './heartbeat.types.ts';

export interface BeatAllInput {
  readonly port: HeartbeatPort;
  readonly addresses: readonly Address[];
}

/** One outcome event per address, as it comes: a dead broker delays none of the others. Stopping aborts what is open. */
export const beatAll = fromCallback<EventObject, BeatAllInput>(({ input, sendBack }) => {
  const abort = new AbortController();
  const signal = sharedSignal(abort.signal);
  const tell = (outcome: BeatOutcome): void => sendBack(outcome);
  for (const address of input.addresses) {
    void beat(input.port, address, signal).then(tell);
  }
  return () => abort.abort();
});

async function beat(port: HeartbeatPort, address: Address, signal: AbortSignal): Promise<BeatOutcome> {
  try {
    await port.beat(address, signal);
    return { type: 'beat.answered', address };
  } catch (thrown) {
    return { type: 'beat.failed', address, error: toRocketmqError(thrown) };
  }
}
