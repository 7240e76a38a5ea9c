// SPDX-License-Identifier: Apache-2.0
/** What does the demo write to a terminal, and what elsewhere? */
import { describe, expect, it } from 'vitest';
import { span } from '../../../scripts/demo/paint.ts';
import { type Output, viewFor } from '../../../scripts/demo/view.ts';
import { figuresOf } from './figures-of.ts';

class Paper implements Output {
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;
  written: string[] = [];

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.written.push(text);
  }

  get text(): string {
    return this.written.join('');
  }
}

const happening = { at: 1234, who: { name: 'anna', tone: 'cyan' }, text: 'joined', tone: 'green' } as const;
const anyEscape = '\u001b[';
/** Colours end in m, nothing else that is written does. */
const hasColours = (text: string): boolean => text.split(anyEscape).some(part => /^\d+m/.test(part));

describe('on a terminal', () => {
  it('the board is drawn over the last one, with the cursor hidden', () => {
    const paper = new Paper(true);
    const view = viewFor(paper, {});
    view.show(figuresOf());
    view.show(figuresOf());
    const [first = '', second = ''] = paper.written;
    expect(
      first.startsWith('\u001b[?25l rocketmq') || first.startsWith('\u001b[?25l \u001b[1mrocketmq'),
    ).toBe(true);
    expect(second.startsWith('\u001b[23A')).toBe(true);
    expect(second.split('\n')).toHaveLength(24);
    expect(second.split('\u001b[K\n')).toHaveLength(24);
    expect(second.endsWith('\u001b[J')).toBe(true);
  });

  it('a terminal that got narrower is cleared, for its lines may have been wrapped', () => {
    const paper = new Paper(true);
    const view = viewFor(paper, {});
    view.show(figuresOf());
    paper.columns = 60;
    view.show(figuresOf());
    expect(paper.written[1]?.startsWith('\u001b[H\u001b[2J')).toBe(true);
  });

  it('the end is written below the board, and the cursor comes back once', () => {
    const paper = new Paper(true);
    const view = viewFor(paper, {});
    view.show(figuresOf());
    paper.written = [];
    view.end([[span('All is well.')]]);
    view.restore();
    expect(paper.written).toEqual(['All is well.\n', '\u001b[?25h']);
  });

  it('NO_COLOR takes the colours and leaves the board', () => {
    const paper = new Paper(true);
    viewFor(paper, { NO_COLOR: '1' }).show(figuresOf());
    expect(hasColours(paper.text)).toBe(false);
    expect(paper.text).toContain(anyEscape);
    const coloured = new Paper(true);
    viewFor(coloured, { NO_COLOR: '' }).show(figuresOf());
    expect(hasColours(coloured.text)).toBe(true);
  });
});

describe('elsewhere', () => {
  it.each([
    ['a pipe', new Paper(false), {}, false],
    ['CI', new Paper(true), { CI: 'true', NO_COLOR: '1' }, false],
    ['a dumb terminal', new Paper(true), { TERM: 'dumb' }, false],
    ['--plain', new Paper(true), { NO_COLOR: '1' }, true],
  ])('%s gets plain lines: one for each event, one a second', (_, paper, env, plain) => {
    const view = viewFor(paper, env, plain);
    view.tell(happening);
    view.show(figuresOf());
    view.end([[span('All is well.')]]);
    view.restore();
    expect(view.every).toBe(1000);
    expect(paper.text.split('\n')).toEqual([
      '  1.2 s  anna joined',
      '  7.3 s  produced 260  consumed 238  waiting 22  33/s  anna [0–2] 118  boris stopping.draining [3–7] 120',
      'All is well.',
      '',
    ]);
  });
});
