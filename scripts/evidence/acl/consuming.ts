// SPDX-License-Identifier: Apache-2.0
/** What does a user with the right SUB on his topics and his group get, and what does he not? */
import { setTimeout as pause } from 'node:timers/promises';
import { type Credentials, concurrently } from '../../../src/index.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { consumer, historian } from './cast.ts';
import { bodiesOf, SignedMember, send } from './signed-member.ts';

const patience = 60_000;

/** An old backlog: FIRST gets it, LAST does not. */
export async function firstAndLast(stage: Stage, report: Report, isVersion5: boolean): Promise<void> {
  const count = stage.pick({ full: 5000, share: 500 });
  const topic = 'orders';
  await send(stage, topic, bodiesOf('old', count));
  await using first = await new SignedMember(stage, {
    ...{ group: 'first', topic, credentials: consumer },
    more: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
  }).start();
  const placed = new Set<number>();
  const last = new SignedMember(stage, { group: 'last', topic, credentials: consumer });
  last.on('queue.assigned', ({ queue }) => queue.topic === topic && placed.add(queue.queueId));
  await using _last = await last.start();
  await stage.until('LAST stands at its place', patience, () => placed.size === 4);
  await send(stage, topic, bodiesOf('new', count));
  await stage
    .until('both have all', patience, () => first.got.size === 2 * count && last.got.size >= count)
    .catch(() => {}); // judged below
  await pause(500);
  report.check('FIRST: of the old and the new', first.got.size, { is: 2 * count });
  report.check('FIRST: repeated', first.repeated, { is: 0 });
  report.check('LAST: of the new', countOf(last, 'new'), { is: count });
  // 4.9 answers 0 to a group that is new to a young queue, and everybody begins there (DESIGN.md).
  if (isVersion5) report.check('LAST: of the old', countOf(last, 'old'), { is: 0 });
  report.check('faults', first.faults.length + last.faults.length, { is: 0 });
  for (const { message } of [...first.faults, ...last.faults].slice(0, 3)) stage.say(message);
}

/** A member joins and another leaves in the middle. */
export async function handedOver(stage: Stage, report: Report): Promise<void> {
  const count = stage.pick({ full: 6000, share: 1200 });
  const [topic, group] = ['journal', 'pair'];
  const all = new Map<string, number>();
  const member = (): SignedMember =>
    new SignedMember(stage, {
      ...{ topic, group, credentials: consumer },
      more: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
      listener: concurrently(async ([message]) => {
        await pause(5);
        const body = message.body.toString();
        all.set(body, (all.get(body) ?? 0) + 1);
      }),
    });
  const [anna, boris] = [member(), member()];
  await using _anna = await anna.start();
  const bodies = bodiesOf('entry', count);
  const sending = (async () => {
    for (let from = 0; from < count; from += 50) {
      await send(stage, topic, bodies.slice(from, from + 50));
      await pause(20);
    }
  })();
  await stage.until('a quarter came', patience, () => all.size >= count / 4);
  await using _boris = await boris.start();
  await stage.until('half came', patience, () => all.size >= count / 2);
  await anna.stop();
  await sending;
  await stage.until('all came', patience, () => all.size === count).catch(() => {}); // judged below
  await pause(500);
  const deliveries = [...all.values()].reduce((sum, times) => sum + times, 0);
  report.check('lost', count - all.size, { is: 0 });
  report.check('repeated', deliveries - all.size, { is: 0 });
  report.check('faults', anna.faults.length + boris.faults.length, { is: 0 });
  for (const { message } of [...anna.faults, ...boris.faults].slice(0, 3)) stage.say(message);
}

/** Every message fails once, goes back to the broker (36), and comes again from the retry topic. */
export async function retried(stage: Stage, report: Report): Promise<void> {
  const count = stage.pick({ full: 200, share: 40 });
  const done = new Set<string>();
  let handedBack = 0;
  const member = new SignedMember(stage, {
    ...{ topic: 'failing', group: 'retry', credentials: consumer },
    more: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    listener: concurrently(([message]) => {
      if (message.reconsumeTimes === 0) throw new Error('not yet');
      done.add(message.body.toString());
    }),
  });
  member.on('message.retried', () => handedBack++);
  await using _member = await member.start();
  await send(stage, 'failing', bodiesOf('slip', count));
  await stage.until('all came back', patience, () => done.size === count).catch(() => {}); // judged below
  report.check('handed back to the broker', handedBack, { is: count });
  report.check('done the second time', done.size, { is: count });
  const others = member.faults.filter(({ code }) => code !== 'RMQ_LISTENER_FAILED');
  report.check('faults beside those of the handler', others.length, { is: 0 });
  for (const { message } of others.slice(0, 3)) stage.say(message);
}

/** To find an offset by time needs GET on the topic; a group that has offsets there does not look for any (refusals.ts has the rest). */
export async function timestamps(stage: Stage, report: Report, hasGet: boolean): Promise<void> {
  const topic = 'hours';
  const count = 40;
  await send(stage, topic, bodiesOf('hour', count));
  const member = (credentials: Credentials): SignedMember =>
    new SignedMember(stage, { ...{ topic, group: 'time', credentials }, more: sinceLately() });
  const withGet = member(hasGet ? historian : consumer);
  {
    await using _ = await withGet.start();
    await stage.until('all came', patience, () => withGet.got.size === count).catch(() => {}); // judged below
  }
  report.check(hasGet ? 'with GET' : 'with SUB, ACL 1.0 knows no GET', withGet.got.size, { is: count });
  const known = member(consumer);
  {
    await using _ = await known.start();
    await send(stage, topic, bodiesOf('later', count));
    await stage.until('all came', patience, () => known.got.size === count).catch(() => {}); // judged below
  }
  report.check('without GET, the group has offsets', countOf(known, 'later'), { is: count });
  report.check('faults', withGet.faults.length + known.faults.length, { is: 0 });
}

/** Longer ago than any message of this evidence. */
export const sinceLately = () =>
  ({ consumeFromWhere: 'CONSUME_FROM_TIMESTAMP', consumeTimestamp: Date.now() - 600_000 }) as const;

function countOf({ got }: SignedMember, prefix: string): number {
  return [...got.keys()].filter(body => body.startsWith(`${prefix}/`)).length;
}
