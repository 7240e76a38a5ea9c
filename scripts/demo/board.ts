// SPDX-License-Identifier: Apache-2.0
/** What does the live board say? A pure picture: figures and a size go in, lines come out. */
import {
  type Figures,
  type Happening,
  historyLength,
  lagOf,
  type MemberFigures,
  rangesOf,
} from './figures.ts';
import { cell, cutTo, type Line, numberCell, type Span, span, spread, type Tone } from './paint.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const widest = 120;
const labelWidth = 11;
/** More than this is history, and is in the scroll-back of nobody. */
const mostHappenings = 12;
const fewestHappenings = 2;

/** Lines of the board, none wider than `columns`, fewer than `rows`: parts are left out of a low terminal from the bottom up. */
export function boardOf(figures: Figures, { columns, rows }: Size): readonly Line[] {
  const width = Math.max(20, Math.min(columns, widest) - 2);
  const parts: readonly (readonly Line[])[] = [
    [titleOf(figures, width), []],
    progressOf(figures, width),
    [[], ...membersOf(figures)],
    [[], ...queuesOf(figures, width)],
  ];
  const room = rows - 1;
  const lines: Line[] = [];
  for (const part of parts) {
    if (lines.length + part.length <= room) lines.push(...part);
  }
  const left = Math.min(mostHappenings, room - lines.length - 1);
  if (left >= fewestHappenings) lines.push([], ...happeningsOf(figures.happenings, left));
  return lines.map(line => cutTo([span(' '), ...line], Math.max(1, Math.min(columns, width + 2) - 1)));
}

function titleOf({ where, topic, group, elapsed }: Figures, width: number): Line {
  const name = [span('rocketmq-actors', 'bold'), span(`  ${where}`)];
  const more = [...name, span(`  topic ${topic}, group ${group}`, 'dim')];
  const clock = [span(seconds(elapsed), 'bold')];
  const long = spread(more, clock, width);
  return long.at(-1) === clock[0] ? long : spread(name, clock, width);
}

function progressOf(figures: Figures, width: number): readonly Line[] {
  const { produced, planned, consumed, retried, repeated, rate, rateHistory, lagHistory } = figures;
  const lag = lagOf(figures);
  const count = `  ${produced} of ${planned}`;
  const lineWidth = Math.max(10, width - labelWidth - 14);
  return [
    [label('orders'), ...barOf(consumed, produced, planned, lineWidth), span(count, 'bold')],
    [
      label(''),
      ...figure('produced', produced, 'bold'),
      ...figure('consumed', consumed, 'green'),
      ...figure('waiting', lag, lag > 0 ? 'yellow' : 'plain'),
      ...figure('retried', retried, retried > 0 ? 'yellow' : 'plain'),
      ...figure('repeated', repeated, repeated > 0 ? 'yellow' : 'plain'),
    ],
    [label('rate'), sparkline(rateHistory, lineWidth, 1, 'cyan'), span(`  ${rate}/s`, 'bold')],
    [label('waiting'), sparkline(lagHistory, lineWidth, 8, 'yellow'), span(`  ${lag}`, 'bold')],
  ];
}

function figure(name: string, value: number, tone: Tone): readonly Span[] {
  return [span(`${name} `, 'dim'), span(String(value), tone), span('  ')];
}

function barOf(done: number, sent: number, total: number, width: number): readonly Span[] {
  const columnsOf = (count: number): number => Math.min(width, Math.floor((count / total) * width));
  const green = columnsOf(done);
  const yellow = Math.max(0, columnsOf(sent) - green);
  return [
    span('█'.repeat(green), 'green'),
    span('▓'.repeat(yellow), 'yellow'),
    span('░'.repeat(width - green - yellow), 'dim'),
  ];
}

const levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** The last {@link historyLength} values over the whole width. `least`: what the highest level stands for, unless a value is above it. */
function sparkline(values: readonly number[], width: number, least: number, tone: Tone): Span {
  const shown = values.slice(-historyLength);
  const highest = Math.max(least, ...shown);
  const columns = Math.floor((shown.length * width) / historyLength);
  const text = Array.from({ length: columns }, (_, column) => {
    const value = shown[Math.floor((column * historyLength) / width)] ?? 0;
    return levels[Math.round((value / highest) * (levels.length - 1))];
  });
  return span(text.join('').padEnd(width), tone);
}

function membersOf({ members }: Figures): readonly Line[] {
  const header: Line = [
    ...[cell('member', labelWidth, 'dim'), cell('actor state', 23, 'dim'), cell('queues', 13, 'dim')],
    ...[numberCell('consumed', 9, 'dim'), numberCell('rate', 7, 'dim')],
    ...[numberCell('held', 6, 'dim'), numberCell('retried', 9, 'dim')],
  ];
  return [header, ...members.map(memberLine)];
}

function memberLine({ name, tone, state, queues, consumed, rate, held, retried }: MemberFigures): Line {
  const isThere = state !== 'idle' && state !== 'stopped';
  const quiet: Tone = isThere ? 'plain' : 'dim';
  return [
    cell(name, labelWidth, isThere ? tone : 'dim'),
    cell(state, 23, stateTone(state)),
    cell(rangesOf(queues) || '–', 13, isThere ? tone : 'dim'),
    numberCell(consumed, 9, quiet),
    numberCell(isThere ? `${rate}/s` : '–', 7, quiet),
    numberCell(isThere ? held : '–', 6, quiet),
    numberCell(retried, 9, retried > 0 ? 'yellow' : quiet),
  ];
}

function stateTone(state: string): Tone {
  if (state === 'idle' || state === 'stopped') return 'dim';
  return state === 'running.active' ? 'green' : 'yellow';
}

function queuesOf({ queues, members }: Figures, width: number): readonly Line[] {
  const wide = Math.max(6, Math.min(10, Math.floor((width - labelWidth) / Math.max(1, queues.length))));
  const row = (name: string, cells: readonly Span[]): Line => [cell(name, labelWidth, 'dim'), ...cells];
  const owners = queues.map(({ label: queue }) => members.find(each => each.queues.includes(queue)));
  return [
    row(
      'queue',
      queues.map(queue => numberCell(queue.label, wide, 'dim')),
    ),
    row(
      'owner',
      owners.map(owner => numberCell(owner?.name ?? '–', wide, owner?.tone ?? 'dim')),
    ),
    row(
      'stored',
      queues.map(({ stored }) => numberCell(stored, wide)),
    ),
    row(
      'committed',
      queues.map(({ stored, committed }) =>
        numberCell(committed, wide, committed < stored ? 'plain' : 'green'),
      ),
    ),
  ];
}

/** Always that many lines, so that the board keeps its height. */
function happeningsOf(happenings: readonly Happening[], count: number): readonly Line[] {
  const lines: Line[] = happenings.slice(-count).map(happeningLine);
  while (lines.length < count) lines.push([]);
  return lines;
}

/** One line of the event log. */
export function happeningLine({ at, who, text, tone }: Happening): Line {
  return [
    span(seconds(at).padStart(7), 'dim'),
    span('  '),
    ...(who === undefined ? [] : [span(who.name, who.tone), span(' ')]),
    span(text, tone),
  ];
}

function label(text: string): Span {
  return cell(text, labelWidth, 'dim');
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
