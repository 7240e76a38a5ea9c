// SPDX-License-Identifier: Apache-2.0
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { QueueOffset } from '../../../src/model/queue-offset.ts';
import { requestName } from '../../../src/protocol/codes.ts';
import {
  encodeReply,
  encodeRequest,
  type HeaderOf,
  type ReplyHeaderOf,
  type Request,
  readHeader,
  readReply,
  replyKind,
} from '../../../src/protocol/define-request.ts';
import { decodeFrame } from '../../../src/protocol/frame.ts';
import { checkClientConfig } from '../../../src/protocol/requests/check-client-config.ts';
import { clusterInfo } from '../../../src/protocol/requests/cluster-info.ts';
import { consumeDirectly } from '../../../src/protocol/requests/consume-directly.ts';
import { consumeStats } from '../../../src/protocol/requests/consume-stats.ts';
import { consumerConnection } from '../../../src/protocol/requests/consumer-connection.ts';
import { consumerListByGroup } from '../../../src/protocol/requests/consumer-list-by-group.ts';
import { consumerSendMsgBack } from '../../../src/protocol/requests/consumer-send-msg-back.ts';
import { consumerStatus, invokeConsumerStatus } from '../../../src/protocol/requests/consumer-status.ts';
import { createSubscriptionGroup } from '../../../src/protocol/requests/create-subscription-group.ts';
import { createTopic } from '../../../src/protocol/requests/create-topic.ts';
import { heartbeat } from '../../../src/protocol/requests/heartbeat.ts';
import { lockBatch } from '../../../src/protocol/requests/lock-batch.ts';
import { maxOffset } from '../../../src/protocol/requests/max-offset.ts';
import { minOffset } from '../../../src/protocol/requests/min-offset.ts';
import { notifyConsumerIdsChanged } from '../../../src/protocol/requests/notify-consumer-ids-changed.ts';
import { pullMessage } from '../../../src/protocol/requests/pull-message.ts';
import { queryConsumerOffset } from '../../../src/protocol/requests/query-consumer-offset.ts';
import { invokeResetOffset, resetOffset } from '../../../src/protocol/requests/reset-offset.ts';
import { routeByTopic } from '../../../src/protocol/requests/route-by-topic.ts';
import { runningInfo } from '../../../src/protocol/requests/running-info.ts';
import { searchOffset } from '../../../src/protocol/requests/search-offset.ts';
import { sendBatch } from '../../../src/protocol/requests/send-batch.ts';
import { sendMessage } from '../../../src/protocol/requests/send-message.ts';
import {
  sendMessageV2,
  toLongHeader,
  toShortHeader,
} from '../../../src/protocol/requests/send-message-v2.ts';
import { topicList } from '../../../src/protocol/requests/topic-list.ts';
import { topicStats } from '../../../src/protocol/requests/topic-stats.ts';
import { unlockBatch } from '../../../src/protocol/requests/unlock-batch.ts';
import { unregisterClient } from '../../../src/protocol/requests/unregister-client.ts';
import { updateConsumerOffset } from '../../../src/protocol/requests/update-consumer-offset.ts';
import { viewMessage } from '../../../src/protocol/requests/view-message.ts';
import { exchanges, frameBytes, frameSamples, sessionCommands } from './wire-samples.ts';

const requests: readonly Request[] = [
  ...[
    sendMessage,
    pullMessage,
    queryConsumerOffset,
    updateConsumerOffset,
    createTopic,
    searchOffset,
    maxOffset,
  ],
  ...[minOffset, viewMessage, heartbeat, unregisterClient, consumerSendMsgBack, consumerListByGroup],
  ...[notifyConsumerIdsChanged, lockBatch, unlockBatch, checkClientConfig, routeByTopic, clusterInfo],
  ...[
    createSubscriptionGroup,
    topicStats,
    consumerConnection,
    topicList,
    consumeStats,
    resetOffset,
    consumerStatus,
  ],
  ...[invokeResetOffset, invokeConsumerStatus, runningInfo, consumeDirectly, sendMessageV2, sendBatch],
];
const requestByCode = new Map(requests.map(request => [request.code, request]));

function requestOf(code: number): Request {
  const request = requestByCode.get(code);
  if (request === undefined) throw new Error(`no request has code ${code}`);
  return request;
}

/** Samples of requests that this release does not define (lite pull), or that are broken on purpose. */
const known = exchanges.filter(
  ({ name, request }) => requestByCode.has(request.header.code) && name !== 'pull missing field',
);

const sessionRequests = sessionCommands.filter(
  ({ kind, code }) => !kind.startsWith('resp') && requestByCode.has(code),
);

