// SPDX-License-Identifier: Apache-2.0
/** Does a peer that hangs up on plain text speak TLS? A handshake tells; nothing is sent over it. */
import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../model/clock.ts';
import type { Endpoint } from './address.ts';

/** Unit: ms. */
const longest = 1000;

/** Never rejects. False also when there is no answer in time. */
export function speaksTls(
  { host, port }: Endpoint,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise(resolve => {
    // Whether the certificate is good is not the question here, and the connection is closed at once.
    const stream = tls.connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
    });
    const end = (isTls: boolean): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stream.destroy();
      resolve(isTls);
    };
    const onAbort = (): void => end(false);
    const timer = clock.setTimeout(() => end(false), longest);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('secureConnect', () => end(true));
    stream.on('error', error => end('code' in error && /^ERR_SSL_.*ALERT/.test(String(error.code))));
  });
}
