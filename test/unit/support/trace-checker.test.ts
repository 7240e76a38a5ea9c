// SPDX-License-Identifier: Apache-2.0
/** A checker that cannot fail is worthless: every invariant is shown a trace that breaks it, and the traces that come close. */
import { describe, expect, it } from 'vitest';
import { checkTrace } from '../../support/trace-checker.ts';
import { address, group, onQueue, script } from './trace-script.ts';

describe('the checker', () => {
  it('finds nothing in a run that keeps every rule', () => {
    const run = script()
      .ready()
      .pull(0)
      .answer(0, { offsets: [0, 1, 2] })
      .pull(3)
      .deliver(0)
      .deliver(1)
      .deliver(2)
      .answer(19)
      .pull(3, 3)
      .answer(19)
      .leave();
    expect(run.check({ everyMessageIsDelivered: true })).toEqual([]);
  });

  it('finds nothing in an empty trace', () => {
    expect(checkTrace([])).toEqual([]);
  });
});

describe('heartbeatBeforePull', () => {
  it('finds a pull before the heartbeat was answered', () => {
    expect(script().open().beat().pull(0).answer(0, { back: 1 }).answer(19).leave().check()).toEqual([
      'heartbeatBeforePull 3: pull on connection 1 to 127.0.0.1:10911 before a heartbeat of g was answered there',
    ]);
  });

  it('finds a pull after a reconnect without a new heartbeat', () => {
    const run = script().ready().pull(0).close(1, 'peer').open(2).pull(0, undefined, 2);
    expect(run.check({ ended: false })).toEqual([
      'heartbeatBeforePull 7: pull on connection 2 to 127.0.0.1:10911 before a heartbeat of g was answered there',
    ]);
  });

  it('does not count a refused heartbeat, nor one of another group', () => {
    const refused = script().open().beat().answer(16).pull(0);
    const other = script()
      .open()
      .send(34, {}, { body: { consumerDataSet: [{ groupName: 'x' }] } })
      .answer()
      .pull(0);
    expect([refused, other].map(run => run.check({ ended: false }).length)).toEqual([1, 1]);
  });
});

describe('onePullPerQueue', () => {
  it('finds a second pull while one waits, also on another connection', () => {
    expect(script().ready().ready(2).pull(0).pull(0, undefined, 2).check({ ended: false })).toEqual([
      'onePullPerQueue 8: second pull of t@b#0; the one of line 7 waits for its answer',
    ]);
  });

  it('lets a new pull follow a lost connection, a timeout, and an anew asked start', () => {
    const lost = script().ready().pull(0).close(1, 'peer').ready(2).pull(0, undefined, 2);
    const late = script().ready().pull(0).wait(30_000).pull(0);
    const anew = script()
      .ready()
      .pull(0)
      .send(14, onQueue)
      .answer(0, { fields: { offset: '0' } })
      .pull(0);
    expect([lost, late, anew].map(run => run.check({ ended: false }))).toEqual([[], [], []]);
  });

  it('lets all pulls of a topic be written anew once after a broker told a foreign offset of one of its queues', () => {
    const other = { ...onQueue, queueId: '1' };
    const renewed = script()
      .ready()
      .pull(0)
      .send(14, other)
      .answer(0, { fields: { offset: '7' } })
      .pull(0);
    expect(renewed.check({ ended: false })).toEqual([]);
    expect(renewed.pull(0).check({ ended: false })).toHaveLength(1);
  });

  it('knows a broker by the name its route gave, where a request does not name it', () => {
    const { bname: _, ...unnamed } = onQueue;
    const run = script().ready();
    run.send(105, { topic: 't' });
    run.entries.push({
      at: 100,
      kind: 'response',
      direction: 'in',
      connection: 1,
      address,
      code: 0,
      opaque: 2,
      fields: {},
      brokers: { [address]: 'b' },
    });
    expect(
      run
        .pull(0)
        .send(11, { ...unnamed, sysFlag: '2' })
        .check({ ended: false }),
    ).toEqual(['onePullPerQueue 7: second pull of t@b#0; the one of line 6 waits for its answer']);
  });
});

describe('commitNeverGoesBack', () => {
  it('finds a lower 15 and a lower flagged pull', () => {
    const run = script().ready().commit(10).answer().commit(9).answer().pull(9, 8);
    expect(run.check({ ended: false })).toEqual([
      'commitNeverGoesBack 6: t@b#0 goes back to 9 from 10 of line 4',
      'commitNeverGoesBack 8: t@b#0 goes back to 8 from 10 of line 4',
    ]);
  });

  it('lets a commit repeat itself, and go back after a reset, a seek or code 21', () => {
    const same = script().ready().commit(10).answer().commit(10);
    const marked = script().ready().commit(10).answer().mark('moved', { topic: 't' }).commit(3);
    const corrected = script().ready().commit(10).answer().pull(10).answer(21).commit(3);
    expect([same, marked, corrected].map(run => run.check({ ended: false }))).toEqual([[], [], []]);
  });

  it('does not take the reset of another topic for one of this', () => {
    const run = script().ready().commit(10).answer().mark('moved', { topic: 'other' }).commit(3);
    expect(run.check({ ended: false })).toHaveLength(1);
  });
});

