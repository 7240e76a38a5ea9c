// SPDX-License-Identifier: Apache-2.0
/** What becomes of a message that is not what was stored: a bit of its body, or the length of its record, is another? */
import { setTimeout as pause } from 'node:timers/promises';
import type { CorruptMessage } from '../../src/index.ts';
import type { MessageDamage } from '../../src/testing/index.ts';
import { embeddedPlace, realPlace, type SpoilingPlace } from './corruption/spoiling-place.ts';
import { badQueue, scattered, Trial } from './corruption/trial.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const kinds: readonly MessageDamage[] = ['body', 'length'];

export const corruption: Evidence = {
  name: 'corruption',
  about:
    'a bit of a body, or the length of a record, is changed: never skipped unasked, told with queue and offset, onCorruptMessage followed, all others once',
  async run(stage, report) {
    await using embedded = await embeddedPlace();
    const places = [
      { place: realPlace(stage.cluster), own: report },
      { place: embedded, own: report.part('embedded') },
    ];
    await Promise.all(
      places.flatMap(({ place, own }) =>
        kinds.flatMap(what => {
          const part = (policy: string): Report => own.part(`${what}, ${policy}`);
          return [
            passing(stage, part('in two answers'), place, what),
            halting(stage, part('halt'), place, what),
            skipping(stage, part('skip'), place, what),
            asking(stage, part('function'), place, what),
          ];
        }),
      ),
    );
  },
};

/** Changed on the way, not on disk: the third answer is sound, and nobody hears of it. */
async function passing(
  stage: Stage,
  report: Report,
  place: SpoilingPlace,
  what: MessageDamage,
): Promise<void> {
  await using trial = await Trial.begin(stage, place, { what, times: 2 });
  await trial.until('all delivered', () => trial.deliveredOnce === trial.all);
  report.check('told', trial.reported().length, { is: 0 });
  report.check('went through rereading', trial.statesSeen().includes('rereading'), { is: true });
  await trial.judge(report, []);
  report.check('committed at the end', await trial.committed(), { is: trial.badLength });
}

/** The queue stands in front of it; the first halt is left by a seek behind it, the second by one to the same place, once it is repaired. */
async function halting(
  stage: Stage,
  report: Report,
  place: SpoilingPlace,
  what: MessageDamage,
): Promise<void> {
  const half = (length: number): number => Math.floor(length / 2);
  await using trial = await Trial.begin(stage, place, {
    what,
    where: length => [half(length), half(length) + 5],
  });
  const [first = 0, second = 0] = trial.bad;
  const others = trial.all - trial.badLength;
  const isHalted = (): boolean => trial.statesSeen().at(-1) === 'halted';

  await trial.until('the halt', isHalted);
  await trial.until('all but what is behind it', () => trial.deliveredOnce === others + first);
  await pause(stage.pick({ full: 40_000, share: 2500 })); // past rebalances and heartbeats
  report.check('still halted', isHalted(), { is: true });
  report.check('still ours', trial.isAssigned(), { is: true });
  report.check('delivered while it stands', trial.deliveredOnce, { is: others + first });
  report.check('committed while it stands', await trial.committed(), { is: first });
  trial.judgeCommitted(report, first);
  report.check('told, with queue and offset', trial.reported().join(), { is: String(first) });

  await trial.seek(first + 1);
  await trial.until('the second halt', () => trial.reported().length === 2 && isHalted());
  await trial.until('what is between', () => trial.deliveredOnce === others + second - 1);
  report.check('told of the second', trial.reported().join(), { is: `${first},${second}` });
  trial.repair();
  await trial.seek(second);
  await trial.until('the rest', () => trial.deliveredOnce === trial.all - 1);
  report.check(
    'seeks told',
    trial
      .told('offset.corrected')
      .map(({ from, to, reason }) => `${from}→${to} ${reason}`)
      .join(', '),
    { is: `${first}→${first + 1} seek, ${second}→${second} seek` },
  );
  report.check('message.skipped', trial.told('message.skipped').length, { is: 0 });
  await trial.judge(report, [first]);
  report.check('committed at the end', await trial.committed(), { is: trial.badLength });
}

async function skipping(
  stage: Stage,
  report: Report,
  place: SpoilingPlace,
  what: MessageDamage,
): Promise<void> {
  await using trial = await Trial.begin(stage, place, { what, policy: 'skip', where: scattered });
  const { bad } = trial;
  await trial.until('all others', () => trial.deliveredOnce === trial.all - bad.length);
  await trial.until('all told', () => trial.told('message.skipped').length === bad.length);
  report.check('told, with queue and offset', trial.reported().join(), { is: bad.join() });
  report.check(
    'message.skipped, with queue and offset',
    trial.told('message.skipped').filter((each, i) => isAt(each, trial.topic, bad[i])).length,
    { is: bad.length },
  );
  await trial.judge(report, bad);
  report.check('committed at the end', await trial.committed(), { is: trial.badLength });
}

/** It takes its time, skips all but the last, and is asked about each of them once. */
async function asking(
  stage: Stage,
  report: Report,
  place: SpoilingPlace,
  what: MessageDamage,
): Promise<void> {
  const asked: CorruptMessage[] = [];
  const policy = async (message: CorruptMessage): Promise<'halt' | 'skip'> => {
    asked.push(message);
    await pause(300);
    return asked.length < 3 ? 'skip' : 'halt';
  };
  const where = (length: number): readonly number[] => scattered(length).slice(0, 3);
  await using trial = await Trial.begin(stage, place, { what, policy, where });
  const { bad } = trial;
  const last = bad.at(-1) ?? 0;
  await trial.until('the halt', () => trial.statesSeen().at(-1) === 'halted');
  await trial.until('all before it', () => trial.deliveredOnce === trial.all - trial.badLength + last - 2);
  report.check('asked', asked.map(({ queueOffset }) => queueOffset).join(), { is: bad.join() });
  report.check(
    'asked with queue and error',
    asked.filter(each => isAt(each, trial.topic, each.queueOffset) && each.error.code === 'RMQ_BAD_MESSAGE')
      .length,
    { is: bad.length },
  );
  report.check('told, with queue and offset', trial.reported().join(), { is: bad.join() });
  report.check('message.skipped', trial.told('message.skipped').length, { is: 2 });
  trial.judgeCommitted(report, last);
  const behind = Array.from({ length: trial.badLength - last }, (_, i) => last + i);
  await trial.judge(report, [...bad.slice(0, 2), ...behind]);
  report.check('committed at the end', await trial.committed(), { is: last });
}

function isAt(
  told: Pick<CorruptMessage, 'queue' | 'queueOffset'>,
  topic: string,
  queueOffset: number | undefined,
): boolean {
  const { queue } = told;
  return queue.topic === topic && queue.queueId === badQueue && told.queueOffset === queueOffset;
}
