// SPDX-License-Identifier: Apache-2.0
/** Which strategies have a name in the config? One row each; a strategy is one file beside this one. */
import type { NamedAllocateStrategy } from './allocate-strategy.ts';
import { average } from './average.ts';
import { averageByCircle } from './average-by-circle.ts';

/** By the name `allocateStrategy` takes. One that needs arguments is not here: its own function makes it. */
export const allocateStrategies = {
  AVG: average,
  AVG_BY_CIRCLE: averageByCircle,
} as const satisfies Readonly<Record<string, NamedAllocateStrategy>>;

export type AllocateStrategyName = keyof typeof allocateStrategies;
