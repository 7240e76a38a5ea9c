// SPDX-License-Identifier: Apache-2.0
/** Which addresses of a route are let in, and what is said of the others? */
import { describe, expect, it } from 'vitest';
import type { RocketmqError } from '../../../src/errors/errors.ts';
import type { MapBrokerAddress } from '../../../src/model/broker-address.ts';
import type { TopicRoute } from '../../../src/model/route.ts';
import { RouteGate } from '../../../src/transport/route-gate.ts';
import { parse, problemsOf } from '../config/support.ts';

function routeOf(...addresses: readonly string[]): TopicRoute {
  return {
    brokers: addresses.map((address, i) => ({
      brokerName: `broker-${i}`,
      cluster: 'c',
      addresses: new Map([[0, address]]),
    })),
    queues: [],
  };
}

function gateOf(rules: { readonly map?: MapBrokerAddress; readonly allowed?: readonly string[] }) {
  const told: RocketmqError[] = [];
  const allowed = rules.allowed && parse({ allowedBrokerAddresses: rules.allowed }).allowedBrokerAddresses;
  const gate = new RouteGate({ map: rules.map, allowed, onRefused: error => told.push(error) });
  const admitted = (route: TopicRoute): readonly (string | undefined)[] =>
    gate.admit(route).brokers.map(({ addresses }) => addresses.get(0));
  return { admitted, told };
}

describe('allowedBrokerAddresses', () => {
  it('lets in named hosts, IP addresses and networks, and nothing else', () => {
    const { admitted, told } = gateOf({
      allowed: ['10.20.0.0/16', '::1', 'Broker.Example.com', '192.168.0.7'],
    });
    const route = routeOf(
      ...['10.20.3.4:10911', '10.21.3.4:10911', '[::1]:10911', 'broker.example.com:1', '192.168.0.7:1'],
      ...['evil.broker.example.com:1', '192.168.0.8:1'],
    );
    expect(admitted(route)).toEqual([
      ...['10.20.3.4:10911', undefined, '[::1]:10911', 'broker.example.com:1', '192.168.0.7:1'],
      ...[undefined, undefined],
    ]);
    expect(told.map(({ code, context }) => [code, context['address'], context['rule']])).toEqual(
      ['10.21.3.4:10911', 'evil.broker.example.com:1', '192.168.0.8:1'].map(address => [
        'RMQ_BROKER_ADDRESS_REFUSED',
        address,
        'allowedBrokerAddresses',
      ]),
    );
  });

  it('is refused when an entry is no host or network, each named', () => {
    const problems = problemsOf({ allowedBrokerAddresses: ['10.0.0.0/33', 'a b', 7, 'a:10911', 'fine'] });
    expect(problems.map(({ option }) => option)).toEqual(
      [0, 1, 2, 3].map(index => `allowedBrokerAddresses[${index}]`),
    );
  });
});

describe('mapBrokerAddress', () => {
  it('says where a broker is dialled; null refuses; the rule of hosts looks at what it answered', () => {
    const { admitted, told } = gateOf({
      allowed: ['localhost'],
      map: address => (address.startsWith('9.') ? null : address.replace('172.17.0.2', 'localhost')),
    });
    expect(admitted(routeOf('172.17.0.2:10911', '9.9.9.9:1', '8.8.8.8:1'))).toEqual([
      'localhost:10911',
      undefined,
      undefined,
    ]);
    expect(told.map(({ message }) => message)).toEqual([
      'the address 9.9.9.9:1 of broker-1 is not dialled: mapBrokerAddress refuses it',
      'the address 8.8.8.8:1 of broker-2 is not dialled: allowedBrokerAddresses does not name 8.8.8.8',
    ]);
  });

  it('that throws or answers nonsense refuses, and harms nothing else', () => {
    const answers: Readonly<Record<string, unknown>> = { 'b:1': 7, 'c:1': 'nowhere', 'd:1': 'd:2' };
    const map = ((address: string) => {
      if (address === 'a:1') throw new Error('boom');
      return answers[address];
    }) as MapBrokerAddress; // what a user without types may write
    const { admitted, told } = gateOf({ map });
    expect(admitted(routeOf('a:1', 'b:1', 'c:1', 'd:1'))).toEqual([undefined, undefined, undefined, 'd:2']);
    expect(told.map(({ context }) => context['rule'])).toEqual(Array(3).fill('mapBrokerAddress'));
  });
});

it('what is no address is never dialled: no port, port 0, port 70000, spaces, a path, control characters', () => {
  const bad = ['broker', 'broker:0', 'broker:70000', 'a b:1', '../../x:1/', 'a\u0000\n:x'];
  const { admitted, told } = gateOf({});
  expect(admitted(routeOf(...bad, 'good:1'))).toEqual([...bad.map(() => undefined), 'good:1']);
  expect(told.map(({ context }) => context['rule'])).toEqual(bad.map(() => 'host:port'));
  expect(told.map(({ message }) => message).join('')).not.toMatch(/\p{Cc}/u);
});

it('an address is told once, and a name server that makes up new ones is not listened to for ever', () => {
  const { admitted, told } = gateOf({ allowed: ['localhost'] });
  for (let round = 0; round < 3; round++) admitted(routeOf('1.1.1.1:1'));
  expect(told).toHaveLength(1);
  for (let n = 0; n < 5000; n++) admitted(routeOf(`made-up-${n}:1`));
  expect(told).toHaveLength(1000);
  expect(told.at(-1)?.message).toMatch(/further ones are refused without a word$/);
});
