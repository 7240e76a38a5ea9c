// SPDX-License-Identifier: Apache-2.0
/** How does a command tell that it took effect? */
import { commandRefused } from '../machines/consumer/consumer.reports.ts';
import type { ConsumerCommand } from '../machines/consumer/consumer.types.ts';
import { assertNever } from '../model/assert-never.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { until } from './until.ts';

/**
 * Sends a command and resolves when it took effect. A suspend or resume during start is remembered, and resolves at once.
 * @throws ConsumerError `RMQ_COMMAND_REFUSED` when the consumer is stopping or stopped, and nothing was sent;
 *   `RMQ_CONSUMER_STOPPED` when `actor.stop()` ended it meanwhile; `signal.reason` on abort
 * @example await execute(actor, { type: 'consumer.suspend' });
 */
export async function execute(
  actor: ConsumerActor,
  command: ConsumerCommand,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const present = actor.getSnapshot();
  if (command.type !== 'consumer.shutdown' && isLeaving(present)) throw refused(command, present);
  if (!isLeaving(present)) actor.send(command);
  const isEnough = (state: ConsumerSnapshot): boolean =>
    hasTakenEffect(command, state) || (command.type !== 'consumer.shutdown' && isLeaving(state));
  const snapshot = await until(actor, isEnough, options);
  if (!hasTakenEffect(command, snapshot)) throw refused(command, snapshot);
}

function isLeaving(snapshot: ConsumerSnapshot): boolean {
  return snapshot.status !== 'active' || snapshot.hasTag('stopping');
}

function hasTakenEffect(command: ConsumerCommand, snapshot: ConsumerSnapshot): boolean {
  const isBeforeRunning = snapshot.matches('idle') || snapshot.hasTag('starting');
  switch (command.type) {
    case 'consumer.suspend':
      return isBeforeRunning || snapshot.hasTag('suspended');
    case 'consumer.resume':
      return isBeforeRunning || snapshot.matches({ running: 'active' });
    case 'consumer.shutdown':
      return snapshot.matches('stopped');
    default:
      return assertNever(command);
  }
}

function refused(command: ConsumerCommand, { context, value }: ConsumerSnapshot): Error {
  return commandRefused(context.consumerGroup, command.type, value);
}
