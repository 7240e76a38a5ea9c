// SPDX-License-Identifier: Apache-2.0
/** How does a consumer come into the Stately inspector without ever being held up by it? */
import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate';
import { type Clock, systemClock } from '../model/clock.ts';
import { actorsFrom, isMachineActor, LiveActors, type MachineActor } from './live-actors.ts';
import { configOf } from './machine-config.ts';
import { Outbox, type Shot } from './outbox.ts';
import { shown } from './show.ts';
import {
  type ShownEvent,
  type ShownSnapshot,
  type StatelyAdapter,
  type StatelyInspection,
  type StatelyLink,
  statelyVersion,
} from './stately-events.ts';
import { webSocketLink } from './web-socket-link.ts';

/** How {@link statelyBridge} reaches the page, how often, and with how much. All of it has a default. */
export interface StatelyBridgeOptions {
  /** The page's WebSocket server, as `createInspectorServer` of `@statelyai/inspect/server` starts one. Default: ws://127.0.0.1:8080. */
  readonly url?: string | undefined;
  /** Takes the place of the WebSocket: any adapter of `@statelyai/inspect`, or `{ send }` of your own. Default: none. */
  readonly adapter?: StatelyAdapter | StatelyLink | undefined;
  /** How often news is sent. Unit: ms. Default: 50. */
  readonly interval?: number | undefined;
  /** Events shown at most in one interval; more are left out and counted. Unit: events. Default: 200. */
  readonly maxEvents?: number | undefined;
  /** Timers. Default: the system's, which do not keep the process alive. */
  readonly clock?: Clock | undefined;
}

/** What a bridge did since it was made. Unit of each: a number of them. */
export interface StatelyFigures {
  /** Actors there are now. */
  readonly actors: number;
  /** Handed to the adapter. */
  readonly sent: number;
  /** Left out, because more happened than `maxEvents`. */
  readonly dropped: number;
  /** Times the adapter, or what was to be shown, threw. */
  readonly failed: number;
}

/** What {@link statelyBridge} makes: it hears what happens in consumers and tells the page. */
export interface StatelyBridge {
  /** Give it as `environment.inspect`. It never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Shows a consumer that runs already. */
  attach(actor: AnyActorRef): { unsubscribe(): void };
  /** What was sent, left out, or could not be shown. Never throws. */
  figures(): StatelyFigures;
  /** Ends all: timer, connection, and what was kept. */
  close(): void;
}

/**
 * Shows consumers in the Stately inspector: actors, events, and states, small and without secrets or bodies.
 * While nobody looks it costs a table entry for each actor; it never keeps the process alive, never throws, and
 * holds no more than one interval's news. A page that comes late, or again, is told of all actors first.
 * (`createWebSocketInspector` of `@statelyai/inspect` 0.7 tries an absent page every 5 s for ever, keeps the process
 * alive, copies every event 10 deep, and does not come back after the page was closed.)
 * @throws ConfigError when `url` is no WebSocket address
 * @example
 * const bridge = statelyBridge({ url: 'ws://127.0.0.1:8080' });
 * const actor = createConsumerActor(config, { inspect: bridge.inspect }).start();
 */
export function statelyBridge(options: StatelyBridgeOptions = {}): StatelyBridge {
  const link = options.adapter ?? webSocketLink({ url: options.url });
  return new Bridge(isLink(link) ? link : alwaysOpen(link), options);
}

class Bridge implements StatelyBridge {
  readonly #link: StatelyLink;
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #outbox: Outbox;
  readonly #actors = new LiveActors();
  readonly #definitions = new WeakMap<object, string>();
  /** Status and value each actor was last shown in, as text. */
  readonly #values = new Map<string, string>();
  #timer: unknown;
  #phase: 'open' | 'closed' = 'open';
  #sent = 0;
  #failed = 0;

