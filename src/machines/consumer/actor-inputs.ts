// SPDX-License-Identifier: Apache-2.0
/** What does each actor of a consumer get when it is spawned? */
import type { Address } from '../../model/route.ts';
import type { Line } from '../../transport/line.ts';
import { commandsPort } from './command-port.ts';
import { conflictsPort } from './conflicts-port.ts';
import type { ConsumerParts } from './consumer-parts.ts';
import { routesPort } from './routes-port.ts';
import { roundLimitOf, sendBackPort } from './send-back-port.ts';
import type { Wiring } from './wiring.ts';
import { noteYoungRetryTopic } from './young-retry-topic.ts';

/** Pause before a failed message nobody took is delivered again from here, as in Java. Unit: ms. */
const localRetryPause = 5000;

export function actorInputs({
  config,
  clock,
  random,
  logger,
  retryTopics,
  isAlone,
  scope,
  mailbox,
  subscriptions,
  topics,
  cache,
  origins,
  former,
  network,
  locator,
  offsets,
  store,
  told,
  brokers,
  greetings,
  tracing,
  checks,
  held,
  members,
  locks,
  queues,
  subscribing,
  isSubscribed,
}: Wiring): ConsumerParts['inputs'] {
  const { clientId, consumerGroup } = config;
  const { namespace, switchboard, calls, messages, nameServers } = network;
  const timeoutMs = config.consumerTimeoutMillisOfRequest;
  return {
    routes: parent => ({
      port: routesPort({
        ...{ nameServers, calls, switchboard, cache, origins, former, store, timeoutMs },
        storedOffset: offsets.storedOffset,
        noteYoung: fetch => noteYoungRetryTopic(retryTopics, logger, fetch),
      }),
      cache,
      topics,
      pollInterval: config.pollNameServerInterval,
      clock,
      parent,
    }),
    connection: (address: Address, line: Line, parent) => ({
      address,
      line,
      role: network.roleOf(address),
      dialer: network.dialer,
      greet: async (caller, signal) => {
        if (network.roleOf(address) === 'nameServer') return;
        members.noteGreeted(address);
        await checks.greet(caller, signal);
        await greetings.greet(caller, { timeoutMs, signal });
        await locks?.reclaim(caller, signal);
      },
      clock,
      random,
      parent,
      limits: network.limits,
      scope: scope.signal,
    }),
    heartbeat: parent => ({
      port: {
        addresses: () => cache.brokerAddresses(topics()),
        beat: (address, signal) => greetings.tell(address, { timeoutMs, signal }),
      },
      interval: config.heartbeatBrokerInterval,
      now: () => clock.now(),
      parent,
    }),
    rebalance: parent => ({
      port: {
        memberIds: async (topic, signal) =>
          isAlone ? [clientId] : locator.askMembers(topic, address => members.ask(address, signal)),
        queuesOf: topic => cache.queuesOf(topic),
      },
      topics: () => [...subscriptions.consumedTopics(), ...retryTopics],
      clientId,
      consumerGroup,
      allocate: isAlone ? ({ queues: all }) => all : config.allocateStrategy,
      interval: config.rebalanceInterval,
      parent,
    }),
    offsets: parent => ({
      port: store,
      interval: config.persistConsumerOffsetInterval,
      retryTimes: config.offsetStoreRetryTimes,
      clock,
      random,
      parent,
    }),
    resets: parent =>
      isAlone
        ? undefined
        : {
            port: {
              idleQueues: () => queues.idle(),
              storedOffset: (queue, signal) => offsets.storedOffset(queue, { signal }),
            },
            parent,
          },
    conflicts: parent => ({
      port: conflictsPort({
        ...{ config, logger, subscriptions, told, calls, greetings },
        addresses: () =>
          cache.brokerAddresses(topics()).filter(address => cache.mastersAt(address).length > 0),
      }),
      interval: config.heartbeatBrokerInterval,
      clock,
      parent,
    }),
    queues: parent => ({
      openQueue: (queue, options) => held.count(queue, queues.open(queue, options)),
      parent,
    }),
    commands: (parent, owned) => ({
      consumerGroup,
      port: commandsPort({
        ...{ config, brokers, store, owned, isSubscribed },
        heldOf: queue => queues.heldOf(queue),
        tell: event => mailbox.send(event),
      }),
      subscribing,
      random,
      parent,
    }),
    trace: parent => tracing && { port: tracing.port, random, now: () => clock.now(), parent },
    locks: parent => locks?.input(parent),
    sendBack: parent => ({
      port: sendBackPort({ config, namespace, calls, messages, locator, cache }),
      localRetryPause,
      roundLimit: roundLimitOf(config),
      parent,
    }),
  };
}
