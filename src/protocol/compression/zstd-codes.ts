// SPDX-License-Identifier: Apache-2.0
/** Which codes describe a ZSTD sequence, and which lengths do they stand for? Source: RFC 8878 sections 3.1.1.3.2 and appendix A. */
import { buildFseTable, type FseTable } from './zstd-tables.ts';

/** One of the three codes that describe a sequence. */
export interface SequenceKind {
  readonly what: string;
  readonly accuracyLog: number;
  /** Number of codes. */
  readonly symbols: number;
  readonly predefined: FseTable;
}

const ones = (count: number): readonly number[] => new Array<number>(count).fill(1);
const rare = (count: number): readonly number[] => new Array<number>(count).fill(-1);

export const literalLengths: SequenceKind = {
  what: 'literal length',
  accuracyLog: 9,
  symbols: 36,
  predefined: buildFseTable(
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, ...ones(5), ...rare(4)],
    6,
  ),
};
export const offsets: SequenceKind = {
  what: 'offset',
  accuracyLog: 8,
  symbols: 32,
  predefined: buildFseTable([...ones(6), 2, 2, 2, ...ones(15), ...rare(5)], 5),
};
export const matchLengths: SequenceKind = {
  what: 'match length',
  accuracyLog: 9,
  symbols: 53,
  predefined: buildFseTable([1, 4, 3, 2, 2, 2, 2, 2, 2, ...ones(37), ...rare(7)], 6),
};

/** Extra bits by code, and from them the smallest value of each code. */
export const literalBits = Uint8Array.of(
  ...new Array<number>(16).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
);
export const literalBases = basesOf(literalBits, 0);
export const matchBits = Uint8Array.of(
  ...new Array<number>(32).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
);
export const matchBases = basesOf(matchBits, 3);

function basesOf(bits: Uint8Array, first: number): Uint32Array {
  let base = first;
  return Uint32Array.from(bits, count => {
    const here = base;
    base += 1 << count;
    return here;
  });
}
