// SPDX-License-Identifier: Apache-2.0
/** The holder is stopped (SIGSTOP) until its broker gives it up, and goes on afterwards. */
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import { longestUnpulled, queuesOf } from '../../../test/support/history/unpulled.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { limits, WatchedCrew } from './watched-crew.ts';

const frozenMs = 150_000;

export async function frozenHolder(stage: Stage, report: Report, kind: WatchedCrew['kind']): Promise<void> {
  await using watched = await WatchedCrew.begin(stage, kind);
  await watched.untilShared();
  const member = watched.holder();
  const owned = queuesOf(watched.pulls(), member.name, Infinity);
  member.suspend();
  const at = monotonicMs();
  stage.say(`${kind}: ${member.name} is frozen for ${frozenMs} ms`);
  await pause(frozenMs);
  const to = monotonicMs();
  const named = watched.lastNamed(member, at);
  const longest = longestUnpulled(watched.pulls(), owned, { from: named ?? at, to });
  member.resume();
  stage.say(`${kind}: ${member.name} is thawed`);
  await watched.untilShared();
  report.check('queues of the frozen one', owned.length, { atLeast: 2 });
  report.note('38 named it for, ms', named === undefined ? 'ever' : named - at);
  report.check('its queue left alone since then, ms', longest?.ms ?? Infinity, {
    atMost: limits[kind].left,
  });
  report.note('shared again after the thaw, ms', monotonicMs() - to);
  await watched.end(report, { wasFrozen: true });
}