describe('the header of a captured request', () => {
  it.each(known)(
    '$title is read and written again with the same fields',
    ({ request: { frameHex, header } }) => {
      const request = requestOf(header.code);
      const values = readHeader(request, decodeFrame(frameBytes(frameHex)));
      const again = decodeFrame(encodeRequest(request, values, { opaque: header.opaque }).subarray(4));
      expect({ ...again.fields }).toEqual(header.extFields ?? {});
      expect(again.code).toBe(header.code);
    },
  );

  it('covers every request defined', () => {
    const seen = new Set([
      ...known.map(({ request }) => request.header.code),
      ...sessionRequests.map(({ code }) => code),
    ]);
    const untried = requests.filter(({ code }) => !seen.has(code)).map(({ name }) => name);
    // nobody asked these of the brokers recorded; their fields are checked against protocol.md only
    expect(untried).toEqual([
      'createTopic',
      'viewMessage',
      'clusterInfo',
      'createSubscriptionGroup',
      'topicList',
    ]);
  });
});

const answered = known.flatMap(({ title, request, response }) =>
  response === undefined ? [] : [{ title, request: requestOf(request.header.code), response }],
);

describe('a captured answer', () => {
  it.each(
    answered.filter(
      ({ request, response }) => response.header.code in request.replies && response.header.code !== 22,
    ),
  )(
    '$title is read and written again with the same fields',
    ({ request, response: { frameHex, header } }) => {
      const frame = decodeFrame(frameBytes(frameHex));
      expect(replyKind(request, frame)).toEqual(expect.any(String));
      if (Object.keys(request.reply).length === 0) return;
      const values = readReply(request, frame);
      const again = decodeFrame(
        encodeReply(request, values, { opaque: header.opaque, code: header.code }).subarray(4),
      );
      const { code, opaque, flag } = again;
      expect({ code, opaque, flag, fields: { ...again.fields } }).toEqual({
        ...{ code: header.code, opaque: header.opaque, flag: 1 },
        fields: header.extFields ?? {},
      });
    },
  );

  it.each(answered.filter(({ request, response }) => !(response.header.code in request.replies)))(
    '$title is no expected outcome',
    ({ request, response }) => {
      expect(replyKind(request, decodeFrame(frameBytes(response.frameHex)))).toBeUndefined();
    },
  );
});

describe('the headers of the official Java client', () => {
  const titles = [...new Set(sessionRequests.map(({ code }) => requestName(code)))];

  it.each(titles)('of %s are read and written again with the same fields', title => {
    const commands = sessionRequests.filter(({ code }) => requestName(code) === title);
    const again = commands.map(({ code, extFields = {} }) => {
      const frame = { ...emptyFrame, code, fields: extFields };
      const request = requestOf(code);
      return {
        ...decodeFrame(encodeRequest(request, readHeader(request, frame), { opaque: 0 }).subarray(4)).fields,
      };
    });
    expect(again).toEqual(commands.map(({ extFields = {} }) => extFields));
  });
});

const emptyFrame = {
  ...{ code: 0, opaque: 0, flag: 0, language: 'JAVA', version: 479, remark: undefined },
  ...{ fields: {}, body: Buffer.alloc(0), size: 0, serializeType: 'JSON' as const },
};

describe('a request', () => {
  it('carries body, one-way flag and extra fields', () => {
    const header = { consumerGroup: 'g', topic: 't', queueId: 1, commitOffset: readOffset('5') };
    const options = { opaque: 9, oneway: true, body: Buffer.from('b'), extra: { ns: 'n', nsd: 'true' } };
    const bytes = encodeRequest(updateConsumerOffset, header, options);
    const frame = decodeFrame(bytes.subarray(4));
    expect({ ...frame, fields: { ...frame.fields } }).toEqual({
      ...emptyFrame,
      size: bytes.length,
      ...{ code: 15, opaque: 9, flag: 2, language: 'OTHER', version: 441, body: Buffer.from('b') },
      fields: { consumerGroup: 'g', topic: 't', queueId: '1', commitOffset: '5', ns: 'n', nsd: 'true' },
    });
  });

  it('has the types of its table: what may be left out, and which number is an offset', () => {
    expectTypeOf<HeaderOf<typeof updateConsumerOffset>>().toEqualTypeOf<{
      readonly consumerGroup: string;
      readonly topic: string;
      readonly queueId: number;
      readonly commitOffset: QueueOffset;
      readonly bname?: string | undefined;
    }>();
    expectTypeOf<ReplyHeaderOf<typeof queryConsumerOffset>>().toEqualTypeOf<{
      readonly offset: QueueOffset;
    }>();
    expectTypeOf(replyKind(pullMessage, emptyFrame)).toEqualTypeOf<
      'found' | 'caughtUp' | 'noMatch' | 'offsetMoved' | undefined
    >();
  });

  it('may have the binary header', () => {
    const bytes = encodeRequest(clusterInfo, {}, { opaque: 9, serializeType: 'ROCKETMQ' });
    expect(bytes.toString('hex')).toBe('0000001901000015006a0701b900000009000000000000000000000000');
  });

  it('has the same values by letters and by full names', () => {
    const sample = exchanges.find(({ name }) => name === 'send v2');
    const short = readHeader(sendMessageV2, decodeFrame(frameBytes(sample?.request.frameHex ?? '')));
    const long = toLongHeader(short);
    expect(long).toMatchObject({
      producerGroup: 'PG',
      topic: 'GoldenTopic',
      defaultTopic: 'TBW102',
      bname: 'broker-a',
    });
    expect(toShortHeader(long)).toEqual(short);
  });
});

