// SPDX-License-Identifier: Apache-2.0
/** What must hold for every machine, whatever it does? Each rule answers sentences on what breaks it; none means it holds. */
import { type AnyStateMachine, type AnyStateNode, StateMachine } from 'xstate';
import { isSafe } from '../../src/machines/shared/safe.ts';
import { chartOf, nodesOf } from '../../visualizations/chart.ts';

export type Rule = (machine: AnyStateMachine) => readonly string[];

/** Every rule by the sentence that the test has as its name. */
export const machineRules: Readonly<Record<string, Rule>> = {
  'implements every action, guard, delay and actor it names': namesWithoutCode,
  'names every action, guard, delay and actor': inlineCode,
  'lets no action with an effect throw': unsafeActions,
  'takes a fault in every state': statesWithoutFault,
  'handles the end and the failure of everything it invokes': unhandledInvokes,
  'has no bare wildcard, which would swallow the errors of children': wildcards,
  'can reach every state': unreachableStates,
  'can leave every state that is not final': deadEnds,
};

const kinds = ['actions', 'guards', 'delays', 'actors'] as const;
type Kind = (typeof kinds)[number];

/** Everything a config refers to: a name, or code written in place. */
function references(machine: AnyStateMachine): readonly { readonly kind: Kind; readonly value: unknown }[] {
  const found: { kind: Kind; value: unknown }[] = [];
  const add = (kind: Kind, value: unknown): void => {
    for (const item of list(value)) found.push({ kind, value: item });
  };
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || value instanceof StateMachine) return;
    const config: Readonly<Record<string, unknown>> = { ...value };
    for (const [key, member] of Object.entries(config)) {
      if (key === 'context' || key === 'input' || key === 'output' || key === 'params') continue;
      if (key === 'entry' || key === 'exit' || key === 'actions') add('actions', member);
      else if (key === 'guard') for (const part of guardParts(member)) add('guards', part);
      else if (key === 'src') add('actors', member);
      else walk(member);
      if (key === 'after' && typeof member === 'object') add('delays', Object.keys(member ?? {}));
    }
  };
  walk(machine.config);
  return found;
}

function guardParts(guard: unknown): readonly unknown[] {
  if (typeof guard !== 'function' || !('guards' in guard)) return [guard];
  return list(guard.guards).flatMap(guardParts);
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : undefined;
}

function namesWithoutCode(machine: AnyStateMachine): readonly string[] {
  return references(machine).flatMap(({ kind, value }) => {
    const name = nameOf(value);
    if (name === undefined || (kind === 'delays' && /^\d+$/.test(name))) return [];
    return name in machine.implementations[kind] ? [] : [`${name} is not among the ${kind}`];
  });
}

function inlineCode(machine: AnyStateMachine): readonly string[] {
  return references(machine).flatMap(({ kind, value }) => {
    const name = nameOf(value);
    if (name === undefined) return isBuiltIn(value) ? [] : [`one of the ${kind} has no name`];
    return kind === 'delays' && /^\d+$/.test(name) ? [`the delay of ${name} ms has no name`] : [];
  });
}

/** `assign`, `raise` and the like carry `resolve`: they are pure, and drawn under that name. */
function isBuiltIn(action: unknown): boolean {
  return typeof action === 'function' && 'resolve' in action;
}

function isEffect(action: unknown): action is object {
  return typeof action === 'function' && !isBuiltIn(action);
}

function effectsOf(machine: AnyStateMachine): readonly (readonly [name: string, action: object])[] {
  const actions: readonly (readonly [string, unknown])[] = Object.entries(machine.implementations.actions);
  return actions.flatMap(([name, action]) => (isEffect(action) ? [[name, action] as const] : []));
}

function unsafeActions(machine: AnyStateMachine): readonly string[] {
  return effectsOf(machine).flatMap(([name, action]) =>
    isSafe(action) ? [] : [`${name} is not wrapped in safe()`],
  );
}

