// SPDX-License-Identifier: Apache-2.0
/** Does what happens on a path keep the order its plan demands? What has to be remembered for that is part of where a path is. */
import type { PathPlan, PathRule } from './path-plan.ts';

/** For each rule: has one of `before`, or of `after`, happened since it began anew? */
export type Memory = readonly { readonly before: boolean; readonly after: boolean }[];

export class RuleBook {
  /** Sentences of rules of which something ever happened that they are about. */
  readonly applied = new Set<string>();
  private readonly rules: readonly PathRule[];

  constructor({ rules }: PathPlan) {
    this.rules = rules;
  }

  get blank(): Memory {
    return this.rules.map(() => ({ before: false, after: false }));
  }

  /** What is remembered after these happened in turn, and which sentences they break. */
  read(
    memory: Memory,
    names: readonly string[],
  ): { readonly memory: Memory; readonly broken: readonly string[] } {
    const broken: string[] = [];
    let now = memory;
    for (const name of names) {
      broken.push(
        ...this.rules.filter((rule, i) => this.isBroken(rule, now[i], name)).map(({ sentence }) => sentence),
      );
      now = this.rules.map((rule, i) => remembered(rule, now[i], name));
    }
    return { memory: now, broken };
  }

  private isBroken(rule: PathRule, memory: Memory[number] | undefined, name: string): boolean {
    if (!rule.never.includes(name)) return false;
    this.applied.add(rule.sentence);
    return (rule.before !== undefined && memory?.before !== true) || memory?.after === true;
  }
}

function remembered(rule: PathRule, memory: Memory[number] | undefined, name: string): Memory[number] {
  const begins = rule.until?.includes(name) !== true;
  return {
    before: (begins && memory?.before === true) || rule.before?.includes(name) === true,
    after: (begins && memory?.after === true) || rule.after?.includes(name) === true,
  };
}
