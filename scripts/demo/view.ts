// SPDX-License-Identifier: Apache-2.0
/** How does the demo look? On a terminal a small live board, elsewhere plain lines. */
import { styleText } from 'node:util';

export interface MemberFigures {
  readonly name: string;
  readonly state: string;
  readonly queueIds: readonly number[];
  readonly consumed: number;
  readonly retried: number;
  readonly lastEvent: string;
}

export interface Board {
  readonly sent: number;
  readonly total: number;
  readonly consumed: number;
  readonly members: readonly MemberFigures[];
}

const barWidth = 40;

export class DemoView {
  readonly #out: NodeJS.WriteStream;
  #drawnLines = 0;
  #lastConsumed = 0;
  #lastAt = performance.now();
  #lastPlainAt = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** A line that stays. */
  say(text: string): void {
    this.#erase();
    this.#out.write(`${text}\n`);
  }

  draw(board: Board): void {
    const now = performance.now();
    if (!this.#out.isTTY) {
      if (now - this.#lastPlainAt < 2000) return;
      this.#lastPlainAt = now;
      this.#out.write(`${plainLine(board, this.#rate(board, now))}\n`);
      return;
    }
    const lines = boardLines(board, this.#rate(board, now));
    this.#erase();
    this.#out.write(`${lines.join('\n')}\n`);
    this.#drawnLines = lines.length;
  }

  summary(lines: readonly string[]): void {
    this.#out.write(['', 'Summary', ...lines.map(line => `  ${line}`), ''].join('\n'));
  }

  #rate({ consumed }: Board, now: number): number {
    const seconds = Math.max(0.001, (now - this.#lastAt) / 1000);
    const rate = (consumed - this.#lastConsumed) / seconds;
    this.#lastConsumed = consumed;
    this.#lastAt = now;
    return Math.round(rate);
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#out.write(`\u001b[${this.#drawnLines}A\u001b[0J`);
    this.#drawnLines = 0;
  }
}

function plainLine({ sent, consumed, members }: Board, rate: number): string {
  const who = members
    .map(({ name, state, queueIds }) => `${name} ${state} [${queueIds.join(' ')}]`)
    .join('  ');
  return `sent ${sent}  consumed ${consumed}  lag ${sent - consumed}  ${rate}/s  ${who}`;
}

function boardLines({ sent, total, consumed, members }: Board, rate: number): readonly string[] {
  const done = Math.round((consumed / total) * barWidth);
  const onTheWay = Math.max(0, Math.round((sent / total) * barWidth) - done);
  const bar =
    styleText('green', '█'.repeat(done)) +
    styleText('yellow', '▒'.repeat(onTheWay)) +
    styleText('gray', '·'.repeat(Math.max(0, barWidth - done - onTheWay)));
  return [
    '',
    `  ${bar}  sent ${sent}  consumed ${consumed}  lag ${sent - consumed}  ${rate}/s`,
    '',
    ...members.map(memberLine),
    '',
  ];
}

function memberLine({ name, state, queueIds, consumed, retried, lastEvent }: MemberFigures): string {
  const colour = state.startsWith('running') ? 'green' : state.startsWith('stop') ? 'red' : 'gray';
  return [
    `  ${name.padEnd(7)}`,
    styleText(colour, state.padEnd(24)),
    `queues ${(queueIds.join(' ') || '–').padEnd(18)}`,
    `consumed ${String(consumed).padStart(4)}`,
    `  retried ${retried}`,
    styleText('gray', `  ${lastEvent}`),
  ].join('');
}
