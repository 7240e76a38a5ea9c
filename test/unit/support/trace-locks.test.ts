// SPDX-License-Identifier: Apache-2.0
/** Every rule about locks is shown a trace that breaks it, and the traces that come close. */
import { describe, expect, it } from 'vitest';
import { address, group, ownId, type Script, script } from './trace-script.ts';

const fenced = { locks: 'fence', ended: false } as const;
const orderly = { locks: 'orderly', ended: false } as const;
const none = { locks: 'none', ended: false } as const;

/** Has the lock of the queue and pulls. */
const working = (): Script => script().ready().lock().look(0).pull(0);

describe('lockBeforePull', () => {
  it('finds a pull of what was never asked for, not granted yet, refused, lost, or given back', () => {
    const others = () => script().ready().list(ownId, 'other');
    const problems = [
      script().ready().pull(0),
      script().ready().ask().pull(0),
      others().ask().refused().pull(0),
      others().lock().ask().refused().pull(0),
      script().ready().lock().unlock().answer().pull(0),
    ].map(run => run.check(fenced));
    const pull = 'pull of t@b#0 without its lock';
    expect(problems).toEqual([
      [`lockBeforePull 4: ${pull}: it was never asked for`],
      [`lockBeforePull 5: ${pull}: it was asked for and not granted`],
      [`lockBeforePull 8: ${pull}: it was asked for and not granted`],
      [`lockBeforePull 10: ${pull}: it was lost in line 9`],
      [`lockBeforePull 8: ${pull}: it was given back in line 6`],
    ]);
  });

  it('takes no lock of another name, nor one of a connection that has ended', () => {
    const name = script().ready().lock(group).pull(0);
    const ended = script().ready().lock().close(1, 'peer').ready(2).pull(0, undefined, 2);
    const again = script().ready().lock().close(1, 'peer').ready(2).ask(undefined, 2).granted(2);
    expect([name, ended].map(run => run.check(fenced).length)).toEqual([1, 1]);
    expect(again.pull(0, undefined, 2).check(fenced)).toEqual([]);
    expect(script().ready().lock(group).pull(0).check(orderly)).toEqual([]);
    expect(script().ready().lock().pull(0).check(orderly)).toHaveLength(1);
  });

  it('lets a fenced consumer go without: alone, after its patience, and where no locks are taken', () => {
    const alone = script().ready().list(ownId).ask().refused().pull(0);
    const leftAlone = script().ready().list(ownId, 'other').ask().refused().list(ownId).pull(0);
    const waited = script().ready().ask().refused().wait(30_000).pull(0);
    const soon = script().ready().ask().refused().wait(25_000).pull(0);
    const off = [1, 3, 16].map(code => script().ready().ask().answer(code).pull(0));
    expect([alone, leftAlone, waited, ...off].map(run => run.check(fenced))).toEqual([
      [],
      [],
      [],
      [],
      [],
      [],
    ]);
    expect(soon.check(fenced)).toHaveLength(1);
    expect(soon.check({ ...fenced, handoverTimeout: 20_000 })).toEqual([]);
  });

  it('counts the patience from the first request since the lock was last there, and 10 minutes for a refusal', () => {
    const again = script().ready().lock().wait(40_000).unlock().answer().ask().refused().pull(0);
    const long = script().ready().ask().answer(16).wait(600_001).ask().refused();
    expect(again.check(fenced)).toHaveLength(1);
    expect(long.pull(0).check({ ...fenced, handoverTimeout: 700_000 })).toHaveLength(1);
  });

  it('finds a pull that was written after the refusal was read, however soon', () => {
    const lost = script().ready().list(ownId, 'other').lock().ask().refused();
    expect(lost.wait(-8).pull(1, 1).check(fenced)).toEqual([
      'lockBeforePull 10: pull of t@b#0 without its lock: it was lost in line 9',
      'lockBeforeCommit 10: t@b#0 commits 1 without its lock: it was lost in line 9',
    ]);
  });

  it('lets an orderly consumer never go without', () => {
    const runs = [
      script().ready().list(ownId).ask(group).refused().pull(0),
      script().ready().ask(group).refused().wait(60_000).pull(0),
      script().ready().ask(group).answer(16).pull(0),
    ];
    expect(runs.map(run => run.check(orderly).length)).toEqual([1, 1, 1]);
  });

  it('asks nothing of a consumer that promised no locks', () => {
    expect(script().ready().pull(0).check(none)).toEqual([]);
  });
});

describe('lockBeforeCommit', () => {
  it('finds a commit after a refused renewal, by 15 and by pull', () => {
    const lost = () => script().ready().list(ownId, 'other').lock().ask().refused();
    expect(lost().commit(1).check(fenced)).toEqual([
      'lockBeforeCommit 10: t@b#0 commits 1 without its lock: it was lost in line 9',
    ]);
    expect(lost().pull(1, 1).check(fenced)).toHaveLength(2);
    expect(lost().lock().commit(1).check(fenced)).toEqual([]);
  });

  it('finds a commit after the lock was given back, in doubt, or 60 s old', () => {
    const problems = [
      working().unlock().answer().commit(1),
      script().ready().lock().close(1, 'peer').ready(2).commit(1, false),
      script().ready().lock().wait(60_000).commit(1),
    ].map(run => run.check(fenced).filter(text => text.startsWith('lockBeforeCommit')));
    expect(problems).toEqual([
      ['lockBeforeCommit 11: t@b#0 commits 1 without its lock: it was given back in line 9'],
      ['lockBeforeCommit 10: t@b#0 commits 1 without its lock: it is in doubt since its connection ended'],
      ['lockBeforeCommit 6: t@b#0 commits 1 without its lock: it was last asked for in line 4'],
    ]);
  });

  it('takes an answer that comes late for what it is: neither a loss nor a grant', () => {
    const crossed = script().ready().ask().ask().granted();
    expect(
      crossed
        .answer(0, { body: { lockOKMQSet: [] }, back: 1 })
        .commit(1)
        .check(fenced),
    ).toEqual([]);
    const returned = script().ready().lock().ask().unlock();
    expect(
      returned
        .answer(0, { body: { lockOKMQSet: [] }, back: 1 })
        .pull(0)
        .check(fenced),
    ).toEqual(['lockBeforePull 9: pull of t@b#0 without its lock: it was given back in line 7']);
  });
});

