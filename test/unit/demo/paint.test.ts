// SPDX-License-Identifier: Apache-2.0
/** Do lines keep to their width, and colours to terminals that want them? */
import { describe, expect, it } from 'vitest';
import { cell, cutTo, numberCell, paint, span, spread, widthOf } from '../../../scripts/demo/paint.ts';

describe('a line', () => {
  it('that fits stays as it is', () => {
    const line = [span('all is '), span('well', 'green')];
    expect(cutTo(line, 11)).toBe(line);
  });

  it('that is too long is cut across its spans, and shows it', () => {
    const short = cutTo([span('all is '), span('well', 'green'), span(' here')], 10);
    expect(paint(short, false)).toBe('all is we…');
    expect(widthOf(short)).toBe(10);
  });

  it('spreads to both edges, and leaves the right part out where there is no room', () => {
    expect(paint(spread([span('left')], [span('right')], 12), false)).toBe('left   right');
    expect(paint(spread([span('left')], [span('right')], 9), false)).toBe('left');
  });

  it('carries escape sequences only when colours are wanted', () => {
    const line = [span('a'), span('b', 'red')];
    expect(paint(line, true)).toBe('a\u001b[31mb\u001b[0m');
    expect(paint(line, false)).toBe('ab');
  });
});

describe('a cell', () => {
  it('has exactly its width and keeps a gap to the next', () => {
    expect(cell('anna', 8).text).toBe('anna    ');
    expect(cell('running.revalidating', 10).text).toBe('running.… ');
    expect(numberCell(42, 5).text).toBe('   42');
  });
});
