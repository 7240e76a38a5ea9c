// SPDX-License-Identifier: Apache-2.0
/** Which requests were received? A list of bounded length that can be searched and waited for. */
import { RocketmqError } from '../../errors/errors.ts';
import type { ReceivedRequest, RequestMatch } from './cluster.types.ts';
import { codeOfRequest } from './received-request.ts';

/** A request in the log; its answer is filled in. */
export interface LoggedRequest extends ReceivedRequest {
  answer: ReceivedRequest['answer'];
}

interface Waiter {
  readonly matches: (request: ReceivedRequest) => boolean;
  readonly resolve: (request: ReceivedRequest) => void;
  readonly reject: (error: Error) => void;
  left: number;
}

/** Most requests kept. */
const defaultLimit = 10_000;

export class RequestLog {
  readonly #limit: number;
  #requests: ReceivedRequest[] = [];
  readonly #waiters = new Set<Waiter>();
  #isClosed = false;

  constructor(limit = defaultLimit) {
    this.#limit = limit;
  }

  add(request: ReceivedRequest): void {
    this.#requests.push(request);
    if (this.#requests.length >= 2 * this.#limit) this.#requests = this.#requests.slice(-this.#limit); // rarely, not one by one
    for (const waiter of this.#waiters) {
      if (!waiter.matches(request)) continue;
      waiter.left -= 1;
      if (waiter.left > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(request);
    }
  }

  /** Oldest first, the newest 10,000 at most. */
  select(match: RequestMatch = {}): readonly ReceivedRequest[] {
    return this.#requests.slice(-this.#limit).filter(matcherOf(match));
  }

  /** Resolves with the request that is the so-manieth to match; those in the log count. */
  until(match: RequestMatch, times: number): Promise<ReceivedRequest> {
    const matches = matcherOf(match);
    const found = this.#requests.filter(matches);
    const last = found[Math.max(1, times) - 1];
    if (last !== undefined) return Promise.resolve(last);
    if (this.#isClosed) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      this.#waiters.add({ matches, resolve, reject, left: times - found.length });
    });
  }

  /** Nothing will be added any more: who still waits is told so. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiters) reject(stopped());
    this.#waiters.clear();
  }
}

function stopped(): RocketmqError {
  return new RocketmqError(
    'RMQ_ABORTED',
    'the embedded cluster was stopped before the request that was waited for came',
  );
}

/**
 * Tells which requests are meant: all that is given must be so.
 * @throws RocketmqError `RMQ_COMMAND_REFUSED` for a name that no request has
 */
export function matcherOf(match: RequestMatch): (request: ReceivedRequest) => boolean {
  const { server, group, topic, queueId, where } = match;
  const code = match.request === undefined ? undefined : codeOfRequest(match.request);
  return request =>
    (code === undefined || request.code === code) &&
    (server === undefined || request.server === server) &&
    (group === undefined || request.group === group) &&
    (topic === undefined || request.topic === topic) &&
    (queueId === undefined || request.queueId === queueId) &&
    (where === undefined || where(request));
}
