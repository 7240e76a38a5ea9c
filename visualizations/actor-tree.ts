// SPDX-License-Identifier: Apache-2.0
/** Which actor starts which? Read from the `actors` of each machine's setup, drawn as a Mermaid flowchart. */
import { type AnyStateMachine, StateMachine } from 'xstate';

export interface NamedMachine {
  readonly name: string;
  readonly machine: AnyStateMachine;
}

/** Machines are boxes; what a machine runs besides (promises, callbacks) is listed inside its box. */
export function actorTree(machines: readonly NamedMachine[]): string {
  const lines = ['flowchart LR'];
  for (const { name, machine } of machines) {
    const actors = Object.entries(machine.implementations.actors);
    const helpers = actors.filter(([, logic]) => !(logic instanceof StateMachine)).map(([src]) => src);
    lines.push(`  ${id(name)}["${[`<b>${name}</b>`, ...helpers].join('<br/>')}"]`);
  }
  for (const { name, machine } of machines) {
    for (const child of childrenOf(machine, machines)) lines.push(`  ${id(name)} --> ${id(child)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Compared by config, not identity: a machine given to its parent by `provide` is a copy. */
function childrenOf(parent: AnyStateMachine, machines: readonly NamedMachine[]): string[] {
  const logics: readonly unknown[] = Object.values(parent.implementations.actors);
  const configs = new Set(logics.map(logic => (logic instanceof StateMachine ? logic.config : undefined)));
  return machines.filter(({ machine }) => configs.has(machine.config)).map(({ name }) => name);
}

const id = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '_');
