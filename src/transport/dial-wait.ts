// SPDX-License-Identifier: Apache-2.0
/** How is a stream waited for until it is open? It ends in exactly one way, with no timer and no listener left. */
import type net from 'node:net';
import { ConnectionError, RocketmqError, toError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Address } from '../model/route.ts';
import type { Dialer } from './ports.ts';

export type DialOptions = Parameters<Dialer['dial']>[2];

export interface DialWait {
  readonly address: Address;
  /** The event that means open. */
  readonly event: 'connect' | 'secureConnect';
  readonly limits: DialOptions;
  readonly clock: Clock;
  /** In whose words a failure is told. */
  readonly failed: (error: Error) => RocketmqError;
}

/** Rejects with a typed error, the stream destroyed. */
export function untilOpen(
  stream: net.Socket,
  { address, event, limits: { signal, timeoutMs }, clock, failed }: DialWait,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const release = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stream.off(event, onOpen);
    };
    const fail = (error: RocketmqError): void => {
      release();
      stream.destroy(); // its error listener stays: a late error finds one
      reject(error);
    };
    const onOpen = (): void => {
      release();
      resolve();
    };
    const onError = (error: Error): void => fail(failed(error));
    const onAbort = (): void => fail(givenUp(address, signal));
    const onTimeout = (): void => fail(connectFailed(address, `no answer within ${timeoutMs} ms`, undefined));
    const timer = clock.setTimeout(onTimeout, timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on(event, onOpen);
    stream.on('error', onError); // stays for good: without one, an error would end the process
  });
}

/** `ECONNREFUSED`, `ENOTFOUND`, …; of several addresses tried, Node's AggregateError carries one too. */
export function causeCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** A connect that did not succeed, in the words every dialer uses. */
export function connectFailed(address: Address, why: string, cause: Error | undefined): ConnectionError {
  return new ConnectionError('RMQ_CONNECT_FAILED', `connect to ${address} failed: ${why}`, {
    context: { address, why },
    cause,
  });
}

export function givenUp(address: Address, signal: AbortSignal): RocketmqError {
  const cause = toError(signal.reason);
  return new RocketmqError('RMQ_ABORTED', `connect to ${address} was given up`, {
    context: { address },
    cause,
  });
}
