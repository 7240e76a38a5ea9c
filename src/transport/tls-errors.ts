// SPDX-License-Identifier: Apache-2.0
/** What does it mean when a TLS connection fails? Node's and OpenSSL's codes become ours, each with its hint. */
import type { ErrorCode } from '../errors/error-table.ts';
import { ConnectionError, RocketmqError } from '../errors/errors.ts';
import type { Address } from '../model/route.ts';
import { causeCode } from './dial-wait.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly pattern: RegExp;
  readonly says: string;
}

/** The first that fits counts. Names: OpenSSL's X509_V_ERR_* and SSL_R_*, as Node spells them. */
const meanings: readonly Meaning[] = [
  {
    code: 'RMQ_TLS_EXPIRED',
    pattern: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    says: 'its certificate is not valid now',
  },
  {
    code: 'RMQ_TLS_NAME_MISMATCH',
    pattern: /^(ERR_TLS_CERT_ALTNAME_\w+|HOSTNAME_MISMATCH)$/,
    says: 'its certificate is for another name',
  },
  {
    code: 'RMQ_TLS_UNTRUSTED',
    pattern:
      /SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|^CERT_(UNTRUSTED|REJECTED|REVOKED|CHAIN_TOO_LONG|SIGNATURE_FAILURE)$|^INVALID_(CA|PURPOSE)$/,
    says: 'its certificate is signed by nobody we trust',
  },
  {
    code: 'RMQ_TLS_CLIENT_CERTIFICATE',
    pattern:
      /ALERT_(CERTIFICATE_\w+|BAD_CERTIFICATE\w*|NO_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/,
    says: 'it wants a certificate of ours, or does not accept the one it got',
  },
  {
    code: 'RMQ_TLS_PLAIN_PEER',
    pattern:
      /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_\w+|UNKNOWN_PROTOCOL|HTTP_REQUEST|BAD_RECORD_TYPE)$/,
    says: 'what it answers is not TLS',
  },
];

/** Before the handshake was done: a peer without TLS sees a frame of absurd length and hangs up. */
const hangUps = /^(ECONNRESET|EPIPE|ECONNABORTED)$/;

/** Why there is no encrypted connection to the address. */
export function handshakeFailed(address: Address, error: Error): RocketmqError {
  const code = causeCode(error);
  if (hangUps.test(code))
    return tlsError('RMQ_TLS_PLAIN_PEER', address, 'it hung up in the middle of the handshake', error);
  return meantBy(address, error) ?? tlsError('RMQ_TLS_FAILED', address, error.message, error);
}

/** With TLS 1.3 a refused certificate of ours shows only after the handshake. Others stay as they are. */
export function lostWhy(address: Address, error: Error | undefined): Error | undefined {
  return error === undefined ? undefined : (meantBy(address, error) ?? error);
}

/** Our own side: the settings cannot be had or used. */
export function settingsFailed(address: Address, why: string, cause: unknown): RocketmqError {
  return tlsError('RMQ_TLS_FAILED', address, why, cause);
}

export function tlsExpected(address: Address, cause: Error | undefined): RocketmqError {
  return tlsError(
    'RMQ_TLS_EXPECTED',
    address,
    'it hangs up on plain text, and answers a TLS handshake',
    cause,
  );
}

/** Looked for through the causes of an error. */
export function tlsErrorIn(thrown: unknown): RocketmqError | undefined {
  let error = thrown;
  for (let depth = 0; depth < deepestCause && error instanceof Error; depth++) {
    if (error instanceof RocketmqError && error.code.startsWith('RMQ_TLS_')) return error;
    error = error.cause;
  }
  return undefined;
}

const deepestCause = 10;

function meantBy(address: Address, error: Error): RocketmqError | undefined {
  const code = causeCode(error);
  const meaning = meanings.find(({ pattern }) => pattern.test(code));
  return meaning && tlsError(meaning.code, address, `${meaning.says} (${code})`, error);
}

function tlsError(code: ErrorCode, address: Address, why: string, cause: unknown): RocketmqError {
  return new ConnectionError(code, `TLS with ${address} failed: ${why}`, {
    context: { address, why },
    cause,
  });
}
