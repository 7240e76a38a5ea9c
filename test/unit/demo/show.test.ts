// SPDX-License-Identifier: Apache-2.0
/** Does the whole demo hold what it promises, played faster than for the eye? */
import { describe, expect, it } from 'vitest';
import { embeddedStage } from '../../../scripts/demo/embedded-stage.ts';
import type { Figures } from '../../../scripts/demo/figures.ts';
import { paint } from '../../../scripts/demo/paint.ts';
import { play } from '../../../scripts/demo/show.ts';
import type { View } from '../../../scripts/demo/view.ts';
import { wireStage } from '../../../scripts/demo/wire-stage.ts';
import { type Clock, systemClock } from '../../../src/index.ts';
import { startEmbeddedCluster } from '../../../src/testing/index.ts';

class Recorder implements View {
  readonly every = 50;
  readonly told: string[] = [];
  last: Figures | undefined;
  #wanted: (() => void) | undefined;

  tell({ who, text }: Parameters<View['tell']>[0]): void {
    this.told.push(`${who?.name ?? 'demo'}: ${text}`);
    if (text.startsWith('rush hour')) this.#wanted?.();
  }

  show(figures: Figures): void {
    this.last = figures;
  }

  end(): void {}
  restore(): void {}

  onRush(act: () => void): void {
    this.#wanted = act;
  }
}

/** Ten times faster than the demo for a human eye, its retries included. */
const tempo = 10;
const clock: Clock = {
  now: () => systemClock.now() * tempo,
  wallNow: () => systemClock.wallNow(),
  setTimeout: (fn, timeout) => systemClock.setTimeout(fn, timeout / tempo),
  clearTimeout: id => systemClock.clearTimeout(id),
};

const never = new AbortController().signal;

// Side by side: they mostly wait.
describe.concurrent('the demo', () => {
  it('shows joining, leaving, a retry and a rush, and proves that nothing was lost', async () => {
    const view = new Recorder();
    await using stage = await embeddedStage(clock);
    const { isWell, lines } = await play({ stage, view, signal: never, tempo });
    const text = lines.map(line => paint(line, false)).join('\n');
    expect(text).toContain('520 orders produced, 520 consumed, 0 lost');
    expect(text).toContain('520 stored, 520 committed in 8 of 8 queues, 0 waiting for a retry');
    expect(isWell).toBe(true);
    const story = view.told.join('\n');
    for (const name of ['anna', 'boris', 'carla']) {
      expect(story).toMatch(new RegExp(`^${name}: joined, running.active after \\d+ ms$`, 'm'));
      expect(story).toMatch(new RegExp(`^${name}: left cleanly in \\d+ ms`, 'm'));
    }
    expect(story).toMatch(/order-100 is at its broker again, for attempt 2/);
    expect(story).toMatch(/order-100 is at its broker again, for attempt 3/);
    expect(story).toMatch(/order-100 succeeds at attempt 3/);
    expect(view.last?.queues.every(({ stored, committed }) => stored === committed)).toBe(true);
  });

  it('plays twice on a cluster it knows by its address only, and counts its own orders', async () => {
    await using cluster = await startEmbeddedCluster({ brokers: 2, clock });
    for (const _ of ['first', 'again']) {
      await using stage = await wireStage({ namesrvAddr: cluster.namesrvAddr });
      const { isWell, lines } = await play({ stage, view: new Recorder(), signal: never, tempo });
      expect(lines.map(line => paint(line, false)).join('\n')).toContain('520 orders produced, 520 consumed');
      expect(isWell).toBe(true);
    }
  });

  it('interrupted, stops everybody in order and says so', async () => {
    const interruption = new AbortController();
    const view = new Recorder();
    view.onRush(() => interruption.abort());
    await using stage = await embeddedStage(clock);
    const { isWell, lines } = await play({ stage, view, signal: interruption.signal, tempo });
    expect(isWell).toBe(false);
    expect(lines.map(line => paint(line, false)).join('\n')).toMatch(/Interrupted: \d+ orders produced/);
    expect(view.told.filter(line => line.includes('left cleanly'))).toHaveLength(3);
  });

  it('without a cluster says who did not answer', async () => {
    await expect(wireStage({ namesrvAddr: '127.0.0.1:1' })).rejects.toThrow(
      'no name server answers at 127.0.0.1:1',
    );
  });
});
