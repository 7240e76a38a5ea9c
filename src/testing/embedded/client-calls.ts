// SPDX-License-Identifier: Apache-2.0
/** How does a broker ask a client something and get its answer? Source: Broker2Client.callClient. */
import { ConnectionError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { type ExtFields, encodeFrame, type Frame } from '../../protocol/frame.ts';
import type { Peer } from './broker.types.ts';
import { serverLanguage, serverVersion } from './server-version.ts';

export interface ClientRequest {
  readonly code: number;
  readonly fields: ExtFields;
  readonly body?: Buffer | undefined;
}

interface PendingCall {
  readonly peer: Peer;
  readonly timer: unknown;
  readonly onAnswer: (answer: Frame | undefined) => void;
}

export class ClientCalls {
  readonly #clock: Clock;
  readonly #pending = new Map<number, PendingCall>();
  #lastOpaque = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws ConnectionError `RMQ_REQUEST_TIMEOUT` when no answer came in time, or none can come any more */
  ask(peer: Peer, request: ClientRequest, timeoutMs: number): Promise<Frame> {
    const opaque = ++this.#lastOpaque;
    return new Promise((resolve, reject) => {
      const onAnswer = (answer: Frame | undefined): void => {
        const what = `request ${request.code} to the client at ${peer.address} was not answered`;
        if (answer !== undefined) resolve(answer);
        else reject(new ConnectionError('RMQ_REQUEST_TIMEOUT', `${what} within ${timeoutMs} ms`));
      };
      const timer = this.#clock.setTimeout(() => this.#end(opaque, undefined), timeoutMs);
      this.#pending.set(opaque, { peer, timer, onAnswer });
      peer.push(encodeFrame({ ...request, opaque, language: serverLanguage, version: serverVersion }));
    });
  }

  /** A response came; one that nobody waits for is ignored. */
  answered(peer: Peer, answer: Frame): void {
    if (this.#pending.get(answer.opaque)?.peer === peer) this.#end(answer.opaque, answer);
  }

  /** The connection is gone, and what was asked on it will not be answered. */
  forget(peer: Peer): void {
    for (const [opaque, call] of this.#pending) if (call.peer === peer) this.#end(opaque, undefined);
  }

  #end(opaque: number, answer: Frame | undefined): void {
    const call = this.#pending.get(opaque);
    if (call === undefined) return;
    this.#pending.delete(opaque);
    this.#clock.clearTimeout(call.timer);
    call.onAnswer(answer);
  }
}
