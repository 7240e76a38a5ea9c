// SPDX-License-Identifier: Apache-2.0
/** The rules of design.md G2, checked from the broker's side: against every order in which carriers can land or get lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueueOffset, queueOffset } from '../../../src/model/queue-offset.ts';
import { type CommitCarrier, CommitLine } from '../../../src/stores/commit-line.ts';

type Way = 'take' | 'takeOneway' | 'takeFinal';
type Admitted = 'all' | 'final' | 'none';

interface Carrier {
  readonly ours: CommitCarrier;
  readonly offset: QueueOffset;
  readonly takenAt: number;
  readonly way: Way;
  readonly resets: number;
  where: 'travelling' | 'landed' | 'lost';
  /** Its outcome was told to the line. */
  told: boolean;
}

/** A broker and a network beside the line; knows nothing of how the line decides. */
class World {
  readonly line = new CommitLine(() => true);
  readonly carriers: Carrier[] = [];
  now = 0;
  resets = 0;
  stored = -1;
  storedInReset = 0;
  lastTaken = -1;
  takes = 0;
  admitted: Admitted = 'all';

  start(at: number): void {
    this.line.reset(queueOffset(at));
    this.resets++;
    this.lastTaken = -1;
  }

  admit(admitted: Admitted): void {
    this.admitted = admitted;
    if (admitted === 'final') this.line.admitFinal();
    else this.line.withhold(admitted === 'none');
  }

  take(way: Way): void {
    const othersBefore = this.carriers.filter(c => !c.told && this.ageOf(c) < 1000 && this.blocks(c, way));
    const ours = this.line[way](this.now);
    if (ours === undefined) return;
    const { offset } = ours;
    this.takes++;
    expect(this.admitted, 'nothing leaves while withheld').not.toBe('none');
    if (this.admitted === 'final') expect(way, 'nothing but the last commit').toBe('takeFinal');
    expect(offset, 'the point itself, never past it').toBe(this.line.point);
    expect(offset, 'values never go back').toBeGreaterThanOrEqual(this.lastTaken);
    expect(othersBefore, 'one carrier in flight').toEqual([]);
    this.lastTaken = offset;
    if (way === 'takeFinal') this.landOneways();
    this.carriers.push({
      ours,
      offset,
      takenAt: this.now,
      way,
      resets: this.resets,
      where: 'travelling',
      told: false,
    });
  }

  /** The broker takes one-way 15s and the final 15 from one queue, in order. */
  private landOneways(): void {
    for (const carrier of this.carriers) {
      if (carrier.way !== 'takeOneway') continue;
      this.land(carrier);
      carrier.told = true;
    }
  }

  private blocks(carrier: Carrier, way: Way): boolean {
    return !(way === 'takeFinal' && carrier.way === 'takeOneway' && this.ageOf(carrier) >= 100);
  }

  private ageOf(carrier: Carrier): number {
    return this.now - carrier.takenAt;
  }

  land(carrier: Carrier): void {
    if (carrier.where !== 'travelling') return;
    carrier.where = 'landed';
    if (carrier.resets === this.resets && this.storedInReset === this.resets) {
      expect(carrier.offset, 'the stored offset never goes back').toBeGreaterThanOrEqual(this.stored);
    }
    if (carrier.resets < this.storedInReset)
      expect.fail('a value from before a reset landed after one from behind it');
    this.stored = carrier.offset;
    this.storedInReset = carrier.resets;
  }

  tell(carrier: Carrier, outcome: 'accepted' | 'unknown' | 'refused'): void {
    if (carrier.told) return;
    if (carrier.way === 'takeOneway' && (outcome !== 'refused' || this.ageOf(carrier) > 0)) return; // told while writing, or never
    if (outcome === 'refused' && carrier.where === 'landed') return; // no honest peer says so
    if (outcome === 'accepted' && carrier.where === 'lost') return;
    carrier.told = true;
    if (outcome === 'accepted') this.land(carrier);
    if (outcome === 'refused') carrier.where = 'lost';
    if (outcome === 'refused') this.line.refused(carrier.ours);
    else this.line.settled(carrier.ours, outcome === 'accepted');
  }

