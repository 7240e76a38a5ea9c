// SPDX-License-Identifier: Apache-2.0
/** What of the outside world may be put in by hand? */
import type { InspectionEvent } from 'xstate';
import type { Clock } from '../model/clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { FileSystem } from '../stores/file-system.ts';
import type { Dialer } from '../transport/ports.ts';

/**
 * Everything a consumer asks the outside for; what is not given is the real thing.
 * @example createConsumerActor(config, { clock: new TestClock(), logger: silentLogger })
 */
export interface Environment {
  /** Opens connections. Default: TCP through node:net. */
  readonly dialer?: Dialer | undefined;
  /** Time and timers. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** A number from 0 to 1, 1 excluded; for jitter and names. Default: Math.random. */
  readonly random?: (() => number) | undefined;
  /** Anything with pino's methods. Default: pino, JSON lines on standard output, level `logLevel`. */
  readonly logger?: Logger | undefined;
  /** The files in which a broadcasting consumer keeps its offsets. Default: the real ones. */
  readonly fileSystem?: FileSystem | undefined;
  /** An XState inspection observer; what it throws becomes a `fault`. `actor.system.inspect(observer)` attaches one later. Default: none. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
}
