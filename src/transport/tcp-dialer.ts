// SPDX-License-Identifier: Apache-2.0
/** How is a plain TCP connection opened? By node:net, within a time limit, with the host name resolved anew each time. */
import net from 'node:net';
import { type Clock, systemClock } from '../model/clock.ts';
import type { Address } from '../model/route.ts';
import { endpointOf } from './address.ts';
import { causeCode, connectFailed, type DialOptions, givenUp, untilOpen } from './dial-wait.ts';
import { NodeSocket } from './node-socket.ts';
import type { Dialer, Socket, SocketHandlers } from './ports.ts';
import { tlsExpected } from './tls-errors.ts';
import { speaksTls } from './tls-probe.ts';

/** First probe of an idle connection. Heartbeats every 30 s find a dead peer long before. Unit: ms. */
export const keepAliveDelay = 60_000;

export interface TcpDialerOptions {
  /** Keeps the time limit. Default: the system's. */
  readonly clock?: Clock;
  /** Finds the address of a host name. Default: the system's resolver. */
  readonly lookup?: net.LookupFunction;
}

/**
 * The default dialer. Node keeps no answer of the resolver, so a host that moved is found at the next dial.
 * A peer that hangs up on our first words, before it has said anything, is asked once whether it wants TLS.
 * @example
 * createConsumerActor(config, { dialer: tcpDialer() }); // what it does by itself
 */
export function tcpDialer(options: TcpDialerOptions = {}): Dialer {
  const wantsTls = new Map<Address, boolean>();
  return {
    dial: (address, handlers, limits) => dialTcp(address, handlers, limits, { ...options, wantsTls }),
  };
}

async function dialTcp(
  address: Address,
  handlers: SocketHandlers,
  limits: DialOptions,
  { clock = systemClock, lookup, wantsTls }: TcpDialerOptions & { readonly wantsTls: Map<Address, boolean> },
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
  const failed = (error: Error) => connectFailed(address, causeCode(error), error);
  await untilOpen(stream, { address, event: 'connect', limits, clock, failed });
  const onClose = (error: Error | undefined): void => {
    if (!wasHungUpUnheard(stream, error)) {
      wantsTls.delete(address);
      handlers.onClose(error);
      return;
    }
    const known = wantsTls.get(address);
    const answer = known === undefined ? speaksTls(endpoint, { ...limits, clock }) : Promise.resolve(known);
    void answer.then(isTls => {
      wantsTls.set(address, isTls);
      handlers.onClose(isTls ? tlsExpected(address, error) : error);
    });
  };
  return new NodeSocket(stream, {
    onData: chunk => handlers.onData(chunk),
    onDrain: () => handlers.onDrain?.(),
    onClose,
  });
}

/** The peer closed, after we had spoken and before it had said a word: so does one that takes encrypted connections only. */
function wasHungUpUnheard(stream: net.Socket, error: Error | undefined): boolean {
  const isPeersDoing = error !== undefined || stream.readableEnded;
  return isPeersDoing && stream.bytesRead === 0 && stream.bytesWritten > 0;
}
