// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { average } from '../../../src/allocation/average.ts';
import { explainRows } from '../../../src/config/explain.ts';
import { concurrently, orderly, simple } from '../../../src/listeners/listener.ts';
import { sql, tag } from '../../../src/model/subscription.ts';
import { least, parse, problemsOf } from './support.ts';

const mib = 1024 * 1024;

describe('namesrvAddr', () => {
  it.each([
    ['a:9876', ['a:9876']],
    ['a:9876;b:9876', ['a:9876', 'b:9876']],
    [' a:9876 ; b:9876; ', ['a:9876', 'b:9876']],
    ['a:9876;a:9876', ['a:9876']],
    [
      ['a:9876', 'b:9877'],
      ['a:9876', 'b:9877'],
    ],
    ['[::1]:9876', ['[::1]:9876']],
    ['mq-0.mq.svc.cluster.local:9876', ['mq-0.mq.svc.cluster.local:9876']],
  ])('reads %o', (given, addresses) => {
    expect(parse({ namesrvAddr: given }).namesrvAddr).toEqual(addresses);
  });

  it.each([
    ['localhost', "Add the port, usually ':9876'."],
    ['http://localhost:9876', 'Leave out the scheme: host:9876.'],
    ['a:9876,b:9876', "Separate addresses by ';'."],
    ['::1', 'Put an IPv6 address in brackets: [::1]:9876.'],
    ['a:99999', 'Ports are 1 to 65535.'],
    ['a:0', 'Ports are 1 to 65535.'],
    ['a b:9876', "Write 'host:9876', several separated by ';'."],
    [';', "Write 'host:9876'."],
    [[], "Write 'host:9876'."],
  ])('refuses %o and says: %s', (given, hint) => {
    expect(problemsOf({ namesrvAddr: given })).toMatchObject([{ option: 'namesrvAddr', hint }]);
  });

  it.each([3, true, {}, null])('refuses %o', given => {
    expect(problemsOf({ namesrvAddr: given })).toMatchObject([{ option: 'namesrvAddr' }]);
  });

  it('refuses more addresses than any cluster has', () => {
    expect(problemsOf({ namesrvAddr: new Array(1_000_000_000) })).toMatchObject([
      { problem: 'it names 1000000000 addresses, at most 100 are allowed' },
    ]);
  });

  it('names each wrong one of several', () => {
    const problems = problemsOf({ namesrvAddr: ['a:9876', 'b', 7] });
    expect(problems.map(each => each.option)).toEqual(['namesrvAddr[1]', 'namesrvAddr[2]']);
  });

  it('does not show a password that stands in an address', () => {
    const text = JSON.stringify(problemsOf({ namesrvAddr: 'http://user:hunter2@mq:9876' }));
    expect(text).not.toContain('hunter2');
    expect(text).toContain('***@mq:9876');
  });

  it('warns of port 8081, the gRPC proxy', () => {
    expect(parse({ namesrvAddr: 'a:8081' }).warnings).toMatchObject([
      { option: 'namesrvAddr', hint: 'Name servers listen on 9876.' },
    ]);
  });
});

describe('numbers', () => {
  it.each([
    ['pullBatchSize', 1, 1024],
    ['consumeMessageBatchMaxSize', 1, 1024],
    ['consumeConcurrency', 1, 10_000],
    ['pullThresholdForQueue', 1, 65_535],
    ['flowControlMaxDiff', 1, 10_000_000],
    ['maxMessagesPerSecond', 1, 10_000_000],
    ['maxReconsumeTimes', -1, 2_147_483_647],
    ['offsetStoreRetryTimes', 0, 100],
  ] as const)('%s is at least %d and at most %d', (name, min, max) => {
    expect(parse({ [name]: min })[name]).toBe(min);
    expect(parse({ [name]: max })[name]).toBe(max);
    expect(problemsOf({ [name]: min - 1 })).toMatchObject([
      { problem: `${min - 1} is below the least allowed, ${min}` },
    ]);
    expect(problemsOf({ [name]: max + 1 })).toMatchObject([
      { problem: `${max + 1} is above the most allowed, ${max}` },
    ]);
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', value => {
    expect(problemsOf({ pullBatchSize: value })).toMatchObject([
      { problem: `${value} is not a whole number` },
    ]);
  });

  it.each([
    ['16', "'16' is not a number", 'Write 16.'],
    [null, 'null is not a number', undefined],
    [16n, 'a bigint is not a number', undefined],
    [[16], 'an array of 1 is not a number', undefined],
    [true, 'true is not a number', undefined],
  ])('refuses %o', (value, problem, hint) => {
    expect(problemsOf({ pullBatchSize: value })[0]).toMatchObject(
      hint === undefined ? { problem } : { problem, hint },
    );
  });
});

