// SPDX-License-Identifier: Apache-2.0
/** Which line leads to which address? One per address; whoever asks for a new one makes a connection wanted. */
import type { RocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Address } from '../model/route.ts';
import type { HeaderOf, Request } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Identity } from './identity.ts';
import { defaultLimits, type TransportLimits } from './limits.ts';
import { Line } from './line.ts';
import { ask, type OnewayOptions, type RequestOptions, tell } from './request.ts';
import type { ServerRequestHandler } from './server-requests.ts';

export interface SwitchboardOptions {
  readonly clock: Clock;
  /** Default: {@link defaultLimits}. */
  readonly limits?: TransportLimits;
  /** Whose topics and groups are called. Default: nobody's in particular. */
  readonly namespace?: Namespace | undefined;
  /** Signs every request. Default: nothing is signed. */
  readonly identity?: Identity | undefined;
  /** Once per new line, inside `line()`: spawn a connection actor for it. */
  readonly onWanted: (address: Address, line: Line) => void;
  /** Default: every request of a peer is answered 3, "not supported". */
  readonly onServerRequest?: ServerRequestHandler;
  /** A callback threw: a defect, reported and survived. Default: a process warning. */
  readonly onFault?: (error: RocketmqError) => void;
}

/**
 * All lines of one consumer or producer.
 * @example
 * const switchboard = new Switchboard({ clock, onWanted: (address, line) => actor.send({ type: 'connection.wanted', address, line }) });
 * const frame = await switchboard.request(address, maxOffset, { topic, queueId }, { timeoutMs: 3000, what: 'max offset of orders-0@broker-a' });
 */
export class Switchboard {
  readonly #options: SwitchboardOptions;
  readonly #lines = new Map<Address, Line>();
  #closedBy: RocketmqError | undefined;

  constructor(options: SwitchboardOptions) {
    this.#options = options;
  }

  /** The line to an address: the one there is, or a new one. A line that was closed is replaced. */
  line(address: Address): Line {
    const known = this.#lines.get(address);
    if (known !== undefined) return known;
    const { clock, limits = defaultLimits, namespace, identity, onWanted, onFault = warn } = this.#options;
    const onServerRequest = this.#options.onServerRequest ?? (() => false);
    const onClosed = (): void => {
      this.#lines.delete(address);
    };
    const own = { namespace, identity };
    const line = new Line({ address, clock, limits, ...own, onServerRequest, onFault, onClosed });
    if (this.#closedBy !== undefined) {
      line.close(this.#closedBy);
      return line;
    }
    this.#lines.set(address, line);
    onWanted(address, line);
    return line;
  }

  /** Whether there is a line to it, and a call now would not wait. Makes no line. */
  isOpen(address: Address): boolean {
    return this.#lines.get(address)?.isOpen === true;
  }

  /** Addresses with a line. */
  addresses(): readonly Address[] {
    return [...this.#lines.keys()];
  }

  /** Lines there are, for figures and the inspector. */
  lines(): readonly Line[] {
    return [...this.#lines.values()];
  }

  /** Asks and waits; see {@link ask}. Any response code resolves. */
  request<R extends Request>(
    address: Address,
    request: R,
    header: HeaderOf<R>,
    options: RequestOptions,
  ): Promise<Frame> {
    return ask(this.line(address), request, header, options);
  }

  /** Sends without an answer; see {@link tell}. */
  oneway<R extends Request>(
    address: Address,
    request: R,
    header: HeaderOf<R>,
    options: OnewayOptions,
  ): boolean {
    return tell(this.line(address), request, header, options);
  }

  /** Closes every line for good, those asked for later too. Connections are closed by their actors. */
  closeAll(error: RocketmqError): void {
    this.#closedBy ??= error;
    for (const line of this.lines()) line.close(error);
  }
}

function warn(error: RocketmqError): void {
  process.emitWarning(error.message, { type: 'RocketmqActorsWarning', code: error.code });
}
