// SPDX-License-Identifier: Apache-2.0
/** How does a request come in, and its answer go out? One listener on 127.0.0.1 for a name server or a broker; it can be killed and stopped like a process. */
import { once } from 'node:events';
import net from 'node:net';
import { ConnectionError, toError } from '../../errors/errors.ts';
import { assertNever } from '../../model/assert-never.ts';
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';
import { ResponseCode } from '../../protocol/codes.ts';
import { encodeFrame, type Frame, isOneway, isResponse } from '../../protocol/frame.ts';
import type { Handler, Handlers, Peer, Reply, Respond } from './broker.types.ts';
import { ClientCalls, type ClientRequest } from './client-calls.ts';
import type { EmbeddedServer, Interference } from './cluster.types.ts';
import { Connection } from './connection.ts';
import type { Interferences } from './interference.ts';
import { nameOfRequest, subjectOf } from './received-request.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';
import { serverLanguage, serverVersion } from './server-version.ts';

export interface ServerOptions {
  readonly name: string;
  /** 0: a free one, kept from then on. */
  readonly port: number;
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly log: RequestLog;
  readonly interferences: Interferences;
  /** Something was read, written, opened or closed. */
  readonly onActivity: () => void;
  readonly onDisconnect?: (peer: Peer) => void;
  /** It listens. */
  readonly onStarted?: () => void;
  /** It listens no more, and its connections are about to break. */
  readonly onKilled?: () => void;
}

const host = '127.0.0.1';

export class Server implements EmbeddedServer {
  readonly name: string;
  readonly #options: ServerOptions;
  readonly #calls: ClientCalls;
  readonly #connections = new Set<Connection>();
  /** Timers of requests that are delayed by a rule. */
  readonly #delays = new Set<unknown>();
  #port: number;
  #listener: net.Server | undefined;
  /** The start or end under way: the next one waits for it. */
  #transition: Promise<void> = Promise.resolve();
  #isSuspended = false;

  constructor(options: ServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#port = options.port;
    this.#calls = new ClientCalls(options.clock);
  }

  get address(): Address {
    return `${host}:${this.#port}`;
  }

  get isRunning(): boolean {
    return this.#listener !== undefined;
  }

  /** @throws ConnectionError `RMQ_CONNECT_FAILED` when the port is taken */
  start(): Promise<void> {
    return this.#then(async () => {
      if (this.#listener !== undefined) return;
      const listener = net.createServer({ noDelay: true }, socket => this.#accept(socket));
      try {
        await once(listener.listen(this.#port, host), 'listening');
      } catch (error) {
        const what = `${this.name} cannot listen on ${this.address}: ${toError(error).message}`;
        throw new ConnectionError('RMQ_CONNECT_FAILED', what, { cause: error });
      }
      const bound = listener.address();
      if (typeof bound === 'object' && bound !== null) this.#port = bound.port;
      this.#listener = listener;
      this.#options.onStarted?.();
    });
  }

  kill(): Promise<void> {
    return this.#then(async () => {
      const listener = this.#listener;
      if (listener === undefined) return;
      this.#listener = undefined;
      this.#isSuspended = false;
      for (const timer of this.#delays) this.#options.clock.clearTimeout(timer);
      this.#delays.clear();
      this.#options.onKilled?.();
      const closed = once(listener, 'close');
      listener.close();
      for (const connection of this.#connections) connection.close();
      await closed; // after the last connection
    });
  }

  suspend(): void {
    if (this.#isSuspended || !this.isRunning) return;
    this.#isSuspended = true;
    for (const connection of this.#connections) connection.suspend();
  }

  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#options.onActivity();
    for (const connection of this.#connections) connection.resume();
  }

  /** @throws ConnectionError `RMQ_REQUEST_TIMEOUT` when the client does not answer in time */
  ask(peer: Peer, request: ClientRequest, timeoutMs: number): Promise<Frame> {
    return this.#calls.ask(peer, request, timeoutMs);
  }

  /** Starts and ends follow one another, whoever waits for them. */
  #then(step: () => Promise<void>): Promise<void> {
    const result = this.#transition.then(step);
    this.#transition = result.catch(() => undefined); // told to whoever asked for it
    return result;
  }

  #accept(socket: net.Socket): void {
    this.#options.onActivity();
    const connection = new Connection(socket, {
      onFrame: (frame, from) => this.#receive(frame, from),
      onClose: closed => this.#closed(closed),
      onActivity: this.#options.onActivity,
    });
    this.#connections.add(connection);
    if (this.#isSuspended) connection.suspend();
  }

  #closed(connection: Connection): void {
    this.#options.onActivity();
    this.#connections.delete(connection);
    this.#calls.forget(connection);
    this.#options.onDisconnect?.(connection);
  }

  #receive(frame: Frame, from: Connection): void {
    if (isResponse(frame)) this.#calls.answered(from, frame);
    else this.#serve(frame, from);
  }

  #serve(frame: Frame, from: Connection): void {
    const { name, clock, log, interferences } = this.#options;
    const request: LoggedRequest = {
      server: name,
      code: frame.code,
      name: nameOfRequest(frame.code),
      fields: frame.fields,
      ...subjectOf(frame),
      from: from.address,
      at: clock.now(),
      answer: undefined,
    };
    const interference = interferences.take(request);
    log.add(request);
    if (interference === undefined) this.#handle(frame, from, respondTo(frame, from, request));
    else this.#interfere(interference, frame, from, request);
  }

