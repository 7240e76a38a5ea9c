// SPDX-License-Identifier: Apache-2.0
/** Does the encrypted dialer verify whom it talks to, say readably what is wrong, and leave nothing behind? Real sockets on loopback. */
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable } from '../../../src/errors/error-table.ts';
import { RocketmqError } from '../../../src/errors/errors.ts';
import type { TlsChoice, TlsSource } from '../../../src/model/tls.ts';
import type { Socket, SocketHandlers } from '../../../src/transport/ports.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { tlsDialer } from '../../../src/transport/tls-dialer.ts';
import { createAuthority, selfSigned } from '../../support/certificates.ts';

const authority = createAuthority();
const limits = { signal: new AbortController().signal, timeoutMs: 5000 };
const day = 86_400_000;

class Listener implements SocketHandlers {
  readonly closed: Promise<Error | undefined>;
  readonly heard: Promise<string>;
  #close: (error: Error | undefined) => void = () => {};
  #hear: (text: string) => void = () => {};

  constructor() {
    this.closed = new Promise(resolve => {
      this.#close = resolve;
    });
    this.heard = new Promise(resolve => {
      this.#hear = resolve;
    });
  }

  onData(chunk: Buffer): void {
    this.#hear(chunk.toString());
  }

  onClose(error: Error | undefined): void {
    this.#close(error);
  }
}

const servers: net.Server[] = [];
const sockets: Socket[] = [];
const accepted = new Set<net.Socket>();

