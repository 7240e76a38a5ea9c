// SPDX-License-Identifier: Apache-2.0
/** What do guards answer on a path? What the path says, so that every arrow can be tried; and which answers are there to try? */

/** Guards by name, and what they answer. Not named: no. */
export type Answers = ReadonlyMap<string, boolean>;

/** A guard that says yes again and again would lead round an eventless loop for ever. */
const mostYes = 3;
/** More questions than any chart asks at one event. */
const mostQuestions = 500;

export class Oracle {
  private answers: Answers = new Map();
  private asked = new Map<string, number>();
  private questions = 0;
  private readonly atOnce: number;

  /** @param atOnce how many guards say yes at one event, at most: what needs more of them is reached by several events */
  constructor(atOnce = 2) {
    this.atOnce = atOnce;
  }

  /** From here on, these are the answers. */
  tell(answers: Answers): void {
    this.answers = answers;
    this.asked = new Map();
    this.questions = 0;
  }

  ask(guard: string): boolean {
    if (++this.questions > mostQuestions) throw new Error(`${guard} is asked for ever`);
    const times = (this.asked.get(guard) ?? 0) + 1;
    this.asked.set(guard, times);
    return times <= mostYes && (this.answers.get(guard) ?? false);
  }

  /** The ways in which the guards that `run` asks can answer, found by trying: one more yes at a time. */
  ways(run: () => void): readonly Answers[] {
    const found: Answers[] = [];
    const open: Answers[] = [new Map()];
    for (let answers = open.pop(); answers !== undefined; answers = open.pop()) {
      this.tell(answers);
      run();
      found.push(answers);
      const before = new Map(answers);
      if ([...answers.values()].filter(Boolean).length >= this.atOnce) continue;
      for (const guard of this.asked.keys()) {
        if (before.has(guard)) continue;
        open.push(new Map([...before, [guard, true]]));
        before.set(guard, false);
      }
    }
    return found;
  }
}
