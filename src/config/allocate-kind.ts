// SPDX-License-Identifier: Apache-2.0
/** How is allocateStrategy read: a word, an object with a name, or a function? */
import { strategyName } from '../allocation/allocate.ts';
import type { AllocateStrategy } from '../allocation/allocate-strategy.ts';
import { type AllocateStrategyName, allocateStrategies } from '../allocation/strategies.ts';
import { oneOf } from './basic-kinds.ts';
import { describeValue } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

const words = Object.keys(allocateStrategies) as AllocateStrategyName[]; // the keys of a constant
const byName = oneOf(words);

export const allocateStrategyKind: Kind<AllocateStrategyName | AllocateStrategy, AllocateStrategy, 'none'> = {
  typeText: `${byName.typeText} | AllocateStrategy`,
  typeImports: { AllocateStrategy: '../allocation/allocate-strategy.ts' },
  unit: 'none',
  read: readStrategy,
  fromText: text => text,
  show: strategyName,
};

function readStrategy(value: unknown, spot: Spot): AllocateStrategy | undefined {
  if (typeof value === 'string') {
    const word = byName.read(value, spot);
    return word === undefined ? undefined : allocateStrategies[word];
  }
  if (typeof value === 'function' || isNamed(value)) return value as AllocateStrategy; // what it answers is checked at each call
  return spot.problem(
    `${describeValue(value)} is no strategy`,
    `Write ${byName.typeText}, a function, or { name, allocate(context) }.`,
  );
}

function isNamed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, allocate }: { readonly name?: unknown; readonly allocate?: unknown } = value;
  return typeof name === 'string' && typeof allocate === 'function';
}
