// SPDX-License-Identifier: Apache-2.0
/** Rules on which queues are the consumer's own, with or without locks: each is shown a trace that keeps it and one that breaks it. */
import { describe, expect, it } from 'vitest';
import type { CheckOptions } from '../../support/trace-checker.ts';
import { onQueue, queue, type Script, script } from './trace-script.ts';

const cut: CheckOptions = { ended: false };
/** A consumer that holds the queue, and has pulled of it. */
const holding = (): Script => script().ready().decide(true).pull(0).answer(19);
const checkAll = (...runs: Script[]): readonly (readonly string[])[] => runs.map(run => run.check(cut));

describe('pullOnlyWhileAssigned', () => {
  it('finds a pull of a queue that was never assigned, and of one that was decided away', () => {
    const never = script().ready().decide(false).pull(0);
    const away = holding().decide(false).pull(0);
    const ended = holding().decide(false).revoked().pull(0);
    expect(checkAll(never, away, ended)).toEqual([
      ['pullOnlyWhileAssigned 5: pull of t@b#0: it is not held'],
      ['pullOnlyWhileAssigned 8: pull of t@b#0: it was decided away'],
      ['pullOnlyWhileAssigned 9: pull of t@b#0: it is not held'],
    ]);
  });

  it('wants a queue that comes back while it leaves to end first', () => {
    const back = () => holding().decide(false).decide(true);
    expect(checkAll(back().pull(0), back().revoked().pull(0))).toEqual([
      ['pullOnlyWhileAssigned 9: pull of t@b#0: it was decided away and back, and has not ended yet'],
      [],
    ]);
  });

  it('wants a new decision for a queue that was lost', () => {
    const lost = () => holding().revoked('lost');
    expect(checkAll(lost().pull(0), lost().decide(true).pull(0)).map(found => found.length)).toEqual([1, 0]);
  });

  it('lets a queue be pulled while it is held, and says nothing of a consumer that was not followed', () => {
    expect(checkAll(holding().decide(true).pull(0), script().ready().pull(0))).toEqual([[], []]);
  });
});

describe('deliverOnlyWhileAssigned', () => {
  it('finds a delivery after the queue was told as revoked', () => {
    expect(holding().decide(false).revoked().deliver(3).check(cut)).toEqual([
      'deliverOnlyWhileAssigned 9: delivery 1 of t@b#0: it is not held',
    ]);
  });

  it('lets a delivery begin until then', () => {
    expect(holding().decide(false).deliver(3).check(cut)).toEqual([]);
  });
});

describe('commitOnlyWhileAssigned', () => {
  it('finds a commit after the revoke was told, and one that is not answered from the decision on', () => {
    const late = holding().decide(false).revoked().commit(1);
    const oneway = holding().decide(false).commit(1, true);
    expect(checkAll(late, oneway)).toEqual([
      ['commitOnlyWhileAssigned 9: t@b#0 commits 1: it is not held'],
      ['commitOnlyWhileAssigned 8: t@b#0 commits 1: it was decided away'],
    ]);
  });

  it('lets the last, answered, commit pass, and those of a stop after the queues have ended', () => {
    const last = holding().decide(false).commit(1).answer().revoked();
    const stop = holding().told({ mark: 'stopping', ms: 1000 }).revoked('shutdown').commit(1).answer();
    expect(checkAll(last, stop)).toEqual([[], []]);
  });
});

describe('persistAfterLastResult', () => {
  it('finds a queue that is told as revoked before what was done last was handed over', () => {
    expect(checkAll(holding().deliver(0).decide(false).revoked())).toEqual([
      ['persistAfterLastResult 10: t@b#0 is given up with 1 done (line 8), and nothing committed'],
    ]);
    const early = holding().deliver(0).commit(1).answer().deliver(1).decide(false).revoked();
    expect(early.check(cut)).toEqual([
      'persistAfterLastResult 14: t@b#0 is given up with 2 done (line 12), and 1 committed',
    ]);
  });

  it('finds a goodbye whose last commit is older than the last result', () => {
    const run = script().ready().deliver(0).commit(1).answer().deliver(1);
    expect(run.leave().check()).toEqual([
      'persistAfterLastResult 10: t@b#0 is done up to 2, the broker acknowledged 1: its last commit is of line 6, its last result of line 9',
    ]);
  });

  it('asks for nothing of a queue that was lost, after a time without us, nor without a connection', () => {
    const done = () => holding().deliver(0);
    const runs = [
      done().commit(1).answer().decide(false).revoked(),
      done()
        .send(14, onQueue)
        .answer(0, { fields: { offset: '4' } })
        .decide(false)
        .revoked(),
      done().revoked('lost'),
      done().sleep(20_000).decide(false).revoked(),
      done().close(1, 'peer').decide(false).revoked(),
    ];
    expect(checkAll(...runs)).toEqual([[], [], [], [], []]);
    expect(done().sleep(20_000).leave().check()).toEqual([]);
  });

  it('asks at the goodbye for nothing of a queue that was given up without a connection, though there is one again', () => {
    const done = () => holding().deliver(0).close(1, 'peer').decide(false);
    expect(done().revoked().ready(2).unregister().check(cut)).toEqual([]);
    expect(done().ready(2).unregister().check(cut)).toHaveLength(1);
  });

  it('asks for nothing of a queue that is given up within a second of the return of its broker', () => {
    const done = () => holding().deliver(0).close(1, 'peer').decide(false).ready(2);
    expect(done().revoked().unregister().check(cut)).toEqual([]);
    expect(done().wait(1000).revoked().check(cut)).toHaveLength(1);
  });

  it('asks again for it of a queue that was pulled after such a time', () => {
    const run = holding().sleep(20_000).pull(0).answer(19).deliver(0).decide(false).revoked();
    expect(run.check(cut)).toHaveLength(1);
  });
});

