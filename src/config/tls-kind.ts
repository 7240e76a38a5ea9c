// SPDX-License-Identifier: Apache-2.0
/** How is `tls` read? What is wrong is said without the value: it may be a key that went to the wrong place. */
import { type ResolvedTls, resolveTls, type TlsOption, tlsProblem } from '../model/tls.ts';
import { yesOrNo } from './basic-kinds.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

export const tlsKind: Kind<TlsOption, ResolvedTls, 'none'> = {
  typeText: 'boolean | TlsSettings | TlsSource',
  typeImports: { TlsSettings: '../model/tls.ts', TlsSource: '../model/tls.ts' },
  unit: 'none',
  read: readTls,
  ...(yesOrNo.fromText === undefined ? {} : { fromText: yesOrNo.fromText }),
  show: value => (value === 'off' ? 'off' : 'on'),
};

/** `true` says what an empty object would; an empty one is rather a file that was not read. */
function emptyProblem(value: unknown): string | undefined {
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return isEmpty ? 'the object sets nothing' : undefined;
}

function readTls(value: unknown, spot: Spot): ResolvedTls | undefined {
  const isReady = value === false || typeof value === 'function'; // what a function answers is checked at each dial
  const problem = isReady ? undefined : (tlsProblem(value) ?? emptyProblem(value));
  if (problem !== undefined)
    return spot.problem(problem, 'Write tls: true, tls: { ca }, or a function of the address.');
  const option = value as TlsOption; // that is what was checked
  if (typeof option === 'object' && option.rejectUnauthorized === false) {
    spot.warning(
      'any certificate is accepted: whoever can get between can read and change everything',
      'Give the authority that signed the certificates: tls: { ca }.',
    );
  }
  return resolveTls(option);
}
