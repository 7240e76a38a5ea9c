// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createWebSocketReceiver } from '@statelyai/inspect';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createActor, setup } from 'xstate';
import { statelyBridge } from '../../../src/inspect/stately-bridge.ts';
import { webSocketLink } from '../../../src/inspect/web-socket-link.ts';
import { freePortBlock, releasePortBlock } from '../../support/cluster/ports.ts';

const light = setup({ types: { events: {} as { type: 'next' } } }).createMachine({
  id: 'light',
  initial: 'green',
  states: { green: { on: { next: 'red' } }, red: { on: { next: 'green' } } },
});

/** What `createInspectorServer` of @statelyai/inspect does, on the loopback only: each message goes to all others. */
class Relay {
  readonly #server: WebSocketServer;
  readonly clients: WebSocket[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', client => {
      this.clients.push(client);
      client.on('message', data => {
        for (const other of server.clients) if (other !== client) other.send(String(data));
      });
    });
  }

  static async listen(port = 0): Promise<Relay> {
    const server = new WebSocketServer({ host: '127.0.0.1', port });
    await once(server, 'listening');
    return new Relay(server);
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    return address.port;
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function relayAt(port?: number): Promise<Relay> {
  const relay = await Relay.listen(port);
  ends.push(() => relay.close());
  return relay;
}

async function closedPort(): Promise<number> {
  const port = await freePortBlock();
  ends.push(() => releasePortBlock(port));
  return port;
}

describe('a page behind a WebSocket', () => {
  it('gets actors, events and states through the receiver of @statelyai/inspect', async () => {
    const relay = await relayAt();
    const got: { readonly type: string }[] = [];
    createWebSocketReceiver({ server: `ws://127.0.0.1:${relay.port}` }).subscribe(event => got.push(event));
    await vi.waitFor(() => expect(relay.clients).toHaveLength(1), 5000);
    const bridge = statelyBridge({ url: `ws://127.0.0.1:${relay.port}` });
    ends.push(() => bridge.close());
    const actor = createActor(light, { inspect: bridge.inspect }).start();
    await vi.waitFor(() => expect(got).toMatchObject([{ type: '@xstate.actor' }]), 5000);
    actor.send({ type: 'next' });
    await vi.waitFor(
      () =>
        expect(got.slice(1)).toMatchObject([
          { type: '@xstate.event', event: { type: 'next' } },
          { type: '@xstate.snapshot', snapshot: { value: 'red' } },
        ]),
      5000,
    );
  });

  it('that comes late, goes, and comes again is told where everything is each time', async () => {
    const port = await closedPort();
    const bridge = statelyBridge({ url: `ws://127.0.0.1:${port}` });
    ends.push(() => bridge.close());
    const actor = createActor(light, { inspect: bridge.inspect }).start();
    for (const value of ['red', 'green']) {
      actor.send({ type: 'next' });
      const relay = await Relay.listen(port);
      const got: unknown[] = [];
      await vi.waitFor(() => expect(relay.clients).toHaveLength(1), { timeout: 15_000 });
      relay.clients[0]?.on('message', data => got.push(JSON.parse(String(data))));
      await vi.waitFor(
        () => expect(got[0]).toMatchObject({ type: '@xstate.actor', snapshot: { value } }),
        5000,
      );
      await relay.close();
    }
  });

  it.each(['here', 'http://127.0.0.1:8080', ''])("at '%s' is refused at once", url => {
    expect(() => statelyBridge({ url })).toThrow('is no WebSocket address');
  });

  it('that reads nothing is cut off instead of filling the memory', async () => {
    const relay = await relayAt();
    const link = webSocketLink({ url: `ws://127.0.0.1:${relay.port}` });
    ends.push(() => link.stop?.());
    await new Promise<void>(resolve => {
      link.onOpen(resolve);
      link.start?.();
    });
    await vi.waitFor(() => expect(relay.clients).toHaveLength(1), 5000);
    relay.clients[0]?.pause();
    const event = {
      type: '@xstate.event' as const,
      ...{ rootId: 'x:0', sessionId: 'x:0', createdAt: '0', id: '0', _version: '0', sourceId: undefined },
      event: { type: 'big', text: 'x'.repeat(100_000) },
    };
    let sent = 0;
    while (link.isOpen() && sent < 10_000) {
      link.send(event);
      sent += 1;
      if (sent % 50 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    expect(link.isOpen()).toBe(false);
    expect(sent).toBeLessThan(1000);
  });

  it('that is not there does not keep a process alive', async () => {
    const script = `
      import { createActor, createMachine } from 'xstate';
      import { statelyBridge } from './src/inspect/stately-bridge.ts';
      const bridge = statelyBridge({ url: 'ws://127.0.0.1:${await closedPort()}' });
      createActor(createMachine({}), { inspect: bridge.inspect }).start();
      process.stdout.write('done');`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      { cwd: join(import.meta.dirname, '../../..'), timeout: 30_000 },
    );
    expect(stdout).toBe('done');
  });
});
