// SPDX-License-Identifier: Apache-2.0
/** What does the transport need from outside? One function that opens a byte stream. Source of the default: tcp-dialer.ts. */
import type { Address } from '../model/route.ts';

/** An open byte stream to a peer. */
export interface Socket {
  /** Writes bytes; several writes of one turn may travel together. Never throws, and calls no handler before it returns. */
  write(bytes: Uint8Array): void;
  /** Bytes accepted by write but not yet taken by the network. */
  readonly queuedBytes: number;
  /** Closes at once; `onClose` follows. Safe to call again. */
  destroy(): void;
  /** Local address as the peer sees it, `ip`, where known. */
  readonly localAddress: string | undefined;
}

/** What a dialer calls when something happens on its socket. */
export interface SocketHandlers {
  /** Bytes in the order in which they were sent, cut anywhere. */
  onData(chunk: Buffer): void;
  /** Exactly once, whatever ended it. */
  onClose(error: Error | undefined): void;
  /** The bytes queued before have been taken. */
  onDrain?(): void;
}

/** Opens a stream to `host:port`, or rejects with a ConnectionError RMQ_CONNECT_FAILED naming host and port. Resolves host names anew each time. */
export interface Dialer {
  /** Opens one connection within `timeoutMs`; the signal gives up. */
  dial(
    address: Address,
    handlers: SocketHandlers,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<Socket>;
}
