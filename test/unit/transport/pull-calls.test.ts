// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest';
import { ConnectionError, ConsumerError, ProtocolError } from '../../../src/errors/errors.ts';
import { encodeClientBatch } from '../../../src/protocol/client-batch.ts';
import { encodeReply, readHeader } from '../../../src/protocol/define-request.ts';
import { decodeFrame, type Frame } from '../../../src/protocol/frame.ts';
import { sysFlagBits } from '../../../src/protocol/record-layout.ts';
import { pullMessage } from '../../../src/protocol/requests/pull-message.ts';
import { StoredMessage } from '../../../src/protocol/stored-message.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import type { Caller, Encode, OnOutcome } from '../../../src/transport/call.ts';
import { type PullAnswer, PullCalls, type PullCallsOptions } from '../../../src/transport/pull-calls.ts';
import { aQueue, at, messagesBetween, offsetsOf, recordOf, turn } from '../../support/builders.ts';

/** A line that keeps what is asked, and answers when the test does. */
class FakeCaller implements Caller {
  readonly address = '10.0.0.1:10911';
  isOpen = true;
  readonly cancelled: OnOutcome[] = [];
  readonly calls: { readonly frame: Frame; readonly timeoutMs: number; readonly what: string }[] = [];
  onOutcome: OnOutcome = () => {};

  call(encode: Encode, timeoutMs: number, what: string, onOutcome: OnOutcome): void {
    const bytes = encode(this.calls.length + 1);
    this.calls.push({ frame: decodeFrame(bytes.subarray(4)), timeoutMs, what });
    this.onOutcome = onOutcome;
  }

  oneway(): boolean {
    return false;
  }

  cancel(onOutcome: OnOutcome): void {
    this.cancelled.push(onOutcome);
  }
}

const defaults = { nextBeginOffset: 8, minOffset: 0, maxOffset: 100 };

function replyFrame(code: number, reply: Partial<typeof defaults>, body?: Buffer, remark?: string): Frame {
  const bytes = encodeReply(
    pullMessage,
    {
      suggestWhichBrokerId: 0,
      nextBeginOffset: at(reply.nextBeginOffset ?? defaults.nextBeginOffset),
      minOffset: at(reply.minOffset ?? defaults.minOffset),
      maxOffset: at(reply.maxOffset ?? defaults.maxOffset),
    },
    { opaque: 1, code, ...(body && { body }), ...(remark !== undefined && { remark }) },
  );
  return decodeFrame(bytes.subarray(4));
}

function pulling(options: Partial<PullCallsOptions> = {}) {
  const clock = new TestClock();
  const caller = new FakeCaller();
  const answers: PullAnswer[] = [];
  const calls = new PullCalls({
    queue: aQueue,
    consumerGroup: 'billing',
    clock,
    batchSize: 32,
    suspendMs: 15_000,
    timeoutMs: 30_000,
    maxBodySize: 1 << 20,
    replica: () => ({ brokerId: 0, isSlave: false, caller }),
    subVersion: () => 5,
    expressionType: () => 'TAG',
    tags: () => undefined,
    ...options,
  });
  const pull = (offset = 5, commit?: number): void =>
    calls.pull(at(offset), commit === undefined ? undefined : at(commit), answer => answers.push(answer));
  const reply = (
    code: number,
    header: Partial<typeof defaults> = {},
    body?: Buffer,
    remark?: string,
  ): PullAnswer | undefined => {
    caller.onOutcome({ kind: 'answered', frame: replyFrame(code, header, body, remark) });
    return answers.pop();
  };
  return { clock, caller, calls, answers, pull, reply };
}

function records(from: number, to: number): Buffer {
  return Buffer.concat(Array.from({ length: to - from }, (_, i) => recordOf(from + i)));
}

/** A record whose body is not the one its CRC was made of. */
function changedRecord(offset: number): Buffer {
  const record = recordOf(offset);
  const bodyAt = record.indexOf('body');
  record.write('BODY', bodyAt);
  return record;
}

/** What an answer says, with messages as offsets and errors as codes. */
function summary(answer: PullAnswer | undefined) {
  if (answer === undefined || answer.kind === 'moved' || answer.kind === 'none') return answer;
  if (answer.kind === 'failed') return { kind: 'failed', code: answer.error.code };
  const { kind, messages, nextOffset } = answer;
  return { kind, offsets: offsetsOf(messages), nextOffset };
}

