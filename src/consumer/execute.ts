// SPDX-License-Identifier: Apache-2.0
/** How does a command tell that it took effect? */
import { invalid } from '../machines/commands/refusals.ts';
import { isWorkCommand, type Ticketed, type WorkCommand } from '../machines/commands/work-command.ts';
import type { ConsumerContext } from '../machines/consumer/consumer.context.ts';
import { commandRefused } from '../machines/consumer/consumer.reports.ts';
import type { ConsumerCommand } from '../machines/consumer/consumer.types.ts';
import { assertNever } from '../model/assert-never.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { stoppedError } from './refusals.ts';
import { until } from './until.ts';

/**
 * Sends a command and resolves when it took effect. A suspend or resume during start is remembered, and resolves at once; what
 * needs a running consumer waits for it. What was aborted is carried out all the same: only the wait ends.
 * @throws ConsumerError `RMQ_COMMAND_REFUSED` when the consumer is stopping or stopped, or a later command took its place; `RMQ_CONSUMER_STOPPED` when
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
  refuseUnknown(command);
  const present = actor.getSnapshot();
  if (command.type !== 'consumer.shutdown' && isLeaving(present)) throw refused(command, present);
  if (!isStateCommand(command)) return carriedOut(actor, command, options);
  const isTakenBack = watchIntent(command);
  const isEnough = (state: ConsumerSnapshot): boolean =>
    hasTakenEffect(command, state) ||
    (command.type !== 'consumer.shutdown' && (isLeaving(state) || isTakenBack(state)));
  const ended = until(actor, isEnough, options); // before it is sent: its effect may be over as soon as it is there
  if (!isLeaving(present)) actor.send(command);
  const snapshot = await ended;
  if (!hasTakenEffect(command, snapshot)) throw refused(command, snapshot);
}

/** After a time gap a suspend or resume is only noted, and the opposite one may come before it can take effect. */
function watchIntent({ type }: StateCommand): (state: ConsumerSnapshot) => boolean {
  const wanted: ConsumerContext['intent'] = type === 'consumer.suspend' ? 'suspended' : 'active';
  let wasNoted = false;
  return ({ context }) => {
    const { intent } = context as ConsumerContext; // the view leaves it out
    const isOurs = intent === wanted;
    wasNoted ||= isOurs;
    return wasNoted && !isOurs;
  };
}

const stateCommands: Readonly<Record<StateCommand['type'], true>> = {
  'consumer.suspend': true,
  'consumer.resume': true,
  'consumer.shutdown': true,
};

/** From JavaScript: a chart passes over what it does not know. */
function refuseUnknown(command: { readonly type?: unknown } | null | undefined): void {
  const type = command?.type;
  if (typeof type === 'string' && (isWorkCommand({ type }) || Object.hasOwn(stateCommands, type))) return;
  const shown = typeof type === 'string' ? `'${type.slice(0, 40)}'` : String(type);
  throw invalid('execute', 'type', `is a command such as 'queue.pause', not ${shown}`);
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
      return isBeforeRunning || isConsuming(snapshot);
    case 'consumer.shutdown':
      return snapshot.matches('stopped');
    default:
      return assertNever(command);
  }
}

function isConsuming(snapshot: ConsumerSnapshot): boolean {
  return snapshot.matches({ running: 'active' }) || snapshot.matches({ running: 'unsaved' });
}

function refused(command: ConsumerCommand, { context, value }: ConsumerSnapshot): Error {
  return commandRefused(context.consumerGroup, command.type, value);
}
