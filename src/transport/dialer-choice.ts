// SPDX-License-Identifier: Apache-2.0
/** Which dialer opens the connections: the one given by hand, the encrypted one, or the plain one? */
import { ConfigError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { TlsSource } from '../model/tls.ts';
import type { Dialer } from './ports.ts';
import { tcpDialer } from './tcp-dialer.ts';
import { tlsDialer } from './tls-dialer.ts';

/** @throws ConfigError `RMQ_CONFIG_INVALID` when tls is set and a dialer is given, which might open plain connections */
export function dialerFor(
  tls: 'off' | TlsSource,
  { given, clock }: { readonly given: Dialer | undefined; readonly clock: Clock },
): Dialer {
  if (tls === 'off') return given ?? tcpDialer({ clock });
  if (given === undefined) return tlsDialer({ settings: tls, clock });
  throw new ConfigError([
    {
      option: 'tls',
      problem: 'it would have no effect: the dialer that is given opens the connections',
      hint: 'Leave one of them out. A dialer of your own encrypts by itself.',
    },
  ]);
}
