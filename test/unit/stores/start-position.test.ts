// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { BrokerError, ConnectionError } from '../../../src/errors/errors.ts';
import { type MessageQueue, queueKey } from '../../../src/model/message-queue.ts';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { type StartPort, StartPositions, type StartRequest } from '../../../src/stores/start-position.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

function queue(queueId: number, topic = 'orders'): MessageQueue {
  return { topic, brokerName: 'a', queueId };
}

const siblings = [queue(0), queue(1), queue(2)];

/** A broker with min 100 and max 900 everywhere, 500 at any time, and these committed offsets. */
class FakeBroker implements StartPort {
  readonly log: string[] = [];
  readonly committed: Record<string, number | Error> = {};
  refuses: 'min' | 'max' | 'search' | undefined;

  async queryOffset(at: MessageQueue) {
    this.log.push(`14 ${queueKey(at)}`);
    const answer = this.committed[queueKey(at)];
    if (answer instanceof Error) throw answer;
    return answer === undefined ? undefined : queueOffset(answer);
  }

  async minOffset(at: MessageQueue) {
    return this.answer('min', `31 ${queueKey(at)}`, 100);
  }

  async maxOffset(at: MessageQueue) {
    return this.answer('max', `30 ${queueKey(at)}`, 900);
  }

  async searchOffset(at: MessageQueue, timestamp: number) {
    return this.answer('search', `29 ${queueKey(at)} ${timestamp}`, 500);
  }

  private answer(question: typeof this.refuses, line: string, offset: number) {
    this.log.push(line);
    if (this.refuses === question) {
      throw new BrokerError('RMQ_NO_PERMISSION', 'refused by broker', { responseCode: 16, remark: 'no GET' });
    }
    return queueOffset(offset);
  }
}

function make() {
  const broker = new FakeBroker();
  const clock = new TestClock();
  const positions = new StartPositions(broker, clock);
  const resolve = (request: Partial<StartRequest> = {}) =>
    positions.resolve({
      queue: queue(0),
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      consumeTimestamp: Date.UTC(2026, 0, 1),
      appearedAfterStart: false,
      siblings,
      round: 1,
      ...request,
    });
  return { broker, clock, resolve };
}

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to a lost');

describe('a committed offset that belongs to a deleted topic of the same name', () => {
  it('is no place to start: the first message of the new topic is, and that is to be committed', async () => {
    const { broker, resolve } = make();
    broker.committed['orders@a#0'] = 500;
    expect(await resolve({ isFormer: committed => committed <= 500 })).toEqual({
      ...{ offset: 100, source: 'min', mustCommit: true },
    });
    expect(await resolve({ isFormer: committed => committed <= 499 })).toEqual({
      ...{ offset: 500, source: 'committed', mustCommit: false },
    });
  });
});

describe('a queue with a committed offset', () => {
  it.each(['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_TIMESTAMP'] as const)(
    'starts there, whatever %s says, and nothing needs committing',
    async consumeFromWhere => {
      const { broker, resolve } = make();
      broker.committed['orders@a#0'] = 7;
      expect(await resolve({ consumeFromWhere, appearedAfterStart: true })).toEqual({
        offset: 7,
        source: 'committed',
        mustCommit: false,
      });
      expect(broker.log).toEqual(['14 orders@a#0']);
    },
  );

  it('starts at 0 when the broker says 0, as 4.9 does for young queues', async () => {
    const { broker, resolve } = make();
    broker.committed['orders@a#0'] = 0;
    expect(await resolve()).toMatchObject({ offset: 0, source: 'committed' });
  });
});

