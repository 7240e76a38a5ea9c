// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Recording, sequenceDiagram } from '../../../visualizations/sequence.ts';
import { sequences } from '../../../visualizations/sequences.ts';
import { checkTrace } from '../../support/trace-checker.ts';
import { type FrameEntry, readTrace, type TraceEntry } from '../../support/trace-entries.ts';

const traces = join(import.meta.dirname, '../../../visualizations/traces');

function frame(at: number, facts: Partial<FrameEntry>): TraceEntry {
  const usual = {
    kind: 'request',
    direction: 'out',
    connection: 1,
    address: 'b:1',
    opaque: at,
    code: 34,
    fields: {},
  };
  return { ...usual, ...facts, at } as TraceEntry; // the parts that a test leaves out are those of a plain request
}

function drawn(...entries: readonly TraceEntry[]): readonly string[] {
  const recording: Recording = { member: 'anna', entries };
  return sequenceDiagram([recording], { title: 'A test' })
    .split('\n')
    .slice(3)
    .map(line => line.trim());
}

describe('a sequence', () => {
  const route = frame(0, {
    ...{ kind: 'response', direction: 'in', address: 'n:1', code: 0, opaque: 99 },
    brokers: { 'b:1': 'broker-a' },
  });

  it('names brokers as routes do, requests by code and name, and counts time from its beginning', () => {
    const lines = drawn(
      route,
      frame(1000, { code: 34 }),
      frame(1012, { code: 40, direction: 'in', kind: 'oneway' }),
    );
    expect(lines).toEqual([
      'sequenceDiagram',
      'participant anna',
      'participant broker-a',
      'anna->>broker-a: 0 ms: 34 HEART_BEAT',
      'broker-a-)anna: 12 ms: 40 NOTIFY_CONSUMER_IDS_CHANGED',
      '',
    ]);
  });

  it('tells of a pull where it begins and what it commits, and of the answer how many messages', () => {
    const fields = { topic: 'orders', queueId: '2', queueOffset: '7', sysFlag: '3', commitOffset: '5' };
    const asked = frame(10, { code: 11, fields });
    const answer = frame(20, { kind: 'response', direction: 'in', code: 0, opaque: 10, offsets: [7, 8] });
    expect(drawn(asked, answer).slice(-3)).toEqual([
      'anna->>name-server: 0 ms: 11 PULL_MESSAGE from 7, commits 5 orders/2',
      'name-server-->>anna: 10 ms: 2 messages orders/2',
      '',
    ]);
  });

  it('draws as one what follows each other and differs only in its queue', () => {
    const ask = (at: number, queueId: string): TraceEntry =>
      frame(at, { code: 14, fields: { topic: 'orders', queueId } });
    expect(drawn(ask(1, '1'), ask(2, '0'), frame(3, { code: 38 }))).toContain(
      'anna->>name-server: 0 ms: 14 QUERY_CONSUMER_OFFSET (2 times) orders/0, orders/1',
    );
  });

  it('says which locks were granted, and which answer was a refusal', () => {
    const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 1 };
    const answer = (at: number, facts: Partial<FrameEntry>): TraceEntry =>
      frame(at, { kind: 'response', direction: 'in', code: 0, ...facts });
    const lines = drawn(
      frame(1, { code: 41, body: { mqSet: [queue] } }),
      answer(2, { opaque: 1, body: { lockOKMQSet: [] } }),
      frame(3, { code: 41, body: { mqSet: [queue] } }),
      answer(4, { opaque: 3, body: { lockOKMQSet: [queue] } }),
      frame(5, { code: 14, fields: { topic: 'orders', queueId: '1' } }),
      answer(6, { opaque: 5, code: 22 }),
    );
    expect(lines.map(line => line.replace(/^.*ms: /, '')).slice(-7)).toEqual([
      '41 LOCK_BATCH_MQ orders/1',
      'granted none',
      '41 LOCK_BATCH_MQ orders/1',
      'granted orders/1',
      '14 QUERY_CONSUMER_OFFSET orders/1',
      'refused 22 QUERY_NOT_FOUND orders/1',
      '',
    ]);
  });
});

describe('what was recorded on a real broker', () => {
  it.each(['alone.anna', 'handover.anna', 'handover.boris'])('breaks no rule: %s', async name => {
    expect(checkTrace(await readTrace(join(traces, `${name}.jsonl`)), { locks: 'fence' })).toEqual([]);
  });

  it('shows a queue changing its owner in the order that keeps messages from coming twice', async () => {
    const lines = (await sequences(traces)).get('sequence-handover.mmd')?.split('\n') ?? [];
    const first = (pattern: RegExp): number => lines.findIndex(line => pattern.test(line));
    const order = [
      first(/anna->>broker-a: .*UPDATE_CONSUMER_OFFSET/),
      first(/anna->>broker-a: .*UNLOCK_BATCH_MQ/),
      first(/broker-a-->>boris: .*granted/),
      first(/boris->>broker-a: .*QUERY_CONSUMER_OFFSET/),
      first(/boris->>broker-a: .*PULL_MESSAGE/),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });
});
