// SPDX-License-Identifier: Apache-2.0
/** May this offset be committed? Judged by what the listener did and the broker has, without the client's bookkeeping. */

/** So long a commit keeps others of its queue waiting. Unit: ms. */
const carrierLife = 1000;

export class CommitJudge {
  readonly problems: string[] = [];
  /** What the broker has. */
  stored = 0;
  readonly #done = new Set<number>();
  readonly #running = new Map<number, number>();
  /** Where work began, or began anew. */
  #place = 0;
  /** Places that were asked for, and are not reached yet. */
  readonly #sought = new Set<number>();
  #sent = 0;
  #carrierAt: number | undefined;
  #closed: 'lost' | 'ended' | 'shutdown' | undefined;

  /** Where the row of done messages breaks off. */
  get donePoint(): number {
    let point = this.#place;
    while (this.#done.has(point)) point++;
    return point;
  }

  /** Somebody asked for it; its first commit may be written before it is told that work goes on from there. */
  seek(offset: number): void {
    this.#sought.add(offset);
  }

  /** Work goes on from there, whatever was done. */
  place(offset: number): void {
    this.#sought.delete(offset);
    this.#place = offset;
    this.#sent = Math.min(this.#sent, offset);
    this.#carrierAt = undefined;
    this.#done.clear();
    this.#running.clear();
  }

  done(offset: number): void {
    this.#done.add(offset);
  }

  begins(offset: number, isOrderly: boolean): { readonly ends: (isDone: boolean) => void } {
    if (this.#running.has(offset)) this.problems.push(`${offset} was delivered twice at once`);
    if (isOrderly && this.#running.size > 0) this.problems.push(`${offset} was delivered beside another one`);
    if (this.#done.has(offset)) this.problems.push(`${offset} was delivered although it is done`);
    const id = Math.max(0, ...this.#running.values()) + 1;
    this.#running.set(offset, id);
    return {
      ends: isDone => {
        if (this.#running.get(offset) === id) this.#running.delete(offset);
        if (isDone) this.done(offset);
      },
    };
  }

  /** A commit is written. */
  leaves(offset: number, now: number): void {
    if (this.#closed === 'lost' || this.#closed === 'ended')
      this.problems.push(`${offset} committed, and the queue is ${this.#closed}`);
    if (this.#sought.has(offset)) this.place(offset);
    if (offset > Math.max(this.donePoint, this.stored))
      this.problems.push(`${offset} committed, done is ${this.donePoint}`);
    if (offset < this.#sent) this.problems.push(`the commit goes back to ${offset} from ${this.#sent}`);
    if (this.#carrierAt !== undefined && now - this.#carrierAt < carrierLife)
      this.problems.push(`${offset} committed beside a commit ${now - this.#carrierAt} ms old`);
    this.#sent = offset;
    this.#carrierAt = now;
  }

  /** Whoever wrote the last commit knows what became of it. */
  answered(): void {
    this.#carrierAt = undefined;
  }

  lands(offset: number): void {
    this.stored = offset;
    this.#carrierAt = undefined;
  }

  /** The next owner reads what the broker has. */
  gaveBack(): void {
    if (this.#closed === undefined && this.stored < this.donePoint)
      this.problems.push(`the lock is given back with ${this.donePoint} done, the broker has ${this.stored}`);
  }

  /** From now on nothing may be committed: it was lost or has ended. At a stop the persister still may. */
  close(why: 'lost' | 'ended' | 'shutdown'): void {
    this.#closed ??= why;
  }
}
