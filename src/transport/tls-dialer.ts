// SPDX-License-Identifier: Apache-2.0
/** How is an encrypted connection opened? By node:tls, verified, with settings asked for anew at each dial; never in plain text. */
import net from 'node:net';
import tls from 'node:tls';
import { toError } from '../errors/errors.ts';
import { systemClock } from '../model/clock.ts';
import type { Address } from '../model/route.ts';
import { type TlsChoice, type TlsSource, tlsProblem } from '../model/tls.ts';
import { endpointOf } from './address.ts';
import { causeCode, connectFailed, type DialOptions, givenUp, untilOpen } from './dial-wait.ts';
import { NodeSocket } from './node-socket.ts';
import type { Dialer, Socket, SocketHandlers } from './ports.ts';
import { keepAliveDelay, type TcpDialerOptions } from './tcp-dialer.ts';
import { handshakeFailed, lostWhy, settingsFailed } from './tls-errors.ts';

export interface TlsDialerOptions extends TcpDialerOptions {
  readonly settings: TlsSource;
}

/**
 * Opens TLS from the first byte, as brokers and name servers expect it on their one port (protocol.md section 8.2). TLS 1.2 at least.
 * Rejects with ConnectionError `RMQ_TLS_…` of the error table; `RMQ_CONNECT_FAILED` where there was no connection to encrypt.
 * @example
 * tlsDialer({ settings: async () => ({ ca: await readFile('ca.pem') }) })
 */
export function tlsDialer(options: TlsDialerOptions): Dialer {
  return { dial: (address, handlers, limits) => dialTls(address, handlers, limits, options) };
}

async function dialTls(
  address: Address,
  handlers: SocketHandlers,
  limits: DialOptions,
  { settings, lookup, clock = systemClock }: TlsDialerOptions,
): Promise<Socket> {
  const endpoint = endpointOf(address);
  if (endpoint === undefined) throw connectFailed(address, 'this is no host:port', undefined);
  const deadline = clock.now() + limits.timeoutMs;
  const choice = await settingsFor(address, settings);
  if (limits.signal.aborted) throw givenUp(address, limits.signal);
  const stream = connect(address, choice, { ...endpoint, ...(lookup === undefined ? {} : { lookup }) });
  let isConnected = false;
  stream.once('connect', () => {
    isConnected = true;
  });
  const failed = (error: Error) =>
    isConnected ? handshakeFailed(address, error) : connectFailed(address, causeCode(error), error);
  const left = { signal: limits.signal, timeoutMs: Math.max(1, deadline - clock.now()) };
  await untilOpen(stream, { address, event: 'secureConnect', limits: left, clock, failed });
  stream.setNoDelay(true);
  stream.setKeepAlive(true, keepAliveDelay);
  return new NodeSocket(stream, {
    onData: chunk => handlers.onData(chunk),
    onDrain: () => handlers.onDrain?.(),
    onClose: error => handlers.onClose(lostWhy(address, error)),
  });
}

/** How long it takes is the caller's limit: see dialLimit of the connection machine. */
async function settingsFor(address: Address, settings: TlsSource): Promise<TlsChoice> {
  let choice: unknown;
  try {
    choice = await settings(address);
  } catch (thrown) {
    throw settingsFailed(address, `the tls function failed: ${toError(thrown).message}`, thrown);
  }
  let problem: string | undefined;
  try {
    problem = tlsProblem(choice);
  } catch {
    problem = 'it cannot be read';
  }
  if (problem !== undefined)
    throw settingsFailed(address, `the tls function answered wrongly: ${problem}`, undefined);
  return choice as TlsChoice; // checked in the line above
}

function connect(
  address: Address,
  choice: TlsChoice,
  to: { readonly host: string; readonly port: number; readonly lookup?: net.LookupFunction },
): tls.TLSSocket {
  const { ca, cert, key, passphrase, servername, rejectUnauthorized = true } = choice === true ? {} : choice;
  const expected = servername ?? (net.isIP(to.host) === 0 ? to.host : undefined); // an IP is compared with the IPs in the certificate
  try {
    return tls.connect({
      ...to,
      rejectUnauthorized,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca: toPem(ca) }),
      ...(cert === undefined ? {} : { cert: toPem(cert) }),
      ...(key === undefined ? {} : { key: toPem(key) }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(expected === undefined ? {} : { servername: expected }),
    });
  } catch (thrown) {
    // A key that does not fit, a wrong passphrase, no PEM: OpenSSL names the problem, not the content.
    throw settingsFailed(address, `ca, cert or key cannot be used: ${toError(thrown).message}`, thrown);
  }
}

type GivenPem = NonNullable<Exclude<TlsChoice, true>['ca']>;

function toPem(given: GivenPem): string | Buffer | (string | Buffer)[] {
  if (typeof given === 'string') return given;
  return given instanceof Uint8Array
    ? Buffer.from(given)
    : given.map(each => (typeof each === 'string' ? each : Buffer.from(each)));
}
