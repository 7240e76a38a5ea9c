// SPDX-License-Identifier: Apache-2.0
/** Are names wrapped as NamespaceUtil of the Java client does it? */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { namespaceOf } from '../../../src/model/namespace.ts';

const shop = namespaceOf({ name: 'shop', version: 1 });

it.each([
  ['orders', 'shop%orders'],
  ['%RETRY%billing', '%RETRY%shop%billing'],
  ['%DLQ%billing', '%DLQ%shop%billing'],
  ['shop%orders', 'shop%orders'],
  ['%RETRY%shop%billing', '%RETRY%shop%billing'],
  ['other%orders', 'shop%other%orders'],
  ['TBW102', 'TBW102'],
  ['RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRACE_TOPIC'],
  ['rmq_sys_anything', 'rmq_sys_anything'],
  ['CID_RMQ_SYS_x', 'CID_RMQ_SYS_x'],
  ['', ''],
])('%s is %s on the wire', (name, wire) => {
  expect(shop?.wire(name)).toBe(wire);
});

it('what was wrapped is unwrapped to what it was; what is of nobody or of others stays', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^(%RETRY%|%DLQ%)?[a-zA-Z0-9_-]{1,20}$/), name => {
      expect(shop?.own(shop.wire(name))).toBe(name);
      expect(shop?.wire(shop.wire(name))).toBe(shop?.wire(name));
    }),
  );
  expect(shop?.own('other%orders')).toBe('other%orders');
});

it('version 2 changes no name', () => {
  const second = namespaceOf({ name: 'shop', version: 2 });
  expect([second?.wire('orders'), second?.own('shop%orders'), second?.fields]).toEqual([
    ...['orders', 'shop%orders'],
    { nsd: 'true', ns: 'shop' },
  ]);
});
