// SPDX-License-Identifier: Apache-2.0
/** Which peers are bad, and how? Each is a name server or broker of its own that does one thing wrong, for ever. */
import { encodeLockAnswer, parseLock } from '../../../src/protocol/bodies/lock.ts';
import type { Frame } from '../../../src/protocol/frame.ts';
import {
  FakePeer,
  http2Settings,
  type PeerConnection,
  type PeerScript,
  silent,
} from '../../../test/support/fake-peer.ts';

export interface BadPeer {
  readonly name: string;
  /** Where the wrong is: whatever it is asked, or pulls only, all else being answered as a broker does. */
  readonly at: 'nameServer' | 'broker' | 'pull';
  readonly script: PeerScript;
  /** Codes of which one must be told, in an event or as the reason of a failed start. undefined: nothing is wrong enough. */
  readonly told: readonly string[] | undefined;
}

const codes = {
  pull: 11,
  queryOffset: 14,
  consumerList: 38,
  lock: 41,
  maxOffset: 30,
  minOffset: 31,
  heartbeat: 34,
  route: 105,
} as const;
const found = 0;
const noNewMessage = 19;
const offsetMoved = 21;

const unreachable = [
  'RMQ_NAME_SERVER_UNAVAILABLE',
  'RMQ_START_TIMEOUT',
  'RMQ_CONNECTION_LOST',
  'RMQ_REQUEST_TIMEOUT',
];
const lengthOf = (bytes: number): Buffer => {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(bytes, 0);
  return prefix;
};
const always =
  (bytes: Uint8Array): PeerScript =>
  (_, connection) =>
    connection.send(bytes);

