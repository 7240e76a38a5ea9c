// SPDX-License-Identifier: Apache-2.0
/** Does one connection match answers to calls, keep deadlines, and survive whatever the peer sends? */
import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../../../src/errors/errors.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { Channel } from '../../../src/transport/channel.ts';
import { FakeSocket } from '../../support/fake-dialer.ts';
import { http2Settings, replyTo } from '../../support/fake-peer.ts';
import { anAddress, aRequest, kit, turn } from '../../support/transport-kit.ts';

const enough = new ConnectionError('RMQ_CONNECTION_LOST', 'enough');

describe('answers', () => {
  it('reach the call with their number, in whatever order they come', () => {
    const { connect, call, outcomes } = kit();
    const { socket } = connect();
    call('first');
    call('second');
    const [first, second] = socket.frames;
    socket.answer({ opaque: second?.opaque ?? -1 }, { code: 19 });
    socket.answer({ opaque: first?.opaque ?? -1 }, { code: 0 });
    expect(outcomes.seen).toEqual(['second: code 19', 'first: code 0']);
  });

  it('are dropped and counted when nobody waits for them: unknown, repeated, or late', async () => {
    const { connect, call, outcomes, line, clock, faults } = kit();
    const { socket } = connect();
    call('asked');
    socket.answer({ opaque: 4711 });
    socket.answer({ opaque: 0 });
    socket.answer({ opaque: 0 });
    call('late', 100);
    await clock.advance(100);
    socket.answer({ opaque: 1 });
    expect(outcomes.seen).toEqual(['asked: code 0', 'late: RMQ_REQUEST_TIMEOUT']);
    expect(line.counters.droppedReplies).toBe(3);
    expect(faults).toEqual([]);
  });

  it('of one connection do not end a call on another with the same number', () => {
    const a = kit();
    const b = kit();
    const { socket: socketOfA } = a.connect();
    b.connect();
    a.call('on a');
    b.call('on b');
    socketOfA.answer({ opaque: 0 });
    expect([a.outcomes.seen, b.outcomes.seen]).toEqual([['on a: code 0'], []]);
  });

  it('are not mistaken for requests of the broker that carry the same number', () => {
    const { connect, call, outcomes, line } = kit();
    const { socket } = connect();
    call('ours');
    socket.ask({ code: 40, opaque: 0, flag: 2 });
    expect(outcomes.seen).toEqual([]);
    expect(line.counters.serverRequests).toBe(1);
  });

  it('come out the same whether their bytes arrive at once, one by one, or cut anywhere', () => {
    const bytes = Buffer.concat([
      replyTo({ opaque: 1 }, { code: 19, remark: 'später' }),
      replyTo({ opaque: 0 }, { code: 0, body: Buffer.from('body') }),
    ]);
    const outcomesOf = (chunks: readonly Buffer[]): readonly string[] => {
      const { connect, call, outcomes } = kit();
      const { socket } = connect();
      call('a');
      call('b');
      for (const chunk of chunks) socket.receive(chunk);
      return outcomes.seen;
    };
    const expected = ['b: code 19', 'a: code 0'];
    expect(outcomesOf([bytes])).toEqual(expected);
    expect(outcomesOf(Array.from(bytes, byte => Buffer.of(byte)))).toEqual(expected);
    for (let at = 1; at < bytes.length; at += 1) {
      expect(outcomesOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    }
  });

  it('whose handling throws harm neither the connection nor the next answer', () => {
    const { connect, line, call, outcomes, faults } = kit();
    const { socket, closedWith } = connect();
    line.call(aRequest, 3000, 'pull from orders-0@broker-a', () => {
      throw new Error('boom');
    });
    call('next');
    socket.receive(Buffer.concat([replyTo({ opaque: 0 }), replyTo({ opaque: 1 })]));
    expect(outcomes.seen).toEqual(['next: code 0']);
    expect(faults.map(fault => fault.message)).toEqual([
      'taking the outcome of pull from orders-0@broker-a threw: boom',
    ]);
    expect(closedWith).toEqual([]);
  });
});

describe('deadlines', () => {
  it('fail a call that is not answered, naming the thing and the number', async () => {
    const { connect, clock, call, outcomes } = kit();
    connect();
    call('pull from orders-0@broker-a', 30_000);
    await clock.advance(29_999);
    expect(outcomes.seen).toEqual([]);
    await clock.advance(1);
    expect(outcomes.errors.map(String)).toEqual([
      'ConnectionError: pull from orders-0@broker-a timed out after 30000 ms',
    ]);
    expect(outcomes.errors[0]?.context).toMatchObject({ timeoutMs: 30_000, address: anAddress });
  });

  it('of a thousand calls need one timer, and each is kept within 10 ms', async () => {
    const { connect, clock, line } = kit();
    connect();
    const lateness: number[] = [];
    for (let i = 0; i < 1000; i += 1) {
      const due = 100 + i * 3;
      line.call(aRequest, due, `call ${i}`, () => lateness.push(clock.now() - due));
    }
    expect(clock.pending).toBe(1);
    await clock.advance(4000);
    expect(lateness).toHaveLength(1000);
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lateness)).toBeLessThanOrEqual(10);
    expect(clock.pending).toBe(0);
  });

  it('that are shorter than those of earlier calls are kept all the same', async () => {
    const { connect, clock, call, outcomes } = kit();
    connect();
    call('long', 30_000);
    call('short', 50);
    await clock.advance(50);
    expect(outcomes.seen).toEqual(['short: RMQ_REQUEST_TIMEOUT']);
    await clock.advance(29_950);
    expect(outcomes.seen).toEqual(['short: RMQ_REQUEST_TIMEOUT', 'long: RMQ_REQUEST_TIMEOUT']);
  });

  it('that pass in silence hang up on a peer that has said nothing for 10 s', async () => {
    const { connect, clock, call, outcomes } = kit();
    const { socket, closedWith } = connect();
    call('pull 1', 30_000);
    call('pull 2', 31_000);
    await clock.advance(30_000);
    expect(outcomes.seen).toEqual(['pull 1: RMQ_REQUEST_TIMEOUT', 'pull 2: RMQ_CONNECTION_LOST']);
    expect(closedWith.map(error => error.message)).toEqual([
      `${anAddress} has sent nothing for 30000 ms and owes answers`,
    ]);
    expect(socket.destroyed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('of short calls add up: the second one unanswered in a row hangs up, also when the peer owes nothing else', async () => {
    const { connect, clock, call } = kit();
    const { closedWith } = connect();
    call('heartbeat 1');
    await clock.advance(30_000);
    expect(closedWith).toEqual([]);
    call('heartbeat 2');
    await clock.advance(3000);
    expect(closedWith).toHaveLength(1);
  });

  it('do not hang up on a peer that answers others meanwhile', async () => {
    const { connect, clock, call, outcomes } = kit();
    const { socket, closedWith } = connect();
    call('never answered', 30_000);
    for (let opaque = 1; opaque <= 6; opaque += 1) {
      call('answered');
      socket.answer({ opaque });
      await clock.advance(5000);
    }
    expect(outcomes.seen.at(-1)).toBe('never answered: RMQ_REQUEST_TIMEOUT');
    expect(closedWith).toEqual([]);
  });
});

describe('bytes that are no frames', () => {
  const cases: readonly (readonly [string, Buffer, string])[] = [
    ['garbage', Buffer.from('deadbeefdeadbeefdeadbeef', 'hex'), 'RMQ_BAD_FRAME'],
    ['a length below 4', Buffer.from('00000003ffffffff', 'hex'), 'RMQ_BAD_FRAME'],
    ['a frame past the limit', Buffer.from('0200000000000010', 'hex'), 'RMQ_BAD_FRAME'],
    ['a header longer than its frame', Buffer.from('00000008000000ff00000000', 'hex'), 'RMQ_BAD_FRAME'],
    ['a header that is no JSON', frameOf('{"code":'), 'RMQ_BAD_HEADER'],
    ['a header that is no object', frameOf('[]'), 'RMQ_BAD_HEADER'],
    ['HTTP/2', http2Settings, 'RMQ_NOT_REMOTING'],
    ['HTTP/1', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'RMQ_NOT_REMOTING'],
  ];

  it.each(cases)(
    '%s closes the connection with its typed error and fails every call once',
    (_, bytes, code) => {
      const { connect, call, outcomes, line } = kit();
      const { socket, closedWith } = connect();
      call('a');
      call('b');
      socket.receive(bytes);
      socket.drop(new Error('and the socket breaks too'));
      expect(closedWith.map(error => error.code)).toEqual([code]);
      expect(closedWith[0]?.message).toContain(anAddress);
      expect(outcomes.seen).toEqual(['a: RMQ_CONNECTION_LOST', 'b: RMQ_CONNECTION_LOST']);
      expect(outcomes.errors[0]?.cause).toBe(closedWith[0]);
      expect(socket.destroyed).toBe(true);
      expect(line.isOpen).toBe(false);
      expect(line.counters.brokenFrames).toBe(1);
    },
  );

  it('do not take away the answers that came before them in the same chunk', () => {
    const { connect, call, outcomes } = kit();
    const { socket } = connect();
    call('answered');
    call('not answered');
    socket.receive(Buffer.concat([replyTo({ opaque: 0 }), Buffer.alloc(16, 0xff), replyTo({ opaque: 1 })]));
    expect(outcomes.seen).toEqual(['answered: code 0', 'not answered: RMQ_CONNECTION_LOST']);
  });

  it('are refused by the limit given, before anything is allocated for them', () => {
    const { connect } = kit({ limits: { maxFrameSize: 64 } });
    const { socket, closedWith } = connect();
    socket.receive(replyTo({ opaque: 0 }, { body: Buffer.alloc(100) }));
    expect(closedWith[0]?.code).toBe('RMQ_BAD_FRAME');
  });
});

describe('a connection that ends', () => {
  it('in the middle of a frame fails its calls once and forgets the half', () => {
    const { connect, call, outcomes } = kit();
    const first = connect();
    call('on the first');
    first.socket.receive(replyTo({ opaque: 0 }).subarray(0, 20));
    first.socket.drop(new Error('read ECONNRESET'));
    const second = connect();
    call('on the second');
    second.socket.answer({ opaque: 1 });
    expect(outcomes.seen).toEqual(['on the first: RMQ_CONNECTION_LOST', 'on the second: code 0']);
    expect(outcomes.errors[0]?.message).toBe(
      `on the first failed: no connection to ${anAddress} any more (connection to ${anAddress} lost: read ECONNRESET)`,
    );
  });

  it('is known as closed before its calls fail, so that a repeated call does not go into the void', () => {
    const { connect, line, outcomes } = kit();
    const { socket } = connect();
    line.call(aRequest, 3000, 'first', outcome => {
      outcomes.of('first')(outcome);
      line.call(aRequest, 3000, 'again', outcomes.of('again'));
    });
    socket.drop();
    expect(outcomes.seen).toEqual(['first: RMQ_CONNECTION_LOST']);
    connect().socket.answer({ opaque: 1 });
    expect(outcomes.seen).toEqual(['first: RMQ_CONNECTION_LOST', 'again: code 0']);
  });

  it('by the hand of a callback reads no further answer of the same chunk', () => {
    const { connect, line, call, outcomes } = kit();
    const { socket, channel, closedWith } = connect();
    line.call(aRequest, 3000, 'closer', outcome => {
      if (outcome.kind === 'answered') channel.close(enough);
    });
    call('other');
    socket.receive(Buffer.concat([replyTo({ opaque: 0 }), replyTo({ opaque: 1 })]));
    expect(outcomes.seen).toEqual(['other: RMQ_CONNECTION_LOST']);
    expect(closedWith).toHaveLength(1);
  });

  it('before its socket is there destroys the socket when it comes', () => {
    const { line } = kit();
    const channel = line.createChannel(() => {});
    const socket = new FakeSocket(channel.handlers);
    channel.close(enough);
    channel.open(socket);
    expect(socket.destroyed).toBe(true);
    expect(channel.isOpen).toBe(false);
  });

  it('leaves no timer', () => {
    const { connect, call, clock } = kit();
    const { socket } = connect();
    call('a');
    socket.drop();
    expect(clock.pending).toBe(0);
  });
});

describe('requests of the peer', () => {
  const lastAnswer = (socket: FakeSocket) => {
    const { code, opaque, flag, remark, body } = socket.frames.at(-1) ?? {};
    return { code, opaque, flag, remark, body: body?.toString() };
  };

  it('are answered by their handler, once, with their own number', () => {
    const { connect } = kit({
      onServerRequest: (_address, frame, reply) => {
        reply({ code: 0, remark: 'fine', body: Buffer.from(`you asked ${frame.code}`) });
        reply({ code: 1 });
        return true;
      },
    });
    const { socket } = connect();
    socket.ask({ code: 307, opaque: 77 });
    expect(socket.frames).toHaveLength(1);
    expect(lastAnswer(socket)).toEqual({
      code: 0,
      opaque: 77,
      flag: 1,
      remark: 'fine',
      body: 'you asked 307',
    });
  });

  it('may be answered later, and not at all once the connection is gone', () => {
    const replies: (() => void)[] = [];
    const { connect } = kit({
      onServerRequest: (_address, _frame, reply) => {
        replies.push(() => reply({ code: 0 }));
        return true;
      },
    });
    const { socket } = connect();
    socket.ask({ code: 309, opaque: 5 });
    socket.ask({ code: 309, opaque: 6 });
    replies[0]?.();
    socket.drop();
    replies[1]?.();
    expect(socket.frames.map(frame => frame.opaque)).toEqual([5]);
  });

  it('with a code nobody knows are answered 3, unless one-way', () => {
    const { connect } = kit();
    const { socket } = connect();
    socket.ask({ code: 9999, opaque: 7 });
    socket.ask({ code: 9999, opaque: 8, flag: 2 });
    expect(socket.frames).toHaveLength(1);
    expect(lastAnswer(socket)).toMatchObject({ code: 3, opaque: 7, flag: 1 });
  });

  it('whose handler throws are answered 1 without the details, reported, and survived', () => {
    const { connect, faults, call, outcomes } = kit({
      onServerRequest: () => {
        throw new Error('secret path /etc');
      },
    });
    const { socket } = connect();
    socket.ask({ code: 307, opaque: 7 });
    socket.ask({ code: 307, opaque: 8, flag: 2 });
    expect(socket.frames).toHaveLength(1);
    expect(lastAnswer(socket)).toMatchObject({ code: 1, opaque: 7 });
    expect(lastAnswer(socket).remark).not.toContain('secret');
    expect(faults.map(fault => fault.code)).toEqual(['RMQ_INTERNAL', 'RMQ_INTERNAL']);
    call('still alive');
    socket.answer({ opaque: 0 });
    expect(outcomes.seen).toEqual(['still alive: code 0']);
  });
});

describe('limits', () => {
  it('refuse calls past the bytes that a slow peer has not taken, before anything is written', async () => {
    const { connect, call, outcomes, line } = kit({ limits: { maxQueuedBytes: 1000 } });
    const { socket } = connect();
    socket.queuedBytes = 1000;
    call('refused');
    expect(outcomes.seen).toEqual([]);
    await turn();
    expect(outcomes.seen).toEqual(['refused: RMQ_SEND_QUEUE_FULL']);
    expect(outcomes.errors[0]?.message).toBe(
      `refused was refused: the limit of 1000 bytes not yet taken to ${anAddress} reached`,
    );
    expect(line.oneway(aRequest, 'also refused')).toBe(false);
    expect(socket.frames).toEqual([]);
    socket.queuedBytes = 999;
    call('taken');
    expect(socket.frames).toHaveLength(1);
    expect(line.counters.refusedCalls).toBe(2);
  });

  it('refuse calls past the number of unanswered ones', async () => {
    const { connect, call, outcomes } = kit({ limits: { maxPendingCalls: 2 } });
    const { socket } = connect();
    call('a');
    call('b');
    call('c');
    await turn();
    expect(outcomes.seen).toEqual(['c: RMQ_SEND_QUEUE_FULL']);
    socket.answer({ opaque: 0 });
    call('d');
    expect(socket.frames).toHaveLength(3);
  });
});

describe('a request that cannot be encoded', () => {
  it('fails its call only, later, with the error of the codec', async () => {
    const { connect, line, outcomes, faults } = kit();
    const { socket, closedWith } = connect();
    const broken = (): Buffer => {
      throw new Error('no such field');
    };
    line.call(broken, 3000, 'broken', outcomes.of('broken'));
    expect(line.oneway(broken, 'broken too')).toBe(false);
    expect(outcomes.seen).toEqual([]);
    await turn();
    expect(outcomes.seen).toEqual(['broken: RMQ_INTERNAL']);
    expect(faults).toHaveLength(1);
    expect([socket.frames, closedWith]).toEqual([[], []]);
  });
});

it('a one-way request goes out at once and is waited for by nobody', () => {
  const { connect, line, clock } = kit();
  const { socket } = connect();
  expect(line.oneway(opaque => encodeFrame({ code: 15, opaque, flag: 2 }), 'commit')).toBe(true);
  expect(socket.frames.map(frame => [frame.code, frame.flag])).toEqual([[15, 2]]);
  expect(clock.pending).toBe(0);
});

it('a channel that is idle says so: at once, or when the last call has ended', () => {
  const { connect, call, line, outcomes } = kit();
  const { socket } = connect();
  const idle: string[] = [];
  line.whenIdle(() => idle.push('nothing pending'));
  call('a');
  line.call(aRequest, 3000, 'b', outcomes.of('b'));
  line.whenIdle(() => idle.push('both ended'));
  socket.answer({ opaque: 1 });
  expect(idle).toEqual(['nothing pending']);
  socket.answer({ opaque: 0 });
  expect(idle).toEqual(['nothing pending', 'both ended']);
});

it('a channel is a caller of its own before it is attached', () => {
  const { open, outcomes, line } = kit();
  const { channel, socket } = open();
  expect(channel).toBeInstanceOf(Channel);
  channel.call(aRequest, 3000, 'greeting', outcomes.of('greeting'));
  expect(line.isOpen).toBe(false);
  socket.answer({ opaque: 0 });
  expect(outcomes.seen).toEqual(['greeting: code 0']);
});

/** A frame with this text as its JSON header. */
function frameOf(header: string): Buffer {
  const text = Buffer.from(header);
  const prefix = Buffer.alloc(8);
  prefix.writeInt32BE(4 + text.length, 0);
  prefix.writeInt32BE(text.length, 4);
  return Buffer.concat([prefix, text]);
}