describe('limits that may be off', () => {
  it('are off with -1, whatever their unit', () => {
    expect(parse({ pullThresholdForTopic: -1, pullThresholdSizeForTopic: -1 })).toMatchObject({
      pullThresholdForTopic: -1,
      pullThresholdSizeForTopicBytes: -1,
    });
    expect(parse({}, { env: { ROCKETMQ_PULL_THRESHOLD_SIZE_FOR_TOPIC: '-1' } })).toMatchObject({
      pullThresholdSizeForTopicBytes: -1,
    });
  });

  it('are set by a number in range, and refuse any other', () => {
    expect(parse({ pullThresholdForTopic: 1, pullThresholdSizeForTopic: 2 })).toMatchObject({
      pullThresholdForTopic: 1,
      pullThresholdSizeForTopicBytes: 2 * mib,
    });
    for (const value of [0, -2, 1e9]) {
      expect(problemsOf({ pullThresholdForTopic: value, pullThresholdSizeForTopic: value })).toHaveLength(2);
    }
  });

  it('are explained as off', () => {
    const rows = explainRows(parse({ pullThresholdSizeForTopic: 3 }));
    const shown = (name: string) => rows.find(each => each.option === name)?.value;
    expect([shown('pullThresholdForTopic'), shown('pullThresholdSizeForTopic')]).toEqual([
      '-1 (off)',
      '3 MiB',
    ]);
  });
});

describe('yes or no', () => {
  it.each([
    ['true', true],
    [' Yes ', true],
    ['on', true],
    ['1', true],
    ['false', false],
    ['NO', false],
    ['off', false],
    ['0', false],
  ])('is read from %o in the environment', (given, value) => {
    expect(parse({}, { env: { ROCKETMQ_ENABLE_AUTO_COMMIT: given } }).enableAutoCommit).toBe(value);
  });

  it.each(['true', 1, null, 'maybe', 'toString'])('refuses %o in the argument', given => {
    expect(problemsOf({ enableAutoCommit: given })).toMatchObject([
      { option: 'enableAutoCommit', hint: 'Write true or false.' },
    ]);
  });

  it('refuses any other word in the environment', () => {
    expect(problemsOf({}, { env: { ROCKETMQ_ENABLE_AUTO_COMMIT: 'maybe' } })).toHaveLength(1);
  });
});

describe('policies', () => {
  it('are functions, or for unreadable messages one of two words', () => {
    const policy = () => undefined;
    expect(parse({ retryPolicy: policy, onCorruptMessage: policy })).toMatchObject({
      retryPolicy: policy,
      onCorruptMessage: policy,
    });
    expect(parse({ onCorruptMessage: 'skip' }).onCorruptMessage).toBe('skip');
    expect(parse({}, { env: { ROCKETMQ_ON_CORRUPT_MESSAGE: 'skip' } }).onCorruptMessage).toBe('skip');
    expect(problemsOf({ retryPolicy: 'drop', onCorruptMessage: 'ignore' })).toMatchObject([
      {
        option: 'onCorruptMessage',
        hint: "Write 'halt' to stop in front of such a message, 'skip' to pass over it.",
      },
      { option: 'retryPolicy', hint: 'Write (error, attempt) => { … }.' },
    ]);
  });
});

