// SPDX-License-Identifier: Apache-2.0
/** Which cases of Apache's end-to-end suite are here? docs/compatibility.md says where the others are, or why not. */
import { consumerGroupTest, pushConsumerInitTest } from './client-cases.ts';
import type { E2eClass } from './e2e-case.ts';
import { sqlFilterTest, tagFilterTest } from './filter-cases.ts';
import { clusterTest, loadBalancingTest } from './group-cases.ts';
import { delayMessageTest, normalMessageTest, orderMessageTest } from './message-cases.ts';
import { offsetTest } from './offset-cases.ts';
import { pullAckTest, pullConsumerInitTest, pullParamTest } from './pull-cases.ts';
import { pushConsumerRetryTest } from './retry-cases.ts';

export const e2eClasses: readonly E2eClass[] = [
  consumerGroupTest,
  pushConsumerInitTest,
  clusterTest,
  loadBalancingTest,
  sqlFilterTest,
  tagFilterTest,
  offsetTest,
  pushConsumerRetryTest,
  normalMessageTest,
  orderMessageTest,
  delayMessageTest,
  pullConsumerInitTest,
  pullAckTest,
  pullParamTest,
];
