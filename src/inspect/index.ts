// SPDX-License-Identifier: Apache-2.0
/** `rocketmq-actors/inspect`: looking at a consumer while it runs. */

export {
  type StatelyBridge,
  type StatelyBridgeOptions,
  type StatelyFigures,
  statelyBridge,
} from './stately-bridge.ts';
export type {
  ShownEvent,
  ShownSnapshot,
  StatelyActor,
  StatelyAdapter,
  StatelyEvent,
  StatelyInspection,
  StatelyLink,
  StatelySnapshot,
} from './stately-events.ts';