describe('lockOnlyWhileAssigned', () => {
  it('finds a lock that is asked for when the queue was told as revoked, or was never assigned', () => {
    const never = script().ready().decide(false).ask();
    const late = holding().decide(false).revoked().ask();
    expect(checkAll(never, late)).toEqual([
      ['lockOnlyWhileAssigned 5: lock of t@b#0 is asked for: it is not held'],
      ['lockOnlyWhileAssigned 9: lock of t@b#0 is asked for: it is not held'],
    ]);
  });

  it('lets it be asked for until then, and while the consumer stops', () => {
    const leaving = holding().ask().decide(false).ask();
    const stopping = holding().told({ mark: 'stopping', ms: 1000 }).revoked('shutdown').ask();
    expect(checkAll(leaving, stopping)).toEqual([[], []]);
  });
});

describe('noPullWhileStopping', () => {
  it('finds a pull after the stop began', () => {
    expect(holding().told({ mark: 'stopping', ms: 1000 }).pull(0).check(cut)).toEqual([
      'noPullWhileStopping 8: pull after the stop began in line 7',
    ]);
  });
});

describe('stopEndsInTime', () => {
  const stopping = (ms: number) =>
    script().told({ mark: 'stopping', ms: 3000 }).wait(ms).told({ mark: 'ended' });

  it('finds a stop that took longer than its budget', () => {
    expect(stopping(5000).check()).toEqual([
      'stopEndsInTime 2: the stop of line 1 ended 2010 ms after its time',
    ]);
    expect(stopping(3100).check({ stopSlack: 50 })).toHaveLength(1);
  });

  it('finds a stop that never ended, unless the trace was cut off or it was stopped by force', () => {
    const never = () => script().told({ mark: 'stopping', ms: 3000 });
    expect(never().check()).toEqual(['nothingLeftAtEnd 2: the stop of line 1 has not ended']);
    expect([never().check(cut), never().mark('hardStop').check()]).toEqual([[], []]);
  });

  it('lets a stop take its time, and that in which the process did not run', () => {
    const slept = script()
      .told({ mark: 'stopping', ms: 3000 })
      .sleep(60_000)
      .wait(2000)
      .told({ mark: 'ended' });
    expect([stopping(2900).check(), slept.check()]).toEqual([[], []]);
  });
});

describe('correctedForAReason', () => {
  const corrected = { mark: 'corrected', queue, to: 3 } as const;

  it('finds a queue that goes on from another place though nobody wanted that, and one that does so twice for one reason', () => {
    expect(holding().told(corrected).check(cut)).toEqual([
      'correctedForAReason 7: t@b#0 goes on from 3, and nobody wanted that',
    ]);
    expect(holding().pull(0).answer(21).told(corrected).told(corrected).check(cut)).toHaveLength(1);
  });

  it('takes code 21, an answer to a 14, a seek and a reset by the broker for reasons', () => {
    const asked = holding()
      .send(14, onQueue)
      .answer(0, { fields: { offset: '3' } });
    const reset = holding();
    reset.entries.push({
      ...{
        at: 70,
        kind: 'oneway',
        direction: 'in',
        connection: 1,
        address: 'b',
        code: 220,
        opaque: 9,
        fields: {},
      },
    });
    const runs = [holding().pull(0).answer(21), asked, holding().told({ mark: 'sought' }), reset];
    expect(checkAll(...runs.map(run => run.told(corrected)))).toEqual([[], [], [], []]);
  });

  it('lets a commit go back once the queue has said so, and not before', () => {
    const sought = () => holding().commit(10).answer().told({ mark: 'sought' });
    expect(checkAll(sought().told(corrected).commit(3), sought().commit(3))).toEqual([
      [],
      ['commitNeverGoesBack 10: t@b#0 goes back to 3 from 10 of line 7'],
    ]);
  });
});
