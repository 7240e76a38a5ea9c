// SPDX-License-Identifier: Apache-2.0
/** What happens when code inside a machine, or a callback a user gave us, throws? It becomes a `fault`, never a death. */
import type { ActionArgs, EventObject, MachineContext } from 'xstate';
import { RocketmqError, toError } from '../../errors/errors.ts';

/**
 * Something threw inside an actor. Every machine with safe actions has it in its event union and takes it
 * in its root `on` (all-machines.test.ts checks that), usually by telling its parent the same.
 */
export interface FaultEvent {
  readonly type: 'fault';
  readonly error: RocketmqError;
  /** Id of the actor it happened in. */
  readonly actor: string;
}

type Effect<Context extends MachineContext, Event extends EventObject, Params> = (
  args: ActionArgs<Context, Event, Event>,
  params: Params,
) => void;

/**
 * An action for effects: what it throws is sent to the machine itself as `fault`. A throw out of a plain action
 * would end the machine and leave its children running (xstate issue 5153). Inside `setup` all types follow by
 * themselves; only `params`, where used, are annotated. Guards and `assign` are not wrapped: they are pure.
 * What throws while a fault is being handled is only warned of, else a fault could cause itself for ever.
 * @example
 * setup({ types: {} as { context: Context; events: PullEvent | FaultEvent }, actions: {
 *   requestNextBatch: safe(({ context }) => context.port.pull(context.cursor)),
 *   logLine: safe((_, params: { readonly text: string }) => logger.warn(params.text)),
 * } }).createMachine({ on: { fault: { actions: 'reportFault' } }, … })
 */
export function safe<Context extends MachineContext, Event extends EventObject, Params = undefined>(
  effect: Effect<Context, Event, Params>,
): Effect<Context, Event, Params> {
  const action: Effect<Context, Event, Params> = (args, params) => {
    try {
      effect(args, params);
    } catch (thrown) {
      const { self, event } = args;
      const fault = faultOf(thrown, self.id, event.type);
      if (event.type === 'fault') warnOf(fault.error);
      else self.send(fault as unknown as Event); // a machine without `fault` in its union ignores it; all-machines.test.ts allows none
    }
  };
  safeActions.add(action);
  return action;
}

const safeActions = new WeakSet<object>();

/** Was this action made by `safe`? Tests ask it of every action with an effect. */
export function isSafe(action: object): boolean {
  return safeActions.has(action);
}

/** The fault an action of `actor` raised while handling `eventType`. What is already typed keeps its own error. */
function faultOf(thrown: unknown, actor: string, eventType: string): FaultEvent {
  return { type: 'fault', error: typed(thrown, actor, eventType), actor };
}

function typed(thrown: unknown, actor: string, eventType: string): RocketmqError {
  if (thrown instanceof RocketmqError) return thrown;
  const message = `an action of ${actor} threw on ${eventType}: ${toError(thrown).message}`;
  return new RocketmqError('RMQ_INTERNAL', message, { cause: thrown, context: { actor, eventType } });
}

/**
 * A user's callback that can neither throw nor reject: what it throws goes to `onFault` as RMQ_CALLBACK_FAILED,
 * and the call then answers undefined. A rejected promise of an async callback is reported too.
 * @param what names the callback in the message, such as `callback of on('queue.assigned')`
 * @example
 * actor.on('queue.assigned', guarded("callback of on('queue.assigned')", userFn, error => reportFault(error)));
 */
export function guarded<Args extends readonly unknown[], Result>(
  what: string,
  fn: (...args: Args) => Result,
  onFault: (error: RocketmqError) => void,
): (...args: Args) => Result | undefined {
  const report = (thrown: unknown): void => {
    const message = `${what} threw: ${toError(thrown).message}`;
    const error = new RocketmqError('RMQ_CALLBACK_FAILED', message, { cause: thrown, context: { what } });
    try {
      onFault(error);
    } catch {
      warnOf(error);
    }
  };
  return (...args) => {
    try {
      const result = fn(...args);
      if (result instanceof Promise) result.catch(report);
      return result;
    } catch (thrown) {
      report(thrown);
      return undefined;
    }
  };
}

/** The last resort where no receiver is left: visible, and harmless. */
function warnOf(error: RocketmqError): void {
  process.emitWarning(error.message, { type: 'RocketmqActorsWarning', code: error.code });
}
