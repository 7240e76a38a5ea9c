// SPDX-License-Identifier: Apache-2.0
/** The trace says what passed the ports: read from bytes of the Java side, cut anywhere, without our own codec. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Dialer, Socket, SocketHandlers } from '../../../src/transport/ports.ts';
import { PortTrace } from '../../support/port-trace.ts';
import { readTrace, type TracedMessage, type TraceEntry } from '../../support/trace-entries.ts';

const address = '127.0.0.1:10911';

/** golden/frames.json, pull-request-JSON: RemotingCommand.encode() of RocketMQ 5.5.0. */
const javaPull = Buffer.from(
  '000001a9000001a57b22636f6465223a31312c226578744669656c6473223a7b2271756575654964223a2233222c226d61784d73674279746573223a2232313437343833363437222c226d61784d73674e756d73223a223332222c22737973466c6167223a2236222c22636f6d6d69744f6666736574223a2230222c22737562736372697074696f6e223a2254616741207c7c2054616742222c2273757370656e6454696d656f75744d696c6c6973223a223135303030222c22626e616d65223a2262726f6b65722d61222c22746f706963223a22476f6c64656e546f706963222c2271756575654f6666736574223a2239303037313939323534373430393933222c2265787072657373696f6e54797065223a22544147222c2273756256657273696f6e223a2231373030303030303030303030222c22636f6e73756d657247726f7570223a224749445f676f6c64656e227d2c22666c6167223a302c226c616e6775616765223a224e4f44455f4a53222c226f7061717565223a372c2273657269616c697a655479706543757272656e74525043223a224a534f4e222c2276657273696f6e223a3437397d',
  'hex',
);

/** golden/messages.json, v1-ipv4: MessageExtEncoder of RocketMQ 5.5.0; queue offset 100. */
const storedMessage = Buffer.from(
  '000000badaa320a70d4a1185000000051122334400000000000000640000001cbe991a14000000000000018bcfe5687bc0a8010a0000c8220000018bcfe569c80a01020300002a9f00000002000000000000004d0000000b68656c6c6f20776f726c640b476f6c64656e546f7069630049544147530154616741024b455953016b31206b3202554e49515f4b45590137463030303030313030303130303030303030303030303030303030303041410257414954017472756502',
  'hex',
);

function frame(header: object, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + text.length + body.length, 0);
  lengths.writeInt32BE(text.length, 4);
  return Buffer.concat([lengths, text, body]);
}

/** A network of one connection: the test is the peer. */
function network(trace: PortTrace) {
  const wire: { handlers?: SocketHandlers; written: Uint8Array[] } = { written: [] };
  const inner: Dialer = {
    dial: async (_address, handlers) => {
      wire.handlers = handlers;
      const socket: Socket = {
        write: bytes => wire.written.push(bytes),
        destroy: () => handlers.onClose(undefined),
        queuedBytes: 7,
        localAddress: '127.0.0.1',
      };
      return socket;
    },
  };
  const received: Buffer[] = [];
  const closes: unknown[] = [];
  const handlers: SocketHandlers = {
    onData: chunk => received.push(chunk),
    onClose: error => closes.push(error),
  };
  const dial = () =>
    trace.dialer(inner).dial(address, handlers, { signal: new AbortController().signal, timeoutMs: 1000 });
  return { dial, wire, received, closes };
}

/** Entries without their times. */
function facts(entries: readonly TraceEntry[]) {
  return entries.map(({ at: _, ...entry }) => entry);
}

