// SPDX-License-Identifier: Apache-2.0
/** What is a call to a peer, how can it end, and how do its failures read? */
import { ConnectionError, RocketmqError, toError } from '../errors/errors.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Address } from '../model/route.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Identity } from './identity.ts';

/** How a call ended. `answered` carries any response code: what a code means is decided above. */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly frame: Frame }
  | { readonly kind: 'failed'; readonly error: RocketmqError };

export type OnOutcome = (outcome: CallOutcome) => void;

/** Makes the whole frame; `opaque` is the number its answer will carry. */
export type Encode = (opaque: number) => Buffer;

/** Where calls can be made: a line, or one connection of it while it is being greeted. */
export interface Caller {
  readonly address: Address;
  /** Whose topics and groups are called here. Default: nobody's in particular. */
  readonly namespace?: Namespace | undefined;
  /** False: a call made now waits for a connection. */
  readonly isOpen: boolean;
  /** Who signs what is called here; undefined: nothing is signed. */
  readonly identity?: Identity | undefined;
  /**
   * Sends a request and hears of its end. Costs no promise and no timer, so both functions may be made once per queue.
   * @param encode called once, inside this call
   * @param timeoutMs counts from this call, also while it waits for a connection. Unit: ms
   * @param what names the thing in errors, such as `pull from orders-0@broker-a`
   * @param onOutcome called exactly once, never inside this call; failures are RMQ_REQUEST_TIMEOUT, RMQ_CONNECTION_LOST,
   *   RMQ_SEND_QUEUE_FULL, or what `encode` threw
   */
  call(encode: Encode, timeoutMs: number, what: string, onOutcome: OnOutcome): void;
  /** Sends a request that has no answer. False when there is no connection or its send queue is full: nothing was sent. */
  oneway(encode: Encode, what: string): boolean;
  /** Forgets the calls that were made with this very function; it is not called for them any more. For aborts: costs a scan. */
  cancel(onOutcome: OnOutcome): void;
}

/** What happened on the way, for metrics and the inspector. Counts since the line was made. */
export interface TransportCounters {
  /** Answers nobody waited for: late, unknown, or repeated. */
  droppedReplies: number;
  /** Requests the peer sent to us. */
  serverRequests: number;
  /** Calls refused because a queue was full. */
  refusedCalls: number;
  /** Calls that passed their deadline. */
  timedOutCalls: number;
  /** Connections closed because of bytes that could not be read. */
  brokenFrames: number;
}

export function newCounters(): TransportCounters {
  return { droppedReplies: 0, serverRequests: 0, refusedCalls: 0, timedOutCalls: 0, brokenFrames: 0 };
}

export function timedOut(what: string, timeoutMs: number, address: Address): ConnectionError {
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', `${what} timed out after ${timeoutMs} ms`, {
    context: { what, timeoutMs, address },
  });
}

/** The call never left: there was no connection in all that time. `cause` is why. */
export function timedOutWaiting(
  what: string,
  timeoutMs: number,
  address: Address,
  cause: RocketmqError | undefined,
): ConnectionError {
  const message = `${what} timed out after ${timeoutMs} ms without a connection to ${address}`;
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', message, {
    context: { what, timeoutMs, address },
    cause,
  });
}

export function lost(what: string, address: Address, cause: RocketmqError): ConnectionError {
  const message = `${what} failed: no connection to ${address} any more (${cause.message})`;
  return new ConnectionError('RMQ_CONNECTION_LOST', message, { context: { what, address }, cause });
}

export function queueFull(what: string, address: Address, limit: string): ConnectionError {
  const message = `${what} was refused: ${limit} to ${address} reached`;
  return new ConnectionError('RMQ_SEND_QUEUE_FULL', message, { context: { what, address, limit } });
}

/** A callback of ours threw: a defect, reported and survived. */
export function callbackFailed(what: string, thrown: unknown): RocketmqError {
  const message = `${what} threw: ${toError(thrown).message}`;
  return new RocketmqError('RMQ_INTERNAL', message, { cause: thrown, context: { what } });
}

/** Ends a call that was never sent: in a later turn, so that whoever calls again at once starves no timer. */
export function failLater(
  onOutcome: OnOutcome,
  what: string,
  error: RocketmqError,
  onFault: (fault: RocketmqError) => void,
): void {
  setImmediate(() => settle(onOutcome, what, { kind: 'failed', error }, onFault));
}

/** Tells the caller; what it throws is reported. */
export function settle(
  onOutcome: OnOutcome,
  what: string,
  outcome: CallOutcome,
  onFault: (fault: RocketmqError) => void,
): void {
  try {
    onOutcome(outcome);
  } catch (thrown) {
    onFault(callbackFailed(`taking the outcome of ${what}`, thrown));
  }
}
