// SPDX-License-Identifier: Apache-2.0
/** How are subscriptions and listeners read? */
import type { ConsumeHook } from '../listeners/consume-hook.ts';
import { isListener, type Listener } from '../listeners/listener.ts';
import type { MapBrokerAddress } from '../model/broker-address.ts';
import { topicProblem } from '../model/names.ts';
import { everything, type Selector } from '../model/subscription.ts';
import { asSelector, checkSelector } from '../subscriptions/check-selector.ts';
import { maxSubscriptions } from '../subscriptions/subscription-table.ts';
import type { CorruptPolicy } from './corrupt-policy.ts';
import type { CustomOffsetStore } from './custom-offset-store.ts';
import { describeValue, isArray } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { RevokeHook } from './revoke-hook.ts';

/** One topic to consume. */
export interface SubscriptionConfig {
  /** Its name as producers write it, without a namespace. */
  readonly topic: string;
  /** Which messages of it. Default: all. Made by `tag('paid || shipped')` or `sql("price > 10")`. */
  readonly selector?: Selector | undefined;
  /** What handles them. Default: the config's `listener`. */
  readonly listener?: Listener | undefined;
}

/** A checked subscription: the selector is always there; the listener is its own or the config's. */
export interface ResolvedSubscription {
  /** Its place in the list that was given, from 0. */
  readonly position: number;
  readonly topic: string;
  readonly selector: Selector;
  readonly listener: Listener | undefined;
}

export const listenerKind: Kind<Listener, Listener, 'none'> = {
  typeText: 'Listener',
  typeImports: { Listener: '../listeners/listener.ts' },
  unit: 'none',
  read: readListener,
  show: listener => listener.kind,
};

export const subscriptionList: Kind<readonly SubscriptionConfig[], readonly ResolvedSubscription[], 'none'> =
  {
    typeText: 'readonly SubscriptionConfig[]',
    typeImports: { SubscriptionConfig: './consuming-kinds.ts' },
    unit: 'none',
    read: readSubscriptions,
    show: list =>
      list.length === 0 ? 'none' : list.map(each => `${each.topic} (${each.selector.expression})`).join(', '),
  };

/** A function of the user: what it takes and answers cannot be seen from outside. `hint`: how one is written. */
function callback<F extends (...args: never[]) => unknown>(
  name: string,
  file: string,
  hint: string,
): Kind<F, F, 'none'> {
  return {
    typeText: name,
    typeImports: { [name]: file },
    unit: 'none',
    read: (value, spot) =>
      typeof value === 'function'
        ? (value as F) // as said above
        : spot.problem(`${describeValue(value)} is not a function`, hint),
    show: () => 'a function',
  };
}

export const revokeHook = callback<RevokeHook>('RevokeHook', './revoke-hook.ts', 'Write queues => { … }.');

export const consumeHooks: Kind<readonly ConsumeHook[], readonly ConsumeHook[], 'none'> = {
  typeText: 'readonly ConsumeHook[]',
  typeImports: { ConsumeHook: '../listeners/consume-hook.ts' },
  unit: 'none',
  read: readHooks,
  show: hooks => (hooks.length === 0 ? 'none' : hooks.map(({ name }, at) => name ?? `[${at}]`).join(', ')),
};

function readHooks(value: unknown, spot: Spot): readonly ConsumeHook[] | undefined {
  if (!isArray(value))
    return spot.problem(`${describeValue(value)} is not an array`, 'Write [{ before, after }].');
  const read = Array.from(value, (each, at) => readHook(each, spot.inside(`[${at}]`)));
  const good = read.filter(each => each !== undefined);
  return good.length === read.length ? good : undefined;
}

function readHook(value: unknown, spot: Spot): ConsumeHook | undefined {
  const hint = 'Write { before: call => { … }, after: (call, end) => { … } }, or one of the two.';
  if (typeof value !== 'object' || value === null)
    return spot.problem(`${describeValue(value)} is not an object`, hint);
  const { name, before, after } = value as { readonly [member in keyof ConsumeHook]: unknown }; // each is looked at
  if (name !== undefined && typeof name !== 'string') return spot.problem('its name is not a string', hint);
  for (const [which, hook] of Object.entries({ before, after })) {
    if (hook !== undefined && typeof hook !== 'function')
      return spot.inside(`.${which}`).problem(`${describeValue(hook)} is not a function`, hint);
  }
  if (before === undefined && after === undefined)
    return spot.problem('it has neither before nor after', hint);
  return value;
}

export const mapBrokerAddress = callback<MapBrokerAddress>(
  'MapBrokerAddress',
  '../model/broker-address.ts',
  'Write address => …, which answers an address or null.',
);

export const retryPolicy = callback<RetryPolicy>(
  'RetryPolicy',
  './retry-policy.ts',
  'Write (error, attempt) => { … }.',
);

