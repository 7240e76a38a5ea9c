// SPDX-License-Identifier: Apache-2.0
/** How does a command tell that it took effect? */

import { ConsumerError } from '../errors/errors.ts';
import type { ConsumerCommand } from '../machines/consumer/consumer.types.ts';
import { assertNever } from '../model/assert-never.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { until } from './until.ts';

/**
 * Sends a command and resolves when it took effect. A suspend or resume during start is remembered, and resolves at once.
 * @throws ConsumerError `RMQ_COMMAND_REFUSED` when the consumer is stopping or stopped; `signal.reason` on abort
 * @example await execute(actor, { type: 'consumer.suspend' });
 */
export async function execute(
  actor: ConsumerActor,
  command: ConsumerCommand,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const present = actor.getSnapshot();
  const isOver = present.status !== 'active' || present.hasTag('stopping');
  if (isOver && command.type !== 'consumer.shutdown') throw refused(command, present);
  if (!isOver) actor.send(command);
  const snapshot = await until(
    actor,
    state => hasTakenEffect(command, state) || state.hasTag('stopping'),
    options,
  );
  if (!hasTakenEffect(command, snapshot) && command.type !== 'consumer.shutdown')
    throw refused(command, snapshot);
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

function refused(command: ConsumerCommand, { context, value }: ConsumerSnapshot): ConsumerError {
  const state = JSON.stringify(value);
  return new ConsumerError(
    'RMQ_COMMAND_REFUSED',
    `${context.consumerGroup} refused ${command.type} in state ${state}`,
    {
      context: { command: command.type, state },
    },
  );
}
