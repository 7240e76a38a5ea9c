// SPDX-License-Identifier: Apache-2.0
/** How do events get to an inspector page over a WebSocket that may be absent, slow, or gone? */
import { connect } from 'node:net';
import type { WebSocket } from 'ws';
import { ConfigError } from '../errors/errors.ts';
import type { StatelyInspection, StatelyLink } from './stately-events.ts';

export interface WebSocketLinkOptions {
  /** Default: ws://127.0.0.1:8080. */
  readonly url?: string | undefined;
}

/** Unit: ms. First wait before the page is tried again; it doubles up to `longestWait`. */
const firstWait = 1000;
const longestWait = 30_000;
/** A page that does not answer the handshake is not there. Unit: ms. */
const handshakeTimeout = 2000;
/** A page that is this far behind is cut off; when it comes again it is told of all there is. Unit: bytes. */
const mostUnsent = 1 << 20;

/**
 * A WebSocket client that does not keep the process alive: neither its socket nor its timers do. It needs the
 * package `ws`, which comes with @statelyai/inspect; without it `start` warns once and nothing is ever sent.
 * @throws ConfigError when the url is none
 */
export function webSocketLink({ url = 'ws://127.0.0.1:8080' }: WebSocketLinkOptions = {}): StatelyLink {
  return new WebSocketLink(webSocketUrl(url));
}

function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'ws:' || url?.protocol === 'wss:') return url;
  throw new ConfigError([
    { option: 'url', problem: `'${text}' is no WebSocket address`, hint: "Write 'ws://127.0.0.1:8080'." },
  ]);
}

/** off → probing → dialing → open → waiting → probing …; stopped from each of them, for good. */
type Phase =
  | { readonly is: 'off' | 'probing' | 'dialing' | 'stopped' }
  | { readonly is: 'open'; readonly socket: WebSocket }
  | { readonly is: 'waiting'; readonly timer: NodeJS.Timeout };

class WebSocketLink implements StatelyLink {
  readonly #url: URL;
  readonly #listeners: (() => void)[] = [];
  #phase: Phase = { is: 'off' };
  #socket: WebSocket | undefined;
  #wait = firstWait;

  constructor(url: URL) {
    this.#url = url;
  }

  isOpen(): boolean {
    return this.#phase.is === 'open';
  }

  onOpen(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    if (this.#phase.is === 'off') this.#probe();
  }

  stop(): void {
    if (this.#phase.is === 'waiting') clearTimeout(this.#phase.timer);
    this.#phase = { is: 'stopped' };
    this.#socket?.terminate();
  }

  send(event: StatelyInspection): void {
    if (this.#phase.is !== 'open') return;
    const { socket } = this.#phase;
    if (socket.bufferedAmount > mostUnsent) socket.terminate();
    else socket.send(JSON.stringify(event));
  }

  /** Whether anybody listens there. `ws` is loaded only then: that takes longer than a consumer needs to start. */
  #probe(): void {
    this.#phase = { is: 'probing' };
    const { hostname, port, protocol } = this.#url;
    const probe = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'wss:' ? 443 : 80),
    });
    probe.unref().setTimeout(handshakeTimeout, () => probe.destroy());
    probe.once('connect', () => {
      probe.destroy();
      if (this.#phase.is === 'probing') this.#dial();
    });
    probe.on('error', () => {}); // followed by close
    probe.once('close', () => {
      if (this.#phase.is === 'probing') this.#retry();
    });
  }

  #dial(): void {
    this.#phase = { is: 'dialing' };
    import('ws').then(
      ({ WebSocket }) => this.#open(WebSocket),
      (error: unknown) => {
        this.#phase = { is: 'stopped' };
        process.emitWarning(`The Stately inspector needs the package ws: npm install ws (${String(error)})`, {
          type: 'RocketmqActorsWarning',
        });
      },
    );
  }

  #open(Socket: typeof WebSocket): void {
    if (this.#phase.is !== 'dialing') return;
    const socket = new Socket(this.#url, {
      handshakeTimeout,
      finishRequest: request => {
        request.on('socket', connection => connection.unref());
        request.end();
      },
    });
    this.#socket = socket;
    socket.on('open', () => {
      this.#phase = { is: 'open', socket };
      this.#wait = firstWait;
      for (const listener of this.#listeners) listener();
    });
    socket.on('message', () => {}); // what the page says is not asked for
    socket.on('error', () => {}); // followed by close
    socket.on('close', () => this.#retry());
  }

  #retry(): void {
    if (this.#phase.is === 'stopped') return;
    this.#socket = undefined;
    const timer = setTimeout(() => this.#probe(), this.#wait).unref();
    this.#phase = { is: 'waiting', timer };
    this.#wait = Math.min(this.#wait * 2, longestWait);
  }
}