  constructor(
    link: StatelyLink,
    { interval = 50, maxEvents = 200, clock = quietClock }: StatelyBridgeOptions,
  ) {
    this.#link = link;
    this.#clock = clock;
    this.#interval = interval;
    this.#outbox = new Outbox(maxEvents);
    this.#try(() => {
      link.onOpen(() => this.#showAll());
      link.start?.();
    });
  }

  readonly inspect = (event: InspectionEvent): void => {
    if (this.#phase === 'open') this.#try(() => this.#note(event));
  };

  attach(actor: AnyActorRef): { unsubscribe(): void } {
    this.#try(() => {
      for (const each of actorsFrom(actor)) this.#noteActor(each);
    });
    return actor.system.inspect(this.inspect);
  }

  figures(): StatelyFigures {
    return {
      actors: this.#actors.size,
      sent: this.#sent,
      dropped: this.#outbox.dropped,
      failed: this.#failed,
    };
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#try(() => this.#send());
    this.#phase = 'closed';
    this.#clock.clearTimeout(this.#timer);
    this.#actors.clear();
    this.#values.clear();
    this.#try(() => this.#link.stop?.());
  }

  #note(event: InspectionEvent): void {
    const { actorRef } = event;
    if (!isMachineActor(actorRef)) return;
    if (event.type === '@xstate.actor') this.#noteActor(actorRef);
    else if (event.type === '@xstate.event') this.#noteEvent(actorRef, event);
    else if (event.type === '@xstate.snapshot') this.#noteState(actorRef, event);
  }

  #noteActor(actor: MachineActor): void {
    this.#actors.add(actor);
    if (!this.#link.isOpen()) return;
    this.#outbox.addActor(actor);
    this.#arm();
  }

  #noteEvent(
    actor: MachineActor,
    { event, sourceRef }: Extract<InspectionEvent, { type: '@xstate.event' }>,
  ): void {
    if (!this.#link.isOpen()) return;
    this.#outbox.addEvent({ what: 'event', actor, event, sourceId: sourceRef?.sessionId });
    this.#arm();
  }

  #noteState(actor: MachineActor, seen: Extract<InspectionEvent, { type: '@xstate.snapshot' }>): void {
    const snapshot = seen.snapshot as AnyMachineSnapshot; // the actor runs a machine
    const { sessionId } = actor;
    if (snapshot.status !== 'active') this.#actors.remove(sessionId);
    if (!this.#link.isOpen()) return;
    const value = `${snapshot.status} ${JSON.stringify(snapshot.value)}`;
    const shot: Shot = { what: 'state', actor, event: seen.event, snapshot };
    if (this.#values.get(sessionId) === value) this.#outbox.addContext(shot);
    else this.#outbox.addChange(shot);
    if (snapshot.status === 'active') this.#values.set(sessionId, value);
    else this.#values.delete(sessionId);
    this.#arm();
  }

  /** A page has come: what it was told before, if anything, it may have forgotten. */
  #showAll(): void {
    if (this.#phase === 'closed') return;
    this.#try(() => {
      this.#outbox.clear();
      this.#values.clear();
      for (const actor of this.#actors.all()) this.#outbox.addActor(actor);
      this.#arm();
    });
  }

  #arm(): void {
    this.#timer ??= this.#clock.setTimeout(() => this.#try(() => this.#send()), this.#interval);
  }

  #send(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const shot of this.#outbox.take()) {
      this.#try(() => {
        this.#link.send(this.#write(shot));
        this.#sent += 1;
      });
    }
  }

  #write(shot: Shot): StatelyInspection {
    const { actor } = shot;
    const base = {
      rootId: rootOf(actor),
      sessionId: actor.sessionId,
      createdAt: String(this.#clock.wallNow()),
      id: `${actor.sessionId}:${this.#sent}`,
      _version: statelyVersion,
    };
    if (shot.what === 'event') {
      const { event, sourceId } = shot;
      return { ...base, type: '@xstate.event', sourceId, event: shownEvent(event) };
    }
    if (shot.what === 'state') {
      const { event, snapshot } = shot;
      return {
        ...base,
        type: '@xstate.snapshot',
        event: shownEvent(event),
        snapshot: shownSnapshot(snapshot),
      };
    }
    return {
      ...base,
      type: '@xstate.actor',
      name: actor.id === actor.sessionId ? actor.logic.id : actor.id, // a root of no name has its number for one
      parentId: parentOf(actor)?.sessionId,
      definition: this.#definition(actor),
      snapshot: shownSnapshot(snapshotOf(actor)),
    };
  }

  /** Written once for each machine, however many queues there are. */
  #definition({ logic }: MachineActor): string {
    const known = this.#definitions.get(logic.config);
    if (known !== undefined) return known;
    const written = JSON.stringify(configOf(logic));
    this.#definitions.set(logic.config, written);
    return written;
  }

  #try(work: () => void): void {
    try {
      work();
    } catch {
      this.#failed += 1;
    }
  }
}

function shownEvent(event: { readonly type: string }): ShownEvent {
  const facts = shown(event);
  return typeof facts === 'object' && facts !== null ? { ...facts, type: event.type } : { type: event.type };
}

function snapshotOf(actor: MachineActor): AnyMachineSnapshot {
  return actor.getSnapshot() as AnyMachineSnapshot; // any, as XState types it; the actor runs a machine
}

function shownSnapshot({ status, value, context, output, error }: AnyMachineSnapshot): ShownSnapshot {
  const common = { value, context: shown(context), output: undefined, error: undefined };
  if (status === 'done') return { ...common, status, output: shown(output) };
  if (status === 'error') return { ...common, status, error: shown(error) };
  return { ...common, status };
}

/** XState's own field; the inspector's format needs it. */
function parentOf(actor: AnyActorRef): AnyActorRef | undefined {
  return '_parent' in actor ? (actor._parent as AnyActorRef | undefined) : undefined; // any, as it is not public
}

function rootOf(actor: AnyActorRef): string {
  const parent = parentOf(actor);
  return parent === undefined ? actor.sessionId : rootOf(parent);
}

function isLink(adapter: StatelyAdapter | StatelyLink): adapter is StatelyLink {
  return 'isOpen' in adapter && 'onOpen' in adapter;
}

function alwaysOpen(adapter: StatelyAdapter): StatelyLink {
  return {
    isOpen: () => true,
    onOpen: () => {},
    send: event => adapter.send(event),
    start: () => adapter.start?.(),
    stop: () => adapter.stop?.(),
  };
}

/** The system's, with timers that do not keep the process alive. */
const quietClock: Clock = {
  ...systemClock,
  setTimeout: (fn, timeout) => setTimeout(fn, timeout).unref(),
};
