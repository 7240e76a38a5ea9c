// SPDX-License-Identifier: Apache-2.0
/** Who keeps a producer's connections up, and which of them are still needed? */
import { RocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Address } from '../model/route.ts';
import type { Caller } from '../transport/call.ts';
import type { Identity } from '../transport/identity.ts';
import type { Line } from '../transport/line.ts';
import { Switchboard } from '../transport/switchboard.ts';

/** A connection that is kept up until it is closed. */
export interface Connection {
  /** Lets pending calls end, hangs up; resolves when nothing is left. Never rejects. */
  close(): Promise<void>;
}

export interface WantedConnection {
  readonly address: Address;
  readonly line: Line;
  readonly role: 'nameServer' | 'broker';
  /** The first words on each new connection. */
  readonly greet: (caller: Caller, signal: AbortSignal) => Promise<void>;
}

/** Dials and dials again, behind a line. The entry makes it of connection actors. */
export type Connect = (wanted: WantedConnection) => Connection;

export interface ConnectionsOptions {
  readonly nameServers: readonly Address[];
  readonly namespace?: Namespace | undefined;
  readonly clock: Clock;
  readonly identity: Identity | undefined;
  readonly connect: Connect;
  readonly greetBroker: (caller: Caller, signal: AbortSignal) => Promise<void>;
}

/** The lines of one producer with a connection behind each. */
export class Connections {
  readonly switchboard: Switchboard;
  readonly #nameServers: readonly Address[];
  readonly #open = new Map<Address, Connection>();

  constructor({ nameServers, namespace, clock, identity, connect, greetBroker }: ConnectionsOptions) {
    this.#nameServers = nameServers;
    this.switchboard = new Switchboard({
      clock,
      namespace,
      identity,
      onWanted: (address, line) => {
        const role = nameServers.includes(address) ? 'nameServer' : 'broker';
        const greet = role === 'broker' ? greetBroker : () => Promise.resolve();
        this.#open.set(address, connect({ address, line, role, greet }));
      },
    });
  }

  /** Connects to these brokers without waiting, and hangs up on brokers that are not among them. */
  async useBrokers(addresses: ReadonlySet<Address>): Promise<void> {
    for (const address of addresses) this.switchboard.line(address);
    const unused = this.brokers().filter(address => !addresses.has(address));
    await Promise.all(unused.map(address => this.#close(address)));
  }

  /** Addresses of brokers with a connection, up or not. */
  brokers(): readonly Address[] {
    return [...this.#open.keys()].filter(address => !this.#nameServers.includes(address));
  }

  /** @param reason what calls hear that come later. Default: the producer was shut down */
  async closeAll(reason?: RocketmqError): Promise<void> {
    await Promise.all([...this.#open.keys()].map(address => this.#close(address)));
    this.switchboard.closeAll(
      reason ?? new RocketmqError('RMQ_PRODUCER_STOPPED', 'the producer was shut down'),
    );
  }

  async #close(address: Address): Promise<void> {
    const connection = this.#open.get(address);
    this.#open.delete(address);
    await connection?.close();
  }
}
