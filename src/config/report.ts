// SPDX-License-Identifier: Apache-2.0
/** Where do problems and warnings gather while a config is read, and what names the place they belong to? */
import type { ConfigProblem } from '../errors/errors.ts';

/** One place of the input, such as `subscriptions[0].topic`. */
export interface Spot {
  readonly path: string;
  /** Refuses the value. Answers undefined so that a reader can return it. */
  problem(problem: string, hint?: string): undefined;
  /** Accepts the value, but says what is odd about it. */
  warning(problem: string, hint?: string): void;
  /** A place inside this one: `[0]` or `.topic`. */
  inside(suffix: string): Spot;
}

/** How a place is spoken of beyond its path. */
interface Wording {
  /** Said when the problem itself brings no hint. */
  readonly hint?: string | undefined;
  /** Stands before every problem: where the value was found when not in the argument. */
  readonly prefix?: string | undefined;
}

/** Collects everything that is wrong; nothing stops at the first mistake. */
export class Report {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];

  at(path: string, wording: Wording = {}): Spot {
    const { prefix = '' } = wording;
    return {
      path,
      problem: (problem, hint = wording.hint) => {
        this.problems.push(note(path, prefix + problem, hint));
        return undefined;
      },
      warning: (problem, hint) => {
        this.warnings.push(note(path, prefix + problem, hint));
      },
      inside: suffix => this.at(path + suffix, wording),
    };
  }
}

function note(option: string, problem: string, hint: string | undefined): ConfigProblem {
  return hint === undefined ? { option, problem } : { option, problem, hint };
}
