// SPDX-License-Identifier: Apache-2.0
/** What helps users test code that uses a consumer. */
export type {
  EmbeddedBroker,
  EmbeddedBrokerOptions,
  EmbeddedCluster,
  EmbeddedClusterOptions,
  EmbeddedMember,
  EmbeddedMessage,
  EmbeddedQueue,
  EmbeddedServer,
  Interference,
  MessageDamage,
  NewMessage,
  ReceivedRequest,
  RequestMatch,
  Rule,
} from './embedded/cluster.types.ts';
export { startEmbeddedCluster } from './embedded/embedded-cluster.ts';
export { TestClock } from './test-clock.ts';
