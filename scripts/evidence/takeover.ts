// SPDX-License-Identifier: Apache-2.0
/**
 * How long is a queue left alone when its owner is gone without a word? Under a load, in a group of concurrent listeners, in
 * one of orderly ones, and in one whose locks are refused; told from the pulls on the wire and the broker's member list.
 */
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { frozenHolder } from './takeover/frozen.ts';
import { killed, reborn, replaced, restartedInJoin } from './takeover/holders.ts';
import { twoMasters } from './takeover/two-masters.ts';
import { WatchedCrew } from './takeover/watched-crew.ts';

const lockCode = 41;

export const takeover: Evidence = {
  name: 'takeover',
  about:
    'holder killed, replaced, frozen; broker restarted in a join, one of two masters killed, 41 refused: a queue is left ≤ 30 s (orderly 65 s), killed to taken over ≤ 5 s (65 s)',
  async run(stage, report) {
    await gone(stage, report);
    if (stage.size === 'share') return;
    await twoMasters(stage, report);
    await Promise.all([
      frozenHolder(stage, report.part('concurrent, holder frozen'), 'concurrent'),
      frozenHolder(stage, report.part('orderly, holder frozen'), 'orderly'),
    ]);
  },
};

/** Three groups side by side on one broker, through the same losses. */
async function gone(stage: Stage, report: Report): Promise<void> {
  await using concurrent = await WatchedCrew.begin(stage, 'concurrent');
  await using orderly = await WatchedCrew.begin(stage, 'orderly');
  await using refused = await WatchedCrew.begin(stage, 'concurrent', { refuse: `${lockCode}:16` });
  const crews = [
    { report: report.part('concurrent'), watched: concurrent },
    { report: report.part('orderly'), watched: orderly },
    { report: report.part('41 refused with 16'), watched: refused },
  ];
  await Promise.all(crews.map(({ watched }) => watched.untilShared()));
  stage.say('three groups at work');
  await Promise.all(
    crews.map(async each => {
      // The locks of an orderly listener that is killed are waited for: in small, once.
      const isBrief = stage.size === 'share' && each.watched.kind === 'orderly';
      const losses = stage.pick({
        full: [killed, replaced, reborn],
        share: isBrief ? [replaced] : [killed, replaced],
      });
      for (const loss of losses) {
        await loss(each.report, each.watched);
        stage.say(`${each.watched.crew.group}: ${loss.name}, judged`);
      }
    }),
  );
  await restartedInJoin(stage, crews);
  for (const each of crews) await each.watched.end(each.report);
  judgeRefusals(stage, report.part('41 refused with 16'), refused);
}

/** What was asked, and that nothing but the fence was given up. */
function judgeRefusals(stage: Stage, report: Report, { crew }: WatchedCrew): void {
  const asked = crew.all.flatMap(member => member.wire().filter(({ code }) => code === lockCode));
  report.check('41 asked, all refused', asked.length, { atLeast: 1 });
  const faults = crew.events('fault').map(({ error }) => String(Object(error).code));
  report.note('told as faults', [...new Set(faults)].join(', '));
  stage.say(`41 refused: ${asked.length} asked by ${crew.all.length} members`);
}
