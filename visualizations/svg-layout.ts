// SPDX-License-Identifier: Apache-2.0
/** Where does each state and arrow of a chart stand in the picture? Laid out by elkjs, layer by layer, downwards. */
import elk, { type ElkExtendedEdge, type ElkLabel, type ElkNode } from 'elkjs';
import type { Arrow, Chart, ChartState } from './chart.ts';

/** Unit: px. Of the fonts in svg.ts; a little more than most letters need. */
const letter = { title: 7.6, small: 6.8 };
const lineHeight = 15;
const titleHeight = 26;
const mostLetters = 34;

/** A state where it stands; `x` and `y` count from the top left of the picture. */
export interface PlacedState {
  readonly state: ChartState;
  readonly notes: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly depth: number;
}

export interface PlacedArrow {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly lines: readonly string[];
  readonly at: { readonly x: number; readonly y: number };
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly arrows: readonly PlacedArrow[];
}

const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.randomSeed': '1',
  'elk.edgeLabels.inline': 'true',
  'elk.layered.spacing.nodeNodeBetweenLayers': '36',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.padding': `[top=${titleHeight + 12},left=16,bottom=16,right=16]`,
};

export async function layoutOf(chart: Chart): Promise<Layout> {
  const root = nodeOf(chart.root, chart);
  const picture: ElkNode = {
    id: 'picture',
    layoutOptions: { ...options, 'elk.padding': '[top=12,left=12,bottom=12,right=12]' },
    children: [root],
    edges: edgesOf(chart),
  };
  const placed: ElkNode = await new elk.default().layout(picture);
  const states: PlacedState[] = [];
  const origins = new Map<string, { readonly x: number; readonly y: number }>([['picture', { x: 0, y: 0 }]]);
  for (const child of placed.children ?? []) place(child, { x: 0, y: 0 }, 0, { chart, states, origins });
  return {
    width: placed.width ?? 0,
    height: placed.height ?? 0,
    states,
    arrows: (placed.edges ?? []).flatMap(edge => placeArrow(edge, origins)),
  };
}

function nodeOf(state: ChartState, chart: Chart): ElkNode {
  const notes = notesOf(state);
  const width = Math.max(
    44,
    state.key.length * letter.title + 28,
    ...notes.map(note => note.length * letter.small + 24),
  );
  if (state.states.length === 0) {
    return {
      id: state.id,
      width,
      height: titleHeight + notes.length * lineHeight + (notes.length > 0 ? 8 : 2),
    };
  }
  const top = titleHeight + notes.length * lineHeight + 12;
  return {
    id: state.id,
    layoutOptions: {
      ...options,
      'elk.padding': `[top=${top},left=16,bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width}, ${top})`,
    },
    children: state.states.map(child => nodeOf(child, chart)),
  };
}

/** What a state does on entry and while it is active. */
function notesOf({ entry, invokes }: ChartState): readonly string[] {
  return [
    ...(entry.length === 0 ? [] : [`entry / ${entry.join(', ')}`]),
    ...invokes.map(({ src }) => `do / ${src}`),
  ].map(shorten);
}

/** One line for all arrows between the same two states; their triggers stand below each other. */
function edgesOf({ arrows }: Chart): ElkExtendedEdge[] {
  const lines = new Map<
    string,
    { readonly from: string; readonly to: string; readonly texts: Set<string> }
  >();
  for (const arrow of arrows) {
    for (const to of arrow.to) {
      const key = `${arrow.from} ${to}`;
      const known = lines.get(key) ?? { from: arrow.from, to, texts: new Set<string>() };
      lines.set(key, known);
      known.texts.add(textOf(arrow));
    }
  }
  return [...lines.values()].map(({ from, to, texts }, index) => ({
    id: `arrow ${index}`,
    sources: [from],
    targets: [to],
    labels: [labelOf([...texts])],
  }));
}

function labelOf(lines: readonly string[]): ElkLabel {
  return {
    text: lines.join('\n'),
    width: Math.max(...lines.map(line => line.length)) * letter.small + 8,
    height: lines.length * lineHeight + 4,
  };
}

function textOf({ trigger, guard }: Arrow): string {
  return shorten(guard === undefined ? trigger : `${trigger} [${guard}]`);
}

function shorten(text: string): string {
  return text.length > mostLetters ? `${text.slice(0, mostLetters - 1)}…` : text;
}

interface Placing {
  readonly chart: Chart;
  readonly states: PlacedState[];
  readonly origins: Map<string, { readonly x: number; readonly y: number }>;
}

function place(node: ElkNode, origin: { x: number; y: number }, depth: number, placing: Placing): void {
  const { x = 0, y = 0, width = 0, height = 0 } = node;
  const at = { x: origin.x + x, y: origin.y + y };
  placing.origins.set(node.id, at);
  const state = find(placing.chart.root, node.id);
  if (state !== undefined) placing.states.push({ state, notes: notesOf(state), ...at, width, height, depth });
  for (const child of node.children ?? []) place(child, at, depth + 1, placing);
}

function find(state: ChartState, id: string): ChartState | undefined {
  if (state.id === id) return state;
  for (const child of state.states) {
    const found = find(child, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** elkjs counts the points of an arrow from the state that contains both of its ends. */
function placeArrow(
  edge: ElkExtendedEdge & { readonly container?: string },
  origins: ReadonlyMap<string, { readonly x: number; readonly y: number }>,
): PlacedArrow[] {
  const origin = origins.get(edge.container ?? 'picture') ?? { x: 0, y: 0 };
  const [label] = edge.labels ?? [];
  return (edge.sections ?? []).map(({ startPoint, bendPoints = [], endPoint }) => ({
    points: [startPoint, ...bendPoints, endPoint].map(({ x, y }) => ({ x: x + origin.x, y: y + origin.y })),
    lines: label?.text?.split('\n') ?? [],
    at: { x: (label?.x ?? 0) + origin.x, y: (label?.y ?? 0) + origin.y },
  }));
}
