// SPDX-License-Identifier: Apache-2.0
/** What does a test of the embedded server begin with? A server on a TestClock with handlers of the test's own. */
import type { Handler, Peer } from '../../../../../src/testing/embedded/broker.types.ts';
import { Interferences } from '../../../../../src/testing/embedded/interference.ts';
import { Activity } from '../../../../../src/testing/embedded/passing-time.ts';
import { RequestLog } from '../../../../../src/testing/embedded/request-log.ts';
import { Server } from '../../../../../src/testing/embedded/server.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { WireClient } from './wire-client.ts';

/** Requests every server of a kit knows. */
export const echo = 11;
export const failing = 12;
export const late = 13;

export class ServerKit implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly log = new RequestLog();
  readonly interferences = new Interferences();
  readonly activity = new Activity();
  /** Requests that were handled, by their field `n`. */
  readonly handled: (string | undefined)[] = [];
  readonly peers: Peer[] = [];
  readonly gone: Peer[] = [];
  /** Answers to `late`, for the test to give. */
  readonly respondLate: (() => void)[] = [];
  readonly server: Server;
  readonly #clients: WireClient[] = [];

  static async start(): Promise<ServerKit> {
    const kit = new ServerKit();
    await kit.server.start();
    return kit;
  }

  private constructor() {
    const { clock, log, interferences, activity } = this;
    this.server = new Server({
      name: 'broker-a',
      port: 0,
      ...{ clock, log, interferences },
      onActivity: () => activity.note(),
      onDisconnect: peer => this.gone.push(peer),
      handlers: new Map<number, Handler>([
        [echo, (frame, peer, respond) => respond(this.#echo(frame.fields, frame.body, peer))],
        [
          failing,
          () => {
            throw new Error('no such thing');
          },
        ],
        [late, (_frame, _peer, respond) => this.respondLate.push(() => respond({ code: 0 }))],
      ]),
    });
  }

  async connect(): Promise<WireClient> {
    const client = await WireClient.connect(this.server.address);
    this.#clients.push(client);
    return client;
  }

  settle(): Promise<void> {
    return this.activity.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.kill();
  }

  #echo(fields: Readonly<Record<string, string>>, body: Buffer, peer: Peer) {
    this.handled.push(fields['n']);
    this.peers.push(peer);
    return { code: 0, fields, body: Buffer.from(body) };
  }
}
