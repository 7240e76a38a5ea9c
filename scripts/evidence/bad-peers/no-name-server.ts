// SPDX-License-Identifier: Apache-2.0
/** What happens when no name server is there? The start fails in time, says where it looked, and the process can end by itself. */
import { freePortBlock, releasePortBlock } from '../../../test/support/cluster/ports.ts';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';

export async function noNameServer(stage: Stage, report: Report): Promise<void> {
  const startTimeout = stage.pick({ full: 15_000, share: 2000 });
  const port = await freePortBlock();
  const namesrv = `127.0.0.1:${port}`;
  await using member = stage.member({
    ...{ name: 'solo', topic: 'orders', group: stage.fresh('nowhere'), namesrv },
    config: { startTimeout },
  });
  const { error, msSinceStart, at } = await member.event('rejected');
  const code = await member.ended;
  const endedAfter = monotonicMs() - at;
  releasePortBlock(port);

  const { code: errorCode, message, hint } = Object(error) as Readonly<Record<string, unknown>>; // Object() gives any
  stage.say(`no name server: ${String(message)}`);
  report.check('no name server: typed error', /^RMQ_/.test(String(errorCode)), { is: true });
  report.check('no name server: names host and port', String(message).includes(namesrv), { is: true });
  report.check('no name server: hint', String(hint ?? '') !== '', { is: true });
  report.check('no name server: rejected after startTimeout, ms', Math.round(Number(msSinceStart)), {
    atLeast: startTimeout - 50,
  });
  report.speed('no name server: rejected late, ms', Number(msSinceStart) - startTimeout, { atMost: 1000 });
  report.check('no name server: process ended by itself with code', String(code), { is: '0' });
  report.speed('no name server: ended after the rejection, ms', endedAfter, { atMost: 2000 });
}
