// SPDX-License-Identifier: Apache-2.0
/** What does a consumer run in? createConsumerActor fills in what is not given. */
import type { Clock } from '../../model/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { FileSystem } from '../../stores/file-system.ts';
import type { Dialer } from '../../transport/ports.ts';

export interface PartsEnvironment {
  readonly clock: Clock;
  readonly dialer: Dialer;
  /** A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly logger: Logger;
  /** For the offsets of a broadcasting consumer. Default: the real one. */
  readonly fileSystem?: FileSystem | undefined;
}
