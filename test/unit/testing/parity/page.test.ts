// SPDX-License-Identifier: Apache-2.0
// Is the page "Coming from pyrocketmq" true: does each name exist here, and is each shown by a test?
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionRows } from '../../../src/config/read-options.ts';
import { errorTable } from '../../../src/errors/error-table.ts';
import * as entry from '../../../src/index.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const page = read('docs/coming-from-pyrocketmq.md');
const index = read('src/index.ts');
const originals: unknown = JSON.parse(read('test/fixtures/pyrocketmq-names.json'));
const events = read('src/machines/consumer/consumer.types.ts');

/** Of what stands before the dot: where its members are declared. */
const declared: Readonly<Record<string, string>> = {
  consumer: read('src/consumer/consumer.ts'),
  store: read('src/create-offset-store.ts'),
  metrics: read('src/stores/offset-store.ts'),
  context: read('src/listeners/consume-context.ts'),
  SubscriptionManager:
    read('src/subscriptions/subscription-manager.ts') + read('src/subscriptions/subscription-table.ts'),
  ConsumeFromWhereManager: read('src/consume-from-where-manager.ts'),
};

const codeIn = (cell: string): readonly string[] =>
  Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name);

const rows = page
  .split('\n')
  .filter(line => line.startsWith('| `'))
  .map(line => line.split('|').slice(1, -1))
  .map(([theirs = '', ours = '', shownBy = '']) => ({
    theirs: codeIn(theirs),
    ours: codeIn(ours.split(';')[0] ?? ''),
    tests: codeIn(shownBy),
  }));

function exists(name: string): boolean {
  const [owner = '', member] = name.split('.');
  if (events.includes(`type: '${name}'`)) return true;
  if (member !== undefined) {
    const text = declared[owner];
    return (
      text !== undefined &&
      new RegExp(`^  (override |readonly |get |async )*${member}\\??[(:<]`, 'm').test(text)
    );
  }
  const isOption = optionRows.some(([option, { aliases = [] }]) => option === name || aliases.includes(name));
  return name in entry || name in errorTable || isOption || new RegExp(`\\b${name}\\b`).test(index);
}

describe('the page "Coming from pyrocketmq"', () => {
  it('has every name of the original', () => {
    const names = (originals as { readonly names: readonly string[] }).names; // written beside this test
    const told = new Set(rows.flatMap(({ theirs }) => theirs));
    expect(names.length).toBeGreaterThan(150);
    expect(names.filter(name => !told.has(name))).toEqual([]);
  });

  it('names nothing of ours that does not exist', () => {
    const ours = rows.flatMap(row => row.ours).filter(name => !['await', 'try', 'fault'].includes(name));
    expect(ours.length).toBeGreaterThan(80);
    expect(ours.filter(name => !exists(name))).toEqual([]);
    expect(exists('consumer.fly')).toBe(false);
    expect(exists('createNothing')).toBe(false);
  });

  it('names for each of ours a test that is there and mentions it', () => {
    const unshown = rows
      .filter(({ tests, ours }) => tests.length > 0 || ours.some(exists))
      .flatMap(({ ours, tests }) => {
        const missing = tests.filter(test => !existsSync(join(root, test)));
        if (missing.length > 0) return missing;
        const text = tests.map(read).join('\n');
        const last = (name: string): string => {
          const [owner = '', member] = name.split('.');
          return member === undefined || declared[owner] === undefined ? name : member;
        };
        return ours.filter(name => !['await', 'try', 'fault'].includes(name) && !text.includes(last(name)));
      });
    expect(unshown).toEqual([]);
  });
});
