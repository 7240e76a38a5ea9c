// SPDX-License-Identifier: Apache-2.0
/** Which strategies have a name in the config? One row each; a strategy is one file beside this one. */
import type { AllocateStrategy, NamedAllocateStrategy } from './allocate-strategy.ts';
import { average } from './average.ts';
import { averageByCircle } from './average-by-circle.ts';
import { consistentHash } from './consistent-hash.ts';
import { sticky } from './sticky.ts';

/** By the name `allocateStrategy` takes. One that needs arguments is not here: its own function makes it. */
export const allocateStrategies = {
  AVG: average,
  AVG_BY_CIRCLE: averageByCircle,
  CONSISTENT_HASH: consistentHash(),
  STICKY: sticky,
} as const satisfies Readonly<Record<string, NamedAllocateStrategy>>;

/** The strategies that need nothing but their name. */
export type AllocateStrategyName = keyof typeof allocateStrategies;

/** A strategy of any form: a word, a function, an object with a name. Undefined for anything else. */
export function asStrategy(value: unknown): AllocateStrategy | undefined {
  if (typeof value === 'string') return isWord(value) ? allocateStrategies[value] : undefined;
  if (typeof value === 'function' || isNamed(value)) return value as AllocateStrategy; // what it answers is checked at each call
  return undefined;
}

function isWord(value: string): value is AllocateStrategyName {
  return Object.hasOwn(allocateStrategies, value);
}

function isNamed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, allocate }: { readonly name?: unknown; readonly allocate?: unknown } = value;
  return typeof name === 'string' && typeof allocate === 'function';
}
