// SPDX-License-Identifier: Apache-2.0
/** Which brokers of a route may be dialled, and where? What a name server says is believed within these rules. */
import type { Address } from './route.ts';

/**
 * Where a broker that announces itself at `address` is dialled: another `host:port`, the same, or null for nowhere.
 * Asked for each address of each route, often: it should be quick, and answer the same for the same.
 * @example
 * mapBrokerAddress: address => address.replace('172.17.0.2:', 'localhost:') // a broker in a container
 */
export type MapBrokerAddress = (address: Address) => Address | null;

/** The hosts that may be dialled. */
export interface AllowedHosts {
  /** As the user wrote them. */
  readonly entries: readonly string[];
  /** @param host a name or an IP, without brackets */
  has(host: string): boolean;
}