  /** Nothing travels for 1000 ms or longer: it lands before, or is lost. */
  pass(ms: number, lost: boolean): void {
    this.now += ms;
    for (const carrier of this.carriers) {
      if (carrier.where !== 'travelling' || this.ageOf(carrier) < 1000) continue;
      if (lost) carrier.where = 'lost';
      else this.land(carrier);
    }
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), by: fc.integer({ min: 0, max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('reset' as const), to: fc.integer({ min: 0, max: 20 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      way: fc.constantFrom<Way>('take', 'takeOneway', 'takeFinal'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('land' as const), which: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('tell' as const),
      which: fc.nat(3),
      outcome: fc.constantFrom('accepted' as const, 'unknown' as const, 'refused' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 99, 100, 500, 999, 1000, 1500),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      admitted: fc.constantFrom<Admitted>('all', 'final', 'none'),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(world: World, steps: readonly Step[]): void {
  const newest = (which: number): Carrier | undefined => world.carriers.at(-1 - which);
  for (const now of steps) {
    switch (now.do) {
      case 'advance':
        world.line.advance(queueOffset((world.line.point ?? 0) + now.by));
        break;
      case 'reset':
        world.start(now.to);
        break;
      case 'take':
        world.take(now.way);
        break;
      case 'land': {
        const carrier = newest(now.which);
        if (carrier !== undefined) world.land(carrier);
        break;
      }
      case 'tell': {
        const carrier = newest(now.which);
        if (carrier !== undefined) world.tell(carrier, now.outcome);
        break;
      }
      case 'pass':
        world.pass(now.ms, now.lost);
        break;
      case 'admit':
        world.admit(now.admitted);
        break;
      default:
        now satisfies never;
    }
  }
}

/** Two carriers took 0 along; the newer failed and lands late, the older is accepted. */
const sameValueTwice: Step[] = [
  { do: 'take', way: 'take' },
  { do: 'pass', ms: 1000, lost: false },
  { do: 'take', way: 'take' },
  { do: 'tell', which: 0, outcome: 'unknown' },
  { do: 'advance', by: 1 },
  { do: 'tell', which: 1, outcome: 'accepted' },
  { do: 'take', way: 'takeOneway' },
  { do: 'pass', ms: 100, lost: false },
  { do: 'take', way: 'takeFinal' },
  { do: 'pass', ms: 1000, lost: false },
];

/** Three with one value: of the two that were overtaken one failed and one is accepted; which, no value could say. */
const sameValueThrice: Step[] = [
  { do: 'take', way: 'take' },
  { do: 'pass', ms: 1500, lost: false },
  { do: 'take', way: 'take' },
  { do: 'tell', which: 0, outcome: 'unknown' },
  { do: 'pass', ms: 1000, lost: false },
  { do: 'take', way: 'take' },
  { do: 'tell', which: 2, outcome: 'accepted' },
  { do: 'advance', by: 1 },
  { do: 'take', way: 'take' },
  { do: 'pass', ms: 1000, lost: false },
];

describe('whatever happens to carriers', () => {
  it('commits never go back, travel one at a time, and never pass the point', () => {
    let takes = 0;
    let lost = 0;
    fc.assert(
      fc.property(fc.nat(10), fc.array(step, { maxLength: 60, size: 'max' }), (start, steps) => {
        const world = new World();
        world.start(start);
        run(world, steps);
        takes += world.takes;
        lost += world.carriers.filter(c => c.where === 'lost').length;
      }),
      {
        numRuns: 2000,
        examples: [
          [0, sameValueTwice],
          [0, sameValueThrice],
        ],
      },
    );
    expect(takes, 'the schedules are not empty').toBeGreaterThan(3_000);
    expect(lost, 'and some carriers are lost').toBeGreaterThan(500);
  });

  it('the broker ends with the point after at most two more answered carriers', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.array(step, { maxLength: 60, size: 'max' }), (start, steps) => {
        const world = new World();
        world.start(start);
        run(world, steps);
        world.admit('final'); // whatever else is kept away, that one goes on
        world.pass(1000, true);
        for (const carrier of world.carriers) world.tell(carrier, 'unknown');
        for (let more = 0; more < 2 && !world.line.isSettled; more++) {
          world.pass(1000, true);
          world.take('takeFinal');
          const last = world.carriers.at(-1);
          if (last !== undefined) world.tell(last, 'accepted');
        }
        expect(world.line.isSettled).toBe(true);
        expect(world.line.handed).toBe(world.line.point);
        expect(world.stored).toBe(world.line.point);
      }),
      { numRuns: 2000 },
    );
  });
});
