// SPDX-License-Identifier: Apache-2.0
/** Which real thing stands behind each port of the consumer's actors? The one place where all layers meet. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConnectionError, toRocketmqError } from '../../errors/errors.ts';
import { HandlerSlots } from '../../listeners/handler-slots.ts';
import { HookedListeners } from '../../listeners/hooked-listeners.ts';
import type { Clock } from '../../model/clock.ts';
import { retryTopicOf } from '../../model/names.ts';
import { namespaceOf } from '../../model/namespace.ts';
import type { Address } from '../../model/route.ts';
import type { Logger } from '../../observability/logger.ts';
import type { HeartbeatData } from '../../protocol/bodies/heartbeat.ts';
import type { FileSystem } from '../../stores/file-system.ts';
import { FormerOffsets } from '../../stores/former-offsets.ts';
import { StartPositions } from '../../stores/start-position.ts';
import { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import { ToldVersions } from '../../subscriptions/told-versions.ts';
import { BrokerCalls, beat } from '../../transport/broker-calls.ts';
import { Identity, renewingDialer } from '../../transport/identity.ts';
import { defaultLimits } from '../../transport/limits.ts';
import type { Line } from '../../transport/line.ts';
import { MessageCalls } from '../../transport/message-calls.ts';
import { NameServerCalls } from '../../transport/name-server-calls.ts';
import type { Dialer } from '../../transport/ports.ts';
import { PullTally } from '../../transport/pull-tally.ts';
import { RouteGate } from '../../transport/route-gate.ts';
import { Switchboard } from '../../transport/switchboard.ts';
import { RouteCache } from '../routes/route-cache.ts';
import { Hidden } from '../shared/hidden.ts';
import { Pulse } from '../shared/pulse.ts';
import { createScope } from '../shared/scope.ts';
import { BrokerLocator } from './broker-locator.ts';
import { ClockComparison } from './clock-comparison.ts';
import { commandsPort } from './command-port.ts';
import { conflictsPort } from './conflicts-port.ts';
import { lockKindOf } from './consume-order.ts';
import type { ConsumerInternalEvent } from './consumer.types.ts';
import type { ConsumerParts, ConsumerReceiver } from './consumer-parts.ts';
import { heartbeatOf } from './heartbeat-data.ts';
import { HeldQueues } from './held-queues.ts';
import { ListenerChoice } from './listener-choice.ts';
import { lockWiring } from './lock-wiring.ts';
import { MemberLists } from './member-lists.ts';
import { isBroadcasting, offsetPlace } from './offset-place.ts';
import { QueueOpener } from './queue-opener.ts';
import { QueueOrigins } from './queue-origins.ts';
import { routesPort } from './routes-port.ts';
import { SelectorChecks } from './selector-checks.ts';
import { roundLimitOf, sendBackPort } from './send-back-port.ts';
import { FiguresBook } from './server-requests/figures.ts';
import { ServerRequests } from './server-requests/server-requests.ts';
import { sharedFlow } from './shared-flow.ts';
import { StartByTime } from './start-by-time.ts';
import { startPort } from './start-port.ts';
import { subscribingPort } from './subscribing-port.ts';
import { traces } from './trace-port.ts';
import { TwinWatch } from './twin-watch.ts';
import { noteYoungRetryTopic } from './young-retry-topic.ts';

/** What a consumer runs in; createConsumerActor fills in what is not given. */
export interface PartsEnvironment {
  readonly clock: Clock;
  readonly dialer: Dialer;
  /** A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly logger: Logger;
  /** For the offsets of a broadcasting consumer. Default: the real one. */
  readonly fileSystem?: FileSystem | undefined;
}

/** Pause before a failed message nobody took is delivered again from here, as in Java. Unit: ms. */
const localRetryPause = 5000;

