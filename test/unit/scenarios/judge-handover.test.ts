// SPDX-License-Identifier: Apache-2.0
/** Is it noticed when a user is not told of a queue that was given up, or a lock is asked for that was not promised? */
import { expect, test } from 'vitest';
import type { ConsumerEvent, MessageQueue, RevokeReason } from '../../../src/index.ts';
import { PortTrace } from '../../support/port-trace.ts';
import { judgeHook, judgeNoLocks } from '../../support/scenario/judge-handover.ts';
import type { ScenarioMember } from '../../support/scenario/member.ts';
import { Problems } from '../../support/scenario/problems.ts';

const queue = (queueId: number): MessageQueue => ({ topic: 'orders', brokerName: 'b', queueId });
const assigned = (queueId: number): ConsumerEvent => ({
  ...{ type: 'queue.assigned', queue: queue(queueId), offset: 0 },
});
const revoked = (queueId: number, reason: RevokeReason): ConsumerEvent => ({
  ...{ type: 'queue.revoked', queue: queue(queueId), reason },
});
const report: ScenarioMember['report'] = {
  ...{ clean: true, reason: 'requested', durationMs: 0, steps: [], abandonedMessages: 0 },
  ...{ committed: [], uncommitted: [] },
};

function problemsOf(
  member: Partial<Pick<ScenarioMember, 'events' | 'revoked' | 'report'>>,
): readonly string[] {
  const problems = new Problems();
  judgeHook(problems, { name: 'anna', events: [], revoked: [], report, ...member });
  return problems.found;
}

test('a hook that is told of every queue, with its reason, is right', () => {
  const events = [assigned(0), assigned(1), revoked(1, 'rebalance'), revoked(0, 'shutdown')];
  const told = [
    { queue: queue(0), reason: 'shutdown' as const },
    { queue: queue(1), reason: 'rebalance' as const },
  ];
  expect(problemsOf({ events, revoked: told })).toEqual([]);
});

test('a queue of which it turns out after the call that somebody else has it was told with the reason it had before', () => {
  const events = [assigned(0), revoked(0, 'lost')];
  expect(problemsOf({ events, revoked: [{ queue: queue(0), reason: 'rebalance' }] })).toEqual([]);
});

test('a queue that is not told, is told twice, or with another reason is found', () => {
  const events = [assigned(0), revoked(0, 'rebalance')];
  const once = { queue: queue(0), reason: 'rebalance' as const };
  const wrong = [[], [once, once], [{ ...once, reason: 'shutdown' as const }]];
  const missing = 'anna: onQueuesRevoked was not told, 1: orders@b#0 rebalance';
  const invented = 'anna: onQueuesRevoked was told, and there was no event, 1: orders@b#0';
  expect(wrong.map(each => problemsOf({ events, revoked: each }))).toEqual([
    [missing],
    [`${invented} rebalance`],
    [missing, `${invented} shutdown`],
  ]);
});

test('of a queue that was never read nothing need be told, and nothing is asked of a member that crashed', () => {
  expect(problemsOf({ events: [revoked(0, 'rebalance')] })).toEqual([]);
  const again = [assigned(0), revoked(0, 'rebalance'), revoked(0, 'shutdown')];
  expect(problemsOf({ events: again, revoked: [{ queue: queue(0), reason: 'rebalance' }] })).toEqual([]);
  expect(problemsOf({ events: [assigned(0), revoked(0, 'lost')], report: undefined })).toEqual([]);
});

test('a lock that was asked for without a promise is found', async () => {
  const trace = new PortTrace(() => 0);
  const dialer = trace.dialer({
    dial: async () => ({ write: () => {}, destroy: () => {}, queuedBytes: 0, localAddress: undefined }),
  });
  const socket = await dialer.dial(
    'b:1',
    { onData: () => {}, onClose: () => {} },
    { signal: new AbortController().signal, timeoutMs: 1 },
  );
  socket.write(Buffer.from('\0\0\0\x1f\0\0\0\x1b{"code":41,"opaque":1}     ', 'latin1'));
  const found = (['none', 'fence'] as const).map(locks => {
    const problems = new Problems();
    judgeNoLocks(problems, { name: 'anna', locks, trace });
    return problems.found;
  });
  expect(found).toEqual([['anna: asked 1 times for locks'], []]);
});
