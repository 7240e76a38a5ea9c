// SPDX-License-Identifier: Apache-2.0
/** What keeps one connection of a producer or an offset store up? An actor of its own, behind a plain face. */
import { createActor } from 'xstate';
import { connectionMachine } from './machines/connection/connection.machine.ts';
import type { Clock } from './model/clock.ts';
import type { Connection, WantedConnection } from './producer/connections.ts';
import { defaultLimits } from './transport/limits.ts';
import type { Dialer } from './transport/ports.ts';

export interface ConnectionSurroundings {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
}

export function connectionActor(
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
