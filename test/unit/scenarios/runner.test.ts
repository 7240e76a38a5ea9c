// SPDX-License-Identifier: Apache-2.0
/** Does the runner notice when a scenario does not go as expected, and does it leave the cluster as it was? */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Interference, RequestMatch } from '../../../src/testing/embedded/cluster.types.ts';
import { hadQueues, usual } from '../../scenarios/expected.ts';
import {
  consumed,
  createTopic,
  deliveries,
  fromFirst,
  killBroker,
  members,
  more,
  produce,
  start,
  startLoad,
  stop,
} from '../../scenarios/steps.ts';
import { startEmbedded, startEmbeddedWith } from '../../support/scenario/embedded-cluster.ts';
import { runScenario } from '../../support/scenario/runner.ts';
import type { Expectations, GroupExpectation, Scenario } from '../../support/scenario/scenario.types.ts';
import { readTrace } from '../../support/trace-entries.ts';

const one = { brokers: 1, nameServers: 1 };

const asExpected: GroupExpectation = {
  ...{ group: 'billing', topic: 'orders', lost: 0, repeated: 0, committed: 'max' },
};

/** One member that fails each fifth of 20 messages once. */
const sample: Scenario = {
  name: 'a sample',
  steps: [
    createTopic('orders', 2),
    produce('orders', 20, { tags: ['paid', 'open'] }),
    start('anna', 'billing', 'orders', { listener: { fails: { every: 5, times: 1, by: 'answer' } } }),
    consumed('orders', 'billing'),
    stop('anna'),
  ],
  expect: {
    consumed: [{ ...asExpected, attempts: { 1: 20, 2: 4 }, pauses: { 2: 1000 } }],
    events: { anna: { ...hadQueues('orders', 2), 'message.retried': 4 } },
    members: { billing: [] },
  },
  ignore: usual,
};

async function problemsOf(scenario: Scenario): Promise<string> {
  await using cluster = await startEmbedded(one);
  const { problems } = await runScenario(scenario, cluster);
  return problems.join('\n');
}

function expecting(change: Partial<Expectations>): Scenario {
  return { ...sample, expect: { ...sample.expect, ...change } };
}

function ofGroup(change: Partial<GroupExpectation>): Scenario {
  return expecting({ consumed: [{ ...asExpected, ...change }] });
}

/** All of a queue at once, for 20 ms. */
function slowly(change: Partial<GroupExpectation>): Scenario {
  const [topic, load, , ...rest] = ofGroup(change).steps;
  const slow = start('anna', 'billing', 'orders', { listener: { takesMs: 20 } });
  return { ...ofGroup(change), steps: [topic, load, slow, ...rest].filter(step => step !== undefined) };
}

