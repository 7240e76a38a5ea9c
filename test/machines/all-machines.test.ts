// SPDX-License-Identifier: Apache-2.0
/** What holds for every machine under src/machines? Importing them already proves that no target is misspelt. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as exported from '../../src/machines/index.ts';
import { machinesUnder } from '../../visualizations/files.ts';
import { machineRules } from '../support/machine-checks.ts';

const machines = await machinesUnder(join(import.meta.dirname, '../../src/machines'));

describe('the machines', () => {
  it('are found, and each name is used once', () => {
    const names = machines.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect([...new Set(names)]).toEqual(names);
  });

  it('are all named by the public entry ./machines', () => {
    const named = new Set<unknown>(Object.values(exported));
    expect(machines.filter(({ machine }) => !named.has(machine)).map(({ name }) => name)).toEqual([]);
  });

  it('have their path tests, each in a file of its name', () => {
    const tested = (name: string): boolean => existsSync(join(import.meta.dirname, `paths/${name}.test.ts`));
    expect(machines.map(({ name }) => name).filter(name => !tested(name))).toEqual([]);
  });

  it('carry their name as their id, so that charts, logs and the inspector agree', () => {
    const different = machines.filter(({ name, machine }) => kebab(machine.id) !== name);
    expect(different.map(({ name, machine }) => `${name} has the id ${machine.id}`)).toEqual([]);
  });
});

describe.each(machines)('$name', ({ machine }) => {
  it.each(Object.entries(machineRules))('%s', (_, rule) => {
    expect(rule(machine)).toEqual([]);
  });
});

function kebab(camel: string): string {
  return camel.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}