describe('commitStaysBehindWork', () => {
  it('finds a commit past what is kept until COMMIT, and none past what was committed or comes again', () => {
    const kept = () => script().ready().begin(0).end(0, 1, { kept: true }).begin(1);
    expect(kept().end(1).commit(2).check({ ended: false })).toEqual([
      'commitStaysBehindWork 8: t@b#0 commits 2 past 0, which is not done (line 4)',
    ]);
    const commits = kept()
      .end(1, 2, { commits: [1] })
      .commit(2);
    expect(commits.check({ ended: false })).toEqual([]);
  });

  it('finds a commit past a message that is being handled', () => {
    const run = script().ready().begin(4).begin(5).end(1, 2).commit(6);
    expect(run.check({ ended: false })).toEqual([
      'commitStaysBehindWork 7: t@b#0 commits 6 past 4, which is not done (line 4)',
    ]);
  });

  it('finds a commit past a failed message, until a send-back of it is accepted', () => {
    const failed = script().ready().begin(4, 5).end(1);
    expect(failed.commit(6, true).check({ ended: false })).toEqual([
      'commitStaysBehindWork 6: t@b#0 commits 6 past 5, which is not done (line 4)',
    ]);
    const sendBack = { offset: '500', group };
    const refused = script().ready().pull(4).begin(4, 5).end(1).send(36, sendBack).answer(1).commit(6, true);
    expect(refused.check({ ended: false })).toHaveLength(1);
    const accepted = script().ready().pull(4).begin(4, 5).end(1).send(36, sendBack).answer(0).commit(6, true);
    expect(accepted.check({ ended: false })).toEqual([]);
  });

  it('takes a send to the retry or dead-letter topic for done, and one to any other topic not', () => {
    const sendTo = (topic: string) =>
      script()
        .ready()
        .begin(5)
        .end(0)
        .send(310, { b: topic, i: 'ORIGIN_MESSAGE_ID\u0001id5\u0002' })
        .answer(0)
        .commit(6)
        .check({ ended: false });
    expect([sendTo('%RETRY%g'), sendTo('%DLQ%g'), sendTo('t')].map(found => found.length)).toEqual([0, 0, 1]);
  });

  it('finds a commit past a message that was pulled and never delivered, when all are to be', () => {
    const run = script()
      .ready()
      .pull(0)
      .answer(0, { offsets: [0, 1] })
      .deliver(1)
      .commit(2);
    expect(run.check({ ended: false })).toEqual([]);
    expect(run.check({ ended: false, everyMessageIsDelivered: true })).toEqual([
      'commitStaysBehindWork 8: t@b#0 commits 2 past 0, which was never delivered (line 5)',
    ]);
  });

  it('leaves to another member what it committed while the queue was away', () => {
    const run = script()
      .ready()
      .begin(4)
      .send(14, onQueue)
      .answer(0, { fields: { offset: '9' } })
      .commit(9);
    expect(run.check({ ended: false })).toEqual([]);
  });
});

describe('oneCommitCarrier', () => {
  it('finds a 15 beside a flagged pull that is younger than a second', () => {
    expect(script().ready().pull(5, 5).commit(6, true).check({ ended: false })).toEqual([
      'oneCommitCarrier 5: t@b#0 commits while the commit of line 4 has no answer yet',
    ]);
  });

  it('lets the 15 go when the flagged pull is answered or a second old', () => {
    const answered = script().ready().pull(5, 5).answer(19).commit(6, true);
    const old = script().ready().pull(5, 5).wait(1000).commit(6, true);
    expect([answered, old].map(run => run.check({ ended: false }))).toEqual([[], []]);
  });
});

