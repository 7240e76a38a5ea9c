// SPDX-License-Identifier: Apache-2.0
/** How does a compressed ZSTD block become bytes: its literals, then the sequences that weave them with copies? Source: RFC 8878 section 3.1.1.3. */
import type { CappedOutput } from './capped-output.ts';
import { BackwardBits, badZstd } from './zstd-bits.ts';
import {
  literalBases,
  literalBits,
  literalLengths,
  matchBases,
  matchBits,
  matchLengths,
  offsets,
  type SequenceKind,
} from './zstd-codes.ts';
import {
  constantFseTable,
  decodeHuffman,
  type FseTable,
  type HuffmanTable,
  readFseTable,
  readHuffmanTable,
} from './zstd-tables.ts';

/** Literals of one block, in a buffer of their own or where they stand in the input. */
interface Literals {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Decodes the compressed blocks of one frame, which may use again the tables and distances of earlier ones. */
export class BlockDecoder {
  private readonly stored: Buffer;
  private readonly output: CappedOutput;
  private readonly frameStart: number;
  private readonly maxBlock: number;
  private huffman: HuffmanTable | undefined;
  private literalTable: FseTable | undefined;
  private offsetTable: FseTable | undefined;
  private matchTable: FseTable | undefined;
  /** The last three distances, newest first. */
  private last1 = 1;
  private last2 = 4;
  private last3 = 8;
  private literalBuffer: Buffer = Buffer.alloc(0);

  constructor(stored: Buffer, output: CappedOutput, frameStart: number, maxBlock: number) {
    this.stored = stored;
    this.output = output;
    this.frameStart = frameStart;
    this.maxBlock = maxBlock;
  }

  /** Appends the block between two positions of the input to the output. */
  open(start: number, end: number): void {
    const { literals, sequencesAt } = this.readLiterals(start, end);
    const { stored } = this;
    if (sequencesAt >= end) throw badZstd('a block has no sequences section');
    let at = sequencesAt;
    let count = stored[at++] ?? 0;
    if (count >= 128) {
      const extra = count === 255 ? 2 : 1;
      if (at + extra > end) throw badZstd('a block is cut off');
      const low = stored[at] ?? 0;
      count = extra === 2 ? low + ((stored[at + 1] ?? 0) << 8) + 0x7f00 : ((count - 128) << 8) + low;
      at += extra;
    }
    if (count > 0) this.runSequences(at, end, count, literals);
    else if (at !== end) throw badZstd('a block without sequences goes on');
    else this.output.append(literals.bytes, literals.start, literals.end);
  }

  private readLiterals(
    start: number,
    end: number,
  ): { readonly literals: Literals; readonly sequencesAt: number } {
    const { stored } = this;
    const first = stored[start] ?? 0;
    const kind = first & 3;
    const format = (first >> 2) & 3;
    const headSize = kind < 2 ? ([1, 2, 1, 3][format] ?? 1) : ([3, 3, 4, 5][format] ?? 3);
    const at = start + headSize;
    if (at > end) throw badZstd('a literals section is cut off');
    if (kind >= 2) return this.readHuffmanLiterals(start, end, format, kind === 2);
    const size = stored.readUIntLE(start, headSize) >>> (headSize === 1 ? 3 : 4);
    if (size > this.maxBlock) throw badZstd(`a block has ${size} literals`);
    if (kind === 0) {
      if (at + size > end) throw badZstd('literals are cut off');
      return { literals: { bytes: stored, start: at, end: at + size }, sequencesAt: at + size };
    }
    if (at >= end) throw badZstd('literals are cut off');
    const bytes = this.literalSpace(size).fill(stored[at] ?? 0, 0, size);
    return { literals: { bytes, start: 0, end: size }, sequencesAt: at + 1 };
  }

  private readHuffmanLiterals(
    start: number,
    end: number,
    format: number,
    hasTable: boolean,
  ): { readonly literals: Literals; readonly sequencesAt: number } {
    const { stored } = this;
    const sizeBits = [10, 10, 14, 18][format] ?? 10;
    const headSize = [3, 3, 4, 5][format] ?? 3;
    const sizes = Math.floor(stored.readUIntLE(start, headSize) / 16);
    const size = sizes % 2 ** sizeBits;
    let at = start + headSize;
    const streamsEnd = at + Math.floor(sizes / 2 ** sizeBits);
    if (streamsEnd > end) throw badZstd('literals are cut off');
    if (size > this.maxBlock) throw badZstd(`a block has ${size} literals`);
    if (hasTable) {
      const placed = readHuffmanTable(stored, at, streamsEnd);
      this.huffman = placed.table;
      at = placed.end;
    }
    if (this.huffman === undefined) throw badZstd('a block uses a Huffman table that was never given');
    const bytes = this.literalSpace(size);
    if (format === 0) decodeHuffman(this.huffman, new BackwardBits(stored, at, streamsEnd), bytes, 0, size);
    else this.decodeFourStreams(this.huffman, at, streamsEnd, bytes, size);
    return { literals: { bytes, start: 0, end: size }, sequencesAt: streamsEnd };
  }

