// SPDX-License-Identifier: Apache-2.0
/** The pictures say what the code does, and the check notices when they no longer do. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';
import { configOf } from '../../../src/inspect/machine-config.ts';
import { actorTree } from '../../../visualizations/actor-tree.ts';
import { chartOf, nodesOf } from '../../../visualizations/chart.ts';
import { withoutImplied } from '../../../visualizations/layers.ts';
import { stateDiagram } from '../../../visualizations/mermaid.ts';
import { type Drift, drifts, write } from '../../../visualizations/pictures.ts';
import { svgOf } from '../../../visualizations/svg.ts';
import { layoutOf } from '../../../visualizations/svg-layout.ts';
import { leafMachine, toyMachine } from '../../support/toy-machine.ts';

describe('the machine file', () => {
  const config = configOf(toyMachine);

  it('reads back as a machine with the same states and the same arrows', () => {
    const read = JSON.parse(JSON.stringify(config)) as { readonly initial: string }; // whatever the file says: that is the test
    const again = createMachine(read);
    expect(nodesOf(again.root).map(node => node.id)).toEqual(nodesOf(toyMachine.root).map(node => node.id));
    const arrowsOf = (machine: AnyStateMachine) =>
      chartOf('toy', machine).arrows.map(({ from, to, trigger }) => ({ from, to, trigger }));
    expect(arrowsOf(again)).toEqual(arrowsOf(toyMachine));
  });

  it('holds names in place of functions, and nothing that was computed', () => {
    expect(config).toMatchObject({
      id: 'toy',
      description: 'Tries and rests.',
      states: {
        resting: { entry: 'note', on: { poke: { actions: ['count', 'note'] } } },
        busy: {
          exit: { type: 'say', params: { word: 'done' } },
          states: { judging: { always: [{ guard: 'and(isTired, not(isLate))', target: 'over' }, {}] } },
        },
      },
    });
    expect(config).not.toHaveProperty('context');
  });
});

describe('the picture', () => {
  it('shows every state, every trigger with its guard, and what is done on entry', async () => {
    const chart = chartOf('toy', toyMachine);
    const svg = await svgOf(chart);
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
    for (const { key } of nodesOf(toyMachine.root)) expect(texts).toContain(key);
    for (const arrow of chart.arrows.filter(({ to }) => to.length > 0)) {
      expect(texts.some(text => text?.startsWith(arrow.trigger))).toBe(true);
    }
    expect(texts).toContain('entry / note');
  });

  it('puts each state within its parent and no two side by side on one another', async () => {
    const { states } = await layoutOf(chartOf('toy', toyMachine));
    const boxOf = (id: string) => states.find(({ state }) => state.id === id);
    for (const parent of states) {
      const children = parent.state.states.map(({ id }) => boxOf(id));
      for (const child of children) {
        expect(child?.x).toBeGreaterThan(parent.x);
        expect((child?.y ?? 0) + (child?.height ?? 0)).toBeLessThan(parent.y + parent.height);
      }
      const overlaps = children.filter((one, index) =>
        children.some(
          (other, at) =>
            at > index &&
            one !== undefined &&
            other !== undefined &&
            one.x < other.x + other.width &&
            other.x < one.x + one.width &&
            one.y < other.y + other.height &&
            other.y < one.y + one.height,
        ),
      );
      expect(overlaps).toEqual([]);
    }
  });

  it('is the same each time, and well-formed where names are not', async () => {
    const odd = createMachine({
      id: 'odd',
      initial: 'a',
      states: { a: { on: { 'x<y & "z"': 'b' } }, b: {} },
    });
    const chart = chartOf('odd', odd);
    expect(await svgOf(chart)).toBe(await svgOf(chart));
    expect(await svgOf(chart)).toContain('x&lt;y &amp; &quot;z&quot;');
  });
});

describe('the page of the pictures', () => {
  it('shows every chart there is, and no other', async () => {
    const folder = join(import.meta.dirname, '../../../visualizations');
    const page = await readFile(join(folder, 'README.md'), 'utf8');
    const shown = [...page.matchAll(/!\[[^\]]*\]\(([^)]+\.svg)\)/g)].map(([, file]) => file);
    const drawn = (await readdir(folder)).filter(name => name.endsWith('.svg'));
    expect(shown.sort()).toEqual(drawn.sort());
  });
});

describe('the state diagram', () => {
  it('shows every kind of trigger with its guard, and what a state does while it stays', () => {
    expect(stateDiagram(chartOf('toy', toyMachine))).toBe(`stateDiagram-v2
  state "toy" as toy {
    [*] --> toy_resting
    state "any state" as toy_any
    state "resting" as toy_resting
    toy_resting : entry / note
    toy_resting : poke / count, note
    state "busy" as toy_busy {
      [*] --> toy_busy_working
      state "working" as toy_busy_working
      toy_busy_working : do / work
      state "judging" as toy_busy_judging
      state "over" as toy_busy_over
      toy_busy_over --> [*]
    }
    note right of toy_busy
      exit / say
      do / listen
    end note
    state "stopped" as toy_stopped
    toy_stopped --> [*]
  }
  note right of toy
    fault / note
  end note
  toy_any --> toy_stopped : stop
  toy_resting --> toy_busy : go [isLate]
  toy_resting --> toy_busy : after pause
  toy_busy --> toy_resting : done
  toy_busy --> toy_resting : error(listener)
  toy_busy_working --> toy_busy_judging : done(work)
  toy_busy_working --> toy_resting : error(work)
  toy_busy_judging --> toy_busy_over : always [and(isTired, not(isLate))]
  toy_busy_judging --> toy_busy_working : always
`);
  });
});

describe('the actor tree', () => {
  it('draws a machine under the one whose setup names it, also when it was provided anew', () => {
    const machines = [
      { name: 'leaf', machine: leafMachine.provide({}) },
      { name: 'toy', machine: toyMachine },
    ];
    expect(actorTree(machines)).toBe(`flowchart LR
  leaf["<b>leaf</b>"]
  toy["<b>toy</b><br/>work<br/>listen"]
  toy --> leaf
`);
  });
});

describe('the layers', () => {
  it('leave out an arrow that others imply, and never the last way', () => {
    const arrows = [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
      ['c', 'b'],
    ] as const;
    expect(withoutImplied(arrows)).toEqual([
      ['a', 'c'],
      ['b', 'c'],
      ['c', 'b'],
    ]);
  });
});

describe('visualize --check', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pictures-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('names what is missing, out of date and left over, and is content after a write', async () => {
    const pictures = new Map([
      ['new.mmd', 'n'],
      ['old.mmd', 'o'],
      ['same.mmd', 's'],
    ]);
    await writeFile(join(folder, 'old.mmd'), 'before');
    await writeFile(join(folder, 'same.mmd'), 's');
    await writeFile(join(folder, 'gone.machine.json'), '{}');
    await writeFile(join(folder, 'chart.ts'), 'not a picture');
    const expected: Drift[] = [
      { file: 'gone.machine.json', why: 'left over' },
      { file: 'new.mmd', why: 'missing' },
      { file: 'old.mmd', why: 'out of date' },
    ];
    expect(await drifts(folder, pictures)).toEqual(expected);
    expect(await write(folder, pictures)).toEqual(expected);
    expect(await drifts(folder, pictures)).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['chart.ts', 'new.mmd', 'old.mmd', 'same.mmd']);
  });
});
