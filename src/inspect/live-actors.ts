// SPDX-License-Identifier: Apache-2.0
/** Which actors of a consumer are there now? Kept so that a page that comes late hears of all of them. */
import type { ActorRefLike, AnyActorRef, AnyStateMachine } from 'xstate';

/** A machine's actor. Promises and callbacks come and go by the thousand and are not shown. */
export type MachineActor = AnyActorRef & { readonly logic: AnyStateMachine };

/** `logic` is public on Actor, though not on ActorRef. */
export function isMachineActor(actor: ActorRefLike): actor is MachineActor {
  if (!('logic' in actor)) return false;
  const { logic } = actor;
  return typeof logic === 'object' && logic !== null && 'config' in logic && 'root' in logic;
}

export class LiveActors {
  readonly #actors = new Map<string, MachineActor>();

  add(actor: MachineActor): void {
    this.#actors.set(actor.sessionId, actor);
  }

  remove(sessionId: string): void {
    this.#actors.delete(sessionId);
  }

  clear(): void {
    this.#actors.clear();
  }

  /** In the order in which they came: parents before their children. One that ended unseen is left out. */
  all(): readonly MachineActor[] {
    for (const [sessionId, actor] of this.#actors) {
      if (actor.getSnapshot().status !== 'active') this.#actors.delete(sessionId);
    }
    return [...this.#actors.values()];
  }

  get size(): number {
    return this.#actors.size;
  }
}

/** The machines' actors below and including this one, parents first. For an observer that comes late. */
export function actorsFrom(root: AnyActorRef): readonly MachineActor[] {
  const found = isMachineActor(root) ? [root] : [];
  return [...found, ...childrenOf(root).flatMap(actorsFrom)];
}

function childrenOf(actor: AnyActorRef): readonly AnyActorRef[] {
  const snapshot: unknown = actor.getSnapshot();
  if (typeof snapshot !== 'object' || snapshot === null || !('children' in snapshot)) return [];
  const { children } = snapshot;
  if (typeof children !== 'object' || children === null) return [];
  return Object.values(children).filter(child => child !== undefined);
}
