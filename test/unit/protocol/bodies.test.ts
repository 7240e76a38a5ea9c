// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors/errors.ts';
import type { MessageQueue } from '../../../src/model/message-queue.ts';
import { encodeClientConfig, parseClientConfig } from '../../../src/protocol/bodies/check-client-config.ts';
import { encodeClusterInfo, parseClusterInfo } from '../../../src/protocol/bodies/cluster-info.ts';
import { encodeConsumeStats, parseConsumeStats } from '../../../src/protocol/bodies/consume-stats.ts';
import {
  encodeConsumerConnection,
  parseConsumerConnection,
} from '../../../src/protocol/bodies/consumer-connection.ts';
import { encodeConsumerList, parseConsumerList } from '../../../src/protocol/bodies/consumer-list.ts';
import { encodeDirectResult, parseDirectResult } from '../../../src/protocol/bodies/direct-result.ts';
import { encodeHeartbeat, parseHeartbeat } from '../../../src/protocol/bodies/heartbeat.ts';
import {
  encodeLock,
  encodeLockAnswer,
  parseLock,
  parseLockAnswer,
} from '../../../src/protocol/bodies/lock.ts';
import {
  encodeConsumerStatus,
  encodeOffsetTable,
  parseConsumerStatus,
  parseOffsetTable,
} from '../../../src/protocol/bodies/offset-table.ts';
import { encodeRoute, parseRoute } from '../../../src/protocol/bodies/route.ts';
import { encodeRunningInfo, parseRunningInfo } from '../../../src/protocol/bodies/running-info.ts';
import {
  encodeSubscriptionGroup,
  parseSubscriptionGroup,
} from '../../../src/protocol/bodies/subscription-group.ts';
import { encodeTopicList, parseTopicList } from '../../../src/protocol/bodies/topic-list.ts';
import { encodeTopicStats, parseTopicStats } from '../../../src/protocol/bodies/topic-stats.ts';
import { RequestCode, requestName } from '../../../src/protocol/codes.ts';
import { parseJson } from '../../../src/protocol/json.ts';
import { bodyTexts, type Exchange, exchanges, sessionCommands } from './wire-samples.ts';

/** Reads a body and writes it again. */
type Again = (body: Buffer) => Buffer;

const lockAgain: Again = body => encodeLock(parseLock(body));
const heartbeatAgain: Again = body => encodeHeartbeat(parseHeartbeat(body));
const routeAgain: Again = body => encodeRoute(parseRoute(body));

const exactly: Readonly<Record<string, Again>> = {
  'heartbeat-v1': heartbeatAgain,
  'heartbeat-v2-full': heartbeatAgain,
  'heartbeat-v2-without-sub': heartbeatAgain,
  'lock-batch-request': lockAgain,
  'lock-batch-response': body => encodeLockAnswer(parseLockAnswer(body)),
  'lock-batch-response-empty': body => encodeLockAnswer(parseLockAnswer(body)),
  'unlock-batch-request': lockAgain,
  'consumer-list': body => encodeConsumerList(parseConsumerList(body)),
  'consume-stats': body => encodeConsumeStats(parseConsumeStats(body)),
  'topic-stats': body => encodeTopicStats(parseTopicStats(body)),
  'consumer-running-info': body => encodeRunningInfo(parseRunningInfo(body)),
  'consumer-running-info-empty': body => encodeRunningInfo(parseRunningInfo(body)),
  'consume-directly-result-ok': body => encodeDirectResult(parseDirectResult(body)),
  'consume-directly-result-exception': body => encodeDirectResult(parseDirectResult(body)),
  'check-client-config': body => encodeClientConfig(parseClientConfig(body)),
  'local-offsets-json': body => encodeOffsetTable(parseOffsetTable(body)),
  'consumer-connection': body => encodeConsumerConnection(parseConsumerConnection(body)),
  'topic-list': body => encodeTopicList(parseTopicList(body)),
};

const versions = ['5.3.3', '5.5.0'] as const;

