// SPDX-License-Identifier: Apache-2.0
/** What can happen to a chart in a configuration? Every event it takes there; those of timers, promises and children as well. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import { nodesOf } from '../../../../visualizations/chart.ts';
import { withAnything } from './anything.ts';
import type { Answers } from './oracle.ts';
import type { PathPlan } from './path-plan.ts';

/** Something happens, and the guards that are asked then answer so. */
export interface Move {
  readonly type: string;
  readonly answers: Answers;
}

/** Event types that the active states take, sorted. A wildcard stands for an event of its kind. */
export function eventTypesOf(snapshot: AnyMachineSnapshot): readonly string[] {
  const nodes: readonly AnyStateNode[] = snapshot._nodes;
  const types = nodes.flatMap(node => [...node.transitions.keys()].map(type => String(type)));
  return [...new Set(types)]
    .filter(type => type !== '')
    .map(type => type.replace(/\*$/, 'any'))
    .sort();
}

/** The event as a machine sees it: what it does not carry by plan is made up. */
export function eventOf(type: string, { carries = {} }: PathPlan): AnyEventObject {
  const made = type.startsWith('xstate.error.') ? { error: new Error('no'), actorId: 'any' } : {};
  return withAnything({ type, ...made, ...carries[type] });
}

/** The invoked actor whose end is told by this event. */
export function invokedBy(machine: AnyStateMachine, type: string): string | undefined {
  const id = /^xstate\.(?:done|error)\.actor\.(.*)$/.exec(type)?.[1];
  const found = nodesOf(machine.root)
    .flatMap(node => node.invoke)
    .find(invoke => invoke.id === id);
  return typeof found?.src === 'string' ? found.src : undefined;
}

/** The delay whose end is told by this event. */
export function delayBehind(type: string): string | undefined {
  return /^xstate\.after\.([^.]+)\./.exec(type)?.[1];
}

/** The event in the words of the charts: `after backoff`, `done(resolveStart)`. */
export function spoken(machine: AnyStateMachine, type: string): string {
  const delay = delayBehind(type);
  if (delay !== undefined) return `after ${delay}`;
  const source = invokedBy(machine, type);
  if (source === undefined) return type;
  return `${type.startsWith('xstate.done.') ? 'done' : 'error'}(${source})`;
}

/** `batch.found {hasRoom}`: what happened, and who said yes. */
export function textOf({ type, answers }: Move): string {
  const yes = [...answers].filter(([, answer]) => answer).map(([guard]) => guard);
  return yes.length === 0 ? type : `${type} {${yes.join(', ')}}`;
}