describe('a pull request', () => {
  it('asks for the offset, holds at the broker, and names the queue in its errors', () => {
    const { caller, pull } = pulling();
    pull(5);
    const [call] = caller.calls;
    expect([call?.timeoutMs, call?.what]).toEqual([30_000, 'pull from orders-0@broker-a']);
    expect(call && { code: call.frame.code, ...readHeader(pullMessage, call.frame) }).toEqual({
      code: 11,
      consumerGroup: 'billing',
      topic: 'orders',
      queueId: 0,
      queueOffset: 5,
      maxMsgNums: 32,
      sysFlag: 2,
      commitOffset: 0,
      suspendTimeoutMillis: 15_000,
      subVersion: 5,
      expressionType: 'TAG',
      bname: 'broker-a',
    });
  });

  it('that waits for a connection can be withdrawn; one that was written is left to its answer', () => {
    const { calls, caller } = pulling();
    calls.pull(at(7), undefined, () => {});
    calls.withdraw();
    expect(caller.cancelled).toEqual([]);
    caller.isOpen = false;
    calls.pull(at(7), undefined, () => {});
    calls.withdraw();
    calls.withdraw();
    expect(caller.cancelled).toEqual([caller.onOutcome]);
  });

  it('carries an offset to commit with the commit flag, offset 0 too', () => {
    const { caller, pull } = pulling();
    pull(9, 7);
    pull(9, 0);
    const carried = caller.calls.map(({ frame }) => readHeader(pullMessage, frame));
    expect(carried.map(({ sysFlag, commitOffset }) => [sysFlag, commitOffset])).toEqual([
      [3, 7],
      [3, 0],
    ]);
  });

  it('says by what kind of expression the broker filters, as of the version it names', () => {
    let subscription: { version: number; type: 'TAG' | 'SQL92' } = { version: 5, type: 'SQL92' };
    const { caller, pull } = pulling({
      subVersion: () => subscription.version,
      expressionType: () => subscription.type,
    });
    pull();
    subscription = { version: 6, type: 'TAG' };
    pull();
    const said = caller.calls.map(({ frame }) => readHeader(pullMessage, frame));
    expect(said.map(({ subVersion, expressionType }) => [subVersion, expressionType])).toEqual([
      [5, 'SQL92'],
      [6, 'TAG'],
    ]);
  });

  it('carries the version the subscription has by then', () => {
    let version = 1;
    const { caller, pull } = pulling({ subVersion: () => version });
    pull();
    version = 2;
    pull();
    expect(caller.calls.map(({ frame }) => readHeader(pullMessage, frame).subVersion)).toEqual([1, 2]);
  });
});

