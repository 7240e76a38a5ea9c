// SPDX-License-Identifier: Apache-2.0
/** How is a plain TCP connection opened? By node:net, within a time limit, with the host name resolved anew each time. */
import net from 'node:net';
import { ConnectionError, RocketmqError, toError } from '../errors/errors.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import type { Address } from '../model/route.ts';
import { endpointOf } from './address.ts';
import { NodeSocket } from './node-socket.ts';
import type { Dialer, Socket, SocketHandlers } from './ports.ts';

type DialOptions = Parameters<Dialer['dial']>[2];

/** First probe of an idle connection. Heartbeats every 30 s find a dead peer long before. Unit: ms. */
const keepAliveDelay = 60_000;

export interface TcpDialerOptions {
  /** Keeps the time limit. Default: the system's. */
  readonly clock?: Clock;
  /** Finds the address of a host name. Default: the system's resolver. */
  readonly lookup?: net.LookupFunction;
}

/**
 * The default dialer. Node keeps no answer of the resolver, so a host that moved is found at the next dial.
 * @example
 * createConsumerActor(config, { dialer: tcpDialer() }); // what it does by itself
 */
export function tcpDialer(options: TcpDialerOptions = {}): Dialer {
  return { dial: (address, handlers, limits) => dialTcp(address, handlers, limits, options) };
}

async function dialTcp(
  address: Address,
  handlers: SocketHandlers,
  limits: DialOptions,
  { clock = systemClock, lookup }: TcpDialerOptions,
): Promise<Socket> {
  const endpoint = endpointOf(address);
  if (endpoint === undefined) throw connectFailed(address, 'this is no host:port', undefined);
  if (limits.signal.aborted) throw givenUp(address, limits.signal);
  const stream = net.connect({
    ...endpoint,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveDelay,
    ...(lookup === undefined ? {} : { lookup }),
  });
  await connected(stream, address, limits, clock);
  return new NodeSocket(stream, handlers);
}

/** Ends in exactly one way, with no timer and no listener left; when it fails, the stream is destroyed. */
function connected(
  stream: net.Socket,
  address: Address,
  { signal, timeoutMs }: DialOptions,
  clock: Clock,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const release = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stream.off('connect', onConnect);
    };
    const fail = (error: RocketmqError): void => {
      release();
      stream.destroy(); // its error listener stays: a late error finds one
      reject(error);
    };
    const onConnect = (): void => {
      release();
      resolve();
    };
    const onError = (error: Error): void => fail(connectFailed(address, causeCode(error), error));
    const onAbort = (): void => fail(givenUp(address, signal));
    const onTimeout = (): void => fail(connectFailed(address, `no answer within ${timeoutMs} ms`, undefined));
    const timer = clock.setTimeout(onTimeout, timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('connect', onConnect);
    stream.on('error', onError); // stays for good: without one, an error would end the process
  });
}

/** `ECONNREFUSED`, `ENOTFOUND`, …; of several addresses tried, Node's AggregateError carries one too. */
function causeCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** A connect that did not succeed, in the words every dialer uses. */
export function connectFailed(address: Address, why: string, cause: Error | undefined): ConnectionError {
  return new ConnectionError('RMQ_CONNECT_FAILED', `connect to ${address} failed: ${why}`, {
    context: { address, why },
    cause,
  });
}

function givenUp(address: Address, signal: AbortSignal): RocketmqError {
  const cause = toError(signal.reason);
  return new RocketmqError('RMQ_ABORTED', `connect to ${address} was given up`, {
    context: { address },
    cause,
  });
}