describe('finalOffsetsBeforeUnregister', () => {
  it('finds an unregister before the final 15 is answered', () => {
    const run = script().ready().deliver(0).commit(1).unregister().answer(0, { back: 1 }).answer().close();
    expect(run.check()).toEqual([
      'finalOffsetsBeforeUnregister 7: the commit of t@b#0 in line 6 has no answer yet',
    ]);
  });

  it('finds an offset that was never handed over, handed over one-way only, refused, or too low', () => {
    const problems = [
      script().ready().deliver(0, 1).leave(),
      script().ready().deliver(0, 1).commit(2, true).leave(),
      script().ready().deliver(0, 1).commit(2).answer(1).leave(),
      script().ready().deliver(0, 1).leave(1),
    ].map(run => run.check());
    const nothing = 't@b#0 is done up to 2, the broker acknowledged nothing';
    expect(problems).toEqual([
      [`finalOffsetsBeforeUnregister 6: ${nothing}`],
      [`finalOffsetsBeforeUnregister 7: ${nothing}`],
      [`finalOffsetsBeforeUnregister 8: ${nothing}`],
      ['finalOffsetsBeforeUnregister 8: t@b#0 is done up to 2, the broker acknowledged 1'],
    ]);
  });

  it('takes a 14 for the receipt of what was handed over one-way, if it tells of that much', () => {
    const run = () => script().ready().deliver(0, 1).commit(2, true);
    const told = [run().look(2), run().look(1), run().look(), run().send(14, onQueue).answer(1)];
    expect(told.map(each => each.leave().check().length)).toEqual([0, 1, 1, 1]);
  });

  it('believes a 14 more than an answered 15 before it, and less than one that was sent after it', () => {
    const vanished = script().ready().deliver(0).commit(1).answer().look().leave();
    expect(vanished.check()).toEqual([
      'finalOffsetsBeforeUnregister 10: t@b#0 is done up to 1, the broker acknowledged nothing',
    ]);
    const crossed = script()
      .ready()
      .deliver(0)
      .send(14, onQueue)
      .commit(1)
      .answer(0)
      .answer(0, { fields: { offset: '0' }, back: 1 });
    expect(crossed.leave().check()).toEqual([]);
  });

  it('asks for no more than the row of done messages, and nothing of a killed broker', () => {
    const gap = script().ready().begin(0).deliver(1).end(0, 1).leave(0);
    const killed = script()
      .ready()
      .pull(0)
      .deliver(0)
      .mark('killed', { address })
      .close(1, 'peer')
      .unregister();
    expect(gap.check()).toEqual([]);
    expect(killed.check()).toEqual([]);
  });

  it('asks for nothing behind a message whose send-back was answered too late to be waited for', () => {
    const sentBack = (ms: number) =>
      script().ready().pull(0).begin(0, 1).end(0).send(36, { offset: '0', group }).wait(ms).answer(0);
    const second = (ms: number) =>
      sentBack(ms).send(36, { offset: '100', group }).answer(0).leave(0).check({ ended: false });
    expect([second(100).length, second(3000)]).toEqual([1, []]);
    expect(sentBack(3000).commit(1, true).check({ ended: false })).toEqual([]);
  });
});

describe('unregisterBeforeClose', () => {
  it('finds a connection closed by us while the group is registered there', () => {
    expect(script().ready().close().check()).toEqual([
      'unregisterBeforeClose 4: 127.0.0.1:10911 was left while g is registered there',
    ]);
    expect(script().ready().unregister().close().check()).toHaveLength(1);
  });

  it('forgives a close by the peer, after a hard stop, and of a killed broker', () => {
    const runs = [
      script().ready().close(1, 'peer'),
      script().ready().mark('hardStop').close(),
      script().ready().mark('killed', { address }).close(),
      script().open().close(),
    ];
    expect(runs.map(run => run.check())).toEqual([[], [], [], []]);
  });
});

describe('noPullAfterUnregister', () => {
  it('finds a pull after the 35', () => {
    expect(script().ready().unregister().pull(0).check({ ended: false })).toEqual([
      'noPullAfterUnregister 5: pull after the group was unregistered in line 4',
    ]);
  });

  it('lets a group pull again that has registered anew', () => {
    expect(script().ready().unregister().answer().beat().answer().pull(0).check({ ended: false })).toEqual(
      [],
    );
  });
});

describe('noDeliveryAfterStopped', () => {
  it('finds a listener call after the consumer said it had stopped', () => {
    expect(script().mark('stopped').deliver(3).check({ ended: false })).toEqual([
      'noDeliveryAfterStopped 2: delivery 1 after the consumer had stopped in line 1',
    ]);
  });
});

describe('nothingLeftAtEnd', () => {
  it('finds an open connection, a request without an answer, and a delivery without an end', () => {
    expect(script().ready().send(38, {}).begin(1).check()).toEqual([
      'nothingLeftAtEnd 6: connection 1 to 127.0.0.1:10911, opened in line 1, is open',
      'nothingLeftAtEnd 6: request 38 of line 4 has no answer',
      'nothingLeftAtEnd 6: delivery 1 of line 5 has not ended',
    ]);
  });

  it('asks nothing of a trace that was cut off', () => {
    expect(script().ready().begin(1).check({ ended: false })).toEqual([]);
  });
});
