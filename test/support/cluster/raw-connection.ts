// SPDX-License-Identifier: Apache-2.0
// One remoting connection with JSON headers. Written apart from src on purpose: it is the independent witness of what a
// broker holds, and must not share a mistake with the code under test.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ClusterError } from './errors.ts';
import { type Json, parseLooseJson } from './loose-json.ts';
import { type RawCredentials, signed } from './raw-signature.ts';

export interface RawResponse {
  readonly code: number;
  readonly remark: string;
  /** The version number of the peer: below 413 it is a 4.9. */
  readonly version: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawRequest {
  readonly code: number;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: Buffer;
}

interface Pending {
  readonly resolve: (response: RawResponse) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The number of V5_1_4: from 401 on a name server writes standard JSON. */
const clientVersion = 441;
const otherLanguage = 'OTHER';

export class RawConnection {
  readonly address: string;
  readonly #socket: Socket;
  readonly #credentials: RawCredentials | undefined;
  readonly #pending = new Map<number, Pending>();
  #nextOpaque = 1;
  #received: Buffer = Buffer.alloc(0);

  private constructor(address: string, socket: Socket, credentials: RawCredentials | undefined) {
    this.address = address;
    this.#socket = socket;
    this.#credentials = credentials;
    socket.unref(); // an idle witness keeps no process alive; while a request waits, its timer does
    socket.on('data', chunk => this.#receive(chunk));
    socket.on('error', error => this.#failAll(error));
    socket.on('close', () => this.#failAll(new Error(`${address} closed the connection`)));
  }

  /** @param credentials every request is signed with them */
  static async open(
    address: string,
    timeoutMs: number,
    credentials?: RawCredentials,
  ): Promise<RawConnection> {
    const colon = address.lastIndexOf(':');
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new RawConnection(address, socket, credentials);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  request(request: RawRequest, timeoutMs: number): Promise<RawResponse> {
    const opaque = this.#nextOpaque;
    this.#nextOpaque += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(opaque);
        reject(
          new ClusterError(
            'TIMED_OUT',
            `${this.address} did not answer request ${request.code} within ${timeoutMs} ms`,
          ),
        );
      }, timeoutMs);
      this.#pending.set(opaque, { resolve, reject, timer });
      this.#socket.write(encode(request, opaque, this.#credentials));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) {
        return;
      }
      this.#handle(this.#received.subarray(4, end));
      this.#received = this.#received.subarray(end);
    }
  }

  #handle(frame: Buffer): void {
    const headerLength = frame.readUIntBE(1, 3);
    const header = asObject(parseLooseJson(frame.subarray(4, 4 + headerLength).toString()));
    const opaque = Number(header['opaque']);
    const pending = this.#pending.get(opaque);
    const isResponse = (Number(header['flag']) & 1) === 1;
    if (pending === undefined || !isResponse) {
      return; // too late, or the broker asks us something: a witness says nothing
    }
    this.#pending.delete(opaque);
    clearTimeout(pending.timer);
    pending.resolve({
      code: Number(header['code']),
      remark: String(header['remark'] ?? ''),
      version: Number(header['version'] ?? 0),
      fields: Object.fromEntries(
        Object.entries(asObject(header['extFields'] ?? {})).map(([key, value]) => [key, String(value)]),
      ),
      body: frame.subarray(4 + headerLength),
    });
  }

  #failAll(error: Error): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
  }
}

export function asObject(json: Json | undefined): { readonly [key: string]: Json } {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as { readonly [key: string]: Json }; // Array.isArray does not narrow a readonly array away
  }
  throw new TypeError(`expected a JSON object: ${JSON.stringify(json)}`);
}

export function asArray(json: Json | undefined): readonly Json[] {
  if (Array.isArray(json)) {
    return json as readonly Json[]; // Array.isArray narrows to any[]
  }
  throw new TypeError(`expected a JSON array: ${JSON.stringify(json)}`);
}

function encode(
  { code, fields = {}, body = Buffer.alloc(0) }: RawRequest,
  opaque: number,
  credentials: RawCredentials | undefined,
): Buffer {
  const texts = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
  const header = Buffer.from(
    JSON.stringify({
      code,
      language: otherLanguage,
      version: clientVersion,
      opaque,
      flag: 0,
      serializeTypeCurrentRPC: 'JSON',
      extFields: credentials === undefined ? texts : signed(texts, body, credentials),
    }),
  );
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + header.length + body.length, 0);
  head.writeInt32BE(header.length, 4); // the top byte is the header's type, 0: JSON
  return Buffer.concat([head, header, body]);
}