  private decodeFourStreams(
    table: HuffmanTable,
    start: number,
    end: number,
    bytes: Buffer,
    size: number,
  ): void {
    const { stored } = this;
    if (start + 6 > end) throw badZstd('literals are cut off');
    const quarter = (size + 3) >> 2;
    if (quarter * 3 > size) throw badZstd(`${size} literals are too few for four streams`);
    let at = start + 6;
    for (let i = 0; i < 4; i++) {
      const streamEnd = i === 3 ? end : at + stored.readUInt16LE(start + 2 * i);
      if (streamEnd > end) throw badZstd('literals are cut off');
      const bits = new BackwardBits(stored, at, streamEnd);
      decodeHuffman(table, bits, bytes, quarter * i, i === 3 ? size : quarter * (i + 1));
      at = streamEnd;
    }
  }

  private runSequences(start: number, end: number, count: number, literals: Literals): void {
    if (start >= end) throw badZstd('a block is cut off');
    const modes = this.stored[start] ?? 0;
    if ((modes & 3) !== 0) throw badZstd('a block uses reserved bits');
    const literalPlaced = this.readTable(literalLengths, modes >> 6, start + 1, end, this.literalTable);
    const offsetPlaced = this.readTable(offsets, (modes >> 4) & 3, literalPlaced.end, end, this.offsetTable);
    const matchPlaced = this.readTable(
      matchLengths,
      (modes >> 2) & 3,
      offsetPlaced.end,
      end,
      this.matchTable,
    );
    this.literalTable = literalPlaced.table;
    this.offsetTable = offsetPlaced.table;
    this.matchTable = matchPlaced.table;
    const bits = new BackwardBits(this.stored, matchPlaced.end, end);
    const literalsAt = this.weave(
      bits,
      count,
      literals,
      literalPlaced.table,
      offsetPlaced.table,
      matchPlaced.table,
    );
    if (bits.left !== 0) throw badZstd('the sequences of a block do not end where they should');
    this.output.append(literals.bytes, literalsAt, literals.end);
  }

  /** Runs all sequences; answers where the literals that are left begin. */
  private weave(
    bits: BackwardBits,
    count: number,
    literals: Literals,
    literalTable: FseTable,
    offsetTable: FseTable,
    matchTable: FseTable,
  ): number {
    const { output } = this;
    let literalsAt = literals.start;
    let room = this.maxBlock - (literals.end - literals.start); // what the copies of one block may make
    let literalState = bits.read(literalTable.accuracyLog);
    let offsetState = bits.read(offsetTable.accuracyLog);
    let matchState = bits.read(matchTable.accuracyLog);
    for (let i = 1; i <= count; i++) {
      const literalCode = literalTable.symbols[literalState] ?? 0;
      const matchCode = matchTable.symbols[matchState] ?? 0;
      const offsetCode = offsetTable.symbols[offsetState] ?? 0;
      const offsetValue = ((1 << offsetCode) >>> 0) + bits.read(offsetCode);
      const matchLength = (matchBases[matchCode] ?? 0) + bits.read(matchBits[matchCode] ?? 0);
      const literalLength = (literalBases[literalCode] ?? 0) + bits.read(literalBits[literalCode] ?? 0);
      if (i < count) {
        literalState =
          (literalTable.baselines[literalState] ?? 0) + bits.read(literalTable.bitCounts[literalState] ?? 0);
        matchState =
          (matchTable.baselines[matchState] ?? 0) + bits.read(matchTable.bitCounts[matchState] ?? 0);
        offsetState =
          (offsetTable.baselines[offsetState] ?? 0) + bits.read(offsetTable.bitCounts[offsetState] ?? 0);
      }
      room -= matchLength;
      if (bits.left < 0) throw badZstd('the sequences of a block are cut off');
      if (literalLength > literals.end - literalsAt)
        throw badZstd('a sequence takes more literals than there are');
      if (room < 0) throw badZstd('a block makes more than its frame allows');
      output.append(literals.bytes, literalsAt, literalsAt + literalLength);
      literalsAt += literalLength;
      const distance = this.distance(offsetValue, literalLength);
      if (distance < 1 || distance > output.length - this.frameStart)
        throw badZstd(`a copy reaches ${distance} bytes back`);
      output.repeat(distance, matchLength);
    }
    return literalsAt;
  }

  /** Values 1 to 3 name one of the last three distances, others a new one. */
  private distance(offsetValue: number, literalLength: number): number {
    const { last1, last2, last3 } = this;
    const choice = offsetValue > 3 ? 4 : offsetValue + (literalLength === 0 ? 1 : 0);
    if (choice === 1) return last1;
    const distance =
      offsetValue > 3 ? offsetValue - 3 : choice === 2 ? last2 : choice === 3 ? last3 : last1 - 1;
    if (choice > 2) this.last3 = last2;
    this.last2 = last1;
    this.last1 = distance;
    return distance;
  }

  private readTable(
    kind: SequenceKind,
    mode: number,
    at: number,
    end: number,
    earlier: FseTable | undefined,
  ): { readonly table: FseTable; readonly end: number } {
    switch (mode) {
      case 0:
        return { table: kind.predefined, end: at };
      case 1: {
        const symbol = this.stored[at] ?? 0;
        if (at >= end || symbol >= kind.symbols)
          throw badZstd(`its only ${kind.what} code ${symbol} is unknown`);
        return { table: constantFseTable(symbol), end: at + 1 };
      }
      case 2:
        return readFseTable(this.stored, at, end, kind);
      default:
        if (earlier === undefined) throw badZstd(`a block uses a ${kind.what} table that was never given`);
        return { table: earlier, end: at };
    }
  }

  private literalSpace(size: number): Buffer {
    if (this.literalBuffer.length < size) this.literalBuffer = Buffer.allocUnsafeSlow(size);
    return this.literalBuffer;
  }
}
