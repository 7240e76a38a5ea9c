// SPDX-License-Identifier: Apache-2.0
/** Where do the figures go? On a terminal to a board that is drawn in place, elsewhere to plain lines. */
import { boardOf, happeningLine, seconds } from './board.ts';
import { type Figures, type Happening, lagOf, rangesOf } from './figures.ts';
import { type Line, paint } from './paint.ts';

export interface View {
  /** How often it wants figures. Unit: ms. */
  readonly every: number;
  /** Something happened; a board shows it with the next figures. */
  tell(happening: Happening): void;
  show(figures: Figures): void;
  /** What is said at the end; then the terminal is as it was. */
  end(lines: readonly Line[]): void;
  /** Gives the cursor back; may be called at any time and more than once. */
  restore(): void;
}

/** What is needed of `process.stdout`. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A board when somebody looks at a terminal that can draw one, else plain lines. */
export function viewFor(out: Output, env: Environment, plain = false): View {
  const canDraw = out.isTTY === true && !isOn(env['CI']) && env['TERM'] !== 'dumb' && !plain;
  const withColours = out.isTTY === true && !isSet(env['NO_COLOR']) && env['TERM'] !== 'dumb';
  return canDraw ? new BoardView(out, withColours) : new PlainView(out, withColours);
}

/** no-color.org: any value but the empty one. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function isOn(value: string | undefined): boolean {
  return isSet(value) && value !== 'false' && value !== '0';
}

const csi = '\u001b[';
const hideCursor = `${csi}?25l`;
const showCursor = `${csi}?25h`;
const eraseToEndOfLine = `${csi}K`;
const eraseBelow = `${csi}J`;
const clearAll = `${csi}H${csi}2J`;

class BoardView implements View {
  readonly every = 100;
  readonly #out: Output;
  readonly #withColours: boolean;
  #drawn = 0;
  #columns = 0;
  #hidden = false;

  constructor(out: Output, withColours: boolean) {
    this.#out = out;
    this.#withColours = withColours;
  }

  tell(): void {}

  show(figures: Figures): void {
    const { columns = 80, rows = 24 } = this.#out;
    const lines = boardOf(figures, { columns, rows });
    const text = lines.map(line => `${paint(line, this.#withColours)}${eraseToEndOfLine}\n`).join('');
    this.#out.write(`${this.#start(columns)}${text}${eraseBelow}`);
    this.#drawn = lines.length;
  }

  end(lines: readonly Line[]): void {
    this.#out.write(lines.map(line => `${paint(line, this.#withColours)}\n`).join(''));
    this.restore();
  }

  restore(): void {
    if (!this.#hidden) return;
    this.#hidden = false;
    this.#out.write(showCursor);
  }

  /** Back to the first line of the board. When the terminal got narrower its lines may have been wrapped: begin anew. */
  #start(columns: number): string {
    const cursor = this.#hidden ? '' : hideCursor;
    const isNarrower = columns < this.#columns;
    this.#hidden = true;
    this.#columns = columns;
    if (isNarrower) return `${cursor}${clearAll}`;
    return this.#drawn > 0 ? `${cursor}${csi}${this.#drawn}A` : cursor;
  }
}

class PlainView implements View {
  readonly every = 1000;
  readonly #out: Output;
  readonly #withColours: boolean;

  constructor(out: Output, withColours: boolean) {
    this.#out = out;
    this.#withColours = withColours;
  }

  tell(happening: Happening): void {
    this.#write(happeningLine(happening));
  }

  show(figures: Figures): void {
    const { elapsed, produced, consumed, rate, members } = figures;
    const who = members
      .filter(({ state }) => state !== 'idle' && state !== 'stopped')
      .map(({ name, state, queues, consumed: count }) =>
        [name, state === 'running.active' ? '' : ` ${state}`, ` [${rangesOf(queues)}] ${count}`].join(''),
      );
    const parts = [`produced ${produced}`, `consumed ${consumed}`, `waiting ${lagOf(figures)}`, `${rate}/s`];
    this.#write([
      { text: `${seconds(elapsed).padStart(7)}  ${[...parts, ...who].join('  ')}`, tone: 'plain' },
    ]);
  }

  end(lines: readonly Line[]): void {
    for (const line of lines) this.#write(line);
  }

  restore(): void {}

  #write(line: Line): void {
    this.#out.write(`${paint(line, this.#withColours)}\n`);
  }
}
