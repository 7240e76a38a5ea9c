// SPDX-License-Identifier: Apache-2.0
/** The holder is killed; killed and replaced at once; the broker is restarted while a member joins. */
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import { toMonotonic } from '../kit/clock.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { limits, type WatchedCrew } from './watched-crew.ts';

/** A member is gone and nobody comes. */
export async function killed(report: Report, watched: WatchedCrew): Promise<void> {
  const member = watched.holder();
  await watched.judgeLoss(report.part('killed'), { member, at: await member.kill() });
}

/** A member is gone, and a process that was never there before is started at once in its place. */
export async function replaced(report: Report, watched: WatchedCrew): Promise<void> {
  const member = watched.holder();
  const at = await member.kill();
  watched.crew.join('dora');
  await watched.judgeLoss(report.part('killed and replaced'), { member, at });
  await watched.untilShared();
}

/** The same, and the new process has the client id of the old one: it is the holder as far as the broker knows. */
export async function reborn(report: Report, watched: WatchedCrew): Promise<void> {
  const member = watched.holder();
  const at = await member.kill();
  watched.crew.join('again', { instance: member.name });
  await watched.judgeLoss(report.part('replaced under the same client id'), { member, at });
  await watched.untilShared();
}

/** One broker for all these groups: it is killed while a member joins each, and comes back. */
export async function restartedInJoin(
  stage: Stage,
  crews: readonly { readonly report: Report; readonly watched: WatchedCrew }[],
): Promise<void> {
  const broker = stage.cluster.broker('broker-a');
  const joining = crews.map(({ watched }) => watched.crew.join('emil'));
  await Promise.all(joining.map(member => member.event('starting')));
  await pause(stage.pick({ full: 300, share: 200 }));
  await broker.kill();
  stage.say('the broker is killed while a member joins');
  await broker.restart();
  const openedAt = toMonotonic(broker.portOpenedAt);
  stage.say('the broker is back');
  await Promise.all(
    crews.map(async ({ report, watched }) => {
      await watched.untilShared();
      await pause(1000);
      const part = report.part('broker restarted in a join');
      const longest = watched.left(openedAt);
      part.check('queue left alone from its port opening, ms', longest?.ms ?? Infinity, {
        atMost: limits[watched.kind].left,
      });
      part.note('shared again after, ms', monotonicMs() - openedAt);
    }),
  );
}