function readOffset(value: string): ReturnType<typeof readReply<typeof queryConsumerOffset>>['offset'] {
  return readReply(queryConsumerOffset, { ...emptyFrame, fields: { offset: value } }).offset;
}

describe('a header that cannot be read', () => {
  const pull = { suggestWhichBrokerId: '0', nextBeginOffset: '7', minOffset: '0', maxOffset: '9' };

  it('names the request and the missing field', () => {
    const sample = exchanges.find(({ name }) => name === 'pull missing field');
    const frame = decodeFrame(frameBytes(sample?.request.frameHex ?? ''));
    expect(() => readHeader(pullMessage, frame)).toThrow(
      expect.objectContaining({ code: 'RMQ_BAD_HEADER', message: 'pullMessage: queueId is missing' }),
    );
  });

  it('is not made: a value left out is an error', () => {
    const header = JSON.parse('{"consumerGroup":"g"}') as HeaderOf<typeof pullMessage>; // what JavaScript callers can do
    expect(() => encodeRequest(pullMessage, header, { opaque: 1 })).toThrow(
      expect.objectContaining({ code: 'RMQ_BAD_HEADER', message: 'pullMessage: topic is missing' }),
    );
  });

  it.each([
    [
      'nextBeginOffset',
      'x',
      'RMQ_BAD_HEADER',
      'answer to pullMessage: nextBeginOffset is "x", not a queue offset',
    ],
    ['nextBeginOffset', '', 'RMQ_BAD_HEADER', 'nextBeginOffset is ""'],
    ['nextBeginOffset', '-1', 'RMQ_BAD_HEADER', 'nextBeginOffset is "-1"'],
    ['nextBeginOffset', '1e3', 'RMQ_BAD_HEADER', 'nextBeginOffset is "1e3"'],
    ['nextBeginOffset', ' 1', 'RMQ_BAD_HEADER', 'nextBeginOffset is " 1"'],
    ['nextBeginOffset', '9007199254740993', 'RMQ_UNSAFE_OFFSET', '9007199254740993'],
    ['maxOffset', '9223372036854775807', 'RMQ_UNSAFE_OFFSET', 'maxOffset'],
    [
      'topicSysFlag',
      '2147483648',
      'RMQ_BAD_HEADER',
      'topicSysFlag is "2147483648", not a whole number of 32 bits',
    ],
    ['nextBeginOffset', 'x'.repeat(10_000), 'RMQ_BAD_HEADER', 'xxx'],
  ])('names %s and its value', (name, value, code, says) => {
    const frame = { ...emptyFrame, flag: 1, fields: { ...pull, [name]: value } };
    const error = thrownBy(() => readReply(pullMessage, frame));
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(says),
      context: { field: name },
    });
    expect(String(error).length).toBeLessThan(200);
  });

  it('is no reason to refuse the largest offset there can be', () => {
    const frame = { ...emptyFrame, fields: { ...pull, nextBeginOffset: '9007199254740991' } };
    expect(readReply(pullMessage, frame).nextBeginOffset).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('takes -1 as the bound of an empty queue', () => {
    const frame = { ...emptyFrame, fields: { ...pull, minOffset: '-1', maxOffset: '-1' } };
    expect(readReply(pullMessage, frame)).toMatchObject({ minOffset: 0, maxOffset: 0 });
  });

  it('is refused rather than rounded where Java sends an offset past 2^53', () => {
    const sample = frameSamples.find(({ name }) => name === 'pull-request-JSON');
    const frame = decodeFrame(frameBytes(sample?.frameHex ?? ''));
    expect(() => readHeader(pullMessage, frame)).toThrow(
      expect.objectContaining({ code: 'RMQ_UNSAFE_OFFSET' }),
    );
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
