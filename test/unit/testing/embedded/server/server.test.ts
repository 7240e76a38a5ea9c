// SPDX-License-Identifier: Apache-2.0
/** How do requests come in and answers go out, and what is left when the server is killed? */
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { echo, failing, late, ServerKit } from './server-kit.ts';
import { WireClient } from './wire-client.ts';

describe('a server', () => {
  it('answers with the request’s opaque as a Java broker of 5.5.0 would, and hands over fields and body', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const answer = await client.request(echo, { fields: { n: '1' }, body: Buffer.from('hi') });
    expect(answer).toMatchObject({
      code: 0,
      opaque: 1,
      flag: 1,
      language: 'JAVA',
      version: 513,
      fields: { n: '1' },
    });
    expect(answer.body.toString()).toBe('hi');
  });

  it('answers with a JSON header whatever form the request was written in', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const json = await client.request(echo);
    const binary = await client.request(echo, { serializeType: 'ROCKETMQ' });
    expect([json.serializeType, binary.serializeType]).toEqual(['JSON', 'JSON']);
  });

  it('answers 3 to a request nobody handles', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const answer = await client.request(3442);
    expect(answer).toMatchObject({ code: 3, remark: ' request type 3442 not supported' });
  });

  it('answers 1 with the message of what a handler throws', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    expect(await client.request(failing)).toMatchObject({ code: 1, remark: 'no such thing' });
    expect(await client.request(echo)).toMatchObject({ code: 0 });
  });

  it('does not answer a one-way request', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    client.tell(echo, { flag: 2, fields: { n: 'one-way' } });
    await client.request(echo, { fields: { n: 'two-way' } });
    expect(kit.handled).toEqual(['one-way', 'two-way']);
    expect(client.answers.map(({ fields }) => fields['n'])).toEqual(['two-way']);
  });

  it('closes a connection that sends something else than frames, after the frames before it', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    client.tell(echo, { fields: { n: 'good' } });
    client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await client.untilClosed();
    expect(kit.handled).toEqual(['good']);
    const other = await kit.connect();
    expect(await other.request(echo)).toMatchObject({ code: 0 });
  });

  it('closes a connection whose frame has a header that cannot be read', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const frame = Buffer.from('0000000800000004', 'hex');
    client.send(Buffer.concat([frame, Buffer.from('{"c"')]));
    await client.untilClosed();
    expect(kit.handled).toEqual([]);
  });

  it('gives one peer object for all requests of a connection, and tells once that it is gone', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    const { address } = client;
    await client.request(echo);
    await client.request(echo);
    client.close();
    await kit.settle();
    expect(new Set(kit.peers).size).toBe(1);
    expect(kit.gone).toEqual([kit.peers[0]]);
    expect(kit.peers[0]).toMatchObject({ address, isOpen: false });
  });

  it('forgets an answer that comes after the connection is gone', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    client.tell(late);
    await kit.settle();
    client.close();
    await kit.settle();
    for (const respond of kit.respondLate) respond();
    expect(kit.log.select()).toMatchObject([{ code: late, answer: undefined }]);
  });

  it('gives the first answer only', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    client.tell(late);
    await kit.settle();
    for (let i = 0; i < 2; i++) kit.respondLate[0]?.();
    await kit.settle();
    expect(client.answers).toHaveLength(1);
  });

  it('asks a client and gets its answer', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    await client.request(echo);
    const [peer] = kit.peers;
    if (peer === undefined) throw new Error('the request was not handled');
    const asked = kit.server.ask(peer, { code: 307, fields: { n: 'x' } }, 1000);
    await kit.settle();
    expect(client.pushed).toMatchObject([{ code: 307, flag: 0, fields: { n: 'x' }, language: 'JAVA' }]);
    for (const request of client.pushed) client.answer(request, { code: 0, remark: 'here' });
    expect(await asked).toMatchObject({ code: 0, remark: 'here' });
    expect(kit.clock.pending).toBe(0);
  });

  it('gives up asking a client that says nothing, or goes', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    await client.request(echo);
    const [peer] = kit.peers;
    if (peer === undefined) throw new Error('the request was not handled');
    const timedOut = expect(kit.server.ask(peer, { code: 307, fields: {} }, 1000)).rejects.toMatchObject({
      code: 'RMQ_REQUEST_TIMEOUT',
    });
    await kit.clock.advance(1000);
    await timedOut;
    const gone = expect(kit.server.ask(peer, { code: 307, fields: {} }, 1000)).rejects.toThrow('307');
    client.close();
    await gone;
    expect(kit.clock.pending).toBe(0);
  });
});

describe('a server that is killed', () => {
  it('breaks its connections and refuses new ones', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    await client.request(echo);
    await kit.server.kill();
    await client.untilClosed();
    expect(kit.server.isRunning).toBe(false);
    await expect(WireClient.connect(kit.server.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('comes back on the same port', async () => {
    await using kit = await ServerKit.start();
    const { address } = kit.server;
    await kit.server.kill();
    await kit.server.start();
    expect(kit.server.address).toBe(address);
    const client = await kit.connect();
    expect(await client.request(echo)).toMatchObject({ code: 0 });
  });

  it('takes kills and starts in the order they were asked for, and repeated ones', async () => {
    await using kit = await ServerKit.start();
    await Promise.all([
      kit.server.kill(),
      kit.server.start(),
      kit.server.start(),
      kit.server.kill(),
      kit.server.kill(),
    ]);
    expect(kit.server.isRunning).toBe(false);
    await Promise.all([kit.server.start(), kit.server.kill(), kit.server.start()]);
    expect(kit.server.isRunning).toBe(true);
  });

  it('says so when its port was taken meanwhile, and can be started when it is free', async () => {
    await using kit = await ServerKit.start();
    await kit.server.kill();
    const thief = net.createServer();
    const port = Number(kit.server.address.split(':')[1]);
    await new Promise<void>(resolve => {
      thief.listen(port, '127.0.0.1', resolve);
    });
    await expect(kit.server.start()).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
    expect(kit.server.isRunning).toBe(false);
    await new Promise(resolve => {
      thief.close(resolve);
    });
    await kit.server.start();
    expect(kit.server.isRunning).toBe(true);
  });
});

describe('a server that is suspended', () => {
  it('takes nothing and answers nothing until it is resumed, then all in order', async () => {
    await using kit = await ServerKit.start();
    const client = await kit.connect();
    client.tell(late);
    await kit.settle();
    kit.server.suspend();
    for (const respond of kit.respondLate) respond();
    client.tell(echo, { fields: { n: '1' } });
    client.tell(echo, { fields: { n: '2' } });
    await kit.settle();
    expect([kit.handled, client.answers]).toEqual([[], []]);
    kit.server.resume();
    await kit.settle();
    expect(client.answers.map(({ opaque }) => opaque)).toEqual([1, 2, 3]);
  });

  it('lets clients connect, as the kernel does, and serves them once it is resumed', async () => {
    await using kit = await ServerKit.start();
    kit.server.suspend();
    const client = await kit.connect();
    const answer = client.request(echo, { fields: { n: '1' } });
    await kit.settle();
    expect(kit.handled).toEqual([]);
    kit.server.resume();
    expect(await answer).toMatchObject({ code: 0 });
  });

  it('can be killed and is not suspended when it comes back', async () => {
    await using kit = await ServerKit.start();
    kit.server.suspend();
    await kit.server.kill();
    await kit.server.start();
    const client = await kit.connect();
    expect(await client.request(echo)).toMatchObject({ code: 0 });
  });
});
