// SPDX-License-Identifier: Apache-2.0
/** What keeps one connection of a producer or an offset store up? An actor of its own, behind a plain face. */
import { createActor } from 'xstate';
import { connectionMachine } from './machines/connection/connection.machine.ts';
import type { Clock } from './model/clock.ts';
import type { GivenCredentials } from './model/credentials.ts';
import type { ResolvedTls } from './model/tls.ts';
import type { Connect, Connection, WantedConnection } from './producer/connections.ts';
import { dialerFor } from './transport/dialer-choice.ts';
import { Identity, renewingDialer } from './transport/identity.ts';
import { defaultLimits } from './transport/limits.ts';
import type { Dialer } from './transport/ports.ts';

interface ConnectionSurroundings {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
}

/** What connections of a producer or an offset store are made with. */
export interface ConnectingOptions {
  readonly tls: ResolvedTls;
  readonly credentials: GivenCredentials | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  /** The one given by hand, if there is one. */
  readonly dialer: Dialer | undefined;
}

/**
 * Who signs, and how connections are opened.
 * @throws ConfigError `RMQ_CONFIG_INVALID` when tls is set and a dialer is given, which might open plain connections
 */
export function connecting({ tls, credentials, clock, random, dialer: given }: ConnectingOptions): {
  readonly identity: Identity | undefined;
  readonly connect: Connect;
} {
  const plain = dialerFor(tls, { given, clock });
  const onFault = (): void => {}; // what is signed with the old ones tells whether they are still good
  const identity = credentials && new Identity({ given: credentials, clock, onFault });
  const dialer = renewingDialer(plain, identity);
  return { identity, connect: wanted => connectionActor(wanted, { clock, random, dialer }) };
}

function connectionActor(
  wanted: WantedConnection,
  { clock, random, dialer }: ConnectionSurroundings,
): Connection {
  const scope = new AbortController();
  const actor = createActor(connectionMachine, {
    clock,
    input: {
      ...wanted,
      clock,
      random,
      dialer,
      parent: { send: () => {} }, // sends hear of trouble through their own calls
      limits: defaultLimits,
      scope: scope.signal,
    },
  });
  const ended = new Promise<void>(resolve => {
    const end = (): void => {
      scope.abort();
      resolve();
    };
    actor.subscribe({ complete: end, error: end });
  });
  actor.start();
  return {
    close: () => {
      actor.send({ type: 'connection.close' });
      return ended;
    },
  };
}
