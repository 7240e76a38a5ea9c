// SPDX-License-Identifier: Apache-2.0
/** Can a function throw by its own words: a `throw` in it, or in one of ours that it calls? */
import ts from 'typescript';
import { root } from './surface.ts';

/** They throw for defects of our own only. */
const forDefects: ReadonlySet<string> = new Set(['assertNever']);

/** Looks through calls of functions and methods that are declared in src; a `catch` around a place counts as handling it. */
export class Throwing {
  readonly #checker: ts.TypeChecker;
  readonly #known = new Map<ts.Node, boolean>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** A declaration without a body throws nothing. */
  canThrow(declaration: ts.Node): boolean {
    const known = this.#known.get(declaration);
    if (known !== undefined) return known;
    this.#known.set(declaration, false); // what calls itself throws for another reason or not at all
    const body = bodyOf(declaration);
    const answer = body !== undefined && this.#throws(body);
    this.#known.set(declaration, answer);
    return answer;
  }

  #throws(node: ts.Node): boolean {
    if (ts.isThrowStatement(node)) return !node.getText().includes("'RMQ_INTERNAL'"); // a defect of our own
    if (ts.isFunctionLike(node)) return false; // called by somebody else, at another time
    if (ts.isTryStatement(node) && node.catchClause !== undefined)
      return this.#throws(node.catchClause.block) || some(node.finallyBlock, each => this.#throws(each));
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && this.#callThrows(node)) return true;
    return ts.forEachChild(node, each => this.#throws(each)) ?? false;
  }

  #callThrows(call: ts.CallExpression | ts.NewExpression): boolean {
    const declaration = this.#checker.getResolvedSignature(call)?.declaration;
    if (declaration === undefined || !declaration.getSourceFile().fileName.startsWith(`${root}/src/`))
      return false;
    const name = 'name' in declaration ? declaration.name?.getText() : undefined;
    return !(name !== undefined && forDefects.has(name)) && this.canThrow(declaration);
  }
}

function some(node: ts.Node | undefined, holds: (node: ts.Node) => boolean): boolean {
  return node !== undefined && holds(node);
}

function bodyOf(node: ts.Node): ts.Node | undefined {
  if (ts.isFunctionLike(node)) return 'body' in node ? node.body : undefined;
  const value =
    ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) ? node.initializer : undefined;
  return value !== undefined && ts.isFunctionLike(value) && 'body' in value ? value.body : undefined;
}