describe('a port trace', () => {
  it('writes down requests, answers and the close of a connection, however the bytes are cut', async () => {
    const trace = new PortTrace();
    const { dial, wire, received, closes } = network(trace);
    const socket = await dial();
    for (const byte of javaPull) socket.write(Buffer.of(byte));
    const answer = frame(
      { code: 0, opaque: 7, flag: 1, extFields: { nextBeginOffset: '102' } },
      Buffer.concat([storedMessage, storedMessage]),
    );
    wire.handlers?.onData(answer.subarray(0, 300));
    wire.handlers?.onData(answer.subarray(300));
    socket.destroy();
    expect(facts(trace.entries)).toEqual([
      { kind: 'open', connection: 1, address },
      {
        kind: 'request',
        direction: 'out',
        connection: 1,
        address,
        code: 11,
        opaque: 7,
        fields: {
          queueId: '3',
          maxMsgBytes: '2147483647',
          maxMsgNums: '32',
          sysFlag: '6',
          commitOffset: '0',
          subscription: 'TagA || TagB',
          suspendTimeoutMillis: '15000',
          bname: 'broker-a',
          topic: 'GoldenTopic',
          queueOffset: '9007199254740993',
          expressionType: 'TAG',
          subVersion: '1700000000000',
          consumerGroup: 'GID_golden',
        },
      },
      {
        kind: 'response',
        direction: 'in',
        connection: 1,
        address,
        code: 0,
        opaque: 7,
        fields: { nextBeginOffset: '102' },
        offsets: [100, 100],
      },
      { kind: 'close', connection: 1, address, by: 'us' },
    ]);
    expect(Buffer.concat(wire.written)).toEqual(javaPull);
    expect(Buffer.concat(received)).toEqual(answer);
    expect(closes).toEqual([undefined]);
    expect([socket.queuedBytes, socket.localAddress]).toEqual([7, '127.0.0.1']);
  });

  it('keeps the bodies of heartbeats and locks, and the broker names of a route in either form of Java', async () => {
    const trace = new PortTrace();
    const { dial, wire } = network(trace);
    const socket = await dial();
    const beat = { consumerDataSet: [{ groupName: 'g' }] };
    socket.write(frame({ code: 34, opaque: 1, flag: 0 }, Buffer.from(JSON.stringify(beat))));
    socket.write(frame({ code: 105, opaque: 2, flag: 0, extFields: { topic: 't' } }));
    const route =
      '{"brokerDatas":[{"brokerAddrs":{0:"h:1",1:"h:2"},"brokerName":"a","cluster":"c"},' +
      '{"brokerAddrs":{"0":"h:3"},"brokerName":"b"}]}';
    wire.handlers?.onData(frame({ code: 0, opaque: 2, flag: 1 }, Buffer.from(route)));
    expect(trace.entries).toMatchObject([
      { kind: 'open' },
      { code: 34, body: beat },
      { code: 105 },
      { kind: 'response', brokers: { 'h:1': 'a', 'h:2': 'a', 'h:3': 'b' } },
    ]);
  });

  it('keeps the bodies of lists of members and of granted locks', async () => {
    const trace = new PortTrace();
    const { dial, wire } = network(trace);
    const socket = await dial();
    const [list, granted] = [{ consumerIdList: ['a', 'b'] }, { lockOKMQSet: [{ queueId: 0 }] }];
    socket.write(frame({ code: 38, opaque: 1, flag: 0, extFields: { consumerGroup: 'g' } }));
    socket.write(frame({ code: 41, opaque: 2, flag: 0 }, Buffer.from('{"mqSet":[]}')));
    wire.handlers?.onData(frame({ code: 0, opaque: 1, flag: 1 }, Buffer.from(JSON.stringify(list))));
    wire.handlers?.onData(frame({ code: 0, opaque: 2, flag: 1 }, Buffer.from(JSON.stringify(granted))));
    expect(trace.entries.slice(2)).toMatchObject([
      { code: 41, body: { mqSet: [] } },
      { kind: 'response', body: list },
      { kind: 'response', body: granted },
    ]);
  });

  it('tells requests of the peer and one-way frames from answers', async () => {
    const trace = new PortTrace();
    const { dial, wire } = network(trace);
    const socket = await dial();
    wire.handlers?.onData(frame({ code: 40, opaque: 7, flag: 2, extFields: { consumerGroup: 'g' } }));
    socket.write(frame({ code: 15, opaque: 8, flag: 2, extFields: { commitOffset: 5 } }));
    expect(trace.entries.slice(1)).toMatchObject([
      { kind: 'oneway', direction: 'in', code: 40 },
      { kind: 'oneway', direction: 'out', code: 15, fields: { commitOffset: '5' } },
    ]);
  });

  it('writes garbage down once and passes every byte on', async () => {
    const trace = new PortTrace();
    const { dial, wire, received } = network(trace);
    await dial();
    wire.handlers?.onData(Buffer.from('HTTP/1.1 400 Bad Request'));
    wire.handlers?.onData(Buffer.from('more'));
    wire.handlers?.onClose(new Error('reset'));
    expect(trace.entries.map(entry => entry.kind)).toEqual(['open', 'unreadable', 'close']);
    expect(trace.entries[2]).toMatchObject({ by: 'peer' });
    expect(Buffer.concat(received).toString()).toBe('HTTP/1.1 400 Bad Requestmore');
  });
});

