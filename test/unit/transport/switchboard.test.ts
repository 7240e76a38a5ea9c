// SPDX-License-Identifier: Apache-2.0
/** Is there one line per address, and does a request promise end the way its call does? */
import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../../../src/errors/errors.ts';
import { maxOffset } from '../../../src/protocol/requests/max-offset.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { Switchboard } from '../../../src/transport/switchboard.ts';
import { exchange, turn } from '../../support/transport-kit.ts';

const a = '10.0.0.1:10911';
const b = '10.0.0.2:10911';
const header = { topic: 'orders', queueId: 0 };
const what = 'max offset of orders-0@broker-a';
const stopping = new ConnectionError('RMQ_CONNECTION_LOST', 'the consumer stops');

describe('lines', () => {
  it('are made once per address, and each asks once for a connection', () => {
    const { switchboard, wanted } = exchange(() => undefined);
    expect(switchboard.line(a)).toBe(switchboard.line(a));
    expect(switchboard.line(b)).not.toBe(switchboard.line(a));
    expect([wanted, switchboard.addresses()]).toEqual([
      [a, b],
      [a, b],
    ]);
  });

  it('that were closed are replaced when they are wanted again', () => {
    const { switchboard, wanted } = exchange(() => undefined);
    const first = switchboard.line(a);
    first.close(stopping);
    expect(switchboard.addresses()).toEqual([]);
    expect(switchboard.line(a)).not.toBe(first);
    expect(wanted).toEqual([a, a]);
  });

  it('can be asked about without making one', () => {
    const { switchboard, wanted } = exchange(() => undefined, [b]);
    expect(switchboard.isOpen(a)).toBe(false);
    expect(wanted).toEqual([]);
    switchboard.line(a);
    switchboard.line(b);
    expect([switchboard.isOpen(a), switchboard.isOpen(b)]).toEqual([true, false]);
  });
});

describe('a request', () => {
  it('resolves with whatever code is answered', async () => {
    const { switchboard, asked } = exchange(() => ({ code: 16, remark: 'no' }));
    const frame = await switchboard.request(a, maxOffset, header, { timeoutMs: 1000, what });
    expect([frame.code, frame.remark]).toEqual([16, 'no']);
    expect(asked.map(({ frame: { code, fields } }) => [code, { ...fields }])).toEqual([
      [30, { topic: 'orders', queueId: '0' }],
    ]);
  });

  it('rejects with the typed error of its call', async () => {
    const { switchboard, clock } = exchange(() => undefined, [b]);
    const silent = expect(
      switchboard.request(a, maxOffset, header, { timeoutMs: 1000, what }),
    ).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', message: `${what} timed out after 1000 ms` });
    const absent = expect(
      switchboard.request(b, maxOffset, header, { timeoutMs: 1000, what }),
    ).rejects.toMatchObject({ message: `${what} timed out after 1000 ms without a connection to ${b}` });
    await clock.advance(1000);
    await Promise.all([silent, absent]);
    expect(clock.pending).toBe(0);
  });

  it('given up through its signal rejects, and is not sent when it was still waiting', async () => {
    const { switchboard, clock } = exchange(() => undefined, [b]);
    const abort = new AbortController();
    const reason = new Error('revoked');
    const request = switchboard.request(b, maxOffset, header, {
      timeoutMs: 1000,
      what,
      signal: abort.signal,
    });
    abort.abort(reason);
    await expect(request).rejects.toMatchObject({ code: 'RMQ_ABORTED', cause: reason });
    expect(switchboard.line(b).waitingCalls).toBe(0);
    await expect(
      switchboard.request(b, maxOffset, header, { timeoutMs: 1000, what, signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'RMQ_ABORTED', message: `${what} was given up` });
    await clock.advance(1000);
    expect(clock.pending).toBe(0);
  });

  it('with a header that cannot be sent rejects with the codec’s error', async () => {
    const { switchboard } = exchange(() => ({}));
    const broken = { topic: 'orders', queueId: undefined as unknown as number }; // what untyped callers may pass
    await expect(switchboard.request(a, maxOffset, broken, { timeoutMs: 1000, what })).rejects.toMatchObject({
      code: 'RMQ_BAD_HEADER',
    });
  });
});

it('a one-way request tells whether it was sent', () => {
  const { switchboard, connected } = exchange(() => undefined, [b]);
  expect(switchboard.oneway(a, maxOffset, header, { what })).toBe(true);
  expect(switchboard.oneway(b, maxOffset, header, { what })).toBe(false);
  expect(connected(a).socket.frames.map(frame => [frame.code, frame.flag])).toEqual([[30, 2]]);
});

it('closing all fails what waits, once, and forgets the lines', async () => {
  const { switchboard, clock } = exchange(() => undefined, [a, b]);
  const requests = [a, b].map(address =>
    switchboard.request(address, maxOffset, header, { timeoutMs: 1000, what }),
  );
  switchboard.closeAll(stopping);
  const ends = await Promise.allSettled(requests);
  expect(ends.map(end => end.status)).toEqual(['rejected', 'rejected']);
  expect([switchboard.addresses(), clock.pending]).toEqual([[], 0]);
});

describe('after all were closed', () => {
  it('a line asked for later is closed at once, no connection is wanted, and none is kept', () => {
    const { switchboard, wanted } = exchange(() => undefined);
    switchboard.line(a);
    switchboard.closeAll(stopping);
    const later = [switchboard.line(a), switchboard.line(b)];
    expect(later.map(line => [line.address, line.isOpen])).toEqual([
      [a, false],
      [b, false],
    ]);
    expect([wanted, switchboard.addresses(), switchboard.isOpen(b)]).toEqual([[a], [], false]);
  });

  it('a call fails with why they were closed, without waiting for its time limit', async () => {
    const { switchboard, clock, asked } = exchange(() => ({ code: 0 }));
    switchboard.closeAll(stopping);
    switchboard.closeAll(new ConnectionError('RMQ_CONNECTION_LOST', 'closed once more'));
    const request = switchboard.request(a, maxOffset, header, { timeoutMs: 1000, what });
    expect(clock.pending).toBe(0);
    await expect(request).rejects.toMatchObject({
      code: 'RMQ_CONNECTION_LOST',
      message: expect.stringContaining('the consumer stops'),
    });
    expect([asked, clock.pending]).toEqual([[], 0]);
  });

  it('a one-way request is not sent', () => {
    const { switchboard } = exchange(() => undefined);
    switchboard.closeAll(stopping);
    expect(switchboard.oneway(a, maxOffset, header, { what })).toBe(false);
  });
});

it('without a handler for faults a throwing callback becomes a process warning', async () => {
  const switchboard = new Switchboard({ clock: new TestClock(), onWanted: () => {} });
  const line = switchboard.line(a);
  const warned = new Promise<Error>(resolve => {
    process.once('warning', resolve);
  });
  line.call(
    () => Buffer.alloc(0),
    1000,
    what,
    () => {
      throw new Error('boom');
    },
  );
  line.close(stopping);
  await turn();
  expect((await warned).message).toBe(`taking the outcome of ${what} threw: boom`);
});
