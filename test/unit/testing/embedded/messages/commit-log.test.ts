// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { encodeStoredMessage } from '../../../../../src/protocol/record-encoder.ts';
import { layout, writeInt64 } from '../../../../../src/protocol/record-layout.ts';
import { CommitLog } from '../../../../../src/testing/embedded/messages/commit-log.ts';

const megabyte = 1024 * 1024;

function record(log: CommitLog, body: Buffer): Buffer {
  return encodeStoredMessage({
    topic: 'orders',
    queueId: 0,
    queueOffset: 0,
    commitLogOffset: log.end,
    bornHost: '127.0.0.1:1',
    storeHost: '127.0.0.1:2',
    body,
  });
}

function filled(count: number, size = megabyte) {
  const log = new CommitLog();
  const records = Array.from({ length: count }, (_, i) => record(log, Buffer.alloc(size, i)));
  const written: { readonly position: number; readonly bytes: Buffer }[] = [];
  for (let i = 0; i < records.length; i++) {
    const bytes = record(log, Buffer.alloc(size, i));
    written.push({ position: log.append(bytes), bytes });
  }
  return { log, written };
}

describe('the commit log', () => {
  it('gives back what was written, across its chunks, at positions without gaps', () => {
    const { log, written } = filled(9);
    let expected = 0;
    for (const { position, bytes } of written) {
      expect(position).toBe(expected);
      expect(log.read(position, bytes.length).equals(bytes)).toBe(true);
      expect(log.recordAt(position)?.equals(bytes)).toBe(true);
      expected += bytes.length;
    }
    expect(log.end).toBe(expected);
  });

  it('knows no record where none begins', () => {
    const { log, written } = filled(2, 100);
    const second = written[1]?.position ?? 0;
    expect([-1, 1, second - 1, second + 1, log.end, 99_999_999].map(at => log.recordAt(at))).toEqual(
      Array.from({ length: 6 }, () => undefined),
    );
    expect(log.recordAt(second)).toBeDefined();
  });

  it('looks no further than the end of a stretch that is full', () => {
    const { log } = filled(1);
    expect(log.recordAt(log.end - 1)).toBeUndefined();
  });

  it('takes no bytes for a record that merely look like one', () => {
    const log = new CommitLog();
    const inner = record(log, Buffer.from('inner'));
    const position = log.append(record(log, inner));
    const insideBody = (log.recordAt(position)?.indexOf(inner) ?? 0) + position;
    expect(insideBody).toBeGreaterThan(position);
    expect(log.recordAt(insideBody)).toBeUndefined();
  });

  it('gives out nothing that was not written, whatever a body claims', () => {
    const log = new CommitLog();
    const probe = record(log, Buffer.from('inner'));
    const insideBody = record(log, probe).indexOf(probe);
    writeInt64(probe, insideBody, layout.commitLogOffset);
    log.append(record(log, probe));
    expect(log.recordAt(insideBody)?.length).toBe(probe.length);
    const greedy = Buffer.from(probe);
    const other = new CommitLog();
    greedy.writeInt32BE(60_000, layout.size);
    other.append(record(other, greedy));
    expect(other.recordAt(insideBody)).toBeUndefined();
  });

  it('gives memory back once all records of a stretch are released, and keeps the positions of the rest', () => {
    const { log, written } = filled(12);
    const before = log.heldBytes;
    for (const { position } of written.slice(0, -1)) log.release(position);
    expect(log.heldBytes).toBeLessThan(before / 2);
    const last = written.at(-1);
    expect(log.recordAt(last?.position ?? 0)?.equals(last?.bytes ?? Buffer.alloc(0))).toBe(true);
    expect(() => log.read(0, 10)).toThrow(/position 0/);
    expect(log.recordAt(0)).toBeUndefined();
  });

  it('holds nothing when everything was released, and goes on from where it was', () => {
    const { log, written } = filled(3, 100);
    const { end } = log;
    for (const { position } of written) log.release(position);
    expect(log.heldBytes).toBe(0);
    expect(log.append(record(log, Buffer.from('next')))).toBe(end);
  });

  it('is small while little is in it', () => {
    const { log } = filled(10, 100);
    expect(log.heldBytes).toBe(64 * 1024);
  });
});
