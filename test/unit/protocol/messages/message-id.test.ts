// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostBytes, hostText, ipBytes } from '../../../../src/protocol/host-bytes.ts';
import {
  decodeOffsetMsgId,
  encodeOffsetMsgId,
  readUniqueId,
  uniqueIds,
} from '../../../../src/protocol/message-id.ts';
import { misc } from './message-samples.ts';

describe('offset message ids', () => {
  it.each(misc.offsetMsgIds)('of $host are Java’s in both directions', sample => {
    const host = sample.host.includes(':') ? `[${sample.host}]` : sample.host;
    expect(encodeOffsetMsgId(hostBytes(`${host}:${sample.port}`), sample.physicalOffset)).toBe(
      sample.offsetMsgId,
    );
    const { storeHost, commitLogOffset } = decodeOffsetMsgId(sample.offsetMsgId);
    expect(storeHost.replace(/^\[?(.*?)\]?:(\d+)$/, '$1|$2')).toBe(sample.decodedHost);
    expect(commitLogOffset).toBe(sample.decodedOffset);
  });

  it.each([
    '',
    'x',
    '0A01020300002A9F0000001CBE991A1',
    '0A01020300002A9F0000001CBE991A1G',
    '0'.repeat(100_000),
  ])('are refused in any other form: %.40s', id => {
    expect(() => decodeOffsetMsgId(id)).toThrowError(expect.objectContaining({ code: 'RMQ_BAD_MESSAGE' }));
  });

  it('are refused with an offset that is negative or past 2^53-1', () => {
    expect(decodeOffsetMsgId('0A01020300002A9F001FFFFFFFFFFFFF').commitLogOffset).toBe(
      Number.MAX_SAFE_INTEGER,
    );
    for (const offset of ['0020000000000000', 'FFFFFFFFFFFFFFFF']) {
      expect(() => decodeOffsetMsgId(`0A01020300002A9F${offset}`)).toThrowError(
        /is not an offset message id/,
      );
    }
  });

  it('come back as they were made', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.integer({ min: 0, max: 65_535 }),
        fc.maxSafeNat(),
        (ip, port, offset) => {
          const bytes = hostBytes(ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);
          const decoded = decodeOffsetMsgId(encodeOffsetMsgId(bytes, offset));
          expect(decoded.commitLogOffset).toBe(offset);
          expect(hostBytes(decoded.storeHost)).toEqual(bytes);
        },
      ),
    );
  });
});

describe('hosts', () => {
  it.each([
    ['2001:db8::2', '20010db8000000000000000000000002'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['1::', `0001${'0'.repeat(28)}`],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['10.1.2.3', '0a010203'],
  ])('%s has the bytes %s', (ip, hex) => {
    expect(ipBytes(ip)?.toString('hex')).toBe(hex);
  });

  it('with IPv6 are shown in brackets and in Java’s long form', () => {
    expect(hostText(hostBytes('[2001:db8::2]:10911'), 0, 20)).toBe('[2001:db8:0:0:0:0:0:2]:10911');
  });

  it.each([
    'broker-a:10911',
    '10.1.2.3',
    '10.1.2.3:',
    '10.1.2.3:65536',
    '10.1.2.3:-1',
    '10.1.2.3:1.5',
    ':1',
    '10.1.2:1',
  ])('that are no IP address with a port are refused: %s', host => {
    expect(() => hostBytes(host)).toThrowError(
      expect.objectContaining({ code: 'RMQ_BAD_MESSAGE', context: { host } }),
    );
  });
});

describe('unique ids', () => {
  it.each(misc.uniqIds)('made by Java tell who made them: $uniqId', ({ uniqId, pid, ipBytesHex }) => {
    const maker = readUniqueId(uniqId);
    expect(maker?.pid).toBe(pid);
    expect(ipBytes(maker?.ip ?? '')?.toString('hex')).toBe(ipBytesHex);
  });

  it('are laid out as Java lays them out', () => {
    const nextId = uniqueIds({
      wallNow: () => new Date(2026, 10, 3).getTime() + 5,
      random: () => 0.5,
      ip: '10.1.2.3',
      pid: 0x1_1f90,
    });
    const twoDays = (2 * 86_400_000 + 5).toString(16).toUpperCase().padStart(8, '0');
    expect(nextId()).toBe(`0A0102031F9080000000${twoDays}8001`);
    expect(nextId()).toBe(`0A0102031F9080000000${twoDays}8002`);
    expect(readUniqueId(nextId())).toEqual({ ip: '10.1.2.3', pid: 0x1f90 });
  });

  it('have 56 characters on an IPv6 host', () => {
    const nextId = uniqueIds({ wallNow: () => 0, random: () => 0, ip: 'fd00::2', pid: 1 });
    expect(nextId()).toMatch(/^FD00{28}20001[0-9A-F]{20}$/);
  });

  it('start a new count of ms with each month, forwards and backwards', () => {
    let now = new Date(2026, 0, 31, 23, 59, 59, 999).getTime();
    const nextId = uniqueIds({ wallNow: () => now, random: () => 0, ip: '10.1.2.3', pid: 1 });
    const msOf = () => Number.parseInt(nextId().slice(20, 28), 16);
    expect(msOf()).toBe(31 * 86_400_000 - 1);
    now++;
    expect(msOf()).toBe(0);
    now--;
    expect(msOf()).toBe(31 * 86_400_000 - 1);
  });

  it('differ 65536 times within one ms, and their counter wraps', () => {
    const nextId = uniqueIds({
      wallNow: () => 1_700_000_000_000,
      random: () => 0.999_999_999,
      ip: '10.1.2.3',
      pid: 1,
    });
    expect(new Set(Array.from({ length: 65_536 }, nextId)).size).toBe(65_536);
  });

  it('need an IP address', () => {
    expect(() => uniqueIds({ wallNow: () => 0, random: () => 0, ip: 'localhost', pid: 1 })).toThrowError(
      /localhost is not an IP address/,
    );
  });

  it('of another form tell nothing', () => {
    expect(readUniqueId('order-4711')).toBeUndefined();
  });
});