describe('the answer to a pull', () => {
  it('found brings the messages, the size of their frame, and what to ask for next', () => {
    const { pull, reply } = pulling();
    pull(5);
    const body = records(5, 8);
    const answer = reply(0, { nextBeginOffset: 8 }, body);
    expect(summary(answer)).toEqual({ kind: 'found', offsets: [5, 6, 7], nextOffset: 8 });
    expect(answer?.kind === 'found' && answer.bytes).toBe(replyFrame(0, { nextBeginOffset: 8 }, body).size);
  });

  it('found may go on far behind the last message: the broker filtered what is between', () => {
    const { pull, reply } = pulling();
    pull(5);
    expect(summary(reply(0, { nextBeginOffset: 900 }, records(5, 7)))).toEqual({
      kind: 'found',
      offsets: [5, 6],
      nextOffset: 900,
    });
  });

  it.each([5, 0])(
    'found that would go on at %s, not past what was asked, goes on past its last message',
    next => {
      const { pull, reply } = pulling();
      pull(5);
      expect(summary(reply(0, { nextBeginOffset: next }, records(5, 8)))).toEqual({
        kind: 'found',
        offsets: [5, 6, 7],
        nextOffset: 8,
      });
    },
  );

  it('found with nothing in it only moves on', () => {
    const { pull, reply } = pulling();
    pull(5);
    expect(reply(0, { nextBeginOffset: 9 })).toEqual({
      kind: 'found',
      messages: [],
      bytes: 0,
      nextOffset: 9,
    });
  });

  it('found is checked for the very tags: brokers compare hashes only; the others are passed over', () => {
    const { pull, reply } = pulling({ tags: () => new Set(['Aa']) });
    pull(5);
    const body = Buffer.concat([recordOf(5, { tags: 'BB' }), recordOf(6, { tags: 'Aa' }), recordOf(7)]);
    const answer = reply(0, { nextBeginOffset: 8 }, body);
    expect(summary(answer)).toEqual({ kind: 'found', offsets: [6], nextOffset: 8 });
    expect(answer?.kind === 'found' && answer.bytes).toBe(replyFrame(0, { nextBeginOffset: 8 }, body).size);
  });

  it('found with nothing that is wanted keeps no frame', () => {
    const { pull, reply } = pulling({ tags: () => new Set(['Aa']) });
    pull(5);
    const answer = reply(0, { nextBeginOffset: 6 }, recordOf(5, { tags: 'BB' }));
    expect(answer).toEqual({ kind: 'found', messages: [], bytes: 0, nextOffset: 6 });
  });

  it.each([19, 20])('%i without progress may be repeated at once only if the broker held it', async code => {
    const { clock, pull, reply } = pulling();
    pull(8);
    expect(reply(code, { nextBeginOffset: 8 })).toEqual({ kind: 'none', nextOffset: 8, mayRepeat: false });
    pull(8);
    await clock.advance(499);
    expect(reply(code, { nextBeginOffset: 8 })).toEqual({ kind: 'none', nextOffset: 8, mayRepeat: false });
    pull(8);
    await clock.advance(500);
    expect(reply(code, { nextBeginOffset: 8 })).toEqual({ kind: 'none', nextOffset: 8, mayRepeat: true });
  });

  it('20 with progress may be repeated at once: the broker passed over what does not match', () => {
    const { pull, reply } = pulling();
    pull(8);
    expect(reply(20, { nextBeginOffset: 9 })).toEqual({ kind: 'none', nextOffset: 9, mayRepeat: true });
  });

  it.each([
    ['before the beginning goes to the first that is left', 5, { nextBeginOffset: 40, minOffset: 40 }, 40],
    [
      'past the end means a topic made anew: its first message',
      500,
      { nextBeginOffset: 100, minOffset: 3 },
      3,
    ],
    ['past the end of an empty queue goes to 0', 7, { nextBeginOffset: 0, maxOffset: 0 }, 0],
  ])('21 for an offset %s', (_, offset, header, correctTo) => {
    const { pull, reply } = pulling();
    pull(offset);
    expect(reply(21, header, undefined, 'OFFSET_OVERFLOW_BADLY')).toEqual({
      kind: 'moved',
      correctTo,
      reason: 'OFFSET_OVERFLOW_BADLY',
    });
  });

  it('21 at the very end is no offset past it: it is followed as told', () => {
    const { pull, reply } = pulling();
    pull(100);
    expect(reply(21, { nextBeginOffset: 40, minOffset: 3 })).toMatchObject({ kind: 'moved', correctTo: 40 });
  });

  it('21 for a reset goes where the reset says, also from past the end', () => {
    const { pull, reply } = pulling();
    pull(500);
    expect(reply(21, { nextBeginOffset: 60 }, undefined, 'OFFSET_RESET')).toEqual({
      kind: 'moved',
      correctTo: 60,
      reason: 'OFFSET_RESET',
    });
  });

  it('21 without a remark still has a reason', () => {
    const { pull, reply } = pulling();
    pull(5);
    expect(reply(21, { nextBeginOffset: 40 })).toEqual({
      kind: 'moved',
      correctTo: 40,
      reason: 'PULL_OFFSET_MOVED',
    });
  });

  it.each([
    [1, 'RMQ_BROKER_ERROR'],
    [2, 'RMQ_BROKER_BUSY'],
    [16, 'RMQ_NO_PERMISSION'],
    [17, 'RMQ_TOPIC_NOT_FOUND'],
    [24, 'RMQ_SUBSCRIPTION_STALE'],
    [25, 'RMQ_SUBSCRIPTION_STALE'],
    [26, 'RMQ_GROUP_NOT_FOUND'],
    [27, 'RMQ_SUBSCRIPTION_STALE'],
    [28, 'RMQ_SUBSCRIPTION_STALE'],
    [215, 'RMQ_BROKER_BUSY'],
  ])('%i is a failure that names the queue and the broker', (code, error) => {
    const { caller, answers, pull } = pulling();
    pull();
    caller.onOutcome({ kind: 'answered', frame: replyFrame(code, {}, undefined, 'because') });
    const [answer] = answers;
    expect(summary(answer)).toEqual({ kind: 'failed', code: error });
    expect(answer?.kind === 'failed' && answer.error.message).toMatch(
      /^pull from orders-0@broker-a refused by 10\.0\.0\.1:10911 with \d+ \w+: because$/,
    );
  });

  it('that never came is a failure as the line tells it', () => {
    const { caller, answers, pull } = pulling();
    const error = new ConnectionError('RMQ_REQUEST_TIMEOUT', 'late');
    pull();
    caller.onOutcome({ kind: 'failed', error });
    expect(answers).toEqual([{ kind: 'failed', error }]);
  });

  it.each([0, 19, 20, 21])('%i without the header it must have is a failure', code => {
    const { caller, answers, pull } = pulling();
    pull();
    const { fields, ...frame } = replyFrame(code, {});
    caller.onOutcome({ kind: 'answered', frame: { ...frame, fields: { ...fields, nextBeginOffset: '-3' } } });
    expect(answers.map(summary)).toEqual([{ kind: 'failed', code: 'RMQ_BAD_HEADER' }]);
  });

  it('fails, later, when no line can be had', async () => {
    const error = new ConsumerError('RMQ_BROKER_NOT_FOUND', 'no address for broker-a');
    const { answers, pull } = pulling({
      replica: () => {
        throw error;
      },
    });
    pull();
    expect(answers).toEqual([]);
    await turn();
    expect(answers).toEqual([{ kind: 'failed', error }]);
  });
});