describe('a queue without a committed offset, of a group that is new to the topic', () => {
  it('starts at its end by CONSUME_FROM_LAST_OFFSET, after all other queues were asked', async () => {
    const { broker, resolve } = make();
    expect(await resolve()).toEqual({ offset: 900, source: 'max', mustCommit: true });
    expect(broker.log).toEqual(['14 orders@a#0', '14 orders@a#1', '14 orders@a#2', '30 orders@a#0']);
  });

  it('starts at its beginning by CONSUME_FROM_FIRST_OFFSET', async () => {
    const { resolve } = make();
    expect(await resolve({ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })).toEqual({
      offset: 100,
      source: 'min',
      mustCommit: true,
    });
  });

  it('starts at the given time by CONSUME_FROM_TIMESTAMP', async () => {
    const { broker, resolve } = make();
    expect(await resolve({ consumeFromWhere: 'CONSUME_FROM_TIMESTAMP', consumeTimestamp: 1234 })).toEqual({
      offset: 500,
      source: 'timestamp',
      mustCommit: true,
    });
    expect(broker.log.at(-1)).toBe('29 orders@a#0 1234');
  });
});

describe('a queue without a committed offset that holds messages nobody has read', () => {
  it('starts at its beginning when it appeared after start, without a look at the others', async () => {
    const { broker, resolve } = make();
    expect(await resolve({ appearedAfterStart: true })).toEqual({
      offset: 100,
      source: 'min',
      mustCommit: true,
    });
    expect(broker.log).toEqual(['14 orders@a#0', '31 orders@a#0']);
  });

  it.each(['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_TIMESTAMP'] as const)(
    'starts at its beginning when the group has an offset on another queue, also by %s',
    async consumeFromWhere => {
      const { broker, resolve } = make();
      broker.committed['orders@a#2'] = 0;
      expect(await resolve({ consumeFromWhere })).toEqual({ offset: 100, source: 'min', mustCommit: true });
    },
  );

  it('starts at its beginning when one other queue has an offset and another cannot be asked', async () => {
    const { broker, resolve } = make();
    broker.committed['orders@a#1'] = lost;
    broker.committed['orders@a#2'] = 5;
    expect(await resolve()).toMatchObject({ source: 'min' });
  });
});

describe('a retry topic', () => {
  it.each(['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_TIMESTAMP'] as const)(
    'starts at 0, also by %s',
    async where => {
      const { broker, resolve } = make();
      const retry = queue(0, '%RETRY%billing');
      expect(await resolve({ queue: retry, siblings: [retry], consumeFromWhere: where })).toEqual({
        offset: 0,
        source: 'zero',
        mustCommit: true,
      });
      expect(broker.log).toEqual(['14 %RETRY%billing@a#0']);
    },
  );

  it('goes on where it was', async () => {
    const { broker, resolve } = make();
    broker.committed['%RETRY%billing@a#0'] = 3;
    expect(await resolve({ queue: queue(0, '%RETRY%billing') })).toMatchObject({
      offset: 3,
      source: 'committed',
    });
  });
});

