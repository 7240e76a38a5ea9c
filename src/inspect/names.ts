// SPDX-License-Identifier: Apache-2.0
/** What are the actions and guards of a machine called? */

/** The name of an action: as written, or what XState calls an inline one. */
export function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  if (typeof action === 'function') {
    const builtIn = 'type' in action && typeof action.type === 'string' ? action.type : undefined;
    return builtIn?.replace(/^xstate\./, '') ?? (action.name || 'inline');
  }
  return typedName(action);
}

/** The name of a guard; of a combined one `and(hasRoom, not(isHeld))`. */
export function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard !== 'function') return typedName(guard);
  if ('guards' in guard && Array.isArray(guard.guards)) {
    return `${guard.name}(${guard.guards.map(guardName).join(', ')})`;
  }
  return guard.name || 'inline';
}

function typedName(value: unknown): string {
  return typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : 'inline';
}
