// SPDX-License-Identifier: Apache-2.0
// The home folder a JVM of RocketMQ gets: where it logs to, so that nothing lands in the home of whoever runs the tests.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Read by 5.x; by the name server, the broker and the tools of 4.9. */
const files = ['logback.xml', 'logback_namesrv.xml', 'logback_broker.xml', 'logback_tools.xml'];
const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%d{HH:mm:ss.SSS} %p %logger{0} %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
`;

/** Makes the folder with its log configuration (warnings to standard error). Use it as ROCKETMQ_HOME. */
export function makeJavaHome(folder: string): void {
  mkdirSync(join(folder, 'conf'), { recursive: true });
  for (const file of files) {
    writeFileSync(join(folder, 'conf', file), logback);
  }
}

/** What every JVM of ours is told about that folder. */
export function javaHomeOptions(folder: string): string[] {
  return [
    `-Duser.home=${folder}`,
    `-Drmq.logback.configurationFile=${join(folder, 'conf', 'logback.xml')}`,
    `-Drocketmq.client.logRoot=${join(folder, 'logs')}`, // the client of 4.9
    '-Drocketmq.client.logLevel=WARN',
  ];
}
