// SPDX-License-Identifier: Apache-2.0
/** With which credentials are requests signed now, and when are they asked for anew? */
import { inspect } from 'node:util';
import { RocketmqError, toError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import {
  type Credentials,
  type CredentialsProvider,
  checkCredentials,
  type GivenCredentials,
} from '../model/credentials.ts';
import { Signer } from '../protocol/signature.ts';
import type { Dialer } from './ports.ts';

export interface IdentityOptions {
  readonly given: GivenCredentials;
  readonly clock: Clock;
  /** The user's function failed while there were credentials: they stay in force. Must not throw. */
  readonly onFault: (error: RocketmqError) => void;
}

/** How long the user's function may take. Unit: ms. */
const askLimit = 10_000;
/** It is not asked again sooner than so long after the last time. Unit: ms. */
const askPause = 5000;

/** Who this client is, at all peers. Credentials that are given as an object are known at once and never asked for again. */
export class Identity {
  readonly #clock: Clock;
  readonly #onFault: IdentityOptions['onFault'];
  readonly #provider: CredentialsProvider | undefined;
  #signer: Signer | undefined;
  #asking: Promise<void> | undefined;
  /** Monotonic ms. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor({ given, clock, onFault }: IdentityOptions) {
    const credentials = given.get();
    this.#clock = clock;
    this.#onFault = onFault;
    if (typeof credentials === 'function') this.#provider = credentials;
    else this.#signer = new Signer(credentials);
  }

  /** Of the newest credentials; undefined before the first were asked for. Another object for other credentials. */
  get signer(): Signer | undefined {
    return this.#signer;
  }

  /** They come from a function, and may change. */
  get isRotating(): boolean {
    return this.#provider !== undefined;
  }

  /**
   * Asks for the first credentials; nothing can be signed before.
   * @throws RocketmqError `RMQ_CREDENTIALS_FAILED` when the function throws, answers something else, or takes longer than 10 s
   */
  async load(): Promise<void> {
    if (this.#signer === undefined) await this.#ask();
  }

  /** A peer refused us: the credentials may have expired. */
  refused(): void {
    void this.renew();
  }

  /** Asks anew unless that was done lately. Resolves when there is an answer, also a failure, or after `limit` ms. */
  async renew(limit = askLimit): Promise<void> {
    if (this.#provider === undefined) return;
    if (this.#asking === undefined && this.#clock.now() - this.#askedAt < askPause) return;
    const asked = this.#ask().catch((error: RocketmqError) => this.#onFault(error));
    await within(asked, limit, this.#clock);
  }

  toJSON(): string {
    return '(secret)';
  }

  [inspect.custom](): string {
    return '(secret)';
  }

  /** One question at a time. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askNow().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askNow(): Promise<void> {
    this.#askedAt = this.#clock.now();
    let answer: unknown;
    try {
      answer = await within(Promise.resolve(this.#provider?.()), askLimit, this.#clock);
    } catch (thrown) {
      // Its text is not repeated: it may name what it was given.
      throw failed(`the function of the option credentials threw ${nameOf(thrown)}`);
    }
    if (answer === late)
      throw failed(`the function of the option credentials took longer than ${askLimit} ms`);
    this.#signer = new Signer(checked(answer));
  }
}

/**
 * Before each dial the credentials are asked for anew, so that a connection is greeted with those of now; where they stay the same,
 * the dialer as it is.
 */
export function renewingDialer(dialer: Dialer, identity: Identity | undefined): Dialer {
  if (identity?.isRotating !== true) return dialer;
  return {
    dial: async (address, handlers, { signal, timeoutMs }) => {
      const half = timeoutMs / 2;
      await identity.renew(half);
      return dialer.dial(address, handlers, { signal, timeoutMs: half });
    },
  };
}

const late = Symbol('late');

async function within<T>(promise: Promise<T>, limit: number, clock: Clock): Promise<T | typeof late> {
  let timer: unknown;
  const timeUp = new Promise<typeof late>(resolve => {
    timer = clock.setTimeout(() => resolve(late), limit);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clock.clearTimeout(timer);
  }
}

function checked(answer: unknown): Credentials {
  const { credentials, problems } = checkCredentials(answer);
  if (credentials !== undefined) return credentials;
  const wrong = problems.map(({ field = 'the answer', problem }) => `${field}: ${problem}`).join('; ');
  throw failed(`the function of the option credentials answered something else: ${wrong}`);
}

/** Such as `Error ECONNREFUSED`. */
function nameOf(thrown: unknown): string {
  const { name, code } = toError(thrown) as NodeJS.ErrnoException; // errors of Node and of most clients have a code
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? `${name} ${code}` : name;
}

function failed(what: string): RocketmqError {
  return new RocketmqError('RMQ_CREDENTIALS_FAILED', what);
}
