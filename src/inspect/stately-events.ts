// SPDX-License-Identifier: Apache-2.0
/** What does the Stately inspector read? The events of `@statelyai/inspect` 0.7, as plain values. */
import type { Snapshot } from 'xstate';

interface StatelyBase {
  /** Of the root actor: the consumer's. */
  readonly rootId: string;
  /** Of the actor it is about; XState numbers them per system: `x:0`, `x:1`, … */
  readonly sessionId: string;
  /** ms since 1970, as text. */
  readonly createdAt: string;
  readonly id: string;
  /** Of the format. The page passes by what has none. */
  readonly _version: string;
}

/** Of a snapshot what may be shown: never messages, sockets, secrets. */
export type ShownSnapshot = Snapshot<unknown> & {
  readonly value: unknown;
  readonly context: unknown;
};

/** An actor there is. Told again to a page that connects later. */
export interface StatelyActor extends StatelyBase {
  readonly type: '@xstate.actor';
  readonly name: string;
  readonly parentId: string | undefined;
  /** The machine's config as JSON text, functions as their names. */
  readonly definition: string;
  readonly snapshot: ShownSnapshot;
}

/** An event on its way to an actor. */
export interface StatelyEvent extends StatelyBase {
  readonly type: '@xstate.event';
  readonly sourceId: string | undefined;
  readonly event: ShownEvent;
}

/** The state of an actor after an event. */
export interface StatelySnapshot extends StatelyBase {
  readonly type: '@xstate.snapshot';
  readonly event: ShownEvent;
  readonly snapshot: ShownSnapshot;
}

/** An event as it may be shown: its type, and of its facts the small ones. */
export interface ShownEvent {
  readonly type: string;
  readonly [fact: string]: unknown;
}

/** All that is told to the page. */
export type StatelyInspection = StatelyActor | StatelyEvent | StatelySnapshot;

/** The version of the format that is spoken. */
export const statelyVersion = '0.7.2';

/**
 * Where events go. The adapters of `@statelyai/inspect` are such: `createInspector({ send }).adapter`,
 * `createWebSocketInspector({ url }).adapter`.
 */
export interface StatelyAdapter {
  /** One of the inspector's events, as plain values. */
  send(event: StatelyInspection): void;
  /** Before the first event. */
  start?(): void;
  /** After the last event. */
  stop?(): void;
}

/** An adapter that knows whether anybody reads. Nothing is prepared while nobody does. */
export interface StatelyLink extends StatelyAdapter {
  /** Whether somebody reads now. */
  isOpen(): boolean;
  /** Called each time a reader comes; it is told of all actors there are then. */
  onOpen(listener: () => void): void;
}
