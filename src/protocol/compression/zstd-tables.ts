// SPDX-License-Identifier: Apache-2.0
/** How are ZSTD's decoding tables built: FSE from counts, Huffman from weights? Source: RFC 8878 sections 4.1 and 4.2.1. */
import { BackwardBits, badZstd, ForwardBits } from './zstd-bits.ts';

/** By state: the symbol it stands for, and how the next state is found. */
export interface FseTable {
  readonly accuracyLog: number;
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
  readonly baselines: Uint16Array;
}

/** By the next `maxBits` bits: the symbol they begin with, and how many of them are its own. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
}

export interface Placed<T> {
  readonly table: T;
  /** First byte behind its description. */
  readonly end: number;
}

const longestHuffmanCode = 11;
const weightAccuracyLimit = 6;
const symbolLimit = 256;

/** Reads a table description: counts with as few bits as what remains allows. */
export function readFseTable(
  bytes: Buffer,
  start: number,
  end: number,
  limits: { readonly accuracyLog: number; readonly symbols: number },
): Placed<FseTable> {
  const bits = new ForwardBits(bytes, start, end);
  const accuracyLog = bits.read(4) + 5;
  if (accuracyLog > limits.accuracyLog)
    throw badZstd(`a table has accuracy ${accuracyLog}, at most ${limits.accuracyLog} is allowed`);
  const counts: number[] = [];
  let remaining = 1 << accuracyLog;
  while (remaining > 0) {
    if (counts.length >= limits.symbols) throw badZstd('a table has too many symbols');
    const count = readCount(bits, remaining);
    counts.push(count);
    remaining -= Math.abs(count);
    if (count === 0) readZeros(bits, counts, limits.symbols);
  }
  if (remaining < 0) throw badZstd('a table has too many states');
  return { table: buildFseTable(counts, accuracyLog), end: bits.nextByte };
}

/** -1 stands for "less than one": the symbol has one state, at the end of the table. */
function readCount(bits: ForwardBits, remaining: number): number {
  const width = 32 - Math.clz32(remaining + 1);
  const value = bits.read(width);
  const lowMask = (1 << (width - 1)) - 1;
  const spare = (1 << width) - 1 - (remaining + 1);
  if ((value & lowMask) < spare) {
    bits.giveBackOne();
    return (value & lowMask) - 1;
  }
  return (value > lowMask ? value - spare : value) - 1;
}

function readZeros(bits: ForwardBits, counts: number[], symbols: number): void {
  let more = 3;
  while (more === 3) {
    more = bits.read(2);
    for (let i = 0; i < more; i++) counts.push(0);
    if (counts.length > symbols) throw badZstd('a table has too many symbols');
  }
}

/** Spreads the symbols over the states; the same steps everywhere, so that all decoders agree. */
export function buildFseTable(counts: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[--high] = symbol;
    next[symbol] = Math.abs(count);
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  });
  if (at !== 0) throw badZstd('a table does not fill its states');
  const bitCounts = new Uint8Array(size);
  const baselines = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0;
    const position = next[symbol] ?? 0;
    next[symbol] = position + 1;
    const count = accuracyLog - (31 - Math.clz32(position));
    bitCounts[state] = count;
    baselines[state] = (position << count) - size;
  }
  return { accuracyLog, symbols, bitCounts, baselines };
}

/** A table of one state: the same symbol for ever, without taking a bit. */
export function constantFseTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bitCounts: Uint8Array.of(0),
    baselines: Uint16Array.of(0),
  };
}

/** Reads the weights of a Huffman code, given as half bytes or FSE compressed, and builds its table. */
export function readHuffmanTable(bytes: Buffer, start: number, end: number): Placed<HuffmanTable> {
  if (start >= end) throw badZstd('a Huffman table is cut off');
  const head = bytes[start] ?? 0;
  const weightsEnd = start + 1 + (head < 128 ? head : (head - 126) >> 1);
  if (weightsEnd > end) throw badZstd('a Huffman table is cut off');
  const weights =
    head < 128 ? fseWeights(bytes, start + 1, weightsEnd) : halfByteWeights(bytes, start + 1, head - 127);
  return { table: buildHuffmanTable(weights), end: weightsEnd };
}

function halfByteWeights(bytes: Buffer, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const pair = bytes[start + (i >> 1)] ?? 0;
    return i % 2 === 0 ? pair >> 4 : pair & 15;
  });
}

/** Two states take turns until the bits run out. */
function fseWeights(bytes: Buffer, start: number, end: number): number[] {
  const { table, end: tableEnd } = readFseTable(bytes, start, end, {
    accuracyLog: weightAccuracyLimit,
    symbols: symbolLimit,
  });
  const bits = new BackwardBits(bytes, tableEnd, end);
  const weights: number[] = [];
  let turn = bits.read(table.accuracyLog);
  let other = bits.read(table.accuracyLog);
  if (bits.left < 0) throw badZstd('a Huffman table is cut off');
  while (weights.length < symbolLimit - 1) {
    weights.push(table.symbols[turn] ?? 0);
    const next = (table.baselines[turn] ?? 0) + bits.read(table.bitCounts[turn] ?? 0);
    if (bits.left < 0) {
      weights.push(table.symbols[other] ?? 0);
      return weights;
    }
    turn = other;
    other = next;
  }
  throw badZstd('a Huffman table has too many symbols');
}

function buildHuffmanTable(given: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of given) {
    if (weight > longestHuffmanCode) throw badZstd(`a Huffman weight is ${weight}`);
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw badZstd('a Huffman table is empty');
  const maxBits = 32 - Math.clz32(sum);
  const missing = (1 << maxBits) - sum; // the last symbol's share is left out of the description
  if (maxBits > longestHuffmanCode || (missing & (missing - 1)) !== 0 || given.length >= symbolLimit) {
    throw badZstd('a Huffman table is not complete');
  }
  const weights = [...given, 32 - Math.clz32(missing)];
  const symbols = new Uint8Array(1 << maxBits);
  const bitCounts = new Uint8Array(1 << maxBits);
  let at = 0;
  for (let weight = 1; weight <= maxBits; weight++) {
    weights.forEach((w, symbol) => {
      if (w !== weight) return;
      const until = at + (1 << (weight - 1));
      symbols.fill(symbol, at, until);
      bitCounts.fill(maxBits + 1 - weight, at, until);
      at = until;
    });
  }
  return { maxBits, symbols, bitCounts };
}

/** Decodes one Huffman stream into `output` from `from` up to `to`. */
export function decodeHuffman(
  table: HuffmanTable,
  bits: BackwardBits,
  output: Uint8Array,
  from: number,
  to: number,
): void {
  const { maxBits, symbols, bitCounts } = table;
  const mask = (1 << maxBits) - 1;
  let state = bits.read(maxBits);
  for (let at = from; at < to; at++) {
    output[at] = symbols[state] ?? 0;
    const count = bitCounts[state] ?? 0;
    state = ((state << count) & mask) | bits.read(count);
  }
  if (bits.left !== -maxBits) throw badZstd('a Huffman stream does not end where it should');
}
