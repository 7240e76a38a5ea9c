// SPDX-License-Identifier: Apache-2.0
/** Are all forms of an address understood, and nothing else? */
import { expect, it } from 'vitest';
import { endpointOf } from '../../../src/transport/address.ts';

it.each([
  ['127.0.0.1:9876', '127.0.0.1', 9876],
  ['broker-a.internal:10911', 'broker-a.internal', 10_911],
  ['[::1]:10911', '::1', 10_911],
  ['fe80::1:10911', 'fe80::1', 10_911],
])('%s is host %s, port %d', (address, host, port) => {
  expect(endpointOf(address)).toEqual({ host, port });
});

it.each([
  '',
  'localhost',
  'localhost:',
  ':9876',
  'a:0',
  'a:65536',
  'a:98x',
  'http://a:80',
  'a b:1',
  '[::1:1',
])('%j is none', address => {
  expect(endpointOf(address)).toBeUndefined();
});
