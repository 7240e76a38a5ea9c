// SPDX-License-Identifier: Apache-2.0
/** Does every option do something? Each away from its default on the embedded cluster, and what is seen then. */
import { describe, expect, it } from 'vitest';
import { optionTable } from '../../../../src/config/options.ts';
import { basicEffects } from './basic.ts';
import { behaviourEffects } from './behaviour.ts';
import { type Effect, Stage } from './effect.ts';
import { flowEffects } from './flow.ts';
import { limitEffects } from './limits.ts';
import { offsetEffects } from './offsets.ts';
import { performanceEffects } from './performance.ts';
import { periodEffects } from './periods.ts';

const effects: Readonly<Record<string, Effect>> = {
  ...basicEffects,
  ...behaviourEffects,
  ...performanceEffects,
  ...flowEffects,
  ...offsetEffects,
  ...periodEffects,
  ...limitEffects,
};

async function seen(effect: Effect, isChanged: boolean): Promise<unknown> {
  await using stage = await Stage.set(effect, isChanged);
  return await effect.observe(stage);
}

describe('the option', () => {
  it.each(Object.entries(effects))('%s changes what is seen', async (_, effect) => {
    expect({
      byDefault: await seen(effect, false),
      changed: await seen(effect, true),
    }).toEqual({ byDefault: effect.byDefault, changed: effect.changed });
  });
});

describe('the table of effects', () => {
  it('has a row for each option, and for nothing else', () => {
    const without = Object.keys(optionTable).filter(name => !(name in effects));
    const toDo =
      'add a row to the file of its group in test/unit/testing/options: change, observe, byDefault, changed';
    expect(without, toDo).toEqual([]);
    expect(Object.keys(effects).filter(name => !(name in optionTable))).toEqual([]);
  });

  it('changes the option of its row', async () => {
    for (const [name, effect] of Object.entries(effects)) {
      await using stage = await Stage.set(effect, false);
      const change = typeof effect.change === 'function' ? effect.change(stage) : effect.change;
      expect(Object.keys(change)).toEqual([name]);
    }
  });
});
