// SPDX-License-Identifier: Apache-2.0
/** Where does everybody call one peer, whether it is connected just now or not? A line outlives its connections. */
import { type RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Address } from '../model/route.ts';
import {
  type Caller,
  type Encode,
  failLater,
  lost,
  newCounters,
  type OnOutcome,
  queueFull,
  settle,
  type TransportCounters,
  timedOutWaiting,
} from './call.ts';
import { Channel } from './channel.ts';
import type { Identity } from './identity.ts';
import type { TransportLimits } from './limits.ts';
import { OpaqueSequence } from './opaque-sequence.ts';
import { type PendingCall, PendingCalls } from './pending-calls.ts';
import type { ServerRequestHandler } from './server-requests.ts';

export interface LineOptions {
  readonly address: Address;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly namespace?: Namespace | undefined;
  /** Default: nothing is signed. */
  readonly identity?: Identity | undefined;
  readonly onServerRequest: ServerRequestHandler;
  /** A callback threw: a defect, reported and survived. Must not throw. */
  readonly onFault: (error: RocketmqError) => void;
  /** Once, when the line is closed for good. */
  readonly onClosed?: (error: RocketmqError) => void;
}

/**
 * The durable end for one address. Calls made while no connection is attached wait, in order, until their deadline or
 * until the queue is full; what was already written when a connection broke fails and is not repeated.
 */
export class Line implements Caller {
  readonly address: Address;
  readonly counters: TransportCounters = newCounters();
  readonly #options: LineOptions;
  readonly #opaques = new OpaqueSequence();
  readonly #waiting: PendingCalls;
  #waitingBytes = 0;
  #channel: Channel | undefined;
  /** Why there is no connection, as far as known. */
  #cause: RocketmqError | undefined;
  #closedBy: RocketmqError | undefined;

  constructor(options: LineOptions) {
    this.address = options.address;
    this.#options = options;
    this.#waiting = new PendingCalls(options.clock, expired => this.#expire(expired));
  }

  get namespace(): Namespace | undefined {
    return this.#options.namespace;
  }

  /** A connection is attached: a call is written now. */
  get isOpen(): boolean {
    return this.#channel?.isOpen === true && this.#closedBy === undefined;
  }

  /** Closed for good: a new line is needed. */
  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  get identity(): Identity | undefined {
    return this.#options.identity;
  }

  get waitingCalls(): number {
    return this.#waiting.size;
  }

  get pendingCalls(): number {
    return this.#channel?.pendingCalls ?? 0;
  }

  /** Our IP on the attached connection, where known. */
  get localAddress(): string | undefined {
    return this.#channel?.localAddress;
  }

  /** A connection to be, with this line's numbers, limits and handlers; `attach` it when it is greeted. */
  createChannel(
    onClosed: (error: RocketmqError) => void,
    onLeaving?: (error: RocketmqError) => void,
  ): Channel {
    const { address, clock, limits, namespace, identity, onServerRequest, onFault } = this.#options;
    const { counters } = this;
    const opaques = this.#opaques;
    return new Channel({
      ...{ address, clock, limits, namespace, identity, opaques, counters },
      ...{ onServerRequest, onFault, onClosed, onLeaving },
    });
  }

  /** Calls go over this connection from now on; those that waited are written first, in order. */
  attach(channel: Channel): void {
    if (this.#closedBy !== undefined || !channel.isOpen) return;
    this.#channel = channel;
    this.#cause = undefined;
    this.#waitingBytes = 0;
    for (const call of this.#waiting.takeAll()) if (call.bytes !== undefined) channel.send(call, call.bytes);
  }

  /** There is no connection, and why: for the errors of calls that wait in vain. The old one is closed by its owner. */
  detach(error: RocketmqError): void {
    this.#channel = undefined;
    this.#cause = error;
  }

  /** Calls `onIdle` once when no call is pending on the attached connection: at once, or when the last one ended. */
  whenIdle(onIdle: () => void): void {
    if (this.#channel?.isOpen === true) this.#channel.whenIdle(onIdle);
    else onIdle();
  }

  /** For good: calls that wait fail now, new ones at once; those already written end on their connection. */
  close(error: RocketmqError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.#waitingBytes = 0;
    this.#options.onClosed?.(error);
    for (const { onOutcome, what } of this.#waiting.takeAll()) {
      const failure = lost(what, this.address, error);
      settle(onOutcome, what, { kind: 'failed', error: failure }, this.#options.onFault);
    }
  }

  call(encode: Encode, timeoutMs: number, what: string, onOutcome: OnOutcome): void {
    if (this.isOpen) this.#channel?.call(encode, timeoutMs, what, onOutcome);
    else this.#wait(encode, timeoutMs, what, onOutcome);
  }

  oneway(encode: Encode, what: string): boolean {
    return this.isOpen && this.#channel?.oneway(encode, what) === true;
  }

  cancel(onOutcome: OnOutcome): void {
    for (const call of this.#waiting.takeOf(onOutcome)) this.#waitingBytes -= call.bytes?.length ?? 0;
    this.#channel?.cancel(onOutcome);
  }

  #wait(encode: Encode, timeoutMs: number, what: string, onOutcome: OnOutcome): void {
    const { clock, onFault } = this.#options;
    try {
      const opaque = this.#opaques.next(this.#waiting);
      const bytes = encode(opaque);
      const refusal = this.#refusal(what, bytes.length);
      if (refusal === undefined) {
        this.#waitingBytes += bytes.length;
        this.#waiting.add({ opaque, what, timeoutMs, deadline: clock.now() + timeoutMs, onOutcome, bytes });
      } else failLater(onOutcome, what, refusal, onFault);
    } catch (thrown) {
      failLater(onOutcome, what, toRocketmqError(thrown), onFault);
    }
  }

  #refusal(what: string, size: number): RocketmqError | undefined {
    const { maxWaitingCalls, maxWaitingBytes } = this.#options.limits;
    if (this.#closedBy !== undefined) return lost(what, this.address, this.#closedBy);
    const tooMany = this.#waiting.size >= maxWaitingCalls;
    if (!tooMany && this.#waitingBytes + size <= maxWaitingBytes) return undefined;
    this.counters.refusedCalls += 1;
    const limit = tooMany ? `${maxWaitingCalls} calls` : `${maxWaitingBytes} bytes`;
    return queueFull(what, this.address, `the limit of ${limit} waiting for a connection`);
  }

  #expire(expired: readonly PendingCall[]): void {
    this.counters.timedOutCalls += expired.length;
    for (const { onOutcome, what, timeoutMs, bytes } of expired) {
      this.#waitingBytes -= bytes?.length ?? 0;
      const error = timedOutWaiting(what, timeoutMs, this.address, this.#cause);
      settle(onOutcome, what, { kind: 'failed', error }, this.#options.onFault);
    }
  }
}
