// SPDX-License-Identifier: Apache-2.0
/** What happened around the recorded requests and is not in the recording: connections, pauses, a few more requests. */
import { encodeFrame } from '../../../../src/protocol/frame.ts';
import type { Exchange } from '../../protocol/wire-samples.ts';
import type { ReplayPeer } from './replay-peer.ts';

/** The connections of the recorded session; `earlier` is one that was gone when it began. */
export type PeerName = 'earlier' | 'main' | 'c1' | 'c2' | 'nameServer';
export type Peers = Readonly<Record<PeerName, ReplayPeer>>;

/** Only members' own connections made them members, and only c1's could take it back. */
const sentByMembers: Readonly<Record<string, PeerName>> = {
  'hb c1': 'c1',
  'hb v2 full': 'c1',
  'hb v2 again': 'c1',
  'hb v2 without sub': 'c1',
  'hb bad group': 'c1',
  unregister: 'c1',
  'hb c2': 'c2',
};

const routeByTopic = 105;

export function connectionOf({ name, request }: Exchange): PeerName {
  return sentByMembers[name] ?? (request.header.code === routeByTopic ? 'nameServer' : 'main');
}

/** Offsets of the group that the recorded broker had kept of a session before: by queue id. */
const keptOffsets: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  '4.9.7': { 0: 1, 1: 1, 2: 1, 3: 1 },
  '5.3.3': {},
  '5.5.0': { 0: 5, 1: 1 },
};

/** When the recorded session was, and what was committed before it. */
export function start(samples: readonly Exchange[]): {
  readonly wallNow: number;
  readonly committed: Readonly<Record<number, number>>;
} {
  const future = samples.find(each => each.name === 'search offset future')?.request.header.extFields;
  const aheadMs = 10_000_000; // the recorder asked for what is stored 10,000 s from now
  return {
    wallNow: Number(future?.['timestamp']) - aheadMs,
    committed: keptOffsets[samples[0]?.version ?? ''] ?? {},
  };
}

const onewayFlag = 2;

/** Sent one-way at the end of the session: queue 0 is committed to 5. */
const onewayCommit = encodeFrame({
  code: 15,
  opaque: 83,
  flag: onewayFlag,
  language: 'JAVA',
  fields: { consumerGroup: 'GID_golden', topic: 'GoldenTopic', queueId: '0', commitOffset: '5' },
});

/** The message that woke the long poll, as its record in the answer shows it. */
const wake = encodeFrame({
  code: 310,
  opaque: 28,
  language: 'JAVA',
  fields: {
    ...{ a: 'PG', b: 'GoldenTopic', c: 'TBW102', d: '4', e: '1', f: '0', g: '1700000000009', h: '0' },
    ...{ i: 'TAGS\u0001TagA\u0002', j: '0', k: 'false', m: 'false' },
  },
  body: Buffer.from('wake'),
});

/** Stands for a POP request of the recording, which no fixture has: it took up the reset of queue 0. */
const pullAfterSecondReset = encodeFrame({
  code: 11,
  opaque: 73,
  language: 'JAVA',
  fields: {
    ...{
      consumerGroup: 'GID_golden',
      topic: 'GoldenTopic',
      queueId: '0',
      queueOffset: '4',
      maxMsgNums: '32',
    },
    ...{ sysFlag: '4', commitOffset: '0', suspendTimeoutMillis: '15000', subVersion: '1700000000000' },
    ...{ subscription: '*', expressionType: 'TAG' },
  },
});

/** What comes before a request: a pause, a frame on the main connection. */
export function before(name: string): { readonly clockMs?: number; readonly frame?: Buffer } {
  if (name === 'pull retry topic') return { clockMs: 2000 }; // level 1 is due after 1 s, level 3 after 10
  if (name === 'unregister') return { frame: pullAfterSecondReset };
  return name === 'after oneway' ? { frame: onewayCommit } : {};
}

/** What ends a long poll: time (ms; brokers look at theirs every 5 s) or a frame on the main connection. */
export function unrecorded(name: string): number | Buffer | undefined {
  if (name === 'pull suspend 1500ms') return 6000;
  return name === 'pull woken' ? wake : undefined;
}
