// SPDX-License-Identifier: Apache-2.0
/** How is a machine written to a file that the Stately editor, and createMachine, read back? Its config, functions as names. */
import type { AnyStateMachine } from 'xstate';
import { actionName, guardName } from './names.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * The config of a machine as JSON. `machine.definition` would not do: it loses `always` and turns `after` into
 * internal events. Computed context, input, output and params have no name, so they are left out.
 */
export function configOf(machine: AnyStateMachine): Json {
  return jsonOf(machine.config, '') ?? {};
}

const actionKeys = new Set(['entry', 'exit', 'actions']);
const unnamedKeys = new Set(['context', 'input', 'output', 'params', 'types', 'schemas', 'options']);

/** `key` is where the value was found: it decides what a function there means. Undefined: leave the key out. */
function jsonOf(value: unknown, key: string): Json | undefined {
  if (Array.isArray(value)) return value.map(item => jsonOf(item, key) ?? null);
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'function') return functionName(value, key);
  return typeof value === 'object' ? objectOf(value, key) : undefined;
}

function objectOf(value: object, key: string): Json | undefined {
  if (key === 'src') return 'inline'; // actor logic given directly
  const json: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const isFreeForm = unnamedKeys.has(name) && typeof member === 'function';
    const written = isFreeForm || name === 'options' ? undefined : jsonOf(member, name);
    if (written !== undefined) json[name] = written;
  }
  return json;
}

function functionName(value: unknown, key: string): Json | undefined {
  if (actionKeys.has(key)) return actionName(value);
  if (key === 'guard') return guardName(value);
  return typeof value === 'function' && !unnamedKeys.has(key) ? value.name || 'inline' : undefined;
}
