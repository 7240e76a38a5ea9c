// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../../../src/protocol/frame.ts';
import { exchanges, frameBytes } from '../../protocol/wire-samples.ts';
import { differencesOf, factsOf, nothing } from './facts.ts';
import { rules, tidy } from './rules.ts';

/** Every recorded answer and request of a broker. */
const frames = exchanges.map(({ title, request, response }) => ({
  title,
  frame: decodeFrame(frameBytes((response ?? request).frameHex)),
}));

describe('the comparison', () => {
  it('finds a frame equal to itself', () => {
    for (const { frame } of frames) expect(differencesOf(factsOf(frame), factsOf(frame))).toEqual({});
  });

  it('sees another code, remark or header field in every recorded frame', () => {
    for (const { title, frame } of frames) {
      const fields = Object.fromEntries(Object.entries(frame.fields).map(([name]) => [name, 'changed']));
      const other = decodeFrame(encodeFrame({ ...frame, code: 999, remark: 'changed', fields }).subarray(4));
      const seen = Object.keys(
        differencesOf(factsOf(frame), factsOf({ ...other, language: frame.language })),
      );
      const expected = ['code', ...Object.keys(fields).map(name => `fields.${name}`), 'remark'];
      expect(seen, title).toEqual(expected.sort());
    }
  });

  it('sees that a body is missing', () => {
    const withBody = frames.filter(({ frame }) => frame.body.length > 0);
    expect(withBody.length).toBeGreaterThan(30);
    for (const { title, frame } of withBody) {
      const without = factsOf({ ...frame, body: Buffer.alloc(0) });
      expect(Object.keys(differencesOf(factsOf(frame), without)).length, title).toBeGreaterThan(0);
    }
  });

  it('sees each changed value of a body, whatever the order of its members', () => {
    const answer = (body: string): ReturnType<typeof factsOf> =>
      factsOf(decodeFrame(encodeFrame({ code: 0, opaque: 1, flag: 1, body: Buffer.from(body) }).subarray(4)));
    const recorded = answer(
      '{"ids":["b","a"],"table":{{"queueId":0,"topic":"T"}:{"maxOffset":5,"lastTimestamp":0}}}',
    );
    expect(
      differencesOf(
        recorded,
        answer('{"table":{{"topic":"T","queueId":0}:{"lastTimestamp":0,"maxOffset":5}},"ids":["a","b"]}'),
      ),
    ).toEqual({});
    expect(
      differencesOf(
        recorded,
        answer(
          '{"ids":["a"],"table":{{"queueId":0,"topic":"T"}:{"maxOffset":6,"lastTimestamp":1700000000000}}}',
        ),
      ),
    ).toEqual({
      'body.ids[1]': { recorded: '=b', embedded: nothing },
      'body.table[queueId=0 topic=T].lastTimestamp': { recorded: '0', embedded: '(time)' },
      'body.table[queueId=0 topic=T].maxOffset': { recorded: '5', embedded: '6' },
    });
  });

  it('says of a frame that never came that it is missing', () => {
    expect(differencesOf(new Map(), undefined)).toEqual({ frame: { recorded: 'sent', embedded: nothing } });
  });
});

describe('a rule', () => {
  it('is needed: each one changes something in the recordings', () => {
    const texts = frames.flatMap(({ frame }) => [...factsOf(frame).values()]);
    const unused = rules.filter(({ to }) => !texts.some(text => text.includes(to)));
    expect(unused.map(({ name }) => name)).toEqual([]);
  });

  it('leaves alone what it does not name, and what does not look as it says', () => {
    expect(tidy('fields.maxOffset', '5')).toBe('5');
    expect(tidy('body.clientAddr', 'localhost')).toBe('localhost');
    expect(tidy('fields.msgId', '')).toBe('');
    expect(tidy('fields.transactionId', '7F0000010001000000000000000000AA')).toBe(
      '7F0000010001000000000000000000AA',
    );
    expect(tidy('body.lastTimestamp', '0')).toBe('0');
  });
});