function statesWithoutFault(machine: AnyStateMachine): readonly string[] {
  if (effectsOf(machine).length === 0) return [];
  return nodesOf(machine.root)
    .filter(node => node.type === 'atomic' && !handles(node, 'fault'))
    .map(node => `${node.id} ignores a fault`);
}

function unhandledInvokes(machine: AnyStateMachine): readonly string[] {
  return nodesOf(machine.root).flatMap(node =>
    node.invoke.flatMap(({ id, src }) => {
      const missing: string[] = [];
      if (!handles(node, `xstate.error.actor.${id}`)) missing.push(`${node.id} has no onError for ${id}`);
      if (canEnd(machine, src) && !handles(node, `xstate.done.actor.${id}`)) {
        missing.push(`${node.id} has no onDone for ${id}`);
      }
      return missing;
    }),
  );
}

/** A promise ends, and a machine with a final state; a callback does not. */
function canEnd(machine: AnyStateMachine, src: unknown): boolean {
  const logic: unknown = typeof src === 'string' ? machine.implementations.actors[src] : src;
  if (logic instanceof StateMachine) {
    return nodesOf(logic.root).some(node => node.type === 'final' && node.parent === logic.root);
  }
  return isPromiseLogic(logic);
}

/** Asked rather than known: only promise logic takes this event as its end. */
export function isPromiseLogic(logic: unknown): boolean {
  if (typeof logic !== 'object' || logic === null || !('transition' in logic)) return false;
  const { transition } = logic;
  if (typeof transition !== 'function') return false;
  try {
    const after: unknown = transition({ status: 'active' }, { type: 'xstate.promise.resolve', data: 0 }, {});
    return typeof after === 'object' && after !== null && 'status' in after && after.status === 'done';
  } catch {
    return false; // other logic looks for its actor first
  }
}

/** Has the state itself or one around it a transition for this event? */
function handles(node: AnyStateNode, eventType: string): boolean {
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) {
    if (at.transitions.has(eventType) || wildcardsFor(eventType).some(name => at?.transitions.has(name))) {
      return true;
    }
  }
  return false;
}

/** `a.b.c` is also taken by `a.b.*` and `a.*`. */
function wildcardsFor(eventType: string): readonly string[] {
  const words = eventType.split('.');
  return words.slice(1).map((_, index) => `${words.slice(0, index + 1).join('.')}.*`);
}

function wildcards(machine: AnyStateMachine): readonly string[] {
  return nodesOf(machine.root)
    .filter(node => node.transitions.has('*'))
    .map(node => `${node.id} takes *`);
}

function unreachableStates(machine: AnyStateMachine): readonly string[] {
  const nodes = nodesOf(machine.root);
  const reached = new Set<string>();
  const enter = (node: AnyStateNode): void => {
    if (reached.has(node.id)) return;
    reached.add(node.id);
    if (node.parent !== undefined) enter(node.parent);
    if (node.type === 'parallel') for (const child of childrenOf(node)) enter(child);
    for (const target of node.type === 'compound' ? node.initial.target : []) enter(target);
    for (const transition of [...node.transitions.values()].flat()) transition.target?.forEach(enter);
    for (const transition of node.always ?? []) transition.target?.forEach(enter);
  };
  enter(machine.root);
  return nodes.filter(node => !reached.has(node.id)).map(node => `nothing leads to ${node.id}`);
}

function childrenOf(node: AnyStateNode): readonly AnyStateNode[] {
  return Object.values(node.states);
}

function deadEnds(machine: AnyStateMachine): readonly string[] {
  const { arrows } = chartOf('', machine);
  const leads = (node: AnyStateNode): boolean => {
    for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) {
      const { id } = at;
      if (arrows.some(arrow => arrow.from === id && arrow.to.some(target => target !== node.id))) return true;
    }
    return false;
  };
  return nodesOf(machine.root)
    .filter(node => node.type === 'atomic' && node.parent !== undefined && childrenOf(node.parent).length > 1)
    .filter(node => !leads(node))
    .map(node => `nothing leads out of ${node.id}`);
}
