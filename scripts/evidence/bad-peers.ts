// SPDX-License-Identifier: Apache-2.0
/** What does bad input do to a consumer? A typed error or event with a hint; no crash, no hot loop, no growth. */
import { setTimeout as pause } from 'node:timers/promises';
import { illegalNames, wrongConfig } from './bad-peers/config.ts';
import { noNameServer } from './bad-peers/no-name-server.ts';
import { type BadPeer, badPeers, sceneOf } from './bad-peers/peers.ts';
import type { Member, MemberEvent } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** At once: more would only make each other wait for a processor. */
const sideBySide = 6;
/** G9: a failing dial or request is repeated after 200 ms, then more and more seldom. */
const mostPerSecond = 5;
const mostCpuShare = 0.25;
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
        await meet(stage, report.part(`${next.at}: ${next.name}`), next);
    };
    await Promise.all(Array.from({ length: sideBySide }, worker));
  },
};

async function meet(stage: Stage, report: Report, peer: BadPeer): Promise<void> {
  const windowMs = stage.pick({ full: 10_000, share: 3000 });
  const settleMs = stage.pick({ full: 2000, share: 1000 });
  await using scene = await sceneOf(peer);
  await using member = stage.member({
    ...{ name: 'solo', topic: 'orders', group: stage.fresh('bad'), namesrv: scene.namesrv, wire: false },
    config: { startTimeout: settleMs + windowMs },
  });
  await member.event('starting');
  await pause(settleMs);
  const before = { mb: member.memoryMb(), cpu: member.cpuMs() };
  await pause(windowMs - 500); // while it still tries
  const survived = member.isAlive;
  const grownMb = survived ? member.memoryMb() - before.mb : Number.NaN;
  const cpuShare = survived ? (member.cpuMs() - before.cpu) / (windowMs - 500) : Number.NaN;
  const dials = scene.bad.connections.length;
  const asked = scene.asked();

  await atItsEnd(member, peer);
  const errors = typedErrors(member.events);
  const told = errors.filter(({ hint }) => String(hint ?? '') !== '').map(({ code }) => String(code));
  const seconds = (settleMs + windowMs) / 1000;
  report.check('survived', survived, { is: true });
  if (peer.told !== undefined) {
    const fits = peer.told.some(code => told.includes(code));
    if (!fits) stage.say(`${peer.at}: ${peer.name}: told ${[...new Set(told)].join(', ') || 'nothing'}`);
    report.check('typed error with a hint', fits, { is: true });
  }
  report.check('dials', dials, { atMost: mostPerSecond * seconds });
  report.check('requests', asked, { atMost: 2 * mostPerSecond * seconds });
  report.check('share of a processor', Math.round(cpuShare * 1000) / 1000, { atMost: mostCpuShare });
  report.check('growth, MB', grownMb, { atMost: mostGrowthMb });
  report.check('uncaught', member.log.filter(line => /uncaught|unhandled|TypeError/i.test(line)).length, {
    is: 0,
  });
  report.check('ended by itself with code', Number(await member.ended), { is: 0 });
}

/** With a bad name server or broker the start fails by itself; with bad pulls it runs and is stopped. */
async function atItsEnd(member: Member, peer: BadPeer): Promise<void> {
  if (peer.at === 'pull') await member.stop();
  else await member.event('rejected');
}

/** Every error told, with those behind it. */
function typedErrors(events: readonly MemberEvent[]): readonly Readonly<Record<string, unknown>>[] {
  return events.flatMap(({ error }) =>
    error === undefined ? [] : [Object(error) as Record<string, unknown>],
  ); // Object() gives any
}
