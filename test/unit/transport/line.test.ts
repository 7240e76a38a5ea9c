// SPDX-License-Identifier: Apache-2.0
/** Do calls wait for a connection, within bounds, and never twice on the wire? */
import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../../../src/errors/errors.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { anAddress, aRequest, kit, turn } from '../../support/transport-kit.ts';

const refused = new ConnectionError('RMQ_CONNECT_FAILED', 'connect to 10.0.0.1:10911 failed: ECONNREFUSED');
const closing = new ConnectionError('RMQ_CONNECTION_LOST', 'the consumer stops');

describe('without a connection', () => {
  it('calls wait and go out in order once there is one', () => {
    const { connect, call, outcomes, line } = kit();
    for (const name of ['a', 'b', 'c']) call(name);
    expect(line.waitingCalls).toBe(3);
    const { socket } = connect();
    expect(socket.frames.map(frame => frame.opaque)).toEqual([0, 1, 2]);
    expect([line.waitingCalls, line.pendingCalls]).toEqual([0, 3]);
    for (const frame of socket.frames) socket.answer(frame);
    expect(outcomes.seen).toEqual(['a: code 0', 'b: code 0', 'c: code 0']);
  });

  it('a deadline counts from the call, also across the wait', async () => {
    const { connect, call, outcomes, clock } = kit();
    call('a', 1000);
    await clock.advance(600);
    connect();
    await clock.advance(399);
    expect(outcomes.seen).toEqual([]);
    await clock.advance(1);
    expect(outcomes.errors.map(error => error.message)).toEqual(['a timed out after 1000 ms']);
  });

  it('a call that waited in vain says so, and why', async () => {
    const { call, line, outcomes, clock } = kit();
    line.detach(refused);
    call('route of orders', 1000);
    await clock.advance(1000);
    expect(outcomes.errors.map(error => [error.code, error.message, error.cause])).toEqual([
      [
        'RMQ_REQUEST_TIMEOUT',
        `route of orders timed out after 1000 ms without a connection to ${anAddress}`,
        refused,
      ],
    ]);
    expect([line.waitingCalls, clock.pending]).toEqual([0, 0]);
  });

  it('no more calls wait than the limit; the one too many fails later, and nothing is written for it', async () => {
    const { connect, call, outcomes, line } = kit({ limits: { maxWaitingCalls: 2 } });
    for (const name of ['a', 'b', 'c']) call(name);
    expect(outcomes.seen).toEqual([]);
    await turn();
    expect(outcomes.seen).toEqual(['c: RMQ_SEND_QUEUE_FULL']);
    expect(outcomes.errors[0]?.message).toBe(
      `c was refused: the limit of 2 calls waiting for a connection to ${anAddress} reached`,
    );
    expect(connect().socket.frames).toHaveLength(2);
    expect(line.counters.refusedCalls).toBe(1);
  });

  it('no more bytes wait than the limit, and those that end make room', async () => {
    const { line, outcomes, clock } = kit({ limits: { maxWaitingBytes: 3000 } });
    const large = (opaque: number): Buffer => encodeFrame({ code: 310, opaque, body: Buffer.alloc(1200) });
    line.call(large, 100, 'a', outcomes.of('a'));
    const b = outcomes.of('b');
    line.call(large, 100, 'b', b);
    line.call(large, 100, 'c', outcomes.of('c'));
    await turn();
    expect(outcomes.seen).toEqual(['c: RMQ_SEND_QUEUE_FULL']);
    line.cancel(b);
    line.call(large, 200, 'd', outcomes.of('d'));
    await clock.advance(100);
    line.call(large, 200, 'e', outcomes.of('e'));
    await clock.advance(200);
    expect(outcomes.seen).toEqual([
      'c: RMQ_SEND_QUEUE_FULL',
      'a: RMQ_REQUEST_TIMEOUT',
      'd: RMQ_REQUEST_TIMEOUT',
      'e: RMQ_REQUEST_TIMEOUT',
    ]);
  });

  it('a one-way request is refused, not kept', () => {
    const { connect, line } = kit();
    expect(line.oneway(aRequest, 'commit')).toBe(false);
    expect(connect().socket.frames).toEqual([]);
  });

  it('a request that cannot be encoded fails its call, later', async () => {
    const { line, outcomes } = kit();
    const broken = (): Buffer => {
      throw new Error('no such field');
    };
    line.call(broken, 1000, 'broken', outcomes.of('broken'));
    expect(outcomes.seen).toEqual([]);
    await turn();
    expect([outcomes.seen, line.waitingCalls]).toEqual([['broken: RMQ_INTERNAL'], 0]);
  });
});

