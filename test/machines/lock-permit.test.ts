// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { LockEvent, QueueLock } from '../../src/machines/locks/locks.types.ts';
import { LockPermit } from '../../src/machines/queue/lock-permit.ts';

/** A lock that tells what the test lets it tell, and notes what it is asked. */
function aPermit() {
  const log: string[] = [];
  const hand: { tell: (event: LockEvent) => void } = { tell: () => {} };
  const lock: QueueLock = {
    want: tell => {
      log.push('want');
      hand.tell = tell;
    },
    mayCommit: () => true,
    mayDeliver: () => true,
    confirm: async () => {},
    release: async () => void log.push('release'),
    forget: () => void log.push('forget'),
  };
  return { log, hand, permit: new LockPermit(lock, 'fence') };
}
const options = { timeoutMs: 1000, signal: new AbortController().signal };

describe('the permit to start a queue', () => {
  it.each(['lock.granted', 'lock.unfenced'] as const)('is given by %s, once', type => {
    const { hand, permit } = aPermit();
    const heard: number[] = [];
    permit.request(() => heard.push(1));
    hand.tell({ type });
    hand.tell({ type });
    expect(heard).toEqual([1]);
  });

  it('goes to whoever asked last, and the lock is asked for once', () => {
    const { log, hand, permit } = aPermit();
    const heard: number[] = [];
    permit.request(() => heard.push(1));
    permit.request(() => heard.push(2));
    hand.tell({ type: 'lock.granted' });
    permit.request(() => heard.push(3));
    expect([heard, log]).toEqual([[2, 3], ['want']]);
  });

  it('calls nobody once whoever asked is gone; the lock may be ours still, and whoever asks later is told', () => {
    const { log, hand, permit } = aPermit();
    const heard: number[] = [];
    permit.request(() => heard.push(1));
    permit.dismiss();
    hand.tell({ type: 'lock.granted' });
    expect([heard, permit.mayBeOurs]).toEqual([[], true]);
    permit.request(() => heard.push(2));
    expect([heard, log]).toEqual([[2], ['want']]);
  });

  it('is not given for a lock that was lost meanwhile; that is told', () => {
    const { hand, permit } = aPermit();
    const heard: string[] = [];
    permit.whenLost(() => heard.push('lost'));
    permit.request(() => heard.push('permitted'));
    hand.tell({ type: 'lock.lost' });
    permit.request(() => heard.push('again'));
    expect(heard).toEqual(['lost']);
  });

  it('tells nobody any more once the lock is given back or forgotten', async () => {
    for (const end of ['release', 'forget'] as const) {
      const { log, hand, permit } = aPermit();
      const heard: string[] = [];
      permit.whenLost(() => heard.push('lost'));
      permit.request(() => heard.push('permitted'));
      await permit[end]({ ...options, mayRun: false });
      hand.tell({ type: 'lock.granted' });
      hand.tell({ type: 'lock.lost' });
      expect([heard, log]).toEqual([[], ['want', end]]);
    }
  });

  it('kept back is ours as long as we live, but never given back', async () => {
    const { log, hand, permit } = aPermit();
    permit.request(() => {});
    hand.tell({ type: 'lock.granted' });
    permit.keepBack();
    expect(permit.mayBeOurs).toBe(false);
    await permit.release(options);
    expect(log).toEqual(['want']);
  });

  it('does not give back what was never asked for', async () => {
    const { log, permit } = aPermit();
    await permit.release(options);
    expect(log).toEqual([]);
  });
});
