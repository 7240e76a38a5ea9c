// SPDX-License-Identifier: Apache-2.0
/**
 * What does a stream of bytes say, read without any code of the client under test? protocol.md sections 1 and 4.
 * Shares nothing with src/protocol on purpose: a fault there must not blind the trace.
 */
import type { Fields, FrameEntry } from './trace-entries.ts';

export type FrameFacts = Pick<
  FrameEntry,
  'kind' | 'code' | 'opaque' | 'fields' | 'body' | 'offsets' | 'brokers'
>;

const responseBit = 1;
const onewayBit = 2;
/** Requests, and requests whose answers, have a body of plain JSON that is kept. */
const bodyCodes = new Set([34, 41, 42]);
const answeredBodyCodes = new Set([38, 41]);
const pullCode = 11;
const routeCode = 105;
const foundCode = 0;
/** What Java refuses. Unit: bytes. */
const longestFrame = 2 ** 24;

/** Reads one direction of one connection. `requestCodeOf` tells which request a response answers, if that is known. */
export class FrameReader {
  private buffered: Buffer = Buffer.alloc(0);
  private readonly requestCodeOf: (opaque: number) => number | undefined;

  constructor(requestCodeOf: (opaque: number) => number | undefined) {
    this.requestCodeOf = requestCodeOf;
  }

  /**
   * The frames that are complete with this chunk.
   * @throws Error when the bytes are no frames: nothing after them can be read either
   */
  push(chunk: Uint8Array): readonly FrameFacts[] {
    this.buffered = Buffer.concat([this.buffered, chunk]);
    const found: FrameFacts[] = [];
    for (let end = this.frameEnd(); end <= this.buffered.length; end = this.frameEnd()) {
      found.push(this.read(this.buffered.subarray(4, end)));
      this.buffered = this.buffered.subarray(end);
    }
    return found;
  }

  private frameEnd(): number {
    if (this.buffered.length < 4) return Number.POSITIVE_INFINITY;
    const length = this.buffered.readInt32BE(0);
    if (length < 4 || length > longestFrame) throw new Error(`no frame has ${length} bytes`);
    return 4 + length;
  }

  private read(frame: Buffer): FrameFacts {
    const word = frame.readUInt32BE(0);
    if (word >>> 24 !== 0) throw new Error('the trace reads JSON headers only');
    const headerEnd = 4 + (word & 0xffffff);
    const header: unknown = JSON.parse(frame.toString('utf8', 4, headerEnd));
    const { code, opaque, flag, extFields } = objectOf(header);
    const isResponse = (Number(flag) & responseBit) !== 0;
    const facts = {
      kind: isResponse ? 'response' : (Number(flag) & onewayBit) !== 0 ? 'oneway' : 'request',
      code: Number(code),
      opaque: Number(opaque),
      fields: textsOf(objectOf(extFields)),
    } as const;
    const requestCode = isResponse ? this.requestCodeOf(facts.opaque) : facts.code;
    return { ...facts, ...bodyFacts(frame.subarray(headerEnd), requestCode, isResponse, facts.code) };
  }
}

function bodyFacts(
  body: Buffer,
  requestCode: number | undefined,
  isResponse: boolean,
  code: number,
): Partial<FrameFacts> {
  if (body.length === 0 || requestCode === undefined) return {};
  if (!isResponse) return bodyCodes.has(requestCode) ? { body: JSON.parse(body.toString()) as unknown } : {};
  if (answeredBodyCodes.has(requestCode)) return { body: JSON.parse(body.toString()) as unknown };
  if (requestCode === pullCode && code === foundCode) return { offsets: messageOffsets(body) };
  return requestCode === routeCode ? { brokers: brokerNames(body.toString()) } : {};
}

/** Stored messages lie back to back: length at 0, queue offset at 20. */
function messageOffsets(body: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = 0; at + 28 <= body.length && body.readInt32BE(at) > 0; at += body.readInt32BE(at)) {
    offsets.push(Number(body.readBigInt64BE(at + 20)));
  }
  return offsets;
}

/** By pattern, for Java writes the broker ids as bare numbers: `"brokerAddrs":{0:"host:port"},"brokerName":"b"`. */
function brokerNames(route: string): Fields {
  const names: Record<string, string> = {};
  for (const [, addresses, name] of route.matchAll(/"brokerAddrs":\{([^}]*)\},"brokerName":"([^"]*)"/g)) {
    for (const [, address] of (addresses ?? '').matchAll(/:\s*"([^"]*)"/g)) names[address ?? ''] = name ?? '';
  }
  return names;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textsOf(record: Readonly<Record<string, unknown>>): Fields {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, String(value)]));
}
