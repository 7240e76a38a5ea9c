// SPDX-License-Identifier: Apache-2.0
/** Which real things is a consumer made of, and which of them know each other? The one place where all layers meet. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { HandlerSlots } from '../../listeners/handler-slots.ts';
import { HookedListeners } from '../../listeners/hooked-listeners.ts';
import type { Clock } from '../../model/clock.ts';
import { retryTopicOf } from '../../model/names.ts';
import { FormerOffsets } from '../../stores/former-offsets.ts';
import { StartPositions } from '../../stores/start-position.ts';
import { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import { ToldVersions } from '../../subscriptions/told-versions.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import { PullTally } from '../../transport/pull-tally.ts';
import { RouteCache } from '../routes/route-cache.ts';
import { Pulse } from '../shared/pulse.ts';
import { createScope } from '../shared/scope.ts';
import { BrokerLocator } from './broker-locator.ts';
import { ClockComparison } from './clock-comparison.ts';
import { lockKindOf } from './consume-order.ts';
import { Greetings } from './greetings.ts';
import { HeldQueues } from './held-queues.ts';
import { ListenerChoice } from './listener-choice.ts';
import { lockWiring } from './lock-wiring.ts';
import { Mailbox } from './mailbox.ts';
import { MemberLists } from './member-lists.ts';
import { networkOf } from './network.ts';
import { isBroadcasting, offsetPlace } from './offset-place.ts';
import type { PartsEnvironment } from './parts-environment.ts';
import { QueueOpener } from './queue-opener.ts';
import { QueueOrigins } from './queue-origins.ts';
import { SelectorChecks } from './selector-checks.ts';
import { FiguresBook } from './server-requests/figures.ts';
import { ServerRequests } from './server-requests/server-requests.ts';
import { sharedFlow } from './shared-flow.ts';
import { StartByTime } from './start-by-time.ts';
import { startPort } from './start-port.ts';
import { subscribingPort } from './subscribing-port.ts';
import { type Traces, traces } from './trace-port.ts';
import { TwinWatch } from './twin-watch.ts';

/** Everything that stands behind the ports of a consumer's actors. */
export type Wiring = ReturnType<typeof wire>;

export function wire(config: ResolvedConfig, environment: PartsEnvironment) {
  const { clock, random, logger } = environment;
  const { consumerGroup } = config;
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

  const network = networkOf({
    ...{ ...environment, config, mailbox, ended: scope.signal },
    serve: (address, frame, reply) => requests.serve(address, frame, reply),
  });
  const { namespace, switchboard, calls, messages, nameServers } = network;
  const locator = new BrokerLocator(cache, switchboard);

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

  const greetings = new Greetings({ config, subscriptions, told, calls });
  const listeners = new ListenerChoice(config);
  const tracing = config.enableMessageTrace
    ? traces({ config, clock, random, messages, nameServers })
    : undefined;
  const hooked = hookedListeners(config, clock, mailbox, tracing);
  const checks = new SelectorChecks({ config, subscriptions, calls });
  const held = new HeldQueues();
  const members = memberLists(config, clock, mailbox, calls);
  const kind = lockKindOf(config);
  const locks = kind && lockWiring({ config, clock, random, calls, cache, locator, topics }, kind);
  const clocks = new ClockComparison({
    clock,
    isFresh: () => pulse.isFresh(),
    tell: error => mailbox.send({ type: 'fault', error, actor: 'puller' }),
  });
  const queues = new QueueOpener({
    ...{ clocks, config, namespace, clock, random, cache, switchboard, store, positions, origins, former },
    ...{ subscriptions, told, listeners, hooked, flow, slots, pulls, figures },
    committedOffset: offsets.committedOffset,
    locks: locks?.book,
    isFresh: () => pulse.isFresh(),
    stopSignal: scope.signal,
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
      greetings,
      nameServers,
    },
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
  return {
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
    pulse,
    cache,
    origins,
    former,
    slots,
    pulls,
    figures,
    network,
    locator,
    offsets,
    store,
    told,
    brokers,
    startByTime,
    greetings,
    tracing,
    checks,
    held,
    members,
    locks,
    queues,
    subscribing,
    isSubscribed,
    requests,
  };
}

function subscribed(config: ResolvedConfig, clock: Clock): SubscriptionManager {
  const subscriptions = new SubscriptionManager({ wallNow: () => clock.wallNow() });
  for (const { topic, selector } of config.subscriptions) subscriptions.subscribe(topic, selector);
  return subscriptions;
}

function hookedListeners(
  { consumerGroup, consumeTimeout, consumeHooks = [] }: ResolvedConfig,
  clock: Clock,
  mailbox: Mailbox,
  tracing: Traces | undefined,
): HookedListeners {
  return new HookedListeners([...(tracing === undefined ? [] : [tracing.book]), ...consumeHooks], {
    consumerGroup,
    consumeTimeoutMs: consumeTimeout,
    now: () => clock.now(),
    onFault: error => mailbox.send({ type: 'fault', error, actor: 'consume' }),
  });
}

/** Who else is in the group, as brokers tell; somebody with our own client id is told. */
function memberLists(
  config: ResolvedConfig,
  clock: Clock,
  mailbox: Mailbox,
  calls: BrokerCalls,
): MemberLists {
  const { clientId, consumerGroup, consumerTimeoutMillisOfRequest: timeoutMs } = config;
  const twins = new TwinWatch({
    clock,
    clientId,
    tell: error => mailbox.send({ type: 'fault', error, actor: 'rebalance' }),
  });
  return new MemberLists({
    clock,
    query: async (address, signal) => {
      const ids = await calls.consumerIds(address, consumerGroup, { timeoutMs, signal });
      twins.noteMembers(address, ids);
      return ids;
    },
  });
}
