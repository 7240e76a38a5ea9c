// SPDX-License-Identifier: Apache-2.0
/** What does a machine look like from outside? Its states and arrows as plain values, with every function as a name. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { actionName, guardName } from '../src/inspect/names.ts';

export interface Chart {
  readonly name: string;
  readonly root: ChartState;
  readonly arrows: readonly Arrow[];
}

export interface ChartState {
  readonly id: string;
  readonly key: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly initial: string | undefined;
  readonly description: string | undefined;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
  readonly states: readonly ChartState[];
}

export interface Arrow {
  readonly from: string;
  /** Ids of the target states. None: the state is not left, only the actions run. */
  readonly to: readonly string[];
  /** What causes it: an event type, `after delay`, `always`, `done`, `done(invoke)`, `error(invoke)`. */
  readonly trigger: string;
  readonly guard: string | undefined;
  readonly actions: readonly string[];
}

/** Reads a machine. The name is that of its file or export, `send-back`. */
export function chartOf(name: string, machine: AnyStateMachine): Chart {
  return { name, root: stateOf(machine.root), arrows: nodesOf(machine.root).flatMap(arrowsOf) };
}

/** A state and all states within it, in the order of the source. */
export function nodesOf(node: AnyStateNode): readonly AnyStateNode[] {
  const children: readonly AnyStateNode[] = Object.values(node.states);
  return [node, ...children.flatMap(nodesOf)];
}

function stateOf(node: AnyStateNode): ChartState {
  return {
    id: node.id,
    key: node.key,
    type: node.type,
    initial: node.type === 'compound' ? node.initial.target[0]?.id : undefined,
    description: node.description,
    entry: asList(node.config.entry).map(actionName), // node.entry also holds the timers of `after`
    exit: asList(node.config.exit).map(actionName),
    invokes: node.invoke.map(invoke => ({ id: invoke.id, src: srcName(invoke.src) })),
    states: Object.values(node.states).map(stateOf),
  };
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function arrowsOf(node: AnyStateNode): Arrow[] {
  const byEvent = [...node.transitions.values()].flat();
  return [...byEvent, ...(node.always ?? [])].map((transition: AnyTransitionDefinition) =>
    arrowOf(node, transition),
  );
}

function arrowOf(node: AnyStateNode, transition: AnyTransitionDefinition): Arrow {
  return {
    from: node.id,
    to: (transition.target ?? []).map(target => String(target.id)),
    trigger: triggerName(node, String(transition.eventType)),
    guard: transition.guard === undefined ? undefined : guardName(transition.guard),
    actions: transition.actions.map(actionName),
  };
}

function triggerName(node: AnyStateNode, eventType: string): string {
  if (eventType === '') return 'always';
  const after = between(eventType, 'xstate.after.', `.${node.id}`);
  if (after !== undefined) return /^\d+$/.test(after) ? `after ${after} ms` : `after ${after}`;
  for (const [prefix, word] of [
    ['xstate.done.actor.', 'done'],
    ['xstate.error.actor.', 'error'],
    ['xstate.snapshot.', 'snapshot'],
  ] as const) {
    const id = between(eventType, prefix, '');
    if (id !== undefined) return `${word}(${invokeName(node, id)})`;
  }
  return eventType.startsWith('xstate.done.state.') ? 'done' : eventType;
}

function between(text: string, prefix: string, suffix: string): string | undefined {
  if (!text.startsWith(prefix) || !text.endsWith(suffix)) return undefined;
  return text.slice(prefix.length, text.length - suffix.length);
}

/** An invoke without an id of its own got `0.machine.state`; its source says more. */
function invokeName(node: AnyStateNode, id: string): string {
  const invoke = node.invoke.find(candidate => candidate.id === id);
  return invoke !== undefined && id === `${node.invoke.indexOf(invoke)}.${node.id}`
    ? srcName(invoke.src)
    : id;
}

/** The name of an invoked actor; one that was not declared in `setup` is only `inline`. */
function srcName(src: unknown): string {
  return typeof src === 'string' ? src.replace(/^xstate\.invoke\..*/, 'inline') : 'inline';
}
