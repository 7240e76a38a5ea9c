// SPDX-License-Identifier: Apache-2.0
/** What does a config take from outside the argument: environment, process, host, time and chance? All by hand, for tests. */
import { homedir, hostname, networkInterfaces } from 'node:os';

export interface ConfigSources {
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** A number from 0 to below 1. */
  readonly random: () => number;
  /** Unit: ms since 1970. */
  readonly wallNow: () => number;
  /** The address other machines know this one by, if it has one. */
  readonly hostAddress: string | undefined;
  readonly hostName: string;
  /** Of the user this process runs as. */
  readonly homeDirectory: string;
  /** Memory this process may use, 0 when nothing limits it. Unit: bytes. */
  readonly constrainedMemory: number;
}

/** The real ones, read at the call; what is given takes their place. */
export function systemSources(given: Partial<ConfigSources> = {}): ConfigSources {
  return {
    env: process.env,
    pid: process.pid,
    random: Math.random,
    wallNow: Date.now,
    hostAddress: firstAddress(networkInterfaces()),
    hostName: hostname(),
    homeDirectory: homedir(),
    constrainedMemory: process.constrainedMemory(),
    ...given,
  };
}

interface InterfaceAddress {
  readonly address: string;
  readonly family: string;
  readonly internal: boolean;
}

/** The first IPv4 address that is not the loopback's. Source: RemotingUtil.getLocalAddress, less its IPv6 branch. */
export function firstAddress(
  interfaces: Readonly<Record<string, readonly InterfaceAddress[] | undefined>>,
): string | undefined {
  const all = Object.values(interfaces).flatMap(addresses => addresses ?? []);
  return all.find(each => each.family === 'IPv4' && !each.internal)?.address;
}