describe('a broken connection', () => {
  it('does not repeat what was written on it: that fails, what comes later waits', () => {
    const { connect, call, outcomes, line } = kit();
    const first = connect();
    call('written');
    first.socket.drop();
    call('waiting');
    expect([outcomes.seen, line.isOpen]).toEqual([['written: RMQ_CONNECTION_LOST'], false]);
    const second = connect();
    expect(second.socket.frames.map(frame => frame.opaque)).toEqual([1]);
  });

  it('that is attached too late is not taken', () => {
    const { open, line, call } = kit();
    const { channel, socket } = open();
    socket.drop();
    line.attach(channel);
    call('a');
    expect([line.isOpen, line.waitingCalls]).toEqual([false, 1]);
  });

  it('gives its numbers to no later call', () => {
    const { connect, call, outcomes } = kit();
    const first = connect();
    call('old');
    first.socket.drop();
    const second = connect();
    call('new');
    second.socket.answer({ opaque: 0 });
    expect(outcomes.seen).toEqual(['old: RMQ_CONNECTION_LOST']);
    second.socket.answer({ opaque: 1 });
    expect(outcomes.seen).toEqual(['old: RMQ_CONNECTION_LOST', 'new: code 0']);
  });
});

describe('a cancelled call', () => {
  it('is not sent when it was still waiting', () => {
    const { connect, line, outcomes, call } = kit();
    const lock = outcomes.of('lock');
    line.call(aRequest, 3000, 'lock', lock);
    call('other');
    line.cancel(lock);
    expect(connect().socket.frames.map(frame => frame.opaque)).toEqual([1]);
  });

  it('hears nothing of its answer, its deadline, or the end of its connection', async () => {
    const { connect, line, outcomes, clock } = kit();
    const { socket } = connect();
    const pull = outcomes.of('pull');
    for (let i = 0; i < 3; i += 1) line.call(aRequest, 3000, 'pull', pull);
    line.cancel(pull);
    socket.answer({ opaque: 0 });
    await clock.advance(3000);
    socket.drop();
    expect([outcomes.seen, line.counters.droppedReplies, clock.pending]).toEqual([[], 1, 0]);
  });

  it('lets a connection become idle', () => {
    const { connect, line, outcomes } = kit();
    connect();
    const pull = outcomes.of('pull');
    line.call(aRequest, 30_000, 'pull', pull);
    let idle = false;
    line.whenIdle(() => {
      idle = true;
    });
    expect(idle).toBe(false);
    line.cancel(pull);
    expect(idle).toBe(true);
  });
});

describe('a closed line', () => {
  it('fails what waits, once, and everything new, later', async () => {
    const { call, line, outcomes, clock } = kit();
    call('waiting');
    line.close(closing);
    line.close(closing);
    expect(outcomes.seen).toEqual(['waiting: RMQ_CONNECTION_LOST']);
    call('new');
    expect(outcomes.seen).toHaveLength(1);
    await turn();
    expect(outcomes.seen).toEqual(['waiting: RMQ_CONNECTION_LOST', 'new: RMQ_CONNECTION_LOST']);
    expect([line.isClosed, line.isOpen, clock.pending]).toEqual([true, false, 0]);
  });

  it('lets calls end that were written before, and takes no other connection', () => {
    const { connect, call, line, outcomes } = kit();
    const { socket } = connect();
    call('written');
    line.close(closing);
    expect(line.oneway(aRequest, 'commit')).toBe(false);
    socket.answer({ opaque: 0 });
    expect(outcomes.seen).toEqual(['written: code 0']);
    connect();
    expect(line.isOpen).toBe(false);
  });
});

it('what a callback throws is reported, wherever the call ended', async () => {
  const { line, clock, faults } = kit({ limits: { maxWaitingCalls: 1 } });
  const bad = (): never => {
    throw new Error('boom');
  };
  line.call(aRequest, 100, 'waits', bad);
  line.call(aRequest, 100, 'too many', bad);
  await clock.advance(100);
  line.call(aRequest, 100, 'waits again', bad);
  line.close(closing);
  expect(faults.map(fault => fault.message)).toEqual([
    'taking the outcome of too many threw: boom',
    'taking the outcome of waits threw: boom',
    'taking the outcome of waits again threw: boom',
  ]);
});
