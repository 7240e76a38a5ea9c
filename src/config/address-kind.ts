// SPDX-License-Identifier: Apache-2.0
/** How is namesrvAddr read: one text or an array, `host:port` each, with the usual slips named? */
import type { Address } from '../model/route.ts';
import { describeValue, isArray } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

/** `host:port`, `1.2.3.4:port` or `[v6]:port`. */
const hostAndPort = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/@;,[\]]+):(\d{1,5})$/;
const hostAlone = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/@;,[\]]+)$/;
/** More are a slip, not a cluster. */
const mostAddresses = 100;
const grpcProxyPort = 8081;

export const nameServerAddresses: Kind<string | readonly string[], readonly Address[], 'none'> = {
  typeText: 'string | readonly string[]',
  unit: 'none',
  read: readAddresses,
  fromText: text => text,
  show: addresses => addresses.join(';'),
};

function readAddresses(value: unknown, spot: Spot): readonly Address[] | undefined {
  const parts = typeof value === 'string' ? value.split(';') : value;
  if (!isArray(parts)) return spot.problem(`${describeValue(value)} is neither a string nor an array`);
  if (parts.length > mostAddresses)
    return spot.problem(`it names ${parts.length} addresses, at most ${mostAddresses} are allowed`);
  const single = typeof value === 'string' || parts.length === 1;
  const read = parts.flatMap((part, index) => {
    if (typeof value === 'string' && isBlank(part)) return [];
    return [readAddress(part, single ? spot : spot.inside(`[${index}]`))];
  });
  if (read.length === 0) return spot.problem('it names no address', "Write 'host:9876'.");
  const good = read.filter(address => address !== undefined);
  return good.length === read.length ? [...new Set(good)] : undefined;
}

function isBlank(part: unknown): boolean {
  return typeof part === 'string' && part.trim() === '';
}

function readAddress(value: unknown, spot: Spot): Address | undefined {
  if (typeof value !== 'string') return spot.problem(`${describeValue(value)} is not a string`);
  const address = value.trim();
  const parts = hostAndPort.exec(address);
  if (parts === null) return spot.problem(`${describeValue(address)} is not host:port`, addressHint(address));
  const port = Number(parts[2]);
  if (port < 1 || port > 65535)
    return spot.problem(`${port} in ${describeValue(address)} is no port`, 'Ports are 1 to 65535.');
  if (port === grpcProxyPort) {
    spot.warning(
      `${address}: port ${grpcProxyPort} is usually the gRPC proxy, which does not speak this protocol`,
      'Name servers listen on 9876.',
    );
  }
  return address;
}

function addressHint(address: string): string | undefined {
  if (/^[a-z]+:\/\//i.test(address)) return 'Leave out the scheme: host:9876.';
  if (address.includes(',')) return "Separate addresses by ';'.";
  if (hostAlone.test(address)) return `Add the port, usually ':9876'.`;
  if (/^[0-9a-fA-F:]+$/.test(address)) return 'Put an IPv6 address in brackets: [::1]:9876.';
  return "Write 'host:9876', several separated by ';'.";
}
