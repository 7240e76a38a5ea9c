// SPDX-License-Identifier: Apache-2.0
/** What stands for data of which only the shape of its use matters? Every member of it, and every call, is such a value again. */

/** Reads as 1, as the text `anything`, as an empty list; members and calls answer the same again. */
const anything: unknown = new Proxy(() => anything, {
  get: (_, key) => memberOf(key),
  has: () => true,
});

/** An object with these own members; every other member is `anything`. */
export function withAnything<Known extends object>(known: Known): Known {
  return new Proxy(known, {
    get: (target, key, receiver) => (key in target ? Reflect.get(target, key, receiver) : memberOf(key)),
  });
}

function memberOf(key: string | symbol): unknown {
  if (key === Symbol.iterator) return () => [][Symbol.iterator]();
  if (key === Symbol.toPrimitive) return (hint: string) => (hint === 'number' ? 1 : 'anything');
  if (key === 'then' || key === 'toJSON' || typeof key === 'symbol') return undefined; // no promise, nothing to be written out
  return anything;
}
