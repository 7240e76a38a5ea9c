// SPDX-License-Identifier: Apache-2.0
/** Does what Apache asks of its own push consumer hold for this one, on its own brokers? Their cases by name (docs/compatibility.md). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RocketmqVersion } from '../../support/cluster/cluster.ts';
import type { ClusterUnderTest } from '../../support/scenario/cluster-under-test.ts';
import { startRealCluster } from '../../support/scenario/real-cluster.ts';
import { e2eClasses } from './catalogue.ts';
import { runCase } from './e2e-case.ts';

/** As RocketMQ's own, but short: what level 3 and 4 mean must differ. */
const delays = '1s 1s 1s 2s 2s 3s 3s 5s';

export function e2eCasesOn(version: RocketmqVersion): void {
  describe(`on Apache RocketMQ ${version}`, () => {
    let cluster: ClusterUnderTest;
    beforeAll(async () => {
      cluster = await startRealCluster(version, delays)({ brokers: 1, nameServers: 1 });
    });
    afterAll(() => cluster[Symbol.asyncDispose]());

    for (const { name, cases } of e2eClasses) {
      describe.concurrent(name, () => {
        for (const each of cases) {
          it(`${each.name}: ${each.about}`, async () => {
            await expect(runCase(each, cluster, delays)).resolves.toBeUndefined();
          });
        }
      });
    }
  });
}
