// SPDX-License-Identifier: Apache-2.0
/** Which calls and parts of the consumer stand behind a change of its subscriptions? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { SubscriptionError } from '../../errors/errors.ts';
import { retryTopicOf, topicProblem } from '../../model/names.ts';
import { namespaceOf } from '../../model/namespace.ts';
import type { Address } from '../../model/route.ts';
import { everything, type Selector } from '../../model/subscription.ts';
import type { Logger } from '../../observability/logger.ts';
import { checkSelector } from '../../subscriptions/check-selector.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import { sameSelector } from '../../subscriptions/subscription-table.ts';
import type { NameServerCalls } from '../../transport/name-server-calls.ts';
import type { SubscriptionCommand } from '../commands/work-command.ts';
import type { SubscriptionChanged } from '../rebalance/rebalance.types.ts';
import type { RouteCache } from '../routes/route-cache.ts';
import type { RoutesReport } from '../routes/routes.types.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { SubscribingPlan, SubscribingPort } from '../subscribing/subscribing.types.ts';
import type { Greetings } from './greetings.ts';
import type { HeldQueues } from './held-queues.ts';
import type { ListenerChoice } from './listener-choice.ts';
import type { QueueOrigins } from './queue-origins.ts';
import type { SelectorChecks } from './selector-checks.ts';

export interface SubscribingWiring {
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly subscriptions: SubscriptionManager;
  readonly listeners: ListenerChoice;
  readonly checks: SelectorChecks;
  readonly held: HeldQueues;
  readonly cache: RouteCache;
  readonly origins: QueueOrigins;
  readonly nameServers: Pick<NameServerCalls, 'route'>;
  readonly greetings: Pick<Greetings, 'tell'>;
  readonly tell: (event: SubscriptionChanged | RoutesReport) => void;
}

export function subscribingPort(wiring: SubscribingWiring): SubscribingPort {
  const { subscriptions, held, origins, tell } = wiring;
  return {
    plan: command => planOf(wiring, command),
    applyNow: command => {
      apply(wiring, planOf(wiring, command), { afterBeat: false });
    },
    check: (plan, signal) => check(wiring, plan, signal),
    apply: plan => apply(wiring, plan, { afterBeat: true }),
    locate: (topic, signal) => locate(wiring, topic, signal),
    register: (topic, signal) => register(wiring, topic, signal),
    settle: topic => subscriptions.settle(topic),
    share: () =>
      new Promise(resolve => {
        tell({ type: 'subscription.changed', ticket: { done: resolve } });
      }),
    drained: topic => held.none(topic),
    forget: topic => {
      subscriptions.unsubscribe(topic);
      origins.forget(topic);
    },
  };
}

function planOf(wiring: SubscribingWiring, command: SubscriptionCommand): SubscribingPlan {
  const { topic } = command;
  const { subscriptions, listeners } = wiring;
  if (command.type === 'consumer.unsubscribe')
    return { kind: subscriptions.isSubscribed(topic) ? 'leave' : 'nothing', topic };
  const known = subscriptions.get(topic);
  if (known === undefined && command.type === 'consumer.updateSelector') throw notSubscribed(topic);
  const selector = selectorOf(command);
  subscriptions.check(topic, selector);
  if (topic === retryTopicOf(wiring.config.consumerGroup)) throw ownRetryTopic(topic);
  checkNamespace(wiring, topic);
  const listener = command.type === 'consumer.subscribe' ? command.listener : undefined;
  listeners.check(topic, listener);
  const isSettled = subscriptions.isSettled(topic);
  if (isSettled && known !== undefined && sameSelector(known.selector, selector)) {
    const isSame = listener === undefined || listener === listeners.find(topic);
    return isSame ? { kind: 'nothing', topic } : { kind: 'relisten', topic, listener };
  }
  warnOf(wiring, topic, selector);
  const kind = subscriptions.consumedTopics().includes(topic) ? 'revise' : 'join';
  return { kind, topic, selector, listener };
}

/** None means all messages when a topic is subscribed; as another selector it is a slip, and all messages would come. */
function selectorOf({
  type,
  topic,
  selector,
}: Exclude<SubscriptionCommand, { readonly type: 'consumer.unsubscribe' }>): Selector {
  if (selector !== undefined) return selector;
  if (type === 'consumer.subscribe') return everything;
  throw new SubscriptionError(
    'RMQ_SUBSCRIPTION_INVALID',
    `selector of ${topic}: write tag('…') or sql('…')`,
    {
      problem: 'selector',
      context: { topic },
    },
  );
}

