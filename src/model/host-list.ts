// SPDX-License-Identifier: Apache-2.0
/** Is a host among those that somebody wrote down? Host names, IP addresses, and networks as `10.0.0.0/8`. */
import { BlockList, isIP } from 'node:net';
import type { AllowedHosts } from './broker-address.ts';

/** More are a slip. */
export const mostHosts = 1000;
export const hostHint = "Write a host name, an IP address, or a network such as '10.0.0.0/8'; no port.";
const hostName = /^[a-z0-9_]([a-z0-9_.-]{0,252})$/;

export class HostList implements AllowedHosts {
  readonly entries: string[] = [];
  readonly #names = new Set<string>();
  readonly #networks = new BlockList();

  /** Answers what is wrong with the entry. */
  add(entry: string): string | undefined {
    const problem = entry.includes('/') ? this.#addNetwork(entry) : this.#addHost(entry);
    if (problem === undefined) this.entries.push(entry);
    return problem;
  }

  has(host: string): boolean {
    const version = isIP(host);
    if (version === 0) return this.#names.has(host.toLowerCase());
    return this.#networks.check(host, version === 4 ? 'ipv4' : 'ipv6');
  }

  #addNetwork(entry: string): string | undefined {
    const [network = '', prefix = '', ...rest] = entry.split('/');
    const version = isIP(network);
    const most = version === 4 ? 32 : 128;
    const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || rest.length > 0 || !(length <= most)) return 'it is no network';
    this.#networks.addSubnet(network, length, version === 4 ? 'ipv4' : 'ipv6');
    return undefined;
  }

  #addHost(entry: string): string | undefined {
    const version = isIP(entry);
    const name = entry.toLowerCase();
    if (version > 0) this.#networks.addAddress(entry, version === 4 ? 'ipv4' : 'ipv6');
    else if (!hostName.test(name)) return 'it is no host';
    else this.#names.add(name);
    return undefined;
  }
}

/** The entries of a text such as `10.0.0.0/8;broker.example.com`. */
export function splitHosts(text: string): readonly string[] {
  return text.split(';').filter(part => part.trim() !== '');
}