describe('an answer with a message that cannot be read', () => {
  it('brings what is before it, and goes on at that message', () => {
    const { pull, reply } = pulling();
    pull(5);
    const broken = recordOf(7);
    broken.writeInt32BE(0x1234, 4); // magic
    const answer = reply(0, { nextBeginOffset: 9 }, Buffer.concat([records(5, 7), broken, recordOf(8)]));
    expect(summary(answer)).toEqual({ kind: 'damaged', offsets: [5, 6], nextOffset: 7 });
    expect(answer?.kind === 'damaged' && answer.error).toBeInstanceOf(ProtocolError);
    expect(answer?.kind === 'damaged' && answer.bytes).toBeGreaterThan(4 * recordOf(5).length);
  });

  it('names queue and offset, whatever the record says', () => {
    const { pull, reply } = pulling();
    pull(5);
    const broken = recordOf(4_000_000);
    broken.writeInt32BE(broken.length + 1, 0);
    const answer = reply(0, { nextBeginOffset: 9 }, Buffer.concat([records(5, 7), broken]));
    const at7 = { topic: 'orders', brokerName: 'broker-a', queueId: 0, queueOffset: 7 };
    expect(answer?.kind === 'damaged' && answer.error).toMatchObject({
      code: 'RMQ_BAD_MESSAGE',
      context: at7,
    });
    expect(answer?.kind === 'damaged' && answer.error.message).toMatch(
      /^message at orders@broker-a#0:7 cannot be read: record at byte \d+ of \d+ from broker-a .*: size \d+ is not between/,
    );
  });

  it.each([5, 6])('stops at the one whose body is not what was stored (%i), naming it', bad => {
    const { pull, reply } = pulling();
    pull(5);
    const body = Buffer.concat(
      [5, 6, 7].map(offset => (offset === bad ? changedRecord(offset) : recordOf(offset))),
    );
    const answer = reply(0, { nextBeginOffset: 8 }, body);
    expect(summary(answer)).toEqual({
      kind: 'damaged',
      offsets: [5, 6, 7].filter(offset => offset < bad),
      nextOffset: bad,
    });
    expect(answer?.kind === 'damaged' && [answer.error.code, answer.error.message]).toEqual([
      'RMQ_BAD_MESSAGE',
      `message id-${bad} at orders@broker-a#0:${bad}: the CRC of its body is not the stored one`,
    ]);
  });

  it('stays where it is when the very first bytes make no sense', () => {
    const { pull, reply } = pulling();
    pull(5);
    expect(summary(reply(0, { nextBeginOffset: 9 }, Buffer.alloc(200)))).toEqual({
      kind: 'damaged',
      offsets: [],
      nextOffset: 5,
    });
  });

  it('does not believe an offset that stands in the damaged record, but goes on behind the last good one', () => {
    const { pull, reply } = pulling();
    pull(5);
    const broken = recordOf(4_000_000);
    broken.writeInt32BE(0x1234, 4);
    expect(summary(reply(0, { nextBeginOffset: 9 }, Buffer.concat([records(5, 7), broken])))).toEqual({
      kind: 'damaged',
      offsets: [5, 6],
      nextOffset: 7,
    });
  });

  it('brings only the wanted ones of what is before it', () => {
    const { pull, reply } = pulling({ tags: () => new Set(['a']) });
    pull(5);
    const body = Buffer.concat([recordOf(5, { tags: 'a' }), recordOf(6, { tags: 'b' }), changedRecord(7)]);
    expect(summary(reply(0, {}, body))).toEqual({ kind: 'damaged', offsets: [5], nextOffset: 7 });
  });
});

