// SPDX-License-Identifier: Apache-2.0
/** How is allowedBrokerAddresses read? Host names, IP addresses, and networks as `10.0.0.0/8`. */
import { BlockList, isIP } from 'node:net';
import type { AllowedHosts } from '../model/broker-address.ts';
import { describeValue, isArray } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

/** More are a slip. */
const mostEntries = 1000;

export const allowedHosts: Kind<string | readonly string[], AllowedHosts, 'none'> = {
  typeText: 'string | readonly string[]',
  unit: 'none',
  read: readHosts,
  fromText: text => text,
  show: ({ entries }) => entries.join(';'),
};

function readHosts(value: unknown, spot: Spot): AllowedHosts | undefined {
  const parts = typeof value === 'string' ? value.split(';').filter(part => part.trim() !== '') : value;
  if (!isArray(parts)) return spot.problem(`${describeValue(value)} is neither a string nor an array`);
  if (parts.length === 0) return spot.problem('it allows no address', 'Leave it out to allow any.');
  if (parts.length > mostEntries)
    return spot.problem(`it has ${parts.length} entries, at most ${mostEntries} are allowed`);
  const hosts = new HostList();
  const good = parts.map((part, index) => {
    const problem = typeof part === 'string' ? hosts.add(part.trim()) : 'it is not a string';
    if (problem === undefined) return true;
    const at = typeof value === 'string' ? spot : spot.inside(`[${index}]`);
    at.problem(`${describeValue(part)}: ${problem}`, entryHint);
    return false;
  });
  return good.includes(false) ? undefined : hosts;
}

const entryHint = "Write a host name, an IP address, or a network such as '10.0.0.0/8'; no port.";
const hostName = /^[a-z0-9_]([a-z0-9_.-]{0,252})$/;

class HostList implements AllowedHosts {
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