async function listening(server: net.Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: net.Socket) => accepted.add(socket.on('error', () => {})));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`; // a TCP server's address
}

/** Echoes. */
function tlsServer(options: tls.TlsOptions): Promise<string> {
  const server = tls.createServer(options, socket => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
  });
  server.on('tlsClientError', () => {});
  return listening(server);
}

async function dial(
  address: string,
  choice: TlsChoice | TlsSource,
  handlers: SocketHandlers = new Listener(),
): Promise<Socket> {
  const settings: TlsSource = typeof choice === 'function' ? choice : () => choice;
  const socket = await tlsDialer({ settings }).dial(address, handlers, limits);
  sockets.push(socket);
  return socket;
}

/** The error a dial ends with, or what a connection that was open for a moment was lost by. */
async function failureOf(address: string, choice: TlsChoice | TlsSource): Promise<RocketmqError> {
  const handlers = new Listener();
  const lost = dial(address, choice, handlers).then(socket => {
    socket.write(Buffer.from('hello'));
    return handlers.closed;
  });
  const error = await lost.catch((thrown: unknown) => thrown);
  if (error instanceof RocketmqError) return error;
  throw new Error(`not one of ours: ${String(error)}`);
}

async function untilNoSockets(): Promise<void> {
  const isSocket = (name: string): boolean => name === 'TCPSocketWrap' || name === 'TCPConnectWrap';
  while (process.getActiveResourcesInfo().some(isSocket)) await new Promise(resolve => setImmediate(resolve));
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const socket of accepted) socket.destroy();
  accepted.clear();
  await Promise.all(servers.splice(0).map(server => new Promise(resolve => server.close(resolve))));
  await untilNoSockets();
});

describe('an encrypted connection', () => {
  it('carries bytes both ways once the authority is given, by IP and by name', async () => {
    const address = await tlsServer(authority.issue());
    for (const each of [address, address.replace('127.0.0.1', 'localhost')]) {
      const handlers = new Listener();
      const socket = await dial(each, { ca: authority.ca }, handlers);
      socket.write(Buffer.from('ping'));
      expect(await handlers.heard).toBe('ping');
    }
  });

  it('takes one authority of several, as bytes too', async () => {
    const address = await tlsServer(authority.issue());
    const ca = [createAuthority().ca, Buffer.from(authority.ca)];
    expect((await dial(address, { ca })).queuedBytes).toBe(0);
  });

  it('asks the function at each dial, with the address', async () => {
    const address = await tlsServer(authority.issue());
    const asked: string[] = [];
    const settings = async (each: string): Promise<TlsChoice> => {
      asked.push(each);
      return { ca: authority.ca };
    };
    await dial(address, settings);
    await dial(address, settings);
    expect(asked).toEqual([address, address]);
  });

  it('gives its certificate to a peer that asks for one, also from an encrypted key', async () => {
    const address = await tlsServer({
      ...authority.issue(),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const handlers = new Listener();
    const own = authority.issue({ names: ['client'], passphrase: 'correct horse' });
    const socket = await dial(address, { ca: authority.ca, ...own, passphrase: 'correct horse' }, handlers);
    socket.write(Buffer.from('ping'));
    expect(await handlers.heard).toBe('ping');
  });

  it('accepts what cannot be verified only when told to', async () => {
    const address = await tlsServer(selfSigned(['elsewhere']));
    expect((await dial(address, { rejectUnauthorized: false })).queuedBytes).toBe(0);
  });

  it('compares the certificate with servername where one is given', async () => {
    const address = await tlsServer(authority.issue({ names: ['broker-a.example'] }));
    const socket = await dial(address, { ca: authority.ca, servername: 'broker-a.example' });
    expect(socket.queuedBytes).toBe(0);
  });
});

describe('what is refused, and in which words', () => {
  const cases: readonly [string, ErrorCode, tls.TlsOptions, TlsChoice][] = [
    ['a certificate signed by itself', 'RMQ_TLS_UNTRUSTED', selfSigned(), true],
    ['an authority nobody knows', 'RMQ_TLS_UNTRUSTED', authority.issue(), true],
    [
      'another authority than the one given',
      'RMQ_TLS_UNTRUSTED',
      createAuthority().issue(),
      { ca: authority.ca },
    ],
    [
      'a certificate that is over',
      'RMQ_TLS_EXPIRED',
      authority.issue({ from: Date.now() - 2 * day, to: Date.now() - day }),
      { ca: authority.ca },
    ],
    [
      'a certificate that is not valid yet',
      'RMQ_TLS_EXPIRED',
      authority.issue({ from: Date.now() + day, to: Date.now() + 2 * day }),
      { ca: authority.ca },
    ],
    [
      'a certificate for another host',
      'RMQ_TLS_NAME_MISMATCH',
      authority.issue({ names: ['broker-a.example'] }),
      { ca: authority.ca },
    ],
    [
      'no certificate of ours where one is wanted, TLS 1.3',
      'RMQ_TLS_CLIENT_CERTIFICATE',
      { ...authority.issue(), ca: authority.ca, requestCert: true, rejectUnauthorized: true },
      { ca: authority.ca },
    ],
    [
      'no certificate of ours, TLS 1.2: OpenSSL says no more than that the handshake failed',
      'RMQ_TLS_FAILED',
      {
        ...authority.issue(),
        ca: authority.ca,
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion: 'TLSv1.2',
      },
      { ca: authority.ca },
    ],
    [
      'a peer without TLS 1.2',
      'RMQ_TLS_FAILED',
      { ...authority.issue(), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
      { ca: authority.ca },
    ],
    ['a key that is none', 'RMQ_TLS_FAILED', authority.issue(), { cert: 'x', key: 'hunter2' }],
    [
      'a wrong passphrase',
      'RMQ_TLS_FAILED',
      authority.issue(),
      { ...authority.issue({ passphrase: 'correct horse' }), passphrase: 'hunter2' },
    ],
  ];

  it.each(cases)('%s: %s', async (_what, code, server, choice) => {
    const address = await tlsServer(server);
    const error = await failureOf(address, choice);
    expect({ code: error.code, hint: error.hint }).toEqual({ code, hint: errorTable[code].hint });
    expect(error.message).toContain(address);
    expect(JSON.stringify(error) + error.message).not.toContain('hunter2');
  });

  it('a plain-text peer that hangs up, and one that answers in plain text', async () => {
    const hangsUp = await listening(net.createServer(socket => socket.once('data', () => socket.destroy())));
    const answers = await listening(
      net.createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect((await failureOf(hangsUp, { ca: authority.ca })).code).toBe('RMQ_TLS_PLAIN_PEER');
    expect((await failureOf(answers, { ca: authority.ca })).code).toBe('RMQ_TLS_PLAIN_PEER');
  });

  it('a function that throws, or answers nonsense', async () => {
    const address = await tlsServer(authority.issue());
    const thrown = await failureOf(address, () => Promise.reject(new Error('vault is sealed')));
    const nonsense = await failureOf(address, () => ({ cert: 'x' }));
    expect([thrown.code, thrown.message]).toEqual([
      'RMQ_TLS_FAILED',
      `TLS with ${address} failed: the tls function failed: vault is sealed`,
    ]);
    expect([nonsense.code, nonsense.message]).toEqual([
      'RMQ_TLS_FAILED',
      `TLS with ${address} failed: the tls function answered wrongly: cert and key go together, and one is missing`,
    ]);
  });

  it('a port nobody listens on, as without TLS', async () => {
    const address = await listening(net.createServer());
    await new Promise(resolve => servers.pop()?.close(resolve));
    expect((await failureOf(address, true)).code).toBe('RMQ_CONNECT_FAILED');
  });
});

describe('a plain connection to a peer that takes TLS only', () => {
  it('is diagnosed once the peer has hung up', async () => {
    const address = await tlsServer(authority.issue());
    const handlers = new Listener();
    const socket = await tcpDialer().dial(address, handlers, limits);
    socket.write(Buffer.from([0, 0, 0, 10, 0, 0, 0, 0]));
    const error = await handlers.closed;
    expect(error).toMatchObject({ code: 'RMQ_TLS_EXPECTED', hint: errorTable.RMQ_TLS_EXPECTED.hint });
  });

  it('is not taken for one when the peer merely hangs up', async () => {
    const address = await listening(net.createServer(socket => socket.once('data', () => socket.destroy())));
    const handlers = new Listener();
    const socket = await tcpDialer().dial(address, handlers, limits);
    socket.write(Buffer.from('hello'));
    expect(await handlers.closed).not.toBeInstanceOf(RocketmqError);
  });
});