describe('durations', () => {
  it.each([
    ['heartbeatBrokerInterval', 30, 'Durations are in ms: 30 s is 30000.'],
    ['startTimeout', 15, 'Durations are in ms: 15 s is 15000.'],
    ['startTimeout', '15s', 'Write 15000.'],
    ['startTimeout', '2 minutes', 'Write 120000.'],
    ['startTimeout', '15000', 'Write 15000.'],
  ])('%s: %o was meant as something else', (name, value, hint) => {
    expect(problemsOf({ [name]: value })).toMatchObject([{ option: name, hint }]);
  });

  it('warns of one that is allowed but looks like seconds', () => {
    expect(parse({ revokeTimeout: 10 })).toMatchObject({
      revokeTimeout: 10,
      warnings: [{ option: 'revokeTimeout', hint: 'Durations are in ms: 10 s is 10000.' }],
    });
    expect(parse({ revokeTimeout: 0 }).warnings).toEqual([]);
    expect(parse({ revokeTimeout: 500 }).warnings).toEqual([]);
    expect(parse({ pullInterval: 10, flowControlInterval: 10 }).warnings).toEqual([]);
  });
});

describe('sizes', () => {
  it('are given in MiB and read in bytes', () => {
    expect(parse({ maxFrameSize: 2 }).maxFrameSizeBytes).toBe(2 * mib);
  });

  it('says what a number of bytes is', () => {
    expect(problemsOf({ maxFrameSize: 16_777_216 })).toMatchObject([
      { hint: 'Sizes are in MiB: 16777216 bytes is 16.' },
    ]);
  });

  it.each([
    [0, 128],
    [2 ** 64, 128],
    [512 * mib, 128],
    [256 * mib, 64],
    [2 * mib, 1],
  ])('with %d bytes of memory the default of pullThresholdSizeForAll is %d MiB', (memory, expected) => {
    expect(parse({}, { constrainedMemory: memory }).pullThresholdSizeForAllBytes).toBe(expected * mib);
  });
});

describe('the wait of a pull', () => {
  it('lowers the time a broker may hold it when only a shorter timeout is given', () => {
    const config = parse({ consumerTimeoutMillisWhenSuspend: 10_000 });
    expect(config.brokerSuspendMaxTimeMillis).toBe(4000);
    expect(config.origins.brokerSuspendMaxTimeMillis).toEqual({
      from: 'adjusted',
      because: 'consumerTimeoutMillisWhenSuspend',
    });
  });

  it('leaves it alone when the timeout is long enough', () => {
    const config = parse({ consumerTimeoutMillisWhenSuspend: 21_000 });
    expect(config.brokerSuspendMaxTimeMillis).toBe(15_000);
  });

  it('refuses a timeout that comes too early for the time given with it', () => {
    const given = { consumerTimeoutMillisWhenSuspend: 20_999, brokerSuspendMaxTimeMillis: 15_000 };
    expect(problemsOf(given)).toEqual([
      {
        option: 'consumerTimeoutMillisWhenSuspend',
        problem: '20999 is less than brokerSuspendMaxTimeMillis + 6000, which is 21000',
        hint: 'Raise it to 21000, or lower brokerSuspendMaxTimeMillis.',
      },
    ]);
  });

  it('counts what the environment says as given', () => {
    const env = { ROCKETMQ_BROKER_SUSPEND_MAX_TIME_MILLIS: '15000' };
    expect(problemsOf({ consumerTimeoutMillisWhenSuspend: 10_000 }, { env })).toHaveLength(1);
  });
});

