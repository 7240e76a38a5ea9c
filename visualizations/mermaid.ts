// SPDX-License-Identifier: Apache-2.0
/** How is a chart drawn as text that GitHub and editors render? As a Mermaid stateDiagram-v2. */
import type { Arrow, Chart, ChartState } from './chart.ts';

/**
 * A state chart. Arrows carry trigger and guard; a state box lists what it does while it stays: entry, invokes,
 * and events that only run actions. All arrows stand at the top level, after all states: inside a block Mermaid
 * would move the named states into that block.
 */
export function stateDiagram(chart: Chart): string {
  const lines = ['stateDiagram-v2', ...drawState(chart.root, chart, 1)];
  for (const arrow of chart.arrows) {
    for (const target of arrow.to) lines.push(`  ${drawArrow(arrow, target, chart)}`);
  }
  return `${lines.join('\n')}\n`;
}

function drawState(state: ChartState, chart: Chart, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const id = mermaidId(state.id);
  const head = `${indent}state "${labelText(state.key)}" as ${id}`;
  const notes = stayingLines(state, chart);
  if (state.states.length === 0) {
    const end = state.type === 'final' ? [`${indent}${id} --> [*]`] : [];
    return [head, ...notes.map(note => `${indent}${id} : ${note}`), ...end];
  }
  const note =
    notes.length === 0 ? [] : [`${indent}note right of ${id}`, ...notes.map(text => `${indent}  ${text}`)];
  return [
    `${head} {`,
    ...drawChildren(state, chart, depth + 1),
    `${indent}}`,
    ...note,
    ...(notes.length === 0 ? [] : [`${indent}end note`]),
  ];
}

function drawChildren(state: ChartState, chart: Chart, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const lines = state.initial === undefined ? [] : [`${indent}[*] --> ${mermaidId(state.initial)}`];
  if (chart.arrows.some(arrow => leadsInside(arrow, state.id, chart))) {
    lines.push(`${indent}state "any state" as ${anyStateId(state.id)}`);
  }
  for (const [index, child] of state.states.entries()) {
    if (state.type === 'parallel' && index > 0) lines.push(`${indent}--`);
    lines.push(...drawState(child, chart, depth));
  }
  return lines;
}

/** What happens in a state without leaving it. */
function stayingLines(state: ChartState, chart: Chart): string[] {
  const staying = chart.arrows.filter(arrow => arrow.from === state.id && arrow.to.length === 0);
  const ignored = staying.filter(arrow => arrow.actions.length === 0).map(arrow => arrow.trigger);
  return [
    ...actionLines('entry', state.entry),
    ...actionLines('exit', state.exit),
    ...state.invokes.map(invoke => `do / ${invoke.src}`),
    ...staying
      .filter(arrow => arrow.actions.length > 0)
      .map(arrow => `${triggerText(arrow)} / ${arrow.actions.join(', ')}`),
    ...(ignored.length === 0 ? [] : [`ignores ${[...new Set(ignored)].join(', ')}`]),
  ].map(labelText);
}

function actionLines(word: string, actions: readonly string[]): string[] {
  return actions.length === 0 ? [] : [`${word} / ${actions.join(', ')}`];
}

function drawArrow(arrow: Arrow, target: string, chart: Chart): string {
  const from = leadsInside(arrow, arrow.from, chart) ? anyStateId(arrow.from) : mermaidId(arrow.from);
  return `${from} --> ${mermaidId(target)} : ${labelText(triggerText(arrow))}`;
}

/** From a composite state to a state within it: Mermaid cannot draw that, so the arrow starts at "any state" inside. */
function leadsInside(arrow: Arrow, id: string, chart: Chart): boolean {
  if (arrow.from !== id) return false;
  const state = findState(chart.root, id);
  return (
    state !== undefined && arrow.to.some(target => target !== id && findState(state, target) !== undefined)
  );
}

function findState(state: ChartState, id: string): ChartState | undefined {
  if (state.id === id) return state;
  for (const child of state.states) {
    const found = findState(child, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function triggerText(arrow: Arrow): string {
  return arrow.guard === undefined ? arrow.trigger : `${arrow.trigger} [${arrow.guard}]`;
}

const mermaidId = (id: string): string => id.replace(/[^A-Za-z0-9]/g, '_');
const anyStateId = (id: string): string => `${mermaidId(id)}_any`;
/** Without the characters that end a label or begin a comment. */
const labelText = (text: string): string => text.replace(/["#;:%{}\n]+/g, ' ').trim();
