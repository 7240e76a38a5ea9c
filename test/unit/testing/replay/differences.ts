// SPDX-License-Identifier: Apache-2.0
/** Where does the embedded broker not answer as a recorded one did, and why is that right? Anything not listed fails the replay. */
import { nothing, something } from './facts.ts';

/** What a place says: exactly this, or anything that looks like it. */
export type Said = string | RegExp;

export interface KnownDifference {
  readonly why: string;
  readonly versions: readonly string[];
  /** Names of the exchanges it is seen in: in each of them, or the list is wrong. */
  readonly samples: readonly string[];
  /** Place (`*` stands for a number or a name) → what the recorded broker says there, and what the embedded one says. */
  readonly differs: Readonly<Record<string, readonly [recorded: Said, embedded: Said]>>;
}

const all = ['5.5.0', '5.3.3', '4.9.7'];
const before550 = ['5.3.3', '4.9.7'];
const only49 = ['4.9.7'];

const sends = ['send v2', 'send v2 no uniq/trailing sep', 'send v1', 'send batch 320', 'send autocreate'];
const batchSeen = ['pull found', 'pull binary header', 'pull tag filter'];
const emptyPulls = [
  ...['pull nomatch', 'pull at end no suspend', 'pull overflow badly', 'pull negative'],
  ...['pull empty queue 0', 'pull empty queue 3', 'pull suspend 1500ms'],
];
const fullPulls = [...batchSeen, 'pull woken', 'pull retry topic', 'pull dlq'];
const heartbeats = ['hb c1', 'hb c2', 'hb v2 full', 'hb v2 again', 'hb v2 without sub', 'hb bad group'];