describe('lockBeforeDelivery', () => {
  it('finds an orderly delivery without a lock, and with one that was asked for 30 s ago', () => {
    expect(script().ready().begin(0).check(orderly)).toEqual([
      'lockBeforeDelivery 4: delivery 1 of t@b#0: it was never asked for',
    ]);
    const old = script().ready().lock(group).wait(31_000);
    expect(old.begin(0).check(orderly)).toEqual([
      'lockBeforeDelivery 6: delivery 1 of t@b#0: it was last asked for in line 4',
    ]);
    const renewed = script().ready().lock(group).wait(20_000).lock(group).wait(20_000);
    expect(renewed.begin(0).check(orderly)).toEqual([]);
  });

  it('asks nothing of others', () => {
    expect(script().ready().begin(0).check(fenced)).toEqual([]);
  });
});

describe('finalOffsetBeforeUnlock', () => {
  it('finds a queue given away before its final offset is answered', () => {
    expect(script().ready().lock().commit(1).unlock().check(fenced)).toEqual([
      'finalOffsetBeforeUnlock 7: t@b#0 is given away before the commit of line 6 is answered',
    ]);
  });

  it('finds a queue given away although the broker does not have all that is done', () => {
    expect(script().ready().lock().deliver(0).unlock().check(fenced)).toEqual([
      'finalOffsetBeforeUnlock 8: given away, but t@b#0 is done up to 1, the broker acknowledged nothing',
    ]);
  });

  it('lets it be given away afterwards, and looks at no 42 for others', () => {
    expect(script().ready().lock().deliver(0).commit(1).answer().unlock().check(fenced)).toEqual([]);
    const other = script().ready().list('other').list(ownId).lock().commit(1).unlock('other');
    expect(other.check(fenced)).toEqual([]);
  });

  it('counts what ends after the queue was given away for nothing', () => {
    const run = script().ready().lock().begin(0).unlock().answer().end(1).unregister();
    expect(run.check(fenced)).toEqual([]);
  });
});

describe('finalOffsetsBeforeUnregister', () => {
  it('asks for no commit of what is in doubt since its connection ended, and for one when it was granted again', () => {
    const doubtful = () => script().ready().lock().deliver(0).close(1, 'peer').ready();
    expect(doubtful().unregister().check(fenced)).toEqual([]);
    expect(doubtful().lock().unregister().check(fenced)).toEqual([
      'finalOffsetsBeforeUnregister 14: t@b#0 is done up to 1, the broker acknowledged nothing',
    ]);
  });
});

describe('unlockBeforeUnregister', () => {
  it('finds a lock that is kept, given back one-way, or given back without waiting for the answer', () => {
    const problems = [
      script().ready().lock().unregister(),
      script().ready().lock().unlock(ownId, { oneway: true }).unregister(),
      script().ready().lock().unlock().unregister(),
    ].map(run => run.check(fenced));
    expect(problems).toEqual([
      ['unlockBeforeUnregister 6: t@b#0 is still locked'],
      ['unlockBeforeUnregister 7: t@b#0 is still locked'],
      ['unlockBeforeUnregister 7: the 42 of line 6 has no answer yet'],
    ]);
  });

  it('does not wait for the answer to a 42 in the name of a member that has gone', () => {
    const gone = () => script().ready().list(ownId, 'other').list(ownId).unlock('other');
    expect(gone().unregister().check(fenced)).toEqual([]);
  });

  it('lets a lock expire whose queue the broker does not have the offset of, and that of a killed broker', () => {
    const unconfirmed = script().ready().lock().deliver(0).unregister();
    const killed = script().ready().lock().mark('killed', { address }).unregister();
    const returned = script().ready().lock().unlock().answer().unregister();
    const lost = script().ready().list(ownId, 'other').lock().ask().refused().unregister();
    const found = [unconfirmed, killed, returned, lost].map(run =>
      run.check(fenced).filter(text => text.startsWith('unlock')),
    );
    expect(found).toEqual([[], [], [], []]);
  });

  it('lets the lock of an orderly queue be kept while its listener runs, and that of a fenced one not', () => {
    const running = (name?: string) => script().ready().lock(name).begin(0).unregister();
    const found = [
      running(group).check({ ended: false, locks: 'orderly' }),
      running().check({ ended: false, locks: 'fence' }),
    ].map(problems => problems.filter(text => text.startsWith('unlock')).length);
    expect(found).toEqual([0, 1]);
  });
});

describe('onlyTheDeadAreUnlocked', () => {
  it('finds a 42 in the name of a member that is there, or never was', () => {
    const here = script().ready().list(ownId, 'other').unlock('other');
    const never = script().ready().list(ownId).unlock('other');
    expect([here, never].map(run => run.check(fenced))).toEqual([
      [`onlyTheDeadAreUnlocked 6: 42 in the name of other, whom ${address} did not lose`],
      [`onlyTheDeadAreUnlocked 6: 42 in the name of other, whom ${address} did not lose`],
    ]);
  });

  it('lets a member be unlocked that has gone', () => {
    const gone = script().ready().list(ownId, 'other').list(ownId).unlock('other').answer();
    expect(gone.check(fenced)).toEqual([]);
  });
});
