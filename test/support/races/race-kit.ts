// SPDX-License-Identifier: Apache-2.0
/** How is one component raced: its commands, what its ports answer, failures and time in seeded orders, and how each history ended? */
import fc from 'fast-check';
import type { TestClock } from '../../../src/testing/test-clock.ts';
import { turn } from '../builders.ts';

/** How one history ended, and what was wrong with it. */
export interface RaceEnd {
  readonly end: string;
  /** Of a consumer: offsets beyond the beginning were confirmed. */
  readonly committed?: boolean;
  readonly problems: readonly string[];
}

export interface RaceSize {
  readonly runs: number;
  readonly seed: number;
}

/** What can be raced. */
export interface Race {
  readonly name: string;
  /** All the ways a history of it can end, and does. */
  readonly ends: readonly string[];
  /** Rejects with the shortest history that goes wrong. */
  run(size: RaceSize, onEnd: (end: RaceEnd) => void): Promise<void>;
}

/** A real actor between fake ports. It judges by what these see, in words of its own. */
export interface RaceWorld<Kind extends string> {
  readonly clock: TestClock;
  readonly problems: readonly string[];
  take(kind: Kind, dice: number): unknown;
  /** Brings it to its end, looks once more, and says how it ended. */
  finish(dice: number): Promise<string>;
}

export interface RaceDefinition<Kind extends string> {
  readonly name: string;
  readonly ends: readonly string[];
  /** How often each thing happens beside the others. */
  readonly weights: Readonly<Record<Kind, number>>;
  /** Default 30. */
  readonly mostSteps?: number;
  readonly world: (chance: Chance) => RaceWorld<Kind>;
}

/** Answers that may arrive before a step. */
const mostArrivals = 6;

/** What fake ports ask: when does an answer come, and which one? */
export class Chance {
  readonly #scheduler: fc.Scheduler;
  #state: number;

  constructor(scheduler: fc.Scheduler, luck: number) {
    this.#scheduler = scheduler;
    this.#state = luck;
  }

  /** Whether answers wait for their turn. */
  get isWaitedFor(): boolean {
    return this.#scheduler.count() > 0;
  }

  /** A number below that; the same history throws the same. */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  /** Settles in its turn, as is decided then. */
  later<T>(label: string, decide: () => T | Promise<T>): Promise<T> {
    return this.#scheduler.schedule(Promise.resolve(), label).then(decide);
  }

  /** One answer more, if any waits, and what follows from it. */
  async arrive(): Promise<void> {
    if (this.isWaitedFor) await this.#scheduler.waitOne();
    await settled();
  }

  /** Everything that may still come has come. */
  async exhaust(clock: TestClock): Promise<void> {
    for (let i = 0; i < 200 && this.isWaitedFor; i++) await this.arrive();
    await clock.flush();
  }
}

/** Whatever can follow without time or answers has followed. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await turn();
}

export function defineRace<Kind extends string>(definition: RaceDefinition<Kind>): Race {
  const { name, ends, weights, mostSteps = 30, world } = definition;
  const kinds = Object.entries<number>(weights).map(([kind, weight]) => ({
    weight,
    arbitrary: fc.constant(kind as Kind), // the keys of a table of kinds
  }));
  const step = fc.record({ kind: fc.oneof(...kinds), dice: fc.nat(9999), arrivals: fc.nat(mostArrivals) });
  const history = fc.record({
    steps: fc.array(step, { maxLength: mostSteps, size: 'max' }),
    luck: fc.nat(),
    last: fc.nat(9999),
  });
  return {
    name,
    ends,
    run: ({ runs, seed }, onEnd) =>
      fc.assert(
        fc.asyncProperty(fc.scheduler(), history, async (scheduler, { steps, luck, last }) => {
          const chance = new Chance(scheduler, luck);
          const raced = world(chance);
          await settled();
          for (const { kind, dice, arrivals } of steps) {
            for (let i = 0; i < arrivals; i++) await chance.arrive();
            await raced.take(kind, dice);
            await settled();
          }
          const end = await raced.finish(last);
          const { problems } = raced;
          onEnd({ end, problems });
          if (problems.length > 0) throw new Error(`${end}: ${problems.join('; ')}`);
        }),
        { seed, numRuns: runs },
      ),
  };
}

/** How often each way to end came. */
export class Histogram {
  readonly #race: Pick<Race, 'ends'>;
  readonly #counts = new Map<string, number>();

  constructor(race: Pick<Race, 'ends'>) {
    this.#race = race;
  }

  readonly add = ({ end }: Pick<RaceEnd, 'end'>): void => {
    this.#counts.set(end, (this.#counts.get(end) ?? 0) + 1);
  };

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Ways to end that never came. */
  get missing(): readonly string[] {
    return this.#race.ends.filter(end => !this.#counts.has(end));
  }

  /** Ways that came and are not in the list. */
  get unlisted(): readonly string[] {
    return [...this.#counts.keys()].filter(end => !this.#race.ends.includes(end));
  }

  /** The most frequent first. */
  toString(): string {
    const counts = [...this.#counts].sort(([, a], [, b]) => b - a);
    return counts.map(([end, count]) => `${end} ${count}`).join(', ');
  }
}

/** Runs a race and counts. Rejects as the race does. */
export async function histogramOf(race: Race, size: RaceSize): Promise<Histogram> {
  const histogram = new Histogram(race);
  await race.run(size, histogram.add);
  return histogram;
}
