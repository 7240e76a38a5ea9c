// SPDX-License-Identifier: Apache-2.0
import { createInspector } from '@statelyai/inspect';
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { statelyBridge } from '../../../src/inspect/stately-bridge.ts';
import type { StatelyInspection, StatelyLink } from '../../../src/inspect/stately-events.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { ConsumerKit } from '../../support/consumer-kit.ts';

/** A page that is there when the test says so. */
class Page implements StatelyLink {
  readonly got: StatelyInspection[] = [];
  #listener = (): void => {};
  #open: boolean;

  constructor(open: boolean) {
    this.#open = open;
  }

  isOpen = (): boolean => this.#open;
  onOpen = (listener: () => void): void => {
    this.#listener = listener;
  };
  send = (event: StatelyInspection): void => {
    this.got.push(event);
  };

  come(): void {
    this.#open = true;
    this.#listener();
  }

  go(): void {
    this.#open = false;
  }

  of<Type extends StatelyInspection['type']>(
    type: Type,
  ): readonly Extract<StatelyInspection, { readonly type: Type }>[] {
    return this.got.filter(event => event.type === type) as Extract<
      StatelyInspection,
      { readonly type: Type }
    >[]; // the filter says so
  }

  states(name: string): readonly unknown[] {
    const ids = new Set(
      this.of('@xstate.actor')
        .filter(actor => actor.name === name)
        .map(({ sessionId }) => sessionId),
    );
    return this.of('@xstate.snapshot')
      .filter(({ sessionId }) => ids.has(sessionId))
      .map(({ snapshot }) => snapshot.value);
  }
}

async function shownConsumer(page: Page, options: { readonly maxEvents?: number } = {}) {
  const clock = new TestClock();
  const bridge = statelyBridge({ adapter: page, clock, ...options });
  const kit = new ConsumerKit({ environment: { inspect: bridge.inspect } });
  const pass = async (ms: number): Promise<void> => {
    await kit.pass(ms);
    await clock.advance(ms);
  };
  return { bridge, clock, kit, pass };
}

describe('a consumer in the Stately inspector', () => {
  it('is seen actor by actor, parents first, each with its chart', async () => {
    const page = new Page(true);
    const { kit, pass } = await shownConsumer(page);
    await kit.start();
    await pass(100);
    const actors = page.of('@xstate.actor');
    const known = new Set<string>();
    for (const { sessionId, parentId, definition, rootId } of actors) {
      if (parentId !== undefined) expect(known).toContain(parentId);
      expect(rootId).toBe(actors[0]?.sessionId);
      expect(JSON.parse(definition)).toHaveProperty('id');
      known.add(sessionId);
    }
    const charts = actors.map(({ definition }) => JSON.parse(definition).id);
    for (const chart of [
      'consumer',
      'routes',
      'heartbeat',
      'rebalance',
      'offsets',
      'queue',
      'pull',
      'consume',
    ])
      expect(charts).toContain(chart);
    kit.actor.send({ type: 'consumer.shutdown' });
  });

  it('shows every state of a start and a shutdown, also those that last no time', async () => {
    const page = new Page(true);
    const { kit, pass } = await shownConsumer(page);
    await kit.start();
    kit.actor.send({ type: 'consumer.shutdown' });
    await kit.until(() => kit.actor.getSnapshot().status === 'done');
    await pass(100);
    const paths = page.states('consumer').map(value => JSON.stringify(value));
    expect(paths).toContain('{"starting":"registering"}');
    expect(paths).toContain('{"stopping":"persisting"}');
    expect(paths.at(-1)).toBe('"stopped"');
  });

  it('says nothing while nobody looks, and tells a page that comes late of all actors first', async () => {
    const page = new Page(false);
    const { bridge, clock, kit, pass } = await shownConsumer(page);
    await kit.start();
    await pass(1000);
    expect(page.got).toEqual([]);
    expect(clock.pending).toBe(0);

    page.come();
    await clock.advance(50);
    expect(page.got.every(({ type }) => type === '@xstate.actor')).toBe(true);
    expect(page.got).toHaveLength(bridge.figures().actors);
    expect(page.of('@xstate.actor')[0]?.snapshot.value).toEqual({ running: 'active' });

    page.go();
    const before = page.got.length;
    kit.actor.send({ type: 'consumer.suspend' });
    await pass(100);
    expect(page.got).toHaveLength(before);
    page.come();
    await clock.advance(50);
    expect(page.got[before]).toMatchObject({
      type: '@xstate.actor',
      name: 'consumer',
      snapshot: { value: { running: 'suspended' } },
    });
    kit.actor.stop();
  });

  it('can be shown after it was started, and hidden again', async () => {
    const page = new Page(true);
    const clock = new TestClock();
    const bridge = statelyBridge({ adapter: page, clock });
    const kit = await new ConsumerKit().start();
    const attached = bridge.attach(kit.actor);
    await clock.advance(50);
    expect(page.states('consumer')).toEqual([]);
    expect(page.of('@xstate.actor').length).toBeGreaterThan(8);

    kit.actor.send({ type: 'consumer.suspend' });
    await kit.settle();
    await clock.advance(50);
    expect(page.states('consumer')).toContainEqual({ running: 'suspended' });

    attached.unsubscribe();
    const before = page.got.length;
    kit.actor.send({ type: 'consumer.resume' });
    await kit.settle();
    await clock.advance(50);
    expect(page.got).toHaveLength(before);
    kit.actor.stop();
  });

  it('forgets actors that have ended', async () => {
    const page = new Page(false);
    const { bridge, kit } = await shownConsumer(page);
    await kit.start();
    expect(bridge.figures().actors).toBeGreaterThan(8);
    kit.actor.send({ type: 'consumer.shutdown' });
    await kit.until(() => kit.actor.getSnapshot().status === 'done');
    page.come();
    expect(bridge.figures().actors).toBe(0);
  });

  it('shows facts of events and contexts, and no body', async () => {
    const page = new Page(true);
    const { kit, pass } = await shownConsumer(page);
    kit.cluster.store({ topic: 'orders', brokerName: 'broker-a', queueId: 0 }, 3);
    await kit.start();
    await pass(500);
    expect(kit.delivered).toHaveLength(3);
    const text = JSON.stringify(page.got);
    expect(text).not.toContain('"type":"Buffer"');
    expect(text).not.toContain('"data":[');
    expect(text).toContain('"assignedQueues"');
    kit.actor.stop();
  });
});

