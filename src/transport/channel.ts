// SPDX-License-Identifier: Apache-2.0
/** Which answer belongs to which call on one connection? Frames in both directions over one socket. */
import { ConnectionError, ProtocolError, RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Address } from '../model/route.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { decodeFrame, encodeFrame, isResponse } from '../protocol/frame.ts';
import { FrameSplitter } from '../protocol/frame-splitter.ts';
import {
  type Caller,
  type CallOutcome,
  callbackFailed,
  type Encode,
  failLater,
  lost,
  type OnOutcome,
  queueFull,
  settle,
  type TransportCounters,
  timedOut,
} from './call.ts';
import type { Identity } from './identity.ts';
import type { TransportLimits } from './limits.ts';
import type { OpaqueSequence } from './opaque-sequence.ts';
import { type PendingCall, PendingCalls } from './pending-calls.ts';
import type { Socket, SocketHandlers } from './ports.ts';
import { type ServeOptions, type ServerReply, type ServerRequestHandler, serve } from './server-requests.ts';

export interface ChannelOptions {
  readonly address: Address;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly namespace?: Namespace | undefined;
  /** Shared by all connections of one line: an answer of the old one fits no call of the new one. */
  readonly opaques: OpaqueSequence;
  readonly counters: TransportCounters;
  readonly identity?: Identity | undefined;
  readonly onServerRequest: ServerRequestHandler;
  /** A callback threw: a defect, reported and survived. Must not throw. */
  readonly onFault: (error: RocketmqError) => void;
  /** Once, before the pending calls fail. */
  readonly onClosed: (error: RocketmqError) => void;
  /** Once: the peer answered a call with GO_AWAY. Calls that it has not refused yet may still end here; no other is taken. */
  readonly onLeaving?: ((error: RocketmqError) => void) | undefined;
}

/**
 * One connection. Made before it is dialled: `handlers` go to the dialer, `open` takes the socket it answers.
 * Bytes that cannot be decoded close it; nothing is thrown out of a socket callback.
 */
export class Channel implements Caller {
  readonly address: Address;
  readonly handlers: SocketHandlers;
  readonly #options: ChannelOptions;
  readonly #serveOptions: ServeOptions;
  readonly #pending: PendingCalls;
  readonly #splitter: FrameSplitter;
  #socket: Socket | undefined;
  #closedBy: RocketmqError | undefined;
  /** Opened, or last heard of. Monotonic ms. */
  #heardAt: number;
  /** Since when the peer has owed an answer that did not come, with nothing heard of it. Monotonic ms. */
  #deafSince = Number.POSITIVE_INFINITY;
  #onIdle: (() => void) | undefined;
  /** The peer goes away: nothing is written here any more. */
  #leaving: RocketmqError | undefined;

