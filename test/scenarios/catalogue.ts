// SPDX-License-Identifier: Apache-2.0
/** Which scenarios are there? Each runs on the embedded cluster and on real ones. */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { exactlyOnce, goesOn, inBatches, twoGroups } from './exactly-once.ts';
import {
  aloneWithStranger,
  locksRefused,
  neverLetsGo,
  patienceEnds,
  renewalRefused,
  slowHandlers,
  unfenced,
} from './handover.ts';
import { crashed, frozen, joinAndLeave, moreThanQueues } from './members.ts';
import {
  byKeys,
  commitsByHand,
  keepsOrder,
  oneKeyRests,
  orderlyDeadLetters,
  rollsBack,
  suspendsItself,
  throwsInOrder,
} from './orderly.ts';
import { orderlyKilled, orderlyRefused, orderlyRestart } from './orderly-outages.ts';
import { brokerRestarts, brokerSilent, noNameServer, oneNameServer } from './outages.ts';
import {
  answered,
  chosenLevel,
  deadAtOnce,
  deadLetter,
  delayed,
  partOfABatch,
  refusedByTheBroker,
  thrown,
  unreadable,
} from './retries.ts';
import { byTags, sameHash } from './selecting.ts';
import { startAndStop, suspended } from './states.ts';
import { holderKilled, holderReplaced, onlyHolderReplaced, restartDuringJoin } from './takeover.ts';
import {
  brokerComesAndGoes,
  closedForReading,
  deletedAndMadeAgain,
  forgetfulNameServers,
  shrunkAndGrown,
} from './topic-life.ts';
import { fromTimestamp, grownTopic, lastTakesTheNew, youngTopic } from './young-topics.ts';

export const scenarios: readonly Scenario[] = [
  exactlyOnce,
  inBatches,
  twoGroups,
  goesOn,
  startAndStop,
  suspended,
  byTags,
  sameHash,
  youngTopic,
  grownTopic,
  lastTakesTheNew,
  fromTimestamp,
  deletedAndMadeAgain,
  shrunkAndGrown,
  closedForReading,
  brokerComesAndGoes,
  forgetfulNameServers,
  thrown,
  answered,
  chosenLevel,
  partOfABatch,
  deadLetter,
  deadAtOnce,
  unreadable,
  delayed,
  refusedByTheBroker,
  joinAndLeave,
  moreThanQueues,
  crashed,
  frozen,
  slowHandlers,
  neverLetsGo,
  holderKilled,
  holderReplaced,
  onlyHolderReplaced,
  locksRefused,
  aloneWithStranger,
  patienceEnds,
  renewalRefused,
  unfenced,
  keepsOrder,
  suspendsItself,
  throwsInOrder,
  orderlyDeadLetters,
  commitsByHand,
  rollsBack,
  byKeys,
  oneKeyRests,
  orderlyKilled,
  orderlyRefused,
  restartDuringJoin,
  orderlyRestart,
  brokerRestarts,
  noNameServer,
  brokerSilent,
  oneNameServer,
];