describe.each(versions)('a body written by Java %s', version => {
  const text = (name: string): string => {
    const found = bodyTexts[version][name];
    if (found === undefined) throw new Error(`no sample ${name}`);
    return found;
  };
  const body = (name: string): Buffer => Buffer.from(text(name));

  it.each(Object.keys(exactly))('%s is written again letter for letter', name => {
    expect(exactly[name]?.(body(name)).toString()).toBe(text(name));
  });

  it('topic-route keeps its meaning, its broker ids now in quotes', () => {
    const quoted = text('topic-route-default-encode').replaceAll(/([{,])(\d+):/g, '$1"$2":');
    expect(routeAgain(body('topic-route-default-encode')).toString()).toBe(quoted);
  });

  it('topic-route with an order config is read', () => {
    expect(parseRoute(body('topic-route-order-conf'))).toEqual({
      brokers: [
        {
          ...{ brokerName: 'broker-a', cluster: 'DefaultCluster' },
          addresses: new Map([
            [0, '10.1.2.3:10911'],
            [1, '10.1.2.4:10911'],
          ]),
        },
      ],
      queues: [{ brokerName: 'broker-a', perm: 6, readQueueNums: 4, writeQueueNums: 4 }],
    });
  });

  it('cluster-info is read, its bare broker ids too', () => {
    const info = parseClusterInfo(body('cluster-info'));
    expect(info.clusterAddrTable).toEqual(new Map([['DefaultCluster', ['broker-a']]]));
    expect(info.brokerAddrTable.get('broker-a')?.addresses.get(1)).toBe('10.1.2.4:10911');
    expect(parseClusterInfo(encodeClusterInfo(info))).toEqual(info);
  });

  it('subscription-group-config is read, members we do not know left aside', () => {
    const group = parseSubscriptionGroup(body('subscription-group-config'));
    expect(group).toMatchObject({ groupName: 'GID_golden', retryMaxTimes: 16, consumeEnable: true });
    expect(parseJson(text('subscription-group-config'))).toMatchObject({
      ...(parseJson(encodeSubscriptionGroup(group)) as object), // a record is written as an object
    });
    expect(parseSubscriptionGroup(Buffer.from('{"groupName":"GID_golden"}'))).toEqual(group);
  });

  it('local-offsets-json-pretty is read', () => {
    expect(parseOffsetTable(body('local-offsets-json-pretty'))).toEqual([
      [{ brokerName: 'broker-a', queueId: 0, topic: 'GoldenTopic' }, 12],
    ]);
  });

  it.each(['reset-offset-java', 'reset-offset-cpp'])(
    '%s with an offset past 2^53 is refused, not rounded',
    name => {
      expect(() => parseOffsetTable(body(name))).toThrow(
        expect.objectContaining({
          code: 'RMQ_UNSAFE_OFFSET',
          message: expect.stringContaining('9007199254740993'),
        }),
      );
    },
  );

  it.each(['reset-offset-java', 'reset-offset-cpp'])('%s gives the same offsets in either form', name => {
    const smaller = Buffer.from(text(name).replace('9007199254740993', '8'));
    expect(parseOffsetTable(smaller)).toEqual([
      [{ brokerName: 'broker-a', queueId: 0, topic: 'GoldenTopic' }, 7],
      [{ brokerName: 'broker-a', queueId: 1, topic: 'GoldenTopic' }, 8],
    ]);
  });

  it('consumer-status-from-client is written letter for letter', () => {
    const smaller = text('consumer-status-from-client').replace('9007199254740993', '8');
    expect(encodeConsumerStatus(parseConsumerStatus(Buffer.from(smaller))).toString()).toBe(smaller);
  });
});

const { HEART_BEAT, LOCK_BATCH_MQ, UNLOCK_BATCH_MQ, CHECK_CLIENT_CONFIG, RESET_CONSUMER_CLIENT_OFFSET } =
  RequestCode;
const { GET_ROUTEINFO_BY_TOPIC, GET_CONSUMER_LIST_BY_GROUP, GET_CONSUME_STATS, GET_TOPIC_STATS_INFO } =
  RequestCode;
const { GET_CONSUMER_CONNECTION_LIST, GET_CONSUMER_RUNNING_INFO, CONSUME_MESSAGE_DIRECTLY } = RequestCode;

const requestBodies: ReadonlyMap<number, Again> = new Map<number, Again>([
  [HEART_BEAT, heartbeatAgain],
  [LOCK_BATCH_MQ, lockAgain],
  [UNLOCK_BATCH_MQ, lockAgain],
  [CHECK_CLIENT_CONFIG, body => encodeClientConfig(parseClientConfig(body))],
  [RESET_CONSUMER_CLIENT_OFFSET, body => encodeOffsetTable(parseOffsetTable(body))],
]);

const answerBodies: ReadonlyMap<number, Again> = new Map<number, Again>([
  [GET_ROUTEINFO_BY_TOPIC, routeAgain],
  [GET_CONSUMER_LIST_BY_GROUP, body => encodeConsumerList(parseConsumerList(body))],
  [LOCK_BATCH_MQ, body => encodeLockAnswer(parseLockAnswer(body))],
  [GET_CONSUME_STATS, body => encodeConsumeStats(parseConsumeStats(body))],
  [GET_TOPIC_STATS_INFO, body => encodeTopicStats(parseTopicStats(body))],
  [GET_CONSUMER_CONNECTION_LIST, body => encodeConsumerConnection(parseConsumerConnection(body))],
  [GET_CONSUMER_RUNNING_INFO, body => encodeRunningInfo(parseRunningInfo(body))],
  [CONSUME_MESSAGE_DIRECTLY, body => encodeDirectResult(parseDirectResult(body))],
]);

const answerCode = /^resp to (\d+)$/;

/** An offset reset as admin tools for C++ clients make a broker send it. */
function isListForm({ request }: Exchange): boolean {
  return (
    request.header.code === RESET_CONSUMER_CLIENT_OFFSET &&
    request.bodyText?.startsWith('{"offsetTable":[') === true
  );
}

const realBodies = [
  ...exchanges
    .filter(sample => !isListForm(sample))
    .flatMap(({ title, request, response }) => [
      { title: `${title}, request`, again: requestBodies.get(request.header.code), text: request.bodyText },
      { title: `${title}, answer`, again: answerBodies.get(request.header.code), text: response?.bodyText },
    ]),
  ...sessionCommands.map(({ kind, code, bodyText }, i) => {
    const answered = answerCode.exec(kind)?.[1];
    const again = answered === undefined ? requestBodies.get(code) : answerBodies.get(Number(answered));
    return { title: `Java session frame ${i}, ${kind} ${requestName(code)}`, again, text: bodyText };
  }),
].flatMap(({ title, again, text }) =>
  again === undefined || text === undefined ? [] : [{ title, again, text }],
);

describe('a body captured from a real client or broker', () => {
  it.each(realBodies)('$title is written again with the same meaning', ({ again, text }) => {
    expect(meaning(again(Buffer.from(text)).toString())).toEqual(meaning(text));
  });

  it.each(exchanges.filter(isListForm))(
    '$title has the offsets of the map form',
    ({ request: { bodyText = '' } }) => {
      const list = JSON.parse(bodyText) as {
        readonly offsetTable: readonly (MessageQueue & { readonly offset: number })[];
      }; // see isListForm
      const expected = list.offsetTable.map(({ offset, ...queue }) => [queue, offset]);
      expect(parseOffsetTable(Buffer.from(bodyText))).toEqual(expected);
    },
  );

  it('is there for every body tried', () => {
    expect(realBodies.length).toBeGreaterThan(100);
  });
});

/** Parsed, without what may differ: null members, a member that 4.9 does not have, and the order of Java's sets. */
function meaning(text: string): unknown {
  const normal = text
    .replaceAll(/"(jstack|remark)":null,?/g, '')
    .replaceAll(/,?"enableActingMaster":false/g, '');
  return parseJson(normal.replaceAll(/([{,])(\d+):/g, '$1"$2":'));
}

describe('a body that is not as Java writes it', () => {
  it('may lack members that have defaults, and have members we do not know', () => {
    expect(parseRoute(Buffer.from('{"queueDatas":null,"new":{"a":[1]}}'))).toEqual({
      brokers: [],
      queues: [],
    });
    expect(parseConsumerList(Buffer.from('{}'))).toEqual([]);
    expect(parseLockAnswer(Buffer.from('{}'))).toEqual([]);
  });

  it('may name enums by number and numbers by text, as Java takes them', () => {
    const text =
      '{"clientID":"c","consumerDataSet":[{"groupName":"g","consumeType":1,"messageModel":0,"consumeFromWhere":4,"subscriptionDataSet":[{"topic":"t","subString":"*","subVersion":"12"}]}]}';
    expect(parseHeartbeat(Buffer.from(text))).toEqual({
      ...{ clientID: 'c', heartbeatFingerprint: 0, producerDataSet: [], withoutSub: false },
      consumerDataSet: [
        {
          ...{
            groupName: 'g',
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'BROADCASTING',
            unitMode: false,
          },
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          subscriptionDataSet: [
            { topic: 't', subString: '*', subVersion: 12, tagsSet: [], codeSet: [], expressionType: 'TAG' },
          ],
        },
      ],
    });
  });

  it('may have queue keys as quoted JSON, as fastjson 1 takes them', () => {
    const text = JSON.stringify({ offsetTable: { '{"brokerName":"b","queueId":1,"topic":"t"}': 7 } });
    expect(parseOffsetTable(Buffer.from(text))).toEqual([[{ brokerName: 'b', queueId: 1, topic: 't' }, 7]]);
  });

  const queueCounts = (read: number, write: number) =>
    `{"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":${read},"writeQueueNums":${write}}]}`;

  const cases: readonly (readonly [
    name: string,
    parse: (body: Buffer) => unknown,
    text: string,
    says: string,
  ])[] = [
    ['an empty route', parseRoute, '', 'route: JSON of 0 characters'],
    ['a route that is a list', parseRoute, '[]', 'route is not an object'],
    ['a route that is no JSON', parseRoute, '<html>', 'route: JSON'],
    ['brokers that are an object', parseRoute, '{"brokerDatas":{}}', 'route.brokerDatas is not a list'],
    [
      'a broker without a name',
      parseRoute,
      '{"brokerDatas":[{"brokerAddrs":{}}]}',
      'brokerDatas[0].brokerName is missing',
    ],
    [
      'an address that is a number',
      parseRoute,
      '{"brokerDatas":[{"brokerAddrs":{0:7},"brokerName":"b"}]}',
      'brokerAddrs.0 is not text',
    ],
    [
      'a broker id that is a word',
      parseRoute,
      '{"brokerDatas":[{"brokerAddrs":{"x":"a"},"brokerName":"b"}]}',
      'not a whole number',
    ],
    ['a million queues', parseRoute, queueCounts(2_000_000_000, 4), 'impossible queue counts'],
    ['fewer than no queues', parseRoute, queueCounts(-1, 4), 'impossible queue counts'],
    ['half a queue', parseRoute, queueCounts(1.5, 4), 'readQueueNums is not a whole number'],
    ['a deep route', parseRoute, `{"a":${'['.repeat(100)}`, 'deeper than 32'],
    [
      'member ids that are numbers',
      parseConsumerList,
      '{"consumerIdList":[1]}',
      'consumerIdList[0] is not text',
    ],
    ['a heartbeat without client', parseHeartbeat, '{}', 'heartbeat.clientID is missing'],
    [
      'an unknown message model',
      parseHeartbeat,
      '{"clientID":"c","consumerDataSet":[{"consumeFromWhere":0,"consumeType":0,"groupName":"g","messageModel":"X"}]}',
      'consumerDataSet[0].messageModel is not one of BROADCASTING',
    ],
    [
      'a queue key that is a number',
      parseOffsetTable,
      '{"offsetTable":{1:2}}',
      'offsetTable key 0 is not an object',
    ],
    ['a queue key that is no JSON', parseOffsetTable, '{"offsetTable":{"x":2}}', 'offsetTable key 0'],
    [
      'an offset that is text',
      parseOffsetTable,
      '{"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:"x"}}',
      'value 0 is not',
    ],
    ['stats without a number', parseConsumeStats, '{"consumeTps":"fast"}', 'consumeTps is not a number'],
    ['a lock of nothing', parseLock, '{"clientId":"c"}', 'lock request.consumerGroup is missing'],
    [
      'a result nobody knows',
      parseDirectResult,
      '{"consumeResult":"CR_MAYBE"}',
      'consumeResult is not one of CR_SUCCESS',
    ],
  ];

  it.each(cases)('%s is a typed error naming the member', (_name, parse, text, says) => {
    const error = thrownBy(() => parse(Buffer.from(text)));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: 'RMQ_BAD_BODY', message: expect.stringContaining(says) });
  });

  it('cannot reach a prototype through its names', () => {
    const text = '{"clusterAddrTable":{"__proto__":["x"]},"__proto__":{"polluted":1}}';
    expect(parseClusterInfo(Buffer.from(text)).clusterAddrTable).toEqual(new Map([['__proto__', ['x']]]));
    expect('polluted' in {}).toBe(false);
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
