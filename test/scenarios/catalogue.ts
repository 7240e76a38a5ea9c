// SPDX-License-Identifier: Apache-2.0
/** Which scenarios are there? Each runs on the embedded cluster and on real ones. */
import type { Scenario } from '../support/scenario/scenario.types.ts';
import { exactlyOnce, goesOn, inBatches, twoGroups } from './exactly-once.ts';
import { crashed, frozen, joinAndLeave, moreThanQueues } from './members.ts';
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
  brokerRestarts,
  noNameServer,
  brokerSilent,
  oneNameServer,
];
