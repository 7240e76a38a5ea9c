// SPDX-License-Identifier: Apache-2.0
/** The pictures say what the code does, and the check notices when they no longer do. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';
import { actorTree } from '../../../visualizations/actor-tree.ts';
import { chartOf, nodesOf } from '../../../visualizations/chart.ts';
import { withoutImplied } from '../../../visualizations/layers.ts';
import { configOf } from '../../../visualizations/machine-config.ts';
import { stateDiagram } from '../../../visualizations/mermaid.ts';
import { type Drift, drifts, write } from '../../../visualizations/pictures.ts';
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
