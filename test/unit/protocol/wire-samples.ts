// SPDX-License-Identifier: Apache-2.0
/** Which bytes did Java and real brokers write? Typed access to test/fixtures/wire. */
import { readFileSync } from 'node:fs';
import { requestName } from '../../../src/protocol/codes.ts';
import type { SerializeType } from '../../../src/protocol/frame.ts';

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/wire/${file}`, import.meta.url), 'utf8')) as T; // written by our own recorder
}

/** A frame as Java made it, and what Java's decoder says of it. */
export interface FrameSample {
  readonly name: string;
  readonly frameHex: string;
  readonly headerText: string | null;
  readonly javaDecodes: {
    readonly code: number;
    readonly language: string;
    readonly version: number;
    readonly opaque: number;
    readonly flag: number;
    readonly remark: string | null;
    readonly extFields: Readonly<Record<string, string | null>> | null;
    readonly serializeType: SerializeType;
    readonly bodyHex: string | null;
  };
}

export const frameSamples = load<{ samples: readonly FrameSample[] }>('frames.json').samples;

/** Header members as recorded; what Java leaves out is absent. */
export interface RecordedHeader {
  readonly code: number;
  readonly opaque: number;
  readonly flag: number;
  readonly version: number;
  readonly language?: string | number;
  readonly remark?: string | null;
  readonly extFields?: Readonly<Record<string, string>>;
}

export interface RecordedFrame {
  readonly frameHex: string;
  readonly serializeType: SerializeType;
  readonly header: RecordedHeader;
  readonly bodyText?: string;
}

interface CaptureSample {
  readonly name: string;
  readonly request: RecordedFrame;
  readonly response?: RecordedFrame;
}

/** One exchange with a real broker; its title names version, request and sample. */
export interface Exchange extends CaptureSample {
  readonly title: string;
  readonly version: string;
}

const brokerVersions = ['4.9.7', '5.3.3', '5.5.0'] as const;

export const exchanges: readonly Exchange[] = brokerVersions.flatMap(version =>
  load<{ samples: readonly CaptureSample[] }>(`broker-capture-${version}.json`).samples.map(sample => ({
    ...sample,
    version,
    title: `${version} ${requestName(sample.request.header.code)}: ${sample.name}`,
  })),
);

/** Every frame of the captures, with a name. */
export const recordedFrames: readonly (RecordedFrame & { readonly title: string })[] = exchanges.flatMap(
  ({ title, request, response }) => [
    { ...request, title: `${title}, request` },
    ...(response === undefined ? [] : [{ ...response, title: `${title}, answer` }]),
  ],
);

/** One command of the official Java client's sessions, as the recording proxy decoded it. */
export interface SessionCommand {
  readonly kind: string;
  readonly code: number;
  readonly extFields?: Readonly<Record<string, string>>;
  readonly bodyText?: string;
}

export const sessionCommands: readonly SessionCommand[] = Object.values(
  load<{ sessions: Readonly<Record<string, readonly SessionCommand[]>> }>('java-client-sessions-5.3.3.json')
    .sessions,
).flat();

export const bodyTexts: Readonly<Record<'5.3.3' | '5.5.0', Readonly<Record<string, string>>>> = {
  '5.3.3': load<{ encoded: Readonly<Record<string, string>> }>('bodies-5.3.3.json').encoded,
  '5.5.0': load<{ encoded: Readonly<Record<string, string>> }>('bodies-5.5.0.json').encoded,
};

interface PullFlagSample {
  readonly commitOffset: boolean;
  readonly suspend: boolean;
  readonly subscription: boolean;
  readonly litePull: boolean;
  readonly sysFlag: number;
}

export const pullFlagSamples = load<{ pullSysFlags: readonly PullFlagSample[] }>('misc.json').pullSysFlags;

/** The bytes of a hex text. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

/** A frame's bytes after the length prefix. */
export function frameBytes(hex: string): Buffer {
  return bytesOf(hex).subarray(4);
}