describe('what is not known is not guessed', () => {
  it('a failed 14 makes the queue wait', async () => {
    const { broker, resolve } = make();
    broker.committed['orders@a#0'] = lost;
    await expect(resolve({ appearedAfterStart: true })).rejects.toMatchObject({
      code: 'RMQ_OFFSET_UNKNOWN',
      retry: 'later',
      cause: lost,
      message:
        'where orders@a#0 starts is unknown: the committed offset was not answered: connection to a lost',
    });
    expect(broker.log).toEqual(['14 orders@a#0']);
  });

  it('a failed 14 for the retry topic makes it wait too', async () => {
    const { broker, resolve } = make();
    broker.committed['%RETRY%billing@a#0'] = lost;
    await expect(resolve({ queue: queue(0, '%RETRY%billing') })).rejects.toMatchObject({
      code: 'RMQ_OFFSET_UNKNOWN',
    });
  });

  it('another queue that cannot be asked makes it wait, when no other has an offset', async () => {
    const { broker, resolve } = make();
    broker.committed['orders@a#2'] = lost;
    await expect(resolve()).rejects.toMatchObject({
      code: 'RMQ_OFFSET_UNKNOWN',
      message: expect.stringContaining('orders@a#2'),
    });
    delete broker.committed['orders@a#2'];
    expect(await resolve(), 'and it is asked again').toMatchObject({ source: 'max' });
  });

  it.each([
    ['CONSUME_FROM_LAST_OFFSET', 'max', /of orders@a#0 may not be asked: refused by broker$/],
    ['CONSUME_FROM_FIRST_OFFSET', 'min', /of orders@a#0 may not be asked: refused by broker$/],
    ['CONSUME_FROM_TIMESTAMP', 'search', /of orders@a#0 may not be asked: .*the right GET on topic orders$/],
  ] as const)('a refusal by %s stays one; by time it names the right that is needed', async (...row) => {
    const [consumeFromWhere, refuses, message] = row;
    const { broker, resolve } = make();
    broker.refuses = refuses;
    await expect(resolve({ consumeFromWhere })).rejects.toMatchObject({
      code: 'RMQ_NO_PERMISSION',
      retry: 'never',
      message: expect.stringMatching(message),
    });
  });

  it('a refused 14 stays a refusal', async () => {
    const { broker, resolve } = make();
    broker.committed['orders@a#0'] = new BrokerError('RMQ_NO_PERMISSION', 'no', {
      responseCode: 16,
      remark: undefined,
    });
    await expect(resolve()).rejects.toMatchObject({ code: 'RMQ_NO_PERMISSION' });
  });
});

describe('queues of one assignment round', () => {
  it('share one look at the topic, so that the start committed for the first does not move the second', async () => {
    const { broker, resolve } = make();
    expect(await resolve({ queue: queue(0) })).toMatchObject({ source: 'max' });
    broker.committed['orders@a#0'] = 900;
    broker.log.length = 0;
    expect(await resolve({ queue: queue(1) })).toMatchObject({ source: 'max' });
    expect(broker.log).toEqual(['14 orders@a#1', '30 orders@a#1']);
  });

  it('share it also when they ask at the same time', async () => {
    const { broker, resolve } = make();
    await Promise.all(siblings.map(at => resolve({ queue: at })));
    expect(broker.log.filter(line => line.startsWith('14')).length).toBe(3 + 2);
  });

  it('of another round look again', async () => {
    const { broker, resolve } = make();
    await resolve({ queue: queue(0), round: 1 });
    broker.committed['orders@a#0'] = 900;
    expect(await resolve({ queue: queue(1), round: 2 })).toMatchObject({ source: 'min' });
  });

  it('that start more than a minute apart look again', async () => {
    const { broker, clock, resolve } = make();
    await resolve({ queue: queue(0) });
    broker.committed['orders@a#0'] = 900;
    clock.jump(60_000);
    expect(await resolve({ queue: queue(1) })).toMatchObject({ source: 'max' });
    clock.jump(1);
    expect(await resolve({ queue: queue(2) })).toMatchObject({ source: 'min' });
  });

  it('do not share one of another topic', async () => {
    const { broker, resolve } = make();
    await resolve();
    broker.committed['bills@a#1'] = 4;
    const other = { queue: queue(0, 'bills'), siblings: [queue(0, 'bills'), queue(1, 'bills')] };
    expect(await resolve(other)).toMatchObject({ source: 'min' });
  });

  it('are asked 32 at a time, and no further once one has an offset', async () => {
    const { broker, resolve } = make();
    const many = Array.from({ length: 100 }, (_, i) => queue(i));
    broker.committed['orders@a#40'] = 1;
    expect(await resolve({ siblings: many })).toMatchObject({ source: 'min' });
    expect(broker.log.length).toBe(1 + 64 + 1);
  });
});

describe('a call', () => {
  it('is bounded as the caller says; a shared look is not ended by one caller', async () => {
    const { broker, resolve } = make();
    const seen: unknown[] = [];
    broker.queryOffset = async (_, ...rest: unknown[]) => {
      seen.push(rest[0]);
      return undefined;
    };
    const { signal } = new AbortController();
    await resolve({ timeoutMs: 700, signal, siblings: [queue(0), queue(1)] });
    expect(seen).toEqual([{ timeoutMs: 700, signal }, { timeoutMs: 700 }]);
  });
});
