// SPDX-License-Identifier: Apache-2.0
/** What does a config take from outside the argument: environment, files, process, host, time and chance? All by hand, for tests. */
import { readFileSync, statSync } from 'node:fs';
import { homedir, hostname, networkInterfaces } from 'node:os';

/** What a config is read from beside its argument; each part can be given by hand. */
export interface ConfigSources {
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file. Throws with a `code` of the system (ENOENT, EACCES, …), EFBIG beyond `mostBytes`. */
  readonly readFile: (path: string, mostBytes: number) => string;
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

/**
 * The real ones, read at the call; what is given takes their place.
 * @example parseConfig(config, systemSources({ env: {} })); // nothing out of the environment
 */
export function systemSources(given: Partial<ConfigSources> = {}): ConfigSources {
  return {
    env: process.env,
    readFile: readRegularFile,
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

/** A pipe or a device would hold the process up, or never end. */
function readRegularFile(path: string, mostBytes: number): string {
  const stats = statSync(path);
  const code = stats.isDirectory() ? 'EISDIR' : !stats.isFile() ? 'EINVAL' : undefined;
  const refused = code ?? (stats.size > mostBytes ? 'EFBIG' : undefined);
  if (refused !== undefined) throw Object.assign(new Error(refused), { code: refused });
  return readFileSync(path, 'utf8');
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
