// SPDX-License-Identifier: Apache-2.0
/** What may a user write in a consumer config? Generated from the option table by `npm run docs`: change it there. */
import type { AllocateStrategy } from '../allocation/allocate-strategy.ts';
import type { ConsumeHook } from '../listeners/consume-hook.ts';
import type { Listener } from '../listeners/listener.ts';
import type { MapBrokerAddress } from '../model/broker-address.ts';
import type { Credentials, CredentialsProvider } from '../model/credentials.ts';
import type { TlsSettings, TlsSource } from '../model/tls.ts';
import type { SubscriptionConfig } from './consuming-kinds.ts';
import type { CorruptPolicy } from './corrupt-policy.ts';
import type { CustomOffsetStore } from './custom-offset-store.ts';
import type { NamespaceOption } from './namespace-kind.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { RevokeHook } from './revoke-hook.ts';

/**
 * The config of a consumer. What is not given here is taken from the environment, else from the configFile; else the default holds.
 * Durations are in ms, sizes in MiB. docs/configuration.md shows the same with more words.
 * @example createConsumerActor({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876', subscriptions, listener })
 */
export interface ConsumerConfig {
  /**
   * The group this consumer is a member of. Members share the messages of their topics and must subscribe alike.
   * Default: none, it must be given here or in the environment. Environment: ROCKETMQ_CONSUMER_GROUP.
   * @example consumerGroup: 'billing'
   */
  readonly consumerGroup?: string | undefined;
  /**
   * The name servers, host:port each: one text separated by semicolons, or an array. One that answers is enough.
   * Default: none, it must be given here or in the environment. Environment: ROCKETMQ_NAMESRV_ADDR, NAMESRV_ADDR.
   * @example namesrvAddr: '10.0.0.1:9876;10.0.0.2:9876'
   */
  readonly namesrvAddr?: string | readonly string[] | undefined;
  /**
   * Part of the client id, which must differ between all members of a group. 'DEFAULT' means the default, as in Java.
   * Default: <pid>#<8 hex digits>; with BROADCASTING the host name, which is the same after a restart. Environment: ROCKETMQ_INSTANCE_NAME.
   * @example instanceName: 'billing-0'
   */
  readonly instanceName?: string | undefined;
  /**
   * Part of the client id that the broker and its tools show. Nothing is bound to it.
   * Default: the first IPv4 address that is not the loopback, else 127.0.0.1. Environment: ROCKETMQ_CLIENT_IP.
   * @example clientIp: '10.0.0.7'
   */
  readonly clientIp?: string | undefined;
  /**
   * Part of the client id, behind the instance name: keeps apart consumers of several units (regions) in one process.
   * Default: none. Environment: ROCKETMQ_UNIT_NAME.
   * @example unitName: 'eu-1'
   */
  readonly unitName?: string | undefined;
  /**
   * Keeps apart tenants of one cluster. A name, or version 1: brokers know the topics and groups as 'name%topic', all that is seen here is without it. Version 2: names stay as they are, and each request says the namespace in a field of its own, for brokers and proxies that look at it.
   * Default: none. Environment: ROCKETMQ_NAMESPACE.
   * @example namespace: 'tenant-a'
   */
  readonly namespace?: NamespaceOption | undefined;
  /**
   * Encrypted connections to all name servers and brokers; nothing is sent in plain text then. true: the peer must have a certificate of an authority Node knows, for the host it is dialled by. An object sets ca, cert, key, passphrase, servername and rejectUnauthorized; a function of the address answers either, asked at each dial, so that certificates may change. docs/security.md.
   * Default: false. Environment: ROCKETMQ_TLS.
   * @example tls: { ca: readFileSync('ca.pem') }
   */
  readonly tls?: boolean | TlsSettings | TlsSource | undefined;
  /**
   * Answers where a broker that announces itself at an address is dialled: another host:port, the same, or null for nowhere. For brokers behind a port mapping, a tunnel or a proxy.
   * Default: none: brokers are dialled where the route says.
   * @example mapBrokerAddress: address => address.replace('172.17.0.2:', 'localhost:')
   */
  readonly mapBrokerAddress?: MapBrokerAddress | undefined;
  /**
   * The only hosts that brokers of a route are dialled at: names, IP addresses, and networks; compared with the address as it is written in the route, after mapBrokerAddress. A broker elsewhere is a fault, told once, and is not dialled.
   * Default: any. Environment: ROCKETMQ_ALLOWED_BROKER_ADDRESSES.
   * @example allowedBrokerAddresses: ['10.20.0.0/16', 'broker.example.com']
   */
  readonly allowedBrokerAddresses?: string | readonly string[] | undefined;
  /**
   * Who signs the requests, for brokers that check it (ACL 1.0 and 2.0): an object, or a function that is asked at the start, before each dial and when a broker refuses. Name servers get them too. docs/security.md.
   * Default: none: requests are not signed. Environment: ROCKETMQ_ACCESS_KEY, ROCKETMQ_SECRET_KEY, ROCKETMQ_SECURITY_TOKEN.
   * @example credentials: { accessKey: 'billing', secretKey: process.env['BILLING_SECRET'] ?? '' }
   */
  readonly credentials?: Credentials | CredentialsProvider | undefined;
  /**
   * A JSON file with options by their names here, for what neither the argument nor the environment gives. A relative path begins where the process was started.
   * Default: none. Environment: ROCKETMQ_CONFIG_FILE.
   * @example configFile: '/etc/billing/rocketmq.json'
   */
  readonly configFile?: string | undefined;
  /**
   * CLUSTERING: each message goes to one member of the group. BROADCASTING: to every member; each keeps its offsets in a file below storePath, and a message that fails is dropped.
   * Default: 'CLUSTERING'. Environment: ROCKETMQ_MESSAGE_MODEL.
   * @example messageModel: 'BROADCASTING'
   */
  readonly messageModel?: 'CLUSTERING' | 'BROADCASTING' | undefined;
  /**
   * Where a group that never consumed a topic begins. A group with committed offsets always goes on from them.
   * Default: 'CONSUME_FROM_LAST_OFFSET'. Environment: ROCKETMQ_CONSUME_FROM_WHERE.
   * @example consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET'
   */
  readonly consumeFromWhere?:
    | 'CONSUME_FROM_LAST_OFFSET'
    | 'CONSUME_FROM_FIRST_OFFSET'
    | 'CONSUME_FROM_TIMESTAMP'
    | undefined;
  /**
   * The time CONSUME_FROM_TIMESTAMP begins at: a Date, ms since 1970, or yyyyMMddHHmmss in local time.
   * Default: 30 minutes before the config is read. Environment: ROCKETMQ_CONSUME_TIMESTAMP.
   * @example consumeTimestamp: '20261122153000'
   */
  readonly consumeTimestamp?: Date | number | string | undefined;
  /**
   * How the queues of a topic are shared among the members: a word, a function, or what byConfig, machineRoom, machineRoomNearby or consistentHash make. All members of a group must use the same; docs/allocation.md compares them.
   * Default: 'AVG'. Environment: ROCKETMQ_ALLOCATE_STRATEGY, ROCKETMQ_ALLOCATE_QUEUE_STRATEGY.
   * @example allocateStrategy: 'STICKY'
   */
  readonly allocateStrategy?:
    | 'AVG'
    | 'AVG_BY_CIRCLE'
    | 'CONSISTENT_HASH'
    | 'STICKY'
    | AllocateStrategy
    | undefined;
  /** Another name of {@link ConsumerConfig.allocateStrategy}. */
  readonly allocateQueueStrategy?:
    | 'AVG'
    | 'AVG_BY_CIRCLE'
    | 'CONSISTENT_HASH'
    | 'STICKY'
    | AllocateStrategy
    | undefined;
  /**
   * The topics to consume, each with an optional selector (default: all messages) and listener. More can be added while running.
   * Default: [].
   * @example subscriptions: [{ topic: 'orders', selector: tag('paid || shipped') }]
   */
  readonly subscriptions?: readonly SubscriptionConfig[] | undefined;
  /**
   * What handles the messages of every subscription without a listener of its own.
   * Default: none: each subscription needs its own.
   * @example listener: concurrently(async messages => { await book(messages); })
   */
  readonly listener?: Listener | undefined;
  /**
   * How long running handlers of a queue that goes to another member may take before their signal is aborted.
   * Unit: ms, 0 to 86400000. Default: 10000. Environment: ROCKETMQ_REVOKE_TIMEOUT.
   * @example revokeTimeout: 20_000
   */
  readonly revokeTimeout?: number | undefined;
  /**
   * Called when the handlers of queues that are given up have ended, before the last commit; awaited within revokeTimeout.
   * Default: none.
   * @example onQueuesRevoked: async queues => { await flush(queues); }
   */
  readonly onQueuesRevoked?: RevokeHook | undefined;
  /**
   * Called before and after every call of a handler, with its messages and with what became of them. Not awaited; what a hook throws is a fault and changes nothing else.
   * Default: none.
   * @example consumeHooks: [{ after: (call, end) => { console.log(end.outcome, call.messages.length); } }]
   */
  readonly consumeHooks?: readonly ConsumeHook[] | undefined;
  /**
   * Whether each consumption of a message is written to traceTopic, as Java clients write it, for mqadmin queryMsgTraceById and the dashboard. Handlers never wait for it: what cannot be sent in time is dropped, counted and told.
   * Default: false. Environment: ROCKETMQ_ENABLE_MESSAGE_TRACE.
   * @example enableMessageTrace: true
   */
  readonly enableMessageTrace?: boolean | undefined;
  /**
   * Where traces go. The default is there when brokers have traceTopicEnable or make topics by themselves.
   * Default: 'RMQ_SYS_TRACE_TOPIC'. Environment: ROCKETMQ_TRACE_TOPIC.
   * @example traceTopic: 'team_traces'
   */
  readonly traceTopic?: string | undefined;
  /**
   * What an orderly listener gets in order: the messages of a queue one batch after the other, or those of a sharding key, different keys of a queue side by side. Messages without a key count as one.
   * Default: 'queue'. Environment: ROCKETMQ_ORDER_BY.
   * @example orderBy: 'shardingKey'
   */
  readonly orderBy?: 'queue' | 'shardingKey' | undefined;
  /**
   * 'fenced': a queue that changes its owner is pulled by the next one only when the former has finished and committed, so that a join, a leave or a rolling restart repeats nothing. 'none': as Java does. Orderly listeners always hold a lock.
   * Default: 'fenced'. Environment: ROCKETMQ_HANDOVER.
   * @example handover: 'none'
   */
  readonly handover?: 'fenced' | 'none' | undefined;
  /**
   * How long a queue waits for a former owner that does not let go. Then it is consumed without the fence, and a fault says so.
   * Unit: ms, 1000 to 86400000. Default: 30000. Environment: ROCKETMQ_HANDOVER_TIMEOUT.
   * @example handoverTimeout: 15_000
   */
  readonly handoverTimeout?: number | undefined;
  /**
   * What becomes of a stored message that cannot be read, or whose body is not the one that was stored, after three more tries. 'halt': its queue stops in front of it, until queue.seek leaves it. 'skip': it is passed over. A function decides for each.
   * Default: 'halt'. Environment: ROCKETMQ_ON_CORRUPT_MESSAGE.
   * @example onCorruptMessage: async ({ queue, queueOffset, error }) => { await alarm(error); return 'skip' as const; }
   */
  readonly onCorruptMessage?: 'halt' | 'skip' | CorruptPolicy | undefined;
  /**
   * How many handler calls may be running at once, over all queues.
   * Unit: handlers, 1 to 10000. Default: 64. Environment: ROCKETMQ_CONSUME_CONCURRENCY, ROCKETMQ_CONSUME_THREAD_MAX, ROCKETMQ_CONSUME_THREAD_NUM.
   * @example consumeConcurrency: 16
   */
  readonly consumeConcurrency?: number | undefined;
  /** Another name of {@link ConsumerConfig.consumeConcurrency}. */
  readonly consumeThreadMax?: number | undefined;
  /** Another name of {@link ConsumerConfig.consumeConcurrency}. */
  readonly consumeThreadNum?: number | undefined;
  /**
   * The most messages one handler call gets. All are of one queue.
   * Unit: messages, 1 to 1024. Default: 1. Environment: ROCKETMQ_CONSUME_MESSAGE_BATCH_MAX_SIZE, ROCKETMQ_CONSUME_BATCH_SIZE.
   * @example consumeMessageBatchMaxSize: 32
   */
  readonly consumeMessageBatchMaxSize?: number | undefined;
  /** Another name of {@link ConsumerConfig.consumeMessageBatchMaxSize}. */
  readonly consumeBatchSize?: number | undefined;
  /**
   * How long messages wait for a batch of consumeMessageBatchMaxSize to fill; without effect where that is 1, and with simple(). 0: a handler gets what is there.
   * Unit: ms, 0 to 60000. Default: 0. Environment: ROCKETMQ_BATCH_MAX_WAIT_MILLIS.
   * @example batchMaxWaitMillis: 200
   */
  readonly batchMaxWaitMillis?: number | undefined;
  /**
   * The most messages asked for in one pull. Brokers answer at most 32 by default (maxTransferCountOnMessageInMemory).
   * Unit: messages, 1 to 1024. Default: 32. Environment: ROCKETMQ_PULL_BATCH_SIZE.
   * @example pullBatchSize: 128
   */
  readonly pullBatchSize?: number | undefined;
  /**
   * The pause between two pulls of a queue. 0: none.
   * Unit: ms, 0 to 86400000. Default: 0. Environment: ROCKETMQ_PULL_INTERVAL.
   * @example pullInterval: 100
   */
  readonly pullInterval?: number | undefined;
  /**
   * When a handler call counts as stuck: its signal is aborted and message.stuck is told. Concurrent: its messages are sent back once, and its late result no longer counts. Orderly: the queue waits for it. Until then it keeps one of consumeConcurrency: with a small one, hung handlers can hold up other queues that long.
   * Unit: ms, 1000 to 86400000. Default: 900000. Environment: ROCKETMQ_CONSUME_TIMEOUT.
   * @example consumeTimeout: 60_000
   */
  readonly consumeTimeout?: number | undefined;
  /**
   * What becomes of a message whose concurrent handler failed and set no level of its own: a delay level from 1 to 18, 'deadLetter', 'drop', or undefined for the default.
   * Default: the broker decides: 10 s after the first failure, longer after each further one.
   * @example retryPolicy: (error, attempt) => (error instanceof RangeError ? 'deadLetter' : Math.min(attempt, 5))
   */
  readonly retryPolicy?: RetryPolicy | undefined;
  /**
   * How often a failed message is delivered again before it goes to the dead letters. -1: 16 times; with an orderly listener without end.
   * Unit: times, -1 to 2147483647. Default: -1. Environment: ROCKETMQ_MAX_RECONSUME_TIMES.
   * @example maxReconsumeTimes: 5
   */
  readonly maxReconsumeTimes?: number | undefined;
  /**
   * How long an orderly queue (or key) rests before a batch that was not done is delivered again. A listener may set its own: context.suspendTimeMillis.
   * Unit: ms, 10 to 30000. Default: 1000. Environment: ROCKETMQ_SUSPEND_CURRENT_QUEUE_TIME_MILLIS.
   * @example suspendCurrentQueueTimeMillis: 500
   */
  readonly suspendCurrentQueueTimeMillis?: number | undefined;
  /**
   * How long a broker may hold a pull when there is no new message.
   * Unit: ms, 100 to 86400000. Default: 15000. Environment: ROCKETMQ_BROKER_SUSPEND_MAX_TIME_MILLIS.
   * @example brokerSuspendMaxTimeMillis: 10_000
   */
  readonly brokerSuspendMaxTimeMillis?: number | undefined;
  /**
   * When a pull without an answer is given up. At least brokerSuspendMaxTimeMillis + 6000; given alone and smaller, brokerSuspendMaxTimeMillis is lowered to fit.
   * Unit: ms, 6100 to 86400000. Default: 30000. Environment: ROCKETMQ_CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND.
   * @example consumerTimeoutMillisWhenSuspend: 20_000
   */
  readonly consumerTimeoutMillisWhenSuspend?: number | undefined;
  /**
   * When handing a failed message back to the broker is given up and tried another way.
   * Unit: ms, 100 to 86400000. Default: 3000. Environment: ROCKETMQ_CONSUMER_TIMEOUT_MILLIS_SEND_MESSAGE.
   * @example consumerTimeoutMillisSendMessage: 5000
   */
  readonly consumerTimeoutMillisSendMessage?: number | undefined;
  /**
   * When any other request to a name server or broker is given up.
   * Unit: ms, 100 to 86400000. Default: 3000. Environment: ROCKETMQ_CONSUMER_TIMEOUT_MILLIS_OF_REQUEST.
   * @example consumerTimeoutMillisOfRequest: 5000
   */
  readonly consumerTimeoutMillisOfRequest?: number | undefined;
  /**
   * Pulling stops while this many messages are held over all queues.
   * Unit: messages, 1 to 10000000. Default: 50000. Environment: ROCKETMQ_PULL_THRESHOLD_FOR_ALL.
   * @example pullThresholdForAll: 10_000
   */
  readonly pullThresholdForAll?: number | undefined;
  /**
   * Pulling stops while the received frames kept in memory, over all queues, are larger than this.
   * Unit: MiB, 1 to 65536. Default: 128, or a quarter of the memory the process may use if that is less. Environment: ROCKETMQ_PULL_THRESHOLD_SIZE_FOR_ALL.
   * @example pullThresholdSizeForAll: 64
   */
  readonly pullThresholdSizeForAll?: number | undefined;
  /**
   * Pulling of a topic stops while this many of its messages are held, over all its queues that this consumer owns: counted together, not shared out among them as in Java. -1: off.
   * Unit: messages, -1 or 1 to 6553500. Default: -1. Environment: ROCKETMQ_PULL_THRESHOLD_FOR_TOPIC.
   * @example pullThresholdForTopic: 5000
   */
  readonly pullThresholdForTopic?: number | undefined;
  /**
   * Pulling of a topic stops while its received frames kept in memory, over all its queues that this consumer owns, are larger than this. -1: off.
   * Unit: MiB, -1 or 1 to 65536. Default: -1. Environment: ROCKETMQ_PULL_THRESHOLD_SIZE_FOR_TOPIC.
   * @example pullThresholdSizeForTopic: 32
   */
  readonly pullThresholdSizeForTopic?: number | undefined;
  /**
   * Pulling of a queue stops while this many of its messages are held.
   * Unit: messages, 1 to 65535. Default: 1000. Environment: ROCKETMQ_PULL_THRESHOLD_FOR_QUEUE, ROCKETMQ_PULL_THRESHOLD_OF_QUEUE.
   * @example pullThresholdForQueue: 500
   */
  readonly pullThresholdForQueue?: number | undefined;
  /** Another name of {@link ConsumerConfig.pullThresholdForQueue}. */
  readonly pullThresholdOfQueue?: number | undefined;
  /**
   * Pulling of a queue stops while its received frames kept in memory are larger than this.
   * Unit: MiB, 1 to 1024. Default: 100. Environment: ROCKETMQ_PULL_THRESHOLD_SIZE_FOR_QUEUE, ROCKETMQ_PULL_THRESHOLD_SIZE_OF_QUEUE.
   * @example pullThresholdSizeForQueue: 16
   */
  readonly pullThresholdSizeForQueue?: number | undefined;
  /** Another name of {@link ConsumerConfig.pullThresholdSizeForQueue}. */
  readonly pullThresholdSizeOfQueue?: number | undefined;
  /**
   * Pulling of a queue stops while its first and last held message lie further apart than this: one slow message must not let the rest pile up behind it.
   * Unit: messages, 1 to 65535. Default: 2000. Environment: ROCKETMQ_CONSUME_CONCURRENTLY_MAX_SPAN.
   * @example consumeConcurrentlyMaxSpan: 5000
   */
  readonly consumeConcurrentlyMaxSpan?: number | undefined;
  /**
   * Pulling of a queue stops while its newest message lies further ahead of the committed offset than this: so much may be consumed again after a crash. Counted by offset, what was filtered out included; what the next pull hands over counts as committed. With enableAutoCommit: false, commit more often than this.
   * Unit: messages, 1 to 10000000. Default: 10000. Environment: ROCKETMQ_FLOW_CONTROL_MAX_DIFF.
   * @example flowControlMaxDiff: 2000
   */
  readonly flowControlMaxDiff?: number | undefined;
  /**
   * The most messages given to handlers in a second, over all queues, those delivered again included. After a quiet time up to a tenth of them start at once. A call with many messages makes the next call wait for all of them.
   * Unit: messages, 1 to 10000000. Default: none: as many as handlers take. Environment: ROCKETMQ_MAX_MESSAGES_PER_SECOND.
   * @example maxMessagesPerSecond: 500
   */
  readonly maxMessagesPerSecond?: number | undefined;
  /**
   * How often a queue that stopped pulling checks again by itself. It is told at once when there is room; this is the safety net.
   * Unit: ms, 1 to 60000. Default: 50. Environment: ROCKETMQ_FLOW_CONTROL_INTERVAL.
   * @example flowControlInterval: 100
   */
  readonly flowControlInterval?: number | undefined;
  /**
   * Offsets follow what handlers have done. false: they move only by consumer.commit or context.commit, and never past a message that is not done.
   * Default: true. Environment: ROCKETMQ_ENABLE_AUTO_COMMIT.
   * @example enableAutoCommit: false
   */
  readonly enableAutoCommit?: boolean | undefined;
  /**
   * Whether a broker may hand a single message to the handler outside of its queue, as mqadmin queryMsgById does with a group and a client id. No offset moves and nothing is sent back. false: such a request is refused, for whoever reaches a broker could make the handler run.
   * Default: false. Environment: ROCKETMQ_ALLOW_DIRECT_CONSUME.
   * @example allowDirectConsume: true
   */
  readonly allowDirectConsume?: boolean | undefined;
  /**
   * How often offsets are handed to the brokers.
   * Unit: ms, 100 to 86400000. Default: 5000. Environment: ROCKETMQ_PERSIST_CONSUMER_OFFSET_INTERVAL, ROCKETMQ_AUTO_COMMIT_INTERVAL, ROCKETMQ_PERSIST_INTERVAL.
   * @example persistConsumerOffsetInterval: 1000
   */
  readonly persistConsumerOffsetInterval?: number | undefined;
  /** Another name of {@link ConsumerConfig.persistConsumerOffsetInterval}. */
  readonly autoCommitInterval?: number | undefined;
  /** Another name of {@link ConsumerConfig.persistConsumerOffsetInterval}. */
  readonly persistInterval?: number | undefined;
  /**
   * The most offsets handed to one broker in one write.
   * Unit: entries, 1 to 10000. Default: 100. Environment: ROCKETMQ_PERSIST_BATCH_SIZE.
   * @example persistBatchSize: 50
   */
  readonly persistBatchSize?: number | undefined;
  /**
   * The most queues whose offsets are kept.
   * Unit: entries, 1 to 1000000. Default: 10000. Environment: ROCKETMQ_MAX_OFFSET_STORE_SIZE, ROCKETMQ_MAX_CACHE_SIZE.
   * @example maxOffsetStoreSize: 50_000
   */
  readonly maxOffsetStoreSize?: number | undefined;
  /** Another name of {@link ConsumerConfig.maxOffsetStoreSize}. */
  readonly maxCacheSize?: number | undefined;
  /**
   * How often a failed write of offsets is repeated before it waits for the next period.
   * Unit: times, 0 to 100. Default: 3. Environment: ROCKETMQ_OFFSET_STORE_RETRY_TIMES, ROCKETMQ_MAX_RETRY_TIMES.
   * @example offsetStoreRetryTimes: 5
   */
  readonly offsetStoreRetryTimes?: number | undefined;
  /** Another name of {@link ConsumerConfig.offsetStoreRetryTimes}. */
  readonly maxRetryTimes?: number | undefined;
  /**
   * The share of the last 100 writes of offsets that must have succeeded. Below it the consumer goes on in running.unsaved, with the tag degraded, and health() says so.
   * Unit: 0 to 1. Default: 0.8. Environment: ROCKETMQ_OFFSET_STORE_RECOVERY_THRESHOLD.
   * @example offsetStoreRecoveryThreshold: 0.95
   */
  readonly offsetStoreRecoveryThreshold?: number | undefined;
  /**
   * Where offsets are kept instead. All members of a group need the same; brokers and their tools then know no offsets of the group.
   * Default: the brokers; with BROADCASTING a file.
   * @example offsetStore: { read: queue => table.offsetOf(queue), write: positions => table.save(positions) }
   */
  readonly offsetStore?: CustomOffsetStore | undefined;
  /**
   * The directory below which BROADCASTING keeps offsets: <client id>/<group>/positions.json. It must outlive the process.
   * Default: .rocketmq_offsets in the home directory, as in Java. Environment: ROCKETMQ_STORE_PATH, ROCKETMQ_OFFSET_STORE_PATH.
   * @example storePath: '/var/lib/billing/offsets'
   */
  readonly storePath?: string | undefined;
  /** Another name of {@link ConsumerConfig.storePath}. */
  readonly offsetStorePath?: string | undefined;
  /**
   * When a start that reaches no name server or broker is given up.
   * Unit: ms, 100 to 86400000. Default: 15000. Environment: ROCKETMQ_START_TIMEOUT.
   * @example startTimeout: 30_000
   */
  readonly startTimeout?: number | undefined;
  /**
   * The whole shutdown ends within this time; running handlers get it less 3 s. Keep it below the grace of your supervisor (Kubernetes: 30 s).
   * Unit: ms, 100 to 86400000. Default: 10000. Environment: ROCKETMQ_SHUTDOWN_TIMEOUT.
   * @example shutdownTimeout: 25_000
   */
  readonly shutdownTimeout?: number | undefined;
  /**
   * How often routes are asked anew. They are also asked whenever something fails.
   * Unit: ms, 100 to 86400000. Default: 30000. Environment: ROCKETMQ_POLL_NAME_SERVER_INTERVAL.
   * @example pollNameServerInterval: 10_000
   */
  readonly pollNameServerInterval?: number | undefined;
  /**
   * How often brokers are told that this member lives. Brokers drop a silent one after 120 s.
   * Unit: ms, 100 to 100000. Default: 30000. Environment: ROCKETMQ_HEARTBEAT_BROKER_INTERVAL.
   * @example heartbeatBrokerInterval: 15_000
   */
  readonly heartbeatBrokerInterval?: number | undefined;
  /**
   * How often the queues are shared out anew. It also happens at once when members or routes change.
   * Unit: ms, 100 to 86400000. Default: 20000. Environment: ROCKETMQ_REBALANCE_INTERVAL.
   * @example rebalanceInterval: 10_000
   */
  readonly rebalanceInterval?: number | undefined;
  /**
   * Whether a large body that is sent from here is compressed (zlib): the copy of a failed message that goes to the retry topic. What was stored compressed goes as it is. Compressed messages are read in any case.
   * Default: true. Environment: ROCKETMQ_ENABLE_MESSAGE_COMPRESSION.
   * @example enableMessageCompression: false
   */
  readonly enableMessageCompression?: boolean | undefined;
  /**
   * From which size on a body that is sent from here is compressed.
   * Unit: bytes, 1 to 1073741824. Default: 4096. Environment: ROCKETMQ_COMPRESS_MSG_BODY_OVER_HOWMUCH.
   * @example compressMsgBodyOverHowmuch: 65_536
   */
  readonly compressMsgBodyOverHowmuch?: number | undefined;
  /**
   * How many more brokers are tried when a failed message was refused by its own and its copy for the retry topic is refused too. Then it is delivered again from here.
   * Unit: times, 0 to 15. Default: 2. Environment: ROCKETMQ_RETRY_TIMES_WHEN_SEND_ASYNC_FAILED.
   * @example retryTimesWhenSendAsyncFailed: 4
   */
  readonly retryTimesWhenSendAsyncFailed?: number | undefined;
  /**
   * The largest frame taken from a peer; a larger one closes the connection.
   * Unit: MiB, 1 to 1024. Default: 16. Environment: ROCKETMQ_MAX_FRAME_SIZE.
   * @example maxFrameSize: 32
   */
  readonly maxFrameSize?: number | undefined;
  /**
   * The largest body a compressed message may unfold to.
   * Unit: MiB, 1 to 1024. Default: 16. Environment: ROCKETMQ_MAX_BODY_SIZE.
   * @example maxBodySize: 64
   */
  readonly maxBodySize?: number | undefined;
  /**
   * From which level on something is logged.
   * Default: 'warn'. Environment: ROCKETMQ_LOG_LEVEL.
   * @example logLevel: 'info'
   */
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined;
}