export const customOffsetStore: Kind<CustomOffsetStore, CustomOffsetStore, 'none'> = {
  typeText: 'CustomOffsetStore',
  typeImports: { CustomOffsetStore: './custom-offset-store.ts' },
  unit: 'none',
  read: (value, spot) => {
    const hint = 'Write { read: queue => …, write: positions => … }; load and close may be there, too.';
    if (typeof value !== 'object' || value === null)
      return spot.problem(`${describeValue(value)} is not an offset store`, hint);
    const store = value as { readonly [Name in keyof CustomOffsetStore]?: unknown }; // looked at in the next lines
    const wrong = (['read', 'write', 'load', 'close'] as const).filter(
      (name, at) => typeof store[name] !== 'function' && (at < 2 || store[name] !== undefined),
    );
    if (wrong.length > 0) return spot.problem(`${wrong.join(' and ')} must be a function`, hint);
    return value as CustomOffsetStore; // what its functions take and answer cannot be seen from outside
  },
  show: () => 'an offset store',
};

type CorruptAnswer = 'halt' | 'skip' | CorruptPolicy;

export const corruptPolicy: Kind<CorruptAnswer, CorruptAnswer, 'none'> = {
  typeText: "'halt' | 'skip' | CorruptPolicy",
  typeImports: { CorruptPolicy: './corrupt-policy.ts' },
  unit: 'none',
  read: (value, spot) => {
    if (value === 'halt' || value === 'skip') return value;
    if (typeof value === 'function') return value as CorruptPolicy; // as with callback
    return spot.problem(
      `${describeValue(value)} is neither 'halt', 'skip' nor a function`,
      "Write 'halt' to stop in front of such a message, 'skip' to pass over it.",
    );
  },
  fromText: given => given,
  show: value => (typeof value === 'function' ? 'a function' : value),
};

function readListener(value: unknown, spot: Spot): Listener | undefined {
  if (isListener(value)) return value;
  return spot.problem(
    `${describeValue(value)} is not a listener`,
    'Wrap the function: concurrently(async messages => { … }), orderly(async messages => { … }), or simple(async message => { … }).',
  );
}

function readSubscriptions(value: unknown, spot: Spot): readonly ResolvedSubscription[] | undefined {
  if (!isArray(value)) {
    return spot.problem(`${describeValue(value)} is not an array`, "Write [{ topic: 'orders' }].");
  }
  if (value.length > maxSubscriptions) {
    return spot.problem(`it has ${value.length} topics, at most ${maxSubscriptions} are allowed`);
  }
  const seen = new Set<string>();
  const read = Array.from(value, (each, index) => {
    const place = spot.inside(`[${index}]`);
    const subscription = readSubscription(each, place, index);
    if (subscription === undefined) return undefined;
    if (seen.has(subscription.topic))
      return place.inside('.topic').problem(`${subscription.topic} is there twice`);
    seen.add(subscription.topic);
    return subscription;
  });
  const good = read.filter(each => each !== undefined);
  return good; // a refused one is in the report already; the others are still checked
}

const knownKeys: readonly string[] = ['topic', 'selector', 'listener'] satisfies (keyof SubscriptionConfig)[];

function readSubscription(value: unknown, spot: Spot, position: number): ResolvedSubscription | undefined {
  if (typeof value !== 'object' || value === null || isArray(value)) {
    return spot.problem(
      `${describeValue(value)} is not a subscription`,
      typeof value === 'string' ? `Write { topic: ${describeValue(value)} }.` : undefined,
    );
  }
  const given: Readonly<Record<string, unknown>> = { ...value };
  const unknown = Object.keys(given).filter(key => !knownKeys.includes(key));
  for (const key of unknown)
    spot.inside(`.${key}`).problem('there is no such field', `Known are ${knownKeys.join(', ')}.`);
  const topic = readTopic(given['topic'], spot.inside('.topic'));
  const selector =
    given['selector'] === undefined ? everything : readSelector(given['selector'], spot.inside('.selector'));
  const listenerGiven = given['listener'];
  const listener =
    listenerGiven === undefined ? undefined : readListener(listenerGiven, spot.inside('.listener'));
  const isWhole = unknown.length === 0 && (listenerGiven === undefined || listener !== undefined);
  return topic === undefined || selector === undefined || !isWhole
    ? undefined
    : Object.freeze({ position, topic, selector, listener });
}

function readTopic(value: unknown, spot: Spot): string | undefined {
  if (typeof value !== 'string') return spot.problem(`${describeValue(value)} is not a topic name`);
  const wrong = topicProblem(value);
  return wrong === undefined ? value : spot.problem(`topic ${describeValue(value)}: ${wrong}`, nameHint);
}

/** Said with every refused topic or group name. */
export const nameHint = "Allowed are letters, digits, and the characters % | _ -, for example 'orders-paid'.";

function readSelector(value: unknown, spot: Spot): Selector | undefined {
  const selector = asSelector(value);
  if (selector === undefined) {
    const hint =
      typeof value === 'string'
        ? `Write tag(${describeValue(value)}) or sql(…).`
        : "Write tag('…') or sql('…').";
    return spot.problem(`${describeValue(value)} is not a selector`, hint);
  }
  const remark = checkSelector(selector);
  if (remark?.severity === 'problem') return spot.problem(remark.text, remark.hint);
  if (remark !== undefined) spot.warning(remark.text, remark.hint);
  return selector;
}
