// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { ConfigError } from '../../../src/errors/errors.ts';
import { concurrently } from '../../../src/listeners/listener.ts';
import { tag } from '../../../src/model/subscription.ts';
import { fixedSources, least, now, parse, problemsOf, problemsOfInput } from './support.ts';

const listener = concurrently(() => undefined);
const mib = 1024 * 1024;

describe('a config with the two required options', () => {
  it('has every other option at its default', () => {
    const { origins, allocateStrategy, ...values } = parse();
    expect(allocateStrategy).toMatchObject({ name: 'AVG' });
    expect(new Set(Object.values(origins).map(origin => origin.from))).toEqual(
      new Set(['argument', 'default']),
    );
    expect(values).toEqual({
      configFile: undefined,
      enableMessageCompression: true,
      compressMsgBodyOverHowmuch: 4096,
      retryTimesWhenSendAsyncFailed: 2,
      consumerGroup: 'billing',
      namesrvAddr: ['127.0.0.1:9876'],
      namespace: undefined,
      tls: 'off',
      mapBrokerAddress: undefined,
      allowedBrokerAddresses: undefined,
      instanceName: '4711#00c0ffee',
      clientIp: '10.1.2.3',
      unitName: undefined,
      clientId: '10.1.2.3@4711#00c0ffee',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      consumeTimestamp: now - 1_800_000,
      subscriptions: [],
      listener: undefined,
      revokeTimeout: 10_000,
      consumeConcurrency: 64,
      consumeMessageBatchMaxSize: 1,
      batchMaxWaitMillis: 0,
      consumeTimeout: 900_000,
      retryPolicy: undefined,
      onCorruptMessage: 'halt',
      allowDirectConsume: false,
      enableAutoCommit: true,
      pullBatchSize: 32,
      pullInterval: 0,
      maxReconsumeTimes: -1,
      brokerSuspendMaxTimeMillis: 15_000,
      consumerTimeoutMillisWhenSuspend: 30_000,
      consumerTimeoutMillisSendMessage: 3000,
      consumerTimeoutMillisOfRequest: 3000,
      pullThresholdForAll: 50_000,
      pullThresholdSizeForAllBytes: 128 * mib,
      pullThresholdForQueue: 1000,
      pullThresholdSizeForQueueBytes: 100 * mib,
      pullThresholdForTopic: -1,
      pullThresholdSizeForTopicBytes: -1,
      consumeConcurrentlyMaxSpan: 2000,
      flowControlMaxDiff: 10_000,
      maxMessagesPerSecond: undefined,
      flowControlInterval: 50,
      handover: 'fenced',
      handoverTimeout: 30_000,
      onQueuesRevoked: undefined,
      consumeHooks: undefined,
      enableMessageTrace: false,
      traceTopic: 'RMQ_SYS_TRACE_TOPIC',
      orderBy: 'queue',
      suspendCurrentQueueTimeMillis: 1000,
      persistConsumerOffsetInterval: 5000,
      storePath: '/home/anna/.rocketmq_offsets',
      persistBatchSize: 100,
      maxOffsetStoreSize: 10_000,
      offsetStoreRetryTimes: 3,
      offsetStoreRecoveryThreshold: 0.8,
      offsetStore: undefined,
      startTimeout: 15_000,
      shutdownTimeout: 10_000,
      pollNameServerInterval: 30_000,
      heartbeatBrokerInterval: 30_000,
      rebalanceInterval: 20_000,
      maxFrameSizeBytes: 16 * mib,
      maxBodySizeBytes: 16 * mib,
      logLevel: 'warn',
      warnings: [],
    });
  });

  it('takes an option that is undefined as not given', () => {
    expect(parse({ pullBatchSize: undefined }).pullBatchSize).toBe(32);
  });

  it('cannot be changed afterwards, nor through the arrays and objects it was made of', () => {
    const subscription = { topic: 'orders', selector: { type: 'TAG', expression: 'paid' } };
    const namesrvAddr = ['a:9876'];
    const config = parse({ namesrvAddr, subscriptions: [subscription], listener });
    subscription.topic = 'other';
    subscription.selector.expression = 'other';
    namesrvAddr.push('b:9876');
    expect(config.subscriptions).toEqual([
      { position: 0, topic: 'orders', selector: tag('paid'), listener: undefined },
    ]);
    expect(config.namesrvAddr).toEqual(['a:9876']);
    for (const part of [config, config.namesrvAddr, config.subscriptions, config.subscriptions[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe('a config with mistakes', () => {
  it('lists six mistakes as six problems in one ConfigError', () => {
    const input = {
      consumerGroup: 'bil ling',
      namesrvAddr: 'localhost',
      pullBatchSize: 0,
      pollNameServerInterval: '30s',
      consumeFromWhere: 'LAST',
      pullBatchsise: 3,
    };
    const parsing = (): unknown => parseConfig(input, fixedSources);
    expect(parsing).toThrow(ConfigError);
    expect(problemsOfInput(input).map(each => each.option)).toEqual([
      'pullBatchsise',
      'consumerGroup',
      'namesrvAddr',
      'consumeFromWhere',
      'pullBatchSize',
      'pollNameServerInterval',
    ]);
    expect(parsing).toThrow(/has 6 problems:\n {2}pullBatchsise: there is no such option/);
  });

  it('names both variables when no name server is given', () => {
    expect(problemsOfInput({ consumerGroup: 'billing' })).toEqual([
      {
        option: 'namesrvAddr',
        problem: 'it is missing',
        hint: "Give it (namesrvAddr: '10.0.0.1:9876;10.0.0.2:9876'), or set ROCKETMQ_NAMESRV_ADDR or NAMESRV_ADDR.",
      },
    ]);
  });

  it.each([[undefined], [null], [3], ['billing'], [[]], [() => least]])(
    'refuses %o in place of a config',
    input => {
      expect(problemsOfInput(input)).toMatchObject([
        { option: 'config', hint: expect.stringMatching('consumerGroup') },
      ]);
    },
  );

  it.each([
    ['pullBatchsize', 'Did you mean pullBatchSize?'],
    ['consumer_group', 'Did you mean consumerGroup?'],
    ['consume_thread_max', 'Did you mean consumeConcurrency?'],
    ['nameserverAddr', 'Did you mean namesrvAddr?'],
    ['vipChannelEnabled', 'docs/configuration.md lists them all.'],
  ])('says of the unknown option %s: %s', (name, hint) => {
    const [problem, ...others] = problemsOf({ [name]: 1 });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ problem: 'there is no such option', hint });
  });

  it('cuts the name of an unknown option that has no end', () => {
    expect(problemsOf({ ['x'.repeat(100_000)]: 1 })[0]?.option).toHaveLength(61);
  });

  it('does not list unknown options without end', () => {
    const problems = problemsOf(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x${i}`, i])));
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)?.problem).toBe('there are 4950 more unknown options');
  });

  it('never shows the value of an option it does not know', () => {
    expect(JSON.stringify(problemsOf({ secretKey: 'hunter2' }))).not.toContain('hunter2');
  });
});

describe('consumerGroup', () => {
  it.each(['', 'a b', 'orders.paid', 'gruppe-ä', 'DEFAULT_CONSUMER'])('refuses %o', name => {
    expect(problemsOf({ consumerGroup: name })).toMatchObject([
      {
        option: 'consumerGroup',
        hint: "Allowed are letters, digits, and the characters % | _ -, for example 'orders-paid'.",
      },
    ]);
  });

  it('takes a name of 120 characters, and none that is longer', () => {
    expect(problemsOf({ consumerGroup: 'x'.repeat(121) })).toHaveLength(1);
    expect(parse({ consumerGroup: 'x'.repeat(120) }).consumerGroup).toHaveLength(120);
  });
});

describe('the client id', () => {
  it('has the unit name behind the instance name', () => {
    const config = parse({ clientIp: '192.168.0.9', instanceName: 'billing-0', unitName: 'eu' });
    expect(config.clientId).toBe('192.168.0.9@billing-0@eu');
  });

  it('has the loopback address where the host has no other', () => {
    expect(parse({}, { hostAddress: undefined }).clientId).toBe('127.0.0.1@4711#00c0ffee');
  });

  it("takes Java's instance name DEFAULT as the default, which differs between members", () => {
    expect(parse({ instanceName: 'DEFAULT' }).instanceName).toBe('4711#00c0ffee');
    const env = { ROCKETMQ_INSTANCE_NAME: 'DEFAULT' };
    expect(parse({}, { env }).instanceName).toBe('4711#00c0ffee');
  });

  it.each(['a@b', 'a b', '', 'a\n'])('refuses the part %o', part => {
    expect(problemsOf({ instanceName: part, clientIp: part, unitName: part })).toHaveLength(3);
  });
});

describe('aliases', () => {
  it("accepts the original's names", () => {
    const config = parse({
      consumeThreadMax: 8,
      autoCommitInterval: 900,
      allocateQueueStrategy: 'AVG_BY_CIRCLE',
    });
    expect(config.consumeConcurrency).toBe(8);
    expect(config.persistConsumerOffsetInterval).toBe(900);
    expect(config.allocateStrategy).toMatchObject({ name: 'AVG_BY_CIRCLE' });
  });

  it.each([
    ['consumeBatchSize', 'consumeMessageBatchMaxSize'],
    ['pullThresholdOfQueue', 'pullThresholdForQueue'],
    ['maxCacheSize', 'maxOffsetStoreSize'],
    ['maxRetryTimes', 'offsetStoreRetryTimes'],
    ['persistInterval', 'persistConsumerOffsetInterval'],
  ] as const)('accepts %s, in the environment too', (alias, name) => {
    expect(parse({ [alias]: 100 })[name]).toBe(100);
    const variable = `ROCKETMQ_${alias.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
    expect(parse({}, { env: { [variable]: '100' } })[name]).toBe(100);
  });

  it.each([
    [
      'consumeThreadMin',
      'There are no threads to keep ready: consumeConcurrency is the most handlers at once.',
    ],
    ['enableAutoRecovery', 'Failed writes of offsets are always repeated: offsetStoreRetryTimes.'],
  ])('of %s, which nothing here answers to, say what to do instead', (name, hint) => {
    expect(problemsOf({ [name]: 1 })).toEqual([{ option: name, problem: 'there is no such option', hint }]);
  });

  it('accepts name and alias with the same value', () => {
    expect(parse({ consumeThreadMax: 8, consumeConcurrency: 8 }).consumeConcurrency).toBe(8);
  });

  it('refuses name and alias with different values', () => {
    expect(problemsOf({ consumeThreadMax: 8, consumeConcurrency: 9 })).toEqual([
      {
        option: 'consumeConcurrency',
        problem: 'consumeThreadMax is another name of it, and both are given with different values',
        hint: 'Keep consumeConcurrency only.',
      },
    ]);
  });

  it('names a wrong value by the name the user wrote', () => {
    expect(problemsOf({ consumeThreadNum: 0 })).toMatchObject([{ option: 'consumeThreadNum' }]);
  });
});

describe('the environment', () => {
  it('is asked for what the argument does not give', () => {
    const env = {
      ROCKETMQ_CONSUMER_GROUP: 'from-env',
      ROCKETMQ_NAMESRV_ADDR: 'a:9876;b:9876',
      ROCKETMQ_PULL_BATCH_SIZE: '16',
      ROCKETMQ_MAX_FRAME_SIZE: '4',
      ROCKETMQ_LOG_LEVEL: 'debug',
      ROCKETMQ_ALLOCATE_STRATEGY: 'AVG_BY_CIRCLE',
    };
    const config = parseConfig({}, { ...fixedSources, env });
    expect(config).toMatchObject({
      consumerGroup: 'from-env',
      namesrvAddr: ['a:9876', 'b:9876'],
      pullBatchSize: 16,
      maxFrameSizeBytes: 4 * mib,
      logLevel: 'debug',
      allocateStrategy: { name: 'AVG_BY_CIRCLE' },
    });
    expect(config.origins.pullBatchSize).toEqual({ from: 'environment', name: 'ROCKETMQ_PULL_BATCH_SIZE' });
  });

  it('comes after the argument, and is not even looked at then', () => {
    const env = { ROCKETMQ_PULL_BATCH_SIZE: 'nonsense' };
    expect(parse({ pullBatchSize: 8 }, { env }).pullBatchSize).toBe(8);
  });

  it('knows the variable that Java uses, after our own', () => {
    const input = { consumerGroup: 'billing' };
    const java = { NAMESRV_ADDR: 'java:9876' };
    const both = { ...java, ROCKETMQ_NAMESRV_ADDR: 'ours:9876' };
    expect(parseConfig(input, { ...fixedSources, env: java }).namesrvAddr).toEqual(['java:9876']);
    expect(parseConfig(input, { ...fixedSources, env: both }).namesrvAddr).toEqual(['ours:9876']);
  });

  it('counts an empty variable as not set', () => {
    expect(parse({}, { env: { ROCKETMQ_PULL_BATCH_SIZE: '' } }).pullBatchSize).toBe(32);
  });

  it('names the variable of a wrong value', () => {
    expect(problemsOf({}, { env: { ROCKETMQ_PULL_INTERVAL: '2s' } })).toEqual([
      {
        option: 'pullInterval',
        problem: "from ROCKETMQ_PULL_INTERVAL: '2s' is not a number",
        hint: 'Write 2000.',
      },
    ]);
  });

  it('warns of a variable that looks like a slip, and leaves those of others alone', () => {
    const env = { ROCKETMQ_PUL_BATCH_SIZE: '16', ROCKETMQ_HOME: '/opt/rocketmq', PULL_BATCHSIZE: '3' };
    expect(parse({}, { env }).warnings).toEqual([
      {
        option: 'ROCKETMQ_PUL_BATCH_SIZE',
        problem: 'no option has this variable',
        hint: 'Did you mean ROCKETMQ_PULL_BATCH_SIZE?',
      },
    ]);
  });
});