const light = setup({ types: { events: {} as { type: 'next' } | { type: 'look' } } }).createMachine({
  id: 'light',
  initial: 'green',
  on: { look: {} },
  states: { green: { on: { next: 'red' } }, red: { on: { next: 'green' } } },
});

describe('the bridge', () => {
  it('leaves out events beyond the limit and counts them, but no change of state', async () => {
    const page = new Page(true);
    const clock = new TestClock();
    const bridge = statelyBridge({ adapter: page, clock, maxEvents: 10 });
    const actor = createActor(light, { inspect: bridge.inspect }).start();
    for (let i = 0; i < 100; i++) actor.send({ type: 'look' });
    for (let i = 0; i < 7; i++) actor.send({ type: 'next' });
    await clock.advance(50);
    expect(bridge.figures().dropped).toBeGreaterThan(90);
    expect(page.states('light').slice(-7)).toEqual(['red', 'green', 'red', 'green', 'red', 'green', 'red']);
    expect(page.of('@xstate.event').length).toBeLessThanOrEqual(10);
  });

  it('sends of what only changed its context the newest of an interval', async () => {
    const page = new Page(true);
    const clock = new TestClock();
    const bridge = statelyBridge({ adapter: page, clock });
    const actor = createActor(light, { inspect: bridge.inspect }).start();
    await clock.advance(50);
    const before = page.of('@xstate.snapshot').length;
    for (let i = 0; i < 5; i++) actor.send({ type: 'look' });
    await clock.advance(50);
    expect(page.of('@xstate.snapshot')).toHaveLength(before + 1);
  });

  it('never lets an adapter that throws reach the actor', async () => {
    const clock = new TestClock();
    const bridge = statelyBridge({
      clock,
      adapter: {
        start: () => {
          throw new Error('no window');
        },
        send: () => {
          throw new Error('no page');
        },
        stop: () => {
          throw new Error('no stop');
        },
      },
    });
    const actor = createActor(light, { inspect: bridge.inspect }).start();
    actor.send({ type: 'next' });
    await clock.advance(50);
    bridge.close();
    expect(actor.getSnapshot().value).toBe('red');
    expect(bridge.figures()).toMatchObject({ sent: 0 });
    expect(bridge.figures().failed).toBeGreaterThan(3);
  });

  it('sends what it still has when it is closed, and nothing after', async () => {
    const page = new Page(true);
    const clock = new TestClock();
    const bridge = statelyBridge({ adapter: page, clock });
    const actor = createActor(light, { inspect: bridge.inspect }).start();
    bridge.close();
    const atClose = page.got.length;
    expect(atClose).toBeGreaterThan(0);
    actor.send({ type: 'next' });
    page.come();
    bridge.close();
    await clock.advance(1000);
    expect(page.got).toHaveLength(atClose);
    expect(clock.pending).toBe(0);
  });

  it('takes the adapters of @statelyai/inspect', async () => {
    const got: unknown[] = [];
    const { adapter } = createInspector({ send: event => got.push(event) });
    const clock = new TestClock();
    const bridge = statelyBridge({ adapter, clock });
    createActor(light, { inspect: bridge.inspect }).start();
    await clock.advance(50);
    expect(got).toMatchObject([
      { type: '@xstate.actor', name: expect.any(String), snapshot: { status: 'active', value: 'green' } },
      { type: '@xstate.event', event: { type: 'xstate.init' } },
      { type: '@xstate.snapshot', snapshot: { value: 'green' } },
    ]);
  });
});
