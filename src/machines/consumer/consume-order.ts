// SPDX-License-Identifier: Apache-2.0
/** In which order does a consumer deliver? Its listeners say whether there is one, `orderBy` which. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { ConsumeOrder } from '../consume/consume.types.ts';
import type { LockKind } from '../locks/locks.types.ts';
import { isBroadcasting } from './offset-place.ts';

/** The listeners of a config are all of one kind: check-options.ts. */
export function orderOf({ listener, subscriptions, orderBy }: ResolvedConfig): ConsumeOrder {
  const isOrderly = [listener, ...subscriptions.map(each => each.listener)].some(
    each => each?.kind === 'orderly',
  );
  return isOrderly ? orderBy : 'concurrent';
}

/** Orderly queues are always locked, concurrent ones fenced unless the config says otherwise; in broadcasting nobody else has them. */
export function lockKindOf(config: ResolvedConfig): LockKind | undefined {
  if (isBroadcasting(config)) return undefined;
  if (orderOf(config) !== 'concurrent') return 'orderly';
  return config.handover === 'fenced' ? 'fence' : undefined;
}