export function buildParts(config: ResolvedConfig, environment: PartsEnvironment): ConsumerParts {
  const { clock, dialer, random, logger } = environment;
  const { consumerGroup, clientId } = config;
  const namespace = namespaceOf(config.namespace);
  const isAlone = isBroadcasting(config);
  /** Nothing comes back in broadcasting: what failed is dropped. */
  const retryTopics = isAlone ? [] : [retryTopicOf(consumerGroup)];
  const scope = createScope();
  const mailbox = new Mailbox();

  const subscriptions = subscribed(config, clock);
  /** Whose brokers and routes are of interest: also what is about to be consumed, and what is being left. */
  const topics = (): readonly string[] => [...subscriptions.announcedTopics(), ...retryTopics];

  const pulse = new Pulse({ clock, onGap: gap => mailbox.send({ type: 'gap.found', ...gap }) });
  const cache = new RouteCache();
  const origins = new QueueOrigins();
  const former = new FormerOffsets(clock);
  const flow = sharedFlow(config, clock);
  const slots = new HandlerSlots(config.consumeConcurrency, flow.rate);
  const pulls = new PullTally();
  const figures = new FiguresBook(clock);
  scope.defer(() => slots.close());

  const identity =
    config.credentials &&
    new Identity({
      given: config.credentials,
      clock,
      onFault: error => mailbox.send({ type: 'fault', error, actor: 'credentials' }),
    });
  const limits = { ...defaultLimits, maxFrameSize: config.maxFrameSizeBytes };
  const switchboard: Switchboard = new Switchboard({
    clock,
    limits,
    namespace,
    identity,
    onWanted: (address, line) => {
      // After the end nobody would connect it: calls of actors that are still in the middle of something fail at once.
      if (scope.signal.aborted) line.close(toRocketmqError(scope.signal.reason));
      else mailbox.send({ type: 'connection.wanted', address, line: new Hidden(line) });
    },
    onServerRequest: (address, frame, reply) => requests.serve(address, frame, reply),
    onFault: error => mailbox.send({ type: 'fault', error, actor: 'transport' }),
  });
  const calls = new BrokerCalls(switchboard);
  const messages = new MessageCalls(switchboard);
  const gate = new RouteGate({
    map: config.mapBrokerAddress,
    allowed: config.allowedBrokerAddresses,
    onRefused: error => mailbox.send({ type: 'fault', error, actor: 'routes' }),
  });
  const addresses = config.namesrvAddr;
  const nameServers = new NameServerCalls({ switchboard, addresses, clock, random, gate });
  const locator = new BrokerLocator(cache, switchboard);
  const timeoutMs = config.consumerTimeoutMillisOfRequest;

  const offsets = offsetPlace({
    ...{ config, clock, calls, locator, fileSystem: environment.fileSystem },
    mayCommit: () => pulse.isFresh(),
    onFault: error => mailbox.send({ type: 'fault', error, actor: 'offsets' }),
  });
  const { store } = offsets;
  scope.defer(() => offsets.close());
  const told = new ToldVersions();
  const brokers = startPort({
    ...{ config, calls, locator, switchboard, subscriptions, told },
    storedOffset: offsets.storedOffset,
  });
  const positions = new StartPositions(brokers, clock);
  const startByTime = new StartByTime({
    ...{ config, cache, positions, topics: () => subscriptions.consumedTopics() },
    isOpen: address => switchboard.isOpen(address),
  });

  const heartbeat = () => heartbeatOf(config, subscriptions);
  const noteTold = (address: Address, { consumerDataSet }: HeartbeatData): void => {
    for (const { subscriptionDataSet } of consumerDataSet) told.note(address, subscriptionDataSet);
  };
  const heartbeats: Pick<BrokerCalls, 'heartbeat'> = {
    heartbeat: async (address, data, options) => {
      await calls.heartbeat(address, data, options);
      noteTold(address, data);
    },
  };
  const listeners = new ListenerChoice(config);
  const tracing = config.enableMessageTrace
    ? traces({ config, clock, random, messages, nameServers })
    : undefined;
  const hooked = new HookedListeners(
    [...(tracing === undefined ? [] : [tracing.book]), ...(config.consumeHooks ?? [])],
    {
      consumerGroup,
      consumeTimeoutMs: config.consumeTimeout,
      now: () => clock.now(),
      onFault: error => mailbox.send({ type: 'fault', error, actor: 'consume' }),
    },
  );
  const checks = new SelectorChecks({ config, subscriptions, calls });
  const held = new HeldQueues();
  const twins = new TwinWatch({
    clock,
    clientId,
    tell: error => mailbox.send({ type: 'fault', error, actor: 'rebalance' }),
  });
  const members = new MemberLists({
    clock,
    query: async (address, signal) => {
      const ids = await calls.consumerIds(address, consumerGroup, { timeoutMs, signal });
      twins.noteMembers(address, ids);
      return ids;
    },
  });
  const kind = lockKindOf(config);
  const locks = kind && lockWiring({ config, clock, random, calls, cache, locator, topics }, kind);
  const clocks = new ClockComparison({
    clock,
    isFresh: () => pulse.isFresh(),
    tell: error => mailbox.send({ type: 'fault', error, actor: 'puller' }),
  });
  const queues = new QueueOpener({
    ...{
      clocks,
      config,
      namespace,
      clock,
      random,
      cache,
      switchboard,
      committedOffset: offsets.committedOffset,
      store,
      positions,
      origins,
      former,
      subscriptions,
      told,
      listeners,
      hooked,
    },
    ...{
      flow,
      slots,
      pulls,
      figures,
      locks: locks?.book,
      isFresh: () => pulse.isFresh(),
      stopSignal: scope.signal,
    },
    tell: event => mailbox.send(event),
  });

  const subscribing = subscribingPort({
    ...{
      config,
      logger: logger.child({ actor: 'subscribing' }),
      subscriptions,
      listeners,
      checks,
      held,
      cache,
      origins,
      calls: heartbeats,
      nameServers,
    },
    heartbeat,
    tell: event => mailbox.send(event),
  });
  const isSubscribed = (topic: string): boolean =>
    retryTopics.includes(topic) || subscriptions.isSubscribed(topic);

  const requests: ServerRequests = new ServerRequests({
    ...{ config, namespace, clock, subscriptions, listeners, slots, figures, isSubscribed },
    logger: logger.child({ actor: 'serverRequests' }),
    queues: () => queues.shown(),
    stopSignal: scope.signal,
    tell: event => mailbox.send(event),
  });

  const roleOf = (address: Address) => (config.namesrvAddr.includes(address) ? 'nameServer' : 'broker');

  return {
    config,
    clock,
    logger,
    slots,
    pulls,
    rates: () => Object.fromEntries(subscriptions.getTopics().map(topic => [topic, figures.rates(topic)])),
    inputs: {
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
        role: roleOf(address),
        dialer: identity?.isRotating === true ? renewingDialer(dialer, identity) : dialer,
        greet: async (caller, signal) => {
          if (roleOf(address) === 'nameServer') return;
          members.noteGreeted(address);
          await checks.greet(caller, signal);
          const data = heartbeat();
          await beat(caller, data, { timeoutMs, signal });
          noteTold(address, data);
          await locks?.reclaim(caller, signal);
        },
        clock,
        random,
        parent,
        limits,
        scope: scope.signal,
      }),
      heartbeat: parent => ({
        port: {
          addresses: () => cache.brokerAddresses(topics()),
          beat: (address, signal) => heartbeats.heartbeat(address, heartbeat(), { timeoutMs, signal }),
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
          ...{ config, logger, subscriptions, told, calls, heartbeat },
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
    },
    subscribing,
    attach: consumer => {
      mailbox.attach(consumer);
      requests.noteStart();
      pulse.start();
      scope.defer(() => pulse.stop());
    },
    beginRound: () => queues.beginRound(),
    isUnidentified: () => identity !== undefined && identity.signer === undefined,
    identify: async () => identity?.load(),
    loadOffsets: () => store.load(),
    startsByTime: () => startByTime.isWanted,
    askByTime: signal => startByTime.ask(signal),
    noteRoutes: unknownTopic => {
      if (unknownTopic !== undefined) origins.note(unknownTopic, []);
      for (const topic of topics()) {
        const queues = cache.queuesOf(topic);
        if (queues === undefined) continue;
        origins.note(topic, queues);
        former.noteReturn(queues);
      }
    },
    knowsRetryTopic: () => retryTopics.every(topic => (cache.queuesOf(topic)?.length ?? 0) > 0),
    isSaved: () => store.metrics().recentPersistSuccessRate >= config.offsetStoreRecoveryThreshold,
    uncommitted: () => store.uncommitted(),
    leave: async ({ unconfirmed, timeoutMs: limit, signal }) => {
      const unlocked = await Promise.allSettled([
        queues.unlockAll(unconfirmed, { timeoutMs: limit / 2, signal }),
        tracing?.ended(limit / 2, signal),
      ]);
      const addresses = cache.brokerAddresses(topics()).filter(address => switchboard.isOpen(address));
      const outcomes = await Promise.allSettled(
        addresses.map(address =>
          calls.unregister(address, { clientId, consumerGroup }, { timeoutMs: limit / 2, signal }),
        ),
      );
      for (const outcome of [...unlocked, ...outcomes])
        if (outcome.status === 'rejected') throw outcome.reason;
    },
    mastersAt: address => cache.mastersAt(address),
    viewOf: (queue, paused) => queues.viewOf(queue, paused),
    isSubscribed,
    isFresh: () => pulse.isFresh(),
    confirmPulse: () => pulse.confirm(),
    fateOf: queue => cache.fateOf(queue),
    closeStaleLines: () => {
      // A queue that is being given up still has to commit.
      const used = queues.brokerNames().flatMap(name => [...cache.addressesOf(name).values()]);
      const wanted = new Set([...config.namesrvAddr, ...cache.brokerAddresses(topics()), ...used]);
      const stale = switchboard.addresses().filter(address => !wanted.has(address));
      for (const address of stale) switchboard.line(address).close(leftRoute(address));
      return stale;
    },
    closeLines: error => switchboard.closeAll(error),
    closeScope: () => {
      scope.close();
    },
  };
}

function leftRoute(address: Address): ConnectionError {
  return new ConnectionError('RMQ_CONNECTION_LOST', `no route names ${address} any more`, {
    context: { address },
  });
}

/** Where the parts send before and after the consumer actor is there. */
class Mailbox {
  #consumer: ConsumerReceiver | undefined;

  attach(consumer: ConsumerReceiver): void {
    this.#consumer = consumer;
  }

  send(event: ConsumerInternalEvent): void {
    this.#consumer?.send(event);
  }
}

function subscribed(config: ResolvedConfig, clock: Clock): SubscriptionManager {
  const subscriptions = new SubscriptionManager({ wallNow: () => clock.wallNow() });
  for (const { topic, selector } of config.subscriptions) subscriptions.subscribe(topic, selector);
  return subscriptions;
}