describe('the pulls after a message could not be read', () => {
  const wanted = (caller: FakeCaller): readonly number[] =>
    caller.calls.map(({ frame }) => readHeader(pullMessage, frame).maxMsgNums);

  it('ask for that one alone, as long as they start there', () => {
    const { caller, pull, reply } = pulling();
    pull(5);
    reply(0, { nextBeginOffset: 8 }, Buffer.concat([recordOf(5), changedRecord(6), recordOf(7)]));
    pull(6);
    expect(summary(reply(0, { nextBeginOffset: 7 }, changedRecord(6)))).toMatchObject({ nextOffset: 6 });
    pull(6);
    expect(summary(reply(0, { nextBeginOffset: 7 }, recordOf(6)))).toEqual({
      kind: 'found',
      offsets: [6],
      nextOffset: 7,
    });
    pull(7);
    expect(wanted(caller)).toEqual([32, 1, 1, 32]);
  });

  it('know where it lies although the broker passed over what did not match before it', () => {
    const { pull, reply } = pulling();
    const broken = recordOf(9);
    broken.writeInt32BE(0x1234, 4);
    pull(5);
    const body = Buffer.concat([recordOf(5), broken, recordOf(12)]);
    expect(summary(reply(0, { nextBeginOffset: 13 }, body))).toMatchObject({ offsets: [5], nextOffset: 6 });
    pull(6);
    const answer = reply(0, { nextBeginOffset: 10 }, broken);
    expect(summary(answer)).toEqual({ kind: 'damaged', offsets: [], nextOffset: 9 });
    expect(answer?.kind === 'damaged' && answer.error.context).toMatchObject({ queueOffset: 9 });
  });

  it('believe no place that only one of record and broker names', () => {
    const { pull, reply } = pulling();
    const broken = recordOf(9);
    broken.writeInt32BE(0x1234, 4);
    pull(6);
    reply(0, { nextBeginOffset: 12 }, broken);
    pull(6);
    expect(summary(reply(0, { nextBeginOffset: 12 }, broken))).toMatchObject({ nextOffset: 6 });
  });

  it('find out which of two that dispute a place is the changed one', () => {
    const { pull, reply } = pulling();
    pull(16);
    const changed = recordOf(16); // lies at 18
    const disputed = Buffer.concat([recordOf(16), recordOf(17), changed, recordOf(19)]);
    expect(summary(reply(0, { nextBeginOffset: 20 }, disputed))).toMatchObject({ nextOffset: 16 });
    pull(16);
    expect(summary(reply(0, { nextBeginOffset: 17 }, recordOf(16)))).toMatchObject({ offsets: [16] });
    pull(17);
    const rest = Buffer.concat([recordOf(17), changed, recordOf(19)]);
    expect(summary(reply(0, { nextBeginOffset: 20 }, rest))).toEqual({
      kind: 'damaged',
      offsets: [17],
      nextOffset: 18,
    });
    pull(18);
    const alone = reply(0, { nextBeginOffset: 19 }, changed);
    expect(summary(alone)).toEqual({ kind: 'damaged', offsets: [], nextOffset: 18 });
    expect(alone?.kind === 'damaged' && alone.error).toMatchObject({
      message: 'message id-16 says it is at orders@broker-a#0:16, in an answer that goes from 18 to 19',
      context: { queueOffset: 18, claimed: 16 },
    });
  });

  it('place a misplaced one that came alone where the broker says, behind what it passed over', () => {
    const { pull, reply } = pulling();
    pull(16);
    reply(0, { nextBeginOffset: 20 }, recordOf(3));
    pull(16);
    expect(summary(reply(0, { nextBeginOffset: 20 }, recordOf(3)))).toEqual({
      kind: 'damaged',
      offsets: [],
      nextOffset: 19,
    });
  });
});