describe('a traced listener', () => {
  const queue = { topic: 't', brokerName: 'b', queueId: 0 };
  const context = { queue, ackIndex: 1 };
  const message = (queueOffset: number): TracedMessage => ({ queueOffset, commitLogOffset: 0, msgId: '' });
  const messages = [message(4), message(5)];
  const endings = (trace: PortTrace) => trace.entries.slice(1).map(({ at: _, ...entry }) => entry);

  it('writes down what was given and how it ended, and a synchronous one stays synchronous', () => {
    const trace = new PortTrace();
    expect(trace.listener(() => 'CONSUME_SUCCESS')(messages, context)).toBe('CONSUME_SUCCESS');
    expect(facts(trace.entries)).toEqual([
      { kind: 'begin', delivery: 1, queue, messages },
      { kind: 'end', delivery: 1, outcome: 'CONSUME_SUCCESS', done: 2 },
    ]);
  });

  it('counts what ackIndex leaves undone, and nothing as done after a failure', async () => {
    const outcomes: readonly (() => unknown)[] = [
      () => undefined,
      () => 'RECONSUME_LATER',
      async () => undefined,
      () => Promise.reject(new Error('no')),
      (): never => {
        throw new Error('no');
      },
    ];
    const seen: unknown[] = [];
    for (const outcome of outcomes) {
      const trace = new PortTrace();
      try {
        await trace.listener(outcome)(messages, { queue, ackIndex: 0 });
      } catch (error) {
        expect(error).toEqual(new Error('no'));
      }
      seen.push(...endings(trace));
    }
    expect(seen).toEqual([
      { kind: 'end', delivery: 1, outcome: 'undefined', done: 1 },
      { kind: 'end', delivery: 1, outcome: 'RECONSUME_LATER', done: 0 },
      { kind: 'end', delivery: 1, outcome: 'undefined', done: 1 },
      { kind: 'end', delivery: 1, outcome: 'threw', done: 0 },
      { kind: 'end', delivery: 1, outcome: 'threw', done: 0 },
    ]);
  });
});

describe('a traced orderly listener', () => {
  const [first, second] = [0, 1].map(queueId => ({ topic: 't', brokerName: 'b', queueId }));
  const message = (queueOffset: number): TracedMessage => ({ queueOffset, commitLogOffset: 0, msgId: '' });

  /** Offsets, answers and queues in turn; `done kept commits` of each end. */
  function endings(
    calls: readonly (readonly [number, string, typeof first])[],
    laneOf?: (messages: readonly TracedMessage[]) => string,
  ) {
    const trace = new PortTrace();
    for (const [offset, answer, queue] of calls) {
      if (queue === undefined) throw new Error('no queue');
      void trace.listener(() => answer, laneOf)([message(offset)], { queue, autoCommit: false });
    }
    return trace.entries.flatMap(entry =>
      entry.kind === 'end' ? [[entry.done, entry.kept ?? false, ...(entry.commits ?? [])]] : [],
    );
  }

  it('is done with all that it kept of a queue when it commits', () => {
    const calls = [
      [0, 'SUCCESS', first],
      [1, 'SUCCESS', second],
      [1, 'SUCCESS', first],
      [2, 'COMMIT', first],
      [3, 'COMMIT', first],
    ] as const;
    expect(endings(calls)).toEqual([
      [0, true],
      [0, true],
      [0, true],
      [1, false, 1, 3],
      [1, false],
    ]);
  });

  it('is done with nothing of what it rolls back, and keeps nothing of what it suspends', () => {
    const calls = [
      [0, 'SUCCESS', first],
      [1, 'SUSPEND_CURRENT_QUEUE_A_MOMENT', first],
      [1, 'ROLLBACK', first],
      [0, 'COMMIT', first],
    ] as const;
    expect(endings(calls)).toEqual([
      [0, true],
      [0, false],
      [0, false],
      [1, false],
    ]);
  });

  it('commits by lanes within a queue', () => {
    const calls = [
      [0, 'SUCCESS', first],
      [1, 'SUCCESS', first],
      [2, 'COMMIT', first],
    ] as const;
    const laneOf = ([each]: readonly TracedMessage[]): string => (each?.queueOffset === 1 ? 'odd' : 'even');
    expect(endings(calls, laneOf).at(-1)).toEqual([1, false, 1]);
  });

  it('that leaves autoCommit alone is done with each call', () => {
    const trace = new PortTrace();
    const queue = { topic: 't', brokerName: 'b', queueId: 0 };
    void trace.listener(() => 'SUCCESS')([message(0), message(1)], { queue, autoCommit: true });
    expect(facts(trace.entries).at(-1)).toEqual({ kind: 'end', delivery: 1, outcome: 'SUCCESS', done: 2 });
  });
});

describe('a trace file', () => {
  it('reads back as it was, one entry a line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trace-'));
    try {
      let now = 5;
      const trace = new PortTrace(() => now);
      now = 17.5;
      trace.mark({ mark: 'killed', address });
      trace.mark({ mark: 'stopped' });
      await trace.save(join(folder, 'run.jsonl'));
      const read = await readTrace(join(folder, 'run.jsonl'));
      expect(read).toEqual(trace.entries);
      expect(read[0]).toEqual({ at: 12.5, kind: 'mark', mark: 'killed', address });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
