// SPDX-License-Identifier: Apache-2.0
/** How is a machine walked without the world? Its chart as it is; actions and actors write down their names, guards are told. */
import { type AnyStateMachine, createMachine, fromCallback, fromPromise } from 'xstate';
import { isPromiseLogic } from '../../../support/machine-checks.ts';
import { withAnything } from './anything.ts';
import type { Oracle } from './oracle.ts';

/** A promise an actor waits for. */
export interface Pending {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** What stands for the world of a walked machine. */
export interface BareWorld {
  readonly oracle: Oracle;
  /** An action ran. */
  readonly did: (action: string) => void;
  /** An actor waits for a promise. */
  readonly began: (actor: string, promise: Pending) => void;
}

/** Each named delay has a length of its own, by which its timers are known. Unit: ms. */
export function delayOf(machine: AnyStateMachine, name: string): number {
  return 1000 * (Object.keys(machine.implementations.delays).sort().indexOf(name) + 1);
}

/** The same chart: what is told apart from outside is left out, so that its configurations are few and all are reached. */
export function bareMachine(machine: AnyStateMachine, world: BareWorld): AnyStateMachine {
  const { actions, guards, actors, delays } = machine.implementations;
  const raises = new Set(Object.keys(actions).filter(name => isRaise(actions[name])));
  const config = { ...Object(bare(machine.config, raises)), context: withAnything({}) };
  return createMachine(
    config as Parameters<typeof createMachine>[0],
    {
      actions: {
        ...mapped(actions, (name, action) => (isRaise(action) ? action : recorder(name, world))),
        assign: recorder('assign', world),
      },
      guards: mapped(guards, (name, guard) => (isBuiltIn(guard) ? guard : () => world.oracle.ask(name))),
      actors: mapped(actors, (name, logic) => (isPromiseLogic(logic) ? promised(name, world) : silent)),
      delays: mapped(delays, name => delayOf(machine, name)),
    } as unknown as Parameters<typeof createMachine>[1],
  ); // the same names as the machine's own, as all-machines.test.ts proves
}

const silent = fromCallback(() => {});

function recorder(name: string, world: BareWorld): () => void {
  return () => world.did(name);
}

function promised(name: string, { began }: BareWorld): unknown {
  return fromPromise(
    ({ signal }) =>
      new Promise((resolve, reject) => {
        began(name, { resolve, reject, signal });
      }),
  );
}

function mapped(
  from: Readonly<Record<string, unknown>>,
  change: (name: string, value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(name, value)]));
}

/** An event to itself is part of the chart, not an effect. */
function isRaise(action: unknown): boolean {
  return typeof action === 'function' && 'type' in action && action.type === 'xstate.raise';
}

/** `stateIn` and the like ask the chart itself. */
function isBuiltIn(guard: unknown): boolean {
  return typeof guard === 'function' && 'check' in guard;
}

/** An `assign` written in place has no name but its kind. What actions, guards and actors are given is left out: nobody reads it. */
function bare(value: unknown, raises: ReadonlySet<string>): unknown {
  if (typeof value === 'function' && 'type' in value && value.type === 'xstate.assign') return 'assign';
  if (Array.isArray(value)) return value.map(each => bare(each, raises));
  if (typeof value !== 'object' || value === null) return value;
  const isRead = 'type' in value && raises.has(String(value.type));
  const members = Object.entries(value).filter(([key]) => !unread.has(key) || (key === 'params' && isRead));
  return Object.fromEntries(
    members.map(([key, member]) => [key, key === 'src' ? member : bare(member, raises)]),
  );
}

const unread = new Set(['params', 'input', 'output']);
