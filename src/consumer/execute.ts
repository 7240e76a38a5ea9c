// SPDX-License-Identifier: Apache-2.0
/** How does a command tell that it took effect? */
import { isWorkCommand, type Ticketed, type WorkCommand } from '../machines/commands/work-command.ts';
import { commandRefused } from '../machines/consumer/consumer.reports.ts';
import type { ConsumerCommand } from '../machines/consumer/consumer.types.ts';
import { assertNever } from '../model/assert-never.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { stoppedError } from './refusals.ts';
import { until } from './until.ts';

/**
 * Sends a command and resolves when it took effect. A suspend or resume during start is remembered, and resolves at once; what
 * needs a running consumer waits for it. What was aborted is carried out all the same: only the wait ends.
 * @throws ConsumerError `RMQ_COMMAND_REFUSED` when the consumer is stopping or stopped; `RMQ_CONSUMER_STOPPED` when
 *   `actor.stop()` ended it meanwhile; `RMQ_CONSUMER_NOT_RUNNING` for a seek, reset or commit before `start()`;
 *   `RMQ_QUEUE_NOT_OWNED`, `RMQ_OFFSET_OUT_OF_RANGE`, `RMQ_COMMAND_INVALID`, or what the broker said, when it could not
 *   be carried out; SubscriptionError for topics and selectors; `signal.reason` on abort
 * @example await execute(actor, { type: 'queue.seek', queue, to: 'begin' });
 */
export async function execute(
  actor: ConsumerActor,
  command: ConsumerCommand,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const present = actor.getSnapshot();
  if (command.type !== 'consumer.shutdown' && isLeaving(present)) throw refused(command, present);
  if (!isStateCommand(command)) return carriedOut(actor, command, options);
  if (!isLeaving(present)) actor.send(command);
  const isEnough = (state: ConsumerSnapshot): boolean =>
    hasTakenEffect(command, state) || (command.type !== 'consumer.shutdown' && isLeaving(state));
  const snapshot = await until(actor, isEnough, options);
  if (!hasTakenEffect(command, snapshot)) throw refused(command, snapshot);
}

/** Its ticket says how it ended; one whose consumer is over hears nothing any more. */
function carriedOut(
  actor: ConsumerActor,
  command: WorkCommand,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => settle(() => reject(stoppedError(actor.getSnapshot().context.consumerGroup)));
    const subscription = actor.subscribe({ error: over, complete: over });
    const onAbort = (): void => settle(() => reject(signal?.reason as Error)); // whatever the caller aborted with is what the caller gets
    const settle = (act: () => void): void => {
      signal?.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
      act();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const ticketed: Ticketed<WorkCommand> = {
      ...command,
      ticket: { done: () => settle(resolve), refused: error => settle(() => reject(error)) },
    };
    actor.send(ticketed);
  });
}

function isLeaving(snapshot: ConsumerSnapshot): boolean {
  return snapshot.status !== 'active' || snapshot.hasTag('stopping');
}

type StateCommand = Exclude<ConsumerCommand, WorkCommand>;

function isStateCommand(command: ConsumerCommand): command is StateCommand {
  return !isWorkCommand(command);
}

function hasTakenEffect(command: StateCommand, snapshot: ConsumerSnapshot): boolean {
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
