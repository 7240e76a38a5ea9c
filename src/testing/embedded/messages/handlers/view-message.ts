// SPDX-License-Identifier: Apache-2.0
/** How is one message read by its place in the log? Request 33. Source: QueryMessageProcessor.viewMessageById of 5.5.0. */
import { ResponseCode } from '../../../../protocol/codes.ts';
import { readHeader } from '../../../../protocol/define-request.ts';
import { viewMessage } from '../../../../protocol/requests/view-message.ts';
import type { Handler } from '../../broker.types.ts';
import type { MessageParts } from './parts.types.ts';

/** The handler of views, by request code. */
export function viewHandlers({ store }: MessageParts): readonly (readonly [number, Handler])[] {
  const view: Handler = (frame, _peer, respond) => {
    const { offset } = readHeader(viewMessage, frame);
    const body = store.recordAt(offset);
    const remark = `can not find message by the offset, ${offset}`;
    respond(
      body === undefined ? { code: ResponseCode.SYSTEM_ERROR, remark } : { code: ResponseCode.SUCCESS, body },
    );
  };
  return [[viewMessage.code, view]];
}