describe('consumeTimestamp', () => {
  const used = { consumeFromWhere: 'CONSUME_FROM_TIMESTAMP' };

  it.each([
    [new Date(1_700_000_000_000), 1_700_000_000_000],
    [1_700_000_000_000, 1_700_000_000_000],
    [0, 0],
    ['20261122153000', new Date(2026, 10, 22, 15, 30, 0).getTime()],
    ['20240229235959', new Date(2024, 1, 29, 23, 59, 59).getTime()],
  ])('reads %o', (given, ms) => {
    expect(parse({ ...used, consumeTimestamp: given })).toMatchObject({ consumeTimestamp: ms, warnings: [] });
  });

  it.each([
    '20260229000000',
    '20261301000000',
    '20261122240000',
    '00000101000000',
    '2026-11-22',
    '',
    new Date(Number.NaN),
    -1,
    1.5,
    1e300,
    {},
    null,
  ])('refuses %o', given => {
    expect(problemsOf({ ...used, consumeTimestamp: given })).toMatchObject([{ option: 'consumeTimestamp' }]);
  });

  it('takes ms and the digits of a date from the environment', () => {
    const read = (text: string): number =>
      parse(used, { env: { ROCKETMQ_CONSUME_TIMESTAMP: text } }).consumeTimestamp;
    expect(read('1700000000000')).toBe(1_700_000_000_000);
    expect(read('20261122153000')).toBe(new Date(2026, 10, 22, 15, 30, 0).getTime());
  });

  it('warns of seconds', () => {
    expect(parse({ ...used, consumeTimestamp: 1_700_000_000 }).warnings).toMatchObject([
      { hint: 'Times are in ms since 1970: 1700000000 s is 1700000000000.' },
    ]);
  });

  it('warns where it has no effect', () => {
    expect(parse({ consumeTimestamp: 0 }).warnings).toMatchObject([
      { option: 'consumeTimestamp', problem: 'it has no effect with CONSUME_FROM_LAST_OFFSET' },
    ]);
  });
});

describe('the kinds of listeners', () => {
  const inOrder = orderly(async () => {});
  const sideBySide = concurrently(async () => {});

  it('are refused when mixed: retries of such a group would land in the dead letters', () => {
    const subscriptions = [{ topic: 'orders', listener: inOrder }, { topic: 'bills' }];
    expect(problemsOf({ subscriptions, listener: sideBySide })).toMatchObject([
      {
        option: 'subscriptions[0].listener',
        problem: 'it is orderly, listener is concurrently: a group has listeners of one kind',
      },
    ]);
  });

  it('are taken when they agree, also with simple', () => {
    const subscriptions = [{ topic: 'orders', listener: sideBySide }];
    expect(parse({ subscriptions, listener: simple(() => {}) }).warnings).toEqual([]);
    expect(parse({ subscriptions: [{ topic: 'orders', listener: inOrder }] }).warnings).toEqual([]);
  });

  it('say whether orderBy means anything', () => {
    const subscriptions = [{ topic: 'orders' }];
    const given = { subscriptions, orderBy: 'shardingKey' as const };
    expect(parse({ ...given, listener: inOrder }).warnings).toEqual([]);
    expect(parse({ ...given, listener: sideBySide }).warnings).toMatchObject([
      { option: 'orderBy', problem: 'it has no effect with concurrent listeners' },
    ]);
  });
});

describe('consumeHooks', () => {
  it('are objects with before, after, or both', () => {
    const consumeHooks = [{ name: 'timing', before: () => {} }, { after: () => {} }];
    expect(parse({ consumeHooks }).consumeHooks).toEqual(consumeHooks);
    expect(parse({}).consumeHooks).toBeUndefined();
  });

  it.each([
    ['a function', () => {}, 'consumeHooks'],
    ['nothing to call', [{ name: 'timing' }], 'consumeHooks[0]'],
    ['a name that is none', [{ name: 7, after: () => {} }], 'consumeHooks[0]'],
    ['what cannot be called', [{ after: () => {} }, { before: 'log' }], 'consumeHooks[1].before'],
    ['null', [null], 'consumeHooks[0]'],
  ])('refuse %s, and say where', (_, consumeHooks, option) => {
    expect(problemsOf({ consumeHooks: consumeHooks as [] })).toMatchObject([{ option }]); // as from JavaScript
  });
});

