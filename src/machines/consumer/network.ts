// SPDX-License-Identifier: Apache-2.0
/** Over what does a consumer talk to name servers and brokers? Lines, calls over them, and who it says it is. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConnectionError, toRocketmqError } from '../../errors/errors.ts';
import { namespaceOf } from '../../model/namespace.ts';
import type { Address } from '../../model/route.ts';
import { BrokerCalls } from '../../transport/broker-calls.ts';
import { Identity, renewingDialer } from '../../transport/identity.ts';
import { defaultLimits } from '../../transport/limits.ts';
import { MessageCalls } from '../../transport/message-calls.ts';
import { NameServerCalls } from '../../transport/name-server-calls.ts';
import { RouteGate } from '../../transport/route-gate.ts';
import type { ServerRequestHandler } from '../../transport/server-requests.ts';
import { Switchboard } from '../../transport/switchboard.ts';
import { Hidden } from '../shared/hidden.ts';
import type { Mailbox } from './mailbox.ts';
import type { PartsEnvironment } from './parts-environment.ts';

export interface NetworkOptions extends Pick<PartsEnvironment, 'clock' | 'dialer' | 'random'> {
  readonly config: ResolvedConfig;
  readonly mailbox: Mailbox;
  /** Aborted when the consumer has ended. */
  readonly ended: AbortSignal;
  /** Answers what brokers ask of us. */
  readonly serve: ServerRequestHandler;
}

export function networkOf({ config, clock, dialer, random, mailbox, ended, serve }: NetworkOptions) {
  const namespace = namespaceOf(config.namespace);
  const identity =
    config.credentials &&
    new Identity({
      given: config.credentials,
      clock,
      onFault: error => mailbox.send({ type: 'fault', error, actor: 'credentials' }),
    });
  const limits = { ...defaultLimits, maxFrameSize: config.maxFrameSizeBytes };
  const switchboard = new Switchboard({
    clock,
    limits,
    namespace,
    identity,
    onWanted: (address, line) => {
      // After the end nobody would connect it: calls of actors that are still in the middle of something fail at once.
      if (ended.aborted) line.close(toRocketmqError(ended.reason));
      else mailbox.send({ type: 'connection.wanted', address, line: new Hidden(line) });
    },
    onServerRequest: serve,
    onFault: error => mailbox.send({ type: 'fault', error, actor: 'transport' }),
  });
  const gate = new RouteGate({
    map: config.mapBrokerAddress,
    allowed: config.allowedBrokerAddresses,
    onRefused: error => mailbox.send({ type: 'fault', error, actor: 'routes' }),
  });
  const addresses = config.namesrvAddr;
  return {
    namespace,
    identity,
    limits,
    /** Signs anew what it opens when the credentials change. */
    dialer: renewingDialer(dialer, identity),
    switchboard,
    calls: new BrokerCalls(switchboard),
    messages: new MessageCalls(switchboard),
    nameServers: new NameServerCalls({ switchboard, addresses, clock, random, gate }),
    roleOf: (address: Address) =>
      addresses.includes(address) ? ('nameServer' as const) : ('broker' as const),
    /** Closes the lines to all other addresses; answers those. */
    closeAllBut: (wanted: ReadonlySet<Address>): readonly Address[] => {
      const stale = switchboard.addresses().filter(address => !wanted.has(address));
      for (const address of stale) switchboard.line(address).close(leftRoute(address));
      return stale;
    },
  };
}

function leftRoute(address: Address): ConnectionError {
  return new ConnectionError('RMQ_CONNECTION_LOST', `no route names ${address} any more`, {
    context: { address },
  });
}
