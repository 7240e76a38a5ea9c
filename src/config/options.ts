// SPDX-License-Identifier: Apache-2.0
/**
 * Which options are there? One row each, and no second list: types, parser, environment reading, `explain` and
 * docs/configuration.md follow from this table.
 */
import { join } from 'node:path';
import { groupProblem, topicProblem } from '../model/names.ts';
import { nameServerAddresses } from './address-kind.ts';
import { allocateStrategyKind } from './allocate-kind.ts';
import { allowedHosts } from './allowed-hosts-kind.ts';
import { count, duration, oneOf, orOff, share, size, text, yesOrNo } from './basic-kinds.ts';
import { ConsumeFromWhere, Handover, LogLevel, MessageModel, OrderBy } from './closed-sets.ts';
import {
  consumeHooks,
  corruptPolicy,
  customOffsetStore,
  listenerKind,
  mapBrokerAddress,
  nameHint,
  retryPolicy,
  revokeHook,
  subscriptionList,
} from './consuming-kinds.ts';
import { credentialsKind } from './credentials-kind.ts';
import { namespaceKind } from './namespace-kind.ts';
import { option, optional } from './option.ts';
import type { ConfigSources } from './sources.ts';
import { timestamp } from './timestamp-kind.ts';
import { tlsKind } from './tls-kind.ts';

const day = 86_400_000;
const second = 1000;

/** A frame held back by the broker must come before the request gives up; by this much. Unit: ms. */
export const suspendMargin = 6000;
const shortestSuspend = 100;