export const knownDifferences: readonly KnownDifference[] = [
  {
    why: 'Java tells its NullPointerException and the place in its source; here the remark names the missing field.',
    versions: all,
    samples: ['pull missing field'],
    differs: { remark: [/^java\.lang\.NullPointerException: /, 'pullMessage: queueId is missing'] },
  },
  {
    why: 'The embedded broker filters by tag and knows no SQL92: it says so as a broker without enablePropertyFilter does.',
    versions: all,
    samples: ['pull sql', 'pull sql bad'],
    differs: {
      code: ['0', '1'],
      remark: ['FOUND', 'The broker does not support consumer to filter message by SQL92'],
      'fields.suggestWhichBrokerId': ['0', nothing],
      'fields.nextBeginOffset': ['5', nothing],
      'fields.minOffset': ['0', nothing],
      'fields.maxOffset': ['5', nothing],
      'message *': [something, nothing],
    },
  },
  {
    why: 'No SQL92, see above: 5.x tell the flags of topic and group with every pull.',
    versions: ['5.5.0', '5.3.3'],
    samples: ['pull sql', 'pull sql bad'],
    differs: { 'fields.topicSysFlag': ['0', nothing], 'fields.groupSysFlag': ['0', nothing] },
  },
  {
    why: 'No SQL92, see above: a valid expression is refused as well.',
    versions: all,
    samples: ['check client config sql'],
    differs: {
      code: ['0', '1'],
      remark: [nothing, 'The broker does not support consumer to filter message by SQL92'],
    },
  },
  {
    why: 'No SQL92, see above: an expression is refused before it is read.',
    versions: all,
    samples: ['check client config sql bad'],
    differs: {
      code: ['23', '1'],
      remark: [/ParseException/, 'The broker does not support consumer to filter message by SQL92'],
    },
  },
  {
    why: 'Up to 5.3 the remark does not name the topic.',
    versions: before550,
    samples: ['send bad topic chars'],
    differs: {
      remark: [
        /^The specified topic contains illegal characters/,
        /^The specified topic: bad topic, contains illegal characters/,
      ],
    },
  },
  {
    why: 'Up to 5.3 the messages of a batch are stored with the unique id of the whole batch and the name of the cluster; 5.5 stores what the producer wrote.',
    versions: before550,
    samples: batchSeen,
    differs: {
      'message *.properties.UNIQ_KEY': ['7F0000010001000000000000000000BB', /^U[12]$/],
      'message *.properties.CLUSTER': ['DefaultCluster', nothing],
    },
  },
  {
    why: 'As above, for the lite pull that 4.9 does not have.',
    versions: ['5.3.3'],
    samples: ['pull found lite 361'],
    differs: {
      'message *.properties.UNIQ_KEY': ['7F0000010001000000000000000000BB', /^U[12]$/],
      'message *.properties.CLUSTER': ['DefaultCluster', nothing],
    },
  },
  {
    why: '5.3 also added region and trace switch to the messages of a batch.',
    versions: ['5.3.3'],
    samples: [...batchSeen, 'pull found lite 361'],
    differs: {
      'message *.properties.MSG_REGION': ['DefaultRegion', nothing],
      'message *.properties.TRACE_ON': ['true', nothing],
    },
  },
  {
    why: '4.9 tells no transaction id with an ordinary send.',
    versions: only49,
    samples: sends,
    differs: { 'fields.transactionId': [nothing, /^(\(unique id\)|7F0000010001\w{20})$/] },
  },
  {
    why: '4.9 has no code of its own for an invalid parameter.',
    versions: only49,
    samples: ['send bad topic chars', 'pull bad queue'],
    differs: { code: ['1', '29'] },
  },
  {
    why: '4.9 answers 0 for the offset of what it does not know.',
    versions: only49,
    samples: ['query offset no topic'],
    differs: {
      code: ['0', '22'],
      'fields.offset': ['0', nothing],
      remark: [nothing, 'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first'],
    },
  },
  {
    why: 'The page that remarks point to has moved.',
    versions: only49,
    samples: ['pull no group info, no sub flag', 'pull no topic'],
    differs: { remark: [/rocketmq\.apache\.org\/docs\/faq/, /rocketmq\.apache\.org\/docs\/bestPractice/] },
  },
  {
    why: '4.9 tells no flags of topic and group, neither with a pull nor with a message to be consumed directly.',
    versions: only49,
    samples: [...emptyPulls, ...fullPulls, 'client got 309'],
    differs: { 'fields.topicSysFlag': [nothing, '0'], 'fields.groupSysFlag': [nothing, '0'] },
  },
  {
    why: '4.9 adds only the name of its cluster to a message.',
    versions: only49,
    samples: [...fullPulls, 'client got 309'],
    differs: {
      'message *.properties.MSG_REGION': [nothing, 'DefaultRegion'],
      'message *.properties.TRACE_ON': [nothing, 'true'],
    },
  },
  {
    why: '4.9 does not make up a unique id.',
    versions: only49,
    samples: ['pull found', 'pull binary header', 'pull tag filter', 'pull woken'],
    differs: { 'message *.properties.UNIQ_KEY': [nothing, '(unique id)'] },
  },
  {
    why: '4.9 does not store WAIT=true, which is the default.',
    versions: only49,
    samples: [...batchSeen, 'client got 309'],
    differs: { 'message 0.properties.WAIT': [nothing, 'true'] },
  },
  {
    why: '4.9 answers in the form of the request; 5.x in their own, JSON.',
    versions: only49,
    samples: ['pull binary header'],
    differs: { serializeType: ['ROCKETMQ', 'JSON'] },
  },
  {
    why: '4.9 has no lite pull.',
    versions: only49,
    samples: ['pull found lite 361'],
    differs: {
      code: ['3', '0'],
      remark: [' request type 361 not supported', 'FOUND'],
      'fields.*': [nothing, /^[05]$/],
      'message *': [nothing, something],
    },
  },
  {
    why: 'For a time after the last message 4.9 gives the offset of the last, 5.x the one behind it.',
    versions: only49,
    samples: ['search offset future'],
    differs: { 'fields.offset': ['4', '5'] },
  },
  {
    why: '4.9 knows no second form of heartbeats and says nothing about them.',
    versions: only49,
    samples: heartbeats,
    differs: {
      'fields.IS_SUPPORT_HEART_BEAT_V2': [nothing, 'true'],
      'fields.IS_SUB_CHANGE': [nothing, /^(true|false)$/],
    },
  },
  {
    why: '4.9 stores an offset for any group.',
    versions: only49,
    samples: ['update offset no group'],
    differs: { code: ['0', '26'], remark: [nothing, 'Group GID_zzz not exist!'] },
  },
  {
    why: '4.9 does not tell how far a group has pulled.',
    versions: only49,
    samples: ['consume stats'],
    differs: {
      'body.offsetTable[brokerName=broker-a queueId=* topic=GoldenTopic].pullOffset': [nothing, /^\d$/],
    },
  },
  {
    why: '4.9 tells no rate of a topic.',
    versions: only49,
    samples: ['topic stats'],
    differs: { 'body.topicPutTps': [nothing, '(rate)'] },
  },
  {
    why: '4.9 does not know the language NODE_JS, and leaves out what it does not know.',
    versions: only49,
    samples: ['consumer connections'],
    differs: { 'body.connectionSet[0]': [/@c1 version=479$/, /@c1 language=NODE_JS version=479$/] },
  },
  {
    why: 'See above: nor does it pass the language on.',
    versions: only49,
    samples: ['running info via broker', 'consume directly via broker'],
    differs: { language: [nothing, 'NODE_JS'] },
  },
  {
    why: '4.9 says nothing of acting masters in its routes.',
    versions: only49,
    samples: ['route retry', 'route dlq'],
    differs: { 'body.brokerDatas[0]': [/cluster=DefaultCluster$/, / enableActingMaster=false$/] },
  },
  {
    why: '4.9 tells the members to reset their offsets (220); since 5.2 the broker does it, and a pull is answered with 21.',
    versions: only49,
    samples: ['client got 220', 'reset offset push (Java map form)', 'reset offset push (C++ list form)'],
    differs: { frame: ['sent', nothing] },
  },
  {
    why: 'Reset by the members, see above: the answer of 4.9 has no code of its own yet.',
    versions: only49,
    samples: ['reset offset 222', 'reset offset 222 CPP'],
    differs: { remark: ['not set any response code', nothing] },
  },
  {
    why: 'Reset by the members, see above: nobody has committed yet.',
    versions: only49,
    samples: ['query after reset'],
    differs: { 'fields.offset': ['3', '0'] },
  },
  {
    why: 'Reset by the members, see above: the broker knows nothing of it and answers as ever.',
    versions: only49,
    samples: ['pull after reset'],
    differs: {
      code: ['0', '21'],
      remark: ['FOUND', 'OFFSET_RESET'],
      'fields.nextBeginOffset': ['5', '0'],
      'fields.topicSysFlag': [nothing, '0'],
      'fields.groupSysFlag': [nothing, '0'],
      'message *': [something, nothing],
    },
  },
];
