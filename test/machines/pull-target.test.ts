// SPDX-License-Identifier: Apache-2.0
/** From which replica is a queue pulled? The invariants in the head of pull-target.ts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PullTarget, type TargetChange } from '../../src/machines/pull/pull-target.ts';
import type { Caller } from '../../src/transport/call.ts';

class FakeLine implements Caller {
  readonly address: string;
  isOpen = true;

  constructor(address: string) {
    this.address = address;
  }

  call(): void {}

  oneway(): boolean {
    return false;
  }

  cancel(): void {}
}

/** A broker with a master and slaves 1 and 2; the test cuts lines and drops ids from the route. */
class World {
  now = 0;
  readonly lines = new Map([0, 1, 2].map(id => [id, new FakeLine(`10.0.0.${id}:10911`)]));
  readonly changes: TargetChange[] = [];
  missed = 0;
  readonly target: PullTarget;

  constructor(mayStandIn = true) {
    this.target = new PullTarget({
      replicas: {
        brokerName: 'broker-a',
        line: id => this.lines.get(id),
        slaves: () => [...this.lines.keys()].filter(id => id !== 0),
      },
      mayStandIn,
      now: () => this.now,
      onChanged: change => this.changes.push(change),
      onMasterMissed: () => {
        this.missed += 1;
      },
    });
  }

  open(id: number, isOpen: boolean): void {
    const line = this.lines.get(id);
    if (line !== undefined) line.isOpen = isOpen;
  }

  /** Whom the next pull asks; `answer` says what is suggested then, `fails` that nothing came. */
  pull(answer: number | 'fails' = 0): number | string {
    try {
      const replica = this.target.next();
      this.target.suggested(replica, answer === 'fails' ? undefined : answer);
      return replica.brokerId;
    } catch (thrown) {
      return (thrown as { code: string }).code; // one of ours, or the test fails
    }
  }
}

describe('a queue', () => {
  it('is pulled from the master, and nobody hears of that', () => {
    const world = new World();
    expect([world.pull(), world.pull(), world.target.brokerId, world.target.reading]).toEqual([
      0,
      0,
      0,
      'master',
    ]);
    expect([world.changes, world.missed]).toEqual([[], 0]);
  });

  it('goes to the slave that an answer suggests, and back when an answer of the slave says so', () => {
    const world = new World();
    expect([world.pull(1), world.pull(1), world.pull(0), world.pull(0)]).toEqual([0, 1, 1, 0]);
    expect(world.changes).toEqual([
      { from: 0, to: 1, reading: 'suggested' },
      { from: 1, to: 0, reading: 'master' },
    ]);
  });

  it('stays at the master when the suggested slave is not connected, or not in the route', () => {
    const world = new World();
    world.open(1, false);
    expect([world.pull(1), world.pull(7), world.pull()]).toEqual([0, 0, 0]);
  });

  it('is not sent to and fro: after a failure at a slave no suggestion counts for 10 s', () => {
    const world = new World();
    expect([world.pull(1), world.pull('fails'), world.pull(1), world.pull(1)]).toEqual([0, 1, 0, 0]);
    world.now = 9999;
    expect(world.pull(1)).toBe(0);
    world.now = 10_000;
    expect(world.pull(1)).toBe(1);
  });

  it('is pulled from a slave while the master is away, and from the master as soon as it is back', () => {
    const world = new World();
    world.pull();
    world.open(0, false);
    expect([world.pull(), world.pull(0), world.target.reading]).toEqual([1, 1, 'standIn']);
    world.open(0, true);
    expect(world.pull()).toBe(0);
    expect(world.changes.map(({ to, reading }) => `${to} ${reading}`)).toEqual(['1 standIn', '0 master']);
  });

  it('does not stay at the stand-in because that suggested itself', () => {
    const world = new World();
    world.open(0, false);
    expect([world.pull(1), world.pull(1)]).toEqual([1, 1]);
    world.open(0, true);
    expect([world.pull(), world.pull()]).toEqual([0, 0]);
  });

  it('goes on at the stand-in that failed: there is nobody else, and its pauses are the puller’s', () => {
    const world = new World();
    world.open(0, false);
    world.open(2, false);
    expect([world.pull('fails'), world.pull('fails'), world.pull()]).toEqual([1, 1, 1]);
  });

  it('takes the other slave when the stand-in is gone', () => {
    const world = new World();
    world.open(0, false);
    world.pull();
    world.open(1, false);
    expect(world.pull()).toBe(2);
    world.open(1, true);
    expect(world.pull()).toBe(2);
  });

  it('waits for no connection when there are several to wait for', () => {
    const world = new World();
    for (const id of [0, 1, 2]) world.open(id, false);
    expect(world.pull()).toBe('RMQ_NO_REPLICA');
    world.open(2, true);
    expect(world.pull()).toBe(2);
  });

  it('asks for the route when that names no master, and says so when there is no slave either', () => {
    const world = new World();
    world.lines.delete(0);
    expect([world.pull(), world.missed]).toEqual([1, 1]);
    world.lines.clear();
    expect([world.pull(), world.missed]).toEqual(['RMQ_BROKER_NOT_FOUND', 2]);
  });

  it('that needs a lock waits for the master, also when it was read from a slave', () => {
    const world = new World(false);
    expect([world.pull(1), world.pull(1)]).toEqual([0, 1]);
    world.open(0, false);
    expect(world.pull()).toBe(0);
    world.lines.delete(0);
    expect(world.pull()).toBe('RMQ_BROKER_NOT_FOUND');
  });
});

describe('an offset may go along', () => {
  it('with a pull to the connected master only', () => {
    const world = new World();
    expect(world.target.isMasterNext()).toBe(true);
    world.pull(1);
    expect(world.target.isMasterNext()).toBe(false);
    world.pull(0);
    expect(world.target.isMasterNext()).toBe(true);
    world.open(0, false);
    expect(world.target.isMasterNext()).toBe(false);
    world.lines.delete(0);
    expect(world.target.isMasterNext()).toBe(false);
  });
});

const move = fc.oneof(
  fc.record({ open: fc.constantFrom(0, 1, 2), to: fc.boolean() }),
  fc.record({ answer: fc.constantFrom(0, 1, 2, 9, 'fails' as const) }),
  fc.record({ pass: fc.integer({ min: 0, max: 12_000 }) }),
);

it('whatever happens: a slave is asked only when it is connected, a lock keeps to its master, and the changes are a chain', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), fc.boolean(), (moves, mayStandIn) => {
      const world = new World(mayStandIn);
      let at = 0;
      for (const each of moves) {
        if ('open' in each) world.open(each.open, each.to);
        else if ('pass' in each) world.now += each.pass;
        else {
          const isMasterNext = world.target.isMasterNext();
          const asked = world.pull(each.answer);
          if (typeof asked === 'number' && asked !== 0) expect(world.lines.get(asked)?.isOpen).toBe(true);
          if (world.lines.get(0)?.isOpen === false && !mayStandIn) expect(asked).toBe(0);
          if (isMasterNext) expect(asked).toBe(0);
        }
      }
      for (const { from, to } of world.changes) {
        expect([from, to === from]).toEqual([at, false]);
        at = to;
      }
      expect(world.target.brokerId).toBe(at);
    }),
  );
});