describe('traceTopic', () => {
  it('is Java’s, or any topic with a legal name', () => {
    expect(parse({})).toMatchObject({ enableMessageTrace: false, traceTopic: 'RMQ_SYS_TRACE_TOPIC' });
    expect(parse({ traceTopic: 'team_traces' }).traceTopic).toBe('team_traces');
    expect(problemsOf({ traceTopic: 'a b' })).toMatchObject([{ option: 'traceTopic' }]);
  });
});

describe('onQueuesRevoked', () => {
  it('takes a function and nothing else', () => {
    const onQueuesRevoked = (): void => {};
    expect(parse({ onQueuesRevoked }).onQueuesRevoked).toBe(onQueuesRevoked);
    expect(problemsOf({ onQueuesRevoked: 'flush' as unknown as typeof onQueuesRevoked })).toMatchObject([
      { option: 'onQueuesRevoked', problem: "'flush' is not a function", hint: 'Write queues => { … }.' },
    ]);
  });
});

describe('words', () => {
  it('gives a broadcasting consumer a client id that stays', () => {
    const config = parse({ messageModel: 'BROADCASTING' });
    expect(config).toMatchObject({ instanceName: 'host-1', clientId: '10.1.2.3@host-1' });
    expect(config.origins.instanceName).toEqual({ from: 'adjusted', because: 'messageModel' });
    const odd = { hostName: 'anna\u2019s @home\n' };
    expect(parse({ messageModel: 'BROADCASTING' }, odd).instanceName).toBe('anna\u2019s--home-');
    expect(parse({ messageModel: 'BROADCASTING', instanceName: 'n-0' }).instanceName).toBe('n-0');
  });

  it('warns of what has no effect with a message model', () => {
    const namesOf = (fields: object) => parse(fields).warnings.map(({ option }) => option);
    expect(namesOf({ messageModel: 'BROADCASTING', handover: 'none', storePath: '/data' })).toEqual([
      'handover',
    ]);
    expect(namesOf({ storePath: '/data' })).toEqual(['storePath']);
  });

  it('keeps offsets in the home directory, and takes any other path', () => {
    expect(parse().storePath).toBe('/home/anna/.rocketmq_offsets');
    expect(parse({}, { env: { ROCKETMQ_STORE_PATH: '/data' } }).storePath).toBe('/data');
    expect(problemsOf({ storePath: '' })).toMatchObject([
      { problem: expect.stringContaining('it is no path') },
    ]);
  });

  it('says how a word in lower case is written', () => {
    expect(problemsOf({ messageModel: 'clustering' })).toMatchObject([{ hint: "Write 'CLUSTERING'." }]);
    expect(problemsOf({ logLevel: 'WARN' })).toMatchObject([{ hint: "Write 'warn'." }]);
  });
});

describe('allocateStrategy', () => {
  it('takes a word, a function, or an object that goes on being itself', () => {
    class Own {
      readonly name = 'OWN';
      allocate(): readonly [] {
        return [];
      }
    }
    const own = new Own();
    const chosen = (): readonly [] => [];
    expect(parse({ allocateStrategy: 'AVG' }).allocateStrategy).toBe(average);
    expect(parse({ allocateStrategy: chosen }).allocateStrategy).toBe(chosen);
    expect(parse({ allocateStrategy: own }).allocateStrategy).toBe(own);
  });

  it.each(['FAIR', { name: 'X' }, { allocate: () => [] }, 3, null])('refuses %o', given => {
    expect(problemsOf({ allocateStrategy: given })).toMatchObject([{ option: 'allocateStrategy' }]);
  });
});

