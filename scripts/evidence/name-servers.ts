// SPDX-License-Identifier: Apache-2.0
/** Does a consumer notice that a name server is gone? With one left it must not, with none left it must go on. */
import { setTimeout as pause } from 'node:timers/promises';
import { startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { type Delivery, monotonicMs } from '../../test/support/history/deliveries.ts';
import { judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import type { Member } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const rate = 200;

interface Window {
  readonly from: number;
  readonly to: number;
}

/** What was done to the name servers, and when. */
interface Outages {
  readonly firstDown: Window;
  readonly secondDown: Window;
  readonly bothDown: Window;
}

export const nameServers: Evidence = {
  name: 'name-servers',
  about:
    'of two name servers one is down, then the other: nothing happens; both are down: consumption goes on',
  shareOn: '4.9.7', // what it shows is ours, not the broker's
  async run(stage, report) {
    // Longer than the period in which routes are asked, so that the outage is met.
    const windowMs = stage.pick({ full: 35_000, share: 2500 });
    const config = stage.pick({ full: {}, share: { pollNameServerInterval: 500 } });
    const count = Math.round(((5 * windowMs) / 1000) * rate);
    const topic = stage.fresh('names');
    await stage.cluster.createTopic(topic, { queues: 4 });
    await using member = stage.member({
      ...{ name: 'solo', topic, group: stage.fresh('names-group') },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...config },
    });
    await member.event('running');
    await using producer = startJavaProducer(stage.cluster, { topic, count, rate, retry: true });
    await producer.line(/^PROGRESS sent=[1-9]/);
    const outages = await takeDown(stage, windowMs);
    await producer.finished;
    await untilDone(stage, [member], count);
    const stopped = await member.stop();

    judgeOutages(stage, report, member, outages);
    await judgeHistory(stage, report, {
      ...{ topic, sent: { from: 0, to: count }, deliveries: [member.deliveries()], repeats: 'none' as const },
    });
    judgeStop(report, 'consumer', stopped);
  },
};

/** The cluster serves others after this, so both run again at the end, whatever happens. */
async function takeDown({ cluster, say }: Stage, windowMs: number): Promise<Outages> {
  const [first, second] = cluster.nameServers;
  if (first === undefined || second === undefined) throw new Error('this needs two name servers');
  const window = async (what: string): Promise<Window> => {
    say(what);
    const from = monotonicMs();
    await pause(windowMs);
    return { from, to: monotonicMs() };
  };
  try {
    await first.kill();
    const firstDown = await window('the first is down');
    await first.restart();
    await second.kill();
    const secondDown = await window('the second is down');
    await first.kill();
    return { firstDown, secondDown, bothDown: await window('both are down') };
  } finally {
    await Promise.all([first, second].filter(each => !each.isRunning).map(each => each.restart()));
  }
}

function judgeOutages(stage: Stage, report: Report, member: Member, outages: Outages): void {
  const { firstDown, secondDown, bothDown } = outages;
  const whileOneIsDown = (name: string): number =>
    member.all(name).filter(({ at }) => at >= firstDown.from && at < secondDown.to).length;
  report.check('one down: faults', whileOneIsDown('fault'), { is: 0 });
  report.check('one down: changes of state', whileOneIsDown('state'), { is: 0 });
  report.check('one down: queues revoked', whileOneIsDown('revoked'), { is: 0 });
  const deliveries = member.deliveries();
  report.note('first down: longest silence, ms', longestSilence(deliveries, firstDown));
  report.note('second down: longest silence, ms', longestSilence(deliveries, secondDown));
  report.note('both down: longest silence, ms', longestSilence(deliveries, bothDown));
  const expected = ((bothDown.to - bothDown.from) / 1000) * rate;
  report.check('both down: deliveries', within(deliveries, bothDown).length, {
    atLeast: Math.floor(expected / 2),
  });
  const revoked = member.all('revoked').filter(({ reason }) => reason !== 'shutdown').length;
  report.check('queues revoked while it ran', revoked, { is: 0 });
  const faults = member.all('fault');
  report.note('both down: faults told', faults.length);
  for (const { error } of faults.slice(0, 2)) stage.say(`fault: ${JSON.stringify(error)}`);
}

function within(deliveries: readonly Delivery[], { from, to }: Window): readonly Delivery[] {
  return deliveries.filter(({ at }) => at >= from && at < to);
}

function longestSilence(deliveries: readonly Delivery[], window: Window): number {
  const times = [window.from, ...within(deliveries, window).map(({ at }) => at), window.to].sort(
    (a, b) => a - b,
  );
  return Math.max(...times.map((at, index) => at - (times[index - 1] ?? at)));
}
