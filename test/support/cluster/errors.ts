// SPDX-License-Identifier: Apache-2.0
// What can go wrong around a real cluster, and what to do about it.

const hints = {
  TOOL_MISSING: 'Install a JDK of version 17 or newer and Maven, and put java, javac and mvn on the PATH.',
  JARS_NOT_FETCHED:
    'Maven must reach a repository with the Apache RocketMQ artifacts; run the command named above by hand.',
  PROGRAM_NOT_COMPILED:
    'The Java programs of test/support/java must compile against this version of the client.',
  START_FAILED: 'The end of the log above usually names the reason.',
  NOT_RUNNING: 'Start or restart the process first.',
  TIMED_OUT: 'Is the machine overloaded, or the process suspended?',
  REQUEST_REFUSED: 'The answer code is one of RocketMQ’s ResponseCode.',
} as const;

export type ClusterErrorCode = keyof typeof hints;

/** An error of the test cluster itself, never of the code under test. */
export class ClusterError extends Error {
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(`${message}\n${hints[code]}`, options);
    this.name = 'ClusterError';
    this.code = code;
  }
}