describe('subscriptions and listeners', () => {
  const listener = concurrently(() => undefined);

  it('take all messages where no selector is given', () => {
    const own = simple(() => undefined);
    const subscriptions = [
      { topic: 'orders', listener: own },
      { topic: 'bills', selector: sql('price > 10') },
    ];
    expect(parse({ subscriptions, listener }).subscriptions).toEqual([
      { position: 0, topic: 'orders', selector: tag('*'), listener: own },
      { position: 1, topic: 'bills', selector: sql('price > 10'), listener: undefined },
    ]);
  });

  it('names what nothing handles also beside a topic that is refused', () => {
    const subscriptions = [{ topic: 'orders of today' }, { topic: 'bills' }];
    expect(problemsOf({ subscriptions }).map(each => each.option)).toEqual([
      'subscriptions[0].topic',
      'subscriptions[1].listener',
    ]);
  });

  it('names the topic that nothing handles', () => {
    const subscriptions = [{ topic: 'orders', listener }, { topic: 'bills' }];
    expect(problemsOf({ subscriptions })).toMatchObject([
      { option: 'subscriptions[1].listener', problem: 'nothing handles the messages of bills' },
    ]);
  });

  it('does not complain of the missing listener when the one given is wrong', () => {
    expect(problemsOf({ subscriptions: [{ topic: 'orders' }], listener: 3 })).toMatchObject([
      { option: 'listener', problem: '3 is not a listener' },
    ]);
  });

  it('says how a bare function becomes a listener', () => {
    expect(problemsOf({ listener: () => undefined })).toMatchObject([
      { option: 'listener', hint: expect.stringContaining('concurrently(async messages =>') },
    ]);
  });

  it.each([
    [['orders'], 'subscriptions[0]', "Write { topic: 'orders' }."],
    [[{ topic: 'a.b' }], 'subscriptions[0].topic', expect.stringContaining('Allowed are letters')],
    [[{ topic: 'a' }, { topic: 'a' }], 'subscriptions[1].topic', undefined],
    [[{ topic: 'a', selector: 'paid' }], 'subscriptions[0].selector', "Write tag('paid') or sql(…)."],
    [
      [{ topic: 'a', selector: tag('||') }],
      'subscriptions[0].selector',
      expect.stringContaining("tag('*') for all"),
    ],
    [
      [{ topic: 'a', selector: tag(' || ') }],
      'subscriptions[0].selector',
      expect.stringContaining("tag('*') for all"),
    ],
    [[{ topic: 'a', selector: sql(' ') }], 'subscriptions[0].selector', expect.stringContaining('sql(')],
    [[{ topic: 'a', selector: { type: 'TAG' } }], 'subscriptions[0].selector', "Write tag('…') or sql('…')."],
    [[{ topic: 'a', tags: 'x' }], 'subscriptions[0].tags', 'Known are topic, selector, listener.'],
    [[{ topic: 'a', listener: 1 }], 'subscriptions[0].listener', expect.stringContaining('concurrently')],
    [[{ topic: '%RETRY%billing' }], 'subscriptions[0].topic', expect.stringContaining('Leave it out')],
    [{ topic: 'a' }, 'subscriptions', "Write [{ topic: 'orders' }]."],
  ])('refuses %o at %s', (subscriptions, option, hint) => {
    const problems = problemsOf({ subscriptions, listener });
    expect(problems).toMatchObject([hint === undefined ? { option } : { option, hint }]);
  });

  it.each(['paid*', 'paid || ship?ed', 'a | b', 'a,b', ' * '])(
    'warns of the odd tag expression %o',
    expression => {
      const subscriptions = [{ topic: 'orders', selector: tag(expression) }];
      expect(parse({ subscriptions, listener }).warnings).toMatchObject([
        { option: 'subscriptions[0].selector' },
      ]);
    },
  );

  it.each(['*', '', 'paid', 'paid || shipped', 'paid ||'])('takes the tag expression %o', expression => {
    const subscriptions = [{ topic: 'orders', selector: tag(expression) }];
    expect(parse({ subscriptions, listener }).warnings).toEqual([]);
  });

  it('are at most 1000', () => {
    expect(problemsOf({ subscriptions: new Array(1_000_000_000) })).toMatchObject([
      { option: 'subscriptions', problem: 'it has 1000000000 topics, at most 1000 are allowed' },
    ]);
  });

  it('may be missing altogether: topics can be subscribed while running', () => {
    expect(parse(least).subscriptions).toEqual([]);
  });
});
