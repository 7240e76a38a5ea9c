// SPDX-License-Identifier: Apache-2.0
/** How is a broker asked for locks, for its members, and to free what dead ones hold? One call each, with its time limit. */
import { fromPromise } from 'xstate';
import { ConnectionError } from '../../errors/errors.ts';
import { within } from '../../stores/wait-for.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { type BrokerLocksInput, lockCallLimit } from './locks.types.ts';

type Broker = Pick<BrokerLocksInput, 'brokerName' | 'page' | 'port' | 'clock'>;

/** All that is wanted and held, in one question (41). */
export const askForLocks = fromPromise<void, Broker>(({ input: { brokerName, page, port }, signal }) =>
  page.ask('all', (queues, onGranted) => port.lock(brokerName, queues, { signal, onGranted }), signal),
);

/** The group's members as this broker lists them (38). */
export const askMembers = fromPromise<readonly string[], Broker>(async ({ input, signal }) =>
  bounded(input, signal, 'members', input.port.memberIds(input.brokerName, signal)),
);

/** In the name of each dead member, for all queues it may have had (42); the broker looks at the client id only. */
export const freeLocksOf = fromPromise<void, Broker & { readonly gone: ReadonlySet<string> }>(
  async ({ input, signal }) => {
    const { brokerName, port, gone } = input;
    const queues = port.queuesOf(brokerName);
    const options = { timeoutMs: lockCallLimit, signal: sharedSignal(signal) };
    const freed = [...gone].map(clientId => port.unlock(brokerName, queues, { clientId, ...options }));
    await bounded(input, signal, 'unlock for dead members', Promise.all(freed));
  },
);

/** The port keeps the limit itself and names the cause; a little later we stop believing in it. Unit: ms. */
const limit = lockCallLimit + 500;

function bounded<T>(
  { clock, brokerName }: Broker,
  signal: AbortSignal,
  what: string,
  call: Promise<T>,
): Promise<T> {
  return within(call, {
    clock,
    deadline: clock.now() + limit,
    signal,
    tooLate: () =>
      new ConnectionError('RMQ_REQUEST_TIMEOUT', `${what} at ${brokerName} not answered within ${limit} ms`),
  });
}
