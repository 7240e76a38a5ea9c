// SPDX-License-Identifier: Apache-2.0
/** Are the planted bugs where the code is, and what counts as caught? That each is: `npm run evidence -- planted-bugs`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { areas, bugs, share } from '../../support/planted/bugs.ts';
import { type Outcome, unsoundOf, verdictOf } from '../../support/planted/harvest.ts';
import { misplaced, type PlantedBug, root, withBug } from '../../support/planted/planted-bug.ts';

describe('the planted bugs', () => {
  it('are at least forty, each of its own name', () => {
    const names = bugs.map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect([...new Set(names)]).toEqual(names);
  });

  it('have their text once in the sources: whoever changes the code takes them along', () => {
    expect(misplaced(bugs)).toEqual([]);
  });

  it('change something, say what goes wrong, and name who notices', () => {
    const idle = bugs.filter(({ text, becomes }) => text === becomes);
    const silent = bugs.filter(({ what, caughtBy }) => what === '' || caughtBy === '');
    expect([idle, silent]).toEqual([[], []]);
  });

  it('name tests that are there', () => {
    const missing = bugs.filter(({ test, caughtBy }) => {
      const path = join(root, 'test', test);
      return !existsSync(path) || !nameIn(readFileSync(path, 'utf8'), caughtBy);
    });
    expect(missing.map(({ name, caughtBy }) => `${name}: ${caughtBy}`)).toEqual([]);
  });

  it('of which some run with every change come from half of the areas', () => {
    expect(share).toHaveLength(Math.floor(Object.keys(areas).length / 2));
  });

  it('are not planted where their text is missing, or is there twice', () => {
    expect(() => withBug(bug, 'something else')).toThrow('stands 0 times');
    expect(() => withBug(bug, bug.text + bug.text)).toThrow('stands 2 times');
    expect(withBug(bug, `a${bug.text}b`)).toBe(`a${bug.becomes}b`);
  });
});

const bug: PlantedBug = {
  ...{ name: 'off-by-one', what: 'a queue is lost', file: 'a.ts', text: '<', becomes: '<=' },
  ...{ test: 'a.test.ts', caughtBy: 'loses no queue' },
};
const ended = (test: string, passed: boolean) => ({ test, passed, said: passed ? '' : 'no' });
const outcome = (ends: Outcome['ends'], hung = false): Outcome => ({ ends, hung, took: 1 });

describe('a planted bug', () => {
  it.each<[string, Outcome, boolean]>([
    ['the named test fails', outcome([ended('a > loses no queue', false), ended('b', true)]), true],
    ['it fails, and another one hangs', outcome([ended('a > loses no queue', false)], true), true],
    [
      'the named test passes, and another one fails',
      outcome([ended('loses no queue', true), ended('b', false)]),
      false,
    ],
    ['the named test hangs', outcome([ended('b', false)], true), false],
    ['its source does not load', outcome([ended('does not load', false)]), false],
  ])('when %s: caught or not', (_, tests, isCaught) => {
    expect(verdictOf(bug, tests)).toMatchObject({ isCaught, hung: tests.hung });
  });

  it('is caught by nobody while nobody is named', () => {
    expect(verdictOf({ ...bug, caughtBy: '' }, outcome([ended('b', false)])).isCaught).toBe(false);
  });

  it('proves something only when its test is there, and passes without it', () => {
    expect(unsoundOf([bug], outcome([ended('a > loses no queue', true)]))).toEqual([]);
    expect(unsoundOf([bug], outcome([ended('a > loses no queue', false)]))).toEqual([
      'without a bug: a > loses no queue: no',
    ]);
    expect(unsoundOf([bug], outcome([], true))).toEqual([
      'off-by-one: no test of a.test.ts is called loses no queue',
    ]);
  });
});

/** As far as it can be told from the text: names of repeated tests have places to be filled in. */
function nameIn(source: string, name: string): boolean {
  if (source.includes(name)) return true;
  const titles = [...source.matchAll(/'([^'\n]*%[sdi][^'\n]*)'/g)].map(([, title = '']) => title);
  return titles.some(title => {
    const pattern = title
      .split(/%[sdi]/)
      .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    return new RegExp(pattern).test(name);
  });
}
