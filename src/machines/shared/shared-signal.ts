// SPDX-License-Identifier: Apache-2.0
/** How do many calls wait on one signal, without Node warning of a leak from the eleventh on? */
import { setMaxListeners } from 'node:events';

/** The same signal, meant for as many calls as there are: each takes its listener away when it ends. */
export function sharedSignal(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
