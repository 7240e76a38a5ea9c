// SPDX-License-Identifier: Apache-2.0
/**
 * Is every public name described, with example, errors, units and defaults, and does every example compile, those of the pages
 * too? One file, because the compiler takes seconds to read the sources. docs/testing.md has a test of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { asModule, complaints } from './kit/compile.ts';
import { type Described, readSurface, root } from './kit/surface.ts';
import { Throwing } from './kit/throwing.ts';

const { names, members, checker } = readSurface();

const has = (tag: string) => (each: Described) => each.tags.some(({ name }) => name === tag);
const lacks = (tag: string) => (each: Described) => !has(tag)(each);
const namesOf = (some: readonly Described[]): readonly string[] => some.map(({ name }) => name);
const isSilent = ({ text }: Described): boolean => text.trim() === '';

describe('every public name', () => {
  const callable = names.filter(({ shape }) => shape === 'function' || shape === 'class');
  const methods = members.filter(({ isFunction, owner }) => isFunction && owner?.shape === 'class');

  it('is described', () => {
    expect(names.length).toBeGreaterThan(100);
    expect(namesOf(names.filter(isSilent))).toEqual([]);
  });

  it('that is a function or a class is shown in an example', () => {
    expect(namesOf(callable.filter(lacks('example')))).toEqual([]);
  });

  it('that is a method is described, also that of an interface', () => {
    const all = members.filter(({ isFunction }) => isFunction);
    expect(all.length).toBeGreaterThan(80);
    expect(namesOf(all.filter(isSilent))).toEqual([]);
  });

  it('that can throw says what', () => {
    const throwing = new Throwing(checker);
    const functionsOf = ({ declarations }: Described): readonly ts.Node[] =>
      declarations.flatMap<ts.Node>(each => (ts.isClassDeclaration(each) ? constructorsOf(each) : [each]));
    const found = [...callable, ...methods].filter(each =>
      functionsOf(each).some(one => throwing.canThrow(one)),
    );
    const says = (each: Described): boolean =>
      has('throws')(each) ||
      /never (throws|rejects)/i.test(each.text) ||
      functionsOf(each).some(one => ts.getJSDocTags(one).some(({ tagName }) => tagName.text === 'throws'));
    expect(namesOf(found)).toContain('createConsumer');
    expect(namesOf(found.filter(each => !says(each)))).toEqual([]);
  });

  it('has no tag that means nothing', () => {
    const known = ['example', 'throws', 'param', 'returns', 'deprecated', 'see'];
    const strange = [...names, ...members].flatMap(({ name, tags }) =>
      tags.filter(tag => !known.includes(tag.name)).map(tag => `${name} @${tag.name}`),
    );
    expect(strange).toEqual([]);
  });
});

describe('every option', () => {
  /** ResolvedConfig is computed from what a user writes. */
  const isSettings = (name = ''): boolean =>
    /(Options|Config|Environment|Settings)$/.test(name) && name !== 'ResolvedConfig';
  const options = members.filter(({ owner }) => owner?.shape === 'interface' && isSettings(owner.name));
  /** The other name says it. */
  const isAlias = ({ text }: Described): boolean => text.startsWith('Another name');

  it('is described', () => {
    expect(options.length).toBeGreaterThan(90);
    expect(namesOf(options.filter(isSilent))).toEqual([]);
  });

  it('that may be left out says what holds then', () => {
    const silent = options.filter(
      each => each.isOptional && !isAlias(each) && !/\bDefault\b|\bwithout it\b/i.test(each.text),
    );
    expect(namesOf(silent)).toEqual([]);
  });

  it('that is a number says what it counts', () => {
    const says = ({ text }: Described): boolean => /\bUnit: |\bms since 1970\b/.test(text);
    const numbers = options.filter(each => each.isNumber && !isAlias(each));
    expect(numbers.length).toBeGreaterThan(30);
    expect(namesOf(numbers.filter(each => !says(each)))).toEqual([]);
  });
});

describe('every example', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(root, 'docs'))
      .filter(name => name.endsWith('.md') && name !== 'testing.md')
      .map(name => `docs/${name}`),
  ];
  const blocks = pages.flatMap(page => {
    const text = readFileSync(join(root, page), 'utf8');
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], i) => ({
      name: `${page} block ${i + 1}`,
      code,
    }));
  });
  const examples = [...names, ...members].flatMap(each =>
    each.tags
      .filter(({ name }) => name === 'example')
      .map(({ text }, i) => ({
        name: `@example ${i + 1} of ${each.name}`,
        code: text,
      })),
  );
  const wrong = { name: 'wrong', code: "createConsumer({ consumerGrop: 'a' });" };
  const types = names.filter(({ shape }) => shape === 'interface' || shape === 'type');

  it('compiles, and what does not is found', { timeout: 120_000 }, () => {
    const all = [...blocks, ...examples, wrong];
    const files = new Map(all.map(({ name, code }) => [`${name}.ts`, asModule(code, namesOf(types))]));
    expect(files.size).toBe(all.length);
    expect(complaints(files)).toEqual([expect.stringMatching(/^wrong\.ts.*consumerGrop/)]);
  });

  it('is one of these', () => {
    expect(examples.length).toBeGreaterThan(110);
    const examined = new Set(blocks.map(({ name }) => name.split(' ', 1)[0]));
    for (const page of ['README.md', 'docs/retry.md', 'docs/control.md', 'docs/configuration.md'])
      expect(examined).toContain(page);
  });
});

function constructorsOf(declaration: ts.ClassDeclaration): readonly ts.Node[] {
  return declaration.members.filter(ts.isConstructorDeclaration);
}
