// SPDX-License-Identifier: Apache-2.0
/** Where does a topic live, as the name servers know it? One of them is asked; the next only when it fails. */
import { ConnectionError, type RocketmqError, toError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Address, TopicRoute } from '../model/route.ts';
import { parseRoute } from '../protocol/bodies/route.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { routeByTopic } from '../protocol/requests/route-by-topic.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import { ask, type CallOptions } from './request.ts';
import type { RouteGate } from './route-gate.ts';
import type { Switchboard } from './switchboard.ts';
import { tlsErrorIn } from './tls-errors.ts';

export interface NameServerCallsOptions {
  readonly switchboard: Switchboard;
  /** At least one, in the user's order. */
  readonly addresses: readonly Address[];
  readonly clock: Clock;
  /** Picks the first one asked, so that clients spread. A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
  /** Which addresses of a route are let in. Default: all. */
  readonly gate?: RouteGate | undefined;
}

interface Attempt {
  readonly address: Address;
  readonly error: Error;
}

/** Questions to the name servers. The one that answered last is asked first. Source: NettyRemotingClient.getAndCreateNameserverChannel. */
export class NameServerCalls {
  readonly #options: NameServerCallsOptions;
  #sticky: number;

  constructor(options: NameServerCallsOptions) {
    this.#options = options;
    this.#sticky = Math.floor(options.random() * options.addresses.length);
  }

  /** The one asked first. */
  get current(): Address | undefined {
    return this.#options.addresses[this.#sticky];
  }

  /**
   * The route of a topic, or undefined when the name server does not know the topic (17).
   * @throws ConnectionError `RMQ_NAME_SERVER_UNAVAILABLE` naming all name servers when none answered within `timeoutMs`;
   *   `RMQ_TLS_…` when encryption stood against each of them;
   *   RocketmqError `RMQ_ABORTED` through the signal
   */
  async route(topic: string, { timeoutMs, signal }: CallOptions): Promise<TopicRoute | undefined> {
    const { clock, addresses } = this.#options;
    const deadline = clock.now() + timeoutMs;
    const failed: Attempt[] = [];
    for (const address of this.#order()) {
      const left = Math.max(1, deadline - clock.now());
      const share = Math.ceil(left / (addresses.length - failed.length)); // the last one gets all that is left
      try {
        const route = await this.#ask(address, topic, { timeoutMs: share, signal });
        this.#sticky = addresses.indexOf(address);
        return route;
      } catch (thrown) {
        if (signal?.aborted === true) throw thrown;
        failed.push({ address, error: toError(thrown) });
      }
    }
    throw unavailable(topic, timeoutMs, failed);
  }

  /**
   * What the others than {@link current} know of a topic: the first that knows it, which is asked first from then on.
   * Undefined when none does, none answers, or there is no other; a name server that has just been started knows nothing.
   */
  async routeElsewhere(topic: string, { timeoutMs, signal }: CallOptions): Promise<TopicRoute | undefined> {
    const { addresses } = this.#options;
    const others = this.#order().filter(address => address !== this.current);
    for (const address of others) {
      try {
        const route = await this.#ask(address, topic, {
          timeoutMs: Math.ceil(timeoutMs / others.length),
          signal,
        });
        if (route === undefined) continue;
        this.#sticky = addresses.indexOf(address);
        return route;
      } catch (thrown) {
        if (signal?.aborted === true) throw thrown;
      }
    }
    return undefined;
  }

  /** From the sticky one on and around; those connected just now before the others. */
  #order(): readonly Address[] {
    const { addresses, switchboard } = this.#options;
    const around = [...addresses.slice(this.#sticky), ...addresses.slice(0, this.#sticky)];
    const open = around.filter(address => switchboard.isOpen(address));
    return [...open, ...around.filter(address => !open.includes(address))];
  }

  async #ask(address: Address, topic: string, options: CallOptions): Promise<TopicRoute | undefined> {
    const what = `route of ${topic} from ${address}`;
    const header = { topic, acceptStandardJsonOnly: true };
    const line = this.#options.switchboard.line(address);
    const frame = await ask(line, routeByTopic, header, { ...options, what });
    if (frame.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
    if (frame.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) throw notANameServer(address);
    if (frame.code !== ResponseCode.SUCCESS) throw errorOfResponse(what, frame, address);
    const route = parseRoute(frame.body);
    return this.#options.gate?.admit(route) ?? route;
  }
}

/** A broker knows every request but this one. */
function notANameServer(address: Address): ConnectionError {
  return new ConnectionError('RMQ_NOT_A_NAME_SERVER', `${address} is no name server: it is a broker`, {
    context: { address },
  });
}

function unavailable(topic: string, timeoutMs: number, failed: readonly Attempt[]): RocketmqError {
  const refused = failed.flatMap(({ error }) => tlsErrorIn(error) ?? []);
  if (refused[0] !== undefined && refused.length === failed.length) return refused[0];
  const tries = failed.map(({ error }) => error.message).join('; ');
  const all = failed.map(({ address }) => address).join(', ');
  const message = `no name server of ${all} told the route of ${topic} within ${timeoutMs} ms: ${tries}`;
  return new ConnectionError('RMQ_NAME_SERVER_UNAVAILABLE', message, {
    context: { topic, addresses: failed.map(({ address }) => address), timeoutMs },
    cause:
      failed.length === 1
        ? failed[0]?.error
        : new AggregateError(
            failed.map(({ error }) => error),
            message,
          ),
  });
}
