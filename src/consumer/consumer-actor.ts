// SPDX-License-Identifier: Apache-2.0
/** What is the face of a consumer? An XState actor that shows public commands, events, states and tags only, and guards callbacks. */
import {
  Actor,
  type ActorRef,
  type InspectionEvent,
  type Observer,
  type Snapshot,
  type SnapshotFrom,
  type Subscription,
} from 'xstate';
import type { RocketmqError } from '../errors/errors.ts';
import { isWorkCommand, type Ticketed, type WorkCommand } from '../machines/commands/work-command.ts';
import { pathOf } from '../machines/consumer/consumer.logic.ts';
import { type ConsumerMachine, consumerMachine } from '../machines/consumer/consumer.machine.ts';
import { commandRefused } from '../machines/consumer/consumer.reports.ts';
import type {
  ConsumerCommand,
  ConsumerEvent,
  ConsumerMachineEvent,
  ConsumerTag,
  ConsumerView,
  ShutdownReport,
} from '../machines/consumer/consumer.types.ts';
import type { ConsumerParts } from '../machines/consumer/consumer-parts.ts';
import { guarded } from '../machines/shared/safe.ts';
import { EventLog } from './event-log.ts';
import { stoppedError } from './refusals.ts';

/** States as XState writes them: `'idle'`, `{ running: 'active' }`, … */
export type ConsumerStateValue = string | { readonly [state: string]: ConsumerStateValue | undefined };

/** What a consumer shows of itself: state, tags, the queues it owns with their offsets, and at the end the shutdown report as `output`. */
export type ConsumerSnapshot = Snapshot<ShutdownReport> & {
  readonly value: ConsumerStateValue;
  readonly context: ConsumerView;
  /** Whether it is in this state: `snapshot.matches('running')`, `snapshot.matches({ running: 'suspended' })`. */
  matches(state: ConsumerStateValue): boolean;
  hasTag(tag: ConsumerTag): boolean;
};

type HandlerOf<Type extends ConsumerEvent['type'] | '*'> = (
  event: Type extends '*' ? ConsumerEvent : Extract<ConsumerEvent, { readonly type: Type }>,
) => void;

/** A consumer. Made by `createConsumerActor`; it is an XState actor, so inspectors, `waitFor` and `toPromise` take it. */
export interface ConsumerActor extends ActorRef<ConsumerSnapshot, ConsumerCommand, ConsumerEvent> {
  /** Starts it. Starting a running one does nothing. @throws ConsumerError `RMQ_CONSUMER_STOPPED` when it was stopped before */
  start(): ConsumerActor;
  /** The hard stop: sockets and timers are closed at once, nothing is committed or unregistered. Use `shutdown(actor)`. */
  stop(): ConsumerActor;
  /** Attach before `start()`: events are not replayed. A `fault` nobody listens to is logged as a warning. What a handler throws becomes a `fault`, never an uncaught exception. */
  on<Type extends ConsumerEvent['type'] | '*'>(type: Type, handler: HandlerOf<Type>): Subscription;
}

type MachineSnapshotOf = SnapshotFrom<ConsumerMachine>;
type AnyHandler = (event: ConsumerEvent) => void;

export interface ConsumerActorOptions {
  readonly parts: ConsumerParts;
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
}

/** The class behind {@link ConsumerActor}. */
export class ConsumerActorImpl extends Actor<ConsumerMachine> {
  readonly #parts: ConsumerParts;
  readonly #handlers = new Map<string, Set<AnyHandler>>();
  readonly #log: EventLog;
  #state = 'idle';

