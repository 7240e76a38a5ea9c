// SPDX-License-Identifier: Apache-2.0
/** Which stored messages do pulls bring changed, and how often still? */
import type { MessageDamage, Rule } from '../cluster.types.ts';
import { damagedRecord } from './damaged-record.ts';

class ActiveDamage implements Rule {
  readonly what: MessageDamage;
  readonly #times: number;
  readonly #end: () => void;
  #applied = 0;

  constructor(what: MessageDamage, times: number, end: () => void) {
    this.what = what;
    this.#times = times;
    this.#end = end;
  }

  get applied(): number {
    return this.#applied;
  }

  apply(record: Buffer): Buffer {
    this.#applied += 1;
    if (this.#applied >= this.#times) this.remove();
    return damagedRecord(record, this.what);
  }

  remove(): void {
    this.#end();
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

/** By position in the commit log; what is stored stays as it is. */
export class Damages {
  readonly #byPosition = new Map<number, ActiveDamage>();

  /** Takes the place of an earlier one. */
  add(position: number, what: MessageDamage, times: number): Rule {
    const damage = new ActiveDamage(what, times, () => {
      if (this.#byPosition.get(position) === damage) this.#byPosition.delete(position);
    });
    if (times > 0) this.#byPosition.set(position, damage);
    else this.#byPosition.delete(position);
    return damage;
  }

  /** The record as a pull brings it. */
  asPulled(position: number, record: Buffer): Buffer {
    return this.#byPosition.get(position)?.apply(record) ?? record;
  }
}
