// SPDX-License-Identifier: Apache-2.0
/** What may be said about encryption, and what is wrong with what was said? Values are never shown: keys are among them. */
import type { Address } from './route.ts';

/** PEM text or bytes. */
export type Pem = string | Uint8Array;

/** How connections are encrypted. The names are those of node:tls. */
export interface TlsSettings {
  /** Who may have signed the peer's certificate, PEM. Default: the authorities Node knows, and NODE_EXTRA_CA_CERTS. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** Our certificate with its chain, PEM, for peers that ask for one. Default: none. */
  readonly cert?: Pem | undefined;
  /** Its key, PEM. Default: none. */
  readonly key?: Pem | undefined;
  /** Opens `key` where it is encrypted. Default: none. */
  readonly passphrase?: string | undefined;
  /** The name the peer's certificate must carry. Default: the host of its address, a name or an IP. */
  readonly servername?: string | undefined;
  /** false accepts any certificate: whoever can get between can read and change everything. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** true: encrypted, with Node's own authorities. */
export type TlsChoice = true | TlsSettings;

/**
 * Asked at every dial, so that a certificate can change while the client runs.
 * @example
 * tls: async address => ({ ca, cert: await readFile('client.pem'), key: await readFile('client.key') })
 */
export type TlsSource = (address: Address) => TlsChoice | PromiseLike<TlsChoice>;

/** What a user may write. */
export type TlsOption = boolean | TlsSettings | TlsSource;

/** Resolved: 'off', or where each dial gets its settings. A function: neither JSON nor `console.log` sees into it. */
export type ResolvedTls = 'off' | TlsSource;

/** Of a value without a {@link tlsProblem}. An object is copied: what is changed in it later has no effect. */
export function resolveTls(option: TlsOption): ResolvedTls {
  if (typeof option === 'function') return option;
  if (option === false) return 'off';
  const choice: TlsChoice = option === true ? true : { ...option };
  return () => choice;
}

const pems = ['ca', 'cert', 'key'] as const;
const texts = ['passphrase', 'servername'] as const;
const known: readonly string[] = [...pems, ...texts, 'rejectUnauthorized'];

/** Why this is no answer of a {@link TlsSource}, or undefined. Looks into the object, which may throw. */
export function tlsProblem(value: unknown): string | undefined {
  if (value === true) return undefined;
  if (typeof value !== 'object' || value === null) return 'it is neither true nor an object of settings';
  const unknownName = Object.keys(value).find(name => !known.includes(name));
  if (unknownName !== undefined) return `there is no setting ${JSON.stringify(unknownName.slice(0, 40))}`;
  const settings: Readonly<Record<string, unknown>> = { ...value };
  for (const name of pems) {
    const given = settings[name];
    const list: readonly unknown[] = name === 'ca' && Array.isArray(given) ? given : [given];
    if (!list.every(each => each === undefined || isPem(each))) return `${name} is neither text nor bytes`;
  }
  for (const name of texts) {
    if (settings[name] !== undefined && typeof settings[name] !== 'string') return `${name} is no text`;
  }
  const { cert, key, rejectUnauthorized } = settings;
  if (rejectUnauthorized !== undefined && typeof rejectUnauthorized !== 'boolean')
    return 'rejectUnauthorized is neither true nor false';
  if ((cert === undefined) !== (key === undefined)) return 'cert and key go together, and one is missing';
  return undefined;
}

function isPem(value: unknown): value is Pem {
  return typeof value === 'string' || value instanceof Uint8Array;
}
