// SPDX-License-Identifier: Apache-2.0
/** Who owns the socket, and what happens between dialling and the first call? Effects of the connection machine. */
import { type EventObject, fromCallback } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import type { Channel } from '../../transport/channel.ts';
import type { Line } from '../../transport/line.ts';
import { closedByUs } from './connection.logic.ts';
import type { ConnectionEvent, ConnectionInput } from './connection.types.ts';

/** To the machine; XState leaves this untyped. */
type Tell = (event: ConnectionEvent) => void;

export type LinkInput = Pick<ConnectionInput, 'address' | 'line' | 'dialer' | 'greet' | 'limits' | 'scope'>;

/**
 * One connection from its dial to its end: dials, greets, attaches, tells. Leaving its state, a hard stop, or the end of
 * the scope destroys the socket; nothing is told after that.
 */
export const link = fromCallback<EventObject, LinkInput>(({ input, sendBack }) => {
  const tell: Tell = sendBack;
  const { address, line, scope } = input;
  const ending = new AbortController();
  const onClosed = (error: RocketmqError): void => {
    if (ending.signal.aborted) return;
    ending.abort(error); // a dial or greeting still under way
    tell({ type: 'link.lost', error });
  };
  const channel: Channel = line.createChannel(onClosed, error => {
    tell({ type: 'link.leaving', error });
    channel.whenIdle(() => channel.close(error));
  });
  const close = (): void => channel.close(closedByUs(address));
  scope?.addEventListener('abort', close);
  establish(input, channel, ending.signal, tell).catch((thrown: unknown) =>
    channel.close(toRocketmqError(thrown, 'RMQ_CONNECT_FAILED')),
  );
  return () => {
    scope?.removeEventListener('abort', close);
    ending.abort(closedByUs(address));
    close();
  };
});

async function establish(
  { address, dialer, greet, line, limits }: LinkInput,
  channel: Channel,
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  const timeoutMs = limits.dialTimeoutMs;
  channel.open(await dialer.dial(address, channel.handlers, { signal, timeoutMs }));
  if (!channel.isOpen) return; // given up while dialling: `open` has destroyed the socket
  tell({ type: 'link.dialed' });
  await greet(channel, signal);
  if (!channel.isOpen) return;
  line.attach(channel);
  tell({ type: 'link.greeted' });
}

/** Closes the line with its connection actor, however that ends, so that no waiting call and no timer stays behind. */
export const lineKeeper = fromCallback<EventObject, Pick<ConnectionInput, 'line' | 'scope'>>(
  ({ input: { line, scope }, sendBack }) => {
    const tell: Tell = sendBack;
    const close = (): void => line.close(closedByUs(line.address));
    const onScopeEnd = (): void => {
      close();
      tell({ type: 'connection.close' });
    };
    if (scope?.aborted === true) onScopeEnd();
    scope?.addEventListener('abort', onScopeEnd, { once: true });
    return () => {
      scope?.removeEventListener('abort', onScopeEnd);
      close();
    };
  },
);

/** Waits until the last pending call has ended. */
export const drain = fromCallback<EventObject, { readonly line: Line }>(({ input, sendBack }) => {
  const tell: Tell = sendBack;
  input.line.whenIdle(() => tell({ type: 'line.idle' }));
});
