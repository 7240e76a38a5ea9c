// SPDX-License-Identifier: Apache-2.0
/** Is a route found as long as one name server answers, within the time given? */
import { describe, expect, it } from 'vitest';
import type { TopicRoute } from '../../../src/model/route.ts';
import { encodeRoute } from '../../../src/protocol/bodies/route.ts';
import { NameServerCalls } from '../../../src/transport/name-server-calls.ts';
import { type Answerer, exchange } from '../../support/transport-kit.ts';

const [a, b, c] = ['10.0.0.1:9876', '10.0.0.2:9876', '10.0.0.3:9876'] as const;
const route: TopicRoute = {
  brokers: [{ brokerName: 'broker-a', cluster: 'c', addresses: new Map([[0, '10.0.0.9:10911']]) }],
  queues: [{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 4, perm: 6 }],
};
const found = { code: 0, body: encodeRoute(route) };
const options = { timeoutMs: 3000 };

function nameServers(answer: Answerer, down: readonly string[] = [], random = (): number => 0) {
  const { switchboard, asked, clock } = exchange(answer, down);
  const calls = new NameServerCalls({ switchboard, addresses: [a, b, c], clock, random });
  return { calls, clock, switchboard, askedAt: () => asked.map(({ address }) => address), asked };
}

describe('a route', () => {
  it('is asked of one name server, in standard JSON, and of the same one next time', async () => {
    const { calls, asked, askedAt } = nameServers(
      () => found,
      [],
      () => 0.5,
    );
    expect(await calls.route('orders', options)).toEqual(route);
    await calls.route('orders', options);
    expect(askedAt()).toEqual([b, b]);
    expect(asked.map(({ frame }) => [frame.code, { ...frame.fields }])[0]).toEqual([
      105,
      { topic: 'orders', acceptStandardJsonOnly: 'true' },
    ]);
  });

  it('of an unknown topic is undefined, and no other name server is bothered', async () => {
    const { calls, askedAt } = nameServers(() => ({ code: 17, remark: 'No topic route info' }));
    expect(await calls.route('orders', options)).toBeUndefined();
    expect(askedAt()).toEqual([a]);
  });

  it('comes from the next name server when one is silent, fails, or answers nonsense; that one is asked first then', async () => {
    const wrong: Readonly<Record<string, ReturnType<Answerer>>> = {
      [a]: { code: 1, remark: 'name server not ready' },
      [b]: { code: 0, body: Buffer.from('{') },
      [c]: found,
    };
    const { calls, askedAt } = nameServers(address => wrong[address]);
    expect(await calls.route('orders', options)).toEqual(route);
    expect(askedAt()).toEqual([a, b, c]);
    expect(calls.current).toBe(c);
    await calls.route('orders', options);
    expect(askedAt()).toEqual([a, b, c, c]);
  });

  it('leaves a silent name server its share of the time only', async () => {
    const { calls, clock, askedAt } = nameServers(address => (address === a ? undefined : found));
    const asking = calls.route('orders', options);
    await clock.advance(999);
    expect(askedAt()).toEqual([a]);
    await clock.advance(1);
    expect(await asking).toEqual(route);
    expect(askedAt()).toEqual([a, b]);
  });

  it('is asked first where there is a connection', async () => {
    const { calls, switchboard, askedAt, clock } = nameServers(() => found, [a]);
    switchboard.line(b);
    expect(await calls.route('orders', options)).toEqual(route);
    expect(askedAt()).toEqual([b]);
    expect(clock.now()).toBe(0);
  });
});

describe('a second look', () => {
  it('asks the others in turn, and who knows the topic is asked first from then on', async () => {
    const { calls, askedAt } = nameServers(address => (address === c ? found : { code: 17 }));
    expect(await calls.route('orders', options)).toBeUndefined();
    expect(await calls.routeElsewhere('orders', options)).toEqual(route);
    expect(askedAt()).toEqual([a, b, c]);
    expect(calls.current).toBe(c);
  });

  it('is undefined when the others do not know it, or fail; the first stays the first', async () => {
    const { calls, askedAt } = nameServers(address => (address === b ? { code: 1 } : { code: 17 }));
    await calls.route('orders', options);
    expect(await calls.routeElsewhere('orders', options)).toBeUndefined();
    expect(askedAt()).toEqual([a, b, c]);
    expect(calls.current).toBe(a);
  });

  it('that is given up ends at once', async () => {
    const { calls, clock } = nameServers(address => (address === a ? { code: 17 } : undefined));
    await calls.route('orders', options);
    const abort = new AbortController();
    const looking = calls.routeElsewhere('orders', { ...options, signal: abort.signal });
    const given = expect(looking).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
    await clock.flush();
    abort.abort();
    await given;
  });
});

describe('without any name server', () => {
  it('the error names all of them, and comes in time', async () => {
    const { calls, clock } = nameServers(() => undefined, [a]);
    const failed = expect(calls.route('orders', options)).rejects.toMatchObject({
      code: 'RMQ_NAME_SERVER_UNAVAILABLE',
      message: [
        `no name server of ${a}, ${b}, ${c} told the route of orders within 3000 ms: `,
        `route of orders from ${a} timed out after 1000 ms without a connection to ${a}; `,
        `route of orders from ${b} timed out after 1000 ms; route of orders from ${c} timed out after 1000 ms`,
      ].join(''),
    });
    await clock.advance(3000);
    await failed;
    expect(clock.now()).toBe(3000);
  });

  it('giving the wait up ends it at once', async () => {
    const { calls, clock, askedAt } = nameServers(() => undefined);
    const abort = new AbortController();
    const asking = expect(calls.route('orders', { ...options, signal: abort.signal })).rejects.toMatchObject({
      code: 'RMQ_ABORTED',
    });
    await clock.flush();
    abort.abort();
    await asking;
    expect(askedAt()).toEqual([a]);
  });
});