  constructor(options: ChannelOptions) {
    const { address, clock, limits, onFault } = options;
    this.address = address;
    this.handlers = {
      onData: chunk => this.#receive(chunk),
      onClose: cause => this.#socketClosed(cause),
    };
    this.#options = options;
    this.#serveOptions = {
      address,
      handler: options.onServerRequest,
      answer: (opaque, reply) => this.#answer(opaque, reply),
      onFault,
    };
    this.#pending = new PendingCalls(clock, expired => this.#expire(expired));
    this.#splitter = new FrameSplitter({ maxFrameSize: limits.maxFrameSize });
    this.#heardAt = clock.now();
  }

  get namespace(): Namespace | undefined {
    return this.#options.namespace;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined && this.#closedBy === undefined && this.#leaving === undefined;
  }

  get identity(): Identity | undefined {
    return this.#options.identity;
  }

  /** Calls written and not ended. */
  get pendingCalls(): number {
    return this.#pending.size;
  }

  /** Our IP as the peer sees it, where known. */
  get localAddress(): string | undefined {
    return this.#socket?.localAddress;
  }

  /** Takes the socket that the dialer opened with `handlers`. One that comes after `close` is destroyed. */
  open(socket: Socket): void {
    this.#socket = socket;
    this.#heardAt = this.#options.clock.now();
    if (this.#closedBy !== undefined) socket.destroy();
  }

  call(encode: Encode, timeoutMs: number, what: string, onOutcome: OnOutcome): void {
    const { opaques, clock, onFault } = this.#options;
    const refusal = this.#refusal(what);
    if (refusal !== undefined) {
      failLater(onOutcome, what, refusal, onFault);
      return;
    }
    const opaque = opaques.next(this.#pending);
    let bytes: Buffer;
    try {
      bytes = encode(opaque);
    } catch (thrown) {
      failLater(onOutcome, what, toRocketmqError(thrown), onFault);
      return;
    }
    this.send({ opaque, what, timeoutMs, deadline: clock.now() + timeoutMs, onOutcome }, bytes);
  }

  /** Writes a call that was encoded before, with the deadline it has had since. For the line. */
  send(call: PendingCall, bytes: Buffer): void {
    this.#pending.add(call);
    this.#socket?.write(bytes);
  }

  oneway(encode: Encode, what: string): boolean {
    if (this.#refusal(what) !== undefined) return false;
    try {
      this.#socket?.write(encode(this.#options.opaques.next(this.#pending)));
      return true;
    } catch (thrown) {
      this.#options.onFault(callbackFailed(`encoding ${what}`, thrown));
      return false;
    }
  }

  cancel(onOutcome: OnOutcome): void {
    this.#pending.takeOf(onOutcome);
    this.#checkIdle();
  }

  /** Calls `onIdle` once when nothing is pending: at once, or after the last call ended; not after `close`. */
  whenIdle(onIdle: () => void): void {
    this.#onIdle = onIdle;
    this.#checkIdle();
  }

  /** Hangs up: the socket is destroyed, `onClosed` told, then every pending call fails once. Safe to call again. */
  close(error: RocketmqError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.#onIdle = undefined;
    this.#guard('destroying the socket', () => this.#socket?.destroy());
    this.#guard('onClosed', () => this.#options.onClosed(error));
    for (const { onOutcome, what } of this.#pending.takeAll()) {
      const failure = lost(what, this.address, error);
      settle(onOutcome, what, { kind: 'failed', error: failure }, this.#options.onFault);
    }
  }

  /** Why a call cannot be made now. */
  #refusal(what: string): RocketmqError | undefined {
    const { limits, counters } = this.#options;
    const end = this.#closedBy ?? this.#leaving;
    if (end !== undefined) return lost(what, this.address, end);
    if (this.#pending.size >= limits.maxPendingCalls) {
      counters.refusedCalls += 1;
      return queueFull(what, this.address, `the limit of ${limits.maxPendingCalls} unanswered calls`);
    }
    if (this.#socket !== undefined && this.#socket.queuedBytes >= limits.maxQueuedBytes) {
      counters.refusedCalls += 1;
      return queueFull(what, this.address, `the limit of ${limits.maxQueuedBytes} bytes not yet taken`);
    }
    return undefined;
  }

  #receive(chunk: Buffer): void {
    if (this.#closedBy !== undefined) return;
    this.#heardAt = this.#options.clock.now();
    this.#deafSince = Number.POSITIVE_INFINITY;
    try {
      this.#splitter.push(chunk, this.#onFrame);
    } catch (thrown) {
      this.#options.counters.brokenFrames += 1;
      this.close(unreadable(this.address, thrown));
    }
  }

  /** Throws only what decoding throws: callbacks are guarded. */
  readonly #onFrame = (bytes: Buffer): void => {
    if (this.#closedBy !== undefined) return; // a callback hung up while the rest of the chunk was being read
    const frame = decodeFrame(bytes);
    if (!isResponse(frame)) {
      this.#options.counters.serverRequests += 1;
      serve(frame, this.#serveOptions);
      return;
    }
    const call = this.#pending.take(frame.opaque);
    if (call === undefined) {
      this.#options.counters.droppedReplies += 1;
      return;
    }
    const outcome: CallOutcome =
      frame.code === ResponseCode.GO_AWAY ? this.#turnedAway(call) : { kind: 'answered', frame };
    settle(call.onOutcome, call.what, outcome, this.#options.onFault);
    this.#checkIdle();
  };

  /** To its caller it is a lost connection, which all of them get over: nothing of it was done, it may be repeated over the next one. */
  #turnedAway({ what }: PendingCall): CallOutcome {
    const isNews = this.#leaving === undefined;
    this.#leaving ??= goesAway(this.address);
    const error = this.#leaving;
    if (isNews) this.#guard('onLeaving', () => this.#options.onLeaving?.(error));
    return { kind: 'failed', error: lost(what, this.address, error) };
  }

  #answer(opaque: number, reply: ServerReply): void {
    if (this.#closedBy !== undefined) return;
    this.#guard('encoding an answer', () => this.#socket?.write(encodeFrame({ ...reply, opaque, flag: 1 })));
  }

  #expire(expired: readonly PendingCall[]): void {
    const { counters, limits, clock, onFault } = this.#options;
    counters.timedOutCalls += expired.length;
    for (const { deadline, timeoutMs } of expired) {
      this.#deafSince = Math.min(this.#deafSince, Math.max(this.#heardAt, deadline - timeoutMs));
    }
    for (const { onOutcome, what, timeoutMs } of expired) {
      const error = timedOut(what, timeoutMs, this.address);
      settle(onOutcome, what, { kind: 'failed', error }, onFault);
    }
    const deafMs = clock.now() - this.#deafSince;
    if (deafMs >= limits.deafAfterMs) this.close(deaf(this.address, Math.round(deafMs)));
    this.#checkIdle();
  }

  #socketClosed(cause: Error | undefined): void {
    this.close(brokenOff(this.address, cause));
  }

  #checkIdle(): void {
    if (this.#onIdle === undefined || this.#pending.size > 0) return;
    const onIdle = this.#onIdle;
    this.#onIdle = undefined;
    this.#guard('onIdle', onIdle);
  }

  #guard(what: string, fn: () => void): void {
    try {
      fn();
    } catch (thrown) {
      this.#options.onFault(callbackFailed(`${what} of the connection to ${this.address}`, thrown));
    }
  }
}

function brokenOff(address: Address, cause: Error | undefined): RocketmqError {
  if (cause instanceof RocketmqError) return cause; // the dialer knows better, such as which certificate was refused
  const why = cause === undefined ? 'the peer closed it' : cause.message;
  const message = `connection to ${address} lost: ${why}`;
  return new ConnectionError('RMQ_CONNECTION_LOST', message, { context: { address }, cause });
}

function goesAway(address: Address): ConnectionError {
  const message = `${address} goes away (${ResponseCode.GO_AWAY} GO_AWAY)`;
  return new ConnectionError('RMQ_CONNECTION_LOST', message, { context: { address } });
}

/** The codec's error with the address of the peer. */
function unreadable(address: Address, thrown: unknown): ProtocolError {
  const error = toRocketmqError(thrown, 'RMQ_BAD_FRAME');
  return new ProtocolError(error.code, `${address}: ${error.message}`, {
    context: { ...error.context, address },
    cause: thrown,
  });
}

function deaf(address: Address, deafMs: number): ConnectionError {
  const message = `${address} has sent nothing for ${deafMs} ms and owes answers`;
  return new ConnectionError('RMQ_CONNECTION_LOST', message, { context: { address, deafMs } });
}
