// SPDX-License-Identifier: Apache-2.0
/** What do the four entries export, and what stands in the comment of each name and of its members? As an editor would show it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export const root = join(import.meta.dirname, '../../../..');

export const compilerOptions: ts.CompilerOptions = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, 'tsconfig.json'), path => readFileSync(path, 'utf8')).config,
  ts.sys,
  root,
).options;

const entries = ['src/index.ts', 'src/machines/index.ts', 'src/testing/index.ts', 'src/inspect/index.ts'];

export type Shape = 'function' | 'class' | 'interface' | 'type' | 'value';

export interface Described {
  /** `whenRunning`, or of a member `Consumer.seek`. */
  readonly name: string;
  readonly shape: Shape;
  /** Set for what belongs to a class or an interface. */
  readonly owner?: Described;
  readonly text: string;
  readonly tags: readonly { readonly name: string; readonly text: string }[];
  /** It can be called. */
  readonly isFunction: boolean;
  /** It is a number, or may be one. */
  readonly isNumber: boolean;
  readonly isOptional: boolean;
  readonly declarations: readonly ts.Declaration[];
}

export interface Surface {
  readonly names: readonly Described[];
  readonly members: readonly Described[];
  readonly checker: ts.TypeChecker;
}

/** Read once for each file of tests: the compiler takes seconds. */
export function readSurface(): Surface {
  const files = entries.map(entry => join(root, entry));
  const program = ts.createProgram({ rootNames: files, options: compilerOptions });
  const checker = program.getTypeChecker();
  const symbols = new Set(
    files.flatMap(file => {
      const source = program.getSourceFile(file);
      const module = source && checker.getSymbolAtLocation(source);
      return (module ? checker.getExportsOfModule(module) : []).map(each =>
        each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each,
      );
    }),
  );
  const names = [...symbols].map(symbol => describe(symbol, checker));
  const members = [...symbols].flatMap((symbol, i) => {
    const owner = names[i];
    if (owner === undefined || !isComposite(symbol)) return [];
    const all = checker.getDeclaredTypeOfSymbol(symbol).getProperties().filter(isPublicAndOurs);
    return all.map(each => describe(each, checker, owner));
  });
  return { names, members, checker };
}

function describe(symbol: ts.Symbol, checker: ts.TypeChecker, owner?: Described): Described {
  const declarations = symbol.declarations ?? [];
  const [declaration] = declarations;
  const type = declaration && checker.getTypeOfSymbolAtLocation(symbol, declaration);
  const present = type && checker.getNonNullableType(type);
  const parts = present?.isUnion() === true ? present.types : [present];
  return {
    name: owner === undefined ? symbol.name : `${owner.name}.${symbol.name}`,
    shape: shapeOf(symbol),
    ...(owner === undefined ? {} : { owner }),
    text: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    tags: symbol.getJsDocTags(checker).map(({ name, text }) => ({
      name,
      text: ts.displayPartsToString(text),
    })),
    isFunction: (present?.getCallSignatures().length ?? 0) > 0,
    isNumber: parts.some(part => part !== undefined && (part.flags & ts.TypeFlags.NumberLike) !== 0),
    isOptional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
    declarations,
  };
}

function shapeOf({ flags }: ts.Symbol): Shape {
  if (flags & ts.SymbolFlags.Function) return 'function';
  if (flags & ts.SymbolFlags.Class) return 'class';
  if (flags & ts.SymbolFlags.Interface) return 'interface';
  return flags & ts.SymbolFlags.Variable ? 'value' : 'type';
}

function isComposite({ flags }: ts.Symbol): boolean {
  return (flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0;
}

/** Neither private, nor inherited from what is not ours. */
function isPublicAndOurs({ declarations = [] }: ts.Symbol): boolean {
  const { Private, Protected } = ts.ModifierFlags;
  return declarations.every(each => {
    const name = ts.getNameOfDeclaration(each);
    const isHidden =
      (name !== undefined && ts.isPrivateIdentifier(name)) ||
      (ts.getCombinedModifierFlags(each) & (Private | Protected)) !== 0;
    return !isHidden && each.getSourceFile().fileName.startsWith(`${root}/src/`);
  });
}