  #interfere(what: Interference, frame: Frame, from: Connection, request: LoggedRequest): void {
    const respond = respondTo(frame, from, request, what.kind === 'corrupt' ? what.change : undefined);
    switch (what.kind) {
      case 'answer':
        respond(what);
        break;
      case 'corrupt':
        this.#handle(frame, from, respond);
        break;
      case 'delay':
        this.#after(what.ms, () => this.#handle(frame, from, respond));
        break;
      case 'hold':
        this.#onceResolved(what.until, () => this.#handle(frame, from, respond), request);
        break;
      case 'dropAnswer':
        request.answer = 'dropped';
        this.#handle(frame, from, () => {});
        break;
      case 'drop':
        request.answer = 'dropped';
        break;
      case 'disconnect':
        request.answer = 'dropped';
        from.close();
        break;
      default:
        assertNever(what);
    }
  }

  #after(ms: number, then: () => void): void {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      this.#delays.delete(timer);
      then();
    }, ms);
    this.#delays.add(timer);
  }

  /** What was held while the server was killed is forgotten, as by a process. */
  #onceResolved(until: Promise<void>, then: () => void, request: LoggedRequest): void {
    const listener = this.#listener;
    const drop = (): void => {
      request.answer = 'dropped';
    };
    until.then(() => (listener === this.#listener ? then() : drop()), drop);
  }

  #handle(frame: Frame, from: Connection, respond: Respond): void {
    const handler = this.#options.handlers.get(frame.code) ?? refuse;
    try {
      handler(frame, from, respond);
    } catch (error) {
      respond({ code: ResponseCode.SYSTEM_ERROR, remark: toError(error).message });
    }
  }
}

/** With the space, as Java. */
const refuse: Handler = ({ code }, _peer, respond) => {
  const remark = ` request type ${code} not supported`;
  respond({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark });
};

/** Writes the first answer, its header as JSON. Source: NettyRemotingAbstract.processRequestCommand, protocol.md section 1.3. */
function respondTo(
  request: Frame,
  to: Connection,
  logged: LoggedRequest,
  change: (frame: Buffer) => Buffer = frame => frame,
): Respond {
  let isAnswered = isOneway(request);
  return (reply: Reply) => {
    if (isAnswered || !to.isOpen) return;
    isAnswered = true;
    logged.answer = reply.code;
    const frame = encodeFrame({
      code: reply.code,
      opaque: request.opaque,
      flag: 1,
      remark: reply.remark,
      fields: reply.fields,
      body: reply.body,
      language: reply.language ?? serverLanguage,
      version: reply.version ?? serverVersion,
    });
    to.write(change(frame));
  };
}
