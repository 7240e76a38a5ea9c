// SPDX-License-Identifier: Apache-2.0
// How name servers and brokers of a test are configured: files, ports, JVM options.

import { join } from 'node:path';
import { javaHomeOptions } from './java-home.ts';

export type BrokerRole = 'master' | 'slave';

export const brokerIds = { master: 0, slave: 1 } as const;

/** A broker also listens two below its port (the "VIP channel"), and on one for its replica. */
const listenPortInBlock = 2;
const haPortInBlock = 4;

export function brokerPort(portBlock: number): number {
  return portBlock + listenPortInBlock;
}

/** What a broker.conf says unless a test asks for something else. */
export function brokerConf(broker: {
  readonly brokerName: string;
  readonly role: BrokerRole;
  readonly portBlock: number;
  readonly folder: string;
  readonly namesrvAddr: string;
}): Record<string, string> {
  const store = join(broker.folder, 'store');
  return {
    brokerClusterName: 'DefaultCluster',
    brokerName: broker.brokerName,
    brokerId: `${brokerIds[broker.role]}`,
    brokerRole: broker.role === 'master' ? 'ASYNC_MASTER' : 'SLAVE',
    brokerIP1: '127.0.0.1',
    brokerIP2: '127.0.0.1',
    listenPort: `${brokerPort(broker.portBlock)}`,
    haListenPort: `${broker.portBlock + haPortInBlock}`,
    namesrvAddr: broker.namesrvAddr,
    storePathRootDir: store,
    storePathCommitLog: join(store, 'commitlog'),
    mappedFileSizeCommitLog: `${64 * 1024 * 1024}`,
    diskMaxUsedSpaceRatio: '95',
    autoCreateTopicEnable: 'true',
    enablePropertyFilter: 'true',
    registerNameServerPeriod: '10000',
  };
}

const brokerOptions = [
  '-Xms256m',
  '-Xmx1g',
  '-XX:MaxDirectMemorySize=512m',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
  '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
];

/** TLS is off because making the self-signed certificate at every start takes longer than all the rest (1 to 4 s of CPU). */
function commonOptions(folder: string): string[] {
  return ['-XX:+UseSerialGC', '-Dtls.server.mode=disabled', ...javaHomeOptions(folder)];
}

export function nameServerJvmOptions(folder: string): string[] {
  return ['-Xms64m', '-Xmx256m', ...commonOptions(folder)];
}

export function brokerJvmOptions(folder: string): string[] {
  return [...brokerOptions, ...commonOptions(folder)];
}

export function properties(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
