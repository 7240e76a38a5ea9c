// SPDX-License-Identifier: Apache-2.0
/** Does a consumer notice that a name server is gone? With one left it must not, with none left it must go on. */
import { setTimeout as pause } from 'node:timers/promises';
import { startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { type Delivery, monotonicMs } from '../../test/support/history/deliveries.ts';
import { judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import type { Evidence } from './kit/stage.ts';

const rate = 200;

interface Window {
  readonly from: number;
  readonly to: number;
}

export const nameServers: Evidence = {
  name: 'name-servers',
  about:
    'of two name servers one is down, then the other: nothing happens; both are down: consumption goes on',
  async run(stage, report) {
    // Longer than the period in which routes are asked, so that the outage is met.
    const windowMs = stage.pick({ full: 35_000, share: 2500 });
    const config = stage.pick({ full: {}, share: { pollNameServerInterval: 500 } });
    const count = Math.round(((5 * windowMs) / 1000) * rate);
    const topic = stage.fresh('names');
    const group = stage.fresh('names-group');
    await stage.cluster.createTopic(topic, { queues: 4 });
    await using member = stage.member({
      ...{ name: 'solo', topic, group },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...config },
    });
    const runningAt = (await member.event('running')).at;
    await using producer = startJavaProducer(stage.cluster, { topic, count, rate, retry: true });
    await producer.line(/^PROGRESS sent=[1-9]/);

    const [first, second] = stage.cluster.nameServers;
    if (first === undefined || second === undefined) throw new Error('this needs two name servers');
    const window = async (what: string): Promise<Window> => {
      stage.say(what);
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
      const oneDownTo = monotonicMs();
      await first.kill();
      const bothDown = await window('both are down');
      await Promise.all([first.restart(), second.restart()]);
      await producer.finished;
      await untilDone(stage, [member], count);
      const stopped = await member.stop();

      const deliveries = member.deliveries();
      const during = (name: string): number =>
        member.all(name).filter(({ at }) => at > runningAt && at < oneDownTo).length;
      report.check('one down: faults', during('fault'), { is: 0 });
      report.check('one down: changes of state', during('state'), { is: 0 });
      report.check('one down: queues revoked', during('revoked'), { is: 0 });
      report.note('first down: longest silence, ms', longestSilence(deliveries, firstDown));
      report.note('second down: longest silence, ms', longestSilence(deliveries, secondDown));
      report.note('both down: longest silence, ms', longestSilence(deliveries, bothDown));
      const expected = ((bothDown.to - bothDown.from) / 1000) * rate;
      report.check('both down: deliveries', within(deliveries, bothDown).length, {
        atLeast: Math.floor(expected / 2),
      });
      const revoked = member.all('revoked').filter(({ reason }) => reason !== 'shutdown').length;
      report.check('queues revoked while it ran', revoked, { is: 0 });
      report.note('both down: faults told', member.all('fault').length);
      for (const { error } of member.all('fault').slice(0, 2)) stage.say(`fault: ${JSON.stringify(error)}`);
      await judgeHistory(stage, report, {
        ...{ topic, sent: { from: 0, to: count }, deliveries: [deliveries], repeats: 'none' as const },
      });
      judgeStop(report, 'consumer', stopped);
    } finally {
      // The cluster serves others after this.
      for (const each of [first, second]) if (!each.isRunning) await each.restart();
    }
  },
};

function within(deliveries: readonly Delivery[], { from, to }: Window): readonly Delivery[] {
  return deliveries.filter(({ at }) => at >= from && at < to);
}

function longestSilence(deliveries: readonly Delivery[], window: Window): number {
  const times = [window.from, ...within(deliveries, window).map(({ at }) => at), window.to].sort(
    (a, b) => a - b,
  );
  return Math.max(...times.map((at, index) => at - (times[index - 1] ?? at)));
}
