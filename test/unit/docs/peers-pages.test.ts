// SPDX-License-Identifier: Apache-2.0
/** Do the pages about Apache's suite and about bugs of other clients say what the tests are? */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { e2eClasses } from '../../conformance/e2e/catalogue.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (...path: readonly string[]): string => readFileSync(join(root, ...path), 'utf8');

/** Every case on the page, as `Class.case`, with what stands beside it. A row without a class belongs to the one above. */
function casesOnThePage(): ReadonlyMap<string, string> {
  const cases = new Map<string, string>();
  let current = '';
  for (const line of read('docs', 'compatibility.md').split('\n')) {
    const [, name = '', names = '', here = ''] = line.split(/(?<!\\)\|/).map(cell => cell.trim());
    if (/^\w+Test$/.test(name)) current = name;
    for (const each of names.match(/\btest\w+/g) ?? []) cases.set(`${current}.${each}`, here);
  }
  return cases;
}

test('the page names all 68 cases that Apache has for consumers', () => {
  expect(casesOnThePage().size).toBe(68);
});

test('what the page says is here is here, and the other way round', () => {
  const decided = 'OffsetTest.testConsumeFromLastOffset'; // it is here, and shows another outcome
  const onThePage = [...casesOnThePage()].filter(
    ([name, here]) => /^(yes|m\b)/.test(here) || name === decided,
  );
  const here = e2eClasses.flatMap(({ name, cases }) => cases.map(each => `${name}.${each.name}`));
  expect(here.toSorted()).toEqual(onThePage.map(([name]) => name).toSorted());
});

const folder = ['test', 'regressions'];
const files = readdirSync(join(root, ...folder)).filter(name => name.endsWith('.test.ts'));

test('every number in the name of a regression test stands on the page', () => {
  const page = read('docs', 'peer-bugs.md');
  const names = files.flatMap(file => read(...folder, file).match(/(?<=['"(])[\w/-]+#\d+[^:\n]*:/g) ?? []);
  const numbers = names.flatMap(name => name.match(/#\d+/g) ?? []);
  expect(numbers.length).toBeGreaterThan(40);
  expect(numbers.filter(number => !page.includes(number))).toEqual([]);
});

test('every file the page points to exists', () => {
  const pointers = [...read('docs', 'peer-bugs.md').matchAll(/`([\w/.-]+\.test\.ts)`/g)].map(
    ([, path = '']) => path,
  );
  expect(new Set(pointers).size).toBeGreaterThanOrEqual(files.length);
  const missing = pointers.filter(
    path => !existsSync(join(root, path)) && !existsSync(join(root, ...folder, path)),
  );
  expect(missing).toEqual([]);
});
