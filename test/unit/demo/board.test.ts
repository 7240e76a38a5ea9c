// SPDX-License-Identifier: Apache-2.0
/** What does the demo's board show, and does it fit every terminal? */
import { describe, expect, it } from 'vitest';
import { boardOf } from '../../../scripts/demo/board.ts';
import { paint, widthOf } from '../../../scripts/demo/paint.ts';
import { anna, boris, carla, figuresOf } from './figures-of.ts';

const textOf = (columns: number, rows: number, figures = figuresOf()): readonly string[] =>
  boardOf(figures, { columns, rows }).map(line => paint(line, false));

const lineOf = (lines: readonly string[], start: string): string =>
  lines.find(line => line.trimStart().startsWith(start)) ?? '';

describe('the board', () => {
  it('fills a terminal of 80 × 24 but for the last line, and nothing is cut', () => {
    const lines = textOf(80, 24);
    expect(lines).toHaveLength(23);
    expect(lines.filter(line => line.includes('…'))).toEqual([]);
    expect(lines.slice(0, 2)).toEqual([
      ' rocketmq-actors  embedded cluster at 127.0.0.1:40123                     7.3 s',
      '',
    ]);
  });

  it('names topic and group where there is room', () => {
    expect(textOf(120, 40)[0]).toMatch(/40123 {2}topic orders, group shop +7\.3 s$/);
  });

  it.each([
    [20, 10],
    [40, 12],
    [79, 24],
    [80, 24],
    [120, 40],
    [300, 90],
  ])('is narrower than %i columns and lower than %i rows', (columns, rows) => {
    const lines = boardOf(figuresOf(), { columns, rows });
    expect(Math.max(...lines.map(widthOf))).toBeLessThan(columns);
    expect(lines.length).toBeLessThan(rows);
  });

  it('keeps its height when more happens, and shows the latest', () => {
    const happening = { at: 1000, who: undefined, tone: 'plain' } as const;
    const happenings = Array.from({ length: 50 }, (_, index) => ({ ...happening, text: `event ${index}` }));
    const lines = textOf(80, 24, figuresOf({ happenings }));
    expect(lines).toHaveLength(23);
    expect(lines.at(-1)).toBe('   1.0 s  event 49');
  });

  it('shows what is done, what is on the way and what is to come as parts of one bar', () => {
    const bar = lineOf(textOf(80, 24, figuresOf({ planned: 100, produced: 50, consumed: 25 })), 'orders');
    const count = (letter: string): number => bar.split(letter).length - 1;
    expect([count('█'), count('▓'), count('░')]).toEqual([13, 13, 27]);
    expect(bar).toMatch(/ {2}50 of 100$/);
  });

  it('shows every member with its state, queues and figures, and nothing of one that is not there', () => {
    const lines = textOf(80, 24);
    expect(lineOf(lines, 'anna').trim().split(/ {2,}/)).toEqual([
      ...['anna', 'running.active', '0–2', '118', '16/s', '2', '1'],
    ]);
    expect(lineOf(lines, 'boris').trim().split(/ {2,}/)).toEqual([
      ...['boris', 'stopping.draining', '3–7', '120', '17/s', '1', '0'],
    ]);
    expect(lineOf(lines, 'carla').trim().split(/ {2,}/)).toEqual(['carla', 'idle', '–', '0', '–', '–', '0']);
  });

  it('shows who owns each queue, and what its broker stores and has committed', () => {
    const lines = textOf(80, 24, figuresOf({ members: [anna, { ...boris, queues: ['3', '4'] }, carla] }));
    const cells = (name: string): readonly string[] => lineOf(lines, name).trim().split(/ +/).slice(1);
    expect(cells('owner')).toEqual(['anna', 'anna', 'anna', 'boris', 'boris', '–', '–', '–']);
    expect(cells('stored')).toEqual(Array(8).fill('32'));
    expect(cells('committed')).toEqual(['30', '31', '32', '30', '31', '32', '30', '31']);
  });

  it('draws the waiting orders over time, the highest as a full block', () => {
    const line = lineOf(
      textOf(80, 24, figuresOf({ lagHistory: Array(96).fill(0).fill(64, 48, 72) })),
      'waiting',
    );
    expect(line.trim().replace(/ {2,}22$/, '')).toMatch(/^waiting {4}▁+█+▁+$/);
  });
});
