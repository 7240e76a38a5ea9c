// SPDX-License-Identifier: Apache-2.0
/** What becomes of a request that the peer sends to us? It is handled, or answered with a code; it never harms the connection. */
import type { RocketmqError } from '../errors/errors.ts';
import type { Address } from '../model/route.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { type ExtFields, type Frame, isOneway } from '../protocol/frame.ts';
import { callbackFailed } from './call.ts';

/** An answer to a request of the peer. */
export interface ServerReply {
  readonly code: number;
  readonly remark?: string;
  readonly fields?: ExtFields;
  readonly body?: Buffer;
}

/**
 * Handles one request of a peer (protocol.md section 2.5). Answers false when it does not know the code: the peer then
 * gets code 3. `reply` may be called later, and counts once; for a one-way request, or when the connection is gone, it
 * does nothing. What the handler throws is answered with code 1 and reported.
 */
export type ServerRequestHandler = (
  address: Address,
  frame: Frame,
  reply: (answer: ServerReply) => void,
) => boolean;

export interface ServeOptions {
  readonly address: Address;
  readonly handler: ServerRequestHandler;
  readonly answer: (opaque: number, reply: ServerReply) => void;
  readonly onFault: (error: RocketmqError) => void;
}

/** Never throws. */
export function serve(frame: Frame, { address, handler, answer, onFault }: ServeOptions): void {
  let awaited = !isOneway(frame);
  const reply = (content: ServerReply): void => {
    if (!awaited) return;
    awaited = false;
    answer(frame.opaque, content);
  };
  try {
    if (handler(address, frame, reply)) return;
    const remark = `request code ${frame.code} is not supported`;
    reply({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark });
  } catch (thrown) {
    onFault(callbackFailed(`the handler of request ${frame.code} from ${address}`, thrown));
    const remark = `the client failed to handle request ${frame.code}`; // no details: they are not the peer's business
    reply({ code: ResponseCode.SYSTEM_ERROR, remark });
  }
}
