// SPDX-License-Identifier: Apache-2.0
/** A commit line whose carriers go by their value: shorter to read in examples where no two carry the same. */
import { type CommitCarrier, type CommitGate, CommitLine } from '../../../src/stores/commit-line.ts';

type Way = 'take' | 'takeOneway' | 'takeFinal';

export class ValueLine {
  readonly line: CommitLine;
  readonly #carriers: CommitCarrier[] = [];

  constructor(mayCommit: CommitGate) {
    this.line = new CommitLine(mayCommit);
  }

  take(now: number): number | undefined {
    return this.#leave('take', now);
  }

  takeOneway(now: number): number | undefined {
    return this.#leave('takeOneway', now);
  }

  takeFinal(now: number): number | undefined {
    return this.#leave('takeFinal', now);
  }

  settled(offset: number, accepted: boolean): void {
    this.line.settled(this.#of(offset), accepted);
  }

  refused(offset: number): void {
    this.line.refused(this.#of(offset));
  }

  #leave(way: Way, now: number): number | undefined {
    const carrier = this.line[way](now);
    if (carrier !== undefined) this.#carriers.push(carrier);
    return carrier?.offset;
  }

  /** One that never left stands for whoever tells of something the line did not send. */
  #of(offset: number): CommitCarrier {
    return this.#carriers.findLast(each => each.offset === offset) ?? ({ offset } as CommitCarrier); // a plain number, here
  }
}
