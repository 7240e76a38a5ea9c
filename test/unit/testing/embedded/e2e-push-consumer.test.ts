// SPDX-License-Identifier: Apache-2.0
/** Does what Apache asks of its own push consumer hold on the embedded cluster, with the pauses of the default table? */
import { describe, it } from 'vitest';
import { e2eClasses } from '../../../conformance/e2e/catalogue.ts';
import { runCase } from '../../../conformance/e2e/e2e-case.ts';
import { startEmbeddedWith } from '../../../support/scenario/embedded-cluster.ts';

/** Apache RocketMQ's own; time runs as fast as it can here. */
const delays = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

const here = e2eClasses
  .map(({ name, cases }) => ({ name, cases: cases.filter(({ realOnly }) => realOnly !== true) }))
  .filter(({ cases }) => cases.length > 0);

for (const { name, cases } of here) {
  describe(name, () => {
    for (const each of cases) {
      it(`${each.name}: ${each.about}`, async () => {
        await using cluster = await startEmbeddedWith({ brokers: 1, nameServers: 1 }, () => {}, delays);
        await runCase(each, cluster, delays);
      });
    }
  });
}