export const optionTable = {
  consumerGroup: option({
    group: 'basic',
    kind: text(name => {
      const problem = groupProblem(name);
      return problem === undefined ? undefined : { problem, hint: nameHint };
    }),
    fallback: { kind: 'required' },
    text: 'The group this consumer is a member of. Members share the messages of their topics and must subscribe alike.',
    example: "consumerGroup: 'billing'",
  }),
  namesrvAddr: option({
    group: 'basic',
    kind: nameServerAddresses,
    env: ['NAMESRV_ADDR'],
    fallback: { kind: 'required' },
    text: 'The name servers, host:port each: one text separated by semicolons, or an array. One that answers is enough.',
    example: "namesrvAddr: '10.0.0.1:9876;10.0.0.2:9876'",
  }),
  instanceName: option({
    group: 'basic',
    kind: text(clientIdPart),
    fallback: {
      kind: 'derived',
      text: '<pid>#<8 hex digits>; with BROADCASTING the host name, which is the same after a restart',
      from: freshInstanceName,
    },
    meansDefault: 'DEFAULT',
    text: "Part of the client id, which must differ between all members of a group. 'DEFAULT' means the default, as in Java.",
    example: "instanceName: 'billing-0'",
  }),
  clientIp: option({
    group: 'basic',
    kind: text(clientIdPart),
    fallback: {
      kind: 'derived',
      text: 'the first IPv4 address that is not the loopback, else 127.0.0.1',
      from: sources => sources.hostAddress ?? '127.0.0.1',
    },
    text: 'Part of the client id that the broker and its tools show. Nothing is bound to it.',
    example: "clientIp: '10.0.0.7'",
  }),
  unitName: optional({
    group: 'basic',
    kind: text(clientIdPart),
    absent: 'none',
    text: 'Part of the client id, behind the instance name: keeps apart consumers of several units (regions) in one process.',
    example: "unitName: 'eu-1'",
  }),
  namespace: optional({
    group: 'basic',
    kind: namespaceKind,
    absent: 'none',
    text: "Keeps apart tenants of one cluster. A name, or version 1: brokers know the topics and groups as 'name%topic', all that is seen here is without it. Version 2: names stay as they are, and each request says the namespace in a field of its own, for brokers and proxies that look at it.",
    example: "namespace: 'tenant-a'",
  }),
  tls: option({
    group: 'basic',
    kind: tlsKind,
    fallback: { kind: 'fixed', value: false },
    text: 'Encrypted connections to all name servers and brokers; nothing is sent in plain text then. true: the peer must have a certificate of an authority Node knows, for the host it is dialled by. An object sets ca, cert, key, passphrase, servername and rejectUnauthorized; a function of the address answers either, asked at each dial, so that certificates may change. docs/security.md.',
    example: "tls: { ca: readFileSync('ca.pem') }",
  }),
  mapBrokerAddress: optional({
    group: 'basic',
    kind: mapBrokerAddress,
    absent: 'none: brokers are dialled where the route says',
    text: 'Answers where a broker that announces itself at an address is dialled: another host:port, the same, or null for nowhere. For brokers behind a port mapping, a tunnel or a proxy.',
    example: "mapBrokerAddress: address => address.replace('172.17.0.2:', 'localhost:')",
  }),
  allowedBrokerAddresses: optional({
    group: 'basic',
    kind: allowedHosts,
    absent: 'any',
    text: 'The only hosts that brokers of a route are dialled at: names, IP addresses, and networks; compared with the address as it is written in the route, after mapBrokerAddress. A broker elsewhere is a fault, told once, and is not dialled.',
    example: "allowedBrokerAddresses: ['10.20.0.0/16', 'broker.example.com']",
  }),
  credentials: optional({
    group: 'basic',
    kind: credentialsKind,
    secret: true,
    absent: 'none: requests are not signed',
    text: 'Who signs the requests, for brokers that check it (ACL 1.0 and 2.0): an object, or a function that is asked at the start, before each dial and when a broker refuses. Name servers get them too. docs/security.md.',
    example: "credentials: { accessKey: 'billing', secretKey: process.env['BILLING_SECRET'] ?? '' }",
  }),
  configFile: optional({
    group: 'basic',
    kind: text(pathProblem),
    absent: 'none',
    text: 'A JSON file with options by their names here, for what neither the argument nor the environment gives. A relative path begins where the process was started.',
    example: "configFile: '/etc/billing/rocketmq.json'",
  }),
  messageModel: option({
    group: 'behaviour',
    kind: oneOf(Object.values(MessageModel)),
    fallback: { kind: 'fixed', value: 'CLUSTERING' },
    text: 'CLUSTERING: each message goes to one member of the group. BROADCASTING: to every member; each keeps its offsets in a file below storePath, and a message that fails is dropped.',
    example: "messageModel: 'BROADCASTING'",
  }),
  consumeFromWhere: option({
    group: 'behaviour',
    kind: oneOf(Object.values(ConsumeFromWhere)),
    fallback: { kind: 'fixed', value: 'CONSUME_FROM_LAST_OFFSET' },
    text: 'Where a group that never consumed a topic begins. A group with committed offsets always goes on from them.',
    example: "consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET'",
  }),
  consumeTimestamp: option({
    group: 'behaviour',
    kind: timestamp,
    fallback: {
      kind: 'derived',
      text: '30 minutes before the config is read',
      from: sources => Math.max(0, Math.floor(sources.wallNow()) - 30 * 60 * second),
    },
    text: 'The time CONSUME_FROM_TIMESTAMP begins at: a Date, ms since 1970, or yyyyMMddHHmmss in local time.',
    example: "consumeTimestamp: '20261122153000'",
  }),
  allocateStrategy: option({
    group: 'behaviour',
    kind: allocateStrategyKind,
    aliases: ['allocateQueueStrategy'],
    fallback: { kind: 'fixed', value: 'AVG' },
    text: 'How the queues of a topic are shared among the members: a word, a function, or what byConfig, machineRoom, machineRoomNearby or consistentHash make. All members of a group must use the same; docs/allocation.md compares them.',
    example: "allocateStrategy: 'STICKY'",
  }),
  subscriptions: option({
    group: 'behaviour',
    kind: subscriptionList,
    fallback: { kind: 'fixed', value: [] },
    text: 'The topics to consume, each with an optional selector (default: all messages) and listener. More can be added while running.',
    example: "subscriptions: [{ topic: 'orders', selector: tag('paid || shipped') }]",
  }),
  listener: optional({
    group: 'behaviour',
    kind: listenerKind,
    absent: 'none: each subscription needs its own',
    text: 'What handles the messages of every subscription without a listener of its own.',
    example: 'listener: concurrently(async messages => { await book(messages); })',
  }),
  revokeTimeout: option({
    group: 'behaviour',
    kind: duration({ min: 0, max: day, seldomBelow: second }),
    fallback: { kind: 'fixed', value: 10_000 },
    text: 'How long running handlers of a queue that goes to another member may take before their signal is aborted.',
    example: 'revokeTimeout: 20_000',
  }),
  onQueuesRevoked: optional({
    group: 'behaviour',
    kind: revokeHook,
    absent: 'none',
    text: 'Called when the handlers of queues that are given up have ended, before the last commit; awaited within revokeTimeout.',
    example: 'onQueuesRevoked: async queues => { await flush(queues); }',
  }),
  consumeHooks: optional({
    group: 'behaviour',
    kind: consumeHooks,
    absent: 'none',
    text: 'Called before and after every call of a handler, with its messages and with what became of them. Not awaited; what a hook throws is a fault and changes nothing else.',
    example: 'consumeHooks: [{ after: (call, end) => { console.log(end.outcome, call.messages.length); } }]',
  }),
  enableMessageTrace: option({
    group: 'behaviour',
    kind: yesOrNo,
    fallback: { kind: 'fixed', value: false },
    text: 'Whether each consumption of a message is written to traceTopic, as Java clients write it, for mqadmin queryMsgTraceById and the dashboard. Handlers never wait for it: what cannot be sent in time is dropped, counted and told.',
    example: 'enableMessageTrace: true',
  }),
  traceTopic: option({
    group: 'behaviour',
    kind: text(topic => {
      const problem = topicProblem(topic);
      return problem === undefined ? undefined : { problem, hint: nameHint };
    }),
    fallback: { kind: 'fixed', value: 'RMQ_SYS_TRACE_TOPIC' },
    text: 'Where traces go. The default is there when brokers have traceTopicEnable or make topics by themselves.',
    example: "traceTopic: 'team_traces'",
  }),
  orderBy: option({
    group: 'behaviour',
    kind: oneOf(Object.values(OrderBy)),
    fallback: { kind: 'fixed', value: 'queue' },
    text: 'What an orderly listener gets in order: the messages of a queue one batch after the other, or those of a sharding key, different keys of a queue side by side. Messages without a key count as one.',
    example: "orderBy: 'shardingKey'",
  }),
  handover: option({
    group: 'behaviour',
    kind: oneOf(Object.values(Handover)),
    fallback: { kind: 'fixed', value: 'fenced' },
    text: "'fenced': a queue that changes its owner is pulled by the next one only when the former has finished and committed, so that a join, a leave or a rolling restart repeats nothing. 'none': as Java does. Orderly listeners always hold a lock.",
    example: "handover: 'none'",
  }),
  handoverTimeout: option({
    group: 'behaviour',
    kind: duration({ min: 1000, max: day }),
    fallback: { kind: 'fixed', value: 30_000 },
    text: 'How long a queue waits for a former owner that does not let go. Then it is consumed without the fence, and a fault says so.',
    example: 'handoverTimeout: 15_000',
  }),
  onCorruptMessage: option({
    group: 'behaviour',
    kind: corruptPolicy,
    fallback: { kind: 'fixed', value: 'halt' },
    text: "What becomes of a stored message that cannot be read, or whose body is not the one that was stored, after three more tries. 'halt': its queue stops in front of it, until queue.seek leaves it. 'skip': it is passed over. A function decides for each.",
    example:
      "onCorruptMessage: async ({ queue, queueOffset, error }) => { await alarm(error); return 'skip' as const; }",
  }),
  consumeConcurrency: option({
    group: 'performance',
    kind: count('handlers', { min: 1, max: 10_000 }),
    aliases: ['consumeThreadMax', 'consumeThreadNum'],
    fallback: { kind: 'fixed', value: 64 },
    text: 'How many handler calls may be running at once, over all queues.',
    example: 'consumeConcurrency: 16',
  }),
  consumeMessageBatchMaxSize: option({
    group: 'performance',
    kind: count('messages', { min: 1, max: 1024 }),
    aliases: ['consumeBatchSize'],
    fallback: { kind: 'fixed', value: 1 },
    text: 'The most messages one handler call gets. All are of one queue.',
    example: 'consumeMessageBatchMaxSize: 32',
  }),
  batchMaxWaitMillis: option({
    group: 'performance',
    kind: duration({ min: 0, max: 60 * second }),
    fallback: { kind: 'fixed', value: 0 },
    text: 'How long messages wait for a batch of consumeMessageBatchMaxSize to fill; without effect where that is 1, and with simple(). 0: a handler gets what is there.',
    example: 'batchMaxWaitMillis: 200',
  }),
  pullBatchSize: option({
    group: 'performance',
    kind: count('messages', { min: 1, max: 1024 }),
    fallback: { kind: 'fixed', value: 32 },
    text: 'The most messages asked for in one pull. Brokers answer at most 32 by default (maxTransferCountOnMessageInMemory).',
    example: 'pullBatchSize: 128',
  }),
  pullInterval: option({
    group: 'performance',
    kind: duration({ min: 0, max: day }),
    fallback: { kind: 'fixed', value: 0 },
    text: 'The pause between two pulls of a queue. 0: none.',
    example: 'pullInterval: 100',
  }),
  consumeTimeout: option({
    group: 'performance',
    kind: duration({ min: 1000, max: day, seldomBelow: second }),
    fallback: { kind: 'fixed', value: 900_000 },
    text: 'When a handler call counts as stuck: its signal is aborted and message.stuck is told. Concurrent: its messages are sent back once, and its late result no longer counts. Orderly: the queue waits for it. Until then it keeps one of consumeConcurrency: with a small one, hung handlers can hold up other queues that long.',
    example: 'consumeTimeout: 60_000',
  }),
  retryPolicy: optional({
    group: 'performance',
    kind: retryPolicy,
    absent: 'the broker decides: 10 s after the first failure, longer after each further one',
    text: "What becomes of a message whose concurrent handler failed and set no level of its own: a delay level from 1 to 18, 'deadLetter', 'drop', or undefined for the default.",
    example:
      "retryPolicy: (error, attempt) => (error instanceof RangeError ? 'deadLetter' : Math.min(attempt, 5))",
  }),
  maxReconsumeTimes: option({
    group: 'performance',
    kind: count('times', { min: -1, max: 2_147_483_647 }),
    fallback: { kind: 'fixed', value: -1 },
    text: 'How often a failed message is delivered again before it goes to the dead letters. -1: 16 times; with an orderly listener without end.',
    example: 'maxReconsumeTimes: 5',
  }),
  suspendCurrentQueueTimeMillis: option({
    group: 'performance',
    kind: duration({ min: 10, max: 30_000 }),
    fallback: { kind: 'fixed', value: 1000 },
    text: 'How long an orderly queue (or key) rests before a batch that was not done is delivered again. A listener may set its own: context.suspendTimeMillis.',
    example: 'suspendCurrentQueueTimeMillis: 500',
  }),
  brokerSuspendMaxTimeMillis: option({
    group: 'performance',
    kind: duration({ min: shortestSuspend, max: day, seldomBelow: second }),
    fallback: { kind: 'fixed', value: 15_000 },
    text: 'How long a broker may hold a pull when there is no new message.',
    example: 'brokerSuspendMaxTimeMillis: 10_000',
  }),
  consumerTimeoutMillisWhenSuspend: option({
    group: 'performance',
    kind: duration({ min: shortestSuspend + suspendMargin, max: day }),
    fallback: { kind: 'fixed', value: 30_000 },
    text: `When a pull without an answer is given up. At least brokerSuspendMaxTimeMillis + ${suspendMargin}; given alone and smaller, brokerSuspendMaxTimeMillis is lowered to fit.`,
    example: 'consumerTimeoutMillisWhenSuspend: 20_000',
  }),
  consumerTimeoutMillisSendMessage: option({
    group: 'performance',
    kind: duration({ min: 100, max: day }),
    fallback: { kind: 'fixed', value: 3000 },
    text: 'When handing a failed message back to the broker is given up and tried another way.',
    example: 'consumerTimeoutMillisSendMessage: 5000',
  }),
  consumerTimeoutMillisOfRequest: option({
    group: 'performance',
    kind: duration({ min: 100, max: day }),
    fallback: { kind: 'fixed', value: 3000 },
    text: 'When any other request to a name server or broker is given up.',
    example: 'consumerTimeoutMillisOfRequest: 5000',
  }),
  pullThresholdForAll: option({
    group: 'flow control',
    kind: count('messages', { min: 1, max: 10_000_000 }),
    fallback: { kind: 'fixed', value: 50_000 },
    text: 'Pulling stops while this many messages are held over all queues.',
    example: 'pullThresholdForAll: 10_000',
  }),
  pullThresholdSizeForAll: option({
    group: 'flow control',
    kind: size({ min: 1, max: 65_536 }),
    fallback: {
      kind: 'derived',
      text: '128, or a quarter of the memory the process may use if that is less',
      from: quarterOfMemory,
    },
    text: 'Pulling stops while the received frames kept in memory, over all queues, are larger than this.',
    example: 'pullThresholdSizeForAll: 64',
  }),
  pullThresholdForTopic: option({
    group: 'flow control',
    kind: orOff(count('messages', { min: 1, max: 6_553_500 })),
    fallback: { kind: 'fixed', value: -1 },
    text: 'Pulling of a topic stops while this many of its messages are held, over all its queues that this consumer owns: counted together, not shared out among them as in Java. -1: off.',
    example: 'pullThresholdForTopic: 5000',
  }),
  pullThresholdSizeForTopic: option({
    group: 'flow control',
    kind: orOff(size({ min: 1, max: 65_536 })),
    fallback: { kind: 'fixed', value: -1 },
    text: 'Pulling of a topic stops while its received frames kept in memory, over all its queues that this consumer owns, are larger than this. -1: off.',
    example: 'pullThresholdSizeForTopic: 32',
  }),
  pullThresholdForQueue: option({
    group: 'flow control',
    kind: count('messages', { min: 1, max: 65_535 }),
    aliases: ['pullThresholdOfQueue'],
    fallback: { kind: 'fixed', value: 1000 },
    text: 'Pulling of a queue stops while this many of its messages are held.',
    example: 'pullThresholdForQueue: 500',
  }),
  pullThresholdSizeForQueue: option({
    group: 'flow control',
    kind: size({ min: 1, max: 1024 }),
    aliases: ['pullThresholdSizeOfQueue'],
    fallback: { kind: 'fixed', value: 100 },
    text: 'Pulling of a queue stops while its received frames kept in memory are larger than this.',
    example: 'pullThresholdSizeForQueue: 16',
  }),
  consumeConcurrentlyMaxSpan: option({
    group: 'flow control',
    kind: count('messages', { min: 1, max: 65_535 }),
    fallback: { kind: 'fixed', value: 2000 },
    text: 'Pulling of a queue stops while its first and last held message lie further apart than this: one slow message must not let the rest pile up behind it.',
    example: 'consumeConcurrentlyMaxSpan: 5000',
  }),
  flowControlMaxDiff: option({
    group: 'flow control',
    kind: count('messages', { min: 1, max: 10_000_000 }),
    fallback: { kind: 'fixed', value: 10_000 },
    text: 'Pulling of a queue stops while its newest message lies further ahead of the committed offset than this: so much may be consumed again after a crash. Counted by offset, what was filtered out included; what the next pull hands over counts as committed. With enableAutoCommit: false, commit more often than this.',
    example: 'flowControlMaxDiff: 2000',
  }),
  maxMessagesPerSecond: optional({
    group: 'flow control',
    kind: count('messages', { min: 1, max: 10_000_000 }),
    absent: 'none: as many as handlers take',
    text: 'The most messages given to handlers in a second, over all queues, those delivered again included. After a quiet time up to a tenth of them start at once. A call with many messages makes the next call wait for all of them.',
    example: 'maxMessagesPerSecond: 500',
  }),
  flowControlInterval: option({
    group: 'flow control',
    kind: duration({ min: 1, max: 60 * second }),
    fallback: { kind: 'fixed', value: 50 },
    text: 'How often a queue that stopped pulling checks again by itself. It is told at once when there is room; this is the safety net.',
    example: 'flowControlInterval: 100',
  }),
  enableAutoCommit: option({
    group: 'offsets',
    kind: yesOrNo,
    fallback: { kind: 'fixed', value: true },
    text: 'Offsets follow what handlers have done. false: they move only by consumer.commit or context.commit, and never past a message that is not done.',
    example: 'enableAutoCommit: false',
  }),
  allowDirectConsume: option({
    group: 'behaviour',
    kind: yesOrNo,
    fallback: { kind: 'fixed', value: false },
    text: 'Whether a broker may hand a single message to the handler outside of its queue, as mqadmin queryMsgById does with a group and a client id. No offset moves and nothing is sent back. false: such a request is refused, for whoever reaches a broker could make the handler run.',
    example: 'allowDirectConsume: true',
  }),
  persistConsumerOffsetInterval: option({
    group: 'offsets',
    kind: duration({ min: 100, max: day }),
    aliases: ['autoCommitInterval', 'persistInterval'],
    fallback: { kind: 'fixed', value: 5000 },
    text: 'How often offsets are handed to the brokers.',
    example: 'persistConsumerOffsetInterval: 1000',
  }),
  persistBatchSize: option({
    group: 'offsets',
    kind: count('entries', { min: 1, max: 10_000 }),
    fallback: { kind: 'fixed', value: 100 },
    text: 'The most offsets handed to one broker in one write.',
    example: 'persistBatchSize: 50',
  }),
  maxOffsetStoreSize: option({
    group: 'offsets',
    kind: count('entries', { min: 1, max: 1_000_000 }),
    aliases: ['maxCacheSize'],
    fallback: { kind: 'fixed', value: 10_000 },
    text: 'The most queues whose offsets are kept.',
    example: 'maxOffsetStoreSize: 50_000',
  }),
  offsetStoreRetryTimes: option({
    group: 'offsets',
    kind: count('times', { min: 0, max: 100 }),
    aliases: ['maxRetryTimes'],
    fallback: { kind: 'fixed', value: 3 },
    text: 'How often a failed write of offsets is repeated before it waits for the next period.',
    example: 'offsetStoreRetryTimes: 5',
  }),
  offsetStoreRecoveryThreshold: option({
    group: 'offsets',
    kind: share,
    fallback: { kind: 'fixed', value: 0.8 },
    text: 'The share of the last 100 writes of offsets that must have succeeded. Below it the consumer goes on in running.unsaved, with the tag degraded, and health() says so.',
    example: 'offsetStoreRecoveryThreshold: 0.95',
  }),
  offsetStore: optional({
    group: 'offsets',
    kind: customOffsetStore,
    absent: 'the brokers; with BROADCASTING a file',
    text: 'Where offsets are kept instead. All members of a group need the same; brokers and their tools then know no offsets of the group.',
    example:
      'offsetStore: { read: queue => table.offsetOf(queue), write: positions => table.save(positions) }',
  }),
  storePath: option({
    group: 'offsets',
    kind: text(pathProblem),
    aliases: ['offsetStorePath'],
    fallback: {
      kind: 'derived',
      text: '.rocketmq_offsets in the home directory, as in Java',
      from: sources => join(sources.homeDirectory, '.rocketmq_offsets'),
    },
    text: 'The directory below which BROADCASTING keeps offsets: <client id>/<group>/positions.json. It must outlive the process.',
    example: "storePath: '/var/lib/billing/offsets'",
  }),
  startTimeout: option({
    group: 'periods',
    kind: duration({ min: 100, max: day }),
    fallback: { kind: 'fixed', value: 15_000 },
    text: 'When a start that reaches no name server or broker is given up.',
    example: 'startTimeout: 30_000',
  }),
  shutdownTimeout: option({
    group: 'periods',
    kind: duration({ min: 100, max: day }),
    fallback: { kind: 'fixed', value: 10_000 },
    text: 'The whole shutdown ends within this time; running handlers get it less 3 s. Keep it below the grace of your supervisor (Kubernetes: 30 s).',
    example: 'shutdownTimeout: 25_000',
  }),
  pollNameServerInterval: option({
    group: 'periods',
    kind: duration({ min: 100, max: day }),
    fallback: { kind: 'fixed', value: 30_000 },
    text: 'How often routes are asked anew. They are also asked whenever something fails.',
    example: 'pollNameServerInterval: 10_000',
  }),
  heartbeatBrokerInterval: option({
    group: 'periods',
    kind: duration({ min: 100, max: 100 * second }),
    fallback: { kind: 'fixed', value: 30_000 },
    text: 'How often brokers are told that this member lives. Brokers drop a silent one after 120 s.',
    example: 'heartbeatBrokerInterval: 15_000',
  }),
  rebalanceInterval: option({
    group: 'periods',
    kind: duration({ min: 100, max: day }),
    fallback: { kind: 'fixed', value: 20_000 },
    text: 'How often the queues are shared out anew. It also happens at once when members or routes change.',
    example: 'rebalanceInterval: 10_000',
  }),
  enableMessageCompression: option({
    group: 'limits and logging',
    kind: yesOrNo,
    fallback: { kind: 'fixed', value: true },
    text: 'Whether a large body that is sent from here is compressed (zlib): the copy of a failed message that goes to the retry topic. What was stored compressed goes as it is. Compressed messages are read in any case.',
    example: 'enableMessageCompression: false',
  }),
  compressMsgBodyOverHowmuch: option({
    group: 'limits and logging',
    kind: count('bytes', { min: 1, max: 1_073_741_824 }),
    fallback: { kind: 'fixed', value: 4096 },
    text: 'From which size on a body that is sent from here is compressed.',
    example: 'compressMsgBodyOverHowmuch: 65_536',
  }),
  retryTimesWhenSendAsyncFailed: option({
    group: 'limits and logging',
    kind: count('times', { min: 0, max: 15 }),
    fallback: { kind: 'fixed', value: 2 },
    text: 'How many more brokers are tried when a failed message was refused by its own and its copy for the retry topic is refused too. Then it is delivered again from here.',
    example: 'retryTimesWhenSendAsyncFailed: 4',
  }),
  maxFrameSize: option({
    group: 'limits and logging',
    kind: size({ min: 1, max: 1024 }),
    fallback: { kind: 'fixed', value: 16 },
    text: 'The largest frame taken from a peer; a larger one closes the connection.',
    example: 'maxFrameSize: 32',
  }),
  maxBodySize: option({
    group: 'limits and logging',
    kind: size({ min: 1, max: 1024 }),
    fallback: { kind: 'fixed', value: 16 },
    text: 'The largest body a compressed message may unfold to.',
    example: 'maxBodySize: 64',
  }),
  logLevel: option({
    group: 'limits and logging',
    kind: oneOf(Object.values(LogLevel)),
    fallback: { kind: 'fixed', value: 'warn' },
    text: 'From which level on something is logged.',
    example: "logLevel: 'info'",
  }),
};

function clientIdPart(value: string): { readonly problem: string; readonly hint: string } | undefined {
  if (/^[^\s@\p{Cc}]{1,255}$/u.test(value)) return undefined;
  return {
    problem: 'it cannot be part of a client id',
    hint: 'It has 1 to 255 characters, without spaces and without @, which separates the parts.',
  };
}

/** Longer ones no system takes: PATH_MAX of Linux. */
const longestPath = 4096;

function pathProblem(value: string): { readonly problem: string } | undefined {
  if (value === '' || /\p{Cc}/u.test(value)) return { problem: 'it is no path' };
  return value.length > longestPath ? { problem: `it is longer than ${longestPath} characters` } : undefined;
}

function freshInstanceName(sources: ConfigSources): string {
  const number = Math.floor(sources.random() * 2 ** 32) >>> 0;
  return `${sources.pid}#${number.toString(16).padStart(8, '0')}`;
}

/** constrainedMemory is 0, or larger than any machine, where no limit is set. */
function quarterOfMemory(sources: ConfigSources): number {
  const quarter = Math.floor(sources.constrainedMemory / 4 / 1024 / 1024);
  return sources.constrainedMemory > 0 ? Math.max(1, Math.min(128, quarter)) : 128;
}
