// SPDX-License-Identifier: Apache-2.0
/** How do the parts of an embedded broker fit together? A request goes from the server to one handler, which answers when it likes. */
import type { Address } from '../../model/route.ts';
import type { ExtFields, Frame } from '../../protocol/frame.ts';

/** What a handler answers; the server adds opaque and response flag, and writes the header as JSON whatever the request's is, as 5.x. */
export interface Reply {
  readonly code: number;
  readonly remark?: string | undefined;
  readonly fields?: ExtFields | undefined;
  readonly body?: Buffer | undefined;
  /** Of the client whose answer is passed on. Default: the server's. */
  readonly language?: string | undefined;
  /** As {@link language}. */
  readonly version?: number | undefined;
}

/** The connection a request came on. One object for its whole life, so it may be a key. */
export interface Peer {
  readonly address: Address;
  readonly isOpen: boolean;
  /** Sends a one-way request to the client: 40. */
  push(frame: Buffer): void;
  close(): void;
}

/** Answers once, now or later; after the connection is gone it does nothing. For a one-way request it does nothing either. */
export type Respond = (reply: Reply) => void;

/** What it throws is answered as SYSTEM_ERROR (1) with the message as remark. */
export type Handler = (frame: Frame, peer: Peer, respond: Respond) => void;

/** By request code. A code nobody handles is answered with REQUEST_CODE_NOT_SUPPORTED (3). */
export type Handlers = ReadonlyMap<number, Handler>;