describe('a run is told to be otherwise than expected', () => {
  test.each<[string, Scenario, RegExp]>([
    ['deliveries by attempt', ofGroup({ attempts: { 1: 20 } }), /by attempt \{"1":20,"2":4\}/],
    ['a pause that was shorter', ofGroup({ pauses: { 2: 9000 } }), /attempt 2 sooner than after 9000 ms, 4/],
    [
      'a pause before an attempt that never was',
      ofGroup({ pauses: { 3: 1 } }),
      /nothing was delivered 3 times/,
    ],
    ['a message that came late', ofGroup({ within: -1 }), /first delivered later/],
    [
      'an order that a concurrent listener does not keep',
      slowly({ order: 'queue' }),
      /billing in orders: side by side, \d+: orders@broker-a#0: /,
    ],
    ['calls side by side', slowly({ sideBySide: 64 }), /at most \d+ calls of a queue side by side/],
    ['batches', ofGroup({ batches: { largest: 2 } }), /the largest batch has 1/],
    ['messages that nobody wanted', ofGroup({ tags: ['paid'] }), /not wanted, 10: [13579]/],
    ['a number that is missing', ofGroup({ messages: [1, 99] }), /lost, 1: 99/],
    ['a dead letter that was done', ofGroup({ dead: [5] }), /done, though it is to be a dead letter, 1: 5/],
    ['offsets at their max', ofGroup({ committed: 'behind' }), /committed 0: 1\d of 1\d/],
    [
      'an event too many',
      expecting({ events: { anna: hadQueues('orders', 2) } }),
      /not expected: 4 message\.retried/,
    ],
    [
      'an event too few',
      expecting({ events: { anna: { ...sample.expect.events['anna'], 'message.retried': 5 } } }),
      /4 message\.retried, expected 5/,
    ],
    [
      'facts of an event',
      expecting({
        events: {
          anna: { ...hadQueues('orders', 2), 'message.retried': { atLeast: 1, each: { attempt: 2 } } },
        },
      }),
      /4 message\.retried, expected .*"attempt":2/,
    ],
    ['states', expecting({ states: { anna: ['idle'] } }), /anna: states idle → starting\.connecting/],
    ['members', expecting({ members: { billing: ['anna'] } }), /a broker lists \[\], expected \[.*anna/],
    ['dead letters', expecting({ deadLetters: { billing: 1 } }), /billing: 0 dead letters, expected 1/],
    ['a member that there never was', expecting({ states: { boris: [] } }), /has no member boris/],
  ])('in %s', async (_, scenario, problem) => {
    expect(await problemsOf(scenario)).toMatch(problem);
  });

  test('when a member stops before its work is done', async () => {
    const problems = await problemsOf({
      ...sample,
      steps: [
        createTopic('orders', 2),
        produce('orders', 200),
        start('anna', 'billing', 'orders', {
          ...{ listener: { takesMs: 50 }, options: { ...fromFirst, consumeConcurrency: 1 } },
        }),
        deliveries('anna', 10),
        stop('anna'),
      ],
    });
    expect(problems).toMatch(/billing in orders: lost, 1\d\d: /);
    expect(problems).toMatch(/billing in orders: lost by offset, 1\d\d: /);
    expect(problems).toMatch(/billing in orders: committed 0: \d+ of 100, 1: \d+ of 100/);
  });

  test('when a message is done twice, as after a crash', async () => {
    const problems = await problemsOf({
      ...sample,
      steps: [
        createTopic('orders', 1),
        produce('orders', 10),
        start('anna', 'billing', 'orders', {
          options: { ...fromFirst, persistConsumerOffsetInterval: 60_000 },
        }),
        consumed('orders', 'billing'),
        { do: 'stopMember', member: 'anna' },
        start('boris', 'billing', 'orders'),
        deliveries('boris', 1),
        stop('boris'),
      ],
    });
    expect(problems).toMatch(/billing in orders: repeated \d+/);
  });

  test('when a shutdown could not hand over its offsets', async () => {
    const problems = await problemsOf({
      ...sample,
      steps: [
        ...sample.steps.slice(0, 4),
        killBroker('broker-a'),
        stop('anna'),
        { do: 'startBroker', broker: 'broker-a' },
      ],
    });
    expect(problems).toMatch(/anna: its shutdown was not clean: .*"uncommitted":\[{/);
  });

  test('when something that is waited for does not happen, with the step and how things stand', async () => {
    const problems = await problemsOf({
      ...sample,
      steps: [...sample.steps.slice(0, 3), consumed('orders', 'billing', 21)],
    });
    expect(problems).toMatch(/^step 4 .*"count":21.*: 21 of orders done in billing: not in 30000 ms/);
    expect(problems).toMatch(/anna is running\.active, had 24 deliveries; last events:/);
  });
});

describe('a cluster that does not do its work is found out', () => {
  test.each<[string, RequestMatch, Interference, RegExp]>([
    [
      'takes failed messages back and forgets them',
      { request: 36 },
      { kind: 'answer', code: 0 },
      /^step 4 .*not in 30000 ms/,
    ],
    [
      'does not give locks back',
      { request: 'unlockBatch' },
      { kind: 'answer', code: 0 },
      /anna has gone, its locks in orders are still held, 2: orders-/,
    ],
    ['answers no goodbye', { request: 35 }, { kind: 'drop' }, /anna: its shutdown was not clean/],
  ])('when it %s', async (_, match, what, problem) => {
    await using cluster = await startEmbeddedWith(one, embedded => void embedded.interfere(match, what));
    expect((await runScenario(sample, cluster)).problems.join('\n')).toMatch(problem);
  });
});

test('a scenario that went as expected has no problem, and may be run again on the same cluster', async () => {
  await using cluster = await startEmbedded(one);
  for (const _ of [1, 2]) {
    const { problems, sent, delivered } = await runScenario(sample, cluster);
    expect({ problems, sent, delivered }).toEqual({ problems: [], sent: 20, delivered: 24 });
  }
});

test('what a scenario leaves running or dead is put in order: members, loads, servers, timers', async () => {
  const cluster = await startEmbedded(one);
  const { problems } = await runScenario(
    {
      ...sample,
      steps: [
        createTopic('orders', 2),
        startLoad('orders', 100),
        start('anna', 'billing', 'orders'),
        more('orders', 'billing', 10),
        killBroker('broker-a'),
        { do: 'suspendBroker', broker: 'broker-b' },
      ],
    },
    cluster,
  );
  expect(problems[0]).toMatch(/there is no broker-b, only broker-a/);
  expect(cluster.brokers.map(({ isRunning }) => isRunning)).toEqual([true]);
  expect((await runScenario(sample, cluster)).problems).toEqual([]);
  await cluster[Symbol.asyncDispose](); // throws when a timer is left
});

test('the traces of a scenario that failed are kept where it says, and those of one that went well are not', async () => {
  await using cluster = await startEmbedded(one);
  const directory = await mkdtemp(join(tmpdir(), 'traces-'));
  try {
    await runScenario(sample, cluster, { tracesTo: directory });
    expect(await readdir(directory)).toEqual([]);
    const { problems } = await runScenario(ofGroup({ lost: 0, attempts: { 1: 3 } }), cluster, {
      tracesTo: directory,
    });
    const [file = expect.fail('nothing is kept')] = await readdir(directory);
    expect(file).toMatch(/^embedded-anna-.*\.jsonl$/);
    expect(problems.at(-1)).toBe(`traces: ${join(directory, file)}`);
    expect((await readTrace(join(directory, file))).length).toBeGreaterThan(20);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('members of a scenario are told apart from those of other runs', async () => {
  await using cluster = await startEmbedded(one);
  const joined: Scenario = { ...sample, steps: [...sample.steps.slice(0, 3), members('billing', ['anna'])] };
  const results = await Promise.all([runScenario(joined, cluster), runScenario(joined, cluster)]);
  expect(results.map(({ sent }) => sent)).toEqual([20, 20]);
});