function warnOf({ logger }: SubscribingWiring, topic: string, selector: Selector): void {
  const remark = checkSelector(selector);
  if (remark?.severity === 'warning')
    logger.warn(
      { topic, expression: selector.expression },
      `selector of ${topic}: ${remark.text}. ${remark.hint}`,
    );
}

function apply(
  { subscriptions, listeners, origins }: SubscribingWiring,
  plan: SubscribingPlan,
  options: { readonly afterBeat: boolean },
): void {
  const { topic } = plan;
  if (plan.kind === 'leave') {
    if (options.afterBeat) subscriptions.leave(topic);
    else subscriptions.unsubscribe(topic);
    return;
  }
  if (plan.kind === 'nothing') return;
  listeners.set(topic, plan.listener);
  if (plan.kind === 'relisten') return;
  if (plan.kind === 'join') origins.forget(topic); // its queues are those there are from now on
  subscriptions.subscribe(topic, plan.selector, options);
}

/** Its own brokers; for a topic that no name server knows any broker will do. With none at all the first one that appears is asked. */
async function check(wiring: SubscribingWiring, plan: SubscribingPlan, signal: AbortSignal): Promise<void> {
  if (!('selector' in plan) || plan.selector.type !== 'SQL92') return;
  const { cache, checks, nameServers, config } = wiring;
  const { topic, selector } = plan;
  const route = await nameServers.route(topic, { timeoutMs: config.consumerTimeoutMillisOfRequest, signal });
  const own: readonly Address[] = route?.brokers.flatMap(({ addresses }) => [...addresses.values()]) ?? [];
  const others = cache.brokerAddresses(cache.topics());
  const addresses = own.length > 0 ? own : others;
  await checks.ask(topic, selector, { addresses, signal });
}

/** What the routes actor will find at its next round, at once. */
async function locate(wiring: SubscribingWiring, topic: string, signal: AbortSignal): Promise<void> {
  const { cache, config, nameServers, origins, tell } = wiring;
  const route = await nameServers.route(topic, { timeoutMs: config.consumerTimeoutMillisOfRequest, signal });
  const isFound = route !== undefined && route.queues.length > 0;
  if (isFound) cache.set(topic, route);
  else origins.note(topic, []); // what is made later is read from its beginning
  if (isFound) tell({ type: 'route.changed', topics: [topic] });
  tell({ type: 'subscription.changed' });
}

async function register(wiring: SubscribingWiring, topic: string, signal: AbortSignal): Promise<void> {
  const { cache, config, greetings, subscriptions } = wiring;
  const own = cache.brokerAddresses([topic]);
  const retryTopic = retryTopicOf(config.consumerGroup);
  const all = cache.brokerAddresses([topic, retryTopic, ...subscriptions.announcedTopics()]);
  const options = { timeoutMs: config.consumerTimeoutMillisOfRequest, signal: sharedSignal(signal) };
  const beats = all.map(address => ({ address, answer: greetings.tell(address, options) }));
  const awaited = own.length === 0 ? beats : beats.filter(({ address }) => own.includes(address));
  for (const { answer } of beats) answer.catch(() => undefined); // a broker that is not waited for hears it with the next beat
  const answers = await Promise.allSettled(awaited.map(({ answer }) => answer));
  const failure = answers.find(answer => answer.status === 'rejected');
  if (failure !== undefined && answers.every(({ status }) => status === 'rejected')) throw failure.reason;
}

function checkNamespace({ config }: SubscribingWiring, topic: string): void {
  const namespace = namespaceOf(config.namespace);
  const problem = namespace && topicProblem(namespace.wire(topic));
  const isWrapped = namespace !== undefined && namespace.own(topic) !== topic;
  if (!isWrapped && problem === undefined) return;
  const why =
    problem ?? `it begins with the namespace, which is added by itself: write ${namespace?.own(topic)}`;
  throw new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', `topic ${topic} in this namespace: ${why}`, {
    problem: 'topic',
    context: { topic },
  });
}

function notSubscribed(topic: string): SubscriptionError {
  return new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', `${topic} is not subscribed`, {
    problem: 'notSubscribed',
    context: { topic },
  });
}

function ownRetryTopic(topic: string): SubscriptionError {
  return new SubscriptionError(
    'RMQ_SUBSCRIPTION_INVALID',
    `${topic} is consumed anyway: it brings this group's failed messages`,
    { problem: 'topic', context: { topic } },
  );
}
