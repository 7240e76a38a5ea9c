// SPDX-License-Identifier: Apache-2.0
/** What does bad input do to a consumer? A typed error or event with a hint; no crash, no hot loop, no growth. */
import { setTimeout as pause } from 'node:timers/promises';
import { illegalNames, wrongConfig } from './bad-peers/config.ts';
import { noNameServer } from './bad-peers/no-name-server.ts';
import { type BadPeer, badPeers, sceneOf } from './bad-peers/peers.ts';
import type { Member, MemberEvent } from './kit/member.ts';
import { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** At once: more would only make each other wait for a processor. */
const sideBySide = 6;
/** G9: a failing dial or request is repeated after 200 ms, then more and more seldom. */
const mostPerSecond = 5;
const mostCpuPercent = 25;
const mostGrowthMb = 25;

export const badPeersEvidence: Evidence = {
  name: 'bad-peers',
  about:
    'wrong config, no name server, peers that speak HTTP/2, garbage, truncated, oversize: typed errors with hints, no crash, loop, growth',
  needsCluster: false,
  async run(stage, report) {
    wrongConfig(report);
    illegalNames(report);
    await noNameServer(stage, report);
    const waiting = [...badPeers];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        judge(report, await meet(stage, next));
    };
    await Promise.all(Array.from({ length: sideBySide }, worker));
  },
};

/** What one bad peer did to one consumer. */
interface Meeting {
  readonly peer: BadPeer;
  readonly seconds: number;
  readonly survived: boolean;
  readonly dials: number;
  readonly asked: number;
  readonly grownMb: number;
  readonly cpuPercent: number;
  /** Codes of the errors told with a hint. */
  readonly told: ReadonlySet<string>;
  readonly crashLines: number;
  /** null: ended by a signal. */
  readonly exitCode: number | null;
}

async function meet(stage: Stage, peer: BadPeer): Promise<Meeting> {
  const settleMs = stage.pick({ full: 2000, share: 1000 });
  const windowMs = stage.pick({ full: 10_000, share: 2500 });
  await using scene = await sceneOf(peer);
  await using member = stage.member({
    ...{ name: 'solo', topic: 'orders', group: stage.fresh('bad'), namesrv: scene.namesrv, wire: false },
    config: { startTimeout: settleMs + windowMs + 500 }, // it is looked at while it still tries
  });
  await member.event('starting');
  await pause(settleMs);
  const mb = member.memoryMb();
  const cpu = member.cpuMs();
  await pause(windowMs);
  const survived = member.isAlive;
  const seen = {
    ...{ peer, survived, seconds: (settleMs + windowMs) / 1000 },
    ...{ dials: scene.bad.connections.length, asked: scene.asked() },
    grownMb: survived ? member.memoryMb() - mb : Number.NaN,
    cpuPercent: survived ? ((member.cpuMs() - cpu) / windowMs) * 100 : Number.NaN,
  };
  await atItsEnd(member, peer);
  const exitCode = await member.ended;
  return {
    ...{ ...seen, exitCode, told: codesTold(member.events) },
    crashLines: member.log.filter(line => /uncaught|unhandled|TypeError/i.test(line)).length,
  };
}

function judge(report: Report, meeting: Meeting): void {
  const { peer, seconds, told } = meeting;
  const parts = new Report();
  parts.check('survived', meeting.survived, { is: true });
  parts.check('exit code', String(meeting.exitCode), { is: '0' });
  parts.check('dials', meeting.dials, { atMost: mostPerSecond * seconds });
  parts.check('requests', meeting.asked, { atMost: 2 * mostPerSecond * seconds });
  parts.check('% of a processor', meeting.cpuPercent, { atMost: mostCpuPercent });
  parts.check('MB grown', meeting.grownMb, { atMost: mostGrowthMb });
  parts.check('crash lines', meeting.crashLines, { is: 0 });
  const isTold = peer.told === undefined || peer.told.some(code => told.has(code));
  parts.check('expected code told', isTold, { is: true });
  const broken = parts.broken(true).map(({ figure, seen }) => `${figure}: ${seen}`);
  const figures = `${meeting.dials} dials, ${meeting.asked} requests, ${meeting.grownMb.toFixed(1)} MB`;
  report.whole(`${peer.at}: ${peer.name}`, [figures, ...told, ...broken].join(', '), broken.length === 0);
}

/** With a bad name server or broker the start fails by itself; with bad pulls it runs and is stopped. */
async function atItsEnd(member: Member, peer: BadPeer): Promise<void> {
  if (peer.at === 'pull') await member.stop();
  else await member.event('rejected');
}

/** Of every error told with a hint. */
function codesTold(events: readonly MemberEvent[]): ReadonlySet<string> {
  const errors = events.map(({ error }) => Object(error) as Readonly<Record<string, unknown>>); // Object() gives any
  return new Set(
    errors.flatMap(({ code, hint }) => (typeof hint === 'string' && hint !== '' ? [String(code)] : [])),
  );
}
