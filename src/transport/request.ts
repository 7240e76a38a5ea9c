// SPDX-License-Identifier: Apache-2.0
/** How is one request asked and its answer awaited? The promise form, for everything that is rare; pulls use `Caller.call`. */
import { RocketmqError } from '../errors/errors.ts';
import { isAccessRefused } from '../protocol/access-refusal.ts';
import { encodeRequest, type HeaderOf, type Request } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Caller, OnOutcome } from './call.ts';

export interface CallOptions {
  /** From now to the answer, the wait for a connection included. Unit: ms. */
  readonly timeoutMs: number;
  /** Gives the wait up: the call is forgotten, and not sent if it was still waiting. */
  readonly signal?: AbortSignal | undefined;
}

export interface OnewayOptions {
  /** Names the thing in errors, such as `offset of orders-0@broker-a`. */
  readonly what: string;
  readonly body?: Buffer | undefined;
}

export interface RequestOptions extends CallOptions, OnewayOptions {
  /** Sees the answer before the next frame is read, as no `await` can: what came with it may depend on it. Must not throw. */
  readonly onFrame?: ((frame: Frame) => void) | undefined;
}

/**
 * Asks and waits. Any response code resolves.
 * @throws ConnectionError `RMQ_REQUEST_TIMEOUT`, `RMQ_CONNECTION_LOST`, `RMQ_SEND_QUEUE_FULL`; ProtocolError `RMQ_BAD_HEADER`
 *   for a header that cannot be sent; RocketmqError `RMQ_ABORTED` through the signal
 */
export function ask<R extends Request>(
  caller: Caller,
  request: R,
  header: HeaderOf<R>,
  { timeoutMs, signal, what, body, onFrame }: RequestOptions,
): Promise<Frame> {
  const { identity } = caller;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(aborted(what, signal));
      return;
    }
    const onAbort = (): void => {
      caller.cancel(onOutcome);
      reject(aborted(what, signal));
    };
    const onOutcome: OnOutcome = outcome => {
      signal?.removeEventListener('abort', onAbort);
      if (outcome.kind === 'failed') {
        reject(outcome.error);
        return;
      }
      if (isAccessRefused(outcome.frame)) identity?.refused();
      onFrame?.(outcome.frame);
      resolve(outcome.frame);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const { namespace } = caller;
    const encode = (opaque: number): Buffer =>
      encodeRequest(request, header, { opaque, body, namespace, signer: identity?.signer });
    caller.call(encode, timeoutMs, what, onOutcome);
  });
}

/** Sends without an answer. False: there is no connection, or its send queue is full; nothing was sent. */
export function tell<R extends Request>(
  caller: Caller,
  request: R,
  header: HeaderOf<R>,
  { what, body }: OnewayOptions,
): boolean {
  const { namespace } = caller;
  const encode = (opaque: number): Buffer =>
    encodeRequest(request, header, {
      opaque,
      oneway: true,
      body,
      namespace,
      signer: caller.identity?.signer,
    });
  return caller.oneway(encode, what);
}

function aborted(what: string, signal: AbortSignal | undefined): RocketmqError {
  return new RocketmqError('RMQ_ABORTED', `${what} was given up`, {
    cause: signal?.reason,
    context: { what },
  });
}
