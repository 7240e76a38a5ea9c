// SPDX-License-Identifier: Apache-2.0
/** How does a line get its colours and its width? Lines are spans of text, so what is invisible is never counted or cut. */

const codes = {
  plain: '',
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
} as const;

export type Tone = keyof typeof codes;

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone };
}

/** Every character here is one column wide. */
export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + [...text].length, 0);
}

/** The line, cut to `width` columns; what was cut shows as `…`. */
export function cutTo(line: Line, width: number): Line {
  if (widthOf(line) <= width) return line;
  const kept: Span[] = [];
  let room = Math.max(0, width - 1);
  for (const { text, tone } of line) {
    const letters = [...text].slice(0, room);
    room -= letters.length;
    if (letters.length > 0) kept.push({ text: letters.join(''), tone });
  }
  return width > 0 ? [...kept, span('…', 'dim')] : [];
}

/** `left` at the left and `right` at the right edge; a `right` without room is left out. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - widthOf(left) - widthOf(right);
  return gap < 1 ? cutTo(left, width) : [...left, span(' '.repeat(gap)), ...right];
}

/** One cell of a table: exactly `width` columns, one of them a gap at the end. */
export function cell(text: string, width: number, tone: Tone = 'plain'): Span {
  const letters = [...text];
  const shown = letters.length < width ? text : `${letters.slice(0, Math.max(0, width - 2)).join('')}…`;
  return span(shown.padEnd(width), tone);
}

/** The same for numbers: at the right of the cell, the gap before it. */
export function numberCell(value: number | string, width: number, tone: Tone = 'plain'): Span {
  return span(String(value).padStart(width), tone);
}

/** The line as it is written: with escape sequences, or as bare text. */
export function paint(line: Line, withColours: boolean): string {
  return line
    .map(({ text, tone }) =>
      withColours && tone !== 'plain' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text,
    )
    .join('')
    .trimEnd();
}
