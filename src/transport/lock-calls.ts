// SPDX-License-Identifier: Apache-2.0
/** How are queues locked at a broker and given back? Over any caller: a line, or a connection that is still being greeted. */
import { ConnectionError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { Namespace } from '../model/namespace.ts';
import { encodeLock, parseLockAnswer } from '../protocol/bodies/lock.ts';
import { ResponseCode } from '../protocol/codes.ts';
import type { Request } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import { lockBatch } from '../protocol/requests/lock-batch.ts';
import { unlockBatch } from '../protocol/requests/unlock-batch.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { Caller } from './call.ts';
import { ask, type CallOptions, type RequestOptions } from './request.ts';

export interface LockRequest {
  /** In whose name. A broker believes it: also the id of a member that is gone. */
  readonly clientId: string;
  /** The name the locks are taken under: the group, or `%RETRY%group` for hand-over fences (design.md G3). */
  readonly consumerGroup: string;
  readonly queues: readonly MessageQueue[];
}

/** Hears which locks were granted before the next frame is read: pulls of a queue that was refused go no further. */
export type OnGranted = (queues: readonly MessageQueue[]) => void;

/**
 * Locks queues for one member (41), or renews what it has; a lock lives 60 s. Source: LockBatchRequestBody, protocol.md
 * section 7.4. It does not wait for a connection: by the time there is one the queues may have been given up, and would be
 * locked for nobody.
 * @returns those that are the member's now; another member has the rest
 * @throws ConnectionError `RMQ_CONNECTION_LOST` at once when there is no connection; BrokerError of the answer's code;
 *   ProtocolError; ConnectionError; RocketmqError `RMQ_ABORTED` through the signal
 * @example
 * const ours = await lockQueues(caller, { clientId, consumerGroup: '%RETRY%billing', queues }, { timeoutMs: 1000 });
 */
export async function lockQueues(
  caller: Caller,
  request: LockRequest,
  options: CallOptions & { readonly onGranted?: OnGranted },
): Promise<readonly MessageQueue[]> {
  const { onGranted, ...more } = options;
  if (!caller.isOpen) throw notConnected(caller, request);
  const onFrame = (frame: Frame): void => {
    const granted = frame.code === ResponseCode.SUCCESS ? readable(frame.body, caller.namespace) : undefined;
    if (granted !== undefined) onGranted?.(granted);
  };
  const { body } = await exchange(caller, lockBatch, 'lock', request, { ...more, onFrame });
  return parseLockAnswer(body, caller.namespace);
}

/** Undefined: the promise says what is wrong with it. */
function readable(body: Buffer, namespace: Namespace | undefined): readonly MessageQueue[] | undefined {
  try {
    return parseLockAnswer(body, namespace);
  } catch {
    return undefined;
  }
}

/**
 * Gives locks back and waits for the answer (42). What the member does not have is passed over. Source:
 * UnlockBatchRequestBody.
 * @throws as {@link lockQueues}
 */
export async function unlockQueues(
  caller: Caller,
  request: LockRequest,
  options: CallOptions,
): Promise<void> {
  await exchange(caller, unlockBatch, 'unlock', request, options);
}

async function exchange(
  caller: Caller,
  request: Request<Record<never, never>>,
  verb: string,
  { clientId, consumerGroup, queues }: LockRequest,
  options: CallOptions & Pick<RequestOptions, 'onFrame'>,
): Promise<Frame> {
  const what = nameOf(verb, caller, { consumerGroup, queues });
  // False: a broker with replicas asks them too, as it does for the Java client.
  const body = encodeLock(
    { clientId, consumerGroup, mqSet: queues, onlyThisBroker: false },
    caller.namespace,
  );
  const frame = await ask(caller, request, {}, { ...options, what, body });
  if (frame.code !== ResponseCode.SUCCESS) throw errorOfResponse(what, frame, caller.address);
  return frame;
}

function nameOf(
  verb: string,
  { address }: Caller,
  { consumerGroup, queues }: Pick<LockRequest, 'consumerGroup' | 'queues'>,
): string {
  const count = queues.length === 1 ? '1 queue' : `${queues.length} queues`;
  return `${verb} of ${count} at ${address} for ${consumerGroup}`;
}

function notConnected(caller: Caller, request: LockRequest): ConnectionError {
  const { address } = caller;
  const what = nameOf('lock', caller, request);
  return new ConnectionError(
    'RMQ_CONNECTION_LOST',
    `${what} was not asked for: no connection to ${address}`,
    {
      context: { what, address },
    },
  );
}
