// SPDX-License-Identifier: Apache-2.0
/** How is allowedBrokerAddresses read? Host names, IP addresses, and networks as `10.0.0.0/8`. */
import type { AllowedHosts } from '../model/broker-address.ts';
import { HostList, hostHint, mostHosts, splitHosts } from '../model/host-list.ts';
import { describeValue, isArray } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

export const allowedHosts: Kind<string | readonly string[], AllowedHosts, 'none'> = {
  typeText: 'string | readonly string[]',
  unit: 'none',
  read: readHosts,
  fromText: text => text,
  show: ({ entries }) => entries.join(';'),
};

function readHosts(value: unknown, spot: Spot): AllowedHosts | undefined {
  const parts = typeof value === 'string' ? splitHosts(value) : value;
  if (!isArray(parts)) return spot.problem(`${describeValue(value)} is neither a string nor an array`);
  if (parts.length === 0) return spot.problem('it allows no address', 'Leave it out to allow any.');
  if (parts.length > mostHosts)
    return spot.problem(`it has ${parts.length} entries, at most ${mostHosts} are allowed`);
  const hosts = new HostList();
  const good = parts.map((part, index) => {
    const problem = typeof part === 'string' ? hosts.add(part.trim()) : 'it is not a string';
    if (problem === undefined) return true;
    const at = typeof value === 'string' ? spot : spot.inside(`[${index}]`);
    at.problem(`${describeValue(part)}: ${problem}`, hostHint);
    return false;
  });
  return good.includes(false) ? undefined : hosts;
}