describe('an answer with a message in a wrong place', () => {
  /** Asks at 16 and gets records that say they are at these offsets, in an answer that ends at 20. */
  function answerOf(...offsets: readonly number[]): PullAnswer | undefined {
    const { pull, reply } = pulling();
    pull(16);
    return reply(0, { nextBeginOffset: 20 }, Buffer.concat(offsets.map(offset => recordOf(offset))));
  }

  it.each([
    ['the last one lies far behind the end of the answer', [16, 17, 18, 10_005], [16, 17, 18], 19],
    ['the last one lies just behind the end of the answer', [16, 17, 18, 20], [16, 17, 18], 19],
    ['one in the middle lies far behind the end of the answer', [16, 10_005, 18, 19], [16], 17],
    ['the first one does', [10_005, 17, 18, 19], [], 16],
    ['one lies before what was asked for', [16, 17, 3, 19], [16, 17], 18],
    ['the first one lies before what was asked for', [3, 17, 18, 19], [], 16],
    ['the only one lies before what was asked for', [3], [], 16],
    ['two say the same', [16, 17, 17, 19], [16], 17],
    ['one says the place of a later one, so that either may be wrong', [16, 19, 18], [16], 17],
    ['one says a place before several good ones', [16, 17, 18, 16], [], 16],
  ])('is damaged when %s', (_, offsets, good, nextOffset) => {
    const answer = answerOf(...offsets);
    expect(summary(answer)).toEqual({ kind: 'damaged', offsets: good, nextOffset });
    expect(answer?.kind === 'damaged' && answer.error).toBeInstanceOf(ProtocolError);
  });

  it('names the message and the range', () => {
    const answer = answerOf(16, 17, 18, 10_005);
    expect(answer?.kind === 'damaged' && [answer.error.code, answer.error.message]).toEqual([
      'RMQ_BAD_MESSAGE',
      'message id-10005 says it is at orders@broker-a#0:10005, in an answer that goes from 16 to 20',
    ]);
  });

  it.each([
    ['all places are taken', [16, 17, 18, 19]],
    ['the broker filtered some out', [17, 19]],
  ])('is none when %s', (_, offsets) => {
    expect(summary(answerOf(...offsets))).toEqual({ kind: 'found', offsets, nextOffset: 20 });
  });

  it('stops at an earlier message with a changed body', () => {
    const { pull, reply } = pulling();
    pull(16);
    const body = Buffer.concat([recordOf(16), changedRecord(17), recordOf(10_005)]);
    const answer = reply(0, { nextBeginOffset: 20 }, body);
    expect(summary(answer)).toEqual({ kind: 'damaged', offsets: [16], nextOffset: 17 });
    expect(answer?.kind === 'damaged' && answer.error.message).toContain('CRC');
  });

  it('stops before a later record that cannot be read', () => {
    const { pull, reply } = pulling();
    pull(16);
    const broken = recordOf(18);
    broken.writeInt32BE(0x1234, 4);
    const answer = reply(0, { nextBeginOffset: 20 }, Buffer.concat([recordOf(16), recordOf(10_005), broken]));
    expect(summary(answer)).toEqual({ kind: 'damaged', offsets: [16], nextOffset: 17 });
  });
});

