// SPDX-License-Identifier: Apache-2.0
/** What can a test do to a request, and which requests does it hit? */
import { describe, expect, it } from 'vitest';
import type { Interference, RequestMatch } from '../../../../../src/testing/embedded/cluster.types.ts';
import { echo, ServerKit } from './server-kit.ts';

function answersOf(client: {
  readonly answers: readonly { readonly fields: Readonly<Record<string, string>> }[];
}) {
  return client.answers.map(({ fields }) => fields['n']);
}

describe('an interference', () => {
  it('answer: takes the place of the handling', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add(
      { request: echo },
      { kind: 'answer', code: 21, remark: 'moved', fields: { a: 'b' }, body: Buffer.from('x') },
    );
    const answer = await client.request(echo);
    expect(answer).toMatchObject({ code: 21, remark: 'moved', fields: { a: 'b' }, body: Buffer.from('x') });
    expect(kit.handled).toEqual([]);
    expect(kit.log.select()).toMatchObject([{ answer: 21 }]);
  });

  it('delay: handles it when that time has passed on the clock', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add({ request: echo }, { kind: 'delay', ms: 500 }, { times: 1 });
    client.tell(echo, { fields: { n: 'slow' } });
    client.tell(echo, { fields: { n: 'quick' } });
    await kit.settle();
    await kit.clock.advance(499);
    expect(kit.handled).toEqual(['quick']);
    await kit.clock.advance(1);
    await kit.settle();
    expect(answersOf(client)).toEqual(['quick', 'slow']);
  });

  it('delay: a request that waits is lost when the server is killed, and no timer is left', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add({ request: echo }, { kind: 'delay', ms: 500 });
    client.tell(echo);
    await kit.settle();
    await kit.server.kill();
    expect(kit.clock.pending).toBe(0);
    expect(kit.handled).toEqual([]);
  });

  it('dropAnswer: handles it and says nothing', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add({ request: echo }, { kind: 'dropAnswer' }, { times: 1 });
    client.tell(echo, { fields: { n: '1' } });
    await client.request(echo, { fields: { n: '2' } });
    expect(kit.handled).toEqual(['1', '2']);
    expect(answersOf(client)).toEqual(['2']);
    expect(kit.log.select().map(({ answer }) => answer)).toEqual(['dropped', 0]);
  });

  it('drop: neither handles nor answers it', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add({ request: echo }, { kind: 'drop' }, { times: 1 });
    client.tell(echo, { fields: { n: '1' } });
    await client.request(echo, { fields: { n: '2' } });
    expect([kit.handled, answersOf(client)]).toEqual([['2'], ['2']]);
    expect(kit.log.select().map(({ answer }) => answer)).toEqual(['dropped', 0]);
  });

  it('disconnect: closes the connection it came on, and what came behind it is lost', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add({ request: echo }, { kind: 'disconnect' }, { times: 1 });
    client.tell(echo, { fields: { n: '1' } });
    client.tell(echo, { fields: { n: '2' } });
    await client.untilClosed();
    expect(kit.handled).toEqual([]);
  });

  it('corrupt: changes the bytes of the answer before they leave', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const change = (frame: Buffer): Buffer => {
      const changed = Buffer.from(frame);
      changed[changed.length - 1] = 0x21;
      return changed;
    };
    kit.interferences.add({ request: echo }, { kind: 'corrupt', change });
    const answer = await client.request(echo, { body: Buffer.from('hello') });
    expect(answer.body.toString()).toBe('hell!');
  });

  it('hold: handles it once the promise has resolved', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    let release = (): void => {};
    const until = new Promise<void>(resolve => {
      release = resolve;
    });
    kit.interferences.add({ request: echo }, { kind: 'hold', until });
    const answer = client.request(echo, { fields: { n: '1' } });
    await kit.settle();
    expect(kit.handled).toEqual([]);
    release();
    expect(await answer).toMatchObject({ code: 0 });
  });

  it('hold: a request that is held when the server is killed is never handled, also after it came back', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    let release = (): void => {};
    const until = new Promise<void>(resolve => {
      release = resolve;
    });
    kit.interferences.add({ request: echo }, { kind: 'hold', until });
    client.tell(echo, { fields: { n: '1' } });
    await kit.settle();
    await kit.server.kill();
    await kit.server.start();
    release();
    await kit.settle();
    expect(kit.handled).toEqual([]);
    expect(kit.log.select()).toMatchObject([{ answer: 'dropped' }]);
  });
});

describe('a rule', () => {
  const refused: Interference = { kind: 'answer', code: 2 };

  async function codesWith(match: RequestMatch): Promise<readonly number[]> {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add(match, refused);
    const requests = [
      { consumerGroup: 'billing', topic: 'orders', queueId: '0' },
      { consumerGroup: 'billing', topic: 'orders', queueId: '1' },
      { consumerGroup: 'shipping', topic: 'parcels', queueId: '0' },
    ];
    const codes: number[] = [];
    for (const fields of requests) codes.push((await client.request(echo, { fields })).code);
    return codes;
  }

  it.each<readonly [string, RequestMatch, readonly number[]]>([
    ['nothing', {}, [2, 2, 2]],
    ['code', { request: 11 }, [2, 2, 2]],
    ['another code', { request: 14 }, [0, 0, 0]],
    ['the name of the request', { request: 'pullMessage' }, [2, 2, 2]],
    ['server', { server: 'broker-b' }, [0, 0, 0]],
    ['group', { group: 'billing' }, [2, 2, 0]],
    ['topic', { topic: 'parcels' }, [0, 0, 2]],
    ['queue', { queueId: 0 }, [2, 0, 2]],
    ['topic and queue', { topic: 'orders', queueId: 0 }, [2, 0, 0]],
    ['a condition', { where: ({ fields }) => fields['queueId'] === '1' }, [0, 2, 0]],
  ])('is about requests by %s', async (_, match, codes) => {
    expect(await codesWith(match)).toEqual(codes);
  });

  it('is applied as often as it says and counts', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const rule = kit.interferences.add({}, refused, { times: 2 });
    const codes = [await client.request(echo), await client.request(echo), await client.request(echo)];
    expect(codes.map(({ code }) => code)).toEqual([2, 2, 0]);
    expect(rule.applied).toBe(2);
  });

  it('wins over older ones, which come into force again when it is gone', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    kit.interferences.add({}, { kind: 'answer', code: 1 });
    {
      using _newer = kit.interferences.add({}, { kind: 'answer', code: 2 });
      expect(await client.request(echo)).toMatchObject({ code: 2 });
    }
    expect(await client.request(echo)).toMatchObject({ code: 1 });
  });

  it('about a request that does not exist is refused, with the names there are', async () => {
    await using kit = await ServerKit.start();
    expect(() => kit.interferences.add({ request: 'pulMessage' }, refused)).toThrow(
      /pulMessage; there are .*pullMessage/,
    );
  });
});
