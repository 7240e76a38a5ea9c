// SPDX-License-Identifier: Apache-2.0
/** Which promises can be shown? In the order of the README. */
import { acl } from './acl.ts';
import { admin } from './admin.ts';
import { allocationEvidence } from './allocation.ts';
import { badPeersEvidence } from './bad-peers.ts';
import { broadcast } from './broadcast.ts';
import { brokerRestart } from './broker-restart.ts';
import { conflicts } from './conflicts.ts';
import { control } from './control.ts';
import { corruption } from './corruption.ts';
import { embeddedChurn } from './embedded-churn.ts';
import { embeddedJava } from './embedded-java.ts';
import { embeddedReplay } from './embedded-replay.ts';
import { filters } from './filters.ts';
import { flowLimits } from './flow-limits.ts';
import { forms } from './forms.ts';
import type { Evidence } from './kit/stage.ts';
import { members } from './members.ts';
import { membersJava } from './members-java.ts';
import { messageTrace } from './message-trace.ts';
import { messagesEvidence } from './messages.ts';
import { million } from './million.ts';
import { mixedJava } from './mixed-java.ts';
import { nameServers } from './name-servers.ts';
import { namespaces } from './namespaces.ts';
import { offsetStores } from './offset-stores.ts';
import { order } from './order.ts';
import { orderly } from './orderly.ts';
import { orderlyDeadLetters } from './orderly-dead-letters.ts';
import { plantedBugs } from './planted-bugs.ts';
import { racesEvidence } from './races.ts';
import { replicas } from './replicas.ts';
import { retry } from './retry.ts';
import { retryLevels } from './retry-levels.ts';
import { rollingRestart } from './rolling-restart.ts';
import { scenariosEvidence } from './scenarios.ts';
import { sendBackRefused } from './send-back-refused.ts';
import { sequencesEvidence } from './sequences.ts';
import { sigstop, sigstopShort } from './sigstop.ts';
import { startLatency } from './start-latency.ts';
import { stately } from './stately.ts';
import { stuck } from './stuck.ts';
import { subscribeRuntime } from './subscribe-runtime.ts';
import { takeover } from './takeover.ts';
import { tlsEvidence } from './tls.ts';
import { topicLife } from './topic-life.ts';
import { grownTopic, youngTopic } from './young-topic.ts';

export const evidences: readonly Evidence[] = [
  million,
  members,
  membersJava,
  brokerRestart,
  replicas,
  nameServers,
  youngTopic,
  grownTopic,
  topicLife,
  startLatency,
  sigstop,
  sigstopShort,
  order,
  retry,
  messagesEvidence,
  broadcast,
  offsetStores,
  flowLimits,
  retryLevels,
  sendBackRefused,
  stuck,
  control,
  stately,
  admin,
  messageTrace,
  corruption,
  rollingRestart,
  takeover,
  mixedJava,
  orderly,
  orderlyDeadLetters,
  badPeersEvidence,
  tlsEvidence,
  namespaces,
  subscribeRuntime,
  conflicts,
  filters,
  acl,
  forms,
  allocationEvidence,
  scenariosEvidence,
  racesEvidence,
  sequencesEvidence,
  plantedBugs,
  embeddedReplay,
  embeddedJava,
  embeddedChurn,
];