  constructor({ parts, inspect }: ConsumerActorOptions) {
    const relay = new FaultRelay();
    super(consumerMachine, {
      id: 'consumer',
      input: parts,
      clock: parts.clock,
      ...(inspect && { inspect: guarded('the inspect observer', inspect, error => relay.report(error)) }),
    });
    this.#parts = parts;
    this.#log = new EventLog(parts.logger);
    relay.attach(error => this.#reportFault(error));
    super.on('*', event => this.#deliver(event));
    // An observer with `error` keeps XState from throwing into the process; the root is built never to get there.
    super.subscribe({ next: snapshot => this.#noteState(snapshot), error: () => parts.closeScope() });
  }

  override start(): this {
    const { status } = this.getSnapshot();
    if (status !== 'active') throw stoppedError(this.#parts.config.consumerGroup);
    super.start();
    if (this.getSnapshot().matches('idle')) this.send({ type: 'consumer.start' });
    return this;
  }

  /** A command that can have no effect any more becomes a `fault`, like everything that goes wrong unseen. */
  override send(event: ConsumerMachineEvent): void {
    const { status, value } = this.getSnapshot();
    if (status !== 'active') {
      if (isCommand(event) && event.type !== 'consumer.shutdown') {
        const error = commandRefused(this.#parts.config.consumerGroup, event.type, value);
        if (event.ticket === undefined) this.#reportFault(error, 'consumer');
        else event.ticket.refused(error);
      }
      return;
    }
    // The others wait until the start, and are heard in idle then.
    if (event.type === 'consumer.shutdown' || isWorkCommand(event)) this.#wake();
    super.send(event);
  }

  override stop(): this {
    const snapshot = this.getSnapshot();
    if (snapshot.status !== 'active') return this;
    if (!snapshot.matches('idle')) {
      this.#parts.logger.warn(
        { actor: 'consumer' },
        'actor.stop() committed and unregistered nothing; use shutdown(actor) to stop in order',
      );
    }
    this.#wake();
    super.stop();
    this.#parts.closeScope();
    return this;
  }

  /** XState keeps events of an actor that was not started, and starts one that was stopped before it was started. */
  #wake(): void {
    if (this.getSnapshot().matches('idle')) super.start();
  }

  override on(type: string, handler: (event: never) => void): Subscription {
    const what = `the handler of on('${type}')`;
    const safeHandler: AnyHandler = event => {
      guarded(what, handler as AnyHandler, error => {
        if (event.type !== 'fault') this.#reportFault(error);
        else warnOf(error); // a handler of faults that throws must not call itself
      })(event);
    };
    const handlers = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, handlers.add(safeHandler));
    return { unsubscribe: () => void handlers.delete(safeHandler) };
  }

  override subscribe(
    observer: Observer<MachineSnapshotOf> | ((snapshot: MachineSnapshotOf) => void) | undefined,
    error?: (error: unknown) => void,
    complete?: () => void,
  ): Subscription {
    const given: Observer<MachineSnapshotOf> =
      typeof observer === 'function'
        ? { next: observer, ...(error && { error }), ...(complete && { complete }) }
        : (observer ?? {});
    const report = (fault: RocketmqError): void => this.#reportFault(fault);
    return super.subscribe({
      ...(given.next && { next: guarded('the observer given to subscribe', given.next.bind(given), report) }),
      error: guarded(
        'the error observer given to subscribe',
        (reason: unknown) => given.error?.(reason),
        report,
      ),
      complete: guarded('the complete observer given to subscribe', () => given.complete?.(), report),
    });
  }

  #noteState(snapshot: MachineSnapshotOf): void {
    const to = pathOf(snapshot.value);
    if (to === this.#state) return;
    const from = this.#state;
    this.#state = to;
    this.#deliver({ type: 'consumer.stateChanged', from, to });
  }

  #reportFault(error: RocketmqError, actor = 'callback'): void {
    this.#deliver({ type: 'fault', error, actor });
  }

  #deliver(event: ConsumerEvent): void {
    const handlers = [...(this.#handlers.get(event.type) ?? []), ...(this.#handlers.get('*') ?? [])];
    for (const handler of handlers) handler(event);
    this.#log.write(event, handlers.length > 0); // a fault nobody listens to is at least a line in the log
  }
}

/** The inspector is needed before `this` is. */
class FaultRelay {
  #report: (error: RocketmqError) => void = () => {};

  attach(report: (error: RocketmqError) => void): void {
    this.#report = report;
  }

  report(error: RocketmqError): void {
    this.#report(error);
  }
}

const stateCommands: ReadonlySet<string> = new Set<Exclude<ConsumerCommand, WorkCommand>['type']>([
  'consumer.suspend',
  'consumer.resume',
  'consumer.shutdown',
]);

function isCommand(event: ConsumerMachineEvent): event is Ticketed<ConsumerCommand> {
  return stateCommands.has(event.type) || isWorkCommand(event);
}

function warnOf(error: RocketmqError): void {
  process.emitWarning(error.message, { type: 'RocketmqActorsWarning', code: error.code });
}
