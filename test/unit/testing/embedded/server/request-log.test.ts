// SPDX-License-Identifier: Apache-2.0
/** What does the log say of requests, and how is it waited for? */
import { describe, expect, it } from 'vitest';
import { encodeHeartbeat } from '../../../../../src/protocol/bodies/heartbeat.ts';
import { encodeLock } from '../../../../../src/protocol/bodies/lock.ts';
import { RequestCode } from '../../../../../src/protocol/codes.ts';
import { decodeFrame, encodeFrame, type OutgoingFrame } from '../../../../../src/protocol/frame.ts';
import { nameOfRequest, subjectOf } from '../../../../../src/testing/embedded/received-request.ts';
import { RequestLog } from '../../../../../src/testing/embedded/request-log.ts';
import { aHeartbeat } from '../clients/builders.ts';
import { echo, ServerKit } from './server-kit.ts';

function request(at: number) {
  const subject = { group: undefined, topic: 'orders', queueId: undefined };
  return {
    server: 'broker-a',
    code: echo,
    name: 'pullMessage',
    fields: {},
    ...subject,
    from: 'x:1',
    at,
    answer: 0,
  };
}

describe('the log', () => {
  it('holds what a server received, with the answer once it was given', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.clock.jump(70);
    await client.request(echo, { fields: { consumerGroup: 'billing', topic: 'orders', queueId: '3' } });
    expect(kit.log.select()).toEqual([
      {
        server: 'broker-a',
        code: 11,
        name: 'pullMessage',
        fields: { consumerGroup: 'billing', topic: 'orders', queueId: '3' },
        group: 'billing',
        topic: 'orders',
        queueId: 3,
        from: client.address,
        at: 70,
        answer: 0,
      },
    ]);
  });

  it('keeps the newest only', () => {
    const log = new RequestLog(3);
    for (let at = 0; at < 10; at++) {
      log.add(request(at));
      expect(log.select().at(-1)?.at).toBe(at);
    }
    expect(log.select().map(({ at }) => at)).toEqual([7, 8, 9]);
  });

  it('can be waited for: what came already counts', async () => {
    const log = new RequestLog();
    log.add(request(1));
    const second = log.until({ topic: 'orders' }, 2);
    log.add({ ...request(2), topic: 'parcels' });
    log.add(request(3));
    expect(await log.until({ topic: 'orders' }, 1)).toMatchObject({ at: 1 });
    expect(await second).toMatchObject({ at: 3 });
  });

  it('rejects who waits when the cluster ends, and who would wait then', async () => {
    const log = new RequestLog();
    const waiting = expect(log.until({}, 1)).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
    log.close();
    await waiting;
    await expect(log.until({}, 1)).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
  });
});

describe('a request', () => {
  function subject(frame: Partial<OutgoingFrame> & { readonly code: number }) {
    return subjectOf(decodeFrame(encodeFrame({ opaque: 1, ...frame }).subarray(4)));
  }

  it('is named as in the protocol’s tables, else as in RequestCode', () => {
    expect([11, 34, 105, 37, 999].map(nameOfRequest)).toEqual([
      ...['pullMessage', 'heartbeat', 'routeByTopic', 'END_TRANSACTION', 'request 999'],
    ]);
  });

  it('has its group, topic and queue wherever its kind puts them', () => {
    expect(
      subject({ code: RequestCode.SEND_MESSAGE_V2, fields: { a: 'tills', b: 'orders', e: '2' } }),
    ).toEqual({
      group: 'tills',
      topic: 'orders',
      queueId: 2,
    });
    expect(
      subject({
        code: RequestCode.CONSUMER_SEND_MSG_BACK,
        fields: { group: 'billing', originTopic: 'orders' },
      }),
    ).toEqual({
      group: 'billing',
      topic: 'orders',
      queueId: undefined,
    });
    const heartbeat = encodeHeartbeat(aHeartbeat({ group: 'billing' }));
    expect(subject({ code: RequestCode.HEART_BEAT, body: heartbeat })).toMatchObject({ group: 'billing' });
    const mqSet = [{ topic: 'orders', brokerName: 'broker-a', queueId: 1 }];
    const lock = encodeLock({ clientId: 'me', consumerGroup: 'billing', mqSet, onlyThisBroker: false });
    expect(subject({ code: RequestCode.LOCK_BATCH_MQ, body: lock })).toEqual({
      group: 'billing',
      topic: 'orders',
      queueId: 1,
    });
  });

  it('with a body that cannot be read is about nothing', () => {
    expect(subject({ code: RequestCode.HEART_BEAT, body: Buffer.from('{') })).toEqual({
      group: undefined,
      topic: undefined,
      queueId: undefined,
    });
  });
});
