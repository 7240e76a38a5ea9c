// SPDX-License-Identifier: Apache-2.0
/** Where do log lines go? pino by default; anything with pino's methods in its place. Secrets and bodies never get there. */
import { createRequire } from 'node:module';
import type { DestinationStream } from 'pino';
import type { LogLevel } from '../config/closed-sets.ts';
import { redact } from './redact.ts';

/** What a line is about, for programs; an error goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The part of pino's logger that is used here. A pino instance is one. */
export interface Logger {
  /** Every request, answer and event. */
  trace(fields: LogFields, text: string): void;
  /** What explains a behaviour afterwards. */
  debug(fields: LogFields, text: string): void;
  /** What somebody who watches wants to know. */
  info(fields: LogFields, text: string): void;
  /** What went wrong and is being mended. */
  warn(fields: LogFields, text: string): void;
  /** What will not mend itself. */
  error(fields: LogFields, text: string): void;
  /** A logger whose lines all carry these fields too. */
  child(bindings: LogFields): Logger;
  /** Saves the work for a line nobody sees. Without it every level counts as on. */
  isLevelEnabled?(level: string): boolean;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/**
 * JSON lines by pino, to standard output unless another destination is given. pino is loaded with the first line that
 * is written: a consumer that has nothing to say saves its 9 MB.
 * @example createLogger({ level: 'info' }).info({ topic: 'orders' }, 'route changed');
 */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly destination?: DestinationStream;
}): Logger {
  return guardLogger(new PinoOnDemand(options.level, options.destination));
}

const require = createRequire(import.meta.url);

/** Knows which levels are on without pino, and makes the pino logger when a line is to be written. */
class PinoOnDemand implements Logger {
  readonly #level: LogLevel;
  readonly #make: () => Logger;
  #made: Logger | undefined = undefined;

  constructor(level: LogLevel, destination: DestinationStream | undefined, make?: () => Logger) {
    this.#level = level;
    this.#make = make ?? (() => pinoLogger(level, destination));
  }

  isLevelEnabled(level: string): boolean {
    const threshold = this.#level === 'silent' ? levels.length : levels.indexOf(this.#level);
    return levels.findIndex(each => each === level) >= threshold;
  }

  trace(fields: LogFields, text: string): void {
    this.#pino().trace(fields, text);
  }

  debug(fields: LogFields, text: string): void {
    this.#pino().debug(fields, text);
  }

  info(fields: LogFields, text: string): void {
    this.#pino().info(fields, text);
  }

  warn(fields: LogFields, text: string): void {
    this.#pino().warn(fields, text);
  }

  error(fields: LogFields, text: string): void {
    this.#pino().error(fields, text);
  }

  child(bindings: LogFields): Logger {
    return new PinoOnDemand(this.#level, undefined, () => this.#pino().child(bindings));
  }

  #pino(): Logger {
    this.#made ??= this.#make();
    return this.#made;
  }
}

function pinoLogger(level: LogLevel, destination: DestinationStream | undefined): Logger {
  const { pino } = require('pino') as typeof import('pino'); // the package's own types
  const settings = { name: 'rocketmq-actors', level };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}

/**
 * Makes any logger safe to call from everywhere: what it throws is dropped (there is nowhere left to report it), and
 * secrets, bodies and endless structures are replaced before it sees them.
 */
export function guardLogger(logger: Logger): Logger {
  const write = (level: (typeof levels)[number], fields: LogFields, text: string): void => {
    try {
      if (logger.isLevelEnabled?.(level) === false) return;
      logger[level](redact(fields), text);
    } catch {
      // see above
    }
  };
  return {
    trace: (fields, text) => write('trace', fields, text),
    debug: (fields, text) => write('debug', fields, text),
    info: (fields, text) => write('info', fields, text),
    warn: (fields, text) => write('warn', fields, text),
    error: (fields, text) => write('error', fields, text),
    child: bindings => guardLogger(childOf(logger, bindings)),
    isLevelEnabled: level => isOn(logger, level),
  };
}

function isOn(logger: Logger, level: string): boolean {
  try {
    return logger.isLevelEnabled?.(level) !== false;
  } catch {
    return true;
  }
}

/** A logger whose child() fails goes on without the bindings. */
function childOf(logger: Logger, bindings: LogFields): Logger {
  try {
    return logger.child(redact(bindings));
  } catch {
    return logger;
  }
}

/** Logs nothing: for tests, and for logLevel 'silent' without pino. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};

function nothing(): void {}
