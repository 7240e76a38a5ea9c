// SPDX-License-Identifier: Apache-2.0
/** Which host and port does an address name? */
import type { Address } from '../model/route.ts';

export interface Endpoint {
  /** Host name or IP, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Splits `host:port`, `1.2.3.4:port`, `[::1]:port`, and the bare `::1:port` that brokers announce; undefined for anything else. */
export function endpointOf(address: Address): Endpoint | undefined {
  const match = /^(?:\[([^\]\s]+)\]|([^[\]\s/]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}
