// SPDX-License-Identifier: Apache-2.0
/** How is a consumer stopped so that nothing is lost and nothing repeated? */
import { notStartedReport } from '../machines/consumer/consumer.logic.ts';
import type { ShutdownReport } from '../machines/consumer/consumer.types.ts';
import type { ConsumerActor } from './consumer-actor.ts';
import { until } from './until.ts';

/**
 * Stops in order: no new pulls, running listeners end, last offsets confirmed, group left, connections closed.
 * Never rejects; every caller gets the same report. A consumer that was not started is clean at once.
 * @param options.timeout bounds the whole path. Unit: ms. Default: `shutdownTimeout`
 * @example process.once('SIGTERM', async () => { const { clean } = await shutdown(actor); process.exitCode = clean ? 0 : 1; });
 */
export async function shutdown(
  actor: ConsumerActor,
  options: { readonly timeout?: number | undefined } = {},
): Promise<ShutdownReport> {
  if (actor.getSnapshot().status === 'active') {
    actor.send({ type: 'consumer.shutdown', timeout: options.timeout });
  }
  try {
    const stopped = await until(actor, snapshot => snapshot.matches('stopped'));
    return stopped.output ?? notStartedReport;
  } catch {
    return stoppedHardReport; // by actor.stop(), before or while it was stopping
  }
}

/** Nobody knows what was left undone. */
const stoppedHardReport: ShutdownReport = { ...notStartedReport, clean: false };