describe('an inner batch', () => {
  const size = 50;
  const entries = Array.from({ length: size }, (_, i) => ({
    body: Buffer.from(`entry ${i}`),
    flag: 0,
    properties: new Map<string, string>(),
  }));
  const record = recordOf(100, {
    body: encodeClientBatch(entries),
    sysFlag: sysFlagBits.innerBatch | sysFlagBits.needUnwrap,
    properties: [['INNER_NUM', String(size)]],
  });

  it('is checked as one body, not once for each of its messages', () => {
    const { pull, reply } = pulling();
    const looks = vi.spyOn(StoredMessage.prototype, 'rawBody', 'get');
    pull(100);
    const answer = reply(0, { nextBeginOffset: 100 + size }, record);
    const looked = looks.mock.calls.length;
    looks.mockRestore();
    expect(summary(answer)).toEqual({
      kind: 'found',
      offsets: offsetsOf(messagesBetween(100, 100 + size)),
      nextOffset: 100 + size,
    });
    expect(looked).toBeLessThan(5);
  });

  it('is cut to what was asked when a pull from its middle brings all of it', () => {
    const { pull, reply } = pulling();
    pull(120);
    const answer = reply(0, { nextBeginOffset: 152 }, Buffer.concat([record, records(150, 152)]));
    expect(summary(answer)).toEqual({
      kind: 'found',
      offsets: offsetsOf(messagesBetween(120, 152)),
      nextOffset: 152,
    });
  });

  it.each([
    ['far before', 7, 20],
    ['just before', 70, 120],
  ])('that lies %s what was asked for is in a wrong place as a whole', (_, base, asked) => {
    const { pull, reply } = pulling();
    pull(asked);
    const moved = recordOf(base, {
      body: encodeClientBatch(entries.slice(0, asked - base)),
      sysFlag: sysFlagBits.innerBatch | sysFlagBits.needUnwrap,
      properties: [['INNER_NUM', String(asked - base)]],
    });
    const body = Buffer.concat([moved, recordOf(asked + 50)]);
    expect(summary(reply(0, { nextBeginOffset: asked + 51 }, body))).toEqual({
      kind: 'damaged',
      offsets: [],
      nextOffset: asked,
    });
  });

  it('that reaches past the end of the answer is damaged from there on', () => {
    const { pull, reply } = pulling();
    pull(100);
    expect(summary(reply(0, { nextBeginOffset: 130 }, record))).toEqual({
      kind: 'damaged',
      offsets: offsetsOf(messagesBetween(100, 130)),
      nextOffset: 130,
    });
  });

  it('with a changed body is damaged from its first message on', () => {
    const { pull, reply } = pulling();
    pull(99);
    const changed = Buffer.from(record);
    changed.write('ENTRY', changed.indexOf('entry 17'));
    expect(summary(reply(0, { nextBeginOffset: 200 }, Buffer.concat([recordOf(99), changed])))).toEqual({
      kind: 'damaged',
      offsets: [99],
      nextOffset: 100,
    });
  });

  it('with a changed body that was asked for from its middle is damaged there, not before', () => {
    const { pull, reply } = pulling();
    pull(120);
    const changed = Buffer.from(record);
    changed.write('ENTRY', changed.indexOf('entry 17'));
    const answer = reply(0, { nextBeginOffset: 150 }, changed);
    expect(summary(answer)).toEqual({ kind: 'damaged', offsets: [], nextOffset: 120 });
    expect(answer?.kind === 'damaged' && answer.error.message).toContain('orders@broker-a#0:120');
  });
});

