// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shown } from '../../../src/inspect/show.ts';

class Socket {
  readonly password = 'hunter2';
}

class Queue {
  readonly #id = 3;
  toJSON(): unknown {
    return { id: this.#id, accessKey: 'AK' };
  }
}

describe('what is shown of a value', () => {
  it('keeps small plain facts as they are', () => {
    const facts = { type: 'batch.found', count: 3, ok: true, none: null, list: ['a', 1] };
    expect(shown(facts)).toEqual(facts);
  });

  it('hides what is secret by its name, at any depth and in maps too', () => {
    const value = {
      secretKey: 's1',
      tls: { passphrase: 's2' },
      inner: { security_token: 's3' },
      map: new Map([['password', 's4']]),
    };
    expect(JSON.stringify(shown(value))).not.toMatch(/s[1-4]/);
    expect(shown(value)).toMatchObject({ secretKey: '(hidden)', map: { password: '(hidden)' } });
  });

  it('says how many bytes there are, and none of them', () => {
    expect(shown({ body: Buffer.from('paid 100 EUR') })).toEqual({ body: '(12 bytes)' });
  });

  it('cuts long texts, lists, objects, and what lies deep', () => {
    expect(shown('x'.repeat(201))).toBe(`${'x'.repeat(200)}…`);
    expect(shown(Array.from({ length: 25 }, (_, i) => i))).toEqual([
      ...Array.from({ length: 20 }, (_, i) => i),
      '(5 more)',
    ]);
    expect(shown({ a: { b: { c: { d: { e: 1 } } } } })).toEqual({ a: { b: { c: { d: '(…)' } } } });
  });

  it('gives of an object of a class only what its toJSON says, or its name', () => {
    expect(shown({ socket: new Socket() })).toEqual({ socket: '(Socket)' });
    expect(shown({ queue: new Queue() })).toEqual({ queue: { id: 3, accessKey: '(hidden)' } });
    expect(
      shown({
        toJSON: () => {
          throw new Error('no');
        },
      }),
    ).toEqual({ toJSON: '(function toJSON)' });
  });

  it('gives of an actor its id', () => {
    expect(shown({ parent: { id: 'consumer', sessionId: 'x:0', send: () => {} } })).toEqual({
      parent: '(actor consumer)',
    });
  });

  it('gives of an error its code and text, not its context', () => {
    const error = Object.assign(new Error('refused'), { code: 'RMQ_X', context: { token: 'canary' } });
    expect(shown(error)).toEqual({ name: 'Error', code: 'RMQ_X', message: 'refused' });
  });

  it('survives cycles, throwing getters, and numbers that JSON does not know', () => {
    const cycle: Record<string, unknown> = { nan: Number.NaN, big: 5n };
    cycle['self'] = cycle;
    Object.defineProperty(cycle, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(shown(cycle)).toMatchObject({ nan: 'NaN', big: '5', broken: '(throws)' });
  });

  it('makes of anything something that JSON can write, and never much of it', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
        value => {
          const json = JSON.stringify(shown(value)) ?? '';
          expect(json.length).toBeLessThan(2_000_000);
        },
      ),
      { numRuns: 500 },
    );
  });
});
