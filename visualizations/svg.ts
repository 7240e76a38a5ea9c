// SPDX-License-Identifier: Apache-2.0
/** How is a chart drawn as a picture that every browser shows, by day and by night? */
import type { Chart } from './chart.ts';
import { type Layout, layoutOf, type PlacedArrow, type PlacedState } from './svg-layout.ts';

const style = `
  svg { background: #ffffff; }
  text { font: 11px ui-monospace, 'SFMono-Regular', Menlo, Consolas, monospace; fill: #57606a; }
  .title { font: 600 13px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; }
  .state { fill: #f6f8fa; stroke: #8c959f; }
  .inside { fill: #ffffff; }
  .parallel { stroke-dasharray: 5 4; }
  .initial { stroke: #0969da; stroke-width: 2; }
  .final { stroke-width: 3; }
  .arrow { fill: none; stroke: #8c959f; }
  .head { fill: #8c959f; }
  .plate { fill: #ffffff; opacity: 0.85; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    text { fill: #9198a1; }
    .title { fill: #f0f6fc; }
    .state { fill: #151b23; stroke: #656c76; }
    .inside { fill: #0d1117; }
    .initial { stroke: #4493f8; }
    .arrow { stroke: #656c76; }
    .head { fill: #656c76; }
    .plate { fill: #0d1117; }
  }`;

/** States as boxes within boxes; blue is where a state begins, dashed what runs side by side, thick an end. */
export async function svgOf(chart: Chart): Promise<string> {
  const layout = await layoutOf(chart);
  const initials = new Set(layout.states.map(({ state }) => state.initial));
  const size = `${Math.ceil(layout.width)} ${Math.ceil(layout.height)}`;
  const [width, height] = size.split(' ');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${size}" role="img">`,
    `<title>The chart of ${escaped(chart.name)}</title>`,
    `<style>${style}\n</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
    '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    ...layout.states.map(placed => drawState(placed, initials)),
    ...drawArrows(layout),
    '</svg>',
  ].join('\n')}\n`;
}

function drawState(
  { state, notes, x, y, width, height, depth }: PlacedState,
  initials: ReadonlySet<string | undefined>,
): string {
  const kinds = [
    'state',
    ...(depth % 2 === 1 ? ['inside'] : []),
    ...(state.type === 'parallel' ? ['parallel'] : []),
    ...(state.type === 'final' ? ['final'] : []),
    ...(initials.has(state.id) ? ['initial'] : []),
  ];
  const description = state.description === undefined ? '' : `<title>${escaped(state.description)}</title>`;
  return [
    `<g>${description}<rect class="${kinds.join(' ')}" x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" rx="8"/>`,
    `<text class="title" x="${at(x + 12)}" y="${at(y + 19)}">${escaped(state.key)}</text>`,
    ...notes.map((note, line) => text(note, x + 12, y + 36 + line * 15)),
    '</g>',
  ].join('');
}

function drawArrows({ arrows }: Layout): string[] {
  const lines = arrows.map(({ points }) => {
    const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${at(x)} ${at(y)}`).join(' ');
    return `<path class="arrow" d="${path}" marker-end="url(#head)"/>`;
  });
  return [...lines, ...arrows.flatMap(drawLabel)];
}

function drawLabel({ lines, at: { x, y } }: PlacedArrow): string[] {
  if (lines.length === 0) return [];
  const width = Math.max(...lines.map(line => line.length)) * 6.7 + 8;
  const plate = `<rect class="plate" x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${lines.length * 15 + 2}" rx="3"/>`;
  return [plate, ...lines.map((line, index) => text(line, x + 3, y + 12 + index * 15))];
}

const text = (words: string, x: number, y: number): string =>
  `<text x="${at(x)}" y="${at(y)}">${escaped(words)}</text>`;

/** Half pixels are enough, and keep the file the same from one machine to another. */
const at = (position: number): string => String(Math.round(position * 2) / 2);

const escaped = (words: string): string =>
  words.replace(/[&<>"]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);