/** What any peer can do wrong with its bytes. */
const rude: readonly Pick<BadPeer, 'name' | 'script' | 'told'>[] = [
  { name: 'an HTTP/2 server (8081)', script: always(http2Settings), told: ['RMQ_NOT_REMOTING'] },
  {
    name: 'an HTTP/1 server',
    script: always(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    told: ['RMQ_NOT_REMOTING'],
  },
  { name: 'a TLS server', script: always(Buffer.from('15030300020246', 'hex')), told: ['RMQ_NOT_REMOTING'] },
  { name: 'garbage', script: always(Buffer.alloc(300, 0xa7)), told: ['RMQ_BAD_FRAME', 'RMQ_NOT_REMOTING'] },
  {
    name: 'a garbage header',
    script: always(Buffer.concat([lengthOf(40), lengthOf(36), Buffer.alloc(36, 0x7b)])),
    told: ['RMQ_BAD_HEADER', 'RMQ_BAD_FRAME'],
  },
  { name: 'an oversize frame', script: always(lengthOf(2 ** 31 - 1)), told: ['RMQ_BAD_FRAME'] },
  { name: 'a negative length', script: always(lengthOf(-5)), told: ['RMQ_BAD_FRAME', 'RMQ_NOT_REMOTING'] },
  {
    name: 'a truncated frame',
    script: (_, connection) => {
      connection.send(Buffer.concat([lengthOf(1000), Buffer.alloc(10)]));
      connection.end();
    },
    told: unreachable,
  },
  { name: 'a closing peer', script: (_, connection) => connection.reset(), told: unreachable },
  { name: 'a silent peer', script: silent, told: unreachable },
];

/** What a broker can do wrong with a pull. Floods count too: an answer at once and for ever must not become a hot loop. */
const rudeToPulls: readonly Pick<BadPeer, 'name' | 'script' | 'told'>[] = [
  ...rude.filter(
    ({ name }) => name === 'garbage' || name === 'an oversize frame' || name === 'a truncated frame',
  ),
  { name: 'no new message, at once', script: answering(noNewMessage), told: undefined },
  { name: 'offset moved to where it was', script: answering(offsetMoved), told: undefined },
  { name: 'found, but nothing in it', script: answering(found), told: undefined },
  {
    name: 'found, but no message',
    script: answering(found, Buffer.alloc(200, 0x5a)),
    told: ['RMQ_BAD_MESSAGE'],
  },
  { name: 'an unknown code', script: answering(999), told: ['RMQ_BROKER_ERROR'] },
  {
    name: 'an answer without its fields',
    script: (frame, connection) => connection.answer(frame, { code: found }),
    told: ['RMQ_BAD_HEADER'],
  },
];

export const badPeers: readonly BadPeer[] = [
  ...rude.map(each => ({ ...each, at: 'nameServer' as const })),
  {
    name: 'a route that is no JSON',
    at: 'nameServer',
    script: (frame, connection) => connection.answer(frame, { body: Buffer.from('{"brokerDatas":[{{{') }),
    told: ['RMQ_BAD_JSON', 'RMQ_BAD_BODY', ...unreachable],
  },
  ...rude.map(each => ({ ...each, at: 'broker' as const })),
  ...rudeToPulls.map(each => ({ ...each, at: 'pull' as const })),
];

/** The bad one and what it needs around it; `frames` and `connections` are what the bad one saw. */
export interface Scene extends AsyncDisposable {
  readonly namesrv: string;
  readonly bad: FakePeer;
  /** How often the bad thing was asked for. */
  readonly asked: () => number;
}

export async function sceneOf({ at, script }: BadPeer): Promise<Scene> {
  const bad = await FakePeer.listen(at === 'pull' ? brokerWith(script) : script);
  const nameServer = at === 'nameServer' ? bad : await FakePeer.listen(routing(bad.address));
  return {
    namesrv: nameServer.address,
    bad,
    asked: () => bad.frames.filter(({ code }) => at !== 'pull' || code === codes.pull).length,
    async [Symbol.asyncDispose]() {
      await bad[Symbol.asyncDispose]();
      if (nameServer !== bad) await nameServer[Symbol.asyncDispose]();
    },
  };
}

/** Every topic has one queue, at that broker. */
function routing(broker: string): PeerScript {
  const body = Buffer.from(
    `{"brokerDatas":[{"brokerAddrs":{"0":"${broker}"},"brokerName":"broker-a","cluster":"c"}],"filterServerTable":{},` +
      '"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":1,"topicSysFlag":0,"writeQueueNums":1}]}',
  );
  return (frame, connection) => {
    const isRetryTopic = frame.fields['topic']?.startsWith('%RETRY%') === true;
    connection.answer(frame, isRetryTopic ? { code: 17 } : { body });
  };
}

/** Answers as a broker with one member and nothing committed; pulls are the script's. */
function brokerWith(script: PeerScript): PeerScript {
  let clientId = '';
  return (frame, connection) => {
    if (frame.code === codes.pull) script(frame, connection);
    else if (frame.code === codes.heartbeat) {
      clientId = String(Object(JSON.parse(frame.body.toString())).clientID);
      connection.answer(frame);
    } else if (frame.code === codes.consumerList)
      connection.answer(frame, { body: Buffer.from(JSON.stringify({ consumerIdList: [clientId] })) });
    else if (frame.code === codes.lock)
      connection.answer(frame, { body: encodeLockAnswer(parseLock(frame.body).mqSet) });
    else if (([codes.queryOffset, codes.minOffset, codes.maxOffset] as number[]).includes(frame.code))
      connection.answer(frame, { fields: { offset: '0' } });
    else if ((frame.flag & 2) === 0) connection.answer(frame);
  };
}

function answering(code: number, body?: Buffer): PeerScript {
  return (frame: Frame, connection: PeerConnection) =>
    connection.answer(frame, {
      code,
      fields: {
        nextBeginOffset: frame.fields['queueOffset'] ?? '0',
        minOffset: '0',
        maxOffset: '1000',
        suggestWhichBrokerId: '0',
      },
      ...(body && { body }),
    });
}