describe('a slave', () => {
  const asked = { suggestions: [] as (number | undefined)[] };
  function pullingFromSlave() {
    const slave = new FakeCaller();
    asked.suggestions = [];
    const pulls = pulling({
      replica: () => ({ brokerId: 1, isSlave: true, caller: slave }),
      onSuggested: (_, brokerId) => asked.suggestions.push(brokerId),
    });
    const reply = (...answer: Parameters<typeof replyFrame>): PullAnswer | undefined => {
      slave.onOutcome({ kind: 'answered', frame: replyFrame(...answer) });
      return pulls.answers.pop();
    };
    return { ...pulls, slave, reply };
  }

  it('is never given an offset to commit: it would answer with success and forget it', async () => {
    const { slave, answers, pull } = pullingFromSlave();
    pull(5, 4);
    await turn();
    expect([slave.calls, answers.map(summary)]).toEqual([[], [{ kind: 'failed', code: 'RMQ_INTERNAL' }]]);
    pull(5);
    expect(slave.calls.map(({ frame }) => frame.fields['sysFlag'])).toEqual(['2']);
  });

  it('holds an empty poll only shortly', () => {
    const { slave, pull } = pullingFromSlave();
    pull(5);
    expect(slave.calls[0]?.frame.fields['suspendTimeoutMillis']).toBe('1000');
  });

  it('brings messages as the master does', () => {
    const { pull, reply } = pullingFromSlave();
    pull(5);
    expect(summary(reply(0, { nextBeginOffset: 8 }, records(5, 8)))).toEqual({
      ...{ kind: 'found', offsets: [5, 6, 7], nextOffset: 8 },
    });
    expect(asked.suggestions).toEqual([0]);
  });

  it.each([
    ['NO_MATCHED_MESSAGE', 20, 9, 9],
    ['MESSAGE_WAS_REMOVING', 20, 9, 5],
    ['OFFSET_FOUND_NULL', 19, 9, 5],
    ['OFFSET_OVERFLOW_ONE', 20, 5, 5],
    ['OFFSET_OVERFLOW_ONE', 19, 0, 5],
    ['NO_MATCHED_MESSAGE', 20, 0, 5],
    ['NO_MATCHED_MESSAGE', 20, 101, 5],
    ['OFFSET_RESET', 21, 0, 5],
    ['OFFSET_TOO_SMALL', 21, 50, 5],
  ])(
    'that says %s (%i) with a next offset of %i leaves a queue at 5 where it is, or moves it over what it has scanned',
    (remark, code, nextBeginOffset, nextOffset) => {
      const { pull, reply } = pullingFromSlave();
      pull(5);
      expect(reply(code, { nextBeginOffset, maxOffset: 100 }, undefined, remark)).toEqual({
        ...{ kind: 'none', nextOffset, mayRepeat: nextOffset > 5 },
      });
    },
  );

  it.each([
    ['OFFSET_OVERFLOW_BADLY', 20, { nextBeginOffset: 5, minOffset: 0, maxOffset: 3 }],
    ['OFFSET_OVERFLOW_BADLY', 21, { nextBeginOffset: 3, minOffset: 0, maxOffset: 3 }],
    ['NO_MESSAGE_IN_QUEUE', 21, { nextBeginOffset: 0, minOffset: 0, maxOffset: 0 }],
    ['NO_MATCHED_LOGIC_QUEUE', 19, { nextBeginOffset: 0, minOffset: 0, maxOffset: 0 }],
    ['OFFSET_TOO_SMALL', 21, { nextBeginOffset: 40, minOffset: 40, maxOffset: 90 }],
  ])(
    'that does not have the place (%s, %i) moves nothing: it is behind, and said to be',
    (remark, code, header) => {
      const { pull, reply } = pullingFromSlave();
      pull(5);
      const answer = reply(code, header, undefined, remark);
      expect(summary(answer)).toEqual({ kind: 'failed', code: 'RMQ_SLAVE_BEHIND' });
      expect(answer?.kind === 'failed' && answer.error.message).toContain(
        `pull from orders-0@broker-a at 5: slave 1 (10.0.0.1:10911) has ${header.minOffset} to ${header.maxOffset}`,
      );
      expect(asked.suggestions).toEqual([0, undefined]);
    },
  );

  it('decides nothing about a message it cannot give: what is before it is brought, and it is a failure', () => {
    const { pull, reply } = pullingFromSlave();
    pull(5);
    const damaged = Buffer.concat([records(5, 7), changedRecord(7), recordOf(8)]);
    expect(summary(reply(0, { nextBeginOffset: 9 }, damaged))).toEqual({
      ...{ kind: 'found', offsets: [5, 6], nextOffset: 7 },
    });
    pull(7);
    expect(summary(reply(0, { nextBeginOffset: 8 }, changedRecord(7)))).toEqual({
      ...{ kind: 'failed', code: 'RMQ_BAD_MESSAGE' },
    });
    expect(asked.suggestions).toEqual([0, 0, undefined]);
  });
});

it('an answer of the master tells whom it suggests, one that failed tells nothing of a suggestion', () => {
  const suggestions: (number | undefined)[] = [];
  const { pull, reply } = pulling({ onSuggested: ({ brokerId }, next) => suggestions.push(brokerId, next) });
  pull(5);
  reply(0, { nextBeginOffset: 8 }, records(5, 8));
  reply(21, { nextBeginOffset: 0 });
  reply(2);
  expect(suggestions).toEqual([0, 0, 0, 0, 0, undefined]);
});
