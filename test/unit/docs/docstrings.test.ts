// SPDX-License-Identifier: Apache-2.0
/** Is every public name described? Read from the entries, as an editor would show it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

interface Described {
  readonly name: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly isFunction: boolean;
  readonly isClass: boolean;
}

/** What an entry exports, with its comment. */
function exportsOf(...entries: readonly string[]): readonly Described[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), path => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = entries.map(entry => join(root, entry));
  const program = ts.createProgram({ rootNames: files, options });
  const checker = program.getTypeChecker();
  return files.flatMap(file => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    return (module ? checker.getExportsOfModule(module) : []).map(each => {
      const symbol = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each;
      return {
        name: symbol.name,
        text: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
        tags: symbol.getJsDocTags(checker).map(({ name }) => name),
        isFunction: (symbol.flags & ts.SymbolFlags.Function) !== 0,
        isClass: (symbol.flags & ts.SymbolFlags.Class) !== 0,
      };
    });
  });
}

describe('every public name', { timeout: 120_000 }, () => {
  const all = exportsOf(
    ...['src/index.ts', 'src/machines/index.ts', 'src/testing/index.ts', 'src/inspect/index.ts'],
  );

  it('is described', () => {
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter(({ text }) => text.trim() === '').map(({ name }) => name)).toEqual([]);
  });

  it('that is a function or a class is shown in an example', () => {
    const without = all.filter(
      ({ isFunction, isClass, tags }) => (isFunction || isClass) && !tags.includes('example'),
    );
    expect(without.map(({ name }) => name)).toEqual([]);
  });
});
